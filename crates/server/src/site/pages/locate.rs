//! The page `/locate`.

use askama::Template;

use super::{Away, Visit, filled};
use crate::config::BaseMap;
use crate::site::Frame;

#[derive(Template)]
#[template(path = "locate.html")]
struct Locate<'a> {
    frame: &'a Frame<'a>,
    base: Option<&'a BaseMap>,
}

pub fn html(visit: &Visit<'_>) -> Result<String, Away> {
    let config = &visit.web.ctx.config;
    let base = config.base_map.as_ref();
    filled(&Locate { frame: visit.frame, base })
}
