//! Fetching what was made.

use ichnaea_domain::downloads::Downloads;
use ichnaea_server::downloads;
use ichnaea_server::tasks::Task;
use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use tempfile::TempDir;

use crate::scene::{self, DIFF, FULL, run};
use crate::support::app::App;
use crate::support::client::send_raw;

async fn ask(app: &App, method: &str, path: &str, headers: &[(&str, &[u8])]) -> Answer {
    send_raw(app.address, method, path.as_bytes(), headers, None).await
}

pub async fn files_of_a_folder_are_served_and_nothing_else(backend: Backend) {
    let folder = TempDir::new().unwrap();
    let assets = folder.path().join("assets");
    let uri = format!("file://{}", assets.display());
    let app = scene::start(backend, &["--asset-bucket", &uri]).await;
    run(&app, Task::CellExportFull).await.unwrap();
    std::fs::write(folder.path().join("secret_key"), "secret").unwrap();
    std::fs::write(assets.join("secret_key"), "secret").unwrap();
    std::fs::write(assets.join("export/half.csv.gz#1"), "half").unwrap();
    let whole = std::fs::read(assets.join("export").join(FULL)).unwrap();

    let path = format!("/downloads/export/{FULL}");
    let got = ask(&app, "GET", &path, &[]).await;
    assert_eq!((got.status, &got.body), (200, &whole));
    assert_eq!(got.header("content-type"), Some("application/gzip"));
    assert_eq!(got.header("content-length"), Some(whole.len().to_string().as_str()));
    assert_eq!(got.header("content-encoding"), None);
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    let head = ask(&app, "HEAD", &path, &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), got.header("content-length"));
    let part = ask(&app, "GET", &path, &[("Range", b"bytes=2-5")]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &whole[2..6]));
    let beyond = ask(&app, "GET", &path, &[("Range", b"bytes=99999999-")]).await;
    assert_eq!(beyond.status, 416);
    let changed = got.header("last-modified").unwrap().as_bytes();
    let same = ask(&app, "GET", &path, &[("If-Modified-Since", changed)]).await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    let list = ask(&app, "GET", "/downloads/index.json", &[]).await;
    assert_eq!(list.status, 200);
    assert_eq!(list.header("content-type"), Some("application/json"));
    assert_eq!(scene::listed(&list.body).len(), 2);
    let sum = ask(&app, "GET", &format!("{path}.sha256"), &[]).await;
    assert_eq!(sum.header("content-type"), Some("text/plain; charset=utf-8"));

    assert_eq!(ask(&app, "POST", &path, &[]).await.status, 405);
    for path in [
        "/downloads/export",
        "/downloads/export/",
        "/downloads/secret_key",
        "/downloads/export/../secret_key",
        "/downloads/export/%2e%2e/secret_key",
        "/downloads/export/..%2fsecret_key",
        "/downloads/export/%252e%252e/secret_key",
        "/downloads/../../secret_key",
        "/downloads//etc/passwd",
        "/downloads/export//etc/passwd",
        "/downloads/export/half.csv.gz%231",
        "/downloads/export/missing.csv.gz",
    ] {
        let answer = ask(&app, "GET", path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.windows(6).any(|part| part == b"secret"), "{path}");
    }
    app.stop().await;

    let options = ["--asset-bucket", "public", "--asset-url", "https://cdn.example"];
    let app = scene::start(backend, &options).await;
    let elsewhere = ask(&app, "GET", "/downloads/index.json", &[]).await;
    assert_eq!(elsewhere.status, 302);
    assert_eq!(elsewhere.header("location"), Some("https://cdn.example/export/index.json"));
    app.stop().await;
}

pub async fn the_page_has_its_list_and_a_copy_of_it(backend: Backend) {
    let folder = TempDir::new().unwrap();
    let uri = format!("file://{}", folder.path().display());
    let app = scene::start(backend, &["--asset-bucket", &uri]).await;
    assert_eq!(downloads::list(&app.context).await, Downloads::default());
    // What the task makes replaces the copy.
    run(&app, Task::CellExportFull).await.unwrap();
    run(&app, Task::CellExportDiff).await.unwrap();
    let list = downloads::list(&app.context).await;
    let names: Vec<_> = list.full.iter().chain(&list.diff1).map(|file| &file.name).collect();
    assert_eq!(names, [FULL, DIFF]);
    assert_eq!(list.full[0].path, format!("/downloads/export/{FULL}"));
    let copy =
        app.context.kv.get(&[b"cache:downloads:3".to_vec()]).await.unwrap().remove(0).unwrap();
    let copy: serde_json::Value = serde_json::from_slice(&copy).unwrap();
    assert_eq!(copy["full"][0]["name"], FULL);
    assert_eq!(copy["diff2"], serde_json::json!([]));
    // The copy is used, whatever is there.
    std::fs::remove_dir_all(folder.path().join("export")).unwrap();
    assert_eq!(downloads::list(&app.context).await, list);
    app.clear_keyvalue().await;
    // A folder that is a file cannot be listed: an empty page, which is kept for a minute only.
    std::fs::write(folder.path().join("export"), "").unwrap();
    assert_eq!(downloads::list(&app.context).await, Downloads::default());
    app.stop().await;
    let app = scene::start(backend, &[]).await;
    assert_eq!(downloads::list(&app.context).await, Downloads::default());
    app.stop().await;
}
