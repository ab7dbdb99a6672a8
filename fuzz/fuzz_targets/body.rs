//! Bodies with any compression and character set end as text of a bounded size, or as an error.
#![no_main]

use axum::body::Body;
use futures_util::FutureExt as _;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use ichnaea_server::http::body::Room;
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 100_000;
/// A byte of any single-byte character set becomes at most three of UTF-8.
const MAX_GROWTH: usize = 3;

fuzz_target!(|input: (bool, Option<&[u8]>, &[u8])| {
    let (is_gzip, content_type, bytes) = input;
    let mut headers = HeaderMap::new();
    if is_gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Some(value) = content_type.and_then(|value| HeaderValue::from_bytes(value).ok()) {
        headers.insert(CONTENT_TYPE, value);
    }
    let body = Body::from(bytes.to_vec());
    let room = Room::new(3 * LIMIT, LIMIT);
    let read = room.read(body).now_or_never().expect("nothing to wait for");
    match read.and_then(|(bytes, mut held)| room.text(&headers, bytes, &mut held)) {
        Ok(text) => assert!(text.len() <= LIMIT * MAX_GROWTH, "{} bytes", text.len()),
        Err(error) => assert!(error.status().is_client_error()),
    }
});
