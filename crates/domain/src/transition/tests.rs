use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::*;
use crate::cell::{AreaKey, CellKey, Radio};
use crate::mac::Mac;
use crate::observation::{Fix, Observation, Reading};
use crate::station::{RegionCode, Source};

mod laws;
mod table;
mod worked;

/// The place everything happens around.
const P: Position = (51.5, -0.1);

fn now() -> NaiveDateTime {
    date(2026, 11, 22).and_hms_opt(12, 30, 15).unwrap()
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn wifi() -> StationKey {
    StationKey::Wifi(Mac::parse("a82066000001").unwrap())
}

fn blue() -> StationKey {
    StationKey::Blue(Mac::parse("a82066000001").unwrap())
}

fn gsm() -> StationKey {
    let area = AreaKey { radio: Radio::Gsm, mcc: 234, mnc: 30, lac: 9 };
    StationKey::Cell(CellKey { area, cid: 99 })
}

/// A satellite based observation some degrees away from P.
fn seen(key: StationKey, lat: f64, lon: f64) -> Observation {
    Observation {
        key,
        reading: Reading::default(),
        fix: Fix {
            lat: P.0 + lat,
            lon: P.1 + lon,
            accuracy_m: Some(10.0),
            source: Some(Source::Gnss),
            ..Fix::default()
        },
    }
}

fn from(source: Option<Source>, seen: Observation) -> Observation {
    Observation { fix: Fix { source, ..seen.fix }, ..seen }
}

fn queried(seen: Observation) -> Observation {
    from(Some(Source::Query), seen)
}

/// The same observation with other values; `None` keeps accuracy and has no age, speed or signal.
fn measured(
    seen: Observation,
    accuracy: Option<f64>,
    age: Option<i32>,
    speed: Option<f64>,
    signal: Option<i16>,
) -> Observation {
    Observation {
        reading: Reading { age_ms: age, signal_dbm: signal, ..seen.reading },
        fix: Fix { accuracy_m: accuracy.or(seen.fix.accuracy_m), speed_mps: speed, ..seen.fix },
        ..seen
    }
}

/// A station at P that was last changed three weeks ago.
fn row() -> Station {
    Station {
        max_lat: Some(P.0),
        min_lat: Some(P.0),
        max_lon: Some(P.1),
        min_lon: Some(P.1),
        lat: Some(P.0),
        lon: Some(P.1),
        created: date(2024, 1, 1).and_hms_opt(0, 0, 0),
        modified: date(2026, 11, 1).and_hms_opt(0, 0, 0),
        radius_m: Some(10),
        region: RegionCode::parse("GB"),
        samples: Some(2),
        source: Some(Source::Gnss),
        weight: Some(3.0),
        last_seen: Some(date(2026, 11, 1)),
        ..Station::default()
    }
}

/// A station that has lost its position and may get a new one.
fn placeless() -> Station {
    Station {
        created: row().created,
        modified: row().modified,
        region: RegionCode::parse("GB"),
        block_first: Some(date(2024, 1, 1)),
        block_last: Some(date(2024, 1, 1)),
        block_count: Some(1),
        ..Station::default()
    }
}

/// Decides about one station as the updater does.
fn run(key: StationKey, station: Option<&Station>, observations: &[Observation]) -> Decided {
    let found: HashMap<_, _> = station.map(|station| (key, station.clone())).into_iter().collect();
    decide_all(&found, observations, Regions::shared(), now())
}

fn decision(key: StationKey, station: Option<&Station>, seen: &[Observation]) -> Decision {
    let seen: Vec<&Observation> = seen.iter().collect();
    decide(station, &Batch::of(&seen).unwrap(), &key, Regions::shared(), now())
}

fn assert_close(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() <= expected.abs() * 1e-9, "{found} is not {expected}");
}
