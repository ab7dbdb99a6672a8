//! The service, started with a migrated database, a city database and the keys and stations of the
//! recorded cases.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use chrono::NaiveDateTime;
use clap::Parser;
use ichnaea_kv::Op;
use ichnaea_server::clock::Clock;
use ichnaea_server::config::{Embedded, Settings};
use ichnaea_server::context::Context;
use ichnaea_testkit::cases::{self, Placeholders, Request};
use ichnaea_testkit::compare::Answer;
use ichnaea_testkit::database::{self, FreshDatabase};
use ichnaea_testkit::fixture::Database;
use ichnaea_testkit::keyvalue::{self, FreshKeyValue};
use ichnaea_testkit::{Backend, geoip};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client;

/// The running service and what it stands on. Time stands still for it.
pub struct App {
    /// The handles of the service.
    pub context: Arc<Context>,
    /// Its database, past the code under test.
    pub database: Database,
    /// Where it listens.
    pub address: SocketAddr,
    /// The time at which it stands still.
    pub now: NaiveDateTime,
    stop: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
    _database: FreshDatabase,
    _keyvalue: FreshKeyValue,
    _folder: TempDir,
}

/// Reads settings as the command does, so that defaults are the real ones.
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    settings: Settings,
}

impl App {
    /// Starts the service with the rows of the fixture; `provider` is the address of the outside
    /// provider in its keys.
    ///
    /// # Panics
    ///
    /// When anything of it fails.
    pub async fn start(backend: Backend, provider: &str) -> Self {
        let fresh_database = database::fresh(backend);
        let fresh_keyvalue = keyvalue::fresh(backend);
        let folder = TempDir::with_prefix("ichnaea-app-").expect("a folder");
        let geoip_path = folder.path().join("city.mmdb");
        geoip::write_city_file(&geoip_path).expect("a city database");
        let geoip_path = geoip_path.display().to_string();

        let command = Command::parse_from([
            "ichnaea",
            "--db-readonly-uri",
            &fresh_database.reader_uri(),
            "--db-readwrite-uri",
            &fresh_database.uri,
            "--sqlalchemy-url",
            &fresh_database.uri,
            "--redis-uri",
            &fresh_keyvalue.uri,
            "--geoip-path",
            &geoip_path,
        ]);
        let config = command.settings.resolve(Embedded::IfPresent);
        let config = config.unwrap_or_else(|problems| panic!("settings: {problems:?}"));
        let mut context = Context::open(config).await.expect("all handles");
        let now = Clock::System.now();
        context.clock = Clock::Fixed(Arc::new(AtomicI64::new(now.and_utc().timestamp_millis())));
        let context = Arc::new(context);
        context.writer.migrate().await.expect("migrations");

        let mut database = Database::open(&fresh_database.uri).await;
        let placeholders = Placeholders { now, provider: provider.to_owned() };
        database.load(&cases::fixture(&placeholders)).await;

        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("a port");
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        };
        let serve = ichnaea_server::http::serve(Arc::clone(&context), listener, shutdown);
        Self {
            context,
            database,
            address,
            now,
            stop,
            server: tokio::spawn(serve),
            _database: fresh_database,
            _keyvalue: fresh_keyvalue,
            _folder: folder,
        }
    }

    /// Sends the request of a case.
    pub async fn send(&self, request: &Request) -> Answer {
        client::send(self.address, request).await
    }

    /// Removes everything from the key-value store.
    ///
    /// # Panics
    ///
    /// When the store refuses.
    pub async fn clear_keyvalue(&self) {
        let keys = self.context.kv.keys("").await.expect("keys");
        let ops = keys.into_iter().map(|key| Op::Delete { key: key.into_bytes() });
        self.context.kv.apply(ops.collect()).await.expect("keys are deleted");
    }

    /// Ends the service in good order.
    ///
    /// # Panics
    ///
    /// When it did not run until now, or fails to end.
    pub async fn stop(self) {
        self.stop.send(()).expect("the service ran until now");
        self.server.await.expect("no panic").expect("no failure");
    }
}
