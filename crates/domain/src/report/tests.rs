use serde_json::{Value, json};

use super::*;
use crate::cell::Radio;
use crate::observation::{Observation, Reading};
use crate::region::Regions;
use crate::station::{Kind, StationKey};

fn report(value: Value) -> Report {
    serde_json::from_value(value).unwrap()
}

fn extracted(value: Value) -> Extracted {
    report(value).observations(Regions::shared())
}

/// A base object with some members replaced.
fn with(mut base: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// The observation of a report in London with one station of this list.
fn single(list: &str, station: &Value) -> Option<Observation> {
    let extracted =
        extracted(json!({"position": {"latitude": 51.5, "longitude": -0.1}, list: [station]}));
    let malformed = Kind::ALL.into_iter().map(|kind| extracted.malformed.of(kind)).sum::<u64>();
    assert_eq!(extracted.observations.len() as u64 + malformed, 1);
    extracted.observations.first().copied()
}

fn cell(changes: &Value) -> Option<Observation> {
    let base = json!({"radioType": "gsm", "mobileCountryCode": 234, "mobileNetworkCode": 30,
        "locationAreaCode": 5, "cellId": 100});
    single("cellTowers", &with(base, changes))
}

fn wifi(changes: &Value) -> Option<Reading> {
    let base = json!({"macAddress": "a82066000001"});
    single("wifiAccessPoints", &with(base, changes)).map(|observation| observation.reading)
}

fn blue(changes: &Value) -> Option<Reading> {
    let base = json!({"macAddress": "a82066000001"});
    single("bluetoothBeacons", &with(base, changes)).map(|observation| observation.reading)
}

const SUBMISSION: &str = r#"{"api_key": "test", "report": {"timestamp": 1405602028568, "bluetoothBeacons": [{"macAddress": "ff:23:45:67:89:ab", "age": 2000, "name": "beacon", "signalStrength": -110}], "wifiAccessPoints": [{"macAddress": "94:B4:0F:01:0D:01", "age": 2000, "channel": 7, "signalStrength": -50, "signalToNoiseRatio": 30}, {"macAddress": "000000000000"}], "cellTowers": [{"radioType": "wcdma", "mobileCountryCode": 234, "mobileNetworkCode": 30, "locationAreaCode": 5, "cellId": 6789, "age": 2000, "asu": 46, "primaryScramblingCode": 9, "timingAdvance": 1}, {"radioType": "gsm", "mobileCountryCode": 999, "mobileNetworkCode": 30, "locationAreaCode": 5, "cellId": 6789}], "position": {"latitude": 51.5, "longitude": -0.1, "accuracy": 20.0, "age": 1000, "speed": 10.0, "source": "gnss"}}, "source": "gnss"}"#;

const QUERY: &str = r#"{"api_key": "test", "report": {"wifiAccessPoints": [{"macAddress": "a82066000011", "age": 20, "channel": 5, "frequency": 2432, "signalStrength": -60}, {"macAddress": "a82066000012", "signalStrength": -60}], "fallbacks": {"ipf": false, "lacf": true}, "position": {"latitude": 51.5, "longitude": -0.1, "accuracy": 10.0, "source": "query"}}, "source": "query"}"#;

#[test]
fn queued_reports_are_written_as_they_were_read() {
    for text in [SUBMISSION, QUERY] {
        let queued: QueuedReport = serde_json::from_str(text).unwrap();
        let compact = text.replace("\": ", "\":").replace(", ", ",");
        assert_eq!(serde_json::to_string(&queued).unwrap(), compact);
        let exported: ExportedReport = serde_json::from_str(text).unwrap();
        assert_eq!(exported, ExportedReport::from(queued));
        let text = serde_json::to_string(&exported).unwrap();
        assert!(text.starts_with(r#"{"api_key":"test","report":{"#) && text.ends_with("}}"));
    }
}

#[test]
fn a_submission_shows_its_empty_lists_and_no_empty_position() {
    let queued = QueuedReport {
        report: Report {
            carrier: Some("x".into()),
            home_mcc: Some(234),
            home_mnc: Some(1),
            timestamp: Some(1_500_000_000_000),
            ..Report::default()
        },
        ..QueuedReport::default()
    };
    assert_eq!(
        serde_json::to_string(&queued).unwrap(),
        r#"{"api_key":null,"report":{"carrier":"x","homeMobileCountryCode":234,"homeMobileNetworkCode":1,"timestamp":1500000000000,"bluetoothBeacons":[],"wifiAccessPoints":[],"cellTowers":[]},"source":null}"#
    );
    assert_eq!(queued.source(), "gnss");
}

#[test]
fn names_of_networks_are_forgotten_and_wishes_in_them_respected() {
    let mac = |digit: u8| format!("a8206600000{digit}");
    let names = ["x", "cafe_nomap", "CAFE_NoMap", "a_optout_b", "", "\0\0", "nomap", "_nomap x"];
    let networks: Vec<Value> = (0..)
        .zip(names)
        .map(
            |(digit, name)| json!({"macAddress": mac(digit), "ssid": name, "radioType": "802.11n"}),
        )
        .collect();
    let report = report(json!({"wifiAccessPoints": networks}));
    let kept: Vec<_> = report.wifi.iter().filter_map(|wifi| wifi.mac.clone()).collect();
    assert_eq!(kept, [mac(0), mac(6), mac(7)]);
    assert!(!serde_json::to_string(&report).unwrap().contains("ssid"));
}

#[test]
fn odd_values_are_missing_and_never_cost_the_report() {
    let queued: QueuedReport = serde_json::from_value(json!({
        "api_key": 5, "source": [], "more": {"a": [{}]},
        "report": {
            "timestamp": 1e300, "carrier": {}, "homeMobileCountryCode": "234", "fallbacks": 1,
            "bluetoothBeacons": {"a": 1}, "cellTowers": null,
            "wifiAccessPoints": [null, 1, "x", [], {"macAddress": 5, "age": 18_446_744_073_709_551_615_u64},
                {"macAddress": "a82066000001", "age": -5.9, "channel": true, "signalStrength": "-60"}],
            "position": {"latitude": "51.5", "longitude": false, "source": 6, "accuracy": {}},
        },
    }))
    .unwrap();
    let wifi = |mac: Option<&str>, age, channel, signal| ReportedWifi {
        mac: mac.map(str::to_owned),
        age: Some(age),
        channel,
        signal,
        ..ReportedWifi::default()
    };
    let expected = Report {
        timestamp: Some(i64::MAX),
        home_mcc: Some(234),
        wifi: vec![
            wifi(None, i64::MAX, None, None),
            wifi(Some("a82066000001"), -5, Some(1), Some(-60)),
        ],
        position: Some(Position {
            lat: Some(51.5),
            lon: Some(0.0),
            source: Some(Source::Fused),
            ..Position::default()
        }),
        ..Report::default()
    };
    assert_eq!(queued, QueuedReport { report: expected, ..QueuedReport::default() });
    let empty = Report::default();
    for nothing in [json!({}), json!({"position": null}), json!({"position": [], "cellTowers": 1})]
    {
        assert_eq!(report(nothing), empty);
    }
}

#[test]
fn the_example_report_becomes_three_observations() {
    let queued: QueuedReport = serde_json::from_str(SUBMISSION).unwrap();
    let extracted = queued.report.observations(Regions::shared());
    let payloads: Vec<String> =
        extracted.observations.iter().map(|seen| serde_json::to_string(seen).unwrap()).collect();
    assert_eq!(
        payloads,
        [
            r#"{"mac":"ff23456789ab","age":1000,"signal":-110,"lat":51.5,"lon":-0.1,"accuracy":20.0,"speed":10.0,"source":3,"timestamp":1405602027568}"#,
            r#"{"radio":2,"mcc":234,"mnc":30,"lac":5,"cid":6789,"psc":9,"age":1000,"asu":46,"signal":-70,"lat":51.5,"lon":-0.1,"accuracy":20.0,"speed":10.0,"source":3,"timestamp":1405602027568}"#,
            r#"{"mac":"94b40f010d01","age":1000,"channel":7,"frequency":2442,"signal":-50,"snr":30,"lat":51.5,"lon":-0.1,"accuracy":20.0,"speed":10.0,"source":3,"timestamp":1405602027568}"#,
        ]
    );
    assert_eq!(extracted.malformed, KindCounts { blue: 0, cell: 1, wifi: 1 });
    assert_eq!(extracted.position, Some((51.5, -0.1)));
    assert!(extracted.has_networks);
}

#[test]
fn cells_without_a_plausible_identity_are_malformed() {
    for changes in [
        json!({"radioType": "cdma"}),
        json!({"radioType": "umts"}),
        json!({"radioType": "GSM"}),
        json!({"radioType": 0}),
        json!({"radioType": null}),
        json!({"cellId": 268_435_456}),
        json!({"cellId": 0}),
        json!({"cellId": null, "primaryScramblingCode": 5}),
        json!({"locationAreaCode": 0}),
        json!({"locationAreaCode": 65_534}),
        json!({"locationAreaCode": 65_535}),
        json!({"mobileCountryCode": 1}),
        json!({"mobileCountryCode": 553}),
        json!({"mobileCountryCode": 901}),
        json!({"mobileCountryCode": 65_536 + 234}),
        json!({"mobileNetworkCode": -1}),
        json!({"mobileNetworkCode": 1000}),
        json!({"mobileNetworkCode": null}),
        json!({"radioType": "nr", "cellId": 1_u64 << 36}),
        json!({"radioType": "nr", "locationAreaCode": (1 << 24) - 2}),
    ] {
        assert_eq!(cell(&changes), None, "{changes}");
    }
    for (changes, radio, mcc, mnc, lac, cid) in [
        (json!({}), Radio::Gsm, 234, 30, 5, 100),
        (json!({"cellId": 65_535}), Radio::Gsm, 234, 30, 5, 65_535),
        (json!({"cellId": 65_536}), Radio::Wcdma, 234, 30, 5, 65_536),
        (json!({"cellId": 268_435_455}), Radio::Wcdma, 234, 30, 5, 268_435_455),
        (json!({"locationAreaCode": 65_533}), Radio::Gsm, 234, 30, 65_533, 100),
        (json!({"mobileCountryCode": 995}), Radio::Gsm, 995, 30, 5, 100),
        (json!({"mobileCountryCode": "234"}), Radio::Gsm, 234, 30, 5, 100),
        (json!({"mobileNetworkCode": 0}), Radio::Gsm, 234, 0, 5, 100),
        (json!({"mobileNetworkCode": 999}), Radio::Gsm, 234, 999, 5, 100),
        (
            json!({"radioType": "nr", "locationAreaCode": 70_000, "cellId": 1_u64 << 35}),
            Radio::Nr,
            234,
            30,
            70_000,
            1 << 35,
        ),
    ] {
        let Some(Observation { key: StationKey::Cell(key), .. }) = cell(&changes) else {
            panic!("{changes} is malformed");
        };
        let found = (key.area.radio, key.area.mcc, key.area.mnc, key.area.lac, key.cid);
        assert_eq!(found, (radio, mcc, mnc, lac, cid), "{changes}");
    }
}

#[test]
fn implausible_measurements_of_cells_are_missing() {
    let lte = |name: &str, value: i64| json!({"radioType": "lte", name: value});
    let wcdma = |name: &str, value: i64| json!({"radioType": "wcdma", name: value});
    let nr = |name: &str, value: i64| json!({"radioType": "nr", name: value});
    for (changes, asu, signal) in [
        (json!({"asu": 31}), Some(31), Some(-51)),
        (json!({"asu": 0}), Some(0), Some(-113)),
        (json!({"asu": 32}), None, None),
        (json!({"asu": 99}), None, None),
        (json!({"asu": -90}), None, Some(-90)),
        (json!({"asu": -90, "signalStrength": -80}), None, Some(-80)),
        (json!({"asu": -90, "signalStrength": 0}), None, Some(-90)),
        (json!({"asu": -90, "signalStrength": 5}), None, Some(-90)),
        (json!({"asu": -6}), None, None),
        (json!({"asu": 31, "signalStrength": -99}), Some(31), Some(-99)),
        (json!({"signalStrength": -114}), None, None),
        (json!({"signalStrength": -113}), None, Some(-113)),
        (json!({"signalStrength": -51}), None, Some(-51)),
        (json!({"signalStrength": -50}), None, None),
        (wcdma("asu", -5), Some(-5), Some(-121)),
        (wcdma("asu", 91), Some(91), Some(-25)),
        (wcdma("asu", 92), None, None),
        (wcdma("asu", 255), None, None),
        (lte("asu", 0), Some(0), Some(-140)),
        (lte("asu", 97), Some(97), Some(-43)),
        (lte("asu", 98), None, None),
        (lte("asu", -1), None, None),
        (lte("signalStrength", -43), None, Some(-43)),
        (lte("signalStrength", -42), None, None),
        (nr("asu", 66), Some(66), Some(-90)),
        (nr("signalStrength", -31), None, Some(-31)),
        (json!({"cellId": 65_536, "asu": 40}), Some(40), Some(-76)),
    ] {
        let reading = cell(&changes).unwrap().reading;
        assert_eq!((reading.asu, reading.signal_dbm), (asu, signal), "{changes}");
    }
    for (changes, psc, ta) in [
        (lte("primaryScramblingCode", 503), Some(503), None),
        (lte("primaryScramblingCode", 504), None, None),
        (nr("primaryScramblingCode", 1007), Some(1007), None),
        (json!({"primaryScramblingCode": 511}), Some(511), None),
        (json!({"primaryScramblingCode": 512}), None, None),
        (json!({"primaryScramblingCode": -1}), None, None),
        (wcdma("timingAdvance", 5), None, None),
        (lte("timingAdvance", 63), None, Some(63)),
        (json!({"timingAdvance": 64}), None, None),
        (json!({"cellId": 65_536, "timingAdvance": 3}), None, None),
    ] {
        let reading = cell(&changes).unwrap().reading;
        assert_eq!((reading.psc, reading.ta), (psc, ta), "{changes}");
    }
    for (age, kept) in
        [(json!(3_600_000), Some(3_600_000)), (json!(3_600_001), None), (json!("x"), None)]
    {
        assert_eq!(cell(&json!({"age": age})).unwrap().reading.age_ms, kept, "{age}");
    }
}

#[test]
fn implausible_measurements_of_wifi_and_bluetooth_are_missing() {
    for (signal, kept) in [
        (json!(-101), None),
        (json!(-100), Some(-100)),
        (json!(-10), Some(-10)),
        (json!(-9), None),
        (json!(0), None),
        (json!(-50.9), Some(-50)),
    ] {
        assert_eq!(wifi(&json!({"signalStrength": signal})).unwrap().signal_dbm, kept, "{signal}");
    }
    for (signal, kept) in [(-128, None), (-127, Some(-127)), (0, Some(0)), (1, None)] {
        assert_eq!(blue(&json!({"signalStrength": signal})).unwrap().signal_dbm, kept, "{signal}");
    }
    for (snr, kept) in [(0, None), (1, Some(1)), (100, Some(100)), (101, None)] {
        assert_eq!(wifi(&json!({"signalToNoiseRatio": snr})).unwrap().snr_db, kept, "{snr}");
    }
    for (changes, channel, frequency) in [
        (json!({"channel": 0}), None, None),
        (json!({"channel": 199}), Some(199), Some(4995)),
        (json!({"channel": 200}), None, None),
        (json!({"frequency": 2399}), None, None),
        (json!({"frequency": 2400}), None, Some(2400)),
        (json!({"frequency": 5999}), None, Some(5999)),
        (json!({"frequency": 6000}), None, None),
        (json!({"channel": 0, "frequency": 2412}), Some(1), Some(2412)),
        (json!({"channel": 6, "frequency": 5180}), Some(6), Some(5180)),
    ] {
        let reading = wifi(&changes).unwrap();
        assert_eq!((reading.channel, reading.frequency_mhz), (channel, frequency), "{changes}");
    }
    for mac in [json!("a8206600000"), json!("000000000000"), json!(null), json!(5), json!("")] {
        assert_eq!(wifi(&json!({"macAddress": mac})), None, "{mac}");
        assert_eq!(blue(&json!({"macAddress": mac})), None, "{mac}");
    }
}

#[test]
fn a_report_without_a_usable_position_teaches_nothing() {
    let wifi = json!([{"macAddress": "a82066000001"}, {"macAddress": "x"}]);
    for position in [
        json!(null),
        json!({}),
        json!({"latitude": null, "longitude": -0.1}),
        json!({"latitude": 85.052, "longitude": -0.1}),
        json!({"latitude": 51.5, "longitude": 180.1}),
        json!({"latitude": "x", "longitude": -0.1}),
        json!({"latitude": "nan", "longitude": -0.1}),
        json!({"latitude": 0.0, "longitude": 0.0}),
        json!({"latitude": 85.051, "longitude": 0.0}),
    ] {
        let extracted = extracted(json!({"position": position, "wifiAccessPoints": wifi}));
        let nothing = Extracted { has_networks: true, ..Extracted::default() };
        assert_eq!(extracted, nothing, "{position}");
    }
    let empty = extracted(json!({"position": {"latitude": 51.5, "longitude": -0.1}}));
    assert_eq!(empty, Extracted::default());
    let all_bad = extracted(json!({"position": {"latitude": 51.5, "longitude": -0.1},
        "wifiAccessPoints": [{"macAddress": "x"}]}));
    assert_eq!((all_bad.position, all_bad.malformed.of(Kind::Wifi)), (None, 1));
}

#[test]
fn a_nan_never_passes() {
    let wifi = ReportedWifi { mac: Some("a82066000001".into()), ..ReportedWifi::default() };
    let at = |lat, lon, accuracy| Report {
        wifi: vec![wifi.clone()],
        position: Some(Position {
            lat: Some(lat),
            lon: Some(lon),
            accuracy: Some(accuracy),
            ..Position::default()
        }),
        ..Report::default()
    };
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for report in [at(odd, 0.0, 1.0), at(51.5, odd, 1.0), at(odd, odd, odd)] {
            assert_eq!(report.observations(Regions::shared()).observations, []);
        }
        let seen = at(51.5, -0.1, odd).observations(Regions::shared()).observations;
        assert_eq!(seen.iter().map(|seen| seen.fix.accuracy_m).collect::<Vec<_>>(), [None]);
    }
}

#[test]
fn implausible_side_values_of_a_position_are_missing() {
    let fix = |changes: &Value, timestamp: i64| {
        let position = with(json!({"latitude": 51.5, "longitude": -0.1}), changes);
        extracted(json!({"position": position, "timestamp": timestamp,
            "wifiAccessPoints": [{"macAddress": "a82066000001"}]}))
        .observations[0]
            .fix
    };
    let plain = fix(&json!({}), 1_500_000_000_000);
    for changes in [
        json!({"accuracy": -1}),
        json!({"accuracy": 1_000_001}),
        json!({"altitude": -10_912}),
        json!({"altitude": 100_000.1}),
        json!({"altitudeAccuracy": 110_911.5}),
        json!({"heading": 360.1}),
        json!({"pressure": 99}),
        json!({"pressure": 1201}),
        json!({"speed": 300.1}),
        json!({"source": "GNSS"}),
        json!({"source": "bogus"}),
        json!({"source": 4}),
        json!({"source": null}),
    ] {
        assert_eq!(fix(&changes, 1_500_000_000_000), plain, "{changes}");
    }
    for (source, code) in [(json!("gnss"), 3), (json!("fixed"), 0), (json!(6), 6)] {
        assert_eq!(fix(&json!({"source": source}), 1).source.map(Source::code), Some(code));
    }
    for (time, kept) in [
        (999_999_999_999, None),
        (1_000_000_000_000, Some(1_000_000_000_000)),
        (10_000_000_000_000, Some(10_000_000_000_000)),
        (10_000_000_000_001, None),
        (i64::MIN, None),
    ] {
        assert_eq!(fix(&json!({}), time).timestamp_ms, kept);
    }
    assert_eq!(fix(&json!({"latitude": "51.5"}), 1).lat.to_string(), "51.5");
}

#[test]
fn ages_become_relative_to_the_fix() {
    let ages = |position_age: Value, ages: &[Value]| {
        let networks: Vec<Value> = (0..)
            .zip(ages)
            .map(|(digit, age)| json!({"macAddress": format!("a8206600000{digit}"), "age": age}))
            .collect();
        let extracted = extracted(json!({"timestamp": 1_460_700_010_000_i64,
            "position": {"latitude": 51.5, "longitude": -0.1, "age": position_age},
            "wifiAccessPoints": networks}));
        let time = extracted.observations[0].fix.timestamp_ms.unwrap();
        let ages = extracted.observations.iter().map(|seen| seen.reading.age_ms);
        (ages.collect::<Vec<_>>(), time)
    };
    let null = Value::Null;
    assert_eq!(
        ages(json!(1000), &[json!(2000), null.clone()]),
        (vec![Some(1000), Some(-1000)], 1_460_700_009_000)
    );
    assert_eq!(
        ages(json!(2000), &[json!(-3000), null.clone(), json!(1500), json!(-2500)]),
        (vec![Some(-5000), Some(-2000), Some(-500), Some(-4500)], 1_460_700_008_000)
    );
    for none in [json!(0), null.clone()] {
        assert_eq!(
            ages(none, &[json!(2000), null.clone()]),
            (vec![Some(2000), None], 1_460_700_010_000)
        );
    }
    let saturated = ages(json!(-5), &[json!(i64::MAX), json!(i64::MIN)]).0;
    assert_eq!(saturated, [None, None]);
}

#[test]
fn of_two_sightings_in_a_report_the_better_one_stays() {
    let wifi = |earlier: Value, later: Value| {
        let at = |changes| with(json!({"macAddress": "a82066000001"}), &changes);
        let other = json!({"macAddress": "a82066000002"});
        let seen = extracted(json!({"position": {"latitude": 51.5, "longitude": -0.1},
            "wifiAccessPoints": [at(earlier), other, at(later)]}))
        .observations;
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1].reading, Reading::default());
        (seen[0].reading.signal_dbm, seen[0].reading.age_ms, seen[0].reading.channel)
    };
    let signal = |signal| json!({"signalStrength": signal});
    let both = |signal, age| json!({"signalStrength": signal, "age": age});
    for (earlier, later, kept) in [
        (both(-60, 5000), both(-50, 6000), (Some(-60), Some(5000), None)),
        (both(-60, 6000), both(-50, 5000), (Some(-50), Some(5000), None)),
        (signal(-60), json!({}), (None, None, None)),
        (json!({}), signal(-60), (Some(-60), None, None)),
        (signal(-60), json!({"signalStrength": -60, "channel": 5}), (Some(-60), None, Some(5))),
        (json!({"age": -3000}), json!({"age": 0}), (None, Some(-3000), None)),
        (
            json!({"signalToNoiseRatio": 20, "channel": 1}),
            json!({"signalToNoiseRatio": 10, "channel": 2}),
            (None, None, Some(1)),
        ),
    ] {
        assert_eq!(wifi(earlier.clone(), later.clone()), kept, "{earlier} {later}");
    }
}

