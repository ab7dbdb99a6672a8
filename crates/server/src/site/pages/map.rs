//! The page `/map`.

use askama::Template;

use super::{Away, Visit, filled};
use crate::site::Frame;

#[derive(Template)]
#[template(path = "map.html")]
struct Map<'a> {
    frame: &'a Frame<'a>,
}

pub fn html(visit: &Visit<'_>) -> Result<String, Away> {
    filled(&Map { frame: visit.frame })
}
