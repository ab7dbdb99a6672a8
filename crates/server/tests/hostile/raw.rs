//! Requests that two servers in a row could understand in two ways, and paths out of where they belong.

use std::net::SocketAddr;

use ichnaea_testkit::Backend;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::property::NO_PROVIDER;
use crate::support::app::{App, Setting};
use crate::support::client::send_raw;

/// Everything the server says to these bytes.
async fn said(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // One that refuses early may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The request that must not be seen.
const HIDDEN: &str = "GET /__version__ HTTP/1.1\r\nHost: hidden\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_hides_in_another() {
    let app = App::start(Backend::Embedded, NO_PROVIDER).await;
    let chunk = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
    let len = HIDDEN.len();
    for (head, rest) in [
        // Two lengths.
        (format!("Content-Length: 0\r\nContent-Length: {len}\r\n"), HIDDEN),
        (format!("Content-Length: {len}\r\nContent-Length: 0\r\n"), HIDDEN),
        (format!("Content-Length: 0, {len}\r\n"), HIDDEN),
        // No number.
        (format!("Content-Length: +{len}\r\n"), HIDDEN),
        ("Content-Length: 0x0\r\n".to_owned(), HIDDEN),
        ("Content-Length: -1\r\n".to_owned(), HIDDEN),
        ("Content-Length: 99999999999999999999999\r\n".to_owned(), HIDDEN),
        // A length beside chunks: the request ends where the chunks do, or is refused.
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n".to_owned(), chunk.as_str()),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n".to_owned(), &chunk),
        // Something like chunks.
        ("Transfer-Encoding: xchunked\r\n".to_owned(), &chunk),
        ("Transfer-Encoding: chunked, identity\r\n".to_owned(), &chunk),
        ("Transfer-Encoding: identity\r\n".to_owned(), HIDDEN),
        ("Transfer-Encoding : chunked\r\n".to_owned(), &chunk),
        (" Transfer-Encoding: chunked\r\n".to_owned(), &chunk),
        ("X: a\r\n Transfer-Encoding: chunked\r\n".to_owned(), &chunk),
        ("Transfer-Encoding: chunked\r\n".to_owned(), "ffffffffffffffffff\r\n"),
        // What is no header.
        ("X\0: a\r\n".to_owned(), HIDDEN),
        ("X: a\0b\r\n".to_owned(), HIDDEN),
        ("X: a\rContent-Length: 0\r\n".to_owned(), HIDDEN),
    ] {
        let request = format!("POST /__lbheartbeat__ HTTP/1.1\r\nHost: x\r\n{head}\r\n{rest}");
        let answers = said(app.address, request.as_bytes()).await;
        assert!(!answers.contains("\"version\""), "{head:?}: {answers}");
        assert!(answers.starts_with("HTTP/1.1 "), "{head:?}: {answers}");
    }
    // The same request, where it does not hide, is answered.
    let request =
        format!("POST /__lbheartbeat__ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n{HIDDEN}");
    assert!(said(app.address, request.as_bytes()).await.contains("\"version\""));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_is_refused_and_the_next_is_answered() {
    let app = App::start(Backend::Embedded, NO_PROVIDER).await;
    let many = "X: a\r\n".repeat(10_000);
    let long = format!("X: {}\r\n", "a".repeat(1 << 20));
    let path = "a".repeat(1 << 20);
    for request in [
        "\0\0\0\0".to_owned(),
        "\u{16}\u{3}\u{1}\0\u{5}\u{1}\0\0\u{1}\u{3}\u{3}".to_owned(), // TLS
        "GET /\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET  /  HTTP/1.1\r\n\r\n".to_owned(),
        "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{long}\r\n"),
        format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n"),
    ] {
        let answer = said(app.address, request.as_bytes()).await;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        let begin: String = request.chars().take(60).collect();
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{begin:?}: {answer}");
        let next = send_raw(app.address, "GET", b"/__lbheartbeat__", &[], None).await;
        assert_eq!(next.status, 200, "after {begin:?}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_out_of_what_is_public() {
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("public");
    std::fs::create_dir_all(public.join("export/deep")).unwrap();
    std::fs::create_dir_all(public.join("tiles/0/0")).unwrap();
    std::fs::write(public.join("export/cells.csv.gz"), "public").unwrap();
    for hidden in ["secret", "public/secret", "public/export/.secret"] {
        std::fs::write(folder.path().join(hidden), "hidden").unwrap();
    }
    let bucket = format!("file://{}", public.display());
    let options = ["--asset-bucket", &bucket];
    let app = App::start_with(Setting::Direct(Backend::Embedded), NO_PROVIDER, &options).await;
    let found = send_raw(app.address, "GET", b"/downloads/export/cells.csv.gz", &[], None).await;
    assert_eq!((found.status, found.body.as_slice()), (200, &b"public"[..]));

    let absolute = folder.path().join("secret").display().to_string();
    let ways = [
        "../secret",
        "../../secret",
        "export/../secret",
        "export/../../secret",
        "export/.secret",
        "export/./.secret",
        "export//../secret",
        "export/deep/../../../secret",
        "secret",
        "..\\secret",
        "export\\..\\..\\secret",
        "%2e%2e/secret",
        "%2e%2e%2fsecret",
        "export/%2e%2e/%2e%2e/secret",
        "%252e%252e%252fsecret",
        "..%c0%afsecret",
        "..%2fsecret",
        "..%5csecret",
        "export/%00../../secret",
        "export/cells.csv.gz/../../../secret",
        "export/cells.csv.gz%00",
        "....//secret",
        "export/..;/secret",
        absolute.as_str(),
    ];
    for below in ["/downloads/", "/static/", "/static/datamap/", "/"] {
        for way in ways {
            let target = format!("{below}{way}");
            let answer = send_raw(app.address, "GET", target.as_bytes(), &[], None).await;
            assert!((400..500).contains(&answer.status), "{target}: {}", answer.status);
            assert!(!String::from_utf8_lossy(&answer.body).contains("hidden"), "{target}");
        }
    }
    app.stop().await;
}
