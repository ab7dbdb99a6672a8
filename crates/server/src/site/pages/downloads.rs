//! The page of public files.

use askama::Template;
use ichnaea_domain::downloads::Downloads;

use super::{Away, Visit, filled};
use crate::downloads;
use crate::site::Frame;

#[derive(Template)]
#[template(path = "downloads.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    files: Downloads,
    list: Option<String>,
}

pub async fn html(visit: &Visit<'_>) -> Result<String, Away> {
    let files = downloads::list(&visit.web.ctx).await;
    let list = downloads::index_address(&visit.web.ctx.config);
    filled(&Page { frame: visit.frame, files, list })
}
