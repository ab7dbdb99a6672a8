use std::slice;

use super::*;
use crate::cell::Radio;

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

fn now() -> NaiveDateTime {
    date(22).and_hms_opt(12, 30, 15).unwrap()
}

fn key(mcc: u16) -> AreaKey {
    AreaKey { radio: Radio::Gsm, mcc, mnc: 30, lac: 9 }
}

/// A cell with a box of 0.02 by 0.04 degrees around it.
fn cell(lat: f64, lon: f64, radius_m: u32, last_seen: Option<u32>) -> Station {
    Station {
        lat: Some(lat),
        lon: Some(lon),
        max_lat: Some(lat + 0.01),
        min_lat: Some(lat - 0.01),
        max_lon: Some(lon + 0.02),
        min_lon: Some(lon - 0.02),
        radius_m: Some(radius_m),
        region: RegionCode::parse("GB"),
        last_seen: last_seen.map(date),
        ..Station::default()
    }
}

fn inserted(cells: &[Station], mcc: u16) -> CellArea {
    match decide(None, cells, &key(mcc), Regions::shared(), now()) {
        Decision::Insert(area) => area,
        other => panic!("{other:?}"),
    }
}

fn assert_close(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() <= expected.abs() * 1e-9, "{found:?} {expected}");
}

#[test]
fn an_area_lies_in_the_middle_of_its_cells() {
    let placeless =
        Station { radius_m: Some(90_000), last_seen: Some(date(22)), ..Station::default() };
    let cells =
        [cell(51.5, -0.1, 1000, Some(20)), cell(51.52, -0.14, 2001, Some(21)), placeless.clone()];
    let area = inserted(&cells, 234);
    assert_close(area.lat, 51.51);
    assert_close(area.lon, -0.12);
    let expected = CellArea {
        lat: area.lat,
        lon: area.lon,
        created: Some(now()),
        modified: Some(now()),
        radius_m: Some(3559),
        region: RegionCode::parse("GB"),
        avg_cell_radius_m: Some(1500),
        num_cells: Some(2),
        last_seen: Some(date(21)),
    };
    assert_eq!(area, expected);

    let old = CellArea { created: date(1).and_hms_opt(0, 0, 0), ..area };
    let rest = [cells[0].clone(), placeless.clone()];
    let Decision::Update(area) = decide(Some(&old), &rest, &key(234), Regions::shared(), now())
    else {
        panic!("not updated")
    };
    assert_eq!((area.lat, area.lon, area.created), (Some(51.5), Some(-0.1), old.created));
    assert_eq!(
        (area.radius_m, area.avg_cell_radius_m, area.num_cells),
        (Some(1780), Some(1000), Some(1))
    );

    let gone = decide(Some(&old), slice::from_ref(&placeless), &key(234), Regions::shared(), now());
    assert_eq!(gone, Decision::Delete);
    let never = decide(None, &[placeless], &key(234), Regions::shared(), now());
    assert_eq!(never, Decision::Nothing);
}

#[test]
fn mean_radii_are_rounded_to_even_and_missing_ones_ignored() {
    let unknown = Station { radius_m: None, ..cell(51.5, -0.1, 0, None) };
    for (radii, mean) in [(vec![1, 2], 2), (vec![2, 3], 2), (vec![5], 5), (vec![], 0)] {
        let mut cells: Vec<Station> =
            radii.iter().map(|&radius| cell(51.5, -0.1, radius, None)).collect();
        cells.push(unknown.clone());
        assert_eq!(inserted(&cells, 234).avg_cell_radius_m, Some(mean), "{radii:?}");
        assert_eq!(inserted(&cells, 234).last_seen, None);
    }
}

#[test]
fn half_a_box_is_enough_for_a_radius() {
    let whole = cell(51.5, -0.1, 1000, None);
    let half = Station { max_lat: None, max_lon: None, ..whole.clone() };
    let none = Station { min_lat: None, min_lon: None, ..half.clone() };
    let one_sided = Station { max_lat: None, min_lat: None, ..whole };
    for (cell, radius) in [(half, 1780), (none, 0), (one_sided, 0)] {
        assert_eq!(inserted(&[cell], 234).radius_m, Some(radius));
    }
}

#[test]
fn cells_vote_for_the_region() {
    for (codes, mcc, expected) in [
        (&["FR", "BE"][..], 204, "BE"),
        (&["FR", "BE"], 234, "GB"),
        (&["", "GB", ""], 234, ""),
        (&["", ""], 234, ""),
        (&["FR"], 234, "FR"),
        (&["FR", "BE", "FR"], 234, "FR"),
        (&["", "FR"], 204, ""),
        (&["", "FR"], 234, "GB"),
    ] {
        let cells: Vec<Station> = codes
            .iter()
            .map(|code| Station { region: RegionCode::parse(code), ..cell(51.5, -0.1, 10, None) })
            .collect();
        assert_eq!(inserted(&cells, mcc).region, RegionCode::parse(expected), "{codes:?} {mcc}");
    }
}

#[test]
fn each_area_is_decided_once() {
    let [fresh, known, gone] = [234, 235, 236].map(key);
    let found = HashMap::from([(known, CellArea::default()), (gone, CellArea::default())]);
    let cells = HashMap::from([
        (fresh, vec![cell(51.5, -0.1, 10, None)]),
        (known, vec![cell(51.5, -0.1, 10, None)]),
    ]);
    let areas = [gone, fresh, known, fresh, gone];
    let decided = decide_all(&found, &cells, &areas, Regions::shared(), now());
    assert_eq!(decided.insert.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [fresh]);
    assert_eq!(decided.update.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [known]);
    assert_eq!(decided.delete, [gone]);
}
