//! Pages packed for browsers that can unpack them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// The page packed with gzip; `None` when it is not asked for.
#[must_use]
pub fn gzip(headers: &HeaderMap, page: &[u8]) -> Option<Vec<u8>> {
    if !asks_for_gzip(headers) {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(page.len() / 3), Compression::new(5));
    encoder.write_all(page).ok()?;
    encoder.finish().ok()
}

fn asks_for_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|it| it.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().trim_start_matches("q=").parse().unwrap_or(0.0);
        name.trim().eq_ignore_ascii_case("gzip") && weight > 0.0
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn pages_are_packed_only_for_those_who_ask() {
        let page = "<p>page</p>".repeat(100);
        for (asked, expected) in [
            (Some("gzip"), true),
            (Some("br, deflate, GZIP;q=0.5"), true),
            (Some("gzip;q=0"), false),
            (Some("br"), false),
            (Some("*"), false),
            (Some("gzip;q=much"), false),
            (None, false),
        ] {
            let value = asked.map(|asked| (ACCEPT_ENCODING, asked.parse().unwrap()));
            let packed = gzip(&HeaderMap::from_iter(value), page.as_bytes());
            assert_eq!(packed.is_some(), expected, "{asked:?}");
            if let Some(packed) = packed {
                let mut unpacked = String::new();
                flate2::read::GzDecoder::new(&*packed).read_to_string(&mut unpacked).unwrap();
                assert_eq!(unpacked, page);
                assert!(packed.len() < page.len());
            }
        }
    }
}
