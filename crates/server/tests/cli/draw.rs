//! The data map from the grid in the database to the files that browsers load.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use chrono::{Days, NaiveDate};
use ichnaea_domain::datamap::{Grid, scatter};
use ichnaea_server::clock::Clock;
use ichnaea_testkit::Backend;
use ichnaea_testkit::buckets::S3Server;
use ichnaea_testkit::proxy::{Mode, Proxy};
use ichnaea_tiles::{Key, Painter, png};
use serde_json::Value;

use crate::command::{Backends, Ichnaea};
use crate::datamap::{Ran, files};
use crate::process::Process;

/// Cells in all four tables, and the months since they were last seen: those of the London ones are
/// neighbours, so that tiles have points of several.
const CELLS: [(i32, i32, u64); 9] = [
    (51_500, -100, 0),
    (51_500, -101, 0),
    (51_501, -100, 2),
    (51_502, -101, 11),
    (51_503, -101, 12),
    (52_520, 13_405, 3),
    (-33_868, 151_209, 6),
    (-10_000, -11_000, 9),
    // North of the map: it counts, and is not drawn.
    (86_000, 20_000, 0),
];

fn today() -> NaiveDate {
    Clock::default().now().date()
}

fn insert(backends: &Backends, cells: &[(i32, i32, u64)]) {
    for &(lat, lon, months) in cells {
        let grid = Grid { lat, lon };
        let key = grid.encode().map(|byte| format!("{byte:02x}")).concat();
        let day = today() - Days::new(months * 30);
        let table = grid.quadrant().name();
        backends.database.execute(&[&format!(
            "INSERT INTO datamap_{table} (grid, created, modified) VALUES (x'{key}', '{day}', '{day}')"
        )]);
    }
}

