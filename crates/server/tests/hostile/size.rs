//! Bodies that are large, or become large.

use std::fmt::Write as _;

use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use serde_json::{Value, json};

use crate::arbitrary::gzip;
use crate::property::NO_PROVIDER;
use crate::support::app::App;
use crate::support::client;

/// More access points than any device sees.
const MANY: usize = 30_000;

/// The bound of a body, as sent and unpacked, unless configured otherwise.
const BOUND: usize = 10 << 20;

const PATHS: [&str; 6] = [
    "/v1/geolocate",
    "/v1/geolocate/explain",
    "/v1/country",
    "/v1/submit",
    "/v1/geosubmit",
    "/v2/geosubmit",
];

async fn start() -> App {
    let app = App::start(Backend::Embedded, NO_PROVIDER).await;
    app.execute(&["UPDATE api_key SET allow_explain = 1"]);
    app
}

async fn post(app: &App, path: &str, body: &[u8], is_gzip: bool) -> Answer {
    let encoding = [("Content-Encoding", &b"gzip"[..]), ("X-Forwarded-For", b"81.2.69.192")];
    let headers = if is_gzip { &encoding[..] } else { &encoding[1..] };
    let target = format!("{path}?key=test");
    client::send_raw(app.address, "POST", target.as_bytes(), headers, Some(body)).await
}

fn is_refused(answer: &Answer) -> bool {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let reason = body.and_then(|body| body.pointer("/error/errors/0/reason").cloned());
    answer.status == 413 || (answer.status == 400 && reason == Some(json!("parseError")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_taken_up_to_the_bound_and_refused_above() {
    let app = start().await;
    let padded = |len: usize| {
        let mut body = br#"{"items": []}"#.to_vec();
        body.resize(len, b' ');
        body
    };
    for path in PATHS {
        for (body, is_gzip, is_taken) in [
            (padded(BOUND), false, true),
            (padded(BOUND + 1), false, false),
            (gzip(&padded(BOUND)), true, true),
            (gzip(&padded(BOUND + 1)), true, false),
            (gzip(&padded(20 * BOUND)), true, false),
            (gzip(&gzip(&padded(20 * BOUND))), true, false),
        ] {
            let answer = post(&app, path, &body, is_gzip).await;
            let len = body.len();
            if is_taken {
                assert!(answer.status < 300, "{path} {len}: status {}", answer.status);
            } else {
                assert!(is_refused(&answer), "{path} {len}: status {}", answer.status);
            }
        }
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_nesting_is_refused() {
    let app = start().await;
    for path in PATHS {
        for (open, close) in [("[", "]"), (r#"{"items":"#, "}"), (r#"{"items":["#, "]}")] {
            let body = [open.repeat(100_000), "1".to_owned(), close.repeat(100_000)].concat();
            let answer = post(&app, path, body.as_bytes(), false).await;
            assert!(is_refused(&answer), "{path} {open}: status {}", answer.status);
        }
    }
    app.stop().await;
}

/// JSON of many access points that nobody knows, all of them weak.
fn access_points() -> String {
    let mut list = String::new();
    for number in 0..MANY {
        let separator = if number == 0 { "" } else { "," };
        let (high, low) = (number >> 8, number & 0xff);
        let signal = -70 - i64::try_from(number % 30).expect("small");
        let _ = write!(
            list,
            r#"{separator}{{"macAddress":"5a:00:00:{:02x}:{:02x}:{low:02x}","signalStrength":{signal}}}"#,
            high >> 8,
            high & 0xff,
        );
    }
    list
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_thousand_access_points_are_looked_up() {
    let app = start().await;
    let body = |known: &str| format!(r#"{{"wifiAccessPoints":[{known}{}]}}"#, access_points());
    let answer = post(&app, "/v1/geolocate", body("").as_bytes(), false).await;
    let found: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((answer.status, &found["fallback"]), (200, &json!("ipf")), "none is known");

    let answer = post(&app, "/v1/country", body("").as_bytes(), false).await;
    let found: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((answer.status, &found["country_code"]), (200, &json!("GB")));

    let known = r#"{"macAddress":"d308f4cdc595","signalStrength":-50},
        {"macAddress":"38a121654654","signalStrength":-60}"#;
    let few = format!(r#"{{"wifiAccessPoints":[{known}]}}"#);
    let expected = post(&app, "/v1/geolocate", few.as_bytes(), false).await;
    let answer = post(&app, "/v1/geolocate", body(&format!("{known},")).as_bytes(), false).await;
    assert_eq!(answer.status, 200);
    let text = |answer: &Answer| String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(text(&answer), text(&expected), "the unknown ones change nothing");
    assert!(!text(&answer).contains("fallback"), "the known ones are found");

    // What is told of them is bounded, too.
    let body = body(&format!("{known},"));
    let answer = post(&app, "/v1/geolocate/explain", body.as_bytes(), false).await;
    let explained: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(explained["stations"]["wifi"].as_array().map(Vec::len), Some(500));
    assert_eq!(explained["ignored"]["wifi"], MANY + 2 - 500);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_thousand_access_points_are_reported() {
    let app = App::start(Backend::Embedded, NO_PROVIDER).await;
    let body = format!(
        r#"{{"items":[{{"position":{{"latitude":51.5,"longitude":-0.1}},"wifiAccessPoints":[{}]}}]}}"#,
        access_points()
    );
    let answer = post(&app, "/v2/geosubmit", body.as_bytes(), false).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]));
    let queue = ichnaea_server::keys::incoming();
    let items = app.context.kv.peek(&queue.name, 0, 10).await.expect("the queue");
    assert_eq!(items.len(), 1);
    let queued: Value = queue.decode(&items[0]).expect("a report");
    let reported = queued["report"]["wifiAccessPoints"].as_array().map(Vec::len);
    assert_eq!(reported, Some(MANY));
    app.stop().await;
}
