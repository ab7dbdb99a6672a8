//! `ichnaea apikey`.

use ichnaea_testkit::Backend;
use serde_json::{Value, json};

use crate::command::{Backends, Ichnaea};

fn shown(ichnaea: &Ichnaea, key: &str) -> Value {
    let ended = ichnaea.run(&["apikey", "show", key, "--json"]);
    assert_eq!(ended.status, 0);
    serde_json::from_str(&ended.lines.concat()).unwrap()
}

pub fn a_set_up_that_runs_again_makes_no_second_key(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    let make = |key: &[&str]| {
        let ended = ichnaea.run(&[&["apikey", "create", "--if-missing"], key].concat());
        assert_eq!(ended.status, 0);
        ended.lines.concat()
    };
    let first = make(&[]);
    let name = first.strip_prefix("Created API key: ").unwrap();
    assert_eq!(make(&[]), format!("API key {name} exists"));
    assert_eq!(make(&["our-app"]), "Created API key: 'our-app'");
    assert_eq!(make(&["our-app"]), "API key 'our-app' exists");
    assert_eq!(ichnaea.run(&["apikey", "list"]).lines[0], "2 api keys.");
}

pub fn keys_are_created_listed_changed_and_deleted(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    assert_eq!(ichnaea.run(&["apikey", "list"]).lines, ["0 api keys."]);
    let created = ichnaea.run(&["apikey", "create", "our-app"]);
    assert_eq!((created.status, created.lines), (0, vec!["Created API key: 'our-app'".to_owned()]));
    let again = ichnaea.run(&["apikey", "create", "OUR-app"]);
    let expected = (1, vec!["API key 'OUR-app' exists".to_owned()]);
    assert_eq!((again.status, again.lines), expected);
    // Where a program reads the result, the reason stands beside it.
    let again = ichnaea.run(&["apikey", "create", "OUR-app", "--json"]);
    assert_eq!((again.status, again.lines), (1, Vec::new()));
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
        "allow_explain": null,
    });
    assert_eq!(shown(&ichnaea, "Our-App"), expected);

    let shown_as_text = ichnaea.run(&["apikey", "show", "our-app"]);
    assert_eq!(
        shown_as_text.lines,
        [
            "valid_key                   : our-app",
            "maxreq                      : 100    ",
            "allow_fallback              : False  ",
            "allow_locate                : True   ",
            "allow_region                : True   ",
            "fallback_name               : None   ",
            "fallback_schema             : None   ",
            "fallback_url                : None   ",
            "fallback_ratelimit          : None   ",
            "fallback_ratelimit_interval : None   ",
            "fallback_cache_expire       : None   ",
            "store_sample_submit         : 100    ",
            "store_sample_locate         : 100    ",
            "allow_explain               : None   ",
        ]
    );

    let mut changed = expected;
    for (change, column, stored) in [
        ("maxreq=5", "maxreq", json!(5)),
        ("allow_fallback=true", "allow_fallback", json!(true)),
        ("fallback_url=http://partner.example/", "fallback_url", json!("http://partner.example/")),
        ("fallback_url=", "fallback_url", json!(null)),
        ("store_sample_locate=50", "store_sample_locate", json!(50)),
        ("allow_explain=true", "allow_explain", json!(true)),
    ] {
        let ended = ichnaea.run(&["apikey", "set", "our-app", change, "--json"]);
        changed[column] = stored;
        assert_eq!(serde_json::from_str::<Value>(&ended.lines.concat()).unwrap(), changed);
        assert_eq!(shown(&ichnaea, "our-app"), changed, "{change}");
    }
    // Several at once are all or nothing.
    let refused = ichnaea.run(&["apikey", "set", "our-app", "maxreq=7", "store_sample_locate=101"]);
    assert_eq!(refused.status, 1);
    assert_eq!(refused.complaints, ["ichnaea: store_sample_locate: 101 is not from 0 to 100"]);
    assert_eq!(shown(&ichnaea, "our-app"), changed);
    assert_eq!(ichnaea.run(&["apikey", "disable", "our-app"]).status, 0);
    for column in ["allow_locate", "allow_region", "allow_fallback", "allow_explain"] {
        changed[column] = json!(false);
    }
    assert_eq!(shown(&ichnaea, "our-app"), changed);

    assert_eq!(ichnaea.run(&["apikey", "delete", "our-app"]).status, 0);
    for command in [
        &["show", "our-app"][..],
        &["delete", "our-app"],
        &["disable", "our-app"],
        &["set", "our-app", "maxreq=1"],
    ] {
        let ended = ichnaea.run(&[&["apikey"], command].concat());
        let expected = (1, vec!["API key 'our-app' does not exist".to_owned()]);
        assert_eq!((ended.status, ended.lines), expected);
    }
}

pub fn a_publicly_known_key_is_made_with_a_warning(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    let ended = ichnaea.run(&["apikey", "create", "test"]);
    assert_eq!((ended.status, ended.lines), (0, vec!["Created API key: 'test'".to_owned()]));
    assert!(ended.complaints[0].contains("everybody knows"), "{:?}", ended.complaints);
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
