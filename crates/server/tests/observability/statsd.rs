//! What arrives at a statsd server: names, values, types, tags and their order.

use ichnaea_testkit::Backend;
use ichnaea_testkit::cases::ProviderAnswer;
use ichnaea_testkit::compare::Answer;
use ichnaea_testkit::provider::Provider;
use serde_json::json;

use crate::support::app::{App, Setting};
use crate::support::client;
use crate::udp::Statsd;

/// An address that the city database knows.
const LONDON: &str = "81.2.69.192";
const KNOWN_WIFI: &str = r#"{"wifiAccessPoints":[{"macAddress":"d3:08:f4:cd:c5:95"},{"macAddress":"38:a1:21:65:46:54"}]}"#;
const UNKNOWN_WIFI: &str = r#"{"wifiAccessPoints":[{"macAddress":"89:11:79:64:90:08"},{"macAddress":"4e:a1:80:39:66:36"}]}"#;
const REPORT: &str = r#"{"items":[{"position":{"latitude":51.0,"longitude":10.0},
    "wifiAccessPoints":[{"macAddress":"89:11:79:64:90:08"}]}]}"#;

struct Scene {
    app: App,
    statsd: Statsd,
}

impl Scene {
    async fn start(backend: Backend, provider: &str) -> Self {
        let statsd = Statsd::start().await;
        let options = ["--statsd-host", "127.0.0.1", "--statsd-port", &statsd.port()];
        let app = App::start_with(Setting::Direct(backend), provider, &options).await;
        Self { app, statsd }
    }

    async fn send(&self, method: &str, target: &str, client: &str, body: &str) -> Answer {
        let headers = [("X-Forwarded-For", client.as_bytes())];
        let (target, body) = (target.as_bytes(), Some(body.as_bytes()));
        client::send_raw(self.app.address, method, target, &headers, body).await
    }

    /// Sends a request and compares what it emits, without `location.`.
    async fn emits(&self, target: &str, client: &str, body: &str, expected: &[&str]) {
        self.send("POST", target, client, body).await;
        let expected: Vec<_> = expected.iter().map(|line| format!("location.{line}")).collect();
        assert_eq!(self.statsd.request().await, expected, "{target} {body}");
    }
}

pub async fn positions_are_counted_by_source_and_result(backend: Backend) {
    let scene = Scene::start(backend, "http://127.0.0.1:1").await;
    let target = "/v1/geolocate?key=test";
    scene
        .emits(
            target,
            LONDON,
            "",
            &[
                "locate.request:1|c|#path:v1.geolocate,key:test",
                "locate.query:1|c|#key:test,blue:none,cell:none,wifi:none",
                "locate.source:1|c|#key:test,source:geoip,accuracy:low,status:hit",
                "locate.result:1|c|#key:test,fallback_allowed:false,accuracy:low,status:hit,source:geoip",
                "request:1|c|#path:v1.geolocate,method:post,status:200",
                "request.timing:N|ms|#path:v1.geolocate,method:post",
            ],
        )
        .await;
    scene
        .emits(
            target,
            LONDON,
            KNOWN_WIFI,
            &[
                "locate.request:1|c|#path:v1.geolocate,key:test",
                "locate.query:1|c|#key:test,blue:none,cell:none,wifi:many",
                "locate.source:1|c|#key:test,source:internal,accuracy:high,status:hit",
                "locate.source:1|c|#key:test,source:geoip,accuracy:high,status:miss",
                "locate.result:1|c|#key:test,fallback_allowed:false,accuracy:high,status:hit,source:internal",
                "request:1|c|#path:v1.geolocate,method:post,status:200",
                "request.timing:N|ms|#path:v1.geolocate,method:post",
            ],
        )
        .await;
    // Two as sent, and none that is found; no valid address, so the address is not asked.
    scene
        .emits(
            target,
            "nonsense",
            UNKNOWN_WIFI,
            &[
                "locate.request:1|c|#path:v1.geolocate,key:test",
                "locate.query:1|c|#key:test,geoip:false,blue:none,cell:none,wifi:many",
                "locate.source:1|c|#key:test,source:internal,accuracy:high,status:miss",
                "locate.result:1|c|#key:test,fallback_allowed:false,accuracy:high,status:miss",
                "request:1|c|#path:v1.geolocate,method:post,status:404",
                "request.timing:N|ms|#path:v1.geolocate,method:post",
            ],
        )
        .await;
    // A query that can have no result.
    scene
        .emits(
            target,
            "nonsense",
            "",
            &[
                "locate.request:1|c|#path:v1.geolocate,key:test",
                "request:1|c|#path:v1.geolocate,method:post,status:404",
                "request.timing:N|ms|#path:v1.geolocate,method:post",
            ],
        )
        .await;
    // A body that cannot be read.
    scene
        .emits(
            target,
            LONDON,
            "[1]",
            &[
                "locate.request:1|c|#path:v1.geolocate,key:test",
                "request:1|c|#path:v1.geolocate,method:post,status:400",
                "request.timing:N|ms|#path:v1.geolocate,method:post",
            ],
        )
        .await;
    scene.app.stop().await;
}

