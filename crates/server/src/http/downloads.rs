//! Public files out of a folder. Those in a bucket have an address of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::{Web, headers, method_not_allowed, not_found};
use crate::cell_export::PREFIX;
use crate::downloads::PATH;
use crate::logging::warn_seldom;
use crate::objects::Place;

/// The longest path of a file.
const MAX_PATH: usize = 256;

/// A file, or where it is.
pub async fn file(State(web): State<Arc<Web>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed();
    }
    let key = request.uri().path().strip_prefix(PATH).and_then(key);
    let (Some(key), Some(uri)) = (key, &web.ctx.config.asset_bucket) else { return not_found() };
    match (Place::parse(uri), &web.ctx.config.asset_url) {
        (Ok(Place::Folder(folder)), _) => serve(&folder.join(&key), request).await,
        (Ok(Place::Bucket { .. }), Some(base)) => redirect(&format!("{base}{key}")),
        (Ok(Place::Bucket { .. }), None) | (Err(_), _) => not_found(),
    }
}

/// The key of the file at a path; `None` for what is not public. Names are of plain letters only,
/// so that a file that is still being written, a hidden one or one of another folder has none.
fn key(path: &str) -> Option<String> {
    let path = if path == "index.json" { "export/index.json" } else { path };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name =
        |name: &str| !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_plain);
    let below = path.strip_prefix(PREFIX)?.strip_prefix('/')?;
    (path.len() <= MAX_PATH && below.split('/').all(is_name)).then(|| path.to_owned())
}

async fn serve(file: &Path, request: Request) -> Response {
    match tokio::fs::metadata(file).await {
        Ok(found) if found.is_file() => {}
        _ => return not_found(),
    }
    let (media_type, keep) = kind(file);
    let Ok(media_type) = media_type.parse() else { return not_found() };
    // Conditional requests, ranges, HEAD and streaming.
    let response = match ServeFile::new_with_mime(file, &media_type).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(infallible) => match infallible {},
    };
    let status = response.status();
    if status.is_server_error() {
        let file = PathBuf::from(file.file_name().unwrap_or_default());
        warn_seldom!("a public file cannot be read: {}", file.display());
        return headers::html(StatusCode::SERVICE_UNAVAILABLE, "<h1>503 Service Unavailable</h1>");
    }
    let mut response = response;
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    }
    headers::allow_origin(&mut response);
    response
}

/// Media type, and how long caches may keep it.
fn kind(file: &Path) -> (&'static str, &'static str) {
    match file.extension().and_then(|end| end.to_str()) {
        Some("gz") => ("application/gzip", "max-age=3600, public"),
        Some("json") => ("application/json", "max-age=60, public"),
        Some("sha256") => ("text/plain; charset=utf-8", "max-age=3600, public"),
        _ => ("application/octet-stream", "max-age=3600, public"),
    }
}

fn redirect(to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else { return not_found() };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, location);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_files_have_a_key() {
        for path in [
            "export/MLS-full-cell-export-2026-07-01T000000.csv.gz",
            "export/MLS-full-cell-export-2026-07-01T000000.csv.gz.sha256",
            "export/index.json",
            "export/2025/MLS-full-cell-export-2025-07-01T000000.csv.gz",
        ] {
            assert_eq!(key(path).as_deref(), Some(path));
        }
        assert_eq!(key("index.json").as_deref(), Some("export/index.json"));
        let long = format!("export/{}", "a".repeat(MAX_PATH));
        for path in [
            "",
            "/",
            "export",
            "export/",
            "export//a",
            "export/../secret_key",
            "../secret_key",
            "export/./a",
            "export/.hidden",
            "export/a#1",
            "export/a%2e",
            "export/a\\b",
            "export/a\0",
            "exports/a",
            "tiles/0/0/0.png",
            "/etc/passwd",
            "MLS-full-cell-export-2026-07-01T000000.csv.gz",
            long.as_str(),
        ] {
            assert_eq!(key(path), None, "{path}");
        }
    }
}
