//! What a real process writes to standard error and answers to a scrape.

use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use serde_json::{Value, json};

use crate::running::Running;
use crate::support::app::{App, Setting};
use crate::support::client;

const WIFI: &str = r#"{"wifiAccessPoints":[{"macAddress":"89:11:79:64:90:08"},{"macAddress":"4e:a1:80:39:66:36"}]}"#;

async fn post(running: &Running, target: &str, body: &str) -> Answer {
    let (target, body) = (target.as_bytes(), Some(body.as_bytes()));
    client::send_raw(running.address, "POST", target, &[], body).await
}

/// A line of MozLog, checked for its envelope; its type and its fields.
fn mozlog(line: &str) -> (String, Value) {
    let names: Vec<_> = line.split("\": ").filter_map(|part| part.rsplit('"').next()).collect();
    let order = ["Timestamp", "Type", "Logger", "Hostname", "EnvVersion", "Severity", "Pid"];
    assert_eq!(names[..7], order, "{line}");
    assert!(line.is_ascii(), "{line}");
    let mut record: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    assert!(record["Timestamp"].as_u64().is_some_and(|time| time > 1 << 60), "{line}");
    assert_eq!((&record["Logger"], &record["EnvVersion"]), (&json!("ichnaea"), &json!("2.0")));
    assert!(record["Pid"].is_u64() && record["Severity"].is_u64());
    assert!(record["Hostname"].as_str().is_some_and(|name| !name.is_empty()));
    assert_eq!(record.as_object().unwrap().len(), 8, "{line}");
    (record["Type"].as_str().unwrap().to_owned(), record["Fields"].take())
}

fn request_line(running: &Running) -> Value {
    let line =
        running.line(|line| line.contains("\"canonical-log-line\"") && line.contains("http"));
    mozlog(&line).1
}

pub async fn lines_are_mozlog_with_the_fields_of_the_request(backend: Backend) {
    let running = Running::start(backend, &[]);
    let key = running.key.clone();

    // A hit is not possible on empty tables: this one misses.
    post(&running, &format!("/v1/geolocate?key={key}"), WIFI).await;
    let mut fields = request_line(&running);
    let duration = fields["duration_s"].take();
    assert!(duration.as_f64().is_some_and(|s| s < 60.0 && (s * 1000.0).fract().abs() < 1e-6));
    fields.as_object_mut().unwrap().remove("duration_s");
    assert_eq!(
        fields,
        json!({
            "msg": "POST /v1/geolocate - 404",
            "http_method": "POST", "http_path": "/v1/geolocate", "http_status": 404,
            "api_key": key, "api_path": "v1.geolocate", "api_type": "locate",
            "has_ip": true, "has_geoip": false, "region": null,
            "blue": 0, "cell": 0, "wifi": 2,
            "blue_valid": 0, "cell_valid": 0, "wifi_valid": 2,
            "source_internal_accuracy": null, "source_internal_accuracy_min": "high",
            "source_internal_status": "miss",
            "source_geoip_accuracy": null, "source_geoip_accuracy_min": "high",
            "source_geoip_status": "miss",
            "accuracy": "none", "accuracy_min": "high", "result_status": "miss",
            "fallback_allowed": false,
        })
    );

    // What a stranger sends as a key is no text for the log.
    post(&running, "/v1/country?key=somebodys-secret", "").await;
    let fields = request_line(&running);
    assert_eq!(fields["api_key"], "invalid");
    assert_eq!(fields["invalid_api_key"], "16 characters");

    // Neither monitoring nor preflight has fields of the API.
    client::send_raw(running.address, "GET", b"/__lbheartbeat__", &[], None).await;
    let fields = request_line(&running);
    let names: Vec<_> = fields.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["duration_s", "http_method", "http_path", "http_status", "msg"]);

    // Nothing of what nobody offers: the next line is of the request after it.
    client::send_raw(running.address, "GET", b"/a%0Ab", &[], None).await;
    client::send_raw(running.address, "PUT", b"/v1/country", &[], None).await;
    client::send_raw(running.address, "OPTIONS", b"/v1/country", &[], None).await;
    assert_eq!(request_line(&running)["msg"], "OPTIONS /v1/country - 200");

    let lines = running.stop();
    let secrets = ["89:11:79", "891179649008", "127.0.0.1"];
    for line in &lines {
        let (logger, _) = mozlog(line);
        assert!(logger.starts_with("ichnaea.") || logger == "canonical-log-line", "{line}");
        assert!(!secrets.iter().any(|secret| line.contains(secret)), "{line}");
    }
}

