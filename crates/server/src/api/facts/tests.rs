use std::collections::BTreeSet;
use std::time::Duration;

use ichnaea_domain::locate::{Api, Client, Counts, Query, Request};
use serde_json::{Map, Value, json};

use super::*;
use crate::locate::Provider;
use crate::metrics::CacheStatus;

fn facts(key: KeyFact) -> Facts {
    Facts { key, ..Facts::new(Endpoint::Geolocate) }
}

fn trace(expected: AccuracyClass) -> Trace {
    let query = Query::new(Api::Locate, Request::default(), Client::default());
    let sent = Counts { blue: 1, cell: 2, wifi: 3 };
    let valid = Counts { blue: 0, cell: 1, wifi: 3 };
    Trace { sent, valid, expected, ..Trace::new(&query) }
}

fn logged(facts: &Facts, keys: LogApiKeys) -> Map<String, Value> {
    let mut fields = Fields::default();
    facts.log(&mut fields, keys);
    serde_json::from_str(&fields.object()).unwrap()
}

fn emitted(facts: &Facts) -> Vec<String> {
    let metrics = Metrics::recording();
    facts.emit(&metrics);
    metrics.take_recorded()
}

fn known() -> KeyFact {
    KeyFact::Known("test".to_owned())
}

#[test]
fn the_key_is_named_as_the_setting_allows() {
    use LogApiKeys::{All, Known, None};
    let (sent, key) = (|| "AbCd".to_owned(), || "test".to_owned());
    for (fact, keys, expected) in [
        (KeyFact::None, All, json!({"api_key": "none"})),
        (
            KeyFact::Malformed(sent()),
            Known,
            json!({"api_key": "none", "invalid_api_key": "4 characters"}),
        ),
        (KeyFact::Malformed(sent()), All, json!({"api_key": "none", "invalid_api_key": "AbCd"})),
        (
            KeyFact::Unknown(sent()),
            None,
            json!({"api_key": "invalid", "invalid_api_key": "4 characters"}),
        ),
        (KeyFact::Unknown(sent()), All, json!({"api_key": "invalid", "invalid_api_key": "AbCd"})),
        (
            KeyFact::Unchecked(sent()),
            Known,
            json!({"api_key": "unchecked", "api_key_db_fail": true}),
        ),
        (KeyFact::Unchecked(sent()), All, json!({"api_key": "AbCd", "api_key_db_fail": true})),
        (KeyFact::Forbidden(key()), Known, json!({"api_key": "test", "api_key_allowed": false})),
        (KeyFact::Forbidden(key()), None, json!({"api_key": "known", "api_key_allowed": false})),
        (KeyFact::Known(key()), Known, json!({"api_key": "test"})),
        (KeyFact::Known(key()), None, json!({"api_key": "known"})),
    ] {
        let mut fields = logged(&facts(fact.clone()), keys);
        assert_eq!(fields.remove("api_path"), Some(json!("v1.geolocate")));
        assert_eq!(fields.remove("api_type"), Some(json!("locate")));
        assert_eq!(Value::Object(fields), expected, "{fact:?} {keys:?}");
    }
}

#[test]
fn requests_are_counted_by_what_became_of_their_key() {
    let sent = || "AbCd".to_owned();
    for (fact, key) in [
        (KeyFact::None, Some("none")),
        (KeyFact::Malformed(sent()), Some("none")),
        (KeyFact::Unknown(sent()), Some("invalid")),
        (KeyFact::Forbidden(sent()), Some("invalid")),
        (KeyFact::Unchecked(sent()), None),
        (known(), Some("test")),
    ] {
        let expected: Vec<_> = key
            .map(|key| format!("location.locate.request:1|c|#path:v1.geolocate,key:{key}"))
            .into_iter()
            .collect();
        assert_eq!(emitted(&facts(fact.clone())), expected, "{fact:?}");
    }
}

#[test]
fn a_limit_is_logged_with_what_is_left_of_it() {
    for (count, limit, expected) in [
        (None, Some(2), json!({})),
        (Some(7), None, json!({"api_key_count": 7})),
        (
            Some(2),
            Some(2),
            json!({"api_key_count": 2, "rate_quota": 2, "rate_remaining": 0, "rate_allowed": true}),
        ),
        (
            Some(3),
            Some(2),
            json!({"api_key_count": 3, "rate_quota": 2, "rate_remaining": 0, "rate_allowed": false}),
        ),
    ] {
        let mut facts = facts(known());
        facts.counted(&ApiKey { maxreq: limit, ..ApiKey::default() }, count);
        let mut fields = logged(&facts, LogApiKeys::Known);
        fields.retain(|name, _| name == "api_key_count" || name.starts_with("rate_"));
        assert_eq!(Value::Object(fields), expected, "{count:?} {limit:?}");
    }
}

#[test]
fn a_query_that_can_have_no_result_is_counted_but_not_rated() {
    let facts = Facts { trace: Some(trace(AccuracyClass::None)), ..facts(known()) };
    assert_eq!(emitted(&facts).len(), 1);
    let fields = logged(&facts, LogApiKeys::Known);
    assert_eq!(fields["wifi_valid"], 3);
    assert_eq!(fields["region"], Value::Null);
    assert!(!fields.contains_key("accuracy"));
}