pub async fn regions_are_counted_alike(backend: Backend) {
    let scene = Scene::start(backend, "http://127.0.0.1:1").await;
    let cell = r#"{"cellTowers":[{"radioType":"gsm","mobileCountryCode":262,"mobileNetworkCode":1,
        "locationAreaCode":2,"cellId":3}]}"#;
    scene
        .emits(
            "/v1/country?key=test",
            LONDON,
            cell,
            &[
                "region.request:1|c|#path:v1.country,key:test",
                "region.query:1|c|#key:test,blue:none,cell:one,wifi:none",
                "region.source:1|c|#key:test,source:internal,accuracy:low,status:hit",
                "region.source:1|c|#key:test,source:geoip,accuracy:low,status:hit",
                "region.result:1|c|#key:test,fallback_allowed:false,accuracy:low,status:hit,source:internal",
                "request:1|c|#path:v1.country,method:post,status:200",
                "request.timing:N|ms|#path:v1.country,method:post",
            ],
        )
        .await;
    scene.app.stop().await;
}

pub async fn requests_are_counted_by_what_became_of_their_key(backend: Backend) {
    let scene = Scene::start(backend, "http://127.0.0.1:1").await;
    for (key, tag, status) in [
        ("", "none", 400),
        ("?key=a", "none", 400),
        ("?key=unknown", "invalid", 400),
        ("?key=no-locate", "invalid", 400),
        // The spelling in the table counts.
        ("?key=LIMIT-ONE", "limit-one", 200),
    ] {
        let target = format!("/v1/geolocate{key}");
        scene.send("POST", &target, LONDON, "").await;
        let lines = scene.statsd.request().await;
        let first = format!("location.locate.request:1|c|#path:v1.geolocate,key:{tag}");
        assert_eq!(lines[0], first, "{key}");
        let last = "location.request:1|c|#path:v1.geolocate,method:post";
        assert_eq!(lines[lines.len() - 2], format!("{last},status:{status}"), "{key}");
        // Nothing about queries of keys that may not ask.
        assert_eq!(lines.len() > 3, status == 200, "{lines:?}");
    }
    scene
        .emits(
            "/v1/geolocate?key=limit-one",
            LONDON,
            "",
            &[
                "locate.request:1|c|#path:v1.geolocate,key:limit-one",
                "request:1|c|#path:v1.geolocate,method:post,status:403",
                "request.timing:N|ms|#path:v1.geolocate,method:post",
            ],
        )
        .await;
    scene.app.stop().await;
}

pub async fn reports_are_counted_when_they_are_taken_in(backend: Backend) {
    let scene = Scene::start(backend, "http://127.0.0.1:1").await;
    for (path, key, body, upload, status) in [
        ("v2.geosubmit", "?key=test", REPORT, Some("data.batch.upload:1|c|#key:test"), 200),
        ("v2.geosubmit", "", REPORT, Some("data.batch.upload:1|c"), 200),
        ("v1.geosubmit", "?key=unknown", REPORT, Some("data.batch.upload:1|c"), 200),
        ("v1.submit", "?key=test", r#"{"items":[]}"#, Some("data.batch.upload:1|c|#key:test"), 204),
        ("v2.geosubmit", "?key=test", "{}", None, 400),
    ] {
        let tag = match key {
            "" => "none",
            "?key=unknown" => "invalid",
            _ => "test",
        };
        let target = format!("/{}{key}", path.replace('.', "/"));
        let request = format!("submit.request:1|c|#path:{path},key:{tag}");
        let counted = format!("request:1|c|#path:{path},method:post,status:{status}");
        let timed = format!("request.timing:N|ms|#path:{path},method:post");
        let mut expected = vec![request.as_str()];
        expected.extend(upload);
        expected.extend([counted.as_str(), timed.as_str()]);
        scene.emits(&target, LONDON, body, &expected).await;
    }
    scene.app.stop().await;
}

pub async fn the_outside_provider_is_measured(backend: Backend) {
    let double = Provider::start().await;
    let scene = Scene::start(backend, &double.uri()).await;
    let answer = |status| ProviderAnswer {
        status,
        body: Some(json!({"location": {"lat": 51.7, "lng": -1.2}, "accuracy": 120.0})),
        body_text: None,
    };
    let target = "/v1/geolocate?key=prov-cache";
    let named = |line: &str| format!("location.locate.fallback.{line}");
    // Asked, and remembered.
    double.answer(&answer(200)).await;
    scene.send("POST", target, "nonsense", UNKNOWN_WIFI).await;
    let lines = scene.statsd.request().await;
    let key = "key:prov-cache";
    assert_eq!(
        lines[2..],
        [
            format!("location.locate.source:1|c|#{key},source:internal,accuracy:high,status:miss"),
            format!("location.locate.source:1|c|#{key},source:fallback,accuracy:high,status:hit"),
            format!(
                "location.locate.result:1|c|#{key},fallback_allowed:true,accuracy:high,status:hit,source:fallback"
            ),
            named("cache:1|c|#fallback_name:prov-cache,status:miss"),
            named("lookup:1|c|#fallback_name:prov-cache,status:200"),
            named("lookup.timing:N.N|ms|#fallback_name:prov-cache"),
            "location.request:1|c|#path:v1.geolocate,method:post,status:200".to_owned(),
            "location.request.timing:N|ms|#path:v1.geolocate,method:post".to_owned(),
        ]
    );
    for (status, body, expected) in [
        // Not asked again.
        (200, UNKNOWN_WIFI, vec![named("cache:1|c|#fallback_name:prov-cache,status:hit")]),
        // Two kinds of networks are not remembered. It answers with an error, which is an answer.
        (
            500,
            r#"{"wifiAccessPoints":[{"macAddress":"89:11:79:64:90:08"},{"macAddress":"4e:a1:80:39:66:36"}],
                "cellTowers":[{"radioType":"gsm","mobileCountryCode":262,"mobileNetworkCode":1,
                "locationAreaCode":2,"cellId":3}]}"#,
            vec![
                named("cache:1|c|#fallback_name:prov-cache,status:bypassed"),
                named("lookup:1|c|#fallback_name:prov-cache,status:500"),
                named("lookup.timing:N.N|ms|#fallback_name:prov-cache"),
            ],
        ),
    ] {
        double.answer(&answer(status)).await;
        scene.send("POST", target, "nonsense", body).await;
        let mut lines = scene.statsd.request().await;
        lines.retain(|line| line.starts_with("location.locate.fallback."));
        assert_eq!(lines, expected, "{status}");
    }
    scene.app.stop().await;
}

