//! The files below `/static/`, out of the binary.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, EXPIRES, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED, LOCATION, RANGE, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::{Web, method_not_allowed, not_found};
use crate::assets::{self, File};

/// Where the files are.
const PATH: &str = "/static/";
/// Files with a digest in their name, which our own scripts ask for.
const PINNED: &str = "pinned/";
/// Seconds that caches may keep a file under its plain address, as in the original.
const KEEP: u64 = 86_400;
/// Seconds that they may keep one under an address that changes with the content: a year.
const KEEP_FOREVER: u64 = 31_536_000;

/// A file, or a part of it, or that it has not changed.
pub async fn file(State(web): State<Arc<Web>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed();
    }
    let path = request.uri().path();
    let path = path.strip_prefix(PATH).unwrap_or_default();
    match assets::find(path) {
        Some(file) => {
            let now = SystemTime::from(web.ctx.clock.now().and_utc());
            answer(file, request.uri().query(), request.headers(), request.method(), now)
        }
        None if assets::is_folder(path) => folder(request.uri().path()),
        None => not_found(),
    }
}

/// `/static` without its slash.
pub async fn top(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed();
    }
    folder("/static")
}

/// A folder has a slash at its end, and nothing there. Without host, so that the scheme stays what
/// it is in front of a proxy.
fn folder(path: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(&format!("{path}/")) else { return not_found() };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    response.headers_mut().insert(LOCATION, location);
    response
}

fn answer(
    file: &'static File,
    query: Option<&str>,
    asked: &HeaderMap,
    method: &Method,
    now: SystemTime,
) -> Response {
    let part = part(file, asked);
    // A part is always one of the file itself.
    let (bytes, encoding) = match part {
        Part::All => packed(file, asked),
        Part::Some { .. } | Part::Outside => (file.plain, None),
    };
    let tag = match encoding {
        Some(encoding) => format!("\"{}-{encoding}\"", file.digest),
        None => format!("\"{}\"", file.digest),
    };
    let is_same = is_same(file, asked);
    let (status, bytes) = match part {
        _ if is_same => (StatusCode::NOT_MODIFIED, &[][..]),
        Part::All => (StatusCode::OK, bytes),
        Part::Some { first, last } => (StatusCode::PARTIAL_CONTENT, &bytes[first..=last]),
        Part::Outside => (StatusCode::RANGE_NOT_SATISFIABLE, &[][..]),
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    let names_content = query.and_then(|query| query.strip_prefix("v=")) == Some(file.digest)
        || file.path.starts_with(PINNED);
    let (keep, more) = if names_content { (KEEP_FOREVER, ", immutable") } else { (KEEP, "") };
    set(CACHE_CONTROL, &format!("max-age={keep}{more}"));
    set(EXPIRES, &httpdate::fmt_http_date(now + Duration::from_secs(keep)));
    set(LAST_MODIFIED, &httpdate::fmt_http_date(modified()));
    set(ETAG, &tag);
    if file.brotli.is_some() || file.gzip.is_some() {
        set(VARY, "Accept-Encoding");
    }
    if is_same {
        return response;
    }
    set(ACCEPT_RANGES, "bytes");
    set(CONTENT_TYPE, media_type(file.path));
    if let Some(encoding) = encoding {
        set(CONTENT_ENCODING, encoding);
    }
    match part {
        Part::All => {}
        Part::Some { first, last } => {
            set(CONTENT_RANGE, &format!("bytes {first}-{last}/{}", file.plain.len()));
        }
        Part::Outside => set(CONTENT_RANGE, &format!("bytes */{}", file.plain.len())),
    }
    set(CONTENT_LENGTH, &bytes.len().to_string());
    if *method != Method::HEAD {
        *response.body_mut() = Body::from(Bytes::from_static(bytes));
    }
    response
}

fn modified() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(assets::built())
}

/// What of a file is asked for.
#[derive(Clone, Copy)]
enum Part {
    All,
    /// From a byte to a byte, both of which the file has.
    Some {
        first: usize,
        last: usize,
    },
    Outside,
}