#[test]
fn a_query_without_a_checked_key_is_not_rated() {
    let key = KeyFact::Unchecked("test".to_owned());
    let facts = Facts { trace: Some(trace(AccuracyClass::High)), ..facts(key) };
    assert_eq!(emitted(&facts), Vec::<String>::new());
    assert!(!logged(&facts, LogApiKeys::Known).contains_key("result_status"));
}

#[test]
fn sources_and_result_are_rated_against_what_was_expected() {
    let mut trace = trace(AccuracyClass::High);
    trace.consulted_for_tests(ResultSource::Internal, None, false);
    trace.consulted_for_tests(ResultSource::GeoIp, Some(AccuracyClass::Low), false);
    trace.consulted_for_tests(ResultSource::Provider, Some(AccuracyClass::High), true);
    trace.answer = Some((AccuracyClass::High, ResultSource::Provider));
    trace.provider = Some(Provider {
        name: "other".to_owned(),
        cache: CacheStatus::Miss,
        lookup: Some((200, Duration::from_micros(1500))),
    });
    let facts = Facts { trace: Some(trace), fallback_allowed: true, ..facts(known()) };
    assert_eq!(
        emitted(&facts),
        [
            "location.locate.request:1|c|#path:v1.geolocate,key:test",
            "location.locate.query:1|c|#key:test,geoip:false,blue:one,cell:one,wifi:many",
            "location.locate.source:1|c|#key:test,source:internal,accuracy:high,status:miss",
            "location.locate.source:1|c|#key:test,source:geoip,accuracy:high,status:miss",
            "location.locate.source:1|c|#key:test,source:fallback,accuracy:high,status:hit",
            "location.locate.result:1|c|#key:test,fallback_allowed:true,accuracy:high,status:hit,source:fallback",
            "location.locate.fallback.cache:1|c|#fallback_name:other,status:miss",
            "location.locate.fallback.lookup:1|c|#fallback_name:other,status:200",
            "location.locate.fallback.lookup.timing:1.5|ms|#fallback_name:other",
        ]
    );
    let fields = logged(&facts, LogApiKeys::Known);
    for (name, value) in [
        ("source_internal_accuracy", Value::Null),
        ("source_internal_accuracy_min", json!("high")),
        ("source_internal_status", json!("miss")),
        ("source_geoip_accuracy", json!("low")),
        ("source_fallback_status", json!("hit")),
        ("accuracy", json!("high")),
        ("accuracy_min", json!("high")),
        ("result_status", json!("hit")),
        ("fallback_allowed", json!(true)),
    ] {
        assert_eq!(fields[name], value, "{name}");
    }
}

#[test]
fn submissions_count_when_taken_in() {
    let submit = |batch| Facts { batch, key: known(), ..Facts::new(Endpoint::SubmitV2) };
    let request = "location.submit.request:1|c|#path:v2.geosubmit,key:test";
    for (batch, line) in [
        (Some(Ok(())), "location.data.batch.upload:1|c|#key:test"),
        (Some(Err(Refusal::Backlog)), "location.data.batch.refuse:1|c|#reason:backlog"),
    ] {
        assert_eq!(emitted(&submit(batch)), [request, line]);
    }
    assert_eq!(emitted(&submit(None)), [request]);
    let anonymous = Facts { key: KeyFact::None, ..submit(Some(Ok(()))) };
    assert_eq!(emitted(&anonymous)[1], "location.data.batch.upload:1|c");
}

#[test]
fn the_documented_fields_are_those_that_can_be_logged() {
    let mut found = BTreeSet::new();
    let mut trace = trace(AccuracyClass::High);
    for source in [ResultSource::Internal, ResultSource::GeoIp, ResultSource::Provider] {
        trace.consulted_for_tests(source, None, false);
    }
    for key in [known(), KeyFact::Unknown(String::new()), KeyFact::Unchecked(String::new())] {
        let mut facts = facts(key);
        facts.counted(&ApiKey { maxreq: Some(1), ..ApiKey::default() }, Some(1));
        facts.trace = Some(trace.clone());
        facts.signature = Some("0".repeat(16));
        found.extend(logged(&facts, LogApiKeys::Known).into_iter().map(|(name, _)| name));
    }
    let forbidden = facts(KeyFact::Forbidden(String::new()));
    found.extend(logged(&forbidden, LogApiKeys::Known).into_iter().map(|(name, _)| name));
    let documented: BTreeSet<_> = FIELDS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(found, documented);
}

#[test]
fn a_query_that_is_refused_says_why_and_nothing_of_results() {
    let facts = Facts {
        trace: Some(trace(AccuracyClass::High)),
        refused: Some(Bound::Address),
        ..facts(known())
    };
    assert_eq!(
        emitted(&facts),
        [
            "location.locate.request:1|c|#path:v1.geolocate,key:test",
            "location.query.refuse:1|c|#type:locate,by:address"
        ]
    );
}
