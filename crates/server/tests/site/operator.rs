//! What an operator puts in the place of ours.

use ichnaea_server::http::serve;
use ichnaea_testkit::Backend;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::ask::{PAGES, get, start, text};

pub async fn what_an_operator_says_is_shown_and_what_looks_like_html_is_not(backend: Backend) {
    let options = [
        "--site-name",
        "<script>alert(1)</script> & \"Söhne\"",
        "--site-organisation",
        "</footer><img src=x onerror=alert(2)>",
        "--site-contact",
        "https://example.org/?a=1&b='><script>alert(3)</script>",
        "--site-source-url",
        "https://example.org/source?<b>",
    ];
    let app = start(backend, &options).await;
    for (path, _) in PAGES {
        let page = text(&app, path).await;
        for hostile in ["<script>", "<img src=x", "<b>", "'><"] {
            assert!(!page.contains(hostile), "{path}: {hostile}");
        }
        assert!(page.contains("alert(1)") && page.contains("alert(2)"), "{path}");
        assert!(page.contains("href=\"https://example.org/source?"), "{path}");
        assert_eq!(page.matches("</footer>").count(), 1, "{path}");
    }
    assert!(text(&app, "/contact").await.contains("href=\"https://example.org/?a=1&#38;b="));
    app.stop().await;

    let app = start(backend, &[]).await;
    let page = text(&app, "/contact").await;
    assert!(page.contains("has not said yet") && page.contains("SITE_CONTACT"));
    app.stop().await;
}

pub async fn texts_and_a_logo_of_an_operator_take_the_place_of_ours(backend: Backend) {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("privacy.md", "We keep **nothing**.\n\n## Really\n");
    file("terms.html", "<h2>House rules</h2>");
    let logo = TempDir::new().unwrap();
    let logo = logo.path().join("logo.svg");
    std::fs::create_dir_all(logo.parent().unwrap()).unwrap();
    std::fs::write(&logo, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
    let (pages, logo) = (folder.path().display().to_string(), logo.display().to_string());
    let app = start(backend, &["--site-pages", &pages, "--site-logo", &logo]).await;
    let privacy = text(&app, "/privacy").await;
    assert!(privacy.contains("<p>We keep <strong>nothing</strong>.</p>\n<h2>Really</h2>"));
    assert!(privacy.contains("<h1 id=\"main-title\">Privacy Notice</h1>"));
    assert!(!privacy.contains("When you contribute"));
    assert!(text(&app, "/terms").await.contains("<h2>House rules</h2>"));
    assert!(text(&app, "/optout").await.contains("_nomap"));
    let home = text(&app, "/").await;
    let address = crate::ask::between(&home, "<img src=\"/site-logo", "\"")[0];
    let shown = get(&app, &format!("/site-logo{address}")).await;
    assert_eq!((shown.status, shown.header("content-type")), (200, Some("image/svg+xml")));
    assert!(shown.body.starts_with(b"<svg"));
    app.stop().await;
}

pub async fn texts_that_cannot_be_read_stop_the_start(backend: Backend) {
    let app = start(backend, &[]).await;
    let mut config = app.context.config.clone();
    config.site.pages = Some("/nowhere/texts".into());
    let context = ichnaea_server::context::Context::open(config).await.unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let failure = serve(Arc::new(context), listener, std::future::pending()).await.unwrap_err();
    let said = format!("{failure:#}");
    assert!(said.starts_with("SITE_PAGES: /nowhere/texts: "), "{said}");
    app.stop().await;
}

pub async fn hosts_that_are_named_are_allowed_and_no_other(backend: Backend) {
    let options = [
        "--asset-url",
        "https://cdn.example/a",
        "--map-style-url",
        "https://{s}.maps.example/{z}/{x}/{y}.png",
    ];
    let app = start(backend, &options).await;
    for path in ["/map", "/", "/terms"] {
        let answer = get(&app, path).await;
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        let both = "https://cdn.example https://*.maps.example";
        assert!(policy.contains(&format!("connect-src 'self' {both};")), "{policy}");
        assert!(policy.contains(&format!("img-src 'self' {both} data: blob:;")), "{policy}");
        assert!(policy.contains("script-src 'self'; style-src 'self';"), "{policy}");
    }
    let page = text(&app, "/map").await;
    assert!(page.contains("data-map_tiles_url=\"https://cdn.example/a/tiles/{z}/{x}/{y}.png\""));
    app.stop().await;
}
