//! How many look-ups and batches a second the store manages, on both backends.
//!
//! `cargo bench -p ichnaea-store`. The figures are rough: they include the server on the same
//! machine, and are meant to be compared with each other and with themselves over time.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement prints and stops")]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use ichnaea_domain::mac::Mac;
use ichnaea_domain::station::{RegionCode, Source, Station, StationKey};
use ichnaea_store::{BatchRef, Options, StationChanges, Store};
use ichnaea_testkit::Backend;
use ichnaea_testkit::database::fresh;

/// How many access points there are.
const STATIONS: u32 = 100_000;
/// How many keys one look-up asks for.
const KEYS: u32 = 10;
/// How many stations one batch changes.
const BATCH: u32 = 500;
/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(4);

fn key(number: u32) -> StationKey {
    // A multiplicative hash spreads neighbours over all shards.
    let [a, b, c, d] = number.wrapping_mul(0x9E37_79B1).to_be_bytes();
    StationKey::Wifi(Mac::from_bytes([2, a, b, c, d, 0]))
}

fn station() -> Station {
    let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    Station {
        max_lat: Some(51.500_123_4),
        min_lat: Some(51.498_765_4),
        max_lon: Some(-0.100_123_4),
        min_lon: Some(-0.101_234_5),
        lat: Some(51.499_321_7),
        lon: Some(-0.100_765_4),
        created: day.and_hms_opt(1, 2, 3),
        modified: day.and_hms_opt(4, 5, 6),
        radius_m: Some(38),
        region: RegionCode::parse("GB"),
        samples: Some(12),
        source: Some(Source::Gnss),
        weight: Some(17.25),
        last_seen: Some(day),
        ..Station::default()
    }
}

fn batch(id: String) -> BatchRef {
    let now = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap().and_hms_opt(0, 0, 0).unwrap();
    BatchRef { id, queue: "update_wifi_0".to_owned(), now }
}

/// Adds an observation to each of these stations, which are made where they are missing.
async fn learn(store: &Store, id: String, keys: Vec<StationKey>) {
    let all = keys.clone();
    let decide = move |found: &HashMap<StationKey, Station>| {
        let mut changes = StationChanges { insert: Vec::new(), update: Vec::new(), outcome: 0 };
        for key in &all {
            match found.get(key) {
                Some(known) => {
                    let samples = known.samples.map(|samples| samples + 1);
                    changes.update.push((*key, Station { samples, ..known.clone() }));
                }
                None => changes.insert.push((*key, station())),
            }
        }
        changes
    };
    store.update_stations(&batch(id), keys, decide).await.unwrap();
}

/// Runs `work` again and again in this many tasks; how often a second.
async fn rate<W, F>(tasks: u32, work: W) -> f64
where
    W: Fn(u32) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let started = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|task| {
            let work = work.clone();
            tokio::spawn(async move {
                let mut done = 0;
                while started.elapsed() < TIME {
                    work(task * 1_000_000 + done).await;
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}

async fn measure(backend: Backend) {
    let db = fresh(backend);
    let store = Store::open(&db.uri, &Options::default()).unwrap();
    store.migrate().await.unwrap();
    let started = Instant::now();
    for first in (0..STATIONS).step_by(5000) {
        learn(&store, format!("fill {first}"), (first..first + 5000).map(key).collect()).await;
    }
    let filled = f64::from(STATIONS) / started.elapsed().as_secs_f64();
    println!("{backend:?}: {filled:.0} stations/s filled in batches of 5,000 over all shards");
    for tasks in [1, 8] {
        let reader = store.clone();
        let look_up = move |number: u32| {
            let store = reader.clone();
            async move {
                let keys: Vec<_> = (0..KEYS)
                    .map(|part| key((number.wrapping_mul(7919) + part * 10_007) % STATIONS))
                    .collect();
                assert_eq!(store.stations(&keys, &[]).await.unwrap().stations.len(), 10);
            }
        };
        println!(
            "{backend:?}: {:.0} look-ups/s of {KEYS} keys, {tasks} at a time",
            rate(tasks, look_up).await
        );
        let writer = store.clone();
        // The stations of one shard, as batches of the pipeline have them.
        let shard: Vec<StationKey> =
            (0..STATIONS).map(key).filter(|key| key.shard() == self::key(1).shard()).collect();
        let update = move |number: u32| {
            let store = writer.clone();
            let first = (number.wrapping_mul(BATCH) as usize) % (shard.len() - BATCH as usize);
            let keys = shard[first..first + BATCH as usize].to_vec();
            async move { learn(&store, format!("{tasks} {number}"), keys).await }
        };
        let batches = rate(if tasks == 1 { 1 } else { 2 }, update).await;
        println!(
            "{backend:?}: {batches:.0} batches/s of {BATCH} known stations, {} stations/s, {} at a time",
            (batches * f64::from(BATCH)).round(),
            if tasks == 1 { 1 } else { 2 },
        );
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for backend in Backend::ALL {
        runtime.block_on(measure(backend));
    }
}
