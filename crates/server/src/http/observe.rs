//! After the answer: the line in the log, and the metrics.

use std::time::Duration;

use tracing::Level;

use crate::api::Facts;
use crate::api::facts::FieldDoc;
use crate::context::Context;
use crate::logging::{CANONICAL, Fields};

/// Files that are served as they are.
const STATIC: [&str; 3] = ["/favicon.ico", "/robots.txt", "/apple-touch-icon-precomposed.png"];

/// The fields that the line of every request has.
pub const REQUEST_FIELDS: &[FieldDoc] = &[
    ("http_method", "text", "always"),
    ("http_path", "text", "always: without its escapes and parameters"),
    ("http_status", "number", "always"),
    ("duration_s", "number", "always: seconds with three decimals"),
];

/// The path to note in the place of the one that was asked for; part of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Noted(pub &'static str);

/// A request and its answer.
pub struct Answered<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, without escapes.
    pub path: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took.
    pub took: Duration,
    /// What the API knows about it; `None` for everything else.
    pub facts: Option<&'a Facts>,
}

/// Writes the line and emits the metrics of one request.
pub fn note(ctx: &Context, answered: &Answered<'_>) {
    let Answered { method, path, status, took, facts } = *answered;
    if is_unknown(status, facts) {
        return;
    }
    let is_static = is_static(path);
    if !is_static || ctx.config.is_development {
        log(ctx, answered);
    }
    if is_static || !ctx.metrics.is_on() {
        return;
    }
    if let Some(facts) = facts {
        facts.emit(&ctx.metrics);
    }
    ctx.metrics.request(path, method, status);
    ctx.metrics.request_timing(path, method, took);
}

/// A path that does not exist, a method nobody offers, a request that is none: noise that anybody can
/// make as much of as they like.
fn is_unknown(status: u16, facts: Option<&Facts>) -> bool {
    facts.is_none() && (400..500).contains(&status)
}

fn is_static(path: &str) -> bool {
    path.starts_with("/static") || STATIC.contains(&path)
}

/// Whether the line of a request would be written at all.
pub fn is_logged() -> bool {
    tracing::enabled!(target: CANONICAL, Level::INFO)
}

fn log(ctx: &Context, answered: &Answered<'_>) {
    if !is_logged() {
        return;
    }
    let Answered { method, path, status, took, facts } = *answered;
    let mut fields = Fields::default();
    fields.text("http_method", method);
    fields.text("http_path", path);
    fields.number("http_status", status);
    fields.seconds("duration_s", took.as_secs_f64());
    if let Some(facts) = facts {
        facts.log(&mut fields, ctx.config.log_api_keys);
    }
    tracing::info!(target: CANONICAL, fields = fields.members(), "{method} {path} - {status}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Endpoint;

    #[test]
    fn what_nobody_offers_is_neither_logged_nor_counted() {
        let facts = Facts::new(Endpoint::Geolocate);
        for (status, facts, expected) in [
            (404, None, true),
            (405, None, true),
            (400, None, true),
            (404, Some(&facts), false),
            (400, Some(&facts), false),
            (200, None, false),
            (302, None, false),
            (503, None, false),
        ] {
            assert_eq!(is_unknown(status, facts), expected, "{status}");
        }
    }

    #[test]
    fn files_are_told_from_pages() {
        for path in ["/static/css/a.css", "/robots.txt", "/favicon.ico"] {
            assert!(is_static(path), "{path}");
        }
        for path in ["/", "/v1/geolocate", "/stats"] {
            assert!(!is_static(path), "{path}");
        }
    }
}
