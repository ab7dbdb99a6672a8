//! `kill -9` in the middle of an import of cells, then the same command again.

use std::fmt::Write as _;

use ichnaea_server::fault;
use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{self, FreshDatabase};
use ichnaea_testkit::keyvalue;

use crate::process::Addresses;

/// What has to be the same, however often the import was killed. Areas have times of their own.
const STATE: [&str; 8] = [
    "SELECT HEX(cellid), lat, lon, max_lat, samples, psc, created, modified FROM cell_gsm ORDER BY cellid",
    "SELECT HEX(cellid), lat, lon, max_lat, samples, psc, created, modified FROM cell_wcdma ORDER BY cellid",
    "SELECT HEX(cellid), lat, lon, max_lat, samples, psc, created, modified FROM cell_lte ORDER BY cellid",
    "SELECT HEX(areaid), lat, lon, radius, num_cells, region FROM cell_area ORDER BY areaid",
    "SELECT HEX(areaid), lat, lon, radius, num_cells, region FROM cell_area_nr ORDER BY areaid",
    "SELECT HEX(cellid), import_id FROM restricted_cell ORDER BY cellid",
    "SELECT region, gsm, wcdma, lte FROM region_stat ORDER BY region",
    "SELECT id, finished IS NOT NULL, records, rejected FROM imported_file",
];

fn state(database: &FreshDatabase) -> Vec<Vec<Vec<Option<String>>>> {
    STATE.iter().map(|query| database.rows(query)).collect()
}

/// Cells of every radio type, in areas of their own and in common ones, and a row that is of no use.
fn file() -> String {
    let mut csv = String::new();
    for (radio, cids) in [("GSM", 1..40), ("UMTS", 65_536..65_570), ("LTE", 1..50), ("NR", 1..9)] {
        for cid in cids {
            let (lac, lat) = (1 + cid % 7, 51.0 + f64::from(cid % 97) / 100.0);
            let _ = writeln!(
                csv,
                "{radio},234,30,{lac},{cid},,-1.25,{lat},1200,7,1,1500000000,1600000000,"
            );
        }
    }
    csv + "LTE,234,30,0,1,,-1.25,51.0,1200,7,1,1500000000,1600000000,\n"
}

/// An installation that knows one of the cells, older, and one that is newer.
struct Scene {
    database: FreshDatabase,
    _keyvalue: keyvalue::FreshKeyValue,
    addresses: Addresses,
}

impl Scene {
    fn new(backend: Backend) -> Self {
        let (database, keyvalue) = (database::fresh(backend), keyvalue::fresh(backend));
        let addresses = Addresses::new(&database.uri, &keyvalue.uri);
        addresses.run(&["db", "migrate"]);
        let known = |cid: u32, modified: &str| {
            format!(
                "INSERT INTO cell_lte (cellid, radio, mcc, mnc, lac, cid, lat, lon, max_lat, samples, \
                 modified) VALUES (X'0300EA001E{:04X}{cid:08X}', 3, 234, 30, {}, {cid}, 51.9, -1.3, \
                 51.95, 3, '{modified}')",
                1 + cid % 7,
                1 + cid % 7
            )
        };
        let (older, newer) = (known(3, "2019-01-01 00:00:00"), known(4, "2025-01-01 00:00:00"));
        database.execute(&[&older, &newer]);
        Self { database, _keyvalue: keyvalue, addresses }
    }
}

/// Kills an import at every point, once when it is reached first and once when it is reached again.
pub fn every_point(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cells.csv");
    std::fs::write(&path, file()).unwrap();
    let import = ["import", "--private", path.to_str().unwrap()];

    let undisturbed = Scene::new(backend);
    undisturbed.addresses.run(&import);
    let expected = state(&undisturbed.database);
    assert_eq!(expected[7][0][1].as_deref(), Some("1"), "{:?}", expected[7]);

    for point in fault::MERGE_POINTS {
        let is_once = !["merge_committed", "merge_areas_asked"].contains(point);
        for times in if is_once { 1..=1 } else { 1..=3 } {
            let scene = Scene::new(backend);
            scene.addresses.run_into(&import, &format!("{point}:{times}"));
            scene.addresses.run(&import);
            assert_eq!(state(&scene.database), expected, "{point}, time {times}");
        }
    }
}
