//! A small workload, ways to disturb its way into the tables, and what has to come out.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ichnaea_domain::report::QueuedReport;
use ichnaea_kv::{KeyValue, Op};
use ichnaea_server::keys;
use ichnaea_server::tasks::Task;
use ichnaea_server::tasks::batch::{Dead, Reason};
use ichnaea_server::tasks::letter::Letter;
use ichnaea_server::tasks::message::{Message, send};
use ichnaea_testkit::Backend;
use ichnaea_testkit::cases::{Row, Tables};
use ichnaea_testkit::database::{self, FreshDatabase};
use ichnaea_testkit::fixture::Database;
use ichnaea_testkit::keyvalue::{self, FreshKeyValue};
use ichnaea_testkit::receiver::Receiver;
use ichnaea_testkit::servers::{MariaDbServer, RedisServer};
use serde_json::{Value, json};

use crate::process::Addresses;

/// A database nobody listens for.
const AWAY: &str = "mysql://nobody@127.0.0.1:1/nothing";
/// A server that takes longer than this to listen hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const DRAIN: &[&str] = &["pipeline", "drain"];
const REQUEUE: &[&str] = &["pipeline", "dead-letters", "requeue", "--limit", "12"];

/// How a point is reached.
#[derive(Clone, Copy)]
pub enum Way {
    /// By a submission; whether its reports are queued by then.
    Submit { is_queued: bool },
    /// By working off everything; how often the point is passed on the way.
    Drain { times: usize },
    /// By working on observations while the database is away.
    WithoutDatabase,
    /// By giving up a batch that failed too often.
    Bury,
    /// By a worker that was told to distribute the reports.
    Worker,
    /// By passing the reports on to another instance as well, which answers so at first.
    Deliver { status: u16 },
    /// By putting back the dead letters that all reports had become.
    Requeue,
    /// By this task, after everything was worked off.
    Task(&'static str),
}

/// Backends with a workload.
pub struct Scene {
    addresses: Addresses,
    kv: Arc<dyn KeyValue>,
    database: Database,
    undisturbed: Tables,
    receiver: Receiver,
    place: Place,
}

/// What the backends stand on; kept for as long as they are used.
enum Place {
    Fresh { _database: FreshDatabase, _keyvalue: FreshKeyValue },
    Own { redis: RedisServer, mariadb: MariaDbServer },
}

impl Scene {
    /// Fresh backends, and what an undisturbed run leaves there.
    pub async fn start(backend: Backend) -> Self {
        let (database, keyvalue) = (database::fresh(backend), keyvalue::fresh(backend));
        let addresses = Addresses::new(&database.uri, &keyvalue.uri);
        Self::run(addresses, Place::Fresh { _database: database, _keyvalue: keyvalue }).await
    }

    /// The same on servers that can be killed.
    pub async fn start_with_own_servers() -> Self {
        let (redis, mariadb) = (RedisServer::start(), MariaDbServer::start());
        let addresses = Addresses::new(&mariadb.uri, &redis.uri);
        Self::run(addresses, Place::Own { redis, mariadb }).await
    }

    async fn run(addresses: Addresses, place: Place) -> Self {
        addresses.run(&["db", "migrate"]);
        let options = ichnaea_kv::Options::default();
        let kv = ichnaea_kv::open(&addresses.keyvalue, &options).await.unwrap();
        let database = Database::open(&addresses.database).await;
        let (undisturbed, receiver) = (Tables::new(), Receiver::start().await);
        let mut scene = Self { addresses, kv, database, undisturbed, receiver, place };
        scene.reset().await;
        scene.queue_reports().await;
        scene.undisturbed = scene.complete().await;
        for table in ["blue_shard_4", "cell_gsm", "cell_lte", "wifi_shard_0", "cell_area", "stat"] {
            assert!(scene.undisturbed.contains_key(table), "{table} is empty");
        }
        scene
    }

    /// Kills a process at a point, each time it is passed, and compares what comes out then.
    pub async fn disturb(&mut self, point: &str, way: Way) {
        let times = if let Way::Drain { times } = way { times } else { 1 };
        for time in 1..=times {
            self.reset().await;
            if let Way::Deliver { status } = way {
                self.receiver = Receiver::start().await;
                self.receiver.answer_status(status);
                self.add_partner().await;
            }
            self.reach(point, way, time).await;
            self.receiver.answer_status(200);
            self.compare(point, way, time).await;
        }
    }

