//! `/v1/geolocate/explain`.

use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::send_raw;

/// Nobody listens there.
const NO_PROVIDER: &str = "http://127.0.0.1:9";
const EXPLAIN: &str = "/v1/geolocate/explain";
/// Two access points of the recorded cases, and one that nobody knows.
const WIFI: &str = r#"{"wifiAccessPoints": [{"macAddress": "D3-08-F4-CD-C5-95"},
    {"macAddress": "5a:00:00:00:00:01"}, {"macAddress": "38a121654654"}, {"macAddress": "x"}]}"#;

async fn start(backend: Backend) -> App {
    let app = App::start(backend, NO_PROVIDER).await;
    app.execute(&["UPDATE api_key SET allow_explain = 1 WHERE valid_key <> 'no-region'"]);
    app
}

async fn post(app: &App, path: &str, key: &str, body: &str) -> Answer {
    let target = format!("{path}?key={key}");
    let from = [("X-Forwarded-For", &b"81.2.69.192"[..])];
    send_raw(app.address, "POST", target.as_bytes(), &from, Some(body.as_bytes())).await
}

fn document(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

fn reason(answer: &Answer) -> (u16, Value) {
    (answer.status, document(answer)["error"]["errors"][0]["reason"].take())
}

pub async fn the_answer_is_that_of_geolocate_and_says_which_stations_are_known(backend: Backend) {
    let app = start(backend).await;
    let plain = document(&post(&app, "/v1/geolocate", "test", WIFI).await);
    let answer = post(&app, EXPLAIN, "test", WIFI).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let explained = document(&answer);
    assert_eq!(explained["location"], plain["location"]);
    assert_eq!(explained["accuracy"], plain["accuracy"]);
    assert_eq!(explained["source"], "internal");
    assert_eq!(explained.get("fallback"), None);
    assert_eq!(
        explained["stations"],
        json!({
            "wifi": [
                {"macAddress": "d3:08:f4:cd:c5:95", "known": true},
                {"macAddress": "5a:00:00:00:00:01", "known": false},
                {"macAddress": "38:a1:21:65:46:54", "known": true},
            ],
            "bluetooth": [], "cell": [], "area": [],
        })
    );
    assert_eq!(explained["ignored"], json!({"wifi": 1, "bluetooth": 0, "cell": 0}));

    let cell = r#"{"considerIp": false, "cellTowers": [{"radioType": "lte", "mobileCountryCode": 234,
        "mobileNetworkCode": 30, "locationAreaCode": 1202, "cellId": 99}]}"#;
    let explained = document(&post(&app, EXPLAIN, "test", cell).await);
    assert_eq!(
        (&explained["source"], &explained["fallback"]),
        (&json!("internal"), &json!("lacf"))
    );
    let named = json!({"radioType": "lte", "mobileCountryCode": 234, "mobileNetworkCode": 30,
        "locationAreaCode": 1202, "cellId": 99, "known": false});
    assert_eq!(explained["stations"]["cell"], json!([named]));
    assert_eq!(explained["stations"]["area"][0]["known"], true);
    app.stop().await;
}

pub async fn nothing_is_told_of_one_access_point(backend: Backend) {
    let app = start(backend).await;
    let alone = r#"{"wifiAccessPoints": [{"macAddress": "d308f4cdc595"}]}"#;
    let twice = r#"{"wifiAccessPoints": [{"macAddress": "d308f4cdc595"},
        {"macAddress": "D3:08:F4:CD:C5:95"}]}"#;
    for (body, ignored) in [(alone, 1), (twice, 2)] {
        let explained = document(&post(&app, EXPLAIN, "test", body).await);
        assert_eq!(explained["stations"]["wifi"], json!([]));
        assert_eq!(explained["ignored"]["wifi"], ignored);
        assert_eq!(explained["source"], "geoip");
    }
    app.stop().await;
}

pub async fn a_query_without_a_position_is_answered_all_the_same(backend: Backend) {
    let app = start(backend).await;
    let explained = post(&app, EXPLAIN, "test", r#"{"considerIp": false}"#).await;
    assert_eq!(explained.status, 200);
    let explained = document(&explained);
    assert_eq!((&explained["location"], &explained["accuracy"]), (&Value::Null, &Value::Null));
    assert_eq!((explained.get("source"), explained.get("fallback")), (None, None));
    app.stop().await;
}

pub async fn the_permission_decides_and_is_looked_up_each_time(backend: Backend) {
    let app = start(backend).await;
    for (key, expected) in [
        ("no-region", (403, json!("keyNotAllowed"))),
        ("no-locate", (400, json!("keyInvalid"))),
        ("unknown-key", (400, json!("keyInvalid"))),
        ("", (400, json!("keyInvalid"))),
    ] {
        let answer = post(&app, EXPLAIN, key, WIFI).await;
        assert_eq!(reason(&answer), expected, "{key}");
    }
    // Positions are given without a check then; this is not.
    app.execute(&["DROP TABLE api_key"]);
    assert_eq!(post(&app, "/v1/geolocate", "another-key", WIFI).await.status, 200);
    let answer = post(&app, EXPLAIN, "another-key", WIFI).await;
    assert_eq!(reason(&answer), (503, json!("serviceUnavailable")));
    assert_eq!(answer.header("retry-after"), Some("60"));
    app.stop().await;
}

pub async fn the_daily_limit_counts(backend: Backend) {
    let app = start(backend).await;
    assert_eq!(post(&app, EXPLAIN, "limit-one", WIFI).await.status, 200);
    let answer = post(&app, EXPLAIN, "limit-one", WIFI).await;
    assert_eq!(reason(&answer), (403, json!("dailyLimitExceeded")));
    let counters = app.context.kv.keys("apilimit:limit-one:v1.geolocate.explain:").await.unwrap();
    assert_eq!(counters.len(), 1);
    app.stop().await;
}

pub async fn nothing_is_learned_from_it(backend: Backend) {
    let app = start(backend).await;
    let waiting = async || {
        let queues = [ichnaea_server::keys::UPDATE_INCOMING.to_owned()];
        app.context.kv.queues(&queues).await.unwrap()[0].len
    };
    post(&app, EXPLAIN, "test", WIFI).await;
    assert_eq!(waiting().await, 0);
    post(&app, "/v1/geolocate", "test", WIFI).await;
    // It is sent behind the answer.
    let taught = async {
        while waiting().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    let taught = tokio::time::timeout(std::time::Duration::from_secs(30), taught).await;
    assert!(taught.is_ok(), "the same query teaches something otherwise");
    assert_eq!(waiting().await, 1);
    app.stop().await;
}

pub async fn what_geolocate_refuses_is_refused(backend: Backend) {
    let app = start(backend).await;
    for body in
        ["[1]", "{", r#"{"wifiAccessPoints": 1}"#, r#"{"cellTowers": [{"cellId": [1]}, 1]}"#]
    {
        let answer = post(&app, EXPLAIN, "test", body).await;
        let plain = post(&app, "/v1/geolocate", "test", body).await;
        assert_eq!((answer.status, &answer.body), (plain.status, &plain.body), "{body}");
    }
    // Not "unknown" when it is not known whether.
    app.execute(&["DROP TABLE wifi_shard_f"]);
    let answer = post(&app, EXPLAIN, "test", WIFI).await;
    assert_eq!(reason(&answer), (503, json!("serviceUnavailable")));
    app.stop().await;
}
