//! `kill -9` between any two effects of the import of a log, then the same command once more: every
//! report is queued exactly once.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ichnaea_domain::report::QueuedReport;
use ichnaea_kv::{KeyValue, Op};
use ichnaea_server::{fault, keys};
use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{self, FreshDatabase};
use ichnaea_testkit::keyvalue::{self, FreshKeyValue};

use crate::process::Addresses;

/// Two full chunks and a part of one.
const REPORTS: i64 = 1100;
/// How often every point is passed on the way of these.
const CHUNKS: usize = 3;

struct Scene {
    addresses: Addresses,
    kv: Arc<dyn KeyValue>,
    database: FreshDatabase,
    folder: tempfile::TempDir,
    _keyvalue: FreshKeyValue,
}

impl Scene {
    async fn start(backend: Backend) -> Self {
        let (database, keyvalue) = (database::fresh(backend), keyvalue::fresh(backend));
        let addresses = Addresses::new(&database.uri, &keyvalue.uri);
        addresses.run(&["db", "migrate"]);
        let kv = ichnaea_kv::open(&keyvalue.uri, &ichnaea_kv::Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self { addresses, kv, database, folder, _keyvalue: keyvalue }
    }

    /// A log whose reports begin at this second, each with a cell of its own.
    fn log(&self, start_s: i64) -> PathBuf {
        let mut text = "mcc,mnc,lac,cell_id,dbm,lat,lon,measured_at,net_type\n".to_owned();
        for number in 0..REPORTS {
            let cid = 1_000_000 + number;
            let time = start_s + number;
            writeln!(text, "262,2,5126,{cid},-90,52.5,13.4,{time},LTE").unwrap();
        }
        let path = self.folder.path().join(format!("{start_s}.csv"));
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The seconds of all reports that are queued, in order; the queue is empty then.
    async fn queued(&self) -> Vec<i64> {
        let items = self.kv.peek(keys::UPDATE_INCOMING, 0, 10_000).await.unwrap();
        let key = keys::UPDATE_INCOMING.as_bytes().to_vec();
        self.kv.apply(vec![Op::Delete { key }]).await.unwrap();
        let second = |item: &Vec<u8>| {
            let queued: QueuedReport = keys::incoming().decode(item).unwrap();
            queued.report.timestamp.unwrap() / 1000
        };
        items.iter().map(second).collect()
    }

    fn count(&self, query: &str) -> String {
        self.database.rows(query)[0][0].clone().unwrap()
    }
}

fn import(path: &Path) -> Vec<&str> {
    vec!["import", "--private", path.to_str().unwrap()]
}

fn seconds(start_s: i64) -> Vec<i64> {
    (start_s..start_s + REPORTS).collect()
}

async fn every_point(backend: Backend) {
    let scene = Scene::start(backend).await;
    let mut start_s = 1_700_000_000;
    for &point in fault::LOG_POINTS {
        let is_of_chunks = ["log_taken", "log_restricted", "log_queued"].contains(&point);
        for time in 1..=if is_of_chunks { CHUNKS } else { 1 } {
            start_s += 10_000;
            let path = scene.log(start_s);
            scene.addresses.run_into(&import(&path), &format!("{point}:{time}"));
            scene.addresses.run(&import(&path));
            assert_eq!(scene.queued().await, seconds(start_s), "{point}:{time}");
            // The third time nothing is left to do.
            scene.addresses.run(&import(&path));
            assert_eq!(scene.queued().await, [0; 0], "{point}:{time}");
        }
    }
    let unfinished = "SELECT COUNT(*) FROM imported_file WHERE finished IS NULL";
    assert_eq!(scene.count(unfinished), "0");
    assert_eq!(scene.count("SELECT COUNT(*) FROM restricted_cell"), REPORTS.to_string());

    // How far an import came is lost: nothing is queued a second time unless that is wanted.
    let path = scene.log(start_s + 10_000);
    scene.addresses.run_into(&import(&path), "log_queued:1");
    let all = scene.kv.keys("ichnaea:import:").await.unwrap();
    assert_eq!(
        all.len(),
        2,
        "this one, and that of the run that was killed after its end: {all:?}"
    );
    for key in all {
        scene.kv.apply(vec![Op::Delete { key: key.into_bytes() }]).await.unwrap();
    }
    assert_eq!(scene.queued().await.len(), 500);
    scene.addresses.fails(&import(&path), "--again queues all of it");
    assert_eq!(scene.queued().await, [0; 0]);
    let mut again = import(&path);
    again.push("--again");
    scene.addresses.run(&again);
    assert_eq!(scene.queued().await, seconds(start_s + 10_000));
    assert_eq!(scene.kv.keys("ichnaea:import:").await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_queued_exactly_once_on_sqlite_and_embedded() {
    every_point(Backend::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_queued_exactly_once_on_mariadb_and_redis() {
    every_point(Backend::Server).await;
}

/// Two at the same time share the work.
async fn two_at_once(backend: Backend) {
    let scene = Scene::start(backend).await;
    let path = scene.log(1_700_000_000);
    let both = [(); 2].map(|()| scene.addresses.start(&import(&path), None));
    for mut process in both {
        process.succeeds();
    }
    let mut queued = scene.queued().await;
    queued.sort_unstable();
    assert_eq!(queued, seconds(1_700_000_000));

    // One comes to its end while the other stands between two of its first looks.
    for (number, point) in (1..).zip(["log_looked_up", "log_started"]) {
        let start_s = 1_700_000_000 + number * 10_000;
        let path = scene.log(start_s);
        let mut first = scene.addresses.start(&import(&path), Some("log_queued:halt"));
        first.is_halted();
        let mut second = scene.addresses.start(&import(&path), Some(&format!("{point}:halt")));
        second.is_halted();
        first.goes_on();
        first.succeeds();
        second.goes_on();
        second.succeeds();
        assert_eq!(scene.queued().await, seconds(start_s), "{point}");
        assert_eq!(scene.kv.keys("ichnaea:import:").await.unwrap(), [""; 0], "{point}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_imports_at_once_queue_it_once_on_sqlite_and_embedded() {
    two_at_once(Backend::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_imports_at_once_queue_it_once_on_mariadb_and_redis() {
    two_at_once(Backend::Server).await;
}
