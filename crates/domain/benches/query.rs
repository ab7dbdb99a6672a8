//! What the steps of an answer cost that lie around clustering and solving, by the size of a request.

use std::hint::black_box;

use chrono::{NaiveDateTime, TimeDelta};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ichnaea_domain::cell::{AreaKey, CellKey, Radio};
use ichnaea_domain::locate::{
    Api, CellReading, Client, Found, Query, Request, WifiReading, best_position,
    internal_positions, learned_report,
};
use ichnaea_domain::mac::Mac;
use ichnaea_domain::station::{Station, StationKey};

/// How many access points a request has: as few as there must be, what devices send, more than any
/// device sees.
const COUNTS: [u16; 3] = [2, 10, 100];

fn now() -> NaiveDateTime {
    NaiveDateTime::default() + TimeDelta::days(20_000)
}

/// A request for access points over a square, and what is stored about them: all of them known.
fn request(count: u16, square_degrees: f64) -> (Request, Found) {
    let mut request = Request { lacf: true, ipf: true, ..Request::default() };
    let mut found = Found::default();
    for i in 0..count {
        let [high, low] = i.to_be_bytes();
        let mac = Mac::from_bytes([0x94, 0xb4, low, 0, high, low]);
        let fraction = |step: f64| (f64::from(i) * step).fract() * square_degrees;
        let station = Station {
            lat: Some(51.5 + fraction(0.754_877_666)),
            lon: Some(-0.1 + fraction(0.569_840_291)),
            created: Some(now() - TimeDelta::days(100)),
            modified: Some(now() - TimeDelta::days(2)),
            samples: Some(u32::from(i) + 2),
            radius_m: Some(20),
            ..Station::default()
        };
        found.stations.insert(StationKey::Wifi(mac), station);
        request.wifi.push(WifiReading {
            mac: mac.bytes().map(|byte| format!("{byte:02x}")).join(":"),
            age: Some(i64::from(i) * 100),
            channel: Some(11),
            signal: Some(-40 - i64::from(i % 50)),
            ..WifiReading::default()
        });
    }
    request.cell.push(CellReading {
        radio: Some(Radio::Lte),
        mcc: Some(234),
        mnc: Some(30),
        lac: Some(5),
        cid: Some(26_385_419),
        signal: Some(-95),
        ..CellReading::default()
    });
    (request, found)
}

fn query(request: Request) -> Query {
    Query::new(Api::Locate, request, Client::default())
}

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("validate a request");
    for count in COUNTS {
        let (request, _) = request(count, 0.002);
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter_batched(|| request.clone(), query, criterion::BatchSize::SmallInput);
        });
    }
    group.finish();

    let mut group = c.benchmark_group("keys to read for a query");
    for count in COUNTS {
        let query = query(request(count, 0.002).0);
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| (black_box(&query).station_keys(), query.area_keys()));
        });
    }
    group.finish();

    for (name, square_degrees) in [
        // One cluster of all, and the position of it.
        ("position from access points of one place", 0.002),
        // Next to no two are of one place: clustering, and little to solve.
        ("position from access points far apart", 10.0),
    ] {
        let mut group = c.benchmark_group(name);
        for count in COUNTS {
            let (request, found) = request(count, square_degrees);
            let query = query(request);
            group.throughput(Throughput::Elements(u64::from(count)));
            group.bench_function(BenchmarkId::from_parameter(count), |b| {
                b.iter(|| internal_positions(black_box(&query), &found, now()));
            });
        }
        group.finish();
    }

    let (request, found) = request(10, 0.002);
    let query = query(request);
    let results = internal_positions(&query, &found, now());
    assert_eq!(results.len(), 1);
    c.bench_function("best of one position", |b| b.iter(|| best_position(black_box(&results))));
    c.bench_function("report from a query of ten access points", |b| {
        b.iter(|| results.first().map(|best| learned_report(black_box(&query), best)));
    });
}

fn keys(c: &mut Criterion) {
    let mut group = c.benchmark_group("address of a station");
    for (name, text) in [("plain", "94b40f010d01"), ("with colons", "94:B4:0F:01:0D:01")] {
        group.bench_function(format!("read, {name}"), |b| b.iter(|| Mac::parse(black_box(text))));
    }
    let mac = Mac::from_bytes([0x94, 0xb4, 0x0f, 1, 0x0d, 1]);
    group.bench_function("write", |b| b.iter(|| black_box(mac).to_string()));
    group.finish();

    let cell = |radio, cid| CellKey { area: AreaKey { radio, mcc: 234, mnc: 30, lac: 5 }, cid };
    let (lte, nr) = (cell(Radio::Lte, 26_385_419), cell(Radio::Nr, 0xF_1234_5678));
    let mut group = c.benchmark_group("key of a station");
    for (name, key) in [
        ("access point", StationKey::Wifi(mac)),
        ("LTE cell", StationKey::Cell(lte)),
        ("NR cell", StationKey::Cell(nr)),
    ] {
        group.bench_function(format!("write, {name}"), |b| b.iter(|| black_box(key).bytes()));
    }
    for (name, key) in [("LTE cell", lte.encode()), ("NR cell", nr.encode())] {
        assert!(CellKey::decode(&key).is_some(), "{name}");
        group.bench_function(format!("read, {name}"), |b| {
            b.iter(|| CellKey::decode(black_box(&key)));
        });
    }
    group.finish();
}

criterion_group!(benches, steps, keys);
criterion_main!(benches);