    /// What the processes measure while a drain is killed at a point and another one goes on: the
    /// sum of every counter about observations and stations, by its name and tags. Without a point
    /// nothing is killed.
    pub async fn measured(&mut self, point: Option<&str>) -> BTreeMap<String, u64> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        self.reset().await;
        self.queue_reports().await;
        let mut addresses = self.addresses.clone();
        addresses.statsd = Some(socket.local_addr().unwrap().port());
        if let Some(point) = point {
            addresses.run_into(DRAIN, &format!("{point}:1"));
        }
        addresses.run(DRAIN);
        // Everything was sent before the last process ended.
        socket.set_nonblocking(true).unwrap();
        let mut sums = BTreeMap::new();
        let mut datagram = [0; 2048];
        while let Ok(len) = socket.recv(&mut datagram) {
            let line = String::from_utf8_lossy(&datagram[..len]);
            let (name, rest) = line.trim_end().split_once(':').unwrap();
            let (number, tags) = rest.split_once("|c|#").unwrap_or_default();
            let is_meant = ["data.observation.insert", "data.station."];
            if is_meant.iter().any(|start| name.starts_with(&format!("location.{start}"))) {
                *sums.entry(format!("{name} {tags}")).or_default() +=
                    number.parse::<u64>().unwrap();
            }
        }
        sums
    }

    /// Kills a process at a point and the servers with it.
    pub async fn disturb_servers_too(&mut self, point: &str, way: Way, time: usize) {
        self.reset().await;
        self.reach(point, way, time).await;
        if let Place::Own { redis, mariadb } = &mut self.place {
            redis.kill();
            mariadb.kill();
            redis.restart();
            mariadb.restart();
        }
        self.database = Database::open(&self.addresses.database).await;
        self.compare(point, way, time).await;
    }

    /// Empty tables and queues, and an export target with small batches.
    async fn reset(&mut self) {
        self.database.clear().await;
        self.set_targets(&[internal()]).await;
        let keys = self.kv.keys("").await.unwrap();
        let delete = |key: String| Op::Delete { key: key.into_bytes() };
        self.kv.apply(keys.into_iter().map(delete).collect()).await.unwrap();
    }

    /// A second export target.
    async fn add_partner(&mut self) {
        let url = self.receiver.url();
        let partner = json!({"name": "partner", "batch": 5, "schema": "geosubmit", "url": url});
        self.set_targets(&[internal(), partner]).await;
    }

    async fn set_targets(&mut self, targets: &[Value]) {
        let rows: Vec<Row> = targets.iter().filter_map(|row| row.as_object().cloned()).collect();
        self.database.load(&Tables::from([("export_config".to_owned(), rows)])).await;
    }

    /// Whether the partner has every report, each batch under one id whenever it came.
    fn check_partner(&self, place: &str) {
        let mut batches = BTreeMap::new();
        let mut reports = 0;
        for delivery in self.receiver.deliveries() {
            let first = batches.entry(delivery.batch).or_insert(delivery.timestamps.clone());
            assert_eq!(*first, delivery.timestamps, "{place}");
        }
        for timestamps in batches.values() {
            reports += timestamps.len();
        }
        assert_eq!(reports, 12, "{place}: {batches:?}");
        let last: BTreeMap<_, _> = self
            .receiver
            .deliveries()
            .into_iter()
            .map(|delivery| (delivery.batch, delivery.status))
            .collect();
        assert!(last.values().all(|status| *status == 200), "{place}: {last:?}");
    }

    async fn queue_reports(&self) {
        let queued = |report| {
            let queued = json!({"api_key": null, "source": "gnss", "report": report});
            serde_json::from_value::<QueuedReport>(queued).unwrap()
        };
        let reports: Vec<QueuedReport> = reports().into_iter().map(queued).collect();
        let items = keys::incoming().encode(&reports).unwrap();
        let push = Op::Push { queue: keys::UPDATE_INCOMING.to_owned(), items };
        self.kv.apply(vec![push]).await.unwrap();
    }