#[test]
fn of_two_sightings_of_a_cell_the_better_one_stays() {
    let cell = |earlier: Value, later: Value| {
        let base = json!({"radioType": "lte", "mobileCountryCode": 234, "mobileNetworkCode": 30,
            "locationAreaCode": 5, "cellId": 100});
        let seen = extracted(json!({"position": {"latitude": 51.5, "longitude": -0.1},
            "cellTowers": [with(base.clone(), &earlier), with(base, &later)]}))
        .observations;
        assert_eq!(seen.len(), 1);
        seen[0].reading.ta
    };
    let both = |ta, signal| json!({"timingAdvance": ta, "signalStrength": signal});
    assert_eq!(cell(both(5, -60), both(4, -100)), Some(5));
    assert_eq!(cell(both(5, -100), both(4, -100)), Some(4));
    assert_eq!(cell(both(4, -100), both(5, -60)), Some(4));
    let asu = |ta, asu| json!({"timingAdvance": ta, "asu": asu, "signalStrength": -90});
    assert_eq!(cell(asu(5, 20), asu(4, 10)), Some(5));
    assert_eq!(cell(asu(5, 10), asu(4, 10)), Some(4));
}

#[test]
fn any_value_in_any_member_reads() {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1e300),
        json!("x"),
        json!([[], {}, null, 1, "x", [1]]),
        json!({"latitude": {}, "macAddress": [], "ipf": {"a": [1]}}),
    ];
    let members = [
        "carrier",
        "homeMobileCountryCode",
        "timestamp",
        "bluetoothBeacons",
        "wifiAccessPoints",
        "cellTowers",
        "fallbacks",
        "position",
    ];
    for value in &values {
        for member in members {
            let read = report(json!({member: value, "homeMobileNetworkCode": 7}));
            assert_eq!(read.home_mnc, Some(7), "{member} {value}");
        }
        for member in ["radioType", "mobileCountryCode", "cellId", "age", "serving", "unheardOf"] {
            let read = report(json!({"cellTowers": [{member: value, "asu": 7}]}));
            assert_eq!(read.cell[0].asu, Some(7), "{member} {value}");
        }
    }
}
