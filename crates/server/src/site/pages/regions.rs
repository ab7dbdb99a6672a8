//! The page of stations by region.

use askama::Template;
use ichnaea_domain::stats::page::RegionLine;

use super::{Away, Visit, filled};
use crate::site::Frame;
use crate::stats;

#[derive(Template)]
#[template(path = "regions.html")]
struct Regions<'a> {
    frame: &'a Frame<'a>,
    lines: Vec<RegionLine>,
}

pub async fn html(visit: &Visit<'_>) -> Result<String, Away> {
    let lines = stats::regions(&visit.web.ctx).await.map_err(|_| Away)?;
    filled(&Regions { frame: visit.frame, lines })
}
