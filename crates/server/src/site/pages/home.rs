//! The first page.

use askama::Template;

use super::{Away, Visit, filled};
use crate::site::Frame;
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
    filled(&Home { frame: visit.frame, totals, overview: None })
}
