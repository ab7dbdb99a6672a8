//! Any line is read as a row of a cell file or has a reason; what is read is within the limits and is the
//! same again when it is written as the public file is.
#![no_main]

use ichnaea_domain::cell::CellKey;
use ichnaea_domain::import::cell_csv::{Reader, Rules, is_header, looks_like_row};
use ichnaea_domain::import::{detect, merge};
use ichnaea_domain::region::Regions;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let regions = Regions::shared();
    let rules = Rules { newest_s: 2_000_000_000, empty_unit_is_zero: false };
    let mut reader = Reader::new(rules, regions);
    let _ = detect(bytes, "cells.csv");
    for line in bytes.split(|&byte| byte == b'\n') {
        let _ = is_header(line);
        let _ = looks_like_row(line);
        let Ok(row) = reader.row(line) else { continue };
        assert_eq!(CellKey::decode(&row.key.encode()), Some(row.key));
        assert!(row.lat.abs() <= 85.051 && row.lon.abs() <= 180.0);
        let (_, station) = merge::station(&row, regions);
        assert!(station.modified.is_some());
        let area = row.key.area;
        let text =
            |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let written = format!(
            "{},{},{},{},{},{},{},{},{},{},1,{},{},",
            area.radio.name(),
            area.mcc,
            area.mnc,
            area.lac,
            row.key.cid,
            text(row.psc.map(u32::from)),
            row.lon,
            row.lat,
            text(row.radius_m),
            text(row.samples),
            row.created_s.map(|time| time.to_string()).unwrap_or_default(),
            row.modified_s,
        );
        assert_eq!(Reader::new(rules, regions).row(written.as_bytes()), Ok(row), "{written}");
    }
    reader.header(bytes);
});
