//! Importing files of cells and tables of stations.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ichnaea_testkit::Backend;
use serde_json::Value;

use crate::command::{Backends, Ended, Ichnaea};

const HEADER: &str =
    "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal";

/// Four good rows, one of them twice, and four that cannot be used.
const ROWS: [&str; 9] = [
    "GSM,234,30,5,6,,-1.2577,51.752,1200,7,1,1500000000,1600000000,",
    "UMTS,234,30,5,70000,99,-1.2577,51.752,200000,1,1,1500000000,1600000001,",
    "CDMA,234,30,5,8,,-1.2577,51.752,5,2,1,1500000000,1600000005,",
    "LTE,234,30,6,70001,12,-1.1577,51.852,0,10,1,1500000000,1600000002,",
    "GSM,234,30,0,6,,-1.2577,51.752,1200,7,1,1500000000,1600000000,",
    "LTE,234,30,6,70001,13,-1.1577,51.862,0,11,1,1500000000,1600000003,",
    "LTE,234,30,6,70002,,x,51.752,1200,7,1,1500000000,1600000000,",
    "NR,262,2,16777213,68719476735,5,9.5,50.1,900,3,1,1500000000,1600000000,",
    "GSM,234,30,5,6",
];

struct Scene {
    backends: Backends,
    ichnaea: Ichnaea,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(backend: Backend) -> Self {
        let backends = Backends::new(backend);
        let ichnaea = backends.migrated();
        Self { backends, ichnaea, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn import(&self, arguments: &[&str]) -> Ended {
        self.ichnaea.run(&[&["import"], arguments].concat())
    }

    /// What an import of one file says about itself.
    fn summary(&self, arguments: &[&str]) -> Value {
        let ended = self.import(&[&["--json"], arguments].concat());
        assert_eq!(ended.status, 0, "{:?}", ended.complaints);
        let said: Value = serde_json::from_str(&ended.lines.concat()).unwrap();
        said[0].clone()
    }

    fn rows(&self, query: &str) -> Vec<String> {
        let rows = self.backends.database.rows(query).into_iter();
        rows.map(|row| row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(" "))
            .collect()
    }

    fn number_of_cells(&self) -> usize {
        let tables = ["gsm", "wcdma", "lte", "nr"];
        tables.iter().map(|one| self.rows(&format!("SELECT cid FROM cell_{one}")).len()).sum()
    }
}

fn csv(rows: &[&str]) -> Vec<u8> {
    format!("{HEADER}\n{}\n", rows.join("\n")).into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn counts(summary: &Value) -> [u64; 6] {
    ["rows", "added", "updated", "unchanged", "duplicates", "rejected"]
        .map(|name| summary[name].as_u64().unwrap())
}

pub fn a_file_of_cells_is_merged_and_every_row_is_accounted_for(backend: Backend) {
    let scene = Scene::new(backend);
    let file = scene.file("cells.csv", &csv(&ROWS));
    let bad = scene.path("bad.txt").display().to_string();
    let summary = scene.summary(&["--public", "--rejects", &bad, &file]);
    assert_eq!(counts(&summary), [9, 4, 0, 0, 1, 4], "{summary}");
    assert_eq!(summary["by_group"]["lte"]["duplicates"], 1);
    for reason in ["radio_unsupported", "bad_area", "bad_number", "short_row"] {
        assert_eq!(summary["by_reason"][reason], 1, "{reason}");
    }
    assert_eq!(
        scene.rows("SELECT mcc, lac, cid, samples, region FROM cell_lte"),
        ["234 6 70001 11 GB"],
        "the newer row counts"
    );
    let unknown =
        "SELECT psc IS NULL, weight IS NULL, source IS NULL, last_seen IS NULL FROM cell_gsm";
    assert_eq!(scene.rows(unknown), ["1 1 1 1"]);
    assert_eq!(scene.rows("SELECT radius, psc FROM cell_wcdma"), ["100000 99"]);
    assert_eq!(scene.rows("SELECT lac, cid FROM cell_nr"), ["16777213 68719476735"]);
    // Areas and regions are there at once.
    assert_eq!(
        scene.rows("SELECT radio, lac, num_cells FROM cell_area ORDER BY radio"),
        ["0 5 1", "2 5 1", "3 6 1"]
    );
    assert_eq!(scene.rows("SELECT num_cells FROM cell_area_nr"), ["1"]);
    assert_eq!(
        scene.rows("SELECT region, gsm, wcdma, lte FROM region_stat ORDER BY region"),
        ["DE 0 0 0", "GB 1 1 1"]
    );
    // What is rejected is kept as it was, with its line in the file.
    let kept = std::fs::read_to_string(scene.path("bad.txt")).unwrap();
    let expected = [
        (4, "radio_unsupported", 2),
        (6, "bad_area", 4),
        (8, "bad_number", 6),
        (10, "short_row", 8),
    ];
    let expected: Vec<String> = expected
        .iter()
        .map(|(line, reason, row)| format!("{line}\t{reason}\t{}", ROWS[*row]))
        .collect();
    assert_eq!(kept.lines().skip(1).collect::<Vec<_>>(), expected);
}

pub fn newer_rows_overwrite_and_older_ones_do_not(backend: Backend) {
    let scene = Scene::new(backend);
    let first = scene.file("first.csv", &csv(&ROWS));
    scene.summary(&["--public", &first]);
    let second = scene.file(
        "second.csv",
        &csv(&[
            "GSM,234,30,5,6,7,-1.3577,51.762,5,9,1,1400000000,1600000001,",
            "UMTS,234,30,5,70000,,1.2577,41.752,2,2,1,1500000000,1600000001,",
            "LTE,234,30,6,70003,,-1.1577,51.862,0,11,1,,1600000003,",
        ]),
    );
    let summary = scene.summary(&["--public", &second]);
    assert_eq!(counts(&summary), [3, 1, 1, 1, 0, 0], "{summary}");
    assert_eq!(
        scene.rows("SELECT lat, max_lat, psc, samples, modified FROM cell_gsm"),
        ["51.762 51.752 7 9 2020-09-13 12:26:41"]
    );
    assert_eq!(scene.rows("SELECT samples FROM cell_wcdma"), ["1"]);
    assert_eq!(summary["areas"], 2, "only of cells that were written");
}

pub fn the_same_file_is_imported_once(backend: Backend) {
    let scene = Scene::new(backend);
    let file = scene.file("cells.csv.gz", &gzip(&csv(&ROWS)));
    scene.summary(&["--public", &file]);
    let again = scene.import(&["--public", &file]);
    assert_eq!(again.status, 0);
    assert!(
        again.lines[0].contains("was imported at") && again.lines[0].contains("import 1"),
        "{:?}",
        again.lines
    );
    let forced = scene.summary(&["--public", "--again", &file]);
    assert_eq!(counts(&forced), [9, 0, 0, 4, 1, 4]);
    let listed = scene.import(&["--list"]);
    assert_eq!(listed.lines.len(), 3, "{:?}", listed.lines);
    assert!(listed.lines[1].starts_with('2'), "the newest first: {:?}", listed.lines);
}

pub fn nothing_is_written_in_a_dry_run(backend: Backend) {
    let scene = Scene::new(backend);
    let file = scene.file("cells.csv", &csv(&ROWS));
    let summary = scene.summary(&["--dry-run", &file]);
    assert_eq!(counts(&summary), [9, 4, 0, 0, 1, 4]);
    assert_eq!(scene.number_of_cells(), 0);
    assert!(scene.rows("SELECT id FROM imported_file").is_empty());
    assert!(scene.rows("SELECT areaid FROM cell_area").is_empty());
    scene.summary(&["--public", &file]);
    assert_eq!(counts(&scene.summary(&["--dry-run", &file])), [9, 0, 0, 4, 1, 4]);
}

pub fn packed_files_and_standard_input_are_read(backend: Backend) {
    let scene = Scene::new(backend);
    // Two members, a byte order mark, Windows' line ends, no heading, in a file without a name.
    let text = format!("\u{feff}{}\r\n\r\n{}\r\n", ROWS[0], ROWS[1]);
    let packed = [gzip(&text.as_bytes()[..70]), gzip(&text.as_bytes()[70..])].concat();
    let mut command = scene.ichnaea.command(&["import", "--json", "--private", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&packed).unwrap();
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!(ended.status, 0, "{:?}", ended.complaints);
    let said: Value = serde_json::from_str(&ended.lines.concat()).unwrap();
    assert_eq!(counts(&said[0]), [2, 2, 0, 0, 0, 0]);
    // The same bytes in a file are the same import.
    let file = scene.file("cells.bin", &packed);
    assert!(scene.import(&[&file]).lines[0].contains("was imported at"));

    let zst = scene.file("cells", &zstd::encode_all(&csv(&ROWS)[..], 1).unwrap());
    assert_eq!(counts(&scene.summary(&["--public", &zst])), [9, 2, 0, 2, 1, 4]);
}

pub fn a_file_that_ends_early_gives_what_it_has(backend: Backend) {
    let scene = Scene::new(backend);
    let many: Vec<String> = (1..5000)
        .map(|cid| {
            let lat = 51.0 + f64::from(cid * 7919 % 5003) / 10_000.0;
            format!("LTE,234,30,5,{cid},,-1.25,{lat},1200,7,1,1500000000,1600000000,")
        })
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let packed = gzip(&csv(&many));
    let file = scene.file("cut.csv.gz", &packed[..packed.len() / 2]);
    let ended = scene.import(&["--json", "--public", &file]);
    assert_eq!(ended.status, 1, "{:?}", ended.lines);
    let said: Value = serde_json::from_str(&ended.lines.concat()).unwrap();
    let [rows, added, _, _, _, rejected] = counts(&said[0]);
    assert!(added > 1000 && added + rejected == rows && rejected <= 1, "{said}");
    assert!(said[0]["cut_off"].is_string());
    assert_eq!(scene.rows("SELECT cid FROM cell_lte").len() as u64, added);
}

pub fn what_cannot_be_imported_is_said(backend: Backend) {
    let scene = Scene::new(backend);
    let table = "mac,lat,lon,max_lat,min_lat,max_lon,min_lon,radius,region,samples,source,weight,created,modified,last_seen,block_first,block_last,block_count\n";
    for (name, bytes, words) in [
        ("empty", Vec::new(), "empty"),
        ("text", b"hello\nworld\n".to_vec(), "none of the formats"),
        ("stations.csv", table.into(), "--format wifi-dump"),
        ("x.bz2", b"BZh91AY&SY".to_vec(), "bzip2"),
    ] {
        let file = scene.file(name, &bytes);
        let ended = scene.import(&[&file]);
        assert_eq!(ended.status, 1, "{name}");
        assert!(
            ended.complaints.iter().any(|line| line.contains(words)),
            "{name}: {:?}",
            ended.complaints
        );
    }
    let missing = scene.import(&["/no/such/file"]);
    assert_eq!(missing.status, 1);
    assert!(missing.complaints[0].contains("/no/such/file"), "{:?}", missing.complaints);
    assert_eq!(scene.import(&[]).status, 2);
    assert_eq!(scene.import(&["--format", "nonsense", "x"]).status, 2);
    // One that is missing does not stop the others.
    let good = scene.file("good.csv", &csv(&ROWS[..2]));
    let both = scene.import(&["--public", "/no/such/file", &good]);
    assert_eq!(both.status, 1);
    assert_eq!(scene.number_of_cells(), 2);
    let strict = scene.file("strict.csv", &csv(&ROWS));
    assert_eq!(scene.import(&["--public", "--strict", &strict]).status, 3);
}

pub fn rejects_that_cannot_be_written_stop_the_import_before_it_begins(backend: Backend) {
    let scene = Scene::new(backend);
    let file = scene.file("cells.csv", &csv(&ROWS));
    // What is written to it fails as on a full disk.
    assert!(Path::new("/dev/full").exists());
    let ended = scene.import(&["--public", "--rejects", "/dev/full", &file]);
    assert_eq!(ended.status, 1);
    let words = ["/dev/full", "nothing was imported", "No space left"];
    assert!(
        words.iter().all(|words| ended.complaints[0].contains(words)),
        "{:?}",
        ended.complaints
    );
    assert_eq!(scene.number_of_cells(), 0);
}

pub fn cells_under_conditions_are_kept_apart(backend: Backend) {
    let scene = Scene::new(backend);
    let file = scene.file("cell_towers.csv", &csv(&ROWS[..2]));
    let summary = scene.summary(&[&file]);
    assert_eq!(
        (&summary["licence"], &summary["is_public"]),
        (&"CC-BY-SA-4.0".into(), &false.into())
    );
    let mut kept = scene.rows("SELECT HEX(cellid), import_id FROM restricted_cell");
    kept.sort_unstable();
    assert_eq!(kept, ["0000EA001E000500000006 1", "0200EA001E000500011170 1"]);
    // A row that changes nothing restricts nothing.
    let public = scene.file("mine.csv", &csv(&ROWS[3..4]));
    scene.summary(&["--licence", "CC0-1.0", &public]);
    let same = scene.file("cell_towers-2.csv", &csv(&ROWS[3..5]));
    scene.summary(&[&same]);
    assert_eq!(scene.rows("SELECT import_id FROM restricted_cell").len(), 2);
    assert_eq!(
        scene.rows("SELECT source, licence, is_public FROM imported_file ORDER BY id"),
        ["opencellid CC-BY-SA-4.0 0", " CC0-1.0 1", "opencellid CC-BY-SA-4.0 0"]
    );
}

pub fn tables_of_stations_come_in_with_all_columns(backend: Backend) {
    let scene = Scene::new(backend);
    let head = "lat,lon,max_lat,min_lat,max_lon,min_lon,radius,region,samples,source,weight,created,modified,last_seen,block_first,block_last,block_count";
    let row = "51.5000000,-0.1000000,51.5010000,51.4990000,-0.0990000,-0.1010000,38,GB,12,3,4.5,1700000000,1700000001,1700006400,,1700006400,2";
    let wifi = format!("mac,{head}\n94b40f010d01,{row}\n94b41f010d01,{row}\nffffffffffff,{row}\n");
    let file = scene.file("wifi.csv.gz", &gzip(wifi.as_bytes()));
    assert_eq!(counts(&scene.summary(&["--public", &file])), [3, 2, 0, 0, 0, 1]);
    let columns = "lat, max_lat, radius, region, samples, source, weight, created, last_seen, block_first IS NULL, block_last, block_count";
    let expected = ["51.5 51.501 38 GB 12 3 4.5 2023-11-14 22:13:20 2023-11-15 1 2023-11-15 2"];
    for table in ["wifi_shard_0", "wifi_shard_1"] {
        assert_eq!(scene.rows(&format!("SELECT {columns} FROM {table}")), expected, "{table}");
    }
    let blue = scene.file("blue.csv", format!("mac,{head}\n94b40f010d01,{row}\n").as_bytes());
    assert_eq!(counts(&scene.summary(&["--public", &blue])), [1, 1, 0, 0, 0, 0]);
    assert_eq!(scene.rows(&format!("SELECT {columns} FROM blue_shard_0")), expected);
    let cells = format!("radio,mcc,mnc,lac,cid,psc,{head}\nWCDMA,234,30,5,7,9,{row}\n");
    let cells = scene.file("x", cells.as_bytes());
    assert_eq!(counts(&scene.summary(&["--public", &cells])), [1, 1, 0, 0, 0, 0]);
    assert_eq!(
        scene.rows(&format!("SELECT {columns}, psc FROM cell_wcdma")),
        [format!("{} 9", expected[0])]
    );
    assert_eq!(scene.rows("SELECT num_cells FROM cell_area"), ["1"]);
}

pub fn the_tool_of_the_original_is_understood(backend: Backend) {
    let scene = Scene::new(backend);
    let file = scene.file("cells.csv.gz", &gzip(&csv(&ROWS)));
    let ended = scene.ichnaea.run(&["shell", "/app/ichnaea/scripts/load_cell_data.py", &file]);
    assert_eq!(ended.status, 0, "{:?}", ended.complaints);
    let expected = [
        "Complete, processed 5 stations:",
        "  GSM: 1 new, 0 updated, 0 already loaded",
        "  LTE: 1 new, 0 updated, 1 already loaded",
        "  NR: 1 new, 0 updated, 0 already loaded",
        "  WCDMA: 1 new, 0 updated, 0 already loaded",
        "  4 station areas updated",
    ];
    assert_eq!(ended.lines[..6], expected);
    assert_eq!(
        scene.rows("SELECT psc FROM cell_gsm"),
        ["0"],
        "an empty unit, as the original reads it"
    );
    let missing = scene.ichnaea.run(&["load_cell_data", "/no/such/file"]);
    assert_eq!(
        (missing.status, missing.lines),
        (1, vec!["File /no/such/file not found.".to_owned()])
    );
}
