//! What it costs to find the region of a position, and to ask whether one is near.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ichnaea_domain::geo::Position;
use ichnaea_domain::region::Regions;
use ichnaea_domain::station::RegionCode;

/// How many positions are looked up at once.
const POSITIONS: usize = 1000;

/// Far inside of large regions.
const INLAND: [Position; 4] = [(39.0, -98.0), (60.0, 100.0), (-10.0, -55.0), (-25.0, 133.0)];
/// Within a kilometre or two of a border: Geneva, Basel, Strasbourg, Baarle.
const AT_A_BORDER: [Position; 4] = [(46.213, 6.129), (47.56, 7.59), (48.573, 7.80), (51.44, 4.93)];
/// Just outside of territorial waters, where the nearest region within half a degree counts.
const OFF_THE_COAST: [Position; 4] = [(48.3, -5.9), (43.0, -9.8), (36.5, -10.0), (41.0, -71.0)];
/// Far from everything: all rings are looked at in vain.
const ON_THE_HIGH_SEAS: [Position; 4] = [(0.0, 0.0), (30.0, -40.0), (-40.0, 80.0), (40.0, 180.0)];

/// Positions that are spread evenly over the globe, but for the poles.
fn all_over_the_globe() -> impl Iterator<Item = Position> {
    (0..).map(|number: u32| {
        // Steps that never repeat.
        let fraction = |step: f64| (f64::from(number) * step).fract() * 2.0 - 1.0;
        (fraction(0.754_877_666).asin().to_degrees() * 0.94, fraction(0.569_840_291) * 180.0)
    })
}

fn sought(count: usize, is_sought: impl Fn(Position) -> bool) -> Vec<Position> {
    all_over_the_globe().filter(|&position| is_sought(position)).take(count).collect()
}

fn region(c: &mut Criterion) {
    let regions = Regions::shared();
    let has_region = |(lat, lon): Position| regions.region(lat, lon).is_some();
    let (land, sea) = (sought(POSITIONS, has_region), sought(POSITIONS, |at| !has_region(at)));
    let anywhere = sought(POSITIONS, |_| true);
    assert!(ON_THE_HIGH_SEAS.into_iter().all(|at| !has_region(at)));
    assert!(OFF_THE_COAST.into_iter().all(has_region));
    let places: [(&str, &[Position]); 7] = [
        ("inland", &INLAND),
        ("at a border", &AT_A_BORDER),
        ("off the coast", &OFF_THE_COAST),
        ("on the high seas", &ON_THE_HIGH_SEAS),
        ("at random on land", &land),
        ("at random at sea", &sea),
        ("at random", &anywhere),
    ];
    let mut group = c.benchmark_group("region of a position");
    for (name, positions) in places {
        group.throughput(Throughput::Elements(positions.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let region = |&(lat, lon): &Position| regions.region(lat, lon);
                black_box(positions).iter().filter_map(region).count()
            });
        });
    }
    group.finish();

    let mut group = c.benchmark_group("position near any region");
    for (name, positions) in places {
        group.throughput(Throughput::Elements(positions.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let is_anywhere = |&&(lat, lon): &&Position| regions.is_anywhere(lat, lon);
                black_box(positions).iter().filter(is_anywhere).count()
            });
        });
    }
    group.finish();
}

fn near(c: &mut Criterion) {
    let regions = Regions::shared();
    let [france, usa] = ["FR", "US"].map(|code| RegionCode::parse(code).unwrap());
    let mut group = c.benchmark_group("position in a region or near it");
    for (name, code, (lat, lon), expected) in [
        ("inside", france, (46.5, 2.5), true),
        ("across the border", france, (46.213, 6.129), true),
        ("far away", usa, (46.5, 2.5), false),
    ] {
        assert_eq!(regions.contains(code, lat, lon), expected, "{name}");
        group.bench_function(name, |b| {
            b.iter(|| regions.contains(code, black_box(lat), black_box(lon)));
        });
    }
    group.finish();

    let mut group = c.benchmark_group("region of a cell");
    for (name, mcc, (lat, lon)) in [
        ("in its country", 208, (46.5, 2.5)),
        ("across the border", 208, (46.213, 6.129)),
        ("in another country", 310, (46.5, 2.5)),
        ("with one code for several countries", 310, (18.3, -65.3)),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| regions.for_cell(black_box(lat), black_box(lon), black_box(mcc)));
        });
    }
    group.finish();
    c.bench_function("country code that is in use", |b| b.iter(|| regions.is_mcc(black_box(262))));
}

criterion_group!(benches, region, near);
criterion_main!(benches);
