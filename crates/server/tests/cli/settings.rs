//! `ichnaea settings`.

use ichnaea_testkit::Backend;
use serde_json::Value;

use crate::command::Backends;

pub fn settings_are_listed_set_and_unset(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.ichnaea();
    let get = |name: &str| ichnaea.run(&["settings", "get", name]).lines.concat();
    assert_eq!(get("global_locate_sample_rate"), "100.0");
    assert_eq!(get("rate_controller_target"), "0");
    let run = |arguments: &[&str]| ichnaea.run(&[&["settings"], arguments].concat());

    assert_eq!(
        run(&["set", "global_locate_sample_rate", "12.5"]).lines,
        ["global_locate_sample_rate: 12.5"]
    );
    assert_eq!(get("global_locate_sample_rate"), "12.5");
    let one = run(&["get", "global_locate_sample_rate", "--json"]).lines.concat();
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&one["value"], &one["default"]), (&"12.5".into(), &"100.0".into()));
    assert_eq!(one["is_set"], true);

    // Where the processes of the original look for it.
    if backend == Backend::Server {
        let value = backends.keyvalue.server_value("global_locate_sample_rate");
        assert_eq!(value.as_deref(), Some("12.5"));
    }

    let all = run(&["list"]).lines;
    assert!(all[0].starts_with("name "), "{all:?}");
    assert!(all.iter().any(|line| {
        line.split_whitespace().take(3).eq(["global_locate_sample_rate", "12.5", "100.0"])
    }));
    let all: Value = serde_json::from_str(&run(&["list", "--json"]).lines.concat()).unwrap();
    assert_eq!(all[0], one);

    assert_eq!(run(&["set", "rate_controller_target", "1000"]).status, 0);
    assert_eq!(run(&["set", "rate_controller_enabled", "1"]).status, 0);
    let by_hand = run(&["set", "global_locate_sample_rate", "50"]);
    assert_eq!(by_hand.status, 0);
    assert!(by_hand.complaints[0].contains("will overwrite"), "{:?}", by_hand.complaints);

    assert_eq!(
        run(&["unset", "global_locate_sample_rate"]).lines,
        ["global_locate_sample_rate: 100.0 (default)"]
    );
    assert_eq!(get("global_locate_sample_rate"), "100.0");
}

pub fn what_is_no_setting_is_refused(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.ichnaea();
    let set = |name: &str, value: &str| ichnaea.run(&["settings", "set", name, value]);
    assert_eq!(set("nonsense", "1").status, 2);
    for (name, value, problem) in [
        ("global_locate_sample_rate", "101", "a number from 0 to 100 is needed"),
        ("rate_controller_kp", "-1", "a number, 0 or more is needed"),
        ("rate_controller_enabled", "1", "set rate_controller_target before"),
        ("rate_controller_trx_max", "1000", "has to be above"),
        ("rate_controller_state", "{}", "is not set by hand"),
    ] {
        let ended = set(name, value);
        assert_eq!(ended.status, 1, "{name}");
        assert!(ended.complaints[0].contains(problem), "{:?}", ended.complaints);
    }
    let all = ichnaea.run(&["settings", "list", "--json"]).lines.concat();
    let all: Value = serde_json::from_str(&all).unwrap();
    assert!(all.as_array().unwrap().iter().all(|setting| setting["is_set"] == false));
}