pub async fn figures_are_scraped_from_a_port_of_their_own(backend: Backend) {
    let variables = [("METRICS_PORT", "0"), ("METRICS_BIND", "127.0.0.1")];
    let running = Running::start(backend, &variables);
    let line = running.line(|line| line.contains("Prometheus"));
    let address = mozlog(&line).1["address"].as_str().unwrap().parse().unwrap();
    let scrape = || client::send_raw(address, "GET", b"/metrics", &[], None);

    for _ in 0..3 {
        post(&running, "/v1/geolocate?key=unknown", WIFI).await;
    }
    client::send_raw(running.address, "GET", b"/__lbheartbeat__", &[], None).await;
    let answer = scrape().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = String::from_utf8(answer.body).unwrap();
    for line in [
        r#"location_request_total{path="v1.geolocate",method="post",status="400"} 3"#,
        r#"location_locate_request_total{path="v1.geolocate",key="invalid"} 3"#,
        r#"location_request_total{path="__lbheartbeat__",method="get",status="200"} 1"#,
        r#"location_request_duration_seconds_bucket{path="v1.geolocate",method="post",le="+Inf"} 3"#,
        "# TYPE location_request_duration_seconds histogram",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    for name in ["location_build_info{version=\"", "process_resident_memory_bytes "] {
        assert!(text.lines().any(|found| found.starts_with(name)), "{name} is not in\n{text}");
    }

    assert_eq!(client::send_raw(address, "GET", b"/", &[], None).await.status, 404);
    assert_eq!(client::send_raw(address, "POST", b"/metrics", &[], None).await.status, 405);
    let public = client::send_raw(running.address, "GET", b"/metrics", &[], None).await;
    assert_eq!(public.status, 404);
    running.stop();
}

pub async fn in_development_lines_are_for_people_and_have_the_metrics(backend: Backend) {
    let running = Running::start(backend, &[("LOCAL_DEV_ENV", "true")]);
    client::send_raw(running.address, "GET", b"/__lbheartbeat__", &[], None).await;
    let line = running.line(|line| line.contains("[canonical-log-line]"));
    let (time, rest) = line.split_at(27);
    assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "{line}");
    assert!(
        rest.starts_with(
            " [info     ] GET /__lbheartbeat__ - 200     [canonical-log-line] duration_s="
        ),
        "{line}"
    );
    assert!(rest.ends_with("http_method=GET http_path=/__lbheartbeat__ http_status=200"), "{line}");
    let line = running.line(|line| line.contains("|incr|request|"));
    assert!(
        line.ends_with("|incr|request|1|#path:__lbheartbeat__,method:get,status:200 [markus]"),
        "{line}"
    );
    // Files are shown in development only.
    client::send_raw(running.address, "GET", b"/robots.txt", &[], None).await;
    running.line(|line| line.contains("GET /robots.txt - 200"));
    running.stop();
}

pub async fn a_task_that_did_something_has_a_line(backend: Backend) {
    let app = App::start_with(Setting::Direct(backend), "http://127.0.0.1:1", &[]).await;
    let report = br#"{"items":[{"position":{"latitude":51.0,"longitude":10.0},
        "wifiAccessPoints":[{"macAddress":"89:11:79:64:90:08"}]}]}"#;
    let answer = client::send_raw(app.address, "POST", b"/v2/geosubmit", &[], Some(report)).await;
    assert_eq!(answer.status, 200);
    let config = &app.context.config;
    let run = |task| command_lines(&config.databases.read_write, &config.redis_uri, task);
    let lines = run("update_incoming");
    let line = lines.iter().find(|line| line.contains("canonical-log-line")).unwrap();
    let mut fields = mozlog(line).1;
    assert!(fields["duration_s"].take().is_f64());
    assert_eq!(
        (&fields["msg"], &fields["task"], &fields["items"], &fields["outcome"]),
        (&json!("update_incoming done"), &json!("update_incoming"), &json!(1), &json!("done"))
    );
    assert!(fields["counts"].is_object());
    // One that has nothing to do is of no interest.
    let lines = run("update_cellarea");
    assert!(!lines.iter().any(|line| line.contains("canonical-log-line")), "{lines:?}");
    app.stop().await;
}

/// What a task that is run by hand writes to standard error.
fn command_lines(database: &str, redis: &str, task: &str) -> Vec<String> {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ichnaea"))
        .args(["task", "run", task])
        .env_clear()
        .envs([("DB_READWRITE_URI", database), ("REDIS_URI", redis)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect()
}
