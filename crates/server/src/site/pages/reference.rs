//! The page `/api/reference`: what the description of the interface says, in our frame.

use askama::Template;

use super::{Away, Visit, api, filled};
use crate::openapi::reference::{Body, reference};
use crate::site::Frame;

#[derive(Template)]
#[template(path = "reference.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    body: String,
}

pub fn html(visit: &Visit<'_>) -> Result<String, Away> {
    let base = api::base(visit.headers);
    let body = filled(&Body { reference: reference(), base: &base })?;
    filled(&Page { frame: visit.frame, body })
}
