//! Files of a folder as answers.

use std::path::Path;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::{headers, not_found};
use crate::logging::warn_seldom;

/// The longest path of a file.
const MAX_PATH: usize = 256;

/// How a file is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub media_type: &'static str,
    /// How long caches may keep it.
    pub keep: &'static str,
}

/// Whether a path may lead to a public file. Names are of plain letters only, so that a file that is
/// still being written, a hidden one or one of another folder has none.
pub(super) fn is_plain(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    let is_name =
        |name: &str| !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_plain);
    path.len() <= MAX_PATH && path.split('/').all(is_name)
}

/// Answers with a file: conditional requests, ranges, `HEAD` and streaming.
pub(super) async fn serve(file: &Path, kind: Kind, request: Request) -> Response {
    match tokio::fs::metadata(file).await {
        Ok(found) if found.is_file() => {}
        _ => return not_found(),
    }
    let Ok(media_type) = kind.media_type.parse() else { return not_found() };
    let mut response = match ServeFile::new_with_mime(file, &media_type).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(infallible) => match infallible {},
    };
    let status = response.status();
    if status.is_server_error() {
        let file = Path::new(file.file_name().unwrap_or_default());
        warn_seldom!("a public file cannot be read: {}", file.display());
        return headers::html(StatusCode::SERVICE_UNAVAILABLE, "<h1>503 Service Unavailable</h1>");
    }
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(kind.keep));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_lead_to_a_file() {
        for path in ["a", "export/2025/a-b_c.csv.gz", "tiles/0/0/0@2x.png"] {
            assert!(is_plain(path), "{path}");
        }
        let long = "a".repeat(MAX_PATH + 1);
        for path in [
            "", "/", "a/", "/a", "a//b", "a/../b", "./a", ".a", "a/.b", "a#1", "a%2e", "a\\b",
            "a\0", &long,
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