/// The files that these cells have to become, made of all points at once.
fn expected(cells: &[(i32, i32, u64)]) -> BTreeMap<String, Vec<u8>> {
    let points = cells
        .iter()
        .flat_map(|&(lat, lon, months)| scatter(Grid { lat, lon }, i64::try_from(months).unwrap()));
    let mut keys: Vec<Key> = points.filter_map(|(lat, lon)| Key::at(lat, lon)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut tiles = BTreeMap::new();
    let mut keep = |picture: ichnaea_tiles::Picture| {
        tiles.insert(format!("{}.png", picture.tile), png(&picture).unwrap());
        Ok::<(), Infallible>(())
    };
    let mut painter = Painter::new();
    for key in keys {
        let Ok(()) = painter.paint(key, &mut keep);
    }
    let Ok(()) = painter.finish(&mut keep);
    tiles
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

pub fn the_map_is_drawn_from_the_grid_and_only_what_changes_is_written(backend: Backend) {
    let backends = Backends::new(backend);
    let temporary = tempfile::tempdir().unwrap();
    let output = temporary.path().join("map");
    let ichnaea = backends.migrated().env("TMPDIR", temporary.path().to_str().unwrap());
    let arguments = ["datamap", "--create", "--output", output.to_str().unwrap()];

    let none = Ran::of(&ichnaea, &arguments);
    assert_eq!(none.status, 0, "{:?}", none.log);
    assert_eq!((&none.end()["row_count"], &none.end()["csv_count"]), (&0.into(), &0.into()));
    assert!(none.end()["tile_count"].is_null() && !output.join("tiles").exists());

    insert(&backends, &CELLS);
    // What is no cell, or was seen on no day, is left out.
    backends.database.execute(&[
        "INSERT INTO datamap_ne (grid, created, modified) VALUES (x'0003000000000000', '2026-01-01', '2026-01-01')",
        "INSERT INTO datamap_nw (grid, created) VALUES (x'000228bd0002bebd', '2026-01-01')",
    ]);
    let first = Ran::of(&ichnaea, &arguments);
    assert_eq!(first.status, 0, "{:?}", first.log);
    let expected = expected(&CELLS);
    let mut found = files(&output);
    let status: Value = serde_json::from_slice(&found.remove("tiles/data.json").unwrap()).unwrap();
    let names = |tiles: &BTreeMap<String, Vec<u8>>| tiles.keys().cloned().collect::<Vec<_>>();
    let tiles: BTreeMap<_, _> = found
        .into_iter()
        .map(|(name, bytes)| (name.strip_prefix("tiles/").unwrap().to_owned(), bytes))
        .collect();
    assert_eq!(names(&tiles), names(&expected));
    assert!(tiles == expected, "a tile differs");
    // 6 + 6 + 5 + 1 + 0, 5, 3, 2 and 6.
    let end = first.end();
    let counts =
        |names: &[&str]| names.iter().map(|name| end[*name].as_u64().unwrap()).collect::<Vec<_>>();
    let tile_count = tiles.len() as u64;
    assert_eq!(
        counts(&["row_count", "csv_count", "csv_converted_count", "quadtree_count"]),
        [34, 4, 4, 4]
    );
    assert_eq!(counts(&["intermediate_quadtree_count", "tile_count"]), [0, tile_count]);
    assert_eq!(first.counts(), [tile_count, 0, 0, 0, 0]);
    for step in ["export", "quadtree", "merge", "render", "sync"] {
        assert!(end[format!("{step}_duration_s")].is_f64(), "{step}");
    }
    assert_eq!((&end["create"], &end["upload"]), (&true.into(), &false.into()));
    let message = end["msg"].as_str().unwrap();
    assert!(message.starts_with("Datamap tile generation complete in "), "{message}");
    assert_eq!(status["row_count"], 34);

    let again = Ran::of(&ichnaea, &[&arguments[..], &["--concurrency", "1"]].concat());
    assert_eq!(again.counts(), [0, 0, 0, tile_count, 0]);

    backends.database.execute(&[
        "DELETE FROM datamap_se",
        "DELETE FROM datamap_sw",
        "DELETE FROM datamap_nw WHERE grid = x'000228bc0002bebb'",
    ]);
    let less = Ran::of(&ichnaea, &arguments);
    let [new, changed, deleted, unchanged, failed] = less.counts();
    assert_eq!((new, failed), (0, 0));
    assert!(changed > 0 && deleted > 10 && unchanged > 10, "{:?}", less.counts());
    assert!(!output.join("tiles/11/1884").exists());

    backends.database.execute(&["DELETE FROM datamap_ne", "DELETE FROM datamap_nw"]);
    insert(&backends, &[(51_500, -100, 12)]);
    let old = Ran::of(&ichnaea, &arguments);
    assert_eq!((old.status, &old.end()["row_count"]), (0, &0.into()));
    assert!(old.end()["tile_new"].is_null());
    assert!(output.join("tiles/0/0/0.png").exists(), "a map is not removed because all is old");
    let left = std::fs::read_dir(temporary.path()).unwrap().count();
    assert_eq!((left, is_empty(&output)), (1, false), "only the map is left");
    let left = std::fs::read_dir(&output).unwrap().count();
    assert_eq!(left, 1, "nothing but tiles is left beside them");
}

pub fn the_roles_bring_the_map_to_its_bucket_and_its_folder(backend: Backend) {
    let backends = Backends::new(backend);
    let folder = tempfile::tempdir().unwrap();
    let ichnaea = backends.migrated();
    insert(&backends, &CELLS);
    let expected = expected(&CELLS);

    let public = folder.path().join("datamap");
    let local = Ran::of(&ichnaea.clone().env("MAP_DIR", public.to_str().unwrap()), &["local_map"]);
    assert_eq!(local.status, 0, "{:?}", local.log);
    let mut there = files(&public.join("tiles"));
    assert!(there.remove("data.json").is_some());
    assert!(there == expected, "a tile differs");
    assert_eq!(std::fs::read_dir(&public).unwrap().count(), 1, "only tiles can be fetched");

    let server = S3Server::start();
    server.make_bucket("maps");
    let ichnaea = ichnaea
        .env("ASSET_BUCKET", "maps")
        .env("AWS_ENDPOINT_URL", &server.uri)
        .env("AWS_ACCESS_KEY_ID", "account")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    let tiles = expected.len() as u64;
    for counts in [[tiles, 0, 0, 0, 0], [0, 0, 0, tiles, 0]] {
        let ran = Ran::of(&ichnaea, &["map"]);
        assert_eq!((ran.status, ran.counts()), (0, counts), "{:?}", ran.log);
    }
    for (name, bytes) in &expected {
        assert_eq!(&server.object("maps", &format!("tiles/{name}")).body, bytes, "{name}");
    }
    assert_eq!(server.keys("maps").len(), expected.len() + 1);
}

pub fn a_worker_draws_the_map_when_the_scheduler_says_so(backend: Backend) {
    let backends = Backends::new(backend);
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("map");
    let ichnaea =
        backends.migrated().env("MAP_DIR", map.to_str().unwrap()).env("MAP_INTERVAL", "60");
    insert(&backends, &CELLS);
    let mut worker = Process::start(&ichnaea, &["worker"]);
    let scheduler = Process::start(&ichnaea, &["scheduler"]);
    worker.until(|| map.join("tiles/data.json").exists());
    let mut there = files(&map.join("tiles"));
    assert!(there.remove("data.json").is_some());
    assert!(there == expected(&CELLS), "a tile differs");
    for mut process in [worker, scheduler] {
        process.signal("TERM");
        assert_eq!(process.ended().code(), Some(0));
    }
}

#[cfg(feature = "fault-points")]
#[test]
fn a_kill_after_drawing_leaves_a_folder_that_the_next_run_removes() {
    let backends = Backends::new(Backend::Embedded);
    let folder = tempfile::tempdir().unwrap();
    let ichnaea = backends.migrated();
    insert(&backends, &CELLS);
    let arguments = ["datamap", "--create", "--output", folder.path().to_str().unwrap()];
    let killed = Ran::of(&ichnaea.clone().env("ICHNAEA_FAULT", "map_drawn"), &arguments);
    assert_eq!(killed.status, -1, "{:?}", killed.log);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert!(matches!(&left[..], [one] if one.file_name().to_string_lossy().starts_with('.')));
    let after = Ran::of(&ichnaea, &arguments);
    let tiles = expected(&CELLS).len() as u64;
    assert_eq!((after.status, after.counts()), (0, [tiles, 0, 0, 0, 0]));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert!(matches!(&left[..], [one] if one.file_name() == "tiles"), "{left:?}");
}

#[test]
fn a_signal_ends_drawing_with_its_status_and_leaves_nothing_behind() {
    let backends = Backends::new(Backend::Server);
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::before(&backends.database.uri);
    backends.migrated();
    insert(&backends, &CELLS);
    let ichnaea = Ichnaea::with(&[
        ("DB_READWRITE_URI", &proxy.instead_of(&backends.database.uri)),
        ("REDIS_URI", &backends.keyvalue.uri),
        ("SECRET_KEY", "only for tests"),
    ]);
    let arguments = ["datamap", "--create", "--output", folder.path().to_str().unwrap()];
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        proxy.set(Mode::StallAnswersTo("FROM datamap_se"));
        let mut process = Process::start(&ichnaea, &arguments);
        process.until(|| std::fs::read_dir(folder.path()).unwrap().next().is_some());
        process.signal(signal);
        assert_eq!(process.ended().code(), Some(status));
        let said = process.rest();
        assert!(said.contains("Datamap tile generation interrupted in "), "{said}");
        assert!(is_empty(folder.path()), "{signal}");
        proxy.set(Mode::Pass);
    }
}
