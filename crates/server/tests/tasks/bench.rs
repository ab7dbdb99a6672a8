//! What the tests of this folder work on: fresh backends, a clock that stands still, and shortcuts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use chrono::DateTime;
use clap::Parser;
use ichnaea_domain::report::QueuedReport;
use ichnaea_domain::station::StationKey;
use ichnaea_kv::{Op, QueueState};
use ichnaea_server::clock::Clock;
use ichnaea_server::config::{Embedded, Settings};
use ichnaea_server::context::Context;
use ichnaea_server::keys;
use ichnaea_server::metrics::Metrics;
use ichnaea_server::tasks::drain::Drain;
use ichnaea_server::tasks::{Outcome, Run, Task, run_once};
use ichnaea_store::{BatchRef, Options, StationChanges, Store};
use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{self, FreshDatabase};
use ichnaea_testkit::keyvalue::{self, FreshKeyValue};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// 2026-01-31 12:00 UTC, a Saturday.
pub const NOON_MS: i64 = 1_769_860_800_000;

/// A database nobody listens for.
const AWAY: &str = "mysql://nobody@127.0.0.1:1/nothing";

/// The handles of one test.
pub struct Bench {
    /// What tasks are run with.
    pub run: Run,
    /// The database, past the code under test.
    pub database: FreshDatabase,
    time_ms: Arc<AtomicI64>,
    /// Its queues, past the code under test.
    pub keyvalue: FreshKeyValue,
}

/// A worker in the middle of an update.
pub struct Holder {
    let_go: mpsc::Sender<()>,
    end: JoinHandle<()>,
}

impl Holder {
    /// Lets it go on to its end.
    pub async fn let_go(self) {
        drop(self.let_go);
        self.end.await.unwrap();
    }
}

/// Reads settings as the command does, so that defaults are the real ones.
#[derive(Parser)]
struct Command {
    #[command(flatten)]
    settings: Settings,
}

impl Bench {
    /// Fresh backends, with a schema.
    pub async fn new(backend: Backend) -> Self {
        Self::with_options(backend, &[]).await
    }

    /// The same, with these options of the command.
    pub async fn with_options(backend: Backend, options: &[&str]) -> Self {
        let bench = Self::open(backend, options).await;
        bench.context().writer.migrate().await.unwrap();
        bench
    }

    /// Fresh backends.
    pub async fn without_schema(backend: Backend) -> Self {
        Self::open(backend, &[]).await
    }

    async fn open(backend: Backend, options: &[&str]) -> Self {
        // Fails only in the second test of a process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (database, keyvalue) = (database::fresh(backend), keyvalue::fresh(backend));
        let arguments =
            ["ichnaea", "--db-readwrite-uri", &database.uri, "--redis-uri", &keyvalue.uri];
        let arguments = arguments.iter().chain(options);
        let config = Command::parse_from(arguments).settings.resolve(Embedded::IfPresent);
        let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
        let mut context = Context::open(config).await.unwrap();
        let time_ms = Arc::new(AtomicI64::new(NOON_MS));
        context.clock = Clock::Fixed(Arc::clone(&time_ms));
        context.metrics = Metrics::recording();
        Self { run: Run::new(Arc::new(context)), database, time_ms, keyvalue }
    }

    pub fn context(&self) -> &Arc<Context> {
        &self.run.context
    }

    /// The same backends, but for a database that is away.
    pub async fn run_without_database(&self) -> Run {
        self.run_with_writer(Store::open(AWAY, &Options::default()).unwrap()).await
    }

    /// The same backends with another handle on a database.
    pub async fn run_with_writer(&self, writer: Store) -> Run {
        let mut context = Context::open(self.context().config.clone()).await.unwrap();
        context.clock = self.context().clock.clone();
        context.metrics = Metrics::recording();
        context.writer = writer;
        Run::new(Arc::new(context))
    }

    /// Another handle on the database, with a bound on its calls.
    pub fn store(&self, wait: Duration) -> Store {
        Store::open(&self.database.uri, &Options { wait, ..Options::default() }).unwrap()
    }

