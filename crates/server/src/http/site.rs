//! Pages, and the documents and pictures beside them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::{Noted, Web, headers, not_found, runs_view, without_view};
use crate::assets;
use crate::site;

const ROBOTS: &str = "User-agent: *\nDisallow: /downloads\nDisallow: /static/\nDisallow: /v1/\n\
    Disallow: /v2/\nDisallow: /__heartbeat__\nDisallow: /__lbheartbeat__\n\
    Disallow: /__version__\n";

/// How long caches may keep files that hardly ever change, and data for pages.
const A_DAY: HeaderValue = HeaderValue::from_static("max-age=86400, public");
const AN_HOUR: HeaderValue = HeaderValue::from_static("max-age=3600");

/// What a path without a route of its own leads to: a page, one of the files below with something behind
/// another slash, or nothing.
pub async fn page_or_nothing(State(web): State<Arc<Web>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let path = parts.uri.path();
    if let Some(page) = site::find(path) {
        return site::answer(&web, page, &parts.method, &parts.headers).await;
    }
    match path.trim_start_matches('/').split_once('/').map(|(first, _)| first) {
        Some("map.json") => map(State(web), parts.method).await,
        Some("robots.txt") => robots().await,
        Some("favicon.ico") => favicon().await,
        Some("apple-touch-icon-precomposed.png") => touch_icon().await,
        _ => site::not_found(&web, &parts.method, path, &parts.headers).await,
    }
}

/// Where tiles are.
pub async fn map(State(web): State<Arc<Web>>, method: Method) -> Response {
    if !runs_view(&method) {
        return without_view(&method);
    }
    let document = json!({"tiles_url": site::tiles_address(&web.ctx.config)});
    let mut response = headers::json(StatusCode::OK, document.to_string());
    response.headers_mut().insert(CACHE_CONTROL, AN_HOUR);
    response.extensions_mut().insert(Noted("/map.json"));
    response
}

/// What crawlers should leave alone. A plain file: any method gets it.
pub async fn robots() -> Response {
    file(ROBOTS, "text/plain; charset=UTF-8", "/robots.txt")
}

/// The icon browsers ask for by themselves.
pub async fn favicon() -> Response {
    picture("images/favicon.ico", "image/vnd.microsoft.icon", "/favicon.ico")
}

/// The icon of a page on the first screen of a phone.
pub async fn touch_icon() -> Response {
    picture("images/apple-touch-icon.png", "image/png", "/apple-touch-icon-precomposed.png")
}

/// The operator's logo.
pub async fn logo(State(web): State<Arc<Web>>) -> Response {
    match &web.site.logo {
        Some(logo) => file(logo.bytes.clone(), logo.media_type, site::LOGO_PATH),
        None => not_found(),
    }
}

/// A picture of ours under a path of its own.
fn picture(name: &str, media_type: &'static str, path: &'static str) -> Response {
    assets::find(name).map_or_else(not_found, |found| file(found.plain, media_type, path))
}

fn file(bytes: impl Into<Body>, media_type: &'static str, path: &'static str) -> Response {
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, A_DAY);
    response.extensions_mut().insert(Noted(path));
    response
}
