//! The first page.

use askama::Template;

use super::{Away, Visit, filled};
use crate::config::Config;
use crate::datamap::TILES;
use crate::site::{Frame, tiles_address};
use crate::stats::{self, Total};

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    frame: &'a Frame<'a>,
    totals: Vec<Figure>,
    overview: Option<String>,
}

/// A total that is worth showing.
struct Figure {
    millions: String,
    what: &'static str,
}

/// The totals that are shown, by the place in their table: access points, beacons, cells.
const SHOWN: [(&str, &str); 3] = [
    ("Wifi Networks", "Wi-Fi access points"),
    ("MLS Cells", "cells"),
    ("Bluetooth Networks", "Bluetooth beacons"),
];

pub async fn html(visit: &Visit<'_>) -> Result<String, Away> {
    // A page without figures is still the first page.
    let totals = stats::totals(&visit.web.ctx).await.ok();
    let all = totals.iter().flat_map(|totals| totals.metrics1.iter().chain(&totals.metrics2));
    let all: Vec<&Total> = all.collect();
    let figure = |(name, what): (&str, &'static str)| {
        let total = all.iter().find(|total| total.name == name && total.value != "0.00")?;
        Some(Figure { millions: total.value.clone(), what })
    };
    let totals = SHOWN.into_iter().filter_map(figure).collect();
    filled(&Home { frame: visit.frame, totals, overview: overview(&visit.web.ctx.config).await })
}

/// The one tile that shows the whole world.
const WORLD: &str = "0/0/0@2x.png";

/// The address of the picture of the data map; `None` as long as none was drawn here. Of those that
/// are elsewhere nobody knows without asking.
async fn overview(config: &Config) -> Option<String> {
    let file = config.map_dir.join(TILES).join(WORLD);
    let is_there = config.asset_url.is_some() || tokio::fs::try_exists(file).await.unwrap_or(false);
    is_there.then(|| tiles_address(config) + WORLD)
}
