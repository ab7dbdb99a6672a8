//! What all pages have in common.

use std::collections::BTreeSet;
use std::io::Read as _;

use ichnaea_testkit::Backend;

use crate::ask::{BROWSER, PAGES, between, get, start, text};
use crate::support::client;

/// The largest page, bytes as sent to those who cannot unpack.
const MAX_BYTES: usize = 100_000;
/// The reference says everything about everything.
const MAX_BYTES_OF_REFERENCE: usize = 250_000;

pub async fn every_page_is_whole_small_and_loads_nothing_from_elsewhere(backend: Backend) {
    let app = start(backend, &[]).await;
    let year = app.now.format("%Y").to_string();
    for (path, title) in PAGES {
        let answer = get(&app, path).await;
        assert_eq!(answer.status, 200, "{path}");
        for (name, value) in [
            ("content-type", "text/html; charset=UTF-8"),
            ("cache-control", "max-age=3600"),
            ("vary", "accept-encoding"),
            ("x-frame-options", "DENY"),
            ("x-xss-protection", "1; mode=block"),
            ("x-content-type-options", "nosniff"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let in_an_hour = app.now + chrono::TimeDelta::hours(1);
        let expires = in_an_hour.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        assert_eq!(answer.header("expires"), Some(expires.as_str()), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(!policy.contains("unsafe") && !policy.contains("://"), "{policy}");

        let page = String::from_utf8(answer.body).unwrap();
        let most = if path == "/api/reference" { MAX_BYTES_OF_REFERENCE } else { MAX_BYTES };
        assert!(page.len() < most, "{path}: {} bytes", page.len());
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{path}");
        assert!(page.contains(&format!("<title>Ichnaea - {title}</title>")), "{path}");
        assert_eq!(between(&page, "<h1 id=\"main-title\">", "</h1>"), [title], "{path}");
        for one in ["<main ", "<header ", "<footer", "<nav aria-label=\"Main\"", "class=\"skip\""] {
            assert_eq!(page.matches(one).count(), 1, "{path}: {one}");
        }
        assert!(page.contains(&format!("© Ichnaea, {year}")), "{path}");
        let navigation = between(&page, "<nav aria-label=\"Main\">", "</nav>")[0];
        let places = ["/", "/api", "/downloads", "/map", "/locate", "/stats/regions", "/stats"];
        assert_eq!(between(navigation, "href=\"", "\""), places, "{path}");
        let here = between(navigation, "href=\"", ">");
        let here: Vec<_> = here.iter().filter(|link| link.contains("aria-current")).collect();
        assert_eq!(here.len(), usize::from(places.contains(&path)), "{path}");
        assert!(here.iter().all(|link| link.starts_with(&format!("{path}\""))), "{path}");
        for inline in [" style=", "<style", " onclick=", "javascript:", "maximum-scale"] {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
        let scripts = between(&page, "<script", "</script>");
        assert!(scripts.iter().all(|tag| tag.ends_with("\">") && tag.contains(" src=\"/static/")));
        for address in between(&page, "src=\"", "\"") {
            assert!(address.starts_with('/') && !address.starts_with("//"), "{path}: {address}");
        }
        assert!(page.contains("OpenStreetMap contributors"), "{path}");
        assert!(page.contains("Natural Earth"), "{path}");
    }
    app.stop().await;
}

pub async fn every_link_of_the_site_leads_somewhere(backend: Backend) {
    let app = start(backend, &[]).await;
    let mut links = BTreeSet::new();
    for (path, _) in PAGES {
        let page = text(&app, path).await;
        for attribute in ["href=\"", "src=\""] {
            let found = between(&page, attribute, "\"").into_iter();
            let here = found.filter(|link| link.starts_with('/') && !link.contains('{'));
            links.extend(here.map(|link| link.split('#').next().unwrap_or_default().to_owned()));
        }
        let anchors = between(&page, "href=\"#", "\"");
        for anchor in anchors {
            assert!(page.contains(&format!("id=\"{anchor}\"")), "{path}#{anchor}");
        }
    }
    assert!(links.len() > 20, "{links:?}");
    for link in links {
        // No map has been drawn in this test.
        if !link.contains("/datamap/") {
            assert_eq!(get(&app, &link).await.status, 200, "{link}");
        }
    }
    app.stop().await;
}

pub async fn pages_are_packed_for_those_who_ask(backend: Backend) {
    let app = start(backend, &[]).await;
    let plain = get(&app, "/terms").await;
    assert_eq!(plain.header("content-encoding"), None);
    let gzip = ("Accept-Encoding", &b"gzip, deflate, br"[..]);
    let packed = client::send_raw(app.address, "GET", b"/terms", &[BROWSER, gzip], None).await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert!(packed.body.len() * 2 < plain.body.len());
    let json = client::send_raw(app.address, "GET", b"/map.json", &[gzip], None).await;
    assert_eq!(json.header("content-encoding"), None);
    app.stop().await;
}