    /// Has a process killed at a point.
    async fn reach(&self, point: &str, way: Way, time: usize) {
        let fault = format!("{point}:{time}");
        let addresses = &self.addresses;
        match way {
            Way::Submit { is_queued } => {
                submit(addresses, Some(&fault));
                if !is_queued {
                    // Nobody was told that the reports are safe, so they are sent again.
                    submit(addresses, None);
                }
            }
            Way::Requeue => {
                self.queue_reports().await;
                let queue = keys::UPDATE_INCOMING;
                let items = self.kv.peek(queue, 0, usize::MAX).await.unwrap();
                let (reason, detail) = (Reason::Undecodable, "of a test".to_owned());
                let dead = items.into_iter().map(|item| Dead {
                    reason,
                    detail: detail.clone(),
                    item,
                    batch: None,
                });
                let items = dead.map(|dead| Letter::new(&dead, "now").encode()).collect();
                let put_aside = Op::Push { queue: keys::dead_letters(queue), items };
                let delete = Op::Delete { key: queue.as_bytes().to_vec() };
                self.kv.apply(vec![put_aside, delete]).await.unwrap();
                addresses.run_into(REQUEUE, &fault);
            }
            Way::Drain { .. } | Way::Deliver { .. } => {
                self.queue_reports().await;
                addresses.run_into(DRAIN, &fault);
            }
            Way::WithoutDatabase => {
                self.queue_reports().await;
                addresses.run(&["task", "run", "update_incoming"]);
                addresses.run(&["task", "run", "export_reports"]);
                let without = Addresses { database: AWAY.to_owned(), ..addresses.clone() };
                without.run_into(&["task", "run", "update_wifi", "--shard", "0"], &fault);
            }
            Way::Bury => {
                let queue = "update_wifi_0";
                let items = vec![b"{}".to_vec(), b"[]".to_vec()];
                self.kv.apply(vec![Op::Push { queue: queue.to_owned(), items }]).await.unwrap();
                let lease = Duration::from_mins(1);
                let taken = self.kv.take(queue, 0, lease).await.unwrap().unwrap();
                let tries = Op::Count { key: keys::tries(&taken.id), by: 8, ttl: None };
                self.kv.apply(vec![tries]).await.unwrap();
                self.kv.put_back(queue, &taken.id).await.unwrap();
                addresses.run_into(&["task", "run", "update_wifi", "--shard", "0"], &fault);
            }
            Way::Worker => {
                self.queue_reports().await;
                let hour = Duration::from_hours(1);
                let message = Message::new(Task::UpdateIncoming, None, now_ms(), hour);
                self.kv.apply(vec![send(&[message])]).await.unwrap();
                addresses.run_into(&["worker"], &fault);
            }
            Way::Task(task) => {
                self.queue_reports().await;
                addresses.run(DRAIN);
                addresses.run_into(&["task", "run", task], &fault);
            }
        }
    }

    /// Goes on after a kill, and compares what comes out.
    async fn compare(&mut self, point: &str, way: Way, time: usize) {
        let place = format!("{point}, time {time}");
        if let Way::Requeue = way {
            self.requeue_all(&place).await;
        }
        let found = self.complete().await;
        if let Way::Deliver { .. } = way {
            self.check_partner(&place);
        }
        if let Way::Bury = way {
            let letters = self.kv.peek(&keys::dead_letters("update_wifi_0"), 0, 10).await.unwrap();
            assert_eq!(letters.len(), 2, "{place}");
            let count = keys::dead_count("update_wifi_0", "failed_batch").into_bytes();
            let count = self.kv.get(&[count]).await.unwrap().remove(0);
            assert_eq!(count.as_deref(), Some(&b"2"[..]), "{place}");
            return;
        }
        let dead = self.kv.keys(keys::DEAD_PREFIX).await.unwrap();
        assert!(dead.is_empty(), "{place}: {dead:?}");
        for (table, rows) in &self.undisturbed {
            assert_eq!(found.get(table), Some(rows), "{place}: {table}");
        }
        assert_eq!(found.len(), self.undisturbed.len(), "{place}");
    }

