use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::geoip::{GeoIp, GeoIpRecord};

#[test]
fn what_is_not_valid_disappears() {
    let readings = vec![
        CellReading { radio: None, ..cell(Radio::Gsm, 234, Some(5), Some(7)) },
        cell(Radio::Gsm, 553, Some(5), Some(7)),
        cell(Radio::Gsm, -1, Some(5), Some(7)),
        cell(Radio::Gsm, 234, Some(0), Some(7)),
        cell(Radio::Gsm, 234, Some(65_534), Some(7)),
        cell(Radio::Gsm, 234, None, Some(7)),
        CellReading { mnc: Some(1000), ..cell(Radio::Gsm, 234, Some(5), Some(7)) },
        CellReading { mnc: None, ..cell(Radio::Gsm, 234, Some(5), Some(7)) },
    ];
    let query = locate(Request { cell: readings, ..request() });
    assert!(!query.has_networks());
    assert_eq!(query.sent.cell, 8);
    assert_eq!(query.valid.cell, 0);
    for cid in [None, Some(0), Some(-1), Some(1 << 28)] {
        let reading = cell(Radio::Lte, 234, Some(5), cid);
        let query = locate(Request { cell: vec![reading], ..request() });
        assert_eq!((query.cells.len(), query.areas.len()), (0, 1), "{cid:?}");
    }
    let bad = BlueReading { mac: "nonsense".to_owned(), ..BlueReading::default() };
    let query = locate(Request { blue: vec![bad, blue(0, None), blue(1, None)], ..request() });
    assert_eq!(query.blue.len(), 2);
}

#[test]
fn values_out_of_range_are_unknown() {
    let reading = WifiReading {
        channel: Some(0),
        frequency: Some(2437),
        snr: Some(101),
        ..wifi(0, Some(-101), Some(3_600_001))
    };
    let query = locate(Request { wifi: vec![reading, wifi(1, None, None)], ..request() });
    let first = &query.wifi[0];
    assert_eq!((first.signal, first.age, first.snr), (None, None, None));
    assert_eq!((first.channel, first.frequency), (Some(6), Some(2437)));

    let reading = CellReading {
        signal: Some(-25),
        psc: Some(512),
        ta: Some(5),
        ..cell(Radio::Gsm, 234, Some(5), Some(70_000))
    };
    let query = locate(Request { cell: vec![reading], ..request() });
    let (cell, area) = (&query.cells[0], &query.areas[0]);
    assert_eq!((cell.signal, cell.psc, cell.ta), (Some(-25), None, None));
    assert_eq!((area.signal, area.ta), (None, Some(5)));
}

#[test]
fn a_reading_stays_when_it_is_better_in_any_respect() {
    for (first, second, kept) in [
        ((Some(-80), Some(500)), (Some(-70), Some(1000)), 0),
        ((Some(-80), Some(1000)), (Some(-70), Some(500)), 1),
        ((Some(-80), Some(500)), (Some(-80), Some(500)), 1),
        ((Some(-80), None), (None, None), 1),
        ((None, Some(-5)), (Some(-50), Some(3)), 0),
        ((Some(-70), None), (Some(-80), Some(0)), 0),
    ] {
        let readings = [first, second].map(|(signal, age)| wifi(0, signal, age));
        let query = locate(Request {
            wifi: vec![readings[0].clone(), wifi(1, None, None), readings[1].clone()],
            ..request()
        });
        let expected = [first, second][kept];
        let first = &query.wifi[0];
        assert_eq!(first.mac, mac(0));
        assert_eq!((first.signal.map(i64::from), first.age.map(i64::from)), expected);
    }
    let snrs = [Some(10), Some(20)].map(|snr| WifiReading { snr, ..wifi(0, None, None) });
    let query = locate(Request {
        wifi: vec![snrs[1].clone(), snrs[0].clone(), wifi(1, None, None)],
        ..request()
    });
    assert_eq!(query.wifi[0].snr, Some(20));

    let reading = cell(Radio::Gsm, 234, Some(5), Some(7));
    let near = CellReading { ta: Some(1), signal: Some(-100), ..reading.clone() };
    let strong = CellReading { ta: Some(2), signal: Some(-60), ..reading };
    let query = locate(Request { cell: vec![near, strong], ..request() });
    assert_eq!((query.cells.len(), query.areas.len()), (1, 1));
    assert_eq!((query.cells[0].ta, query.areas[0].ta), (Some(1), Some(1)));
}

#[test]
fn one_access_point_or_beacon_alone_is_not_looked_for() {
    let same = wifi(0, Some(-50), None);
    let other_spelling = WifiReading { mac: "02-00-00-00-00-00".to_owned(), ..same.clone() };
    let query = locate(Request {
        wifi: vec![same, other_spelling],
        blue: vec![blue(1, None)],
        ..request()
    });
    assert!(!query.has_networks());
    assert_eq!(query.sent, Counts { blue: 1, cell: 0, wifi: 2 });
    assert_eq!(query.valid, Counts::default());
    assert_eq!(query.station_keys(), []);
}

#[test]
fn large_requests_are_cut_to_the_strongest_signals() {
    let readings: Vec<WifiReading> =
        (0..30_000).map(|i| wifi(i, if i % 50 == 7 { Some(-40) } else { None }, None)).collect();
    let query = locate(Request { wifi: readings, ..request() });
    assert_eq!(query.sent.wifi, 30_000);
    assert_eq!(query.valid.wifi, 30_000);
    assert_eq!(query.station_keys().len(), MAX_NETWORKS);
    assert!(query.wifi.iter().all(|wifi| wifi.signal == Some(-40)));
    assert!(query.wifi.is_sorted_by_key(|wifi| wifi.mac));
}

