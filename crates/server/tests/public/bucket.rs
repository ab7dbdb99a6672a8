//! Buckets of an S3-compatible server.

use std::time::{Duration, Instant};

use ichnaea_domain::downloads::Downloads;
use ichnaea_server::downloads;
use ichnaea_server::tasks::Task;
use ichnaea_testkit::Backend;
use ichnaea_testkit::buckets::S3Server;
use ichnaea_testkit::proxy::{Mode, Proxy};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::scene::{self, DIFF, DIFF_NR, FULL, FULL_NR, all_listed, listed, run, unpacked};
use crate::support::app::App;

const BUCKET: &str = "public";

async fn start(backend: Backend, endpoint: &str) -> App {
    let options = [
        "--asset-bucket",
        BUCKET,
        "--aws-endpoint-url-s3",
        endpoint,
        "--aws-access-key-id",
        "account",
        "--aws-secret-access-key",
        "very-secret-half",
        "--aws-region",
        "us-east-1",
        "--backend-timeout",
        "5",
    ];
    scene::start(backend, &options).await
}

pub async fn files_and_their_list_land_in_a_bucket(backend: Backend) {
    let server = S3Server::start();
    server.make_bucket(BUCKET);
    let app = start(backend, &server.uri).await;
    let full = run(&app, Task::CellExportFull).await.unwrap();
    assert_eq!((full.counts["files"], full.counts["rows"]), (2, 4));
    run(&app, Task::CellExportDiff).await.unwrap();
    let mut keys: Vec<String> = [FULL, FULL_NR, DIFF, DIFF_NR]
        .iter()
        .flat_map(|name| [format!("export/{name}"), format!("export/{name}.sha256")])
        .collect();
    keys.push("export/index.json".to_owned());
    keys.sort();
    assert_eq!(server.keys(BUCKET), keys);

    let object = |name: &str| server.object(BUCKET, &format!("export/{name}"));
    let rows = |name: &str| unpacked(&object(name).body);
    let row = |radio: &str, cid: &str| (radio.to_owned(), cid.to_owned());
    assert_eq!(rows(FULL), [row("GSM", "1"), row("GSM", "2"), row("LTE", "3")]);
    assert_eq!(rows(FULL_NR), [row("NR", "5")]);
    assert_eq!(rows(DIFF), [row("GSM", "1"), row("LTE", "3")]);
    assert_eq!(rows(DIFF_NR), [row("NR", "5")]);
    assert_eq!(object(FULL).headers["content-type"], "application/gzip");
    assert_eq!(object(FULL).headers.get("content-encoding"), None);

    let index = object("index.json");
    assert_eq!(index.headers["content-type"], "application/json");
    assert_eq!(listed(&index.body), all_listed());
    let index: Value = serde_json::from_slice(&index.body).unwrap();
    for file in index["files"].as_array().unwrap() {
        let name = file["name"].as_str().unwrap();
        let body = object(name).body;
        let digest = format!("{:x}", Sha256::digest(&body));
        assert_eq!(file["sha256"], digest.as_str());
        assert_eq!(file["bytes"], body.len());
        let line = String::from_utf8(object(&format!("{name}.sha256")).body).unwrap();
        assert_eq!(line, format!("{digest}  {name}\n"));
    }
    app.stop().await;
}

pub async fn a_place_that_refuses_is_one_line_and_made_up_for(backend: Backend) {
    let server = S3Server::start();
    let proxy = Proxy::before(&format!("{}/", server.uri));
    let app = start(backend, &format!("http://{}", proxy.address)).await;
    let fails = async |what: &str| {
        let started = Instant::now();
        let failure = run(&app, Task::CellExportDiff).await.err();
        let line = format!("{:#}", failure.unwrap_or_else(|| panic!("{what} goes through")));
        assert!(!line.contains('\n') && line.contains("s3://public"), "{what}: {line}");
        assert!(!line.contains("very-secret-half"), "{line}");
        assert!(started.elapsed() < Duration::from_mins(1), "{what}");
        line
    };
    let line = fails("a missing bucket").await;
    assert!(line.contains("no such bucket"), "{line}");
    server.make_bucket(BUCKET);
    run(&app, Task::CellExportFull).await.unwrap();
    run(&app, Task::CellExportDiff).await.unwrap();
    let before = server.keys(BUCKET);
    let object = |name: &str| server.object(BUCKET, &format!("export/{name}")).body;
    let (diff, index) = (object(DIFF), object("index.json"));

    // The next hours.
    scene::stand_at(&app, "2026-07-01 13:03:00");
    proxy.set(Mode::Stall);
    fails("an endpoint that stalls").await;
    proxy.set(Mode::Refuse);
    fails("an endpoint that is away").await;
    proxy.set(Mode::Pass);
    server.refuse_accounts(true);
    let line = fails("a wrong account").await;
    assert!(line.contains("AWS_ACCESS_KEY_ID"), "{line}");
    server.refuse_accounts(false);
    assert_eq!(server.keys(BUCKET), before);
    assert_eq!((object(DIFF), object("index.json")), (diff.clone(), index));

    // At the next chance the hour that was missed is made up for.
    scene::stand_at(&app, "2026-07-01 14:03:00");
    let made_up = run(&app, Task::CellExportDiff).await.unwrap();
    assert_eq!(made_up.counts["files"], 4);
    let names: Vec<String> =
        listed(&object("index.json")).into_iter().map(|(name, _)| name).collect();
    for hour in ["12", "13", "14"] {
        let name = format!("MLS-diff-cell-export-2026-07-01T{hour}0000.csv.gz");
        assert!(names.contains(&name), "{names:?}");
    }
    assert_eq!(object(DIFF), diff);
    // On the next day the full file is asked for, because it is missing.
    assert_eq!(
        app.context.kv.queues(&[ichnaea_server::keys::TASKS.to_owned()]).await.unwrap()[0].len,
        0
    );
    scene::stand_at(&app, "2026-07-02 01:03:00");
    run(&app, Task::CellExportDiff).await.unwrap();
    assert_eq!(
        app.context.kv.queues(&[ichnaea_server::keys::TASKS.to_owned()]).await.unwrap()[0].len,
        1
    );
    app.stop().await;

    let busy = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(503)).mount(&busy).await;
    let app = start(backend, &busy.uri()).await;
    let failure = run(&app, Task::CellExportFull).await.unwrap_err();
    assert!(format!("{failure:#}").contains("503"), "{failure:#}");
    app.stop().await;
}

pub async fn a_bucket_that_refuses_is_an_empty_page_and_no_failure(backend: Backend) {
    let server = S3Server::start();
    let app = start(backend, &server.uri).await;
    let copy = async || {
        let copies = app.context.kv.get(&[b"cache:downloads:3".to_vec()]).await.unwrap();
        copies.into_iter().next().flatten().map(|copy| String::from_utf8(copy).unwrap())
    };
    let empty = r#"{"full":[],"diff1":[],"diff2":[]}"#;
    // No bucket, no account, no answer.
    assert_eq!(downloads::list(&app.context).await, Downloads::default());
    assert_eq!(copy().await.as_deref(), Some(empty));
    app.clear_keyvalue().await;
    server.make_bucket(BUCKET);
    run(&app, Task::CellExportFull).await.unwrap();
    server.refuse_accounts(true);
    assert_eq!(downloads::list(&app.context).await, Downloads::default());
    server.refuse_accounts(false);
    app.clear_keyvalue().await;
    assert_eq!(downloads::list(&app.context).await.full.len(), 1);
    app.stop().await;
}
