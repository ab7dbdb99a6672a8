use serde_json::{Value, json, to_value};

use super::*;

/// Is a query worth learning from whose stations were last seen so many days ago?
fn is_worth_it(request: Request, days_ago: &[(StationKey, i64)]) -> bool {
    let stations = days_ago.iter().map(|&(key, days)| {
        let last_seen = Some(now().date() - TimeDelta::days(days));
        (key, Station { last_seen, ..station(51.5, -0.1) })
    });
    let found = Found { stations: stations.collect(), ..Found::default() };
    let query = locate(request);
    let results = internal_positions(&query, &found, now());
    worth_learning(&query, best_position(&results))
}

fn access_point(i: usize) -> StationKey {
    StationKey::Wifi(mac(i))
}

#[test]
fn what_was_confirmed_today_is_not_learned_again() {
    let pair = || Request { wifi: (0..2).map(|i| wifi(i, None, None)).collect(), ..request() };
    let three = || Request { wifi: (0..3).map(|i| wifi(i, None, None)).collect(), ..request() };
    let (first, second) = (access_point(0), access_point(1));
    assert!(!is_worth_it(pair(), &[(first, 0), (second, 0)]));
    assert!(!is_worth_it(pair(), &[(first, -1), (second, 0)]));
    assert!(is_worth_it(pair(), &[(first, 0), (second, 1)]));
    assert!(is_worth_it(three(), &[(first, 0), (second, 0)]));
    assert!(!is_worth_it(pair(), &[(first, 1)]));

    let mut with_opted_out = three();
    with_opted_out.wifi[2].is_opted_out = true;
    assert!(!is_worth_it(with_opted_out, &[(first, 0), (second, 0)]));
}

#[test]
fn cells_are_learned_again_when_areas_count() {
    let key = cell_key(Radio::Gsm, 5, 7);
    for (lacf, expected) in [(true, true), (false, false)] {
        let cell = vec![cell(Radio::Gsm, 234, Some(5), Some(7))];
        let request = Request { cell, lacf, ..request() };
        assert_eq!(is_worth_it(request, &[(StationKey::Cell(key), 0)]), expected, "{lacf}");
    }
}

#[test]
fn an_area_is_learned_unless_it_is_all_there_is() {
    let key = area_key(Radio::Gsm, 234, 5);
    let area = CellArea {
        lat: Some(51.5),
        lon: Some(-0.1),
        last_seen: Some(now().date()),
        ..CellArea::default()
    };
    let found = Found { areas: [(key, area)].into(), ..Found::default() };
    for (cid, expected) in [(None, false), (Some(7), true)] {
        let query =
            locate(Request { cell: vec![cell(Radio::Gsm, 234, Some(5), cid)], ..request() });
        let results = internal_positions(&query, &found, now());
        assert_eq!(worth_learning(&query, best_position(&results)), expected);
    }
}

#[test]
fn the_report_has_the_valid_networks_and_what_is_known_of_them() {
    let query = locate(Request {
        blue: vec![
            BlueReading { age: Some(10), name: Some("b".to_owned()), ..blue(1, Some(-60)) },
            blue(2, Some(-900)),
        ],
        cell: vec![
            CellReading {
                psc: Some(1),
                age: Some(0),
                signal: Some(-70),
                ta: Some(1),
                ..cell(Radio::Gsm, 234, Some(5), Some(7))
            },
            cell(Radio::Gsm, 234, Some(6), None),
        ],
        wifi: vec![
            WifiReading { channel: Some(1), snr: Some(20), ..wifi(3, Some(-50), Some(0)) },
            WifiReading { is_opted_out: true, ..wifi(4, None, None) },
        ],
        lacf: true,
        ipf: true,
    });
    let position =
        PositionResult::new(51.500_061_4, -0.1, 14.558_882_5, 1.0, ResultSource::Internal);
    let report: Value = to_value(learned_report(&query, &position)).unwrap();
    assert_eq!(
        report,
        json!({
            "bluetoothBeacons": [
                {"macAddress": "020000000001", "age": 10, "signalStrength": -60, "name": "b"},
                {"macAddress": "020000000002"},
            ],
            "cellTowers": [{
                "radioType": "gsm", "mobileCountryCode": 234, "mobileNetworkCode": 30,
                "locationAreaCode": 5, "cellId": 7, "primaryScramblingCode": 1, "age": 0,
                "signalStrength": -70, "timingAdvance": 1,
            }],
            "wifiAccessPoints": [{
                "macAddress": "020000000003", "age": 0, "channel": 1, "frequency": 2412,
                "signalStrength": -50, "signalToNoiseRatio": 20,
            }],
            "fallbacks": {"ipf": true, "lacf": true},
            "position": {
                "latitude": 51.500_061_4, "longitude": -0.1, "accuracy": 14.558_882_5,
                "source": "query",
            },
        })
    );
}

#[test]
fn a_query_for_an_area_alone_is_learned_without_networks() {
    let query = locate(Request { cell: vec![cell(Radio::Gsm, 234, Some(5), None)], ..request() });
    let position = PositionResult::new(51.5, -0.1, 50_000.0, 1.0, ResultSource::Internal);
    let report: Value = to_value(learned_report(&query, &position)).unwrap();
    let mut members: Vec<&String> = report.as_object().unwrap().keys().collect();
    members.sort_unstable();
    assert_eq!(members, ["fallbacks", "position"]);
}
