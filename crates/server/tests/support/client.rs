//! An HTTP client that leaves a request as it is: no added headers beside `Host`, `Content-Length`
//! and `Connection`, no normalised path, any method.

use std::net::SocketAddr;
use std::time::Duration;

use ichnaea_testkit::cases::Request;
use ichnaea_testkit::compare::Answer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A server that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends the request of a case.
pub async fn send(address: SocketAddr, request: &Request) -> Answer {
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers: Vec<_> = headers.collect();
    let body = request.body();
    send_raw(address, &request.method, request.target().as_bytes(), &headers, body.as_deref()).await
}

/// Sends a request; without a body, `POST`, `PUT` and `PATCH` say that its length is 0.
///
/// # Panics
///
/// When the server closes the connection without an answer, or answers no HTTP.
pub async fn send_raw(
    address: SocketAddr,
    method: &str,
    target: &[u8],
    headers: &[(&str, &[u8])],
    body: Option<&[u8]>,
) -> Answer {
    let mut head = format!("{method} ").into_bytes();
    head.extend(target);
    head.extend(format!(" HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n").into_bytes());
    for (name, value) in headers {
        head.extend(name.as_bytes());
        head.extend(b": ");
        head.extend(*value);
        head.extend(b"\r\n");
    }
    let has_length = body.is_some() || matches!(method, "POST" | "PUT" | "PATCH");
    if has_length {
        let length = body.map_or(0, <[u8]>::len);
        head.extend(format!("Content-Length: {length}\r\n").into_bytes());
    }
    head.extend(b"\r\n");
    let exchange = exchange(address, &head, body.unwrap_or_default());
    let raw = tokio::time::timeout(PATIENCE, exchange).await.expect("the server hangs");
    parse(&raw, method == "HEAD").unwrap_or_else(|| {
        panic!("no HTTP answer: {:?}", String::from_utf8_lossy(&raw[..raw.len().min(200)]))
    })
}

async fn exchange(address: SocketAddr, head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    let (mut reader, mut writer) = stream.split();
    let write = async {
        // A server that refuses early may close before it has read everything.
        let _ = writer.write_all(&[head, body].concat()).await;
    };
    let read = async {
        let mut raw = Vec::new();
        let mut chunk = vec![0; 16 * 1024];
        while let Ok(len @ 1..) = reader.read(&mut chunk).await {
            raw.extend(&chunk[..len]);
        }
        raw
    };
    tokio::join!(write, read).1
}

/// Status, headers and body of an answer after which the connection ends.
fn parse(raw: &[u8], is_head: bool) -> Option<Answer> {
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect::<Option<_>>()?;
    let mut answer = Answer { status, headers, body: raw[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == Some("chunked") && !is_head {
        answer.body = unchunk(&answer.body)?;
    }
    let length: Option<usize> = answer.header("content-length").and_then(|text| text.parse().ok());
    let is_whole = is_head || length.is_none_or(|length| length == answer.body.len());
    is_whole.then_some(answer)
}

fn unchunk(mut raw: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = raw.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&raw[..end]).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend(raw.get(end + 2..end + 2 + size)?);
        raw = raw.get(end + 2 + size + 2..)?;
    }
}
