//! Schema, tasks and pipeline from the command line.

use ichnaea_testkit::Backend;
use serde_json::Value;

use crate::command::Backends;

pub fn a_schema_is_created_once(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.ichnaea();
    let before = ichnaea.run(&["db", "status"]);
    assert_eq!(before.status, 1);
    assert!(before.lines.iter().any(|line| line.starts_with("Missing: ")), "{:?}", before.lines);

    let first = ichnaea.run(&["db", "migrate"]);
    assert_eq!(first.status, 0);
    assert!(first.lines.len() > 1, "{:?}", first.lines);
    assert_eq!(ichnaea.run(&["db", "migrate"]).lines, ["The database is up to date."]);
    assert_eq!(
        ichnaea.run(&["db", "status"]).lines,
        ["Version: 3be4004781bc", "The database is up to date."]
    );
}

pub fn a_worker_names_the_migrations_it_misses(backend: Backend) {
    let backends = Backends::new(backend);
    let ended = backends.ichnaea().run(&["worker"]);
    assert_eq!(ended.status, 1);
    assert!(ended.complaints[0].contains("lacks the migrations"), "{:?}", ended.complaints);
}

pub fn a_task_that_does_not_exist_is_a_usage_error(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    assert_eq!(ichnaea.run(&["task", "run", "update_everything"]).status, 2);
    assert_eq!(ichnaea.run(&["task", "run", "update_wifi", "--shard", "g"]).status, 1);
    assert_eq!(ichnaea.run(&["task", "run", "cleanup_stat", "--shard", "0"]).status, 1);
    assert_eq!(ichnaea.run(&["task", "run", "export_reports", "--shard", "nobody"]).status, 1);
    for task in ["update_incoming", "update_wifi", "cleanup_datamap", "update_statregion"] {
        let ended = ichnaea.run(&["task", "run", task]);
        let expected = (0, vec![format!("{task}: nothing to do")]);
        assert_eq!((ended.status, ended.lines), expected);
    }
}

pub fn an_empty_pipeline_is_drained_at_once(backend: Backend) {
    let backends = Backends::new(backend);
    let ichnaea = backends.migrated();
    let ended = ichnaea.run(&["pipeline", "drain"]);
    assert_eq!(ended.status, 0);
    assert!(ended.lines.iter().all(|line| line.ends_with("nothing to do")), "{:?}", ended.lines);
    assert_eq!(ichnaea.run(&["pipeline", "status"]).lines[0], "All queues are empty.");

    let status = ichnaea.run(&["pipeline", "status", "--json"]).lines.concat();
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["queues"][0]["name"], "update_incoming");
    assert_eq!(status["queues"][0]["waiting"], 0);
    assert_eq!(status["dead_letters"], serde_json::json!([]));
}