#[test]
fn the_expected_accuracy_follows_from_what_is_sent() {
    let some_wifi = || Request { wifi: (0..2).map(|i| wifi(i, None, None)).collect(), ..request() };
    let some_blue = || Request { blue: (0..2).map(|i| blue(i, None)).collect(), ..request() };
    let some_cell = || Request { cell: vec![cell(Radio::Lte, 234, Some(5), Some(7))], ..request() };
    let some_area = || Request { cell: vec![cell(Radio::Lte, 234, Some(5), None)], ..request() };
    let without_lacf = Request { lacf: false, ..some_area() };
    let with_ip = Client { has_ip: true, geoip: None };
    let none = Client::default();
    for (api, request, client, expected) in [
        (Api::Locate, some_wifi(), none, AccuracyClass::High),
        (Api::Locate, some_blue(), with_ip, AccuracyClass::High),
        (Api::Locate, some_cell(), with_ip, AccuracyClass::Medium),
        (Api::Locate, some_area(), none, AccuracyClass::Low),
        (Api::Locate, without_lacf, none, AccuracyClass::None),
        (Api::Locate, request(), with_ip, AccuracyClass::Low),
        (Api::Locate, Request { ipf: false, ..request() }, with_ip, AccuracyClass::None),
        (Api::Region, some_wifi(), none, AccuracyClass::Low),
        (Api::Region, some_cell(), none, AccuracyClass::Low),
        (Api::Region, some_area(), none, AccuracyClass::Low),
        (Api::Region, request(), none, AccuracyClass::None),
    ] {
        let query = Query::new(api, request, client);
        assert_eq!(query.expected_accuracy(), expected, "{query:?}");
    }
}

#[test]
fn an_address_is_a_fallback_only_beside_stations() {
    let record = GeoIpRecord {
        country: "GB".to_owned(),
        city_geoname_id: Some(2_643_743),
        has_subdivision: true,
        lat: 51.5142,
        lon: -0.0931,
        accuracy_radius_km: Some(100),
    };
    let geoip = GeoIp::from_record(&record, Regions::shared());
    let client = Client { has_ip: true, geoip };
    let cells = vec![cell(Radio::Lte, 234, Some(5), None)];
    for (cell, lacf, ipf, expected) in [
        (vec![], true, true, Some(None)),
        (cells.clone(), true, true, Some(Some(Fallback::Ipf))),
        (cells, false, true, Some(None)),
        (vec![], true, false, None),
    ] {
        let query = Query::new(Api::Locate, Request { cell, lacf, ipf, ..request() }, client);
        let result = geoip_position(&query);
        assert_eq!(result.as_ref().map(|result| result.fallback), expected);
        if let Some(result) = result {
            let answer = (result.lat, result.lon, result.accuracy_m, result.score);
            assert_eq!(answer, (51.5142, -0.0931, 40_000.0, 0.8));
        }
    }
}

fn numbers() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![Just(None), any::<i64>().prop_map(Some), (-200i64..5000).prop_map(Some)]
}

fn cell_readings() -> impl Strategy<Value = CellReading> {
    let radio = proptest::option::of(proptest::sample::select(Radio::ALL.to_vec()));
    let mcc = prop_oneof![numbers(), Just(Some(262)), Just(Some(310))];
    let identity = (radio, mcc, numbers(), numbers(), numbers());
    (identity, numbers(), numbers(), numbers(), numbers()).prop_map(
        |((radio, mcc, mnc, lac, cid), psc, age, signal, ta)| CellReading {
            radio,
            mcc,
            mnc,
            lac,
            cid,
            psc,
            age,
            signal,
            ta,
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_sent_leaves_only_plausible_networks(
        cells in vec(cell_readings(), 0..20),
        others in vec((0usize..9, numbers(), numbers(), numbers()), 0..20),
    ) {
        let wifi = others.iter().map(|&(i, signal, age, channel)| WifiReading {
            channel,
            frequency: channel,
            ..wifi(i, signal, age)
        });
        let blue = others.iter().map(|&(i, signal, age, _)| BlueReading { age, ..blue(i, signal) });
        let query = locate(Request {
            cell: cells.clone(),
            blue: blue.collect(),
            wifi: wifi.collect(),
            ..request()
        });
        prop_assert!(query.cells.len() <= query.sent.cell);
        prop_assert!(query.wifi.len() != 1 && query.blue.len() != 1);
        for cell in &query.cells {
            let area = cell.key.area;
            prop_assert!(Regions::shared().is_mcc(area.mcc) && area.mnc <= 999);
            prop_assert!((1..=area.radio.max_lac()).contains(&area.lac));
            prop_assert!((1..=area.radio.max_cid()).contains(&cell.key.cid));
            prop_assert!(cell.signal.is_none_or(|signal| signal < 0));
        }
        let mut keys = query.station_keys();
        let total = keys.len();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), total);

        let found = Found {
            stations: keys.iter().map(|&key| (key, station(51.5, -0.1))).collect(),
            areas: query.area_keys().iter().map(|&key| (key, CellArea::default())).collect(),
        };
        for result in internal_positions(&query, &found, now()) {
            prop_assert_eq!((result.lat, result.lon), (51.5, -0.1));
            prop_assert!(result.accuracy_m.is_finite() && result.score > 0.0);
        }
        let query = Query { api: Api::Region, ..query };
        for result in internal_regions(&query, &found, Regions::shared(), now()) {
            prop_assert!(result.accuracy_m > 0.0 && result.score > 0.0);
        }
    }
}
