//! Any archive of logs is read or refused, and no row is counted that is not in it. An archive in which
//! one bit was turned has the same rows, fewer files, or is refused: never rows that were not there.
#![no_main]

use std::fs::File;
use std::io::{Cursor, Write as _};

use ichnaea_domain::import::Format;
use ichnaea_domain::region::Regions;
use ichnaea_server::admin::import::survey::{Counts, Input, Moment, count};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const NOW_MS: i64 = 1_767_225_600_000; // 2026-01-01

/// Names and the headers of their rows.
const MEMBERS: [(&str, &str); 5] = [
    (
        "wifis.csv",
        "timestamp,latitude,longitude,locationAccuracy,locationAge,speed,macAddress,wifiScanAge,signalStrength,ssid\n",
    ),
    (
        "cells.csv",
        "timestamp,latitude,longitude,locationAccuracy,locationAge,speed,cellId,radioType,mcc,mnc,lac,psc,signalStrength,asu,cellScanAge\n",
    ),
    (
        "export/beacons.csv",
        "timestamp,latitude,longitude,locationAccuracy,locationAge,speed,macAddress,beaconScanAge,signalStrength\n",
    ),
    // The header is part of what is made up.
    ("deep\\wifis.csv", ""),
    ("readme.txt", ""),
];

fn read(bytes: &[u8]) -> Option<Counts> {
    let mut file: File = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for a temporary file");
    let moment = Moment { now_ms: NOW_MS, regions: Regions::shared() };
    count(Format::NeoStumbler, Input::Archive(file), moment, None, || {}).ok()
}

fuzz_target!(|input: (u16, u8, Vec<(u8, bool, &[u8])>)| {
    let (place, bit, members) = input;
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut lines = 0;
    for (choice, is_packed, rows) in members.iter().take(8) {
        let (name, header) = MEMBERS[usize::from(*choice) % MEMBERS.len()];
        let method =
            if *is_packed { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let options = SimpleFileOptions::default().compression_method(method);
        // A name that is there already.
        if archive.start_file(name, options).is_err() {
            continue;
        }
        archive.write_all(header.as_bytes()).expect("memory");
        archive.write_all(rows).expect("memory");
        lines += rows.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
    }
    let mut bytes = archive.finish().expect("memory").into_inner();
    let whole = read(&bytes);
    if let Some(counts) = &whole {
        assert!(counts.reports <= counts.taken && counts.taken <= counts.rows(), "{counts:?}");
        assert!(counts.rows() <= lines, "{counts:?} of {lines} lines");
    }
    let place = usize::from(place) % bytes.len();
    bytes[place] ^= 1 << (bit % 8);
    if let (Some(counts), Some(whole)) = (read(&bytes), whole) {
        assert!(counts.rows() <= whole.rows(), "byte {place}: {counts:?} of {whole:?}");
    }
});
