//! Compares answers with the recorded ones; every function returns what differs, in words.

mod rows;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::cases::{NamedRule, ProviderRequest, Response, Rule, Rules, WholeRule};

pub use rows::{TimeSpan, counters, queued, tables};

/// How far two numbers may be apart, relative to the recorded one.
const NUMBER_TOLERANCE: f64 = 1e-9;

/// Radius of the sphere on which the tolerance of a position is measured, metres.
const EARTH_RADIUS_M: f64 = 6_371_000.0;

/// An answer of a server.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// Body after transfer coding.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|header| header.0 == name).map(|header| header.1.as_str())
    }
}

/// A request that reached the provider double.
#[derive(Clone, Debug)]
pub struct Received {
    /// Path and query string.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// JSON body, `Null` when it is none.
    pub body: Value,
}

/// Status, headers and body.
#[must_use]
pub fn response(expected: &Response, rules: &Rules, got: &Answer) -> Vec<String> {
    let mut differences = Vec::new();
    if expected.status != got.status {
        differences.push(format!("status {} for {}", got.status, expected.status));
    }
    for (name, value) in &expected.headers {
        let found = got.header(name);
        if !header_matches(name, value.as_deref(), found) {
            differences.push(format!("header {name}: {found:?} for {value:?}"));
        }
    }
    differences.extend(body(expected, rules, &got.body));
    differences
}

fn header_matches(name: &str, expected: Option<&str>, found: Option<&str>) -> bool {
    let media_type = |value: &str| value.split(';').next().unwrap_or_default().trim().to_owned();
    match (expected, found) {
        (None, found) => found.is_none(),
        (Some("{{present}}"), found) => found.is_some_and(|value| !value.is_empty()),
        (Some(_), None) => false,
        (Some(expected), Some(found)) if name == "content-type" => {
            media_type(expected) == media_type(found)
        }
        (Some(expected), Some(found)) => expected == found,
    }
}

fn body(expected: &Response, rules: &Rules, got: &[u8]) -> Vec<String> {
    let whole = rules.get("body");
    if whole == Some(&Rule::Whole(WholeRule::Ignore)) {
        return Vec::new();
    }
    let shown = || String::from_utf8_lossy(&got[..got.len().min(120)]).into_owned();
    let parsed = || serde_json::from_slice::<Value>(got);
    if let Some(expected) = &expected.body_shape {
        let found = parsed().map(|value| shape(&value)).ok();
        return if found.as_ref() == Some(expected) {
            Vec::new()
        } else {
            vec![format!("shape {found:?} for {expected}")]
        };
    }
    if let Some(expected) = &expected.body {
        let Ok(found) = parsed() else { return vec![format!("body is not JSON: {:?}", shown())] };
        return json_value(expected, &found, rules);
    }
    match &expected.body_text {
        Some(text) if text.as_bytes() != got => vec![format!("body {:?} for {text:?}", shown())],
        _ => Vec::new(),
    }
}

/// Members and types of a value; a list shows its first element.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), shape(value))).collect()
        }
        Value::Array(elements) => elements.first().map(shape).into_iter().collect(),
        Value::Bool(_) => json!("boolean"),
        Value::Number(number) if number.is_f64() => json!("number"),
        Value::Number(_) => json!("integer"),
        Value::Null => json!("null"),
        Value::String(_) => json!("string"),
    }
}

/// Two JSON values, with the rules for their parts.
#[must_use]
pub fn json_value(expected: &Value, got: &Value, rules: &Rules) -> Vec<String> {
    let mut differences = Vec::new();
    compare_at("", expected, got, rules, &mut differences);
    differences
}

fn compare_at(at: &str, expected: &Value, got: &Value, rules: &Rules, out: &mut Vec<String>) {
    if let Some(rule) = rules.get(at) {
        out.extend(apply(rule, expected, got).map(|text| format!("{at}: {text}")));
        return;
    }
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            compare_objects(at, expected, got, rules, out);
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare_at(&format!("{at}/{index}"), expected, got, rules, out);
            }
        }
        _ if is_same(expected, got) => {}
        _ => out.push(format!("{at}: {got} for {expected}")),
    }
}

