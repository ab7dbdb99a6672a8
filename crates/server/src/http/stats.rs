//! The data of the charts on the page about statistics.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use ichnaea_domain::station::Kind;
use serde_json::json;

use super::failure::caught;
use super::{Web, headers, runs_view, without_view};
use crate::breaker::with_patience;
use crate::stats;

/// How long browsers and proxies may keep a chart.
const MAX_AGE: HeaderValue = HeaderValue::from_static("max-age=3600");

/// Seconds after which it makes sense to ask again.
const LATER: HeaderValue = HeaderValue::from_static("60");

/// The chart of the stations of a kind.
pub async fn chart(kind: Kind, State(web): State<Arc<Web>>, request: Request) -> Response {
    if !runs_view(request.method()) {
        return without_view(request.method());
    }
    let patience = web.ctx.config.backend_timeout;
    let Ok(Ok(points)) = with_patience(patience, caught(stats::chart(&web.ctx, kind))).await else {
        let nothing = json!({"series": []}).to_string();
        let mut response = headers::json(StatusCode::SERVICE_UNAVAILABLE, nothing);
        response.headers_mut().insert(RETRY_AFTER, LATER);
        return response;
    };
    let chart = json!({"series": [{"title": title(kind), "data": points}]});
    let mut response = headers::json(StatusCode::OK, chart.to_string());
    response.headers_mut().insert(CACHE_CONTROL, MAX_AGE);
    response
}

/// The title of a chart.
const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Blue => "MLS Bluetooth",
        Kind::Cell => "MLS Cells",
        Kind::Wifi => "MLS WiFi",
    }
}
