//! `/openapi.json`: valid, and true.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ichnaea_testkit::Backend;
use ichnaea_testkit::compare::Answer;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::client::send_raw;

/// Where `scripts/prepare-tests` puts programs from the Python package index.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-tools/bin/python");
const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/check_description.py");
/// Nobody listens there.
const NO_PROVIDER: &str = "http://127.0.0.1:9";

/// What the checker says is wrong.
fn problems(input: &Value) -> String {
    assert!(
        Path::new(PYTHON).exists(),
        "{PYTHON} is missing: run scripts/prepare-tests, which installs the validator from PyPI"
    );
    let mut checker = Command::new(PYTHON)
        .arg(CHECK)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = checker.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).unwrap();
    drop(stdin);
    let ended = checker.wait_with_output().unwrap();
    assert!(ended.status.success(), "the checker failed");
    String::from_utf8(ended.stdout).unwrap()
}

async fn fetch(app: &App) -> (Answer, Value) {
    let answer = send_raw(app.address, "GET", b"/openapi.json", &[], None).await;
    let document = serde_json::from_slice(&answer.body).unwrap();
    (answer, document)
}

pub async fn the_document_is_served_to_tools_anywhere(backend: Backend) {
    let app = App::start(backend, NO_PROVIDER).await;
    let (answer, document) = fetch(&app).await;
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("content-type", "application/json"),
        ("cache-control", "max-age=3600, public"),
        ("access-control-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), Some(value));
    }
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(document["servers"], json!([{"url": "/"}]));
    let head = send_raw(app.address, "HEAD", b"/openapi.json", &[], None).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), answer.header("content-length"));
    assert_eq!(send_raw(app.address, "POST", b"/openapi.json", &[], None).await.status, 405);
    app.stop().await;
}

/// A request that the document shows.
struct Shown {
    name: String,
    method: String,
    target: String,
    body: Option<String>,
}

/// Every example of an operation, or the operation itself when it has no body.
fn shown(path: &str, method: &str, operation: &Value) -> Vec<Shown> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let query: Vec<String> = parameters
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| {
            let name = parameter["name"].as_str().unwrap();
            // The example of a key is nobody's.
            let example = if name == "key" { "test".into() } else { parameter["example"].clone() };
            let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            assert_ne!(text, "null", "{path}: {name} has an example");
            format!("{name}={text}")
        })
        .collect();
    let target = format!("{path}?{}", query.join("&"));
    let one = |name: &str, body: Option<String>| Shown {
        name: format!("{method} {path} {name}"),
        method: method.to_uppercase(),
        target: target.clone(),
        body,
    };
    let examples = &operation["requestBody"]["content"]["application/json"]["examples"];
    match examples.as_object() {
        None => vec![one("", None)],
        Some(examples) => {
            let body = |example: &Value| Some(example["value"].to_string());
            examples.iter().map(|(name, example)| one(name, body(example))).collect()
        }
    }
}

pub async fn every_example_is_answered_as_it_says(backend: Backend) {
    let app = App::start(backend, NO_PROVIDER).await;
    app.execute(&["UPDATE api_key SET allow_explain = 1"]);
    let (_, document) = fetch(&app).await;
    let mut answers = Vec::new();
    let mut sent = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for Shown { name, method, target, body } in shown(path, method, operation) {
                let from = [("X-Forwarded-For", &b"81.2.69.192"[..])];
                let body = body.as_deref().map(str::as_bytes);
                let answer = send_raw(app.address, &method, target.as_bytes(), &from, body).await;
                sent += 1;
                let response = &operation["responses"][answer.status.to_string()];
                assert!(response.is_object(), "{name}: {} is not documented", answer.status);
                let is_broken = name.ends_with(" broken");
                assert_eq!(answer.status == 400, is_broken, "{name}");
                for header in response["headers"].as_object().into_iter().flatten() {
                    let header = header.0.to_ascii_lowercase();
                    assert!(answer.header(&header).is_some(), "{name}: {header}");
                }
                let Some(media_type) = answer.header("content-type") else {
                    assert_eq!(response.get("content"), None, "{name}: no body");
                    continue;
                };
                let schema = &response["content"][media_type];
                assert!(schema.is_object(), "{name}: {media_type} is not documented");
                if schema["schema"].is_object() {
                    let body: Value = serde_json::from_slice(&answer.body).unwrap();
                    answers.push(json!({"name": name, "schema": schema["schema"], "body": body}));
                }
            }
            // And what is shown as an answer is one.
            for (status, response) in operation["responses"].as_object().unwrap() {
                let content = &response["content"]["application/json"];
                for (name, example) in content["examples"].as_object().into_iter().flatten() {
                    let name = format!("{method} {path} {status} {name}");
                    let (schema, body) = (&content["schema"], &example["value"]);
                    answers.push(json!({"name": name, "schema": schema, "body": body}));
                }
            }
        }
    }
    assert!(sent > 30, "{sent} requests");
    assert_eq!(problems(&json!({"document": document, "answers": answers})), "");

    // The checker finds what is wrong.
    let wrong = json!({"name": "wrong", "schema": {"$ref": "#/components/schemas/Position"},
        "body": {"location": {"lat": "north", "lng": 1}, "accuracy": 1}});
    let mut broken = document.clone();
    broken["paths"]["/v1/country"]["get"]["responses"] = json!({"200": {}});
    let found = problems(&json!({"document": broken, "answers": [wrong]}));
    assert!(found.contains("document: ") && found.contains("wrong: "), "{found}");
    app.stop().await;
}
