//! Reports are refused while too much waits, wherever it waits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ichnaea_kv::Op;
use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::app::{App, Setting};
use crate::support::client::send_raw;

/// Nobody listens there.
const NO_PROVIDER: &str = "http://127.0.0.1:9";
/// As the options below say: more than what a test submits while it waits.
const LIMIT: usize = 20_000;
const REPORT: &str = r#"{"items": [{"timestamp": 1700000000000,
    "position": {"latitude": 51.5, "longitude": -0.1},
    "wifiAccessPoints": [{"macAddress": "5a0000000001"}]}]}"#;

async fn submit(address: SocketAddr) -> Answer {
    send_raw(address, "POST", b"/v2/geosubmit?key=test", &[], Some(REPORT.as_bytes())).await
}

/// Submits until the answer has this status.
async fn submit_until(address: SocketAddr, status: u16) -> Answer {
    let submitted = async {
        loop {
            let answer = submit(address).await;
            if answer.status == status {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), submitted).await.unwrap()
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.header("retry-after"), Some("60"));
    let document: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(document["error"]["errors"][0]["reason"], "serviceUnavailable");
}

async fn fill(app: &App, queue: &str, many: usize) {
    let op = Op::Push { queue: queue.to_owned(), items: vec![b"x".to_vec(); many] };
    app.context.kv.apply(vec![op]).await.unwrap();
}

async fn empty(app: &App, queues: &[&str]) {
    let ops = queues.iter().map(|queue| Op::Delete { key: queue.as_bytes().to_vec() });
    app.context.kv.apply(ops.collect()).await.unwrap();
}

pub async fn reports_are_refused_while_observations_pile_up(backend: Backend) {
    let options = ["--max-waiting-reports", "20000"];
    let app = App::start_with(Setting::Direct(backend), NO_PROVIDER, &options).await;
    assert_eq!(submit(app.address).await.status, 200);
    for queue in ["update_wifi_0", "update_datamap_ne", "update_cellarea"] {
        fill(&app, queue, LIMIT).await;
        assert_refused(&submit_until(app.address, 503).await);
        // Who only asks is answered.
        let target = b"/v1/geolocate?key=test";
        let from = [("X-Forwarded-For", &b"81.2.69.192"[..])];
        assert_eq!(send_raw(app.address, "POST", target, &from, Some(b"{}")).await.status, 200);
        empty(&app, &[queue]).await;
        submit_until(app.address, 200).await;
    }
    // Those that are worked on count too.
    fill(&app, "update_wifi_0", LIMIT).await;
    let lease = Duration::from_hours(1);
    let taken = app.context.kv.take("update_wifi_0", 0, lease).await.unwrap().unwrap();
    assert_refused(&submit_until(app.address, 503).await);
    app.context.kv.finish("update_wifi_0", &taken.id, Vec::new()).await.unwrap();
    submit_until(app.address, 200).await;
    app.stop().await;
}

pub async fn reports_are_refused_while_a_target_takes_none(backend: Backend) {
    let options = ["--max-waiting-reports", "1000"];
    let app = App::start_with(Setting::Direct(backend), NO_PROVIDER, &options).await;
    fill(&app, "queue_export_away", 1000).await;
    // A process that starts now.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        let _ = stopped.await;
    };
    let context = Arc::clone(&app.context);
    let server = tokio::spawn(ichnaea_server::http::serve(context, listener, stopped));
    assert_refused(&submit_until(address, 503).await);
    empty(&app, &["queue_export_away", "update_incoming"]).await;
    submit_until(address, 200).await;
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    app.stop().await;
}

pub async fn reports_are_refused_while_they_take_too_much_room(backend: Backend) {
    let options = ["--max-queue-bytes", "1"];
    let app = App::start_with(Setting::Direct(backend), NO_PROVIDER, &options).await;
    assert_refused(&submit_until(app.address, 503).await);
    app.stop().await;
}
