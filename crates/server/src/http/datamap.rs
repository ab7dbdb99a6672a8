//! Tiles of the data map out of a folder. Those in a bucket have an address of their own.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, StatusCode};

use super::files::{self, Kind};
use super::{Web, method_not_allowed, not_found};
use crate::datamap::PATH;

/// How long caches may keep tiles and the date of the map.
const KEEP: &str = "max-age=3600, public";

/// How our own map asks: most of the world has no tiles, and browsers report each 404 as an error.
const QUIETLY: &str = "missing=204";

/// A tile, or the date of the map.
pub async fn file(State(web): State<Arc<Web>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed();
    }
    let is_quiet = request.uri().query() == Some(QUIETLY);
    let response = found(&web, request).await;
    if is_quiet && response.status() == StatusCode::NOT_FOUND { nothing() } else { response }
}

async fn found(web: &Web, request: Request) -> Response {
    let Some(path) = request.uri().path().strip_prefix(PATH) else { return not_found() };
    let Some(kind) = kind(path) else { return not_found() };
    files::serve(&web.ctx.config.map_dir.join(path), kind, request).await
}

/// There is none yet. Kept as long as a tile that is there: they come together.
fn nothing() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(KEEP));
    response
}

/// How the file at a path below the folder is served; `None` for what is not public.
fn kind(path: &str) -> Option<Kind> {
    let below = path.strip_prefix("tiles/")?;
    if !files::is_plain(below) {
        return None;
    }
    let media_type = match below.rsplit_once('.') {
        Some(("data", "json")) => "application/json",
        Some((_, "png")) => "image/png",
        _ => return None,
    };
    Some(Kind { media_type, keep: KEEP })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tiles_and_the_date_of_the_map_are_public() {
        let media_type = |path| kind(path).map(|kind| kind.media_type);
        for path in ["tiles/0/0/0.png", "tiles/0/0/0@2x.png", "tiles/11/2047/2047.png"] {
            assert_eq!(media_type(path), Some("image/png"), "{path}");
        }
        assert_eq!(media_type("tiles/data.json"), Some("application/json"));
        for path in [
            "",
            "tiles",
            "tiles/",
            "tiles/0/0/0.png.part",
            "tiles/0/0/.0.png",
            "tiles/0/0/../0.png",
            "tiles/0/data.json",
            "csv/map_ne.csv",
            ".work/tiles/0/0/0.png",
            "tiles//0.png",
        ] {
            assert_eq!(media_type(path), None, "{path}");
        }
    }
}
