//! Which paths and methods lead to what.

use ichnaea_testkit::Backend;

use crate::ask::{get, start, text};
use crate::support::client;

pub async fn methods_and_paths_lead_where_they_did(backend: Backend) {
    let app = start(backend, &[]).await;
    for (method, status) in [
        ("GET", 200),
        ("HEAD", 200),
        ("POST", 200),
        ("PUT", 405),
        ("DELETE", 405),
        ("PATCH", 405),
        ("OPTIONS", 405),
    ] {
        for path in ["/", "/api", "/downloads/", "/stats", "/map.json", "/locate"] {
            let answer = client::send_raw(app.address, method, path.as_bytes(), &[], None).await;
            assert_eq!(answer.status, status, "{method} {path}");
            assert_eq!(answer.body.is_empty(), method == "HEAD", "{method} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {path}");
        }
    }
    for (path, title) in [
        ("//", "Overview"),
        ("/?a=b", "Overview"),
        ("/api/", "API"),
        ("/api/foo/bar", "API"),
        ("/a%70i", "API"),
        ("/api/reference", "API Reference"),
        ("/map/x", "Map"),
        ("/downloads/", "Downloads"),
        ("/terms/", "Developer Terms of Service"),
    ] {
        let heading = format!("<h1 id=\"main-title\">{title}</h1>");
        assert!(text(&app, path).await.contains(&heading), "{path}");
    }
    for (path, kind) in [
        ("/map.json", "application/json"),
        ("/map.json/", "application/json"),
        ("/robots.txt", "text/plain; charset=UTF-8"),
        ("/robots.txt/x", "text/plain; charset=UTF-8"),
        ("/favicon.ico", "image/vnd.microsoft.icon"),
        ("/favicon.ico/", "image/vnd.microsoft.icon"),
        ("/apple-touch-icon-precomposed.png", "image/png"),
        ("/static/images/tile-image-150.png", "image/png"),
    ] {
        let answer = get(&app, path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        assert!(answer.header("expires").is_some(), "{path}");
        assert_eq!(answer.header("content-security-policy"), None, "{path}");
    }
    assert_eq!(get(&app, "/robots.txt").await.body.len(), 159);
    let map: serde_json::Value =
        serde_json::from_slice(&get(&app, "/map.json").await.body).unwrap();
    assert_eq!(map, serde_json::json!({"tiles_url": "/static/datamap/tiles/"}));
    for path in ["/stats/", "/stats/regions/", "/locate/", "/site-logo", "/apps", "/leaders"] {
        assert_eq!(get(&app, path).await.status, 404, "{path}");
    }
    let foreign = get(&app, "/api/%ff").await;
    assert_eq!(foreign.status, 400);
    assert!(foreign.header("content-security-policy").is_some());
    app.stop().await;
}

pub async fn people_are_told_in_the_frame_that_nothing_is_there_and_programs_as_ever(
    backend: Backend,
) {
    let app = start(backend, &[]).await;
    let plain = b"<h1>404 Not Found</h1>";
    let for_people = get(&app, "/nonsense/%3Cscript%3E").await;
    assert_eq!(for_people.status, 404);
    let page = String::from_utf8(for_people.body.clone()).unwrap();
    assert!(page.contains("<title>Ichnaea - Not Found</title>") && !page.contains("<script>"));
    assert_eq!(for_people.header("cache-control"), None);
    let accepts = |accept: &'static [u8]| [("Accept", accept)];
    for (method, path, headers) in [
        ("GET", "/nonsense", vec![]),
        ("GET", "/nonsense", accepts(b"*/*").to_vec()),
        ("GET", "/nonsense", accepts(b"application/json").to_vec()),
        ("POST", "/nonsense", accepts(b"text/html").to_vec()),
        ("GET", "/v1/nonsense", accepts(b"text/html").to_vec()),
        ("GET", "/static/none.css", accepts(b"text/html").to_vec()),
    ] {
        let answer = client::send_raw(app.address, method, path.as_bytes(), &headers, None).await;
        assert_eq!((answer.status, &*answer.body), (404, &plain[..]), "{method} {path}");
        assert!(answer.header("content-security-policy").is_some(), "{method} {path}");
    }
    app.stop().await;
}

pub async fn what_follows_a_page_in_its_path_makes_no_name_of_a_metric(backend: Backend) {
    let app = start(backend, &[]).await;
    // A name of a page, whatever follows it.
    let page = ichnaea_server::site::find("/api/made/up/by/a/stranger").unwrap();
    assert_eq!(page.path, "/api");
    assert_eq!(get(&app, "/api/made/up/by/a/stranger").await.status, 200);
    app.stop().await;
}
