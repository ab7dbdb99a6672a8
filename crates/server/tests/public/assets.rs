//! What browsers load, out of the binary, through the whole server.

use ichnaea_testkit::Backend;

use crate::scene;
use crate::support::client::send_raw;

pub async fn files_of_the_site_are_served_out_of_the_binary_and_nothing_else(backend: Backend) {
    let app = scene::start(backend, &[]).await;
    let ask = async |method: &str, path: &str, headers: &[(&str, &[u8])]| {
        send_raw(app.address, method, path.as_bytes(), headers, None).await
    };
    for (path, media_type) in [
        ("/static/css/bundle-map.css", "text/css; charset=UTF-8"),
        ("/static/js/bundle-map.js", "text/javascript; charset=UTF-8"),
        ("/static/images/favicon.ico", "image/vnd.microsoft.icon"),
        ("/static/images/favicon.png", "image/png"),
        ("/static/images/logo.svg", "image/svg+xml; charset=UTF-8"),
        ("/static/licenses.txt", "text/plain; charset=UTF-8"),
    ] {
        let got = ask("GET", path, &[]).await;
        assert_eq!((got.status, got.header("content-type")), (200, Some(media_type)), "{path}");
        assert_eq!(got.header("cache-control"), Some("max-age=86400"), "{path}");
        assert!(
            got.header("expires").is_some() && got.header("strict-transport-security").is_some()
        );
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(!got.body.is_empty(), "{path}");
        let changed = got.header("last-modified").unwrap().as_bytes();
        let same = ask("GET", path, &[("If-Modified-Since", changed)]).await;
        assert_eq!((same.status, same.body.len()), (304, 0), "{path}");
        let head = ask("HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        let part = ask("GET", path, &[("Range", b"bytes=1-3")]).await;
        assert_eq!((part.status, part.body.as_slice()), (206, &got.body[1..=3]), "{path}");
        assert_eq!(ask("POST", path, &[]).await.status, 405, "{path}");
    }
    let script = "/static/js/bundle-map.js";
    let packed = ask("GET", script, &[("Accept-Encoding", b"gzip, br")]).await;
    assert_eq!(packed.header("content-encoding"), Some("br"));
    assert_eq!(packed.header("vary"), Some("Accept-Encoding"));
    for (path, to) in
        [("/static", "/static/"), ("/static/css", "/static/css/"), ("/static/js", "/static/js/")]
    {
        let moved = ask("GET", path, &[]).await;
        assert_eq!((moved.status, moved.header("location")), (301, Some(to)), "{path}");
    }
    for path in [
        "/static/",
        "/static/css/",
        "/static/css/nothing.css",
        "/static/SHA256SUMS",
        "/static/js/bundle-map.js/",
        "/static/js/bundle-map.js.br",
        "/static/../Cargo.toml",
        "/static/css/../../Cargo.toml",
        "/static/%2e%2e/Cargo.toml",
        "/static/..%2f..%2fetc/passwd",
        "/static//css/bundle-map.css",
    ] {
        let answer = ask("GET", path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.body, b"<h1>404 Not Found</h1>", "{path}");
    }
    app.stop().await;
}
