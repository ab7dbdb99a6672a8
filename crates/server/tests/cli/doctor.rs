//! `ichnaea doctor`.

use std::process::Stdio;
use std::time::{Duration, Instant};

use ichnaea_testkit::Backend;
use serde_json::Value;

use crate::command::{Backends, Ichnaea};
use crate::serve::Running;

/// Findings as JSON, with the status.
fn examined(ichnaea: &Ichnaea) -> (i32, Vec<Value>) {
    let ended = ichnaea.run(&["doctor", "--json"]);
    (ended.status, serde_json::from_str(&ended.lines.concat()).unwrap())
}

/// The verdicts about one thing.
fn verdicts<'a>(findings: &'a [Value], check: &str) -> Vec<&'a str> {
    let of_check = findings.iter().filter(|finding| finding["check"] == check);
    of_check.map(|finding| finding["verdict"].as_str().unwrap()).collect()
}

fn start(ichnaea: &Ichnaea, role: &str) -> Running {
    let mut command = ichnaea.command(&[role]);
    Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

pub fn an_installation_becomes_healthy_step_by_step(backend: Backend) {
    let backends = Backends::new(backend);
    let folder = tempfile::tempdir().unwrap();
    let ichnaea = backends
        .ichnaea()
        .env("SECRET_KEY", "of these tests")
        .env("DATA_DIR", &folder.path().display().to_string())
        .env("STATSD_HOST", "127.0.0.1")
        .env("SENTRY_DSN", "https://key@nowhere.invalid/1");
    let (status, findings) = examined(&ichnaea);
    assert_eq!(status, 1);
    // On SQLite there is no file yet, and looking does not make one.
    let away = backend == Backend::Embedded;
    let expected = if away { ("error", "skipped") } else { ("ok", "error") };
    assert_eq!(verdicts(&findings, "database, read-write"), [expected.0], "{findings:?}");
    assert_eq!(verdicts(&findings, "schema"), [expected.1], "{findings:?}");
    assert_eq!(verdicts(&findings, "sentry"), ["warning"]);
    assert_eq!(verdicts(&findings, "statsd"), ["ok"]);

    assert_eq!(ichnaea.run(&["db", "migrate"]).status, 0);
    assert_eq!(ichnaea.run(&["pipeline", "status"]).status, 0);
    let (status, findings) = examined(&ichnaea);
    assert_eq!(status, 1);
    for (check, expected) in [
        ("database, read-write", "ok"),
        ("schema", "ok"),
        ("keys", "error"),
        ("exports", "ok"),
        ("redis", "ok"),
        ("queues", "ok"),
        ("map", "skipped"),
        ("workers", "error"),
        ("scheduler", "error"),
        ("geoip", "warning"),
        ("secret", "ok"),
        ("proxies", "warning"),
        ("clocks", if away { "skipped" } else { "ok" }),
        ("disk", if away { "ok" } else { "skipped" }),
    ] {
        let mut verdicts = verdicts(&findings, check);
        // Two files may be in two folders.
        verdicts.dedup();
        assert_eq!(verdicts, [expected], "{check}: {findings:?}");
    }
    let unhealthy = findings.iter().filter(|finding| finding["verdict"] != "ok");
    for finding in unhealthy.filter(|finding| finding["verdict"] != "skipped") {
        assert!(finding["remedy"].is_string(), "{finding}");
    }

    assert_eq!(ichnaea.run(&["apikey", "create", "test"]).status, 0);
    let (mut worker, mut scheduler) = (start(&ichnaea, "worker"), start(&ichnaea, "scheduler"));
    let deadline = Instant::now() + Duration::from_secs(30);
    let findings = loop {
        let (status, findings) = examined(&ichnaea);
        if status == 0 {
            break findings;
        }
        assert!(Instant::now() < deadline, "{findings:?}");
    };
    assert_eq!(verdicts(&findings, "keys"), ["ok", "warning"]);
    assert_eq!(verdicts(&findings, "workers"), ["ok"]);
    assert_eq!(verdicts(&findings, "scheduler"), ["ok"]);

    let shown = ichnaea.run(&["doctor", "--problems"]);
    assert_eq!(shown.status, 0);
    assert!(
        shown.lines.iter().any(|line| line.starts_with("warning  keys: ")),
        "{:?}",
        shown.lines
    );
    assert_eq!(shown.lines.last().unwrap(), "It works; see the warnings above.");
    worker.stop();
    scheduler.stop();
}

pub fn accounts_may_do_what_they_are_for(backend: Backend) {
    if backend == Backend::Embedded {
        // A file has no accounts.
        return;
    }
    let backends = Backends::new(backend);
    let reader = backends.database.reader_uri();
    let separate = backends.migrated().env("DB_READONLY_URI", &reader);
    let (_, findings) = examined(&separate);
    assert_eq!(verdicts(&findings, "database, read-only"), ["ok"], "{findings:?}");
    assert_eq!(verdicts(&findings, "database, read-write"), ["ok"], "{findings:?}");

    let (_, findings) = examined(&separate.env("DB_READWRITE_URI", &reader));
    assert_eq!(verdicts(&findings, "database, read-write"), ["error"], "{findings:?}");
}

#[test]
fn what_is_away_is_told_in_time() {
    let folder = tempfile::tempdir().unwrap();
    // One that takes connections and says nothing, and one that refuses them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_uri = format!("mysql://u:s3cret-pass@{}/n", silent.local_addr().unwrap());
    for database in [silent_uri.as_str(), "mysql://u:s3cret-pass@127.0.0.1:1/n"] {
        let ichnaea = Ichnaea::without_backends(folder.path())
            .env("DB_READWRITE_URI", database)
            .env("REDIS_URI", "redis://:s3cret-pass@127.0.0.1:1/0");
        let started = Instant::now();
        let ended = ichnaea.run(&["doctor"]);
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        assert_eq!(ended.status, 1);
        for line in ["error    database, read-write: ", "error    redis: ", "skipped  keys: "] {
            assert!(ended.lines.iter().any(|shown| shown.starts_with(line)), "{:?}", ended.lines);
        }
        assert!(!ended.lines.concat().contains("s3cret-pass"), "{:?}", ended.lines);
        assert_eq!(ended.lines.last().unwrap(), "Something does not work: see the errors above.");
    }
}
