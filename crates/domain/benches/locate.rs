//! What an answer costs, without database and network.

use std::hint::black_box;

use chrono::{NaiveDateTime, TimeDelta};
use criterion::{Criterion, criterion_group, criterion_main};
use ichnaea_domain::locate::{
    Anchor, Api, Client, Found, Query, Request, WifiReading, best_position, clusters,
    internal_positions, solve,
};
use ichnaea_domain::mac::Mac;
use ichnaea_domain::region::Regions;
use ichnaea_domain::station::{Station, StationKey};

/// A request for access points scattered over a square, all of them known.
fn scattered(count: u16, square_degrees: f64) -> (Request, Found, NaiveDateTime) {
    let now = NaiveDateTime::default() + TimeDelta::days(20_000);
    let mut request = Request { lacf: true, ipf: true, ..Request::default() };
    let mut found = Found::default();
    for i in 0..count {
        let [high, low] = i.to_be_bytes();
        let mac = Mac::from_bytes([0x94, 0xb4, low, 0, high, low]);
        // Steps that never repeat, so that the points fill the square evenly.
        let fraction = |step: f64| (f64::from(i) * step).fract() * square_degrees;
        let station = Station {
            lat: Some(51.5 + fraction(0.754_877_666)),
            lon: Some(-0.1 + fraction(0.569_840_291)),
            created: Some(now - TimeDelta::days(100)),
            modified: Some(now - TimeDelta::days(2)),
            samples: Some(u32::from(i) + 2),
            radius_m: Some(20),
            ..Station::default()
        };
        found.stations.insert(StationKey::Wifi(mac), station);
        request.wifi.push(WifiReading {
            mac: mac.to_string(),
            signal: Some(-40 - i64::from(i % 50)),
            ..WifiReading::default()
        });
    }
    (request, found, now)
}

fn locate(c: &mut Criterion) {
    for (name, count, square_degrees) in [
        ("locate with ten access points", 10, 0.002),
        ("locate with 500 access points in a city", 500, 0.1),
        ("locate with 500 access points in a street", 500, 0.002),
    ] {
        let (request, found, now) = scattered(count, square_degrees);
        c.bench_function(name, |b| {
            b.iter(|| {
                let query = Query::new(Api::Locate, request.clone(), Client::default());
                let results = internal_positions(&query, &found, now);
                black_box(best_position(&results).map(|best| best.accuracy_m))
            });
        });
    }
    let (mut request, ..) = scattered(30_000, 1.0);
    request.wifi.extend(request.wifi.clone());
    c.bench_function("validate 60,000 access points", |b| {
        b.iter(|| Query::new(Api::Locate, black_box(request.clone()), Client::default()));
    });
}

/// Positions scattered over a street of some 200 m.
fn street(count: usize) -> Vec<(f64, f64)> {
    let place = |i: usize| {
        let fraction = |step: f64| (i as f64 * step).fract() * 0.002;
        (51.5 + fraction(0.754_877_666), -0.1 + fraction(0.569_840_291))
    };
    (0..count).map(place).collect()
}

fn steps(c: &mut Criterion) {
    for count in [2, 10, 100, 500] {
        let positions = street(count);
        c.bench_function(&format!("cluster {count} positions"), |b| {
            b.iter(|| clusters(black_box(&positions), 500.0));
        });
        let anchors: Vec<Anchor> =
            positions.iter().map(|&position| Anchor::new(position, 1.0 / 400.0)).collect();
        c.bench_function(&format!("solve for {count} stations"), |b| {
            b.iter(|| solve(black_box(&anchors), (51.501, -0.099)));
        });
    }
}

fn region(c: &mut Criterion) {
    let regions = Regions::shared();
    for (name, lat, lon) in [
        ("region inland", 51.5, -0.1),
        ("region at a border", 46.213, 6.129),
        ("region off the coast", 48.3, -5.9),
        ("region on the high seas", 0.0, 0.0),
    ] {
        c.bench_function(name, |b| b.iter(|| regions.region(black_box(lat), black_box(lon))));
    }
}

criterion_group!(benches, locate, steps, region);
criterion_main!(benches);
