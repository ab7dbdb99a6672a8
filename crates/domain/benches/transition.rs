//! What it costs to decide what observations do to stations, by what is decided.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::collections::HashMap;
use std::hint::black_box;

use chrono::{NaiveDateTime, TimeDelta};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ichnaea_domain::geo::Position;
use ichnaea_domain::mac::Mac;
use ichnaea_domain::observation::{Fix, Observation, Reading};
use ichnaea_domain::region::Regions;
use ichnaea_domain::station::{RegionCode, Source, Station, StationKey};
use ichnaea_domain::transition::{Batch, Decided, Decision, decide, decide_all, keys};

/// Observations in a batch of the queue.
const BATCH: u32 = 500;
/// Observations of each station in it.
const EACH: u32 = 4;
/// Where stations are, and where they are when they have moved: 11 km away.
const HERE: Position = (51.5, -0.1);
const THERE: Position = (51.6, -0.1);

fn now() -> NaiveDateTime {
    NaiveDateTime::default() + TimeDelta::days(20_000)
}

fn key(number: u32) -> StationKey {
    let [a, b, c, d] = number.to_be_bytes();
    StationKey::Wifi(Mac::from_bytes([2, 0, a, b, c, d]))
}

/// Observations of stations, so many each, from a few steps around a place.
fn seen(count: u32, each: u32, (lat, lon): Position, source: Source) -> Vec<Observation> {
    let observation = |number: u32| Observation {
        key: key(number % (count / each)),
        reading: Reading {
            signal_dbm: Some(-60),
            channel: Some(11),
            age_ms: Some(1500),
            ..Reading::default()
        },
        fix: Fix {
            lat: lat + f64::from(number % 7) * 0.000_05,
            lon: lon + f64::from(number % 5) * 0.000_05,
            accuracy_m: Some(12.0),
            speed_mps: Some(1.2),
            source: Some(source),
            ..Fix::default()
        },
    };
    (0..count).map(observation).collect()
}

/// A station that was measured here, and changed so many days ago.
fn known(days: i64) -> Station {
    let (lat, lon) = HERE;
    let changed = now() - TimeDelta::days(days);
    Station {
        max_lat: Some(lat + 0.000_2),
        min_lat: Some(lat - 0.000_2),
        max_lon: Some(lon + 0.000_2),
        min_lon: Some(lon - 0.000_2),
        lat: Some(lat),
        lon: Some(lon),
        created: Some(now() - TimeDelta::days(1000)),
        modified: Some(changed),
        radius_m: Some(30),
        region: RegionCode::parse("GB"),
        samples: Some(12),
        source: Some(Source::Gnss),
        weight: Some(17.25),
        last_seen: Some(changed.date()),
        ..Station::default()
    }
}

fn blocked() -> Station {
    let today = Some(now().date());
    Station {
        created: known(2).created,
        modified: Some(now()),
        block_first: today,
        block_last: today,
        block_count: Some(1),
        ..Station::default()
    }
}

fn one_station(c: &mut Criterion) {
    let mut group = c.benchmark_group("batch of one station");
    for count in [1, 10, 100] {
        let seen = seen(count, count, HERE, Source::Gnss);
        let seen: Vec<&Observation> = seen.iter().collect();
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| Batch::of(black_box(&seen)));
        });
    }
    group.finish();

    let regions = Regions::shared();
    let here = seen(EACH, EACH, HERE, Source::Gnss);
    let queried = seen(EACH, EACH, HERE, Source::Query);
    let there = seen(EACH, EACH, THERE, Source::Gnss);
    let both = [&here[..], &there[..]].concat();
    let mut group = c.benchmark_group("decide about one station");
    let is: fn(fn(&Decision) -> bool) -> fn(&Decision) -> bool = |is| is;
    for (name, station, seen, is_expected) in [
        ("new", None, &here, is(|d| matches!(d, Decision::New(_)))),
        ("new and moving", None, &both, is(|d| matches!(d, Decision::NewBlocked(_)))),
        ("confirmed", Some(known(2)), &queried, is(|d| matches!(d, Decision::Confirm(_)))),
        ("confirmed again", Some(known(0)), &queried, is(|d| matches!(d, Decision::Nothing))),
        ("refined", Some(known(2)), &here, is(|d| matches!(d, Decision::Change(_)))),
        ("moved", Some(known(2)), &there, is(|d| matches!(d, Decision::Block(_)))),
        ("moved long ago", Some(known(500)), &there, is(|d| matches!(d, Decision::Replace(_)))),
        ("blocked", Some(blocked()), &here, is(|d| matches!(d, Decision::Dropped))),
    ] {
        let batch = Batch::of(&seen.iter().collect::<Vec<_>>()).unwrap();
        let run = || decide(black_box(station.as_ref()), &batch, &key(0), regions, now());
        assert!(is_expected(&run()), "{name}");
        group.bench_function(name, |b| b.iter(run));
    }
    group.finish();
}

fn all_stations(c: &mut Criterion) {
    let regions = Regions::shared();
    let here = seen(BATCH, EACH, HERE, Source::Gnss);
    let queried = seen(BATCH, EACH, HERE, Source::Query);
    let there = seen(BATCH, EACH, THERE, Source::Gnss);
    let stations = u64::from(BATCH / EACH);
    let nothing = HashMap::new();
    let rows = |station: &Station| (0..BATCH / EACH).map(|n| (key(n), station.clone())).collect();
    let (recent, old): (HashMap<_, _>, HashMap<_, _>) = (rows(&known(2)), rows(&known(500)));
    let mut group = c.benchmark_group("decide about a batch of the queue");
    group.throughput(Throughput::Elements(u64::from(BATCH)));
    group.bench_function("stations to read", |b| b.iter(|| keys(black_box(&here))));
    for (name, found, seen, count) in [
        ("new", &nothing, &here, (|d| d.counts.new) as fn(&Decided) -> u64),
        ("confirmed", &recent, &queried, |d| d.counts.confirm),
        ("refined", &recent, &here, |d| d.counts.confirm),
        ("moved", &recent, &there, |d| d.counts.block),
        ("moved long ago", &old, &there, |d| d.counts.confirm),
    ] {
        let run = || decide_all(black_box(found), seen, regions, now());
        assert_eq!(count(&run()), stations, "{name}");
        group.bench_function(name, |b| b.iter(run));
    }
    group.finish();
}

criterion_group!(benches, one_station, all_stations);
criterion_main!(benches);
