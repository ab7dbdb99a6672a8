//! Keeping reports in buckets and folders.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::GzDecoder;
use ichnaea_server::tasks::Task;
use ichnaea_testkit::Backend;
use ichnaea_testkit::buckets::S3Server;
use ichnaea_testkit::proxy::{Mode, Proxy};
use serde_json::Value;
use tempfile::TempDir;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::scene::{Scene, TARGET};

const ACCOUNT: [&str; 4] =
    ["--aws-access-key-id", "account", "--aws-secret-access-key", "very-secret"];

async fn scene(backend: Backend, endpoint: &str, url: &str) -> Scene {
    let options = ["--aws-endpoint-url", endpoint].into_iter().chain(ACCOUNT);
    Scene::start(backend, "s3", url, &options.collect::<Vec<_>>()).await
}

fn timestamps(body: &[u8]) -> Vec<i64> {
    let mut json = String::new();
    GzDecoder::new(body).read_to_string(&mut json).unwrap();
    let body: Value = serde_json::from_str(&json).unwrap();
    let items = body["items"].as_array().unwrap();
    items.iter().map(|item| item["timestamp"].as_i64().unwrap()).collect()
}

/// Today in the form of the address; a test that runs over midnight sees the day before.
fn day(scene: &Scene) -> String {
    scene.run.context.clock.now().format("%Y/%-m/%-d").to_string()
}

async fn fill(scene: &Scene) {
    scene.arrive("gnss", None, 1..4).await;
    scene.arrive("gnss", Some("test"), 4..6).await;
    scene.arrive("query", Some("test"), 6..7).await;
}

/// The timestamps in each object, by the folder it is in; its name has to be 32 hex digits.
fn by_folder(objects: Vec<(String, Vec<u8>)>) -> BTreeMap<String, Vec<i64>> {
    let mut folders: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (key, body) in objects {
        let (folder, name) = key.rsplit_once('/').unwrap();
        let id = name.strip_suffix(".json.gz").unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
        folders.entry(folder.to_owned()).or_default().extend(timestamps(&body));
    }
    for numbers in folders.values_mut() {
        numbers.sort_unstable();
    }
    folders
}

fn expected(day: &str) -> BTreeMap<String, Vec<i64>> {
    [("gnss/no_key", vec![1, 2, 3]), ("gnss/test", vec![4, 5]), ("query/test", vec![6])]
        .into_iter()
        .map(|(folder, numbers)| (format!("backup/{folder}/{day}"), numbers))
        .collect()
}

pub async fn a_bucket_gets_a_file_for_each_source_and_key(backend: Backend) {
    let server = S3Server::start();
    server.make_bucket("reports");
    let url = "s3://reports/backup/{source}/{api_key}/{year}/{month}/{day}";
    let scene = scene(backend, &server.uri, url).await;
    fill(&scene).await;
    let day = day(&scene);
    // Two of the three queues are full; all are found.
    assert_eq!(scene.task(Task::UpdateIncoming, None).await.counts["exports"], 2);
    let outcome = scene.task(Task::ExportReports, Some("queue_export_partner:gnss:test")).await;
    assert_eq!(outcome.counts["reports"], 2);
    assert_eq!(
        scene.measured(),
        [
            "location.data.export.upload:1|c|#key:partner,status:success",
            "location.data.export.upload.timing:…|ms|#key:partner",
            "location.data.export.batch:1|c|#key:partner",
        ]
    );
    let key = server.keys("reports").remove(0);
    let object = server.object("reports", &key);
    assert_eq!(object.headers["content-encoding"], "gzip");
    assert_eq!(object.headers["content-type"], "application/json");
    scene.drain().await;
    let objects = server.keys("reports").into_iter();
    let objects = objects.map(|key| (key.clone(), server.object("reports", &key).body));
    assert_eq!(by_folder(objects.collect()), expected(&day));
}

pub async fn a_folder_gets_the_same_files(backend: Backend) {
    let folder = TempDir::new().unwrap();
    let root = folder.path().display().to_string();
    let url = format!("file://{root}/backup/{{source}}/{{api_key}}/{{year}}/{{month}}/{{day}}");
    let scene = Scene::start(backend, "s3", &url, &[]).await;
    fill(&scene).await;
    let day = day(&scene);
    scene.drain().await;
    let mut objects = Vec::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                objects.push((key, std::fs::read(&path).unwrap()));
            }
        }
    }
    assert_eq!(by_folder(objects), expected(&day));
}

pub async fn a_batch_that_is_sent_again_writes_the_same_object(backend: Backend) {
    let server = S3Server::start();
    server.make_bucket("reports");
    let proxy = Proxy::before(&server.address.to_string());
    let endpoint = format!("http://{}", proxy.address);
    let scene = scene(backend, &endpoint, "s3://reports/{year}/{day}").await;
    scene.arrive("gnss", None, 1..3).await;
    // The object arrives, the answer does not.
    proxy.set(Mode::StallAnswers);
    assert_eq!(scene.try_now().await["unreached"], 1);
    let stored = server.keys("reports");
    assert_eq!(stored.len(), 1);
    proxy.set(Mode::Pass);
    assert_eq!(scene.try_now().await["reports"], 2);
    assert_eq!(server.keys("reports"), stored);
    assert_eq!(timestamps(&server.object("reports", &stored[0]).body), [1, 2]);
}

pub async fn a_bucket_that_cannot_be_used_makes_reports_wait(backend: Backend) {
    let server = S3Server::start();
    let scene = scene(backend, &server.uri, "s3://reports/{source}").await;
    let queue = "queue_export_partner:gnss:no_key";
    scene.arrive("gnss", None, 1..3).await;
    let why = async || {
        assert_eq!(scene.try_now().await["unreached"], 1);
        let rest = ichnaea_server::tasks::export::rest_of(&*scene.run.context.kv, TARGET).await;
        let why = rest.unwrap().unwrap().why;
        assert!(!why.contains("very-secret") && !why.contains('\n'), "{why}");
        assert_eq!(scene.queue(queue).await.in_flight, 2);
        why
    };
    assert!(why().await.contains("no such bucket"));
    server.make_bucket("reports");
    server.refuse_accounts(true);
    assert!(why().await.contains("access denied (403 InvalidAccessKeyId)"));
    server.refuse_accounts(false);

    let proxy = Proxy::before(&server.address.to_string());
    let trouble = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(503)).mount(&trouble).await;
    let mut scene = scene.with_endpoint(&format!("http://{}", proxy.address)).await;
    for mode in [Mode::Stall, Mode::Refuse] {
        proxy.set(mode);
        assert_eq!(scene.try_now().await["unreached"], 1);
    }
    scene = scene.with_endpoint(&trouble.uri()).await;
    assert_eq!(scene.try_now().await["unreached"], 1);
    scene = scene.with_endpoint(&server.uri).await;
    assert_eq!(scene.try_now().await["reports"], 2);
    let keys = server.keys("reports");
    assert_eq!(keys.len(), 1);
    assert_eq!(timestamps(&server.object("reports", &keys[0]).body), [1, 2]);
    assert_eq!(scene.letters(queue).await, []);
}