fn compare_objects(
    at: &str,
    expected: &Map<String, Value>,
    got: &Map<String, Value>,
    rules: &Rules,
    out: &mut Vec<String>,
) {
    let names: BTreeSet<&String> = expected.keys().chain(got.keys()).collect();
    for name in names {
        let at = format!("{at}/{name}");
        match (expected.get(name), got.get(name)) {
            (Some(expected), Some(got)) => compare_at(&at, expected, got, rules, out),
            (Some(_), None) => out.push(format!("{at}: only in the recorded one")),
            (None, _) => out.push(format!("{at}: only in the answer")),
        }
    }
}

/// Whether two values are equal, numbers within their tolerance.
fn is_same(expected: &Value, got: &Value) -> bool {
    match (expected.as_f64(), got.as_f64()) {
        (Some(expected), Some(got)) => {
            (expected - got).abs() <= NUMBER_TOLERANCE * expected.abs().max(1.0)
        }
        _ => expected == got,
    }
}

/// What breaks a rule, if anything.
fn apply(rule: &Rule, expected: &Value, got: &Value) -> Option<String> {
    match rule {
        Rule::Distance { distance_m: allowed } => {
            let Some(distance) = distance_m(expected, got) else {
                return Some(format!("{got} is not a position"));
            };
            let is_near = distance <= *allowed;
            (!is_near).then(|| format!("{distance:.2} m apart, {allowed} allowed"))
        }
        Rule::Abs { abs } => {
            let apart = expected.as_f64().zip(got.as_f64()).map(|(a, b)| (a - b).abs());
            let is_near = apart.is_some_and(|apart| apart <= *abs);
            (!is_near).then(|| format!("{got} for {expected}"))
        }
        Rule::Named { rule: NamedRule::String } => {
            let is_text = got.as_str().is_some_and(|text| !text.is_empty());
            (!is_text).then(|| format!("{got} is not a text"))
        }
        Rule::Named { rule: NamedRule::Keys } => {
            let names = |value: &Value| {
                value.as_object().map(|members| members.keys().cloned().collect::<BTreeSet<_>>())
            };
            let (expected, got) = (names(expected), names(got));
            (expected != got).then(|| format!("members {got:?} for {expected:?}"))
        }
        Rule::Whole(_) => Some("a rule for the whole body at a part of it".to_owned()),
    }
}

/// Distance of two objects with `lat` and `lng` and nothing else, on a sphere.
fn distance_m(expected: &Value, got: &Value) -> Option<f64> {
    let position = |value: &Value| {
        let members = value.as_object().filter(|members| members.len() == 2)?;
        let degrees = |name| members.get(name).and_then(Value::as_f64);
        Some((degrees("lat")?.to_radians(), degrees("lng")?.to_radians()))
    };
    let ((lat, lon), (other_lat, other_lon)) = (position(expected)?, position(got)?);
    let h = ((other_lat - lat) / 2.0).sin().powi(2)
        + lat.cos() * other_lat.cos() * ((other_lon - lon) / 2.0).sin().powi(2);
    Some(2.0 * EARTH_RADIUS_M * h.sqrt().min(1.0).asin())
}

