//! What holds for every answer, whatever the request.

use std::cell::Cell;

use ichnaea_server::tasks::Run;
use ichnaea_server::tasks::drain::Drain;
use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::arbitrary::{self, HostileRequest};
use crate::support::app::App;
use crate::support::client;

/// Requests to each path.
const CASES: u32 = 1000;

/// Nobody listens there.
pub const NO_PROVIDER: &str = "http://127.0.0.1:9";

#[test]
fn locate_answers_everything_without_a_server_error() {
    for path in
        ["/v1/geolocate", "/geolocation/v1/geolocate", "/v1/geolocate/explain", "/v1/country"]
    {
        answers_everything(path, &arbitrary::locate_request());
    }
}

#[test]
fn submit_answers_everything_and_the_pipeline_works_it_off() {
    for path in ["/v1/submit", "/v1/geosubmit", "/v2/geosubmit"] {
        answers_everything(path, &arbitrary::submit_request());
    }
}

fn answers_everything(path: &str, requests: &impl Strategy<Value = HostileRequest>) {
    let runtime = Runtime::new().expect("a runtime");
    let app = runtime.block_on(App::start(Backend::Embedded, NO_PROVIDER));
    app.execute(&["UPDATE api_key SET allow_explain = 1"]);
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(requests, |request| {
        let answer = runtime.block_on(send(&app, path, &request));
        prop_assert!(answer.status < 500, "status {}", answer.status);
        // No answer for a query is as good as one: the request was understood.
        match answer.status {
            200 | 204 => taken.set(taken.get() + 1),
            404 if answer.header("access-control-allow-origin").is_some() => {
                taken.set(taken.get() + 1);
            }
            _ => refused.set(refused.get() + 1),
        }
        if request.method != "HEAD" && answer.header("content-type") == Some("application/json") {
            let body: Result<serde_json::Value, _> = serde_json::from_slice(&answer.body);
            prop_assert!(body.is_ok(), "not JSON: {:?}", String::from_utf8_lossy(&answer.body));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{path}: {failure}"));
    let (taken, refused) = (taken.get(), refused.get());
    let few = CASES / 20;
    assert!(taken > few && refused > few, "{path}: {taken} requests taken, {refused} refused");
    runtime.block_on(async {
        let run = Run::new(app.context.clone());
        let drain = Drain { respects_batches: false };
        drain.run(&run, |_| {}).await.expect("the pipeline works everything off");
        app.stop().await;
    });
}

async fn send(app: &App, path: &str, request: &HostileRequest) -> Answer {
    let target = [path.as_bytes(), b"?", &request.query].concat();
    let headers = request.headers.iter().map(|(name, value)| (*name, value.as_slice()));
    let headers: Vec<_> = headers.collect();
    client::send_raw(app.address, request.method, &target, &headers, Some(&request.body)).await
}
