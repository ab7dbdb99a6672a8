use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::locate_request;
use crate::api::read_members;
use crate::api::submit_request::{self, Version};
use crate::json;

fn document() -> Value {
    serde_json::from_str(super::json()).unwrap()
}

/// The members of a type as `a.*.b`, through all it refers to.
fn members(document: &Value, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        return members(document, document.pointer(pointer).unwrap(), path, found);
    }
    let parts = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|of| schema[of].as_array());
    for part in parts.flatten() {
        members(document, part, path, found);
    }
    if schema["items"].is_object() {
        members(document, &schema["items"], &format!("{path}.*"), found);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        found.insert(path.clone());
        members(document, member, &path, found);
    }
}

fn documented(name: &str) -> BTreeSet<String> {
    let document = document();
    let mut found = BTreeSet::new();
    members(&document, &document["components"]["schemas"][name], "", &mut found);
    assert!(!found.is_empty());
    found
}

#[test]
fn what_queries_may_say_is_what_is_read() {
    let body = r#"{"wifiAccessPoints": [{}], "bluetoothBeacons": [{}],
        "cellTowers": [{}, {"radioType": "nr"}], "fallbacks": {}}"#;
    let body = json::parse(body).unwrap();
    let read = read_members(|| locate_request::read(Some(&body)).is_ok());
    assert_eq!(documented("LocateRequest"), read);
}

#[test]
fn what_reports_may_say_is_what_is_read() {
    let newest = r#"{"items": [{"position": {}},
        {"wifiAccessPoints": [{}], "bluetoothBeacons": [{}], "cellTowers": [{"radioType": "nr"}]}]}"#;
    let oldest = r#"{"items": [{"wifi": [{}], "blue": [{}], "cell": [{"radio": "nr"}]}]}"#;
    for (name, version, body) in [
        ("SubmitV2", Version::V2, newest),
        ("SubmitV1", Version::V1, newest),
        ("SubmitV0", Version::V0, oldest),
    ] {
        let body = json::parse(body).unwrap();
        let read = read_members(|| submit_request::read(Some(&body), version, 0).is_ok());
        assert_eq!(documented(name), read, "{name}");
    }
}

#[test]
fn every_error_stands_in_the_document_with_its_body() {
    let text = super::json();
    let document = document();
    let mut examples = BTreeSet::new();
    for (_, item) in document["paths"].as_object().unwrap() {
        for (_, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let content = &response["content"]["application/json"]["examples"];
                for (name, example) in content.as_object().into_iter().flatten() {
                    assert_eq!(example["value"]["error"]["code"].to_string(), *status, "{name}");
                    examples.insert(name.clone());
                }
            }
        }
    }
    // As the enum itself has them: a new one must be documented.
    let source = include_str!("../api/error.rs");
    let variants = source.split("pub enum ApiError {").nth(1).unwrap();
    let variants = variants.split("\n}").next().unwrap().lines();
    let variants: BTreeSet<String> = variants
        .map(str::trim)
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.trim_end_matches(',').split('(').next().unwrap().to_owned())
        .collect();
    assert!(variants.len() >= 10, "{variants:?}");
    assert_eq!(examples, variants);
    assert!(!text.contains("http://") && !text.contains("localhost"), "it names no host");
}

#[test]
fn every_type_that_is_named_is_there() {
    let text = super::json();
    let document = document();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
}
