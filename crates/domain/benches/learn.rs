//! What a report costs, without database and network: validation, the state machine, keys.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::collections::HashMap;
use std::hint::black_box;

use chrono::{NaiveDateTime, TimeDelta};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ichnaea_domain::cell::{AreaKey, CellKey, Radio};
use ichnaea_domain::observation::Observation;
use ichnaea_domain::region::Regions;
use ichnaea_domain::report::Report;
use ichnaea_domain::station::{Station, StationKey};
use ichnaea_domain::transition::decide_all;

/// Reports of one street with ten access points and a cell each, as they come out of the queue.
fn reports(count: usize, lat: f64) -> Vec<Report> {
    let report = |number: usize| {
        let macs = (0..10_u8).map(|at| {
            let mac = format!("02000000{:04x}", number / 4 * 10 + usize::from(at));
            format!(r#"{{"macAddress": "{mac}", "signalStrength": {}}}"#, -50 - 3 * i64::from(at))
        });
        let macs: Vec<String> = macs.collect();
        let shift = (number % 4) as f64 * 0.000_1;
        let text = format!(
            r#"{{"timestamp": 1700000000000, "position": {{"latitude": {}, "longitude": -0.1,
            "accuracy": 12.0, "source": "gps"}}, "wifiAccessPoints": [{}], "cellTowers":
            [{{"radioType": "lte", "mobileCountryCode": 234, "mobileNetworkCode": 10,
            "locationAreaCode": 5, "cellId": {}, "signalStrength": -90}}]}}"#,
            lat + shift,
            macs.join(","),
            1000 + number / 40,
        );
        serde_json::from_str(&text).unwrap()
    };
    (0..count).map(report).collect()
}

fn observations(lat: f64) -> Vec<Observation> {
    let regions = Regions::shared();
    reports(400, lat).iter().flat_map(|report| report.observations(regions).observations).collect()
}

fn validate(c: &mut Criterion) {
    let reports = reports(100, 51.5);
    let regions = Regions::shared();
    let mut group = c.benchmark_group("validate");
    group.throughput(Throughput::Elements(reports.len() as u64));
    group.bench_function("reports of ten access points and a cell", |b| {
        b.iter(|| {
            let seen = |report: &Report| report.observations(regions).observations.len();
            black_box(&reports).iter().map(seen).sum::<usize>()
        });
    });
    group.finish();
}

fn state_machine(c: &mut Criterion) {
    let regions = Regions::shared();
    let now = NaiveDateTime::default() + TimeDelta::days(20_000);
    let first = observations(51.5);
    let known: HashMap<StationKey, Station> =
        decide_all(&HashMap::new(), &first, regions, now).insert.into_iter().collect();
    let moved = observations(52.5);
    let mut group = c.benchmark_group("state machine");
    group.throughput(Throughput::Elements(first.len() as u64));
    for (name, found, seen) in [
        ("stations that are new", &HashMap::new(), &first),
        ("stations that are where they were", &known, &first),
        ("stations that have moved", &known, &moved),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| decide_all(black_box(found), seen, regions, now).counts.obs);
        });
    }
    group.finish();
}

fn keys(c: &mut Criterion) {
    let area = AreaKey { radio: Radio::Lte, mcc: 234, mnc: 10, lac: 5 };
    let key = CellKey { area, cid: 26_385_419 };
    c.bench_function("encode and decode the key of a cell", |b| {
        b.iter(|| CellKey::decode(&black_box(key).encode()));
    });
}

criterion_group!(benches, validate, state_machine, keys);
criterion_main!(benches);
