//! From a page of the table to an answer.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, RETRY_AFTER, VARY};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::frame::credits;
use super::pages::{self, Away, Visit};
use super::{Frame, NOT_FOUND, Page, UNAVAILABLE, compress};
use crate::breaker::with_patience;
use crate::http::{Noted, Web, caught, html_answer, runs_view, without_view};

/// How long browsers and proxies may keep a page.
const MAX_AGE: HeaderValue = HeaderValue::from_static("max-age=3600");
/// Seconds after which it makes sense to come again.
const LATER: HeaderValue = HeaderValue::from_static("60");
/// Paths that programs ask for: nobody reads a page there.
const FOR_PROGRAMS: [&str; 4] = ["/v1/", "/v2/", "/static/", "/geolocation/"];

/// Answers a request for a page.
pub async fn page(
    web: &Arc<Web>,
    page: &'static Page,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    if !runs_view(method) {
        return without_view(method);
    }
    // In a box: what wraps it would move the whole page each time.
    let made = caught(Box::pin(html(web, page, headers)));
    let made = with_patience(web.ctx.config.backend_timeout, made);
    let made = tokio::time::timeout(web.ctx.config.request_timeout, made).await;
    let mut response = match made {
        Ok(Ok(Ok(text))) => {
            let mut response = packed(StatusCode::OK, text, headers);
            response.headers_mut().insert(CACHE_CONTROL, MAX_AGE);
            response
        }
        // Away, a panic that the log has told of, too late.
        Ok(Ok(Err(Away)) | Err(_)) | Err(_) => unavailable(web, headers).await,
    };
    // Whatever follows the path: strangers do not make up names of metrics.
    response.extensions_mut().insert(Noted(page.path));
    response
}

/// The answer where nothing is: a page for people, and for programs what they have always got.
pub async fn not_found(
    web: &Arc<Web>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Response {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let is_for_people = !FOR_PROGRAMS.iter().any(|begin| path.starts_with(begin));
    if is_read && is_for_people && wants_html(headers) {
        // It needs nothing that could be away.
        if let Ok(text) = html(web, NOT_FOUND, headers).await {
            return packed(StatusCode::NOT_FOUND, text, headers);
        }
    }
    crate::http::not_found()
}

async fn unavailable(web: &Arc<Web>, headers: &HeaderMap) -> Response {
    let mut response = match html(web, UNAVAILABLE, headers).await {
        Ok(text) => packed(StatusCode::SERVICE_UNAVAILABLE, text, headers),
        Err(Away) => {
            html_answer(StatusCode::SERVICE_UNAVAILABLE, "<h1>503 Service Unavailable</h1>")
        }
    };
    response.headers_mut().insert(RETRY_AFTER, LATER);
    response
}

async fn html(web: &Arc<Web>, page: &'static Page, headers: &HeaderMap) -> Result<String, Away> {
    let credits = credits(&web.ctx);
    let frame = Frame::new(&web.site, page, web.ctx.clock.now(), &credits);
    pages::html(&Visit { web, frame: &frame, headers }).await
}

fn packed(status: StatusCode, text: String, headers: &HeaderMap) -> Response {
    let mut response = match compress::gzip(headers, text.as_bytes()) {
        Some(packed) => {
            let mut response = html_answer(status, Body::from(packed));
            let coding = HeaderValue::from_static("gzip");
            response.headers_mut().insert(CONTENT_ENCODING, coding);
            response
        }
        None => html_answer(status, text),
    };
    response.headers_mut().insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    response
}

/// Browsers name HTML among what they like to get; other programs take anything.
fn wants_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_html = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("text/html"));
        is_html
            && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_from_programs() {
        for (accept, expected) in [
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), true),
            (Some("application/json, Text/HTML;q=0.1"), true),
            (Some("text/html;q=0, */*"), false),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (Some("text/htmlx"), false),
            (None, false),
        ] {
            let headers = accept.map(|accept| (ACCEPT, accept.parse().unwrap()));
            assert_eq!(wants_html(&HeaderMap::from_iter(headers)), expected, "{accept:?}");
        }
    }
}
