//! Public files out of a folder. Those in a bucket have an address of their own.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::LOCATION;
use http::{HeaderValue, Method, StatusCode};

use super::files::{self, Kind};
use super::{Web, headers, method_not_allowed, not_found};
use crate::cell_export::PREFIX;
use crate::downloads::PATH;
use crate::objects::Place;

/// A file, or where it is.
pub async fn file(State(web): State<Arc<Web>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed();
    }
    let key = request.uri().path().strip_prefix(PATH).and_then(key);
    let (Some(key), Some(uri)) = (key, &web.ctx.config.asset_bucket) else { return not_found() };
    match (Place::parse(uri), &web.ctx.config.asset_url) {
        (Ok(Place::Folder(folder)), _) => {
            let file = folder.join(&key);
            let mut response = files::serve(&file, kind(&file), request).await;
            headers::allow_origin(&mut response);
            response
        }
        (Ok(Place::Bucket { .. }), Some(base)) => redirect(&format!("{base}{key}")),
        (Ok(Place::Bucket { .. }), None) | (Err(_), _) => not_found(),
    }
}

/// The key of the file at a path; `None` for what is not public.
fn key(path: &str) -> Option<String> {
    let path = if path == "index.json" { "export/index.json" } else { path };
    let below = path.strip_prefix(PREFIX)?.strip_prefix('/')?;
    files::is_plain(below).then(|| path.to_owned())
}

fn kind(file: &Path) -> Kind {
    let (media_type, keep) = match file.extension().and_then(|end| end.to_str()) {
        Some("gz") => ("application/gzip", "max-age=3600, public"),
        Some("json") => ("application/json", "max-age=60, public"),
        Some("sha256") => ("text/plain; charset=utf-8", "max-age=3600, public"),
        _ => ("application/octet-stream", "max-age=3600, public"),
    };
    Kind { media_type, keep }
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
        let long = format!("export/{}", "a".repeat(257));
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
