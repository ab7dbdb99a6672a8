//! Stations at any places, seen with any signals: the position is on the map and finite.
#![no_main]

use std::collections::HashMap;

use chrono::{Days, NaiveDate, NaiveDateTime};
use ichnaea_domain::cell::{AreaKey, CellKey, Radio};
use ichnaea_domain::locate::{
    Api, BlueReading, CellReading, Client, Found, Query, Request, WifiReading, best_position,
    best_region, internal_positions, internal_regions,
};
use ichnaea_domain::mac::Mac;
use ichnaea_domain::region::Regions;
use ichnaea_domain::station::{Station, StationKey};
use libfuzzer_sys::fuzz_target;

/// One station: kind, steps of 2^-20 of a turn north and east, signal, age, radius, samples, days
/// since it was last seen.
type Input = (u8, i32, i32, i8, u16, u16, u8, u16);

const MAX_STATIONS: usize = 64;

fn station(input: &Input, now: NaiveDateTime) -> Station {
    let &(_, north, east, _, _, radius, samples, days) = input;
    let degrees =
        |steps: i32, max: f64| (f64::from(steps) / f64::from(i32::MAX) * max).clamp(-max, max);
    let seen = now.checked_sub_days(Days::new(days.into())).unwrap_or(now);
    Station {
        lat: Some(degrees(north, 85.0511)),
        lon: Some(degrees(east, 180.0)),
        created: seen.checked_sub_days(Days::new(100)),
        modified: Some(seen),
        last_seen: Some(seen.date()),
        radius_m: Some(radius.into()),
        samples: Some(samples.into()),
        weight: Some(samples.into()),
        ..Station::default()
    }
}

fuzz_target!(|inputs: Vec<Input>| {
    let now = NaiveDate::from_ymd_opt(2026, 1, 1)
        .and_then(|day| day.and_hms_opt(12, 0, 0))
        .expect("a time");
    let mut request = Request { lacf: true, ..Request::default() };
    let mut stations = HashMap::new();
    for (number, input) in (0u8..).zip(inputs.iter().take(MAX_STATIONS)) {
        let &(kind, _, _, signal, age, ..) = input;
        let mac = Mac::from_bytes([2, 0, 0, 0, kind, number]);
        let (signal, age) = (Some(i64::from(signal)), Some(i64::from(age)));
        let key = match kind % 3 {
            0 => {
                request.wifi.push(WifiReading {
                    mac: mac.to_string(),
                    signal,
                    age,
                    ..WifiReading::default()
                });
                StationKey::Wifi(mac)
            }
            1 => {
                request.blue.push(BlueReading { mac: mac.to_string(), signal, age, name: None });
                StationKey::Blue(mac)
            }
            _ => {
                let area =
                    AreaKey { radio: Radio::Lte, mcc: 262, mnc: 1, lac: 1 + u32::from(kind) };
                let cid = 1 + u64::from(number);
                request.cell.push(CellReading {
                    radio: Some(area.radio),
                    mcc: Some(area.mcc.into()),
                    mnc: Some(area.mnc.into()),
                    lac: Some(area.lac.into()),
                    cid: i64::try_from(cid).ok(),
                    signal,
                    age,
                    ..CellReading::default()
                });
                StationKey::Cell(CellKey { area, cid })
            }
        };
        stations.insert(key, station(input, now));
    }
    let found = Found { stations, areas: HashMap::new() };

    let query = Query::new(Api::Locate, request.clone(), Client::default());
    let results = internal_positions(&query, &found, now);
    for result in &results {
        assert!(result.lat.abs() <= 90.0 && result.lon.abs() <= 180.0, "{result:?}");
        assert!(result.accuracy_m.is_finite() && result.accuracy_m >= 0.0, "{result:?}");
        assert!(result.score.is_finite() && result.score >= 0.0, "{result:?}");
    }
    assert_eq!(best_position(&results).is_some(), !results.is_empty());

    let query = Query::new(Api::Region, request, Client::default());
    let results = internal_regions(&query, &found, Regions::shared(), now);
    assert_eq!(best_region(&results).is_some(), !results.is_empty());
});
