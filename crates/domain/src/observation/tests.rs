use super::*;
use crate::cell::{AreaKey, CellKey};
use crate::mac::Mac;

fn wifi() -> StationKey {
    StationKey::Wifi(Mac::parse("a82066000001").unwrap())
}

fn blue() -> StationKey {
    StationKey::Blue(Mac::parse("a82066000001").unwrap())
}

fn cell(radio: Radio) -> StationKey {
    let area = AreaKey { radio, mcc: 234, mnc: 30, lac: 9 };
    StationKey::Cell(CellKey { area, cid: 99 })
}

fn observation(
    key: StationKey,
    accuracy_m: Option<f64>,
    age_ms: Option<i32>,
    speed_mps: Option<f64>,
    signal_dbm: Option<i16>,
) -> Observation {
    Observation {
        key,
        reading: Reading { age_ms, signal_dbm, ..Reading::default() },
        fix: Fix { lat: 51.5, lon: -0.1, accuracy_m, speed_mps, ..Fix::default() },
    }
}

#[expect(clippy::float_cmp, reason = "recorded values are exact")]
fn check(cases: &[(Observation, f64)]) {
    for (observation, weight) in cases {
        assert_eq!(observation.weight(), *weight, "{observation:?}");
    }
}

#[test]
fn uncertainty_age_and_speed_of_the_device_take_weight_away() {
    let accuracy = |accuracy| observation(wifi(), Some(accuracy), None, None, None);
    let age = |age| observation(wifi(), None, Some(age), None, None);
    let speed = |speed| observation(wifi(), None, None, Some(speed), None);
    check(&[
        (observation(wifi(), None, None, None, None), 1.0),
        (accuracy(0.0), 1.0),
        (accuracy(10.0), 1.0),
        (accuracy(20.0), std::f64::consts::FRAC_1_SQRT_2),
        (accuracy(40.0), 0.5),
        (accuracy(100.0), 0.316_227_766_016_837_94),
        (accuracy(200.0), 0.223_606_797_749_978_96),
        (accuracy(200.1), 0.0),
        (age(0), 1.0),
        (age(1000), 1.0),
        (age(2000), 1.0),
        (age(4000), std::f64::consts::FRAC_1_SQRT_2),
        (age(-8000), 0.5),
        (age(20_000), 0.316_227_766_016_837_94),
        (age(20_001), 0.0),
        (age(-20_001), 0.0),
        (age(i32::MIN), 0.0),
        (speed(0.0), 1.0),
        (speed(1.0), 1.0),
        (speed(5.0), 1.0),
        (speed(10.0), std::f64::consts::FRAC_1_SQRT_2),
        (speed(20.0), 0.5),
        (speed(50.0), 0.316_227_766_016_837_94),
        (speed(50.1), 0.0),
    ]);
}

#[test]
fn a_strong_signal_gives_weight() {
    let signal = |key, signal| observation(key, None, None, None, Some(signal));
    check(&[
        (signal(wifi(), -100), 0.482_253_086_419_753_06),
        (signal(wifi(), -99), 0.498_668_751_407_897_74),
        (signal(wifi(), -80), 1.0),
        (signal(wifi(), -60), 2.441_406_25),
        (signal(wifi(), -30), 16.0),
        (signal(wifi(), -10), 123.456_790_123_456_78),
        (signal(blue(), -30), 1.0),
        (signal(cell(Radio::Gsm), -113), 0.515_788_875_151_941_2),
        (signal(cell(Radio::Gsm), -95), 1.0),
        (signal(cell(Radio::Gsm), -79), 2.008_550_963_847_367_8),
        (signal(cell(Radio::Gsm), -51), 10.168_289_254_477_3),
        (signal(cell(Radio::Wcdma), -121), 0.466_507_380_209_733_3),
        (signal(cell(Radio::Wcdma), -100), 1.0),
        (signal(cell(Radio::Wcdma), -80), 2.441_406_25),
        (signal(cell(Radio::Wcdma), -50), 16.0),
        (signal(cell(Radio::Wcdma), -25), 256.0),
        (signal(cell(Radio::Lte), -140), 0.301_068_227_705_427_35),
        (signal(cell(Radio::Lte), -105), 1.0),
        (signal(cell(Radio::Lte), -89), 2.008_550_963_847_367_8),
        (signal(cell(Radio::Lte), -55), 16.0),
        (signal(cell(Radio::Lte), -43), 47.958_502_466_985_36),
        (signal(cell(Radio::Nr), -105), 1.0),
        (signal(cell(Radio::Nr), -55), 16.0),
    ]);
    for radio in Radio::ALL {
        check(&[(observation(cell(radio), None, None, None, None), 1.0)]);
    }
}

#[test]
fn the_factors_multiply() {
    let wifi = |accuracy, age, speed, signal| {
        observation(wifi(), Some(accuracy), Some(age), Some(speed), Some(signal))
    };
    check(&[
        (wifi(20.0, -8000, 20.0, -60), 0.431_583_728_751_554_93),
        (wifi(17.0, 5000, 12.5, -72), 0.428_237_032_841_512_27),
        (wifi(20.0, 1000, 10.0, -50), 2.082_465_639_316_952),
        (observation(blue(), Some(100.0), None, None, Some(-30)), 0.316_227_766_016_837_94),
        (observation(blue(), Some(100.1), None, None, None), 0.0),
        (observation(blue(), Some(20.0), Some(-8000), None, None), 0.353_553_390_593_273_8),
        (observation(cell(Radio::Gsm), Some(20.0), None, None, Some(-51)), 7.190_066_284_907_203),
        (
            observation(cell(Radio::Gsm), Some(1000.0), None, None, Some(-111)),
            0.055_229_109_788_047_46,
        ),
        (observation(cell(Radio::Gsm), Some(1000.1), None, None, None), 0.0),
        (
            observation(cell(Radio::Lte), Some(30.0), Some(3000), Some(8.0), Some(-89)),
            0.748_542_748_572_572_9,
        ),
    ]);
}

