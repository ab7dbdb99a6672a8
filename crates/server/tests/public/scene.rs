//! A service with some cells, and what it has made of them.

use std::io::Read as _;
use std::sync::atomic::Ordering;

use chrono::{NaiveDateTime, TimeDelta};
use ichnaea_domain::cell::{AreaKey, CellKey, Radio};
use ichnaea_server::clock::Clock;
use ichnaea_server::tasks::{self, Outcome, Run, Task};
use ichnaea_testkit::Backend;
use ichnaea_testkit::cases::Tables;
use serde_json::{Value, json};

use crate::support::app::{App, Setting};

/// A time at which the hour of an hourly file has just ended.
pub const NOW: &str = "2026-07-01 12:03:00";

/// Starts a service that stands still at [`NOW`], with five cells: four of the last hour, of which
/// one is of 5G and one is restricted, and one of last week.
pub async fn start(backend: Backend, options: &[&str]) -> App {
    // Fails only in the second test of a process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut app = App::start_with(Setting::Direct(backend), "http://127.0.0.1:1", options).await;
    app.database.clear().await;
    app.database.load(&cells()).await;
    stand_at(&app, NOW);
    app
}

/// Moves the time of a service.
pub fn stand_at(app: &App, time: &str) {
    let Clock::Fixed(clock) = &app.context.clock else { panic!("time stands still") };
    clock.store(at(time).and_utc().timestamp_millis(), Ordering::Relaxed);
}

fn at(time: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S").unwrap()
}

fn cells() -> Tables {
    let hour = at("2026-07-01 11:30:00");
    let rows = [
        row(Radio::Gsm, 1, hour),
        row(Radio::Gsm, 2, hour - TimeDelta::days(7)),
        row(Radio::Lte, 3, hour),
        row(Radio::Lte, 4, hour),
        row(Radio::Nr, 5, hour),
    ];
    let mut tables = Tables::new();
    for row in rows {
        let radio = Radio::from_code(row["radio"].as_u64().unwrap().try_into().unwrap()).unwrap();
        tables.entry(format!("cell_{radio}")).or_default().push(row.as_object().unwrap().clone());
    }
    let restricted = json!({"cellid": tables["cell_lte"][1]["cellid"], "import_id": 1});
    tables.insert("restricted_cell".to_owned(), vec![restricted.as_object().unwrap().clone()]);
    tables
}

fn row(radio: Radio, cid: u64, modified: NaiveDateTime) -> Value {
    let key = CellKey { area: AreaKey { radio, mcc: 234, mnc: 30, lac: 1 }, cid };
    json!({
        "cellid": key.encode().hex().to_lowercase(), "radio": radio.code(), "mcc": 234, "mnc": 30,
        "lac": 1, "cid": cid, "lat": 51.5, "lon": -0.1, "radius": 1000, "samples": 3,
        "created": "2024-01-01 00:00:00",
        "modified": modified.format("%Y-%m-%d %H:%M:%S").to_string(),
    })
}

/// Runs a task once.
pub async fn run(app: &App, task: Task) -> anyhow::Result<Outcome> {
    tasks::run_once(&Run::new(app.context.clone()), task, None).await
}

/// Radio and cell identity of every row.
pub fn unpacked(bytes: &[u8]) -> Vec<(String, String)> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).map(drop).unwrap();
    let mut lines = text.split_terminator("\r\n");
    assert!(lines.next().unwrap().starts_with("radio,mcc,net,area,cell,unit,"));
    let fields = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), 14);
        (fields[0].to_owned(), fields[4].to_owned())
    };
    lines.map(fields).collect()
}

/// The names in a list, with their rows.
pub fn listed(index: &[u8]) -> Vec<(String, Option<u64>)> {
    let index: Value = serde_json::from_slice(index).unwrap();
    assert_eq!(index["format"], 1);
    let files = index["files"].as_array().unwrap().iter();
    files.map(|file| (file["name"].as_str().unwrap().to_owned(), file["rows"].as_u64())).collect()
}

/// The names that [`NOW`] gives.
pub const FULL: &str = "MLS-full-cell-export-2026-07-01T000000.csv.gz";
pub const FULL_NR: &str = "NR-cell-export-day-2026-07-01T000000.csv.gz";
pub const DIFF: &str = "MLS-diff-cell-export-2026-07-01T120000.csv.gz";
pub const DIFF_NR: &str = "NR-cell-export-hour-2026-07-01T120000.csv.gz";

/// What the full and the hourly file leave in the list.
pub fn all_listed() -> Vec<(String, Option<u64>)> {
    [(FULL, 3), (FULL_NR, 1), (DIFF, 2), (DIFF_NR, 1)]
        .map(|(name, rows)| (name.to_owned(), Some(rows)))
        .to_vec()
}
