//! `/openapi.json`: the description of the API.

use axum::extract::Request;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, StatusCode};

use super::{headers, method_not_allowed};
use crate::openapi;

/// How long it may be kept.
const MAX_AGE: HeaderValue = HeaderValue::from_static("max-age=3600, public");

/// The document. Tools on pages of any origin may read it.
pub async fn openapi(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed();
    }
    let mut response = headers::json(StatusCode::OK, openapi::json());
    response.headers_mut().insert(CACHE_CONTROL, MAX_AGE);
    headers::allow_origin(&mut response);
    response
}
