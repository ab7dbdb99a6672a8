//! `ichnaea apikey`.

use ichnaea_testkit::Backend;
use serde_json::{Value, json};

use crate::command::{Backends, Ichnaea};

fn shown(ichnaea: &Ichnaea, key: &str) -> Value {
    let ended = ichnaea.run(&["apikey", "show", key, "--json"]);
    assert_eq!(ended.status, 0);
    serde_json::from_str(&ended.lines.concat()).unwrap()
}

pub fn keys_are_created_listed_changed_and_deleted(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    assert_eq!(ichnaea.run(&["apikey", "list"]).lines, ["0 api keys."]);
    let created = ichnaea.run(&["apikey", "create", "our-app"]);
    assert_eq!((created.status, created.lines), (0, vec!["Created API key: 'our-app'".to_owned()]));
    let again = ichnaea.run(&["apikey", "create", "OUR-app"]);
    assert_eq!(again.status, 1);
    assert_eq!(again.complaints, ["ichnaea: API key 'OUR-app' exists"]);
    assert_eq!(
        ichnaea.run(&["apikey", "list"]).lines,
        [
            "1 api keys.",
            "valid_key | allow_fallback | allow_locate | allow_region",
            "our-app   | False          | True         | True        ",
        ]
    );
    let expected = json!({
        "valid_key": "our-app", "maxreq": 100, "allow_fallback": false, "allow_locate": true,
        "allow_region": true, "fallback_name": null, "fallback_schema": null,
        "fallback_url": null, "fallback_ratelimit": null, "fallback_ratelimit_interval": null,
        "fallback_cache_expire": null, "store_sample_submit": 100, "store_sample_locate": 100,
    });
    assert_eq!(shown(&ichnaea, "Our-App"), expected);

    let values = [
        ("--maxreq", "5", "maxreq", json!(5)),
        ("--allow-fallback", "true", "allow_fallback", json!(true)),
        ("--allow-locate", "false", "allow_locate", json!(false)),
        ("--allow-region", "false", "allow_region", json!(false)),
        ("--fallback-name", "partner", "fallback_name", json!("partner")),
        ("--fallback-schema", "combain/v1", "fallback_schema", json!("combain/v1")),
        (
            "--fallback-url",
            "http://partner.example/",
            "fallback_url",
            json!("http://partner.example/"),
        ),
        ("--fallback-ratelimit", "10", "fallback_ratelimit", json!(10)),
        ("--fallback-ratelimit-interval", "60", "fallback_ratelimit_interval", json!(60)),
        ("--fallback-cache-expire", "3600", "fallback_cache_expire", json!(3600)),
        ("--store-sample-submit", "0", "store_sample_submit", json!(0)),
        ("--store-sample-locate", "50", "store_sample_locate", json!(50)),
    ];
    let mut changed = expected;
    for (flag, value, column, stored) in values {
        assert_eq!(ichnaea.run(&["apikey", "update", "our-app", flag, value]).status, 0, "{flag}");
        changed[column] = stored;
        assert_eq!(shown(&ichnaea, "our-app"), changed, "{flag}");
    }
    assert_eq!(ichnaea.run(&["apikey", "delete", "our-app"]).status, 0);
    for command in [&["show", "our-app"][..], &["delete", "our-app"], &["update", "our-app"]] {
        let ended = ichnaea.run(&[&["apikey"], command].concat());
        assert_eq!(ended.status, 1);
        assert_eq!(ended.complaints, ["ichnaea: API key 'our-app' does not exist"]);
    }
}

pub fn a_key_is_random_unless_named(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let ended = ichnaea.run(&["apikey", "create", "--maxreq", "0", "--json"]);
        let key: Value = serde_json::from_str(&ended.lines.concat()).unwrap();
        assert_eq!(key["maxreq"], 0);
        keys.push(key["valid_key"].as_str().unwrap().to_owned());
    }
    assert_ne!(keys[0], keys[1]);
    let version = uuid::Uuid::parse_str(&keys[0]).unwrap().get_version_num();
    assert_eq!((version, keys[0].len()), (4, 36));
}

pub fn what_is_no_key_is_refused(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    for key in ["abc", "under_score", "blank space", &"a".repeat(41), "schlüssel"] {
        let ended = ichnaea.run(&["apikey", "create", key]);
        assert_eq!(ended.status, 1, "{key}");
        assert!(ended.complaints[0].contains("is no API key"), "{:?}", ended.complaints);
    }
    for (flag, value) in [
        ("--maxreq", "-1"),
        ("--store-sample-submit", "101"),
        ("--fallback-schema", "other/v1"),
        ("--fallback-ratelimit-interval", "0"),
    ] {
        let argument = format!("{flag}={value}");
        assert_eq!(ichnaea.run(&["apikey", "create", "key-1", &argument]).status, 2, "{argument}");
    }
    assert_eq!(ichnaea.run(&["apikey", "list"]).lines, ["0 api keys."]);
}