    /// Puts back what the command that was killed still holds, when its lease is over.
    async fn requeue_all(&self, place: &str) {
        let list = [keys::dead_letters(keys::UPDATE_INCOMING)];
        let started = Instant::now();
        loop {
            let state = self.kv.queues(&list).await.unwrap()[0];
            if state.len + state.in_flight == 0 {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{place}: {state:?}");
            self.addresses.start(REQUEUE, None).end();
        }
    }

    /// Works off what is left, brings the counters into the tables, and reads these. Nothing may
    /// wait or be held afterwards.
    async fn complete(&mut self) -> Tables {
        self.addresses.run(DRAIN);
        self.settle_stat().await;
        self.addresses.run(&["task", "run", "update_statcounter"]);
        self.addresses.run(&["task", "run", "update_statregion"]);
        let mut names: Vec<String> =
            keys::data_queues().into_iter().map(|queue| queue.name).collect();
        names.extend(["internal", "partner"].map(|target| format!("queue_export_{target}")));
        for (name, state) in names.iter().zip(self.kv.queues(&names).await.unwrap()) {
            assert_eq!((state.len, state.in_flight), (0, 0), "{name}");
        }
        let mut tables = self.database.read().await;
        for rows in tables.values_mut() {
            for row in rows.iter_mut() {
                row.retain(|column, _| column != "created" && column != "modified");
            }
            rows.sort_by_cached_key(|row| Value::Object(row.clone()).to_string());
        }
        tables
    }

    /// Ends the lease of a statistics batch whose worker was killed, instead of waiting for that.
    async fn settle_stat(&self) {
        let queue = keys::UPDATE_STAT;
        let names = [queue.to_owned()];
        let started = Instant::now();
        while self.kv.queues(&names).await.unwrap()[0].in_flight > 0 {
            assert!(started.elapsed() < PATIENCE);
            let lease = Duration::from_millis(1);
            if let Some(taken) = self.kv.take(queue, 0, lease).await.unwrap() {
                self.kv.put_back(queue, &taken.id).await.unwrap();
                return;
            }
        }
    }
}

fn internal() -> Value {
    json!({"name": "internal", "batch": 4, "schema": "internal"})
}

/// Twelve reports that see the same stations from several places: some are refined, one is seen
/// where it cannot be.
fn reports() -> Vec<Value> {
    (0..12_u32)
        .map(|index| {
            let lat = 51.5 + 0.0001 * f64::from(index);
            let far = if index == 11 { 0.2 } else { 0.0 };
            json!({
                "timestamp": 1_700_000_000_000_i64,
                "position": {"latitude": lat + far, "longitude": -0.1, "accuracy": 20.0},
                "wifiAccessPoints": [
                    {"macAddress": format!("94b40f010d0{:x}", index % 4), "signalStrength": -60},
                    {"macAddress": format!("94b40f020d{index:02x}")},
                ],
                "bluetoothBeacons": [{"macAddress": "ff23456789ab"}],
                "cellTowers": [cell("gsm", 5, index % 2), cell("lte", index % 3, 7)],
            })
        })
        .collect()
}

fn cell(radio: &str, lac: u32, cid: u32) -> Value {
    json!({
        "radioType": radio, "mobileCountryCode": 234, "mobileNetworkCode": 30,
        "locationAreaCode": lac + 1, "cellId": cid + 1,
    })
}

/// Sends the reports in one request. With a fault the server has to be killed by it.
fn submit(addresses: &Addresses, fault: Option<&str>) {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut web =
        addresses.start(&["web", "--bind", "127.0.0.1", "--port", &port.to_string()], fault);
    let mut stream = connect(port);
    let body = json!({"items": reports()}).to_string();
    let head = format!(
        "POST /v2/geosubmit HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    if let Some(fault) = fault {
        assert!(answer.is_empty(), "a success was reported before {fault}");
        web.is_killed(fault);
    } else {
        read.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        web.stop();
    }
}

/// Connects as soon as the server listens; there is nothing to wait on but the port.
fn connect(port: u16) -> TcpStream {
    let started = Instant::now();
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[expect(clippy::disallowed_methods, reason = "messages have to be fresh for a real worker")]
fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
