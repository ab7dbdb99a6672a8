use super::*;

/// A cell with what a device says about it.
#[derive(Clone, Copy)]
struct Seen {
    key: CellKey,
    lat: f64,
    lon: f64,
    signal: Option<i64>,
    age: Option<i64>,
    samples: u32,
    radius_m: u32,
}

fn seen(key: CellKey, lat: f64, lon: f64) -> Seen {
    Seen { key, lat, lon, signal: None, age: None, samples: 64, radius_m: 2000 }
}

fn gsm(lac: u32, cid: u64) -> CellKey {
    cell_key(Radio::Gsm, lac, cid)
}

fn reading(key: CellKey) -> CellReading {
    let area = key.area;
    cell(area.radio, area.mcc.into(), Some(area.lac.into()), Some(key.cid.cast_signed()))
}

fn answers(cells: &[Seen]) -> Vec<PositionResult> {
    let readings = cells.iter().map(|seen| CellReading {
        signal: seen.signal,
        age: seen.age,
        ..reading(seen.key)
    });
    let query = locate(Request { cell: readings.collect(), ..request() });
    let stations = cells.iter().map(|seen| {
        let row = Station {
            samples: Some(seen.samples),
            radius_m: Some(seen.radius_m),
            ..station(seen.lat, seen.lon)
        };
        (StationKey::Cell(seen.key), row)
    });
    let found = Found { stations: stations.collect(), ..Found::default() };
    internal_positions(&query, &found, now())
}

#[track_caller]
fn assert_answer(results: &[PositionResult], expected: &[(f64, f64, f64, f64)]) {
    assert_eq!(results.len(), expected.len(), "{results:?}");
    for (result, &(lat, lon, accuracy_m, score)) in results.iter().zip(expected) {
        assert_near(result.lat, lat, 5.1e-8);
        assert_near(result.lon, lon, 5.1e-8);
        assert_near(result.accuracy_m, accuracy_m, 1e-6);
        assert_near(result.score, score, 1e-12);
    }
}

#[test]
fn one_cell_answers_with_its_own_radius_within_bounds() {
    for (radius_m, accuracy_m) in [(0, 1000.0), (500, 1000.0), (2000, 2000.0), (80_000, 50_000.0)] {
        let cell = Seen { radius_m, samples: 1, ..seen(gsm(5, 1), 51.5, -0.1) };
        assert_answer(&answers(&[cell]), &[(51.5, -0.1, accuracy_m, 0.5)]);
    }
}

#[test]
fn cells_of_one_area_answer_with_their_weighted_mean() {
    let first = Seen { signal: Some(-60), ..seen(gsm(5, 1), 51.5, -0.1) };
    let second = Seen { signal: Some(-90), ..seen(gsm(5, 2), 51.53, -0.06) };
    assert_answer(
        &answers(&[first, second]),
        &[(51.509_230_769_230_77, -0.087_692_307_692_307_7, 2_922.209_562_100_326, 12.0)],
    );
    let second = Seen { samples: 2, age: Some(8000), ..second };
    let third = Seen { samples: 1024, age: Some(2000), ..seen(gsm(5, 3), 51.48, -0.13) };
    assert_answer(
        &answers(&[first, second, third]),
        &[(51.494_500_954_705_394, -0.108_371_457_388_572_8, 4_886.184_574_425_727, 17.0)],
    );
}

#[test]
fn every_area_with_known_cells_is_an_answer() {
    assert_answer(
        &answers(&[
            Seen { signal: Some(-60), ..seen(gsm(5, 1), 51.5, -0.1) },
            seen(gsm(6, 1), 51.53, -0.06),
            Seen { signal: Some(-70), ..seen(gsm(5, 2), 51.51, -0.11) },
        ]),
        &[
            (51.504_235_294_117_64, -0.104_235_294_117_647_04, 1000.0, 12.0),
            (51.53, -0.06, 2000.0, 6.0),
        ],
    );
    let same_number = [gsm(5, 1), cell_key(Radio::Lte, 5, 1)].map(|key| seen(key, 51.5, -0.1));
    assert_eq!(answers(&same_number).len(), 2);
}

#[test]
fn a_new_radio_cell_is_found_by_its_wide_numbers() {
    let key = CellKey {
        area: AreaKey { radio: Radio::Nr, mcc: 262, mnc: 30, lac: 0xAB_CDEF },
        cid: 0xF_1234_5678,
    };
    assert_answer(&answers(&[seen(key, 51.5, -0.1)]), &[(51.5, -0.1, 2000.0, 6.0)]);
}

#[test]
fn areas_answer_only_when_no_cell_does() {
    let area = CellArea {
        lat: Some(51.6),
        lon: Some(-0.2),
        radius_m: Some(60_000),
        num_cells: Some(100),
        created: Some(now() - TimeDelta::days(10)),
        modified: Some(now()),
        ..CellArea::default()
    };
    let key = gsm(5, 1);
    let mut found = Found::default();
    found.areas.insert(key.area, area);
    let query = |lacf| locate(Request { cell: vec![reading(key)], lacf, ..request() });
    let results = internal_positions(&query(true), &found, now());
    assert_answer(&results, &[(51.6, -0.2, 60_000.0, 10.0)]);
    assert_eq!(results[0].fallback, Some(Fallback::Lacf));
    assert_eq!(internal_positions(&query(false), &found, now()), []);

    found.stations.insert(StationKey::Cell(key), station(51.5, -0.1));
    let results = internal_positions(&query(true), &found, now());
    assert_answer(&results, &[(51.5, -0.1, 1000.0, 6.0)]);
    assert_eq!(results[0].fallback, None);
}

#[test]
fn areas_answer_with_their_radius_within_bounds() {
    let key = area_key(Radio::Lte, 234, 7);
    for (radius_m, accuracy_m) in [
        (None, 50_000.0),
        (Some(10), 50_000.0),
        (Some(60_000), 60_000.0),
        (Some(600_000), 500_000.0),
    ] {
        let area = CellArea { lat: Some(1.0), lon: Some(2.0), radius_m, ..CellArea::default() };
        let found = Found { areas: [(key, area)].into(), ..Found::default() };
        let reading = cell(Radio::Lte, 234, Some(7), None);
        let query = locate(Request { cell: vec![reading], ..request() });
        let results = internal_positions(&query, &found, now());
        assert_near(results[0].accuracy_m, accuracy_m, 0.0);
    }
}

#[test]
fn a_gsm_cell_with_a_wide_id_is_wcdma_but_its_area_is_gsm() {
    let query =
        locate(Request { cell: vec![cell(Radio::Gsm, 234, Some(5), Some(65_536))], ..request() });
    assert_eq!(query.cells[0].key, cell_key(Radio::Wcdma, 5, 65_536));
    assert_eq!(query.area_keys(), [area_key(Radio::Gsm, 234, 5)]);
}
