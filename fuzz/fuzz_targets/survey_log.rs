//! Whatever stands in a log of a survey app, every row is counted and nothing falls over; what is
//! taken from it can be learned from.
#![no_main]

use std::fs::File;
use std::io::{Cursor, Write as _};

use ichnaea_domain::import::Format;
use ichnaea_domain::region::Regions;
use ichnaea_server::admin::import::survey::{Input, Moment, count};
use libfuzzer_sys::fuzz_target;

const NOW_MS: i64 = 1_767_225_600_000; // 2026-01-01

/// A format and the header of its rows.
const LOGS: [(Format, &str); 9] = [
    (
        Format::Wigle,
        "MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type\n",
    ),
    (
        Format::NeoStumbler,
        "timestamp,latitude,longitude,locationAccuracy,locationAge,speed,macAddress,wifiScanAge,signalStrength,ssid\n",
    ),
    (
        Format::NeoStumbler,
        "timestamp,latitude,longitude,locationAccuracy,locationAge,speed,cellId,radioType,mcc,mnc,lac,psc,signalStrength,asu,cellScanAge\n",
    ),
    (
        Format::TowerCollector,
        "mcc,mnc,lac,cell_id,psc,asu,dbm,ta,lat,lon,accuracy,speed,bearing,altitude,measured_at,net_type,neighboring,device\n",
    ),
    (Format::Microg, "mcc,mnc,type,lac,cid,psc,lat,lon,alt\n"),
    (Format::Microg, "mac,lat,lon,alt\n"),
    (Format::Geosubmit, ""),
    (Format::GeosubmitLines, ""),
    // The header is part of what is made up.
    (Format::Wigle, ""),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, rest)) = bytes.split_first() else { return };
    let moment = Moment { now_ms: NOW_MS, regions: Regions::shared() };
    if choice == 0 {
        let mut file: File = tempfile::tempfile().expect("a temporary file");
        file.write_all(rest).expect("room for a temporary file");
        let _ = count(Format::NeoStumbler, Input::Archive(file), moment, None, || {});
        return;
    }
    let (format, header) = LOGS[usize::from(choice) % LOGS.len()];
    let text = [header.as_bytes(), rest].concat();
    let counted = count(format, Input::Stream(Box::new(Cursor::new(text))), moment, None, || {});
    if let Ok(counts) = counted {
        assert!(counts.reports <= counts.taken && counts.taken <= counts.rows(), "{counts:?}");
        let lines = rest.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        if !matches!(format, Format::Geosubmit | Format::GeosubmitLines) {
            assert!(counts.rows() <= lines, "{counts:?}");
        }
    }
});
