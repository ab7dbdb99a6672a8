//! The bound on unknown stations that one client may ask for.

use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use serde_json::Value;

use crate::support::app::{App, Setting};
use crate::support::client::send_raw;

/// Nobody listens there.
const NO_PROVIDER: &str = "http://127.0.0.1:9";
/// Two access points of the recorded cases.
const KNOWN: &str =
    r#"{"wifiAccessPoints": [{"macAddress": "d308f4cdc595"}, {"macAddress": "38a121654654"}]}"#;

async fn start(backend: Backend, options: &[&str]) -> App {
    let app = App::start_with(Setting::Direct(backend), NO_PROVIDER, options).await;
    app.execute(&["UPDATE api_key SET allow_explain = 1"]);
    app
}

/// Asks for two stations nobody knows, named by this number.
fn unknown(number: u8) -> String {
    format!(
        r#"{{"considerIp": false, "wifiAccessPoints": [{{"macAddress": "5a00000000{number:02x}"}},
        {{"macAddress": "5a00000001{number:02x}"}}]}}"#
    )
}

async fn ask(app: &App, path: &str, key: &str, from: &str, body: &str) -> Answer {
    let target = format!("{path}?key={key}");
    let from = [("X-Forwarded-For", from.as_bytes())];
    send_raw(app.address, "POST", target.as_bytes(), &from, Some(body.as_bytes())).await
}

async fn status(app: &App, path: &str, key: &str, from: &str, body: &str) -> u16 {
    ask(app, path, key, from, body).await.status
}

pub async fn who_goes_through_unknown_stations_is_stopped(backend: Backend) {
    let app = start(backend, &["--max-unknown-by-address", "6"]).await;
    let (geolocate, country) = ("/v1/geolocate", "/v1/country");
    for _ in 0..3 {
        assert_eq!(status(&app, geolocate, "test", "2001:db8::1", &unknown(1)).await, 404);
        assert_eq!(status(&app, country, "test", "2001:db8::2", &unknown(2)).await, 404);
        assert_eq!(status(&app, geolocate, "test", "2001:db8::3", KNOWN).await, 200);
    }
    assert_eq!(status(&app, geolocate, "test", "2001:db8::4", &unknown(3)).await, 404);

    // Neither what is known nor what is not is told any more, by any way.
    for path in [geolocate, "/geolocation/v1/geolocate", country, "/v1/geolocate/explain"] {
        for body in [KNOWN, &unknown(4)] {
            let answer = ask(&app, path, "test", "2001:db8::5", body).await;
            assert_eq!(answer.status, 429, "{path}");
            assert_eq!(answer.header("retry-after"), Some("3600"));
            let document: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(document["error"]["errors"][0]["reason"], "unknownStationsExceeded");
            assert_eq!(document["error"]["code"], 429);
        }
    }
    // Others, and a client that asks for no station, are answered.
    assert_eq!(status(&app, geolocate, "test", "2001:db8:0:1::1", KNOWN).await, 200);
    assert_eq!(status(&app, geolocate, "test", "81.2.69.192", "{}").await, 200);
    assert_eq!(status(&app, geolocate, "test", "2001:db8::5", "{}").await, 404);
    app.stop().await;
}

pub async fn a_key_has_a_bound_whoever_uses_it(backend: Backend) {
    let app = start(backend, &["--max-unknown-by-key", "4"]).await;
    for (number, from) in (1..).zip(["192.0.2.1", "192.0.2.2"]) {
        assert_eq!(status(&app, "/v1/geolocate", "test", from, &unknown(number)).await, 404);
    }
    assert_eq!(status(&app, "/v1/geolocate", "test", "192.0.2.3", KNOWN).await, 429);
    assert_eq!(status(&app, "/v1/geolocate", "no-region", "192.0.2.3", KNOWN).await, 200);
    app.stop().await;
}

pub async fn without_a_bound_all_is_answered(backend: Backend) {
    let app = start(backend, &[]).await;
    for number in 0..40 {
        assert_eq!(status(&app, "/v1/geolocate", "test", "192.0.2.1", &unknown(number)).await, 404);
    }
    app.stop().await;
}

pub async fn what_cannot_be_looked_up_is_not_called_unknown(backend: Backend) {
    let app = start(backend, &["--max-unknown-by-address", "2"]).await;
    assert_eq!(status(&app, "/v1/geolocate", "test", "192.0.2.1", KNOWN).await, 200);
    for shard in "0123456789abcdef".chars() {
        app.execute(&[&format!("ALTER TABLE wifi_shard_{shard} RENAME TO gone_{shard}")]);
    }
    assert_eq!(status(&app, "/v1/geolocate", "test", "192.0.2.1", &unknown(1)).await, 404);
    for shard in "0123456789abcdef".chars() {
        app.execute(&[&format!("ALTER TABLE gone_{shard} RENAME TO wifi_shard_{shard}")]);
    }
    assert_eq!(status(&app, "/v1/geolocate", "test", "192.0.2.1", KNOWN).await, 200);
    app.stop().await;
}