pub async fn what_nobody_offers_is_not_counted(backend: Backend) {
    let scene = Scene::start(backend, "http://127.0.0.1:1").await;
    for (method, target) in [
        ("GET", "/unknown"),
        ("PUT", "/v1/geolocate?key=test"),
        ("TRACE", "/v1/geolocate?key=test"),
        ("POST", "/__version__/"),
        ("DELETE", "/__heartbeat__"),
        ("GET", "/robots.txt"),
        ("GET", "/static/css/none.css"),
        ("GET", "/v1/%ff"),
    ] {
        scene.send(method, target, LONDON, "").await;
    }
    // The first that is counted.
    scene.send("GET", "/__lbheartbeat__", LONDON, "").await;
    assert_eq!(
        scene.statsd.request().await,
        [
            "location.request:1|c|#path:__lbheartbeat__,method:get,status:200",
            "location.request.timing:N|ms|#path:__lbheartbeat__,method:get",
        ]
    );
    // Asked by browsers before a request, which is counted itself.
    scene.send("OPTIONS", "/v1/geolocate", LONDON, "").await;
    assert_eq!(
        scene.statsd.request().await,
        [
            "location.request:1|c|#path:v1.geolocate,method:options,status:200",
            "location.request.timing:N|ms|#path:v1.geolocate,method:options",
        ]
    );
    // Runs like the others, without a body.
    scene.send("HEAD", "/v1/country?key=test", LONDON, "").await;
    let lines = scene.statsd.request().await;
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert_eq!(lines[4], "location.request:1|c|#path:v1.country,method:head,status:200");
    scene.app.stop().await;
}

pub async fn a_key_that_cannot_be_checked_is_not_counted(backend: Backend) {
    let scene = Scene::start(backend, "http://127.0.0.1:1").await;
    scene.app.execute(&["DROP TABLE api_key"]);
    scene
        .emits(
            "/v1/geolocate?key=test",
            LONDON,
            "",
            &[
                "request:1|c|#path:v1.geolocate,method:post,status:200",
                "request.timing:N|ms|#path:v1.geolocate,method:post",
            ],
        )
        .await;
    scene.app.stop().await;
}

/// A statsd server that does not exist delays neither the start nor a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statsd_host_that_is_not_found_costs_nothing() {
    let options = ["--statsd-host", "statsd.invalid"];
    let start = std::time::Instant::now();
    let setting = Setting::Direct(Backend::Embedded);
    let app = App::start_with(setting, "http://127.0.0.1:1", &options).await;
    let started = start.elapsed();
    for _ in 0..50 {
        let answer = client::send_raw(app.address, "GET", b"/__lbheartbeat__", &[], None).await;
        assert_eq!(answer.status, 200);
    }
    // A look-up that nobody answers takes seconds.
    let asked = start.elapsed().saturating_sub(started);
    assert!(asked < std::time::Duration::from_secs(4), "{asked:?}");
    app.stop().await;
}
