//! Batches whose outcome the original was seen to write.

use super::*;

/// Position, radius, samples and weight of the only row written.
fn check(decided: &Decided, position: Position, radius_m: u32, samples: u32, weight: f64) {
    let rows: Vec<&Station> =
        decided.insert.iter().chain(&decided.update).map(|(_, row)| row).collect();
    assert_eq!(rows.len(), 1);
    assert_close(rows[0].lat, position.0);
    assert_close(rows[0].lon, position.1);
    assert_eq!(rows[0].radius_m, Some(radius_m));
    assert_eq!(rows[0].samples, Some(samples));
    assert_close(rows[0].weight, weight);
    assert_eq!(rows[0].modified, Some(now()));
    assert_eq!(rows[0].last_seen, Some(now().date()));
}

fn check_box(row: &Station, max_lat: f64, max_lon: f64, min_lat: f64, min_lon: f64) {
    assert_close(row.max_lat, max_lat);
    assert_close(row.max_lon, max_lon);
    assert_close(row.min_lat, min_lat);
    assert_close(row.min_lon, min_lon);
}

#[test]
fn an_unknown_station_gets_the_mean_of_its_batch() {
    let offsets = [(0.0, 0.0), (0.0001, 0.0), (-0.0003, 0.0), (0.0, 0.0002), (0.0, -0.0004)];
    let batch = offsets.map(|(lat, lon)| seen(wifi(), lat, lon));
    let decided = run(wifi(), None, &batch);
    check(&decided, (51.499_96, -0.100_04), 38, 5, 5.0);
    let station = &decided.insert[0].1;
    check_box(station, 51.5001, -0.0998, 51.4997, -0.1004);
    assert_eq!((station.created, station.region), (Some(now()), RegionCode::parse("GB")));
    assert_eq!(station.source, Some(Source::Gnss));
    assert_eq!((station.block_first, station.block_last, station.block_count), (None, None, None));
}

#[test]
fn a_known_station_is_refined_by_weight() {
    let at = |lon| seen(wifi(), 0.0, lon);
    let batch = [
        measured(at(-0.002), Some(20.0), None, None, Some(-30)),
        measured(at(-0.004), Some(40.0), Some(-8000), None, Some(-60)),
        measured(at(-0.006), None, Some(1000), None, Some(-90)),
        measured(at(-0.006), None, None, Some(20.0), None),
        measured(at(-0.1), None, Some(40_000), None, None),
        measured(at(-0.1), None, None, Some(50.1), None),
        measured(at(-0.1), Some(200.1), None, None, None),
    ];
    let decided = run(wifi(), Some(&row()), &batch);
    check(&decided, (51.5, -0.101_997_066_937_486_18), 278, 6, 16.107_073_516_849_83);
    let station = &decided.update[0].1;
    check_box(station, 51.5, -0.1, 51.5, -0.106);
    assert_eq!(station.created, row().created);
    assert_eq!(decided.counts, Counts { obs: 4, new: 0, confirm: 1, block: 0 });
}

#[test]
fn a_heavy_station_still_drifts() {
    let batch = [measured(seen(wifi(), 0.01, 0.01), None, None, None, Some(-60))];
    let heavy = Station { weight: Some(50_000.0), samples: Some(60_000), ..row() };
    let decided = run(wifi(), Some(&heavy), &batch);
    let position = (51.500_002_440_810_35, -0.099_997_559_189_650_96);
    check(&decided, position, 1311, 60_001, 50_002.441_406_25);
}

#[test]
fn samples_and_weight_have_a_limit() {
    let batch = [measured(seen(wifi(), 0.0, 0.0), None, None, None, Some(-60))];
    let full = Station { weight: Some(999_999_999.5), samples: Some(u32::MAX), ..row() };
    check(&run(wifi(), Some(&full), &batch), P, 0, u32::MAX, 1e9);
}

#[test]
fn an_imported_station_takes_the_position_of_the_batch() {
    let imported = Station {
        weight: None,
        samples: None,
        radius_m: None,
        max_lat: None,
        min_lat: None,
        max_lon: None,
        min_lon: None,
        ..row()
    };
    let decided = run(wifi(), Some(&imported), &[seen(wifi(), 0.001, 0.002)]);
    check(&decided, (51.501, -0.098), 178, 1, 1.0);
    check_box(&decided.update[0].1, 51.501, -0.098, 51.5, -0.1);
}

