//! What one client makes an outside provider say must not become the answer to another.

use ichnaea_testkit::Backend;
use ichnaea_testkit::cases::ProviderAnswer;
use ichnaea_testkit::provider::Provider;
use serde_json::{Value, json};

use crate::support::app::{App, Setting};
use crate::support::client::send_raw;

/// A key of the recorded cases with an outside provider whose answers are kept.
const TARGET: &[u8] = b"/v1/geolocate?key=prov-cache2";

async fn latitude(app: &App, stations: &[&str]) -> f64 {
    let networks: Vec<Value> =
        stations.iter().map(|station| json!({"macAddress": station})).collect();
    let body = json!({"wifiAccessPoints": networks, "considerIp": false}).to_string();
    let answer = send_raw(app.address, "POST", TARGET, &[], Some(body.as_bytes())).await;
    assert_eq!(answer.status, 200, "{stations:?}");
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    body["location"]["lat"].as_f64().unwrap()
}

fn at(lat: f64) -> ProviderAnswer {
    let body = json!({"location": {"lat": lat, "lng": 2.35}, "accuracy": 90.0});
    serde_json::from_value(json!({"status": 200, "body": body})).unwrap()
}

pub async fn stations_of_others_cannot_be_moved_by_asking_for_them(backend: Backend) {
    let provider = Provider::start().await;
    for (shared, expected) in [("no", 51.5), ("yes", 48.85)] {
        let options = ["--fallback-cache-shared", shared];
        let app = App::start_with(Setting::Direct(backend), &provider.uri(), &options).await;
        let [first, second] = ["637191667a01", "46d17ea14a02"];
        let own = ["2202030405a1", "2202030405a2", "2202030405a3"];
        // Stations of others among those of another place: the provider goes by the most.
        provider.answer(&at(48.85)).await;
        latitude(&app, &[&[first, second], &own[..]].concat()).await;
        // With the way of the original, which the recorded cases have, that is the answer to others.
        provider.answer(&at(51.5)).await;
        let theirs = latitude(&app, &[first, second]).await;
        assert!((theirs - expected).abs() < 1e-6, "{shared}: {theirs}");
        // In another order they are the same stations: the provider is not asked again.
        let asked = provider.received().await.len();
        latitude(&app, &[second, first]).await;
        assert_eq!(provider.received().await.len(), asked);
        app.stop().await;
    }
}
