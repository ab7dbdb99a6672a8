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
use ichnaea_store::{Options, Store};
use ichnaea_testkit::cases::{self, Placeholders, Request};
use ichnaea_testkit::compare::Answer;
use ichnaea_testkit::database::{self, FreshDatabase};
use ichnaea_testkit::fixture::Database;
use ichnaea_testkit::keyvalue::{self, FreshKeyValue};
use ichnaea_testkit::servers::{MariaDbServer, NginxServer};
use ichnaea_testkit::{Backend, geoip};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client;

/// What the service stands on and what stands before it.
#[derive(Clone, Copy)]
pub enum Setting<'a> {
    /// The backends, and clients that come directly.
    Direct(Backend),
    /// A MariaDB server of its own and Redis.
    On(&'a MariaDbServer),
    /// The same, and two instances that a proxy hands requests to in turn.
    Proxied(&'a MariaDbServer),
}

/// The running service and what it stands on. Time stands still for it.
pub struct App {
    /// The handles of the service; the second instance has others.
    pub context: Arc<Context>,
    /// Its database, past the code under test.
    pub database: Database,
    /// Where it listens.
    pub address: SocketAddr,
    /// The time at which it stands still.
    pub now: NaiveDateTime,
    instances: Vec<Instance>,
    proxy: Option<NginxServer>,
    fresh_database: FreshDatabase,
    _keyvalue: FreshKeyValue,
    _folder: TempDir,
}

/// A web role.
struct Instance {
    address: SocketAddr,
    /// Kept, so that nobody else gets the port while this starts again.
    port: std::net::TcpListener,
    context: Arc<Context>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<anyhow::Result<()>>,
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
        Self::start_in(Setting::Direct(backend), provider).await
    }

    /// The same in this setting. The accounts have no more rights than their roles need.
    ///
    /// # Panics
    ///
    /// When anything of it fails.
    pub async fn start_in(setting: Setting<'_>, provider: &str) -> Self {
        Self::start_with(setting, provider, &[]).await
    }

    /// The same with further options of the command line.
    ///
    /// # Panics
    ///
    /// When anything of it fails.
    pub async fn start_with(setting: Setting<'_>, provider: &str, options: &[&str]) -> Self {
        let fresh_database = match setting {
            Setting::Direct(backend) => database::fresh(backend),
            Setting::On(server) | Setting::Proxied(server) => {
                database::fresh_on(server.server_uri())
            }
        };
        let fresh_keyvalue = keyvalue::fresh(setting.backend());
        let folder = TempDir::with_prefix("ichnaea-app-").expect("a folder");
        let geoip_path = folder.path().join("city.mmdb");
        geoip::write_city_file(&geoip_path).expect("a city database");
        let geoip_path = geoip_path.display().to_string();

        let schema = Store::open(&fresh_database.uri, &Options::default()).expect("a database");
        schema.migrate().await.expect("migrations");
        let arguments = [
            "ichnaea",
            "--db-readonly-uri",
            &fresh_database.reader_uri(),
            "--db-readwrite-uri",
            &fresh_database.writer_uri(),
            "--sqlalchemy-url",
            "mysql://nobody@127.0.0.1:1/nothing",
            "--redis-uri",
            &fresh_keyvalue.uri,
            "--geoip-path",
            &geoip_path,
        ];
        let command = Command::parse_from(arguments.iter().chain(options));
        let config = command.settings.resolve(Embedded::IfPresent);
        let config = config.unwrap_or_else(|problems| panic!("settings: {problems:?}"));
        let now = Clock::System.now();
        let clock = Arc::new(AtomicI64::new(now.and_utc().timestamp_millis()));
        let open = async || {
            let mut context = Context::open(config.clone()).await.expect("all handles");
            context.clock = Clock::Fixed(Arc::clone(&clock));
            Arc::new(context)
        };
        let context = open().await;

        let mut database = Database::open(&fresh_database.uri).await;
        let placeholders = Placeholders { now, provider: provider.to_owned() };
        database.load(&cases::fixture(&placeholders)).await;

        let mut instances = vec![Instance::start(Arc::clone(&context)).await];
        let mut proxy = None;
        if let Setting::Proxied(_) = setting {
            instances.push(Instance::start(open().await).await);
            let addresses: Vec<_> = instances.iter().map(|instance| instance.address).collect();
            proxy = Some(NginxServer::start(&addresses));
        }
        Self {
            context,
            database,
            address: proxy.as_ref().map_or(instances[0].address, |proxy| proxy.address),
            now,
            instances,
            proxy,
            fresh_database,
            _keyvalue: fresh_keyvalue,
            _folder: folder,
        }
    }

    /// Changes the database behind the service's back.
    pub fn execute(&self, statements: &[&str]) {
        self.fresh_database.execute(statements);
    }

    /// Sends the request of a case.
    ///
    /// # Panics
    ///
    /// When the answer wants a client to come back to the same instance.
    pub async fn send(&self, request: &Request) -> Answer {
        let answer = client::send(self.address, request).await;
        assert_eq!(answer.header("set-cookie"), None, "{}", request.target());
        answer
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
        drop(self.proxy);
        for instance in self.instances {
            instance.stop().await;
        }
    }

    /// Has everything sent that is sent behind answers: each instance ends and starts again.
    ///
    /// # Panics
    ///
    /// As [`Self::stop`].
    pub async fn settle(&mut self) {
        for instance in std::mem::take(&mut self.instances) {
            let (port, context) = instance.stop().await;
            self.instances.push(Instance::start_on(port, context));
        }
    }
}

impl Instance {
    async fn start(context: Arc<Context>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        Self::start_on(listener.into_std().expect("a port"), context)
    }

    fn start_on(port: std::net::TcpListener, context: Arc<Context>) -> Self {
        let listener = port.try_clone().and_then(TcpListener::from_std).expect("a port");
        let address = listener.local_addr().expect("a port");
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // A sender that is gone means the same.
            let _ = stopped.await;
        };
        let serve = ichnaea_server::http::serve(Arc::clone(&context), listener, shutdown);
        Self { address, port, context, stop, server: tokio::spawn(serve) }
    }

    async fn stop(self) -> (std::net::TcpListener, Arc<Context>) {
        self.stop.send(()).expect("the service ran until now");
        self.server.await.expect("no panic").expect("no failure");
        (self.port, self.context)
    }
}

impl Setting<'_> {
    /// The backends.
    pub const fn backend(self) -> Backend {
        match self {
            Self::Direct(backend) => backend,
            Self::On(_) | Self::Proxied(_) => Backend::Server,
        }
    }

    /// What the summary calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct(Backend::Embedded) => "SQLite + embedded",
            Self::Direct(Backend::Server) => "MariaDB + Redis",
            Self::On(_) => "a MariaDB without an SQL mode + Redis",
            Self::Proxied(_) => "a strict MariaDB + Redis, two instances behind nginx",
        }
    }
}
