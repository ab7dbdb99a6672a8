//! The page `/locate`.

use askama::Template;

use super::{Away, Visit, filled};
use crate::site::Frame;

#[derive(Template)]
#[template(path = "locate.html")]
struct Locate<'a> {
    frame: &'a Frame<'a>,
}

pub fn html(visit: &Visit<'_>) -> Result<String, Away> {
    filled(&Locate { frame: visit.frame })
}
