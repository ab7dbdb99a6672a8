//! From the bytes of a request to its JSON text, with a bound on everything.

use std::io::Read;
use std::sync::Arc;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use encoding_rs::Encoding;
use flate2::bufread::GzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::ApiError;
use crate::logging::warn_seldom;

/// Members of a gzip file that are unpacked. Every one costs time however little is in it, and nobody
/// needs many.
const MAX_MEMBERS: usize = 1000;

/// Room in memory for the bodies of all requests together.
#[derive(Debug)]
pub struct Room {
    bytes: Arc<Semaphore>,
    max_body: usize,
}

/// The room that a body takes, free again when this is dropped.
#[derive(Debug, Default)]
pub struct Held(Option<OwnedSemaphorePermit>);

impl Room {
    /// Room for so many bytes, of which one body takes at most `max_body`, as sent and unpacked.
    #[must_use]
    pub fn new(bytes: usize, max_body: usize) -> Self {
        Self { bytes: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))), max_body }
    }

    /// Reads a body. Nobody waits for room: those who have some would wait for each other.
    pub async fn read(&self, body: Body) -> Result<(Bytes, Held), ApiError> {
        let mut held = Held::default();
        let mut bytes = Bytes::new();
        let mut joined = BytesMut::new();
        let mut body = Limited::new(body, self.max_body);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    return ApiError::TooLarge;
                }
                ApiError::Undecodable(format!("incomplete body: {error}"))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            self.take(&mut held, data.len())?;
            // Most bodies come in one piece.
            if bytes.is_empty() && joined.is_empty() {
                bytes = data;
            } else {
                joined.extend_from_slice(&std::mem::take(&mut bytes));
                joined.extend_from_slice(&data);
            }
        }
        if !joined.is_empty() {
            bytes = joined.freeze();
        }
        Ok((bytes, held))
    }

    /// Unpacks and decodes what was read; `held` is the room that it has.
    pub fn text(
        &self,
        headers: &HeaderMap,
        mut bytes: Bytes,
        held: &mut Held,
    ) -> Result<String, ApiError> {
        // Only this exact spelling is unpacked; everything else is taken as it is.
        let is_gzip = headers.get(CONTENT_ENCODING).is_some_and(|value| value == "gzip");
        if is_gzip && !bytes.is_empty() {
            bytes = gunzip(&bytes, self.max_body)?;
            self.take(held, bytes.len())?;
        }
        decode(bytes, charset(headers).as_deref())
    }

    fn take(&self, held: &mut Held, bytes: usize) -> Result<(), ApiError> {
        let permits = u32::try_from(bytes).map_err(|_| ApiError::TooLarge)?;
        let Ok(taken) = Arc::clone(&self.bytes).try_acquire_many_owned(permits) else {
            warn_seldom!("no room for a body: too many are being read");
            return Err(ApiError::Unavailable);
        };
        match &mut held.0 {
            Some(held) => held.merge(taken),
            none => *none = Some(taken),
        }
        Ok(())
    }
}

/// All members of a gzip file; zero bytes may pad each of them.
fn gunzip(bytes: &Bytes, limit: usize) -> Result<Bytes, ApiError> {
    let mut unpacked = Vec::new();
    let mut rest = bytes.as_ref();
    for _ in 0..MAX_MEMBERS {
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
        if rest.is_empty() {
            return Ok(unpacked.into());
        }
    }
    Err(ApiError::TooLarge)
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
    let Some(label) = charset else { return utf8(bytes) };
    // Clients write `latin-1` and `utf_8` where the list of labels has `latin1` and `utf8`.
    let plain = label.replace(['-', '_'], "");
    let known = |label: &str| Encoding::for_label(label.as_bytes());
    match known(label).or_else(|| known(&plain)) {
        Some(encoding) if encoding == encoding_rs::UTF_8 => utf8(bytes),
        Some(encoding) => encoding
            .decode_without_bom_handling_and_without_replacement(&bytes)
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| ApiError::Undecodable(format!("'{label}' codec can't decode the body"))),
        None => Err(ApiError::Undecodable(format!("unknown encoding: {label}"))),
    }
}

fn utf8(bytes: Bytes) -> Result<String, ApiError> {
    String::from_utf8(bytes.into()).map_err(|error| ApiError::Undecodable(utf8_error(&error)))
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
        text(&Room::new(1 << 20, 1000), &headers, body).await
    }

    async fn text(room: &Room, headers: &HeaderMap, body: Vec<u8>) -> Result<String, ApiError> {
        let (bytes, mut held) = room.read(Body::from(body)).await?;
        room.text(headers, bytes, &mut held)
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
        let room = Room::new(1 << 20, 10_000);
        let result = text(&room, &headers, bomb).await;
        assert!(matches!(result, Err(ApiError::TooLarge)));
        let members = gzip(b"").repeat(MAX_MEMBERS);
        assert!(text(&room, &headers, members.clone()).await.is_err(), "20 bytes each");
        let room = Room::new(1 << 20, 100_000);
        assert!(text(&room, &headers, members.clone()).await.is_ok());
        let one_more = [members, gzip(b"")].concat();
        let result = text(&room, &headers, one_more).await;
        assert!(matches!(result, Err(ApiError::TooLarge)));
        assert!(matches!(read(vec![b' '; 1001], None).await, Err(ApiError::TooLarge)));
        assert!(read(vec![b' '; 1000], None).await.is_ok());
    }

    #[tokio::test]
    async fn all_bodies_together_have_a_bound() {
        let room = Room::new(1000, 1000);
        let read = async |len: usize| {
            let pieces = [vec![b' '; len / 2], vec![b' '; len - len / 2]];
            let pieces =
                pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
            let body = Body::from_stream(futures_util::stream::iter(pieces));
            room.read(body).await
        };
        let (bytes, held) = read(600).await.unwrap();
        assert_eq!(bytes.len(), 600);
        assert!(matches!(read(401).await, Err(ApiError::Unavailable)));
        // What the refused one had is free again.
        let (_, more) = read(400).await.unwrap();
        assert!(matches!(read(1).await, Err(ApiError::Unavailable)));
        drop((held, more));
        assert!(read(1000).await.is_ok());
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
