//! `ichnaea export-config`.

use ichnaea_testkit::Backend;
use serde_json::{Value, json};

use crate::command::Backends;

pub fn targets_are_created_listed_changed_and_deleted(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    let run = |arguments: &[&str]| ichnaea.run(&[&["export-config"], arguments].concat());
    assert_eq!(
        run(&["list"]).lines,
        [
            "1 export targets.",
            "name     | batch | schema   | url  | skip_keys | skip_sources",
            "internal | 100   | internal | None | None      | None        ",
        ]
    );
    let url = "https://partner.example/v2/geosubmit?key=abcd";
    let url_change = format!("url={url}");
    let changes = ["schema=geosubmit", &url_change, "skip_sources=query", "skip_keys=test,abcd"];
    let created = run(&[&["set", "partner"], &changes[..], &["--json"]].concat());
    assert_eq!(created.status, 0, "{:?}", created.complaints);
    let expected = json!({
        "name": "partner", "batch": 100, "schema": "geosubmit", "url": url,
        "skip_keys": "abcd,test", "skip_sources": "query",
    });
    assert_eq!(serde_json::from_str::<Value>(&created.lines.concat()).unwrap(), expected);

    let changed = run(&["set", "partner", "batch=0", "skip_keys="]);
    assert_eq!(changed.status, 0);
    assert_eq!(changed.lines[1].trim_end(), "batch        : 0");
    assert_eq!(changed.lines[4].trim_end(), "skip_keys    : None");
    assert_eq!(run(&["show", "partner"]).lines, changed.lines);
    assert_eq!(run(&["list", "--json"]).status, 0);

    assert_eq!(run(&["delete", "partner"]).lines, ["Deleted export target: 'partner'"]);
    for arguments in [["show", "partner"], ["delete", "partner"]] {
        let ended = run(&arguments);
        let expected = (1, vec!["Export target 'partner' does not exist".to_owned()]);
        assert_eq!((ended.status, ended.lines), expected);
    }
    let last = run(&["delete", "internal"]);
    assert_eq!(last.status, 0);
    assert!(last.complaints[0].contains("nothing is learned"), "{:?}", last.complaints);
}

pub fn what_is_no_target_is_refused(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    for (name, changes, field) in [
        ("a:b", &["schema=dummy"][..], "name: "),
        ("other", &["batch=5"], "schema: "),
        ("other", &["schema=ftp"], "schema: "),
        ("other", &["schema=geosubmit", "url=partner.example"], "url: "),
        ("other", &["schema=s3", "url=s3://bucket/{hour}"], "url: "),
        ("internal", &["batch=-1"], "batch: "),
        ("internal", &["skip_keys=a b"], "skip_keys: "),
        ("internal", &["skip_sources=wifi"], "skip_sources: "),
    ] {
        let ended = ichnaea.run(&[&["export-config", "set", name], changes].concat());
        assert_eq!(ended.status, 1, "{changes:?}");
        let complaint = ended.complaints[0].strip_prefix("ichnaea: ").unwrap();
        assert!(complaint.starts_with(field), "{complaint}");
    }
    assert_eq!(ichnaea.run(&["export-config", "set", "internal"]).status, 2);
    assert_eq!(ichnaea.run(&["export-config", "list"]).lines.len(), 3);
}
