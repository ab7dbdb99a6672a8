//! Reports are sent while the backends fail in every way; afterwards each one that was accepted is in the
//! tables, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ichnaea_testkit::proxy::Mode;
use serde_json::json;

use crate::rows::{Row, report};
use crate::scene::{BOUND, SLACK, Scene};
use crate::service::{Service, Setting, command};

/// Senders of reports at the same time.
const SENDERS: usize = 4;
/// How long each outage lasts, and the pause after it.
const OUTAGE: Duration = Duration::from_millis(1500);
const PAUSE: Duration = Duration::from_secs(1);
/// Number of the first report; smaller ones name the networks of the scene.
const FIRST: u32 = 0x10_0000;
/// Reports in one request.
const PER_REQUEST: u32 = 5;

/// What the senders were told.
#[derive(Default)]
struct Told {
    /// Numbers of accepted reports.
    accepted: Vec<u32>,
    /// Numbers of reports that were answered 503: queued or not, nobody knows.
    unknown: Vec<u32>,
    longest: Duration,
    by_status: BTreeMap<u16, u32>,
}

impl Told {
    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.unknown.extend(other.unknown);
        self.longest = self.longest.max(other.longest);
        for (status, count) in other.by_status {
            *self.by_status.entry(status).or_default() += count;
        }
    }
}

/// Sends reports, each with an access point of its own, and never the same one again.
fn send_reports(web: &Service, next: &AtomicU32, is_over: &AtomicBool) -> Told {
    let mut told = Told::default();
    while !is_over.load(Ordering::Relaxed) {
        let first = next.fetch_add(PER_REQUEST, Ordering::Relaxed);
        let numbers: Vec<u32> = (first..first + PER_REQUEST).collect();
        let items: Vec<_> = numbers.iter().map(|number| report(*number)).collect();
        let body = json!({"items": items}).to_string();
        let answer = web.send("POST", "/v2/geosubmit?key=test", &[], &body);
        *told.by_status.entry(answer.status).or_default() += 1;
        told.longest = told.longest.max(answer.took);
        match answer.status {
            200 => told.accepted.extend(numbers),
            503 => told.unknown.extend(numbers),
            _ => panic!("{answer:?}"),
        }
        // Queries go on meanwhile; which answer they get depends on the moment.
        let answer = Row::LocateByWifi.send(web);
        *told.by_status.entry(answer.status).or_default() += 1;
        told.longest = told.longest.max(answer.took);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    told
}

#[test]
fn every_accepted_report_is_in_the_tables_once_whatever_happened_to_the_backends() {
    let mut scene = Scene::new();
    // Queries are not learned from, so that only reports are counted.
    scene.mariadb.execute("UPDATE api_key SET store_sample_locate = 0");
    let mut settings = scene.settings();
    settings.push(("LEASE_SECONDS", "2".to_owned()));
    let web = Arc::new(Service::start_web(&settings).0);

    let (next, is_over) = (Arc::new(AtomicU32::new(FIRST)), Arc::new(AtomicBool::new(false)));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (web, next, is_over) = (Arc::clone(&web), Arc::clone(&next), Arc::clone(&is_over));
            std::thread::spawn(move || send_reports(&web, &next, &is_over))
        })
        .collect();
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (settings, is_over) = (settings.clone(), Arc::clone(&is_over));
            std::thread::spawn(move || work_off(&settings, &is_over))
        })
        .collect();
    // Time passes so that load meets each state; nothing is waited for.
    let lasts = std::thread::sleep;
    lasts(PAUSE);
    for mode in [Mode::Cut, Mode::Stall, Mode::StallAnswers, Mode::Refuse] {
        for proxy in [&scene.to_redis, &scene.to_database] {
            proxy.set(mode);
            lasts(OUTAGE);
            proxy.set(Mode::Pass);
            lasts(PAUSE);
        }
    }
    scene.redis.kill();
    scene.mariadb.kill();
    scene.redis.restart();
    scene.mariadb.restart();
    lasts(PAUSE);
    scene.redis.freeze();
    scene.mariadb.freeze();
    lasts(OUTAGE);
    scene.redis.thaw();
    scene.mariadb.thaw();
    scene.mariadb.execute("SET GLOBAL read_only = 1");
    scene.redis.say(&["CONFIG", "SET", "maxmemory", "1"]);
    lasts(OUTAGE);
    scene.redis.say(&["CONFIG", "SET", "maxmemory", "0"]);
    scene.mariadb.execute("SET GLOBAL read_only = 0");
    lasts(PAUSE);
    is_over.store(true, Ordering::Relaxed);
    let mut told = Told::default();
    for sender in senders {
        told.add(sender.join().unwrap());
    }
    let runs = workers.into_iter().map(|worker| worker.join().unwrap());
    let (good, failed) = runs.fold((0, 0), |sum, run| (sum.0 + run.0, sum.1 + run.1));
    Arc::into_inner(web).unwrap().stop();

    let started = Instant::now();
    crate::service::run(&["pipeline", "drain"], &scene.direct());
    println!(
        "{:?}, longest wait {:?}; {} reports accepted, {} unknown; {good} runs of \
         the worker went well, {failed} failed; the rest was worked off in {:?}",
        told.by_status,
        told.longest,
        told.accepted.len(),
        told.unknown.len(),
        started.elapsed()
    );
    assert!(told.longest < BOUND + SLACK, "{:?}", told.longest);
    assert!(!told.accepted.is_empty() && !told.unknown.is_empty());

    // All lie in one shard, by the fifth digit of their address.
    let rows = scene.mariadb.rows("SELECT HEX(mac), samples FROM wifi_shard_0 WHERE lat < 51.7");
    let mut found = BTreeSet::new();
    for row in rows {
        let [Some(mac), Some(samples)] = row.as_slice() else { panic!("{row:?}") };
        let number = u32::from_str_radix(&mac[4..], 16).unwrap();
        assert_eq!(samples, "1", "report {number} was counted more than once");
        found.insert(number);
    }
    let lost: Vec<_> = told.accepted.iter().filter(|number| !found.contains(number)).collect();
    assert!(lost.is_empty(), "{} accepted reports are lost: {lost:?}", lost.len());
    for number in told.accepted.iter().chain(&told.unknown) {
        found.remove(number);
    }
    assert!(found.is_empty(), "nobody sent {found:?}");

    crate::service::run(&["task", "run", "update_statcounter"], &scene.direct());
    // Keys of the table `stat`: 3 counts observations of access points, 4 new ones.
    let stations = scene.mariadb.number("SELECT count(*) FROM wifi_shard_0 WHERE lat < 51.7");
    for key in [3, 4] {
        let query = format!("SELECT CAST(sum(value) AS SIGNED) FROM stat WHERE `key` = {key}");
        assert_eq!(scene.mariadb.number(&query), stations, "counter {key}");
    }
    let dead = scene.redis.connect(None).say(&["KEYS", "ichnaea:dead*"]).unwrap();
    assert!(dead.is_empty(), "{dead:?}");
}

/// Works off what waits, again and again, however that ends; how often it went well and failed.
fn work_off(settings: &[Setting], is_over: &AtomicBool) -> (u32, u32) {
    let (mut good, mut failed) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        if command(&["pipeline", "drain"], settings).output().unwrap().status.success() {
            good += 1;
        } else {
            failed += 1;
        }
    }
    (good, failed)
}
