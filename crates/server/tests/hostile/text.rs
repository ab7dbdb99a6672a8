//! Text that means something to a database, a key-value store, a page, a log or a shell, put wherever a
//! stranger may put text: it is text to all of them.

use ichnaea_testkit::Backend;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use crate::property::NO_PROVIDER;
use crate::support::app::App;
use crate::support::client::send_raw;

const TEXTS: [&str; 12] = [
    "' OR '1'='1",
    "test' -- ",
    "'; DROP TABLE api_key; --",
    "\" UNION SELECT valid_key FROM api_key #",
    "x\r\nFLUSHALL\r\n",
    "*1\r\n$8\r\nFLUSHALL\r\n",
    "a\r\n.\r\nMAIL FROM:<x@example.org>",
    "{{1234*5678}}${1234*5678}<%= 1234*5678 %>",
    "${jndi:ldap://127.0.0.1:9/a}",
    "<script>alert(1)</script>",
    "\n{\"Timestamp\": 1, \"Severity\": 0}\u{1b}[31m",
    "$(touch /tmp/ichnaea)`id`",
];

/// Targets with the text as a key, and as a part of a path.
fn targets(text: &str) -> Vec<String> {
    let escaped = percent_encode(text.as_bytes(), NON_ALPHANUMERIC);
    vec![
        format!("/v1/geolocate?key={escaped}"),
        format!("/v1/geolocate?key=test&{escaped}={escaped}"),
        format!("/v2/geosubmit?key={escaped}"),
        format!("/v1/country?key={escaped}"),
        format!("/coverage.json?bbox={escaped}"),
        format!("/{escaped}"),
        format!("/static/{escaped}"),
        format!("/downloads/export/{escaped}"),
        format!("/locate?{escaped}"),
    ]
}

/// A body with the text in every place that takes one.
fn body(text: &str) -> Vec<u8> {
    let networks = json!([
        {"macAddress": text, "ssid": text, "radioType": text, "name": text},
        {"macAddress": "d308f4cdc595", "ssid": text, "radioType": text},
        {"macAddress": "38a121654654", "ssid": text},
    ]);
    let cells = json!([{"radioType": text, "mobileCountryCode": 262, "cellId": 1}]);
    let report = json!({
        "timestamp": 1_700_000_000_000_i64, "position": {"latitude": 51.5, "longitude": -0.1, "source": text},
        "wifiAccessPoints": networks, "bluetoothBeacons": networks, "cellTowers": cells,
    });
    let document = json!({
        "items": [report], "carrier": text, "radioType": text, "homeMobileCountryCode": text,
        "wifiAccessPoints": networks, "bluetoothBeacons": networks, "cellTowers": cells, text: text,
    });
    document.to_string().into_bytes()
}

pub async fn text_is_text(backend: Backend) {
    let app = App::start(backend, NO_PROVIDER).await;
    let keys = app.context.kv.keys("").await.unwrap().len();
    let mut reports: u64 = 0;
    for text in TEXTS {
        // What cannot stand in a header does not get that far.
        let header: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_control()).collect();
        let headers = [
            "User-Agent",
            "X-Forwarded-For",
            "Referer",
            "Cookie",
            "If-None-Match",
            "Accept-Language",
        ]
        .map(|name| (name, header.as_slice()));
        for target in targets(text) {
            for method in ["GET", "POST"] {
                let body = (method == "POST").then(|| body(text));
                let answer =
                    send_raw(app.address, method, target.as_bytes(), &headers, body.as_deref())
                        .await;
                assert!(answer.status < 500, "{method} {target}: {}", answer.status);
                if method == "POST" && target.contains("geosubmit") {
                    assert_eq!(answer.status, 200, "{text:?}");
                    reports += 1;
                }
                let shown = String::from_utf8_lossy(&answer.body);
                if answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
                    assert!(!shown.contains("<script>alert"), "{method} {target}");
                    assert!(!shown.contains("1234*5678"), "{method} {target}");
                }
                assert!(!shown.contains("7006652"), "{method} {target}: it was computed");
                for (name, value) in &answer.headers {
                    assert!(!value.contains("alert(1)"), "{name} of {target}");
                }
            }
        }
        // No such text is a key, and the real ones are still there.
        let target = &targets(text)[0];
        let answer = send_raw(app.address, "POST", target.as_bytes(), &[], Some(b"{}")).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["error"]["errors"][0]["reason"], "keyInvalid", "{target}");
        let target = b"/v1/geolocate?key=test";
        let networks = json!({"wifiAccessPoints":
            [{"macAddress": "d308f4cdc595"}, {"macAddress": "38a121654654"}]});
        let networks = networks.to_string();
        let answer = send_raw(app.address, "POST", target, &[], Some(networks.as_bytes())).await;
        assert_eq!(answer.status, 200, "after {text:?}");
    }
    // Every submission waits as it was sent, and what was there before is still there.
    let queues = vec![ichnaea_server::keys::UPDATE_INCOMING.to_owned()];
    let waiting = app.context.kv.queues(&queues).await.unwrap()[0].len;
    assert!(waiting >= reports, "{waiting} of {reports}");
    assert!(app.context.kv.keys("").await.unwrap().len() > keys);
    app.stop().await;
}