#[test]
fn a_query_confirms_once_a_day() {
    let batch = [queried(seen(wifi(), 0.001, 0.002))];
    let decided = run(wifi(), Some(&row()), &batch);
    let confirmed = Station { last_seen: Some(now().date()), ..row() };
    assert_eq!(decided.update, [(wifi(), confirmed.clone())]);
    assert_eq!(decided.counts, Counts { obs: 1, new: 0, confirm: 1, block: 0 });
    let again = run(wifi(), Some(&confirmed), &batch);
    assert_eq!((again.update, again.counts), (vec![], Counts { obs: 1, ..Counts::default() }));
}

#[test]
fn satellites_replace_what_queries_said() {
    let query_based =
        Station { source: Some(Source::Query), samples: Some(10), weight: Some(15.0), ..row() };
    let observed = seen(wifi(), 0.001, 0.002);
    let decided = run(wifi(), Some(&query_based), &[observed, observed]);
    check(&decided, (51.501, -0.098), 0, 2, 2.0);
    let station = &decided.update[0].1;
    check_box(station, 51.501, -0.098, 51.501, -0.098);
    assert_eq!((station.source, station.created), (Some(Source::Gnss), row().created));

    let decided = run(wifi(), Some(&query_based), &[queried(observed)]);
    check(&decided, (51.500_062_5, -0.099_875), 167, 11, 16.0);
    assert_eq!(decided.update[0].1.source, Some(Source::Query));
}

#[test]
fn a_station_that_moved_is_blocked_and_its_observations_dropped() {
    let batch = [seen(wifi(), 0.1, 0.0)];
    let decided = run(wifi(), Some(&row()), &batch);
    let today = Some(now().date());
    let blocked = Station {
        created: row().created,
        modified: Some(now()),
        region: RegionCode::parse("GB"),
        block_first: today,
        block_last: today,
        block_count: Some(1),
        ..Station::default()
    };
    assert_eq!(decided.update, [(wifi(), blocked.clone())]);
    let again = run(wifi(), Some(&blocked), &batch);
    assert_eq!(
        again,
        Decided { counts: Counts { obs: 1, ..Counts::default() }, ..Decided::default() }
    );
}

#[test]
fn a_station_not_seen_for_a_year_may_have_a_new_place() {
    let batch = [seen(wifi(), 0.1, 0.0)];
    let modified = |year, month, day| Station {
        modified: date(year, month, day).and_hms_opt(0, 0, 0),
        block_first: Some(date(2024, 3, 1)),
        block_last: Some(date(2025, 1, 1)),
        block_count: Some(3),
        ..row()
    };
    let decided = run(wifi(), Some(&modified(2025, 11, 21)), &batch);
    check(&decided, (51.6, -0.1), 0, 1, 1.0);
    let station = &decided.update[0].1;
    assert_eq!(station.block_first, Some(date(2024, 3, 1)));
    assert_eq!((station.block_last, station.block_count), (Some(date(2025, 1, 1)), Some(3)));

    let decided = run(wifi(), Some(&modified(2025, 11, 22)), &batch);
    assert_eq!(decided.update[0].1.position(), None);
    assert_eq!(decided.update[0].1.block_count, Some(4));
}

#[test]
fn an_unknown_station_in_two_places_starts_blocked() {
    let decided = run(wifi(), None, &[seen(wifi(), 0.0, 0.0), seen(wifi(), 0.1, 0.0)]);
    let today = Some(now().date());
    let blocked = Station {
        created: Some(now()),
        modified: Some(now()),
        block_first: today,
        block_last: today,
        block_count: Some(1),
        ..Station::default()
    };
    assert_eq!(decided.insert, [(wifi(), blocked)]);
    assert_eq!(decided.counts, Counts { obs: 2, new: 1, confirm: 0, block: 1 });
}

