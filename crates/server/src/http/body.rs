//! From the bytes of a request to its JSON text, with a bound on everything.

use std::io::Read;

use axum::body::Body;
use bytes::Bytes;
use encoding_rs::Encoding;
use flate2::bufread::GzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::api::ApiError;

/// Reads, unpacks and decodes a body; at most `limit` bytes, as sent and unpacked.
pub async fn text(headers: &HeaderMap, body: Body, limit: usize) -> Result<String, ApiError> {
    let bytes = match Limited::new(body, limit).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(ApiError::TooLarge),
        Err(error) => return Err(ApiError::Undecodable(format!("incomplete body: {error}"))),
    };
    // Only this exact spelling is unpacked; everything else is taken as it is.
    let is_gzip = headers.get(CONTENT_ENCODING).is_some_and(|value| value == "gzip");
    let bytes = if is_gzip && !bytes.is_empty() { gunzip(&bytes, limit)? } else { bytes };
    decode(bytes, charset(headers).as_deref())
}

/// All members of a gzip file; zero bytes may pad each of them.
fn gunzip(bytes: &Bytes, limit: usize) -> Result<Bytes, ApiError> {
    let mut unpacked = Vec::new();
    let mut rest = bytes.as_ref();
    while !rest.is_empty() {
        let mut member = GzDecoder::new(rest);
        let room = (limit - unpacked.len()) as u64 + 1;
        Read::by_ref(&mut member)
            .take(room)
            .read_to_end(&mut unpacked)
            .map_err(|error| ApiError::Undecodable(gzip_error(rest, &error)))?;
        if unpacked.len() > limit {
            return Err(ApiError::TooLarge);
        }
        rest = member.into_inner();
        rest = &rest[rest.iter().take_while(|byte| **byte == 0).count()..];
    }
    Ok(unpacked.into())
}

/// The error as clients know it from the original.
fn gzip_error(bytes: &[u8], error: &std::io::Error) -> String {
    let inner = if !bytes.starts_with(&[0x1f, 0x8b]) {
        let start: String =
            bytes.iter().take(2).map(|byte| byte.escape_ascii().to_string()).collect();
        format!("BadGzipFile(\"Not a gzipped file (b'{start}')\")")
    } else if error.kind() == std::io::ErrorKind::UnexpectedEof {
        "EOFError('Compressed file ended before the end-of-stream marker was reached')".to_owned()
    } else {
        "BadGzipFile('CRC check failed')".to_owned()
    };
    if inner.contains('"') {
        format!("GZIPDecodeError('{}')", inner.replace('\'', "\\'"))
    } else {
        format!("GZIPDecodeError(\"{inner}\")")
    }
}

/// The `charset` parameter of the content type, lower-case.
fn charset(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
    })
}

fn decode(bytes: Bytes, charset: Option<&str>) -> Result<String, ApiError> {
    let label = charset.unwrap_or("utf-8");
    // Clients write `latin-1` and `utf_8` where the list of labels has `latin1` and `utf8`.
    let plain = label.replace(['-', '_'], "");
    let known = |label: &str| Encoding::for_label(label.as_bytes());
    match known(label).or_else(|| known(&plain)) {
        Some(encoding) if encoding == encoding_rs::UTF_8 => String::from_utf8(bytes.into())
            .map_err(|error| ApiError::Undecodable(utf8_error(&error))),
        Some(encoding) => encoding
            .decode_without_bom_handling_and_without_replacement(&bytes)
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| ApiError::Undecodable(format!("'{label}' codec can't decode the body"))),
        None => Err(ApiError::Undecodable(format!("unknown encoding: {label}"))),
    }
}

/// The error as clients know it from the original.
fn utf8_error(error: &std::string::FromUtf8Error) -> String {
    let at = error.utf8_error().valid_up_to();
    let byte = error.as_bytes().get(at).copied().unwrap_or_default();
    let reason = match error.utf8_error().error_len() {
        None => "unexpected end of data",
        Some(_) if matches!(byte, 0xc2..=0xf4) => "invalid continuation byte",
        Some(_) => "invalid start byte",
    };
    format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {reason}")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    async fn read(body: Vec<u8>, header: Option<(&'static str, &str)>) -> Result<String, ApiError> {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        text(&headers, Body::from(body), 1000).await
    }

    const GZIP: Option<(&str, &str)> = Some(("content-encoding", "gzip"));

    #[tokio::test]
    async fn gzip_bodies_are_unpacked() {
        assert_eq!(read(gzip(b"{}"), GZIP).await.unwrap(), "{}");
        assert_eq!(read(Vec::new(), GZIP).await.unwrap(), "");
        assert_eq!(read(gzip(b""), GZIP).await.unwrap(), "");
        let two = [gzip(b"[1,"), gzip(b"2]")].concat();
        assert_eq!(read(two, GZIP).await.unwrap(), "[1,2]");
        let padded = [gzip(b"{}"), vec![0; 100]].concat();
        assert_eq!(read(padded, GZIP).await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn a_bomb_is_refused() {
        let bomb = gzip(&vec![b' '; 1_000_000]);
        assert!(bomb.len() < 2000);
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())]);
        let result = text(&headers, Body::from(bomb), 10_000).await;
        assert!(matches!(result, Err(ApiError::TooLarge)));
        assert!(matches!(read(vec![b' '; 1001], None).await, Err(ApiError::TooLarge)));
        assert!(read(vec![b' '; 1000], None).await.is_ok());
    }

    #[tokio::test]
    async fn broken_gzip_says_what_is_wrong() {
        let mut wrong_checksum = gzip(b"{\"a\": 1}");
        let at = wrong_checksum.len() - 6;
        wrong_checksum[at] ^= 1;
        let mut cut = gzip(b"{\"a\": 1}");
        cut.truncate(12);
        for (body, expected) in [
            (b"{}".to_vec(), r#"GZIPDecodeError('BadGzipFile("Not a gzipped file (b\'{}\')")')"#),
            (
                cut,
                "GZIPDecodeError(\"EOFError('Compressed file ended before the end-of-stream \
                 marker was reached')\")",
            ),
            (wrong_checksum, "GZIPDecodeError(\"BadGzipFile('CRC check failed')\")"),
        ] {
            match read(body, GZIP).await {
                Err(ApiError::Undecodable(text)) => assert_eq!(text, expected),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn character_sets_are_honoured() {
        for (body, charset, expected) in [
            (b"\xe9".to_vec(), "latin-1", Some("é")),
            (b"\xe9".to_vec(), "ISO-8859-1", Some("é")),
            (b"\x61\x00".to_vec(), "utf-16", Some("a")),
            ("é".as_bytes().to_vec(), "\"UTF-8\"", Some("é")),
            (b"a".to_vec(), "rot13", None),
        ] {
            let content_type = format!("application/json; charset={charset}");
            let result = read(body, Some(("content-type", &content_type))).await;
            assert_eq!(result.ok().as_deref(), expected, "{charset}");
        }
        match read(b"{\"carrier\": \"\xe9\"}".to_vec(), None).await {
            Err(ApiError::Undecodable(text)) => assert_eq!(
                text,
                "'utf-8' codec can't decode byte 0xe9 in position 13: invalid continuation byte"
            ),
            other => panic!("{other:?}"),
        }
    }
}
