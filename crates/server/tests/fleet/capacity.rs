//! More processes do the same work, not other work.

use std::collections::BTreeMap;
use std::time::Duration;

use ichnaea_testkit::Backend;
use ichnaea_testkit::cases::Row;
use ichnaea_testkit::fixture::Database;
use ichnaea_testkit::{database, keyvalue};
use serde_json::Value;

use crate::process::{Installation, Process, Web};
use crate::traffic::{submissions, submit_all};

const REPORTS: u32 = 10_000;

/// Columns that say when a row was written, not what was learned.
const TIMES: [&str; 2] = ["created", "modified"];
/// Columns with a distance from a mean position to a corner, in whole metres.
const RADII: [&str; 2] = ["radius", "avg_cell_radius"];
/// Columns with a mean or a sum of fractions, whose last bits depend on the order of adding.
const MEANS: [&str; 3] = ["lat", "lon", "weight"];

/// Three web, three worker and two scheduler processes, workers that come, go and die while data
/// flows: row by row what one of each leaves.
///
/// Exactly the same: which rows there are, samples, boxes, regions, sources, days, blocks, numbers of
/// cells, counters. Within 1e-9: positions and weights, which are running means over the batches, so
/// that adding in another order changes the last bits; within a metre: radii, rounded from these.
pub async fn many_processes_leave_the_same_tables_as_one_of_each(backend: Backend) {
    let bodies = submissions(REPORTS);
    let one = learned(backend, &bodies, 1, 1, 1).await;
    let counted = one["stat"].iter().filter(|row| row["value"] != 0).count();
    assert_eq!(counted, 6, "{:?}", one["stat"]);
    let samples = |kind| -> u64 {
        let rows = one.iter().filter(|(name, _)| name.starts_with(kind));
        rows.flat_map(|(_, rows)| rows).filter_map(|row| row["samples"].as_u64()).sum()
    };
    assert_eq!(samples("wifi_shard"), u64::from(REPORTS), "one access point in each report");
    let beacons: usize = bodies.iter().map(|body| body.matches("bluetoothBeacons").count()).sum();
    assert_eq!(samples("blue_shard"), beacons as u64, "no beacon seems to move");

    let many = learned(backend, &bodies, 3, 3, 2).await;
    assert_eq!(many.keys().collect::<Vec<_>>(), one.keys().collect::<Vec<_>>());
    for (table, expected) in &one {
        let found = &many[table];
        assert_eq!(found.len(), expected.len(), "rows of {table}");
        for (found, expected) in found.iter().zip(expected) {
            for (column, expected) in expected {
                let found = &found[column];
                assert!(
                    agree(column, found, expected),
                    "{table}.{column}: {found}, not {expected}"
                );
            }
        }
    }
}

fn agree(column: &str, found: &Value, expected: &Value) -> bool {
    let numbers = found.as_f64().zip(expected.as_f64());
    match numbers {
        Some((found, expected)) if MEANS.contains(&column) => {
            (found - expected).abs() <= 1e-9 * expected.abs()
        }
        Some((found, expected)) if RADII.contains(&column) => (found - expected).abs() <= 1.0,
        _ => found == expected,
    }
}

/// The tables after the reports went through this many processes; with several workers, one is
/// killed, one added and one stopped on the way.
async fn learned(
    backend: Backend,
    bodies: &[String],
    webs: usize,
    workers: usize,
    schedulers: usize,
) -> BTreeMap<String, Vec<Row>> {
    let (database, keyvalue) = (database::fresh(backend), keyvalue::fresh(backend));
    let installation = Installation::new(&database.uri, &keyvalue.uri).await;
    database.execute(&["UPDATE export_config SET batch = 1"]);
    let webs: Vec<Web> = (0..webs).map(|_| installation.web()).collect();
    let mut workers: Vec<Process> = (0..workers).map(|_| installation.start(&["worker"])).collect();
    let schedulers: Vec<Process> =
        (0..schedulers).map(|_| installation.start(&["scheduler"])).collect();
    let ports: Vec<u16> = webs.iter().map(|web| web.port).collect();
    if workers.len() > 1 {
        let (first, second) = bodies.split_at(bodies.len() / 2);
        submit_all(&ports, first, Duration::ZERO);
        installation.tick().await;
        let (_, before) = installation.unfinished().await;
        assert!(before > 0, "the workers were done before one of them was killed");
        workers.swap_remove(0).kill();
        workers.push(installation.start(&["worker"]));
        workers.push(installation.start(&["worker"]));
        installation.tick().await;
        submit_all(&ports, second, Duration::ZERO);
        installation.tick().await;
        workers.swap_remove(0).stop();
    } else {
        submit_all(&ports, bodies, Duration::ZERO);
    }
    installation.work_off().await;
    for process in workers.into_iter().chain(schedulers) {
        process.stop();
    }
    for web in webs {
        web.process.stop();
    }
    installation.run(&["task", "run", "update_statcounter"]);
    let mut tables = BTreeMap::from_iter(Database::open(&database.uri).await.read().await);
    for rows in tables.values_mut() {
        for row in rows.iter_mut() {
            row.retain(|column, _| !TIMES.contains(&column.as_str()));
        }
        rows.sort_by_cached_key(key);
    }
    tables
}

/// The columns that name a row.
fn key(row: &Row) -> String {
    let names = ["mac", "cellid", "areaid", "grid", "key", "time"];
    names.iter().map(|name| row.get(*name).unwrap_or(&Value::Null).to_string()).collect()
}