#[test]
fn a_weight_is_finite_whatever_comes_in() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300, 5e-324];
    for value in odd {
        for signal in [i16::MIN, -5, 0, 5, 20, i16::MAX] {
            for key in [wifi(), blue(), cell(Radio::Gsm), cell(Radio::Wcdma), cell(Radio::Nr)] {
                let weight =
                    observation(key, Some(value), None, Some(value), Some(signal)).weight();
                assert!(weight.is_finite() && weight >= 0.0, "{value} {signal} {weight}");
            }
        }
    }
}

/// Payloads as processes of the original write them, by kind.
const PAYLOADS: [(Kind, &str); 3] = [
    (
        Kind::Wifi,
        r#"{"mac": "94b40f010d01", "age": 1000, "channel": 7, "frequency": 2442, "signal": -50, "snr": 30, "lat": 51.5, "lon": -0.1, "accuracy": 20.0, "speed": 10.0, "source": 3, "timestamp": 1405602027568}"#,
    ),
    (
        Kind::Cell,
        r#"{"radio": 2, "mcc": 234, "mnc": 30, "lac": 5, "cid": 6789, "psc": 9, "age": 1000, "asu": 46, "signal": -70, "lat": 51.5, "lon": -0.1, "accuracy": 20.0, "speed": 10.0, "source": 3, "timestamp": 1405602027568}"#,
    ),
    (
        Kind::Blue,
        r#"{"mac": "ff23456789ab", "age": 1000, "signal": -110, "lat": 51.5, "lon": -0.1, "accuracy": 20.0, "speed": 10.0, "source": 3, "timestamp": 1405602027568}"#,
    ),
];

fn read(kind: Kind, payload: &str) -> Option<Observation> {
    serde_json::from_str::<QueuedObservation>(payload).unwrap().checked(kind)
}

#[test]
fn payloads_of_the_original_come_back_byte_for_byte() {
    for (kind, payload) in PAYLOADS {
        let observation = read(kind, payload).unwrap();
        assert_eq!(observation.key.kind(), kind);
        let written = serde_json::to_string(&observation).unwrap();
        assert_eq!(written, payload.replace(": ", ":").replace(", ", ","));
    }
}

#[test]
fn a_5g_cell_travels_with_its_wide_numbers() {
    let area = AreaKey { radio: Radio::Nr, mcc: 262, mnc: 2, lac: 0xAB_CDEF };
    let observation = Observation {
        key: StationKey::Cell(CellKey { area, cid: 0xF_1234_5678 }),
        reading: Reading { psc: Some(1007), signal_dbm: Some(-90), ..Reading::default() },
        fix: Fix { lat: 52.5, lon: 13.4, ..Fix::default() },
    };
    let written = serde_json::to_string(&observation).unwrap();
    assert_eq!(
        written,
        r#"{"radio":5,"mcc":262,"mnc":2,"lac":11259375,"cid":64729929336,"psc":1007,"signal":-90,"lat":52.5,"lon":13.4}"#
    );
    assert_eq!(read(Kind::Cell, &written), Some(observation));
}

#[test]
fn reading_a_payload_forgives_what_does_not_matter() {
    let plain = read(Kind::Wifi, r#"{"mac": "a82066000001", "lat": 51.5, "lon": -0.1}"#).unwrap();
    assert_eq!(plain.fix.source, None);
    for extra in [
        r#""source": null"#,
        r#""source": 4"#,
        r#""unheard_of": {"a": [1, 2]}"#,
        r#""signal": 5, "age": "x", "channel": []"#,
        r#""signal": 99999999999999999999999999, "timestamp": -1e300"#,
    ] {
        let payload = format!(r#"{{"mac": "a82066000001", "lat": 51.5, "lon": -0.1, {extra}}}"#);
        assert_eq!(read(Kind::Wifi, &payload), Some(plain), "{extra}");
    }
}

#[test]
fn a_payload_without_a_station_or_a_place_is_none() {
    for (kind, payload) in [
        (Kind::Wifi, r#"{"lat": 51.5, "lon": -0.1}"#),
        (Kind::Wifi, r#"{"mac": "a82066000001", "lat": 51.5}"#),
        (Kind::Wifi, r#"{"mac": "a82066000001", "lat": 91, "lon": 0}"#),
        (Kind::Blue, r#"{"mac": "000000000000", "lat": 51.5, "lon": -0.1}"#),
        (Kind::Cell, r#"{"mac": "a82066000001", "lat": 51.5, "lon": -0.1}"#),
        (
            Kind::Cell,
            r#"{"radio": 1, "mcc": 234, "mnc": 30, "lac": 5, "cid": 6, "lat": 51.5, "lon": -0.1}"#,
        ),
        (
            Kind::Cell,
            r#"{"radio": 0, "mcc": 234, "mnc": 30, "lac": 65534, "cid": 6, "lat": 51.5, "lon": -0.1}"#,
        ),
        (
            Kind::Cell,
            r#"{"radio": 0, "mcc": 99999, "mnc": 30, "lac": 5, "cid": 6, "lat": 51.5, "lon": -0.1}"#,
        ),
    ] {
        assert_eq!(read(kind, payload), None, "{payload}");
    }
}
