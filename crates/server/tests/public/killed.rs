//! A worker that is killed in the middle.

use std::process::Command;

use ichnaea_server::fault::CELL_EXPORT_POINTS;
use ichnaea_testkit::Backend;
use ichnaea_testkit::{database, keyvalue};
use tempfile::TempDir;

use crate::scene::listed;

#[test]
fn a_kill_leaves_whole_files_and_the_next_run_a_right_list_on_sqlite_and_embedded() {
    every_point(Backend::Embedded);
}

#[test]
fn a_kill_leaves_whole_files_and_the_next_run_a_right_list_on_mariadb_and_redis() {
    every_point(Backend::Server);
}

fn every_point(backend: Backend) {
    for &point in CELL_EXPORT_POINTS {
        let (database, keyvalue) = (database::fresh(backend), keyvalue::fresh(backend));
        let folder = TempDir::new().unwrap();
        let ichnaea = |arguments: &[&str], fault: Option<&str>| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_ichnaea"));
            command
                .args(arguments)
                .env("DB_READWRITE_URI", &database.uri)
                .env("REDIS_URI", &keyvalue.uri)
                .env("ASSET_BUCKET", format!("file://{}", folder.path().display()))
                .env("TMPDIR", folder.path());
            if let Some(fault) = fault {
                command.env("ICHNAEA_FAULT", fault);
            }
            command.output().unwrap()
        };
        assert!(ichnaea(&["db", "migrate"], None).status.success());
        let run = ["task", "run", "cell_export_full"];
        assert!(!ichnaea(&run, Some(point)).status.success(), "{point}");
        let export = folder.path().join("export");
        let names = || -> Vec<String> {
            let entries = std::fs::read_dir(&export).into_iter().flatten();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        // Nothing half: what has its name can be read to its end.
        for name in names().iter().filter(|name| name.ends_with(".csv.gz")) {
            assert_eq!(crate::scene::unpacked(&std::fs::read(export.join(name)).unwrap()), []);
        }
        // The turn of who was killed runs out.
        let started = std::time::Instant::now();
        while names().len() < 5 {
            assert!(started.elapsed().as_secs() < 60, "{point}: {:?}", names());
            assert!(ichnaea(&run, None).status.success(), "{point}");
        }
        let index = std::fs::read(export.join("index.json")).unwrap();
        let rows: Vec<Option<u64>> = listed(&index).into_iter().map(|(_, rows)| rows).collect();
        assert_eq!(rows, [Some(0), Some(0)], "{point}");
    }
}
