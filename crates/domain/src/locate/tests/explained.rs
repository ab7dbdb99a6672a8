use super::*;

#[test]
fn a_station_is_known_when_it_has_a_position_and_does_not_move_about() {
    let query = locate(Request {
        wifi: (1..=4).map(|i| wifi(i, None, None)).collect(),
        blue: vec![blue(5, None), blue(6, None)],
        cell: vec![
            cell(Radio::Lte, 234, Some(7), Some(70)),
            cell(Radio::Lte, 234, Some(8), Some(80)),
            cell(Radio::Lte, 234, Some(9), None),
        ],
        ..request()
    });
    let moved = Station { block_last: Some(now().date()), ..station(51.0, 10.0) };
    let nowhere = Station { lat: None, lon: None, ..station(51.0, 10.0) };
    let stations = [
        (StationKey::Wifi(mac(1)), station(51.0, 10.0)),
        (StationKey::Wifi(mac(2)), moved),
        (StationKey::Wifi(mac(3)), nowhere),
        // The same address as a beacon is another station.
        (StationKey::Wifi(mac(5)), station(51.0, 10.0)),
        (StationKey::Blue(mac(6)), station(51.0, 10.0)),
        (StationKey::Cell(cell_key(Radio::Lte, 8, 80)), station(51.0, 10.0)),
    ];
    let area = CellArea { lat: Some(51.0), lon: Some(10.0), ..CellArea::default() };
    let areas =
        [(area_key(Radio::Lte, 234, 9), area), (area_key(Radio::Lte, 234, 8), CellArea::default())];
    let found = Found { stations: stations.into(), areas: areas.into() };
    let known = |key, is_known| Known { key, is_known };
    let explanation = explain(&query, &found, now());
    assert_eq!(
        explanation.wifi,
        [known(mac(1), true), known(mac(2), false), known(mac(3), false), known(mac(4), false)]
    );
    assert_eq!(explanation.blue, [known(mac(5), false), known(mac(6), true)]);
    let cells: Vec<_> =
        explanation.cells.iter().map(|cell| (cell.key.cid, cell.is_known)).collect();
    assert_eq!(cells, [(70, false), (80, true)]);
    let areas: Vec<_> =
        explanation.areas.iter().map(|area| (area.key.lac, area.is_known)).collect();
    assert_eq!(areas, [(7, false), (8, false), (9, true)]);
}

#[test]
fn of_an_access_point_or_beacon_alone_nothing_is_told() {
    let query = locate(Request {
        wifi: vec![wifi(1, None, None), wifi(1, Some(-50), None)],
        blue: vec![blue(2, None)],
        ..request()
    });
    let found = Found {
        stations: [
            (StationKey::Wifi(mac(1)), station(51.0, 10.0)),
            (StationKey::Blue(mac(2)), station(51.0, 10.0)),
        ]
        .into(),
        ..Found::default()
    };
    assert_eq!(explain(&query, &found, now()), Explanation::default());
}
