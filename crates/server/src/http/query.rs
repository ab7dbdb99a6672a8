//! Paths and query strings as the original reads them.

use std::borrow::Cow;
use std::collections::HashMap;

use axum::extract::Request;
use http::Uri;
use percent_encoding::percent_decode_str;

/// A path that no route has.
const NO_PATH: &str = "/%";

/// Replaces percent escapes in the path, so that `/v1/geolo%63ate` finds its route. `Err`: the
/// path is not UTF-8.
pub fn decode_path(request: &mut Request) -> Result<(), ()> {
    let uri = request.uri();
    if !uri.path().contains('%') {
        return Ok(());
    }
    let decoded = percent_decode_str(uri.path()).decode_utf8().map_err(|_| ())?;
    // What cannot stand in a path unescaped is in no route either.
    let path = if decoded.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#%".contains(&byte)) {
        decoded
    } else {
        Cow::Borrowed(NO_PATH)
    };
    let path_and_query = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.into_owned(),
    };
    *request.uri_mut() = path_and_query.parse().unwrap_or_else(|_| Uri::from_static(NO_PATH));
    Ok(())
}

/// The whole address that was asked. Certificates end at a proxy, so that it is `http` here.
#[must_use]
pub fn url(request: &http::request::Parts) -> String {
    let host = request.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri.host()).unwrap_or_default();
    let path = request.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    ["http://", host, path].concat()
}

/// The last `key` parameter of a query string. Both `&` and `;` separate parameters, `+` is a
/// blank, and when any part is not UTF-8 there is no key at all.
#[must_use]
pub fn key_parameter(query: &str) -> Option<String> {
    let mut key = None;
    for pair in query.split(['&', ';']) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if name == "key" {
            key = Some(value);
        }
    }
    key.filter(|key| !key.is_empty()).map(Cow::into_owned)
}

/// All parameters of a query string, of several with one name the last; parts that are not UTF-8 are
/// left out.
#[must_use]
pub fn parameters(query: &str) -> HashMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((decode(name)?.into_owned(), decode(value)?.into_owned()))
    });
    pairs.collect()
}

fn decode(part: &str) -> Option<Cow<'_, str>> {
    if !part.contains(['%', '+']) {
        return Some(part.into());
    }
    let blanks = part.replace('+', " ");
    Some(percent_decode_str(&blanks).decode_utf8().ok()?.into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_key_counts() {
        for (query, key) in [
            ("key=test", Some("test")),
            ("a=b&key=one&key=two", Some("two")),
            ("key=one;key=two", Some("two")),
            ("key=a+b%20c", Some("a b c")),
            ("Key=test", None),
            ("key=", None),
            ("key", None),
            ("", None),
            ("foo=%FF&key=test", None),
            ("key=%zz", Some("%zz")),
        ] {
            assert_eq!(key_parameter(query).as_deref(), key, "{query}");
        }
    }

    fn path_of(uri: &str) -> Result<String, ()> {
        let mut request = Request::new(axum::body::Body::empty());
        *request.uri_mut() = uri.parse().unwrap();
        decode_path(&mut request).map(|()| request.uri().to_string())
    }

    #[test]
    fn escapes_in_a_path_are_decoded() {
        assert_eq!(path_of("/v1/geolo%63ate?key=a%20b"), Ok("/v1/geolocate?key=a%20b".to_owned()));
        assert_eq!(path_of("/v1/%3F"), Ok("/%".to_owned()));
        assert_eq!(path_of("/v1/%3Cscript%3E"), Ok("/%".to_owned()));
        assert_eq!(path_of("/v1/%ff"), Err(()));
    }
}