    /// Another worker that has read a station for an update and does not go on.
    pub fn hold(&self, station: StationKey) -> Holder {
        let (held, is_held) = mpsc::channel();
        let (let_go, may_go) = mpsc::channel::<()>();
        let may_go = Mutex::new(may_go);
        let store = self.store(Duration::from_mins(1));
        let now = self.context().clock.now();
        let end = tokio::spawn(async move {
            let batch = BatchRef { id: "held".to_owned(), queue: "other".to_owned(), now };
            let rule = move |_: &HashMap<_, _>| {
                held.send(()).unwrap();
                // The other end is dropped when the test is over, whatever came of it.
                let _ = may_go.lock().unwrap().recv();
                StationChanges { insert: Vec::new(), update: Vec::new(), outcome: () }
            };
            store.update_stations(&batch, vec![station], rule).await.unwrap();
        });
        is_held.recv_timeout(Duration::from_secs(30)).unwrap();
        Holder { let_go, end }
    }

    /// What was measured since the last time, as statsd would get it.
    pub fn emitted(&self) -> Vec<String> {
        self.context().metrics.take_recorded()
    }

    /// Lets the clock go on.
    pub fn pass(&self, seconds: i64) {
        self.time_ms.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// Puts one item after the other into a queue.
    pub async fn push(&self, queue: &str, items: Vec<Vec<u8>>) {
        let op = Op::Push { queue: queue.to_owned(), items };
        self.context().kv.apply(vec![op]).await.unwrap();
    }

    /// Puts reports into the incoming queue, as the web role does.
    pub async fn submit(&self, reports: &[Value]) {
        let queued = |report: &Value| {
            let queued = json!({"api_key": "test", "source": "gnss", "report": report});
            serde_json::from_value::<QueuedReport>(queued).unwrap()
        };
        let reports: Vec<QueuedReport> = reports.iter().map(queued).collect();
        self.push(keys::UPDATE_INCOMING, keys::incoming().encode(&reports).unwrap()).await;
    }

    pub async fn run(&self, task: Task, argument: Option<&str>) -> Outcome {
        run_once(&self.run, task, argument).await.unwrap()
    }

    pub async fn drain(&self) {
        Drain::default().run(&self.run, |_| {}).await.unwrap();
    }

    pub async fn queue(&self, name: &str) -> QueueState {
        self.context().kv.queues(&[name.to_owned()]).await.unwrap()[0]
    }

    /// The numbers of counters; `None` for one that does not exist.
    pub async fn counters<const N: usize>(&self, names: [&str; N]) -> [Option<i64>; N] {
        let keys = names.map(|name| name.as_bytes().to_vec());
        let values = self.context().kv.get(&keys).await.unwrap();
        let number = |value: &Option<Vec<u8>>| {
            value.as_ref().map(|text| std::str::from_utf8(text).unwrap().parse().unwrap())
        };
        values.iter().map(number).collect::<Vec<_>>().try_into().unwrap()
    }

    /// The rows of a query, with numbers as numbers and NULL as null.
    pub fn rows(&self, query: &str) -> Vec<Vec<Value>> {
        let value = |cell: Option<String>| match cell {
            None => Value::Null,
            Some(text) => match text.parse::<f64>() {
                Ok(number) => json!(number),
                Err(_) => json!(text),
            },
        };
        let rows = self.database.rows(query).into_iter();
        rows.map(|row| row.into_iter().map(value).collect()).collect()
    }
}

/// A report made at a position.
pub fn report(lat: f64, lon: f64, networks: &Value) -> Value {
    let mut report = json!({"timestamp": NOON_MS, "position": {"latitude": lat, "longitude": lon}});
    let members = networks.as_object().unwrap().clone();
    report.as_object_mut().unwrap().extend(members);
    report
}

/// One access point as a report names it.
pub fn wifi(mac: &str) -> Value {
    json!({"wifiAccessPoints": [{"macAddress": mac}]})
}

/// One GSM cell of area 234/30/5 as a report names it.
pub fn gsm(cid: u32) -> Value {
    json!({"cellTowers": [{
        "radioType": "gsm", "mobileCountryCode": 234, "mobileNetworkCode": 30,
        "locationAreaCode": 5, "cellId": cid,
    }]})
}

/// An observation as it waits in the queue of a station table.
pub fn observation(mac: &str, lat: f64, lon: f64) -> Vec<u8> {
    json!({"mac": mac, "lat": lat, "lon": lon}).to_string().into_bytes()
}

/// When a time is in milliseconds since 1970.
pub fn ms(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}
