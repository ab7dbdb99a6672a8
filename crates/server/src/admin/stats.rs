//! `ichnaea stats`: how much there is.

use chrono::NaiveDate;
use clap::Args;
use ichnaea_domain::region::Regions;
use ichnaea_domain::stats::page::{self, RegionLine};
use ichnaea_domain::stats::{StatKey, StatRow};
use ichnaea_store::Store;
use serde_json::{Value, json};

use super::{print, print_json, table};
use crate::clock::Clock;

/// What to show.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Show the stations of each region instead
    #[arg(long)]
    regions: bool,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

/// What is counted, in the order in which it is listed.
const COUNTED: [(&str, StatKey); 6] = [
    ("Wi-Fi access points", StatKey::UniqueWifi),
    ("Wi-Fi observations", StatKey::Wifi),
    ("cells", StatKey::UniqueCell),
    ("cell observations", StatKey::Cell),
    ("Bluetooth beacons", StatKey::UniqueBlue),
    ("Bluetooth observations", StatKey::Blue),
];

/// The lengths of time for which growth is shown, days.
const SPANS: [u64; 3] = [1, 7, 30];

/// One line.
struct Line {
    name: &'static str,
    key: StatKey,
    total: u64,
    growth: [Option<u64>; 3],
}

impl Line {
    fn new((name, key): (&'static str, StatKey), rows: &[StatRow], today: NaiveDate) -> Self {
        let growth = SPANS.map(|days| page::growth(rows, today, days));
        Self { name, key, total: page::newest(key, rows, today), growth }
    }

    fn cells(&self) -> Vec<String> {
        let growth = self.growth.map(|more| more.map_or_else(|| "-".into(), |it| format!("+{it}")));
        [self.name.to_owned(), self.total.to_string()].into_iter().chain(growth).collect()
    }

    fn json(&self) -> Value {
        let [day, week, month] = self.growth;
        json!({"name": self.key.name(), "total": self.total, "today": day, "days_7": week,
            "days_30": month})
    }
}

/// Shows it.
pub async fn run(store: &Store, options: &Options) -> anyhow::Result<()> {
    if options.regions {
        let lines = page::region_lines(&store.region_stats().await?, Regions::shared());
        return regions(&lines, options.json);
    }
    let today = Clock::default().now().date();
    let mut lines = Vec::new();
    for (name, key) in COUNTED {
        let mut rows = store.stats_since(key, page::chart_begin(today)).await?;
        if rows.is_empty() {
            rows = store.newest_stats(today).await?;
            rows.retain(|row| row.key == key);
        }
        lines.push(Line::new((name, key), &rows, today));
    }
    if options.json {
        return print_json(&lines.iter().map(Line::json).collect::<Vec<_>>());
    }
    let head = ["", "total", "today", "7 days", "30 days"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(lines.iter().map(Line::cells)).collect();
    for line in table(&rows, "  ") {
        print(line.trim_end());
    }
    Ok(())
}

fn regions(lines: &[RegionLine], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let line = |line: &RegionLine| {
            let RegionLine { code, name, order: _, gsm, wcdma, lte, nr, cell, blue, wifi } = line;
            json!({"code": code, "name": name, "gsm": gsm, "wcdma": wcdma, "lte": lte, "nr": nr,
                "cell": cell, "blue": blue, "wifi": wifi})
        };
        return print_json(&lines.iter().map(line).collect::<Vec<_>>());
    }
    let head = ["region", "name", "cells", "GSM", "WCDMA", "LTE", "NR", "Wi-Fi", "Bluetooth"];
    let row = |line: &RegionLine| {
        let RegionLine { code, name, order: _, gsm, wcdma, lte, nr, cell, blue, wifi } = line;
        let counts = [cell, gsm, wcdma, lte, nr, wifi, blue].map(ToString::to_string);
        [code.clone(), name.clone()].into_iter().chain(counts).collect()
    };
    let head = head.map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(lines.iter().map(row)).collect();
    for line in table(&rows, "  ") {
        print(line.trim_end());
    }
    Ok(())
}
