//! What a point and a tile cost.

use std::convert::Infallible;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ichnaea_tiles::{Key, Painter, Picture, png};

/// Points of a few towns, each dense in its middle.
fn points(count: u32) -> Vec<(f64, f64)> {
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24) - 0.5
    };
    let point = |number| {
        let town = f64::from(number % 50);
        let size = draw() * draw() * 2.0;
        (town - 10.0 + draw() * size, town * 3.0 - 70.0 + draw() * size)
    };
    (0..count).map(point).collect()
}

fn keys(points: &[(f64, f64)]) -> Vec<Key> {
    let mut keys: Vec<Key> = points.iter().filter_map(|&(lat, lon)| Key::at(lat, lon)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn paint(keys: &[Key], mut give: impl FnMut(Picture)) {
    let mut give = |picture| {
        give(picture);
        Ok::<(), Infallible>(())
    };
    let mut painter = Painter::new();
    for &key in keys {
        let Ok(()) = painter.paint(key, &mut give);
    }
    let Ok(()) = painter.finish(&mut give);
}

fn draw(criterion: &mut Criterion) {
    let points = points(200_000);
    let mut group = criterion.benchmark_group("tiles");
    group.throughput(Throughput::Elements(points.len() as u64));
    group.bench_function("key", |bencher| {
        bencher.iter(|| {
            for &(lat, lon) in &points {
                black_box(Key::at(lat, lon));
            }
        });
    });
    let keys = keys(&points);
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function("paint", |bencher| {
        bencher.iter(|| paint(&keys, |picture| drop(black_box(picture))));
    });
    let mut pictures = Vec::new();
    paint(&keys, |picture| pictures.push(picture));
    group.throughput(Throughput::Elements(pictures.len() as u64));
    group.sample_size(10);
    group.bench_function("png", |bencher| {
        bencher.iter(|| {
            for picture in &pictures {
                let _ = black_box(png(picture));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, draw);
criterion_main!(benches);