#[test]
fn a_station_without_a_position_waits_for_agreement() {
    let apart = [seen(wifi(), 0.0, 0.0), seen(wifi(), 0.1, 0.0)];
    assert!(run(wifi(), Some(&placeless()), &apart).update.is_empty());
    let batch = [seen(wifi(), 0.0, 0.0), seen(wifi(), 0.001, 0.0)].map(queried);
    let decided = run(wifi(), Some(&placeless()), &batch);
    check(&decided, (51.5005, -0.1), 56, 2, 2.0);
    let station = &decided.update[0].1;
    assert_eq!(station.source, Some(Source::Query));
    assert_eq!(station.block_first, placeless().block_first);
    assert_eq!(
        (station.block_last, station.block_count),
        (placeless().block_last, placeless().block_count)
    );
}

#[test]
fn satellite_based_observations_outrank_queries_in_a_batch() {
    let batch = [
        seen(wifi(), 0.001, 0.0),
        queried(seen(wifi(), 0.2, 0.0)),
        from(Some(Source::Fused), seen(wifi(), 0.001, 0.0)),
        from(Some(Source::Fixed), seen(wifi(), 0.001, 0.0)),
    ];
    let decided = run(wifi(), Some(&row()), &batch);
    check(&decided, (51.5005, -0.1), 56, 5, 6.0);
    assert_eq!(decided.update[0].1.source, Some(Source::Gnss));
    assert_eq!(decided.counts.obs, 4);

    let decided = run(wifi(), Some(&row()), &[from(None, seen(wifi(), 0.001, 0.0))]);
    check(&decided, (51.500_25, -0.1), 83, 3, 4.0);
    assert_eq!(decided.update[0].1.source, Some(Source::Gnss));
}

#[test]
fn cells_and_beacons_follow_the_same_rules() {
    let at = |lon| seen(gsm(), 0.0, lon);
    let batch = [
        measured(at(-0.002), Some(20.0), None, None, Some(-51)),
        measured(at(-0.004), Some(1000.0), None, None, Some(-111)),
        measured(at(-0.5), Some(1000.1), None, None, None),
    ];
    let cell = Station { samples: Some(1), weight: Some(2.0), ..row() };
    let decided = run(gsm(), Some(&cell), &batch);
    check(&decided, (51.5, -0.101_579_295_023_644_61), 168, 3, 9.245_295_394_695_251);

    let at = |lon| seen(blue(), 0.0, lon);
    let batch = [
        measured(at(-0.0001), Some(20.0), None, None, None),
        measured(at(-0.0002), Some(40.0), Some(-8000), None, None),
        measured(at(-0.0002), Some(100.1), None, None, None),
    ];
    let decided = run(blue(), Some(&row()), &batch);
    check(&decided, (51.5, -0.100_030_504_781_597_67), 12, 4, 3.957_106_781_186_547_5);
}

#[test]
fn a_region_is_kept_while_the_position_is_near_it() {
    // In Switzerland, at first close to France, then in the middle of it.
    for (lon, kept) in [(6.82, "FR"), (7.45, "CH")] {
        let station = Station {
            lat: Some(46.2884),
            lon: Some(lon),
            max_lat: None,
            min_lat: None,
            max_lon: None,
            min_lon: None,
            region: RegionCode::parse("FR"),
            ..row()
        };
        let seen = seen(wifi(), 46.2884 - P.0, lon - P.1);
        let decided = run(wifi(), Some(&station), &[seen]);
        assert_eq!(decided.update[0].1.region, RegionCode::parse(kept), "{lon}");
    }
    let strange = Station { region: RegionCode::parse("BR"), ..row() };
    let decided = run(wifi(), Some(&strange), &[seen(wifi(), 0.0, 0.0)]);
    assert_eq!(decided.update[0].1.region, RegionCode::parse("GB"));
}

#[test]
fn both_sides_of_the_antimeridian_average_to_the_far_side() {
    let at = |lon| Observation {
        fix: Fix { lat: -17.0, lon, ..Fix::default() },
        ..seen(wifi(), 0.0, 0.0)
    };
    let decided = run(wifi(), None, &[at(179.99), at(-179.99)]);
    check(&decided, (-17.0, 0.0), 16_243_317, 2, 2.0);
    assert_eq!(decided.insert[0].1.region, None);
}
