//! What each page needs, and the templates.

mod api;
mod downloads;
mod home;
mod locate;
mod map;
mod plain;
mod reference;
mod regions;
mod stats;

use std::sync::Arc;

use askama::Template;
use http::HeaderMap;

use super::{Frame, View};
use crate::http::Web;

/// What a page needs is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away;

/// A request for a page.
pub struct Visit<'a> {
    /// Handles and settings.
    pub web: &'a Arc<Web>,
    /// What stands around the page.
    pub frame: &'a Frame<'a>,
    /// The headers of the request.
    pub headers: &'a HeaderMap,
}

/// The whole page.
pub async fn html(visit: &Visit<'_>) -> Result<String, Away> {
    match visit.frame.page.view {
        View::Home => home::html(visit).await,
        View::Api => api::html(visit),
        View::Reference => reference::html(visit),
        View::Downloads => downloads::html(visit).await,
        View::Map => map::html(visit),
        View::Locate => locate::html(visit),
        View::Stats => stats::html(visit).await,
        View::Regions => regions::html(visit).await,
        View::Contact => plain::contact(visit.frame),
        View::Optout => plain::optout(visit.frame),
        View::Privacy => plain::privacy(visit.frame),
        View::Terms => plain::terms(visit.frame),
        View::NotFound => plain::not_found(visit.frame),
        View::Unavailable => plain::unavailable(visit.frame),
    }
}

/// Fills a template in. Writing into memory does not fail; if it did, there would be no page.
fn filled(template: &impl Template) -> Result<String, Away> {
    template.render().map_err(|error| {
        tracing::error!(%error, "a page cannot be written");
        Away
    })
}
