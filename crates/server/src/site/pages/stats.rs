//! The page of totals and charts.

use askama::Template;
use chrono::DateTime;
use ichnaea_domain::station::Kind;

use super::{Away, Visit, filled};
use crate::site::Frame;
use crate::stats::{self, Point, Total};

#[derive(Template)]
#[template(path = "stats.html")]
struct Stats<'a> {
    frame: &'a Frame<'a>,
    tables: [(&'static str, Vec<Total>); 2],
    charts: [Chart; 3],
}

/// What a chart is called, and its points for those who see no chart.
struct Chart {
    id: &'static str,
    title: &'static str,
    data: &'static str,
    /// Months as `2026-01` and totals.
    months: Vec<(String, u64)>,
}

pub async fn html(visit: &Visit<'_>) -> Result<String, Away> {
    let ctx = &visit.web.ctx;
    let (totals, blue, cell, wifi) = tokio::join!(
        stats::totals(ctx),
        stats::chart(ctx, Kind::Blue),
        stats::chart(ctx, Kind::Cell),
        stats::chart(ctx, Kind::Wifi),
    );
    let (Ok(totals), Ok(blue), Ok(cell), Ok(wifi)) = (totals, blue, cell, wifi) else {
        return Err(Away);
    };
    let charts = [
        chart("blue_chart", "Bluetooth networks", "/stats_blue.json", &blue),
        chart("cell_chart", "Cells", "/stats_cell.json", &cell),
        chart("wifi_chart", "Wi-Fi networks", "/stats_wifi.json", &wifi),
    ];
    let left = totals.metrics1.into_iter().map(neutral).collect();
    let right = totals.metrics2.into_iter().map(neutral).collect();
    let tables = [("Networks", left), ("Cells", right)];
    filled(&Stats { frame: visit.frame, tables, charts })
}

/// Copies that are shared with the original call cells after its name.
fn neutral(total: Total) -> Total {
    let name = total.name.strip_prefix("MLS ").map_or_else(|| total.name.clone(), str::to_owned);
    Total { name, ..total }
}

fn chart(id: &'static str, title: &'static str, data: &'static str, points: &[Point]) -> Chart {
    let month = |(ms, total): &Point| {
        let begin = DateTime::from_timestamp_millis(*ms)?;
        Some((begin.format("%Y-%m").to_string(), *total))
    };
    Chart { id, title, data, months: points.iter().filter_map(month).collect() }
}