/// What the outside provider received.
#[must_use]
pub fn provider_requests(expected: &[ProviderRequest], got: &[Received]) -> Vec<String> {
    if expected.len() != got.len() {
        return vec![format!("provider: {} requests for {}", got.len(), expected.len())];
    }
    let mut differences = Vec::new();
    for (expected, got) in expected.iter().zip(got) {
        if expected.path != got.path {
            differences.push(format!("provider path {} for {}", got.path, expected.path));
        }
        for (name, value) in &expected.headers {
            let found = got.headers.iter().find(|header| header.0 == *name).map(|header| &header.1);
            if !header_matches(name, Some(value), found.map(String::as_str)) {
                differences.push(format!("provider header {name}: {found:?} for {value:?}"));
            }
        }
        let body = json_value(&expected.body, &got.body, &Rules::new());
        differences.extend(body.into_iter().map(|text| format!("provider body {text}")));
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: Value) -> Rules {
        serde_json::from_value(json).unwrap()
    }

    fn differences(expected: &Value, got: &Value, with: Value) -> usize {
        json_value(expected, got, &rules(with)).len()
    }

    #[test]
    fn equal_values_do_not_differ() {
        let value = json!({"a": [1, 2.5, null, "x", true], "b": {"c": {}}});
        assert_eq!(json_value(&value, &value, &Rules::new()), [""; 0]);
        assert_eq!(differences(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1.0}), json!({})), 0);
    }

    #[test]
    fn numbers_may_differ_by_a_billionth() {
        for (expected, got, count) in [
            (json!(1.0), json!(1.000_000_000_9), 0),
            (json!(1.0), json!(1.000_000_001_1), 1),
            (json!(40_000.0), json!(40_000.000_03), 0),
            (json!(40_000.0), json!(40_000.000_05), 1),
            (json!(0.0), json!(1e-10), 0),
            (json!(1), json!(true), 1),
            (json!(0), json!(false), 1),
            (json!(1), json!("1"), 1),
        ] {
            let found = differences(&expected, &got, json!({}));
            assert_eq!(found, count, "{got} for {expected}");
        }
    }

    #[test]
    fn structure_counts() {
        for (expected, got, count) in [
            (json!({"a": 1, "b": 2}), json!({"a": 1}), 1),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), 1),
            (json!({"a": 1, "b": 2}), json!({"a": 2, "b": 3}), 2),
            (json!([1, 2]), json!([1]), 1),
            (json!([1, 2]), json!([2, 1]), 2),
            (json!(null), json!({}), 1),
            (json!({"a": null}), json!({}), 1),
        ] {
            let found = differences(&expected, &got, json!({}));
            assert_eq!(found, count, "{got} for {expected}");
        }
    }

    #[test]
    fn rules_hold_where_they_point_and_nowhere_else() {
        let position = |lat: f64, lng: f64| json!({"location": {"lat": lat, "lng": lng}});
        let near = json!({"/location": {"distance_m": 1.0}});
        for (got, count) in [
            (position(51.5, -0.1), 0),
            (position(51.500_008, -0.1), 0),
            (position(51.500_01, -0.1), 1),
            (position(51.5, -0.100_014), 0),
            (position(51.5, -0.100_015), 1),
            (json!({"location": {"lat": 51.5}}), 1),
            (json!({"location": null}), 1),
            (json!({}), 1),
            (json!({"location": {"lat": 51.5, "lng": -0.1, "extra": 1}}), 1),
        ] {
            assert_eq!(differences(&position(51.5, -0.1), &got, near.clone()), count, "{got}");
        }
        let abs = json!({"/a": {"abs": 0.5}});
        assert_eq!(
            differences(&json!({"a": 1, "b": 1}), &json!({"a": 1.5, "b": 1}), abs.clone()),
            0
        );
        assert_eq!(
            differences(&json!({"a": 1, "b": 1}), &json!({"a": 1.6, "b": 1}), abs.clone()),
            1
        );
        assert_eq!(
            differences(&json!({"a": 1, "b": 1}), &json!({"a": 1, "b": 1.5}), abs.clone()),
            1
        );
        assert_eq!(differences(&json!({"a": 1}), &json!({"a": "1"}), abs), 1);
        let text = json!({"/a": {"rule": "string"}});
        assert_eq!(differences(&json!({"a": "{{string}}"}), &json!({"a": "b"}), text.clone()), 0);
        assert_eq!(differences(&json!({"a": "{{string}}"}), &json!({"a": ""}), text.clone()), 1);
        assert_eq!(differences(&json!({"a": "{{string}}"}), &json!({"a": 1}), text), 1);
        let keys = json!({"/a": {"rule": "keys"}});
        assert_eq!(differences(&json!({"a": {"x": 1}}), &json!({"a": {"x": 2}}), keys.clone()), 0);
        assert_eq!(differences(&json!({"a": {"x": 1}}), &json!({"a": {"y": 1}}), keys.clone()), 1);
        assert_eq!(differences(&json!({"a": {"x": 1}}), &json!({"a": 1}), keys), 1);
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Answer { status, headers: headers.collect(), body: body.into() }
    }

    fn response_differences(expected: Value, with: Value, got: &Answer) -> usize {
        response(&serde_json::from_value(expected).unwrap(), &rules(with), got).len()
    }

    #[test]
    fn headers_are_present_absent_or_equal() {
        let expected = json!({"status": 200, "headers": {
            "content-type": "text/html; charset=UTF-8", "x-gone": null, "x-any": "{{present}}",
            "x-exact": "a",
        }});
        let good = [("content-type", "text/html"), ("x-any", "b"), ("x-exact", "a")];
        let bad = [("content-type", "text/plain"), ("x-any", ""), ("x-exact", "A"), ("x-gone", "")];
        assert_eq!(response_differences(expected.clone(), json!({}), &answer(200, &good, "")), 0);
        assert_eq!(response_differences(expected.clone(), json!({}), &answer(200, &bad, "")), 4);
        assert_eq!(response_differences(expected, json!({}), &answer(404, &[], "")), 4);
    }

    #[test]
    fn bodies_are_json_text_shape_or_ignored() {
        for (expected, rules, body, count) in [
            (json!({"status": 200, "body": {"a": 1}}), json!({}), r#"{"a": 1}"#, 0),
            (json!({"status": 200, "body": {"a": 1}}), json!({}), "", 1),
            (json!({"status": 200, "body": null}), json!({}), "1", 1),
            (json!({"status": 200, "body": {"a": 1}}), json!({"body": "ignore"}), "", 0),
            (json!({"status": 200, "body_text": "a"}), json!({}), "a", 0),
            (json!({"status": 200, "body_text": "a"}), json!({}), "b", 1),
            (json!({"status": 200, "body_text": ""}), json!({}), "b", 1),
            (json!({"status": 200}), json!({}), "b", 0),
            (
                json!({"status": 200, "body_shape": {"a": ["integer"], "b": "number", "c": []}}),
                json!({"body": "shape"}),
                r#"{"a": [1, "x"], "b": 1.0, "c": []}"#,
                0,
            ),
            (
                json!({"status": 200, "body_shape": {"a": "integer"}}),
                json!({"body": "shape"}),
                r#"{"a": 1.0}"#,
                1,
            ),
            (json!({"status": 200, "body_shape": {}}), json!({"body": "shape"}), "x", 1),
        ] {
            let found = response_differences(expected.clone(), rules, &answer(200, &[], body));
            assert_eq!(found, count, "{body} for {expected}");
        }
    }

    #[test]
    fn requests_to_the_provider_count_and_agree() {
        let expected: Vec<ProviderRequest> = serde_json::from_value(json!([
            {"path": "/one?key=a", "headers": {"user-agent": "ichnaea"}, "body": {"a": 1, "b": 2}}
        ]))
        .unwrap();
        let received = |path: &str, agent: &str, body| Received {
            path: path.to_owned(),
            headers: vec![("user-agent".to_owned(), agent.to_owned())],
            body,
        };
        let same = received("/one?key=a", "ichnaea", json!({"b": 2, "a": 1}));
        let other = received("/one", "else", json!({"b": 2}));
        assert_eq!(provider_requests(&expected, std::slice::from_ref(&same)).len(), 0);
        assert_eq!(provider_requests(&expected, &[other]).len(), 3);
        assert_eq!(provider_requests(&expected, &[]).len(), 1);
        assert_eq!(provider_requests(&expected, &[same.clone(), same]).len(), 1);
    }
}
