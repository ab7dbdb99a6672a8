//! Extracts of cells, and the original's dump of a table.

use std::io::Read as _;

use ichnaea_testkit::Backend;
use serde_json::Value;

use crate::command::{Backends, Ichnaea};

const HEADER: &str =
    "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal";
const ONE: &str = "GSM,234,30,1,7,5,-0.1000000,51.5000000,1234,10,1,1704067200,1767225600,";
const GERMAN: &str = "LTE,262,2,3,4,,13.4050000,52.5200000,0,0,1,,1767225600,";

fn with_cells(backends: &Backends) -> Ichnaea {
    let ichnaea = backends.migrated();
    let columns =
        "cellid, radio, mcc, mnc, lac, cid, psc, lat, lon, radius, samples, created, modified";
    backends.database.execute(&[
        &format!(
            "INSERT INTO cell_gsm ({columns}) VALUES (X'0000EA001E000100000007', 0, 234, 30, 1, 7, 5, \
             51.5, -0.1, 1234, 10, '2024-01-01 00:00:00', '2026-01-01 00:00:00')"
        ),
        &format!(
            "INSERT INTO cell_lte ({columns}) VALUES (X'0301060002000300000004', 3, 262, 2, 3, 4, NULL, \
             52.52, 13.405, NULL, NULL, NULL, '2026-01-01 00:00:00')"
        ),
        &format!(
            "INSERT INTO cell_lte ({columns}) VALUES (X'0301060002000300000005', 3, 262, 2, 3, 5, NULL, \
             52.52, 13.405, NULL, NULL, NULL, '2026-01-01 00:00:00')"
        ),
        "INSERT INTO restricted_cell (cellid, import_id) VALUES (X'0301060002000300000005', 1)",
    ]);
    ichnaea
}

pub fn extracts_hold_what_was_asked_for(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = with_cells(&backends);
    let export = |arguments: &str| {
        let words: Vec<&str> = ["export", "cells", "-o", "-"]
            .into_iter()
            .chain(arguments.split_whitespace())
            .collect();
        let ended = ichnaea.run(&words);
        assert_eq!(ended.status, 0, "{arguments}: {:?}", ended.complaints);
        ended.lines
    };
    assert_eq!(export(""), [HEADER, ONE, GERMAN]);
    assert_eq!(export("--mcc 262,310"), [HEADER, GERMAN]);
    assert_eq!(export("--mcc 262 --mnc 1"), [HEADER]);
    assert_eq!(export("--radio gsm"), [HEADER, ONE]);
    assert_eq!(export("--bbox -1,51,1,52"), [HEADER, ONE]);
    assert_eq!(export("--since 2026-01-02"), [HEADER]);
    assert_eq!(export("--until 2026-01-02 --radio lte --include-restricted").len(), 3);

    // A file has its name once it is complete, and is compressed by its name.
    let folder = tempfile::tempdir().unwrap();
    for (name, is_packed) in [("a.csv", false), ("a.csv.gz", true), ("a.csv.zst", true)] {
        let file = folder.path().join(name);
        let ended = ichnaea.run(&["export", "cells", "--json", "-o", file.to_str().unwrap()]);
        assert_eq!(ended.status, 0, "{:?}", ended.complaints);
        let summary: Value = serde_json::from_str(&ended.lines.concat()).unwrap();
        assert_eq!(summary["rows"], 2);
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(summary["bytes"], bytes.len());
        assert_eq!(!bytes.starts_with(b"radio"), is_packed, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    let nowhere = ichnaea.run(&["export", "cells", "-o", "/nowhere/at/all.csv"]);
    assert_eq!((nowhere.status, nowhere.complaints.len()), (1, 1), "{:?}", nowhere.complaints);
    assert_eq!(ichnaea.run(&["export", "cells", "--mnc", "1", "-o", "-"]).status, 2);
}

pub fn a_dump_of_a_table_is_the_original_s(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = with_cells(&backends);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cells.csv.gz");
    let name = file.to_str().unwrap();
    let dump = |datatype: &str| {
        ichnaea.run(&["shell", "location_dump", "--datatype", datatype, "--filename", name])
    };
    let unknown = dump("cells");
    assert_eq!((unknown.status, unknown.lines), (1, vec!["Unknown data type.".to_owned()]));
    let output =
        ichnaea.command(&["dump", "--datatype", "cell", "--filename", name]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(0), Vec::new()));
    let log = String::from_utf8(output.stderr).unwrap();
    for table in ["cell_gsm", "cell_wcdma", "cell_lte"] {
        assert!(log.contains(&format!("Exporting table: {table}")), "{log}");
    }
    let mut text = String::new();
    let bytes = std::fs::read(&file).unwrap();
    flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).map(drop).unwrap();
    assert_eq!(text.lines().count(), 4);
    assert!(text.contains("\nGSM,234,30,1,7,5,51.5000000,-0.1000000,,,,,1234,,10,,0,1704067200,"));
    let again = dump("cell");
    assert_eq!((again.status, again.lines), (1, vec!["File already exists.".to_owned()]));
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    let around = folder.path().join("around.csv.gz");
    let around = around.to_str().unwrap();
    let area = ["--lat", "51.5", "--lon", "-0.1", "--radius", "1000"];
    let arguments = ["dump", "--datatype", "cell", "--filename", around].into_iter().chain(area);
    assert_eq!(ichnaea.run(&arguments.collect::<Vec<_>>()).status, 0);
}
