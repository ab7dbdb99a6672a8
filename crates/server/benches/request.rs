//! What a request costs before and behind the rules: unpacking, parsing, writing to a queue and reading it.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::hint::black_box;
use std::io::Write as _;

use axum::body::Body;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::FutureExt as _;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use ichnaea_domain::region::Regions;
use ichnaea_domain::report::QueuedReport;
use ichnaea_kv::queue::{Codec, DataQueue, Packing};
use ichnaea_server::api::locate_request;
use ichnaea_server::api::submit_request::{self, Version};
use ichnaea_server::http::body::Room;
use ichnaea_server::{json, keys};

const NOW_MS: i64 = 1_767_225_600_000; // 2026-01-01
const ROOM: usize = 10 << 20;

fn access_points(first: usize) -> String {
    let one = |at: u8| {
        format!(
            r#"{{"macAddress": "02:00:00:00:{first:02x}:{at:02x}", "signalStrength": {}, "age": {},
            "channel": 11, "frequency": 2462, "signalToNoiseRatio": 27}}"#,
            -50 - 3 * i64::from(at),
            u32::from(at) * 100,
        )
    };
    (0..10).map(one).collect::<Vec<_>>().join(",")
}

fn query() -> String {
    format!(r#"{{"considerIp": false, "wifiAccessPoints": [{}]}}"#, access_points(0))
}

fn submission() -> String {
    let report = |number: usize| {
        format!(
            r#"{{"timestamp": 1700000000000, "position": {{"latitude": 51.5, "longitude": -0.1, "accuracy": 12.0,
            "altitude": 80.5, "heading": 45.0, "speed": 1.5, "source": "gps"}}, "wifiAccessPoints": [{}]}}"#,
            access_points(number),
        )
    };
    let reports: Vec<String> = (0..10).map(report).collect();
    format!(r#"{{"items": [{}]}}"#, reports.join(","))
}

fn read_submission(text: &str) -> Vec<QueuedReport> {
    let document = json::parse(text).unwrap();
    let reports = submit_request::read(Some(&document), Version::V2, NOW_MS).unwrap();
    reports.into_iter().map(QueuedReport::from).collect()
}

fn parse(c: &mut Criterion) {
    for (name, text) in [("a query of ten access points", query()), ("ten reports", submission())] {
        let mut group = c.benchmark_group("parse");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("{name}, the document"), |b| {
            b.iter(|| json::parse(black_box(&text)).is_ok());
        });
        group.finish();
    }
    let text = query();
    c.bench_function("read a query of ten access points", |b| {
        b.iter(|| locate_request::read(Some(&json::parse(black_box(&text)).unwrap())).is_ok());
    });
    let text = submission();
    c.bench_function("read ten reports", |b| b.iter(|| read_submission(black_box(&text)).len()));
}

fn body(c: &mut Criterion) {
    let room = Room::new(ROOM, ROOM);
    let text = submission();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let is_packed = HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())]);
    for (name, headers, bytes) in [
        ("body of ten reports", HeaderMap::new(), text.into_bytes()),
        ("body of ten reports, packed", is_packed, packed),
    ] {
        c.bench_function(name, |b| {
            b.iter(|| {
                let read = room.read(Body::from(bytes.clone())).now_or_never();
                let (bytes, mut held) = read.unwrap().unwrap();
                room.text(&headers, bytes, &mut held).unwrap().len()
            });
        });
    }
}

fn queue(c: &mut Criterion) {
    let reports = read_submission(&submission());
    let queue = keys::incoming();
    for (name, packing) in [("tightly", Packing::Tight), ("loosely", Packing::Loose)] {
        c.bench_function(&format!("encode ten reports, packed {name}"), |b| {
            b.iter(|| queue.encode_packed(black_box(&reports), packing).unwrap().len());
        });
    }
    let items = queue.encode(&reports).unwrap();
    c.bench_function("decode ten reports", |b| {
        b.iter(|| {
            let read = |item: &Vec<u8>| queue.decode::<QueuedReport>(item).is_ok();
            black_box(&items).iter().filter(|item| read(item)).count()
        });
    });

    let seen: Vec<_> = reports
        .iter()
        .flat_map(|queued| queued.report.observations(Regions::shared()).observations)
        .collect();
    let queue = DataQueue { name: "observations".to_owned(), codec: Codec::Json, batch: 500 };
    c.bench_function("encode a hundred observations", |b| {
        b.iter(|| queue.encode(black_box(&seen)).unwrap().len());
    });
    c.bench_function("an answer", |b| {
        b.iter(|| [51.5f64, -0.1, 12.5].map(|number| json::float(black_box(number))));
    });
}

criterion_group!(benches, parse, body, queue);
criterion_main!(benches);
