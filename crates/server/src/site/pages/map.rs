//! The page `/map`.

use askama::Template;

use super::{Away, Visit, filled};
use crate::config::BaseMap;
use crate::site::Frame;
use crate::site::tiles_address;

#[derive(Template)]
#[template(path = "map.html")]
struct Map<'a> {
    frame: &'a Frame<'a>,
    base: Option<&'a BaseMap>,
    tiles: String,
}

pub fn html(visit: &Visit<'_>) -> Result<String, Away> {
    let config = &visit.web.ctx.config;
    let base = config.base_map.as_ref();
    filled(&Map { frame: visit.frame, base, tiles: tiles_address(config) })
}
