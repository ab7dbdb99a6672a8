//! The headers that answers have in common.

use axum::body::Body;
use axum::response::Response;
use chrono::{NaiveDateTime, TimeDelta};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPIRES,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS, X_XSS_PROTECTION,
};
use http::{HeaderValue, StatusCode};
use httpdate::fmt_http_date;

/// What every answer of the application carries; pages besides what keeps them from being framed or scripted.
pub fn secure(response: &mut Response, policy: &HeaderValue) {
    let headers = response.headers_mut();
    let is_page =
        headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(X_XSS_PROTECTION, HeaderValue::from_static("1; mode=block"));
    }
    headers.insert(
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000; includeSubDomains"),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Lets pages of any origin use the API; browsers may remember that for 30 days.
pub fn allow_origin(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("2592000"));
}

/// What a preflight asks for. The original leaves these two out, so that pages could not send
/// JSON with its own content type.
pub fn allow_preflight(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("content-type, content-encoding"),
    );
}

/// A JSON answer.
pub fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An HTML answer.
pub fn html(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/html; charset=UTF-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Says to older caches, as a date, how long an answer may be kept. `now` is UTC.
pub fn expire(response: &mut Response, now: NaiveDateTime) {
    let headers = response.headers_mut();
    if headers.contains_key(EXPIRES) {
        return;
    }
    let Some(seconds) = headers.get(CACHE_CONTROL).and_then(max_age) else { return };
    let date = now.checked_add_signed(TimeDelta::seconds(seconds.into()));
    let date = date.map(|date| fmt_http_date(date.and_utc().into()));
    if let Some(date) = date.and_then(|date| HeaderValue::try_from(date).ok()) {
        headers.insert(EXPIRES, date);
    }
}

/// The seconds an answer may be kept.
fn max_age(cache_control: &HeaderValue) -> Option<u32> {
    let directives = cache_control.to_str().ok()?.split(',');
    directives.filter_map(|part| part.trim().strip_prefix("max-age=")).find_map(|s| s.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_have_the_headers_of_pages() {
        let policy = HeaderValue::from_static("default-src 'self';");
        for (mut response, expected) in [
            (html(StatusCode::NOT_FOUND, "<h1>404 Not Found</h1>"), true),
            (json(StatusCode::OK, "{}"), false),
        ] {
            secure(&mut response, &policy);
            let headers = response.headers();
            for name in [CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS, X_XSS_PROTECTION] {
                assert_eq!(headers.contains_key(&name), expected, "{name}");
            }
            assert!(headers.contains_key(X_CONTENT_TYPE_OPTIONS));
            assert!(headers.contains_key(STRICT_TRANSPORT_SECURITY));
        }
    }

    #[test]
    fn what_may_be_kept_says_until_when() {
        let now = "2026-01-31T23:30:00".parse().unwrap();
        for (cache_control, expected) in [
            (Some("max-age=3600"), Some("Sun, 01 Feb 2026 00:30:00 GMT")),
            (Some("public, max-age=60"), Some("Sat, 31 Jan 2026 23:31:00 GMT")),
            (Some("no-store"), None),
            (Some("max-age=-1"), None),
            (None, None),
        ] {
            let mut response = json(StatusCode::OK, "{}");
            if let Some(value) = cache_control {
                response.headers_mut().insert(CACHE_CONTROL, value.parse().unwrap());
            }
            expire(&mut response, now);
            let found = response.headers().get(EXPIRES).map(|it| it.to_str().unwrap());
            assert_eq!(found, expected, "{cache_control:?}");
        }
    }
}