/// One range of bytes; several of them, other units and what cannot be read ask for all of it.
fn part(file: &File, asked: &HeaderMap) -> Part {
    let Some(range) = text(asked, &RANGE) else { return Part::All };
    // Only of the file that the client has the beginning of.
    if let Some(known) = text(asked, &IF_RANGE)
        && known != format!("\"{}\"", file.digest)
        && httpdate::parse_http_date(known).ok() != Some(modified())
    {
        return Part::All;
    }
    let Ok(ranges) = http_range_header::parse_range_header(range) else { return Part::All };
    if ranges.ranges.len() != 1 {
        return Part::All;
    }
    let Ok(valid) = ranges.validate(file.plain.len() as u64) else { return Part::Outside };
    let [range] = &valid[..] else { return Part::All };
    match (usize::try_from(*range.start()), usize::try_from(*range.end())) {
        (Ok(first), Ok(last)) => Part::Some { first, last },
        _ => Part::Outside,
    }
}

/// Whether the client has this content. A tag says more than a time.
fn is_same(file: &File, asked: &HeaderMap) -> bool {
    if let Some(known) = text(asked, &IF_NONE_MATCH) {
        let is_ours = |tag: &str| {
            let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
            tag == "*" || tag.split('-').next() == Some(file.digest)
        };
        return known.split(',').any(is_ours);
    }
    text(asked, &IF_MODIFIED_SINCE)
        .and_then(|since| httpdate::parse_http_date(since).ok())
        .is_some_and(|since| since >= modified())
}

/// The form of a file that the client takes and that is the smallest.
fn packed(file: &File, asked: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let taken = text(asked, &ACCEPT_ENCODING).unwrap_or_default();
    match (file.brotli, file.gzip) {
        (Some(brotli), _) if takes(taken, "br") => (brotli, Some("br")),
        (_, Some(gzip)) if takes(taken, "gzip") => (gzip, Some("gzip")),
        _ => (file.plain, None),
    }
}

