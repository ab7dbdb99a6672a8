//! The page `/api/reference`.

use askama::Template;

use super::{Away, Visit, filled};
use crate::site::Frame;

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference<'a> {
    frame: &'a Frame<'a>,
}

pub fn html(visit: &Visit<'_>) -> Result<String, Away> {
    filled(&Reference { frame: visit.frame })
}
