//! Tiles of the data map: served from a folder, brought to a bucket, drawn by a worker.

use std::path::Path;

use ichnaea_server::datamap::progress::Progress;
use ichnaea_server::datamap::sync::{Synced, sync};
use ichnaea_server::datamap::target::{Source, Target};
use ichnaea_server::objects::{Aws, ObjectSettings};
use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use tempfile::TempDir;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::scene;
use crate::support::app::App;
use crate::support::client::send_raw;

async fn ask(app: &App, method: &str, path: &str, headers: &[(&str, &[u8])]) -> Answer {
    send_raw(app.address, method, path.as_bytes(), headers, None).await
}

fn write(folder: &Path, name: &str, content: &str) {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
}

pub async fn tiles_of_a_folder_are_served_and_nothing_else(backend: Backend) {
    let folder = TempDir::new().unwrap();
    let map = folder.path().join("map");
    write(&map, "tiles/0/0/0.png", "a tile");
    write(&map, "tiles/0/0/0@2x.png", "a double tile");
    write(&map, "tiles/data.json", r#"{"updated": "2026-07-01T12:00:00+00:00"}"#);
    for secret in ["secret_key", "csv/map_ne.csv", "tiles/notes.txt", "tiles/0/0/.0.png.part"] {
        write(&map, secret, "secret");
    }
    write(folder.path(), "secret.png", "secret");
    // The folder of its own, and that of the bucket, which is the same thing then.
    let bucket = format!("file://{}", map.display());
    for options in [["--map-dir", map.to_str().unwrap()], ["--asset-bucket", &bucket]] {
        let app = scene::start(backend, &options).await;
        let path = "/static/datamap/tiles/0/0/0.png";
        let got = ask(&app, "GET", path, &[]).await;
        assert_eq!((got.status, got.body.as_slice()), (200, &b"a tile"[..]));
        assert_eq!(got.header("content-type"), Some("image/png"));
        assert_eq!(got.header("cache-control"), Some("max-age=3600, public"));
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
        let head = ask(&app, "HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        let part = ask(&app, "GET", path, &[("Range", b"bytes=2-5")]).await;
        assert_eq!((part.status, part.body.as_slice()), (206, &b"tile"[..]));
        let changed = got.header("last-modified").unwrap().as_bytes();
        let same = ask(&app, "GET", path, &[("If-Modified-Since", changed)]).await;
        assert_eq!((same.status, same.body.len()), (304, 0));
        let double = ask(&app, "GET", "/static/datamap/tiles/0/0/0@2x.png", &[]).await;
        assert_eq!(double.body, b"a double tile");
        let date = ask(&app, "GET", "/static/datamap/tiles/data.json", &[]).await;
        assert_eq!((date.status, date.header("content-type")), (200, Some("application/json")));
        assert_eq!(date.header("cache-control"), Some("max-age=3600, public"));
        assert_eq!(ask(&app, "POST", path, &[]).await.status, 405);
        // The map of the site asks so that browsers report no errors.
        for (path, status) in [(path, 200), ("/static/datamap/tiles/9/9/9.png", 204)] {
            let quiet = ask(&app, "GET", &format!("{path}?missing=204"), &[]).await;
            assert_eq!(quiet.status, status, "{path}");
            assert_eq!(quiet.header("cache-control"), Some("max-age=3600, public"));
        }
        for path in [
            "/static/datamap/",
            "/static/datamap/tiles",
            "/static/datamap/tiles/",
            "/static/datamap/tiles/0/0",
            "/static/datamap/tiles/0/0/1.png",
            "/static/datamap/tiles/notes.txt",
            "/static/datamap/tiles/0/0/.0.png.part",
            "/static/datamap/secret_key",
            "/static/datamap/csv/map_ne.csv",
            "/static/datamap/tiles/../secret_key",
            "/static/datamap/tiles/../../secret.png",
            "/static/datamap/tiles/%2e%2e/%2e%2e/secret.png",
            "/static/datamap/tiles/..%2f..%2fsecret.png",
            "/static/datamap//secret.png",
        ] {
            let answer = ask(&app, "GET", path, &[]).await;
            assert_eq!(answer.status, 404, "{path}");
            assert_eq!(answer.body, b"<h1>404 Not Found</h1>", "{path}");
        }
        app.stop().await;
    }
}

/// MD5 of `same`, as `md5sum` prints it.
const SAME: &str = "51037a4a37730f52c8732586d3aaa316";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_bucket_is_compared_by_what_was_written_beside_its_objects() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = MockServer::start().await;
    let object = |name: &str| {
        format!(
            "<Contents><Key>tiles/{name}</Key><LastModified>2026-07-01T12:00:00.000Z</LastModified>\
             <ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>4</Size></Contents>"
        )
    };
    let list = format!(
        "<ListBucketResult><IsTruncated>false</IsTruncated>{}{}{}</ListBucketResult>",
        object("0/0/0.png"),
        object("1/0/0.png"),
        object("2/0/0.png")
    );
    let listed = ResponseTemplate::new(200).set_body_raw(list, "application/xml");
    Mock::given(method("GET"))
        .and(query_param("list-type", "2"))
        .respond_with(listed)
        .mount(&server)
        .await;
    let head = |digest: Option<&str>| {
        let answer = ResponseTemplate::new(200)
            .insert_header("last-modified", "Wed, 01 Jul 2026 12:00:00 GMT")
            .insert_header("etag", "\"0123456789abcdef0123456789abcdef\"")
            .set_body_bytes("same");
        digest.iter().fold(answer, |answer, digest| answer.insert_header("x-amz-meta-md5", *digest))
    };
    for (name, digest) in [
        ("0/0/0.png", Some(SAME)),
        ("1/0/0.png", Some("00000000000000000000000000000000")),
        ("2/0/0.png", None),
    ] {
        Mock::given(method("HEAD"))
            .and(path(format!("/tiles/tiles/{name}")))
            .respond_with(head(digest))
            .expect(1)
            .mount(&server)
            .await;
    }
    let put =
        ResponseTemplate::new(200).insert_header("etag", "\"0123456789abcdef0123456789abcdef\"");
    Mock::given(method("PUT")).respond_with(put).expect(3).mount(&server).await;

    let folder = TempDir::new().unwrap();
    for name in ["0/0/0.png", "1/0/0.png", "2/0/0.png"] {
        write(folder.path(), name, "same");
    }
    // Not in the bucket: nobody has to look at it.
    write(folder.path(), "3/0/0.png", "new");
    let aws = Aws {
        access_key_id: Some("account".to_owned()),
        secret_access_key: Some("secret".to_owned()),
        endpoint: Some(server.uri()),
        ..Aws::default()
    };
    let settings = ObjectSettings { aws, ..ObjectSettings::default() };
    let target = Target::open("s3://tiles", &settings).unwrap();
    let source = Source { tiles: folder.path().to_owned(), is_ours: false };
    let mut synced = Synced::default();
    assert!(sync(&source, &target, 2, &Progress::default(), &mut synced).await.unwrap());
    let counts = (synced.tile_new, synced.tile_changed, synced.tiles_unchanged, synced.tile_failed);
    assert_eq!(counts, (1, 2, 1, 0));
    let puts = server.received_requests().await.unwrap();
    let puts = puts.iter().filter(|request| request.method == http::Method::PUT);
    assert!(puts.into_iter().all(|request| request.headers.contains_key("x-amz-meta-md5")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_breaks_off_removes_nothing() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = MockServer::start().await;
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated>\
                <NextContinuationToken>more</NextContinuationToken><Contents>\
                <Key>tiles/9/9/9.png</Key><LastModified>2026-07-01T12:00:00.000Z</LastModified>\
                <ETag>&quot;x&quot;</ETag><Size>4</Size></Contents></ListBucketResult>";
    let page = ResponseTemplate::new(200).set_body_raw(page, "application/xml");
    Mock::given(method("GET"))
        .and(query_param("continuation-token", "more"))
        .respond_with(ResponseTemplate::new(403))
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(method("GET")).respond_with(page).mount(&server).await;
    let folder = TempDir::new().unwrap();
    write(folder.path(), "0/0/0.png", "tile");
    let aws = Aws {
        access_key_id: Some("account".to_owned()),
        secret_access_key: Some("secret".to_owned()),
        endpoint: Some(server.uri()),
        ..Aws::default()
    };
    let settings = ObjectSettings { aws, ..ObjectSettings::default() };
    let target = Target::open("s3://tiles", &settings).unwrap();
    let source = Source { tiles: folder.path().to_owned(), is_ours: false };
    let mut synced = Synced::default();
    assert!(sync(&source, &target, 2, &Progress::default(), &mut synced).await.is_err());
    let asked = server.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| request.method == http::Method::GET), "{asked:?}");
    assert_eq!((synced.tile_deleted, synced.tile_failed), (0, 0));
}