/// Whether a list such as `gzip, br;q=0` has this encoding in it and does not rule it out.
fn takes(list: &str, encoding: &str) -> bool {
    list.split(',').any(|entry| {
        let (name, rest) = entry.split_once(';').unwrap_or((entry, ""));
        let quality = rest.trim().strip_prefix("q=").map(str::trim);
        let is_refused = quality.and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0);
        name.trim().eq_ignore_ascii_case(encoding) && !is_refused
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// By the end of the name, as the original has it.
fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, end)| end) {
        "css" => "text/css; charset=UTF-8",
        "js" => "text/javascript; charset=UTF-8",
        "svg" => "image/svg+xml; charset=UTF-8",
        "json" => "application/json",
        "txt" => "text/plain; charset=UTF-8",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    static FILE: File = File {
        path: "js/some.js",
        digest: "0123456789abcdef",
        plain: b"0123456789",
        brotli: Some(b"br"),
        gzip: Some(b"gzip"),
    };

    fn ask(query: Option<&str>, method: &Method, headers: &[(HeaderName, &str)]) -> Response {
        let asked = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        answer(&FILE, query, &asked.collect(), method, UNIX_EPOCH)
    }

    fn get(headers: &[(HeaderName, &str)]) -> Response {
        ask(None, &Method::GET, headers)
    }

    fn header(response: &Response, name: HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn body(response: Response) -> Bytes {
        response.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn a_file_says_what_it_is_and_how_long_it_may_be_kept() {
        let response = get(&[]);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, CONTENT_TYPE), "text/javascript; charset=UTF-8");
        assert_eq!(header(&response, CACHE_CONTROL), "max-age=86400");
        assert_eq!(header(&response, EXPIRES), "Fri, 02 Jan 1970 00:00:00 GMT");
        assert_eq!(header(&response, LAST_MODIFIED), httpdate::fmt_http_date(modified()));
        assert_eq!(header(&response, VARY), "Accept-Encoding");
        assert_eq!(header(&response, CONTENT_LENGTH), "10");
        assert_eq!(header(&response, CONTENT_ENCODING), "");
        assert_eq!(body(response).await, "0123456789");
    }

    #[test]
    fn only_an_address_that_names_the_content_is_kept_for_long() {
        let forever = "max-age=31536000, immutable";
        for (query, keep) in [
            (Some("v=0123456789abcdef"), forever),
            (Some("v=0123456789abcdee"), "max-age=86400"),
            (Some("v="), "max-age=86400"),
            (None, "max-age=86400"),
        ] {
            assert_eq!(header(&ask(query, &Method::GET, &[]), CACHE_CONTROL), keep, "{query:?}");
        }
        let worker = File { path: "pinned/worker-01234567.js", ..FILE };
        let worker = Box::leak(Box::new(worker));
        let response = answer(worker, None, &HeaderMap::new(), &Method::GET, UNIX_EPOCH);
        assert_eq!(header(&response, CACHE_CONTROL), forever);
    }

    #[tokio::test]
    async fn a_client_gets_the_smallest_form_that_it_takes() {
        for (taken, encoding, bytes) in [
            ("gzip, deflate, br, zstd", "br", "br"),
            ("gzip;q=1.0, BR;q=0.5", "br", "br"),
            ("br;q=0, gzip", "gzip", "gzip"),
            ("gzip;q=0.0", "", "0123456789"),
            ("identity", "", "0123456789"),
            ("", "", "0123456789"),
            ("brotli", "", "0123456789"),
        ] {
            let response = get(&[(ACCEPT_ENCODING, taken)]);
            assert_eq!(header(&response, CONTENT_ENCODING), encoding, "{taken}");
            assert_eq!(body(response).await, bytes, "{taken}");
        }
    }

    #[tokio::test]
    async fn what_a_client_has_is_not_sent_again() {
        let built = httpdate::fmt_http_date(modified());
        let before = httpdate::fmt_http_date(modified() - Duration::from_secs(1));
        let same = StatusCode::NOT_MODIFIED;
        for (known, status) in [
            (vec![(IF_MODIFIED_SINCE, &built[..])], same),
            (vec![(IF_MODIFIED_SINCE, &before[..])], StatusCode::OK),
            (vec![(IF_MODIFIED_SINCE, "yesterday")], StatusCode::OK),
            (vec![(IF_NONE_MATCH, "\"0123456789abcdef\"")], same),
            (vec![(IF_NONE_MATCH, "\"x\", W/\"0123456789abcdef-br\"")], same),
            (vec![(IF_NONE_MATCH, "*")], same),
            // The tag counts where both are there.
            (vec![(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, &built[..])], StatusCode::OK),
        ] {
            let response = get(&known);
            assert_eq!(response.status(), status, "{known:?}");
            assert_eq!(body(response).await.is_empty(), status == same, "{known:?}");
        }
    }

    #[tokio::test]
    async fn one_range_is_a_part_of_the_file_itself() {
        let etag = "\"0123456789abcdef\"";
        for (asked, status, range, bytes) in [
            (vec![(RANGE, "bytes=2-4")], 206, "bytes 2-4/10", "234"),
            (vec![(RANGE, "bytes=-3")], 206, "bytes 7-9/10", "789"),
            (vec![(RANGE, "bytes=8-")], 206, "bytes 8-9/10", "89"),
            (vec![(RANGE, "bytes=10-")], 416, "bytes */10", ""),
            (vec![(RANGE, "bytes=0-1,3-4")], 200, "", "0123456789"),
            (vec![(RANGE, "lines=1-2")], 200, "", "0123456789"),
            (vec![(RANGE, "bytes=2-4"), (IF_RANGE, etag)], 206, "bytes 2-4/10", "234"),
            (vec![(RANGE, "bytes=2-4"), (IF_RANGE, "\"x\"")], 200, "", "0123456789"),
            (vec![(RANGE, "bytes=2-4"), (ACCEPT_ENCODING, "br")], 206, "bytes 2-4/10", "234"),
        ] {
            let response = get(&asked);
            assert_eq!(response.status(), status, "{asked:?}");
            assert_eq!(header(&response, CONTENT_RANGE), range, "{asked:?}");
            assert_eq!(body(response).await, bytes, "{asked:?}");
        }
    }

    #[tokio::test]
    async fn head_has_the_headers_alone() {
        let response = ask(None, &Method::HEAD, &[]);
        assert_eq!(header(&response, CONTENT_LENGTH), "10");
        assert!(body(response).await.is_empty());
    }

    #[test]
    fn a_folder_is_sent_to_the_address_with_its_slash() {
        let response = folder("/static/js");
        assert_eq!(response.status(), StatusCode::MOVED_PERMANENTLY);
        assert_eq!(header(&response, LOCATION), "/static/js/");
    }
}
