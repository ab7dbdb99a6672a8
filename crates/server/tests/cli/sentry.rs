//! What reaches Sentry, from real processes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use ichnaea_kv::Op;
use ichnaea_server::keys;
use ichnaea_server::tasks::Task;
use ichnaea_server::tasks::message::{Message, send};
use ichnaea_testkit::Backend;
use ichnaea_testkit::sentry::{Reported, Sink};

use crate::command::{Backends, Ichnaea};
use crate::serve::Running;

/// A key and an address that must not leave.
const KEY: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const CLIENT: &str = "81.2.69.192";

/// An address at which nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

fn start(ichnaea: &Ichnaea, arguments: &[&str]) -> Running {
    let mut command = ichnaea.command(arguments);
    Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// Starts the web role and gives its address when it answers.
fn start_web(ichnaea: &Ichnaea) -> (Running, String) {
    let address = nowhere();
    let port = address.rsplit(':').next().unwrap();
    let mut running = start(ichnaea, &["web", "--bind", "127.0.0.1", "--port", port]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(&address).is_err() {
        assert!(running.0.try_wait().unwrap().is_none() && Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(10));
    }
    (running, address)
}

/// A position query as a device sends it; the status of the answer.
fn locate(address: &str) -> String {
    let path = format!("/v1/geolocate?key={KEY}");
    let seen = r#"{"wifiAccessPoints":[{"macAddress":"02:1c:ac:00:00:01"},{"macAddress":"02:1c:ac:00:00:02"}]}"#;
    ask(address, &path, seen)
}

/// The status of the answer to a request.
fn ask(address: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nX-Forwarded-For: {CLIENT}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer[9..12].to_owned()
}

/// What every event has, and what none has.
fn check(reported: &Reported, app: &str) {
    let event = &reported.event;
    assert_eq!(reported.path, "/api/42/envelope/");
    assert!(reported.auth.contains("sentry_key=public"), "{}", reported.auth);
    assert_eq!(event["tags"]["app"], app, "{event}");
    assert_eq!(event["release"], env!("CARGO_PKG_VERSION"));
    assert_eq!(event["environment"], "test-stage");
    assert!(event["server_name"].as_str().is_some_and(|name| !name.is_empty()));
    for absent in ["request", "user", "breadcrumbs"] {
        assert!(event[absent].is_null(), "{event}");
    }
    for secret in [KEY, CLIENT, "02:1c:ac", "021cac", "s3cret-pass"] {
        assert!(!reported.raw.contains(secret), "{secret} in {}", reported.raw);
    }
}

fn incident(reported: &Reported) -> &str {
    reported.event["tags"]["incident"].as_str().unwrap_or_default()
}

fn reporting(ichnaea: Ichnaea, sink: &Sink) -> Ichnaea {
    ichnaea
        .env("SENTRY_DSN", &sink.dsn("public"))
        .env("SENTRY_ENVIRONMENT", "test-stage")
        .env("SECRET_KEY", "of these tests")
}

pub fn a_database_that_fails_is_reported_once_and_requests_go_on(backend: Backend) {
    let backends = Backends::new(backend);
    let sink = Sink::start(200);
    let ichnaea = reporting(backends.migrated(), &sink).env("GEOIP_PATH", "/nonexistent");
    let (_web, address) = start_web(&ichnaea);
    assert_eq!(incident(&sink.next()), "geoip");
    // What clients do wrong is their affair.
    assert_eq!(ask(&address, "/v1/geolocate", "{}"), "400");
    assert_eq!(ask(&address, "/v1/geolocate?key=nobodys", "{}"), "400");
    assert_eq!(ask(&address, "/v3/nothing", ""), "404");
    assert_eq!(sink.others().len(), 0);
    backends.database.execute(&["DROP TABLE api_key", "DROP TABLE wifi_shard_a"]);
    for _ in 0..20 {
        assert_eq!(locate(&address), "404");
    }
    let reported = [sink.next(), sink.next()];
    for one in &reported {
        check(one, "webapp");
        assert_eq!(one.event["level"], "warning");
    }
    let mut incidents = reported.each_ref().map(incident);
    incidents.sort_unstable();
    assert_eq!(incidents, ["key_not_checked", "stations_not_looked_up"]);
    assert_eq!(sink.others().len(), 0);
}

/// Something else stands where the count of the day should be.
pub fn a_failure_to_count_is_reported(backend: Backend) {
    let backends = Backends::new(backend);
    let sink = Sink::start(200);
    let ichnaea = reporting(backends.migrated(), &sink);
    assert_eq!(ichnaea.run(&["apikey", "create", KEY]).status, 0);
    let today = ichnaea_server::clock::Clock::default().now().date();
    // The test may run over midnight.
    let days = [Some(today), today.succ_opt()].into_iter().flatten();
    let counters = days.map(|day| Op::Set {
        key: keys::api_limit(KEY, "v1.geolocate", day).into_bytes(),
        value: b"no number".to_vec(),
        ttl: None,
    });
    apply(&backends, counters.collect());
    let (_web, address) = start_web(&ichnaea);
    locate(&address);
    let reported = first(&sink, |one| incident(one) == "not_counted");
    check(&reported, "webapp");
    let message = reported.event["message"].as_str().unwrap();
    assert!(message.starts_with("daily limit not checked: key-value store broken"), "{message}");
}

/// The first event of a kind; others may come before it.
fn first(sink: &Sink, is_meant: impl Fn(&Reported) -> bool) -> Reported {
    loop {
        let reported = sink.next();
        if is_meant(&reported) {
            return reported;
        }
    }
}

pub fn a_failed_task_is_reported_with_its_name(backend: Backend) {
    let backends = Backends::new(backend);
    let sink = Sink::start(200);
    let ichnaea = reporting(backends.migrated(), &sink);
    backends.database.execute(&["DROP TABLE stat"]);
    let mut worker = start(&ichnaea, &["worker"]);
    queue(&backends, Task::CleanupStat);
    let reported = sink.next();
    check(&reported, "taskapp");
    let event = &reported.event;
    assert_eq!(
        (&event["level"], &event["tags"]["task"]),
        (&"error".into(), &"cleanup_stat".into())
    );
    assert!(event["message"].as_str().unwrap().starts_with("cleanup_stat failed: "), "{event}");
    worker.stop();
}

pub fn a_worker_sends_the_test_event(backend: Backend) {
    let backends = Backends::new(backend);
    let sink = Sink::start(200);
    let plain = backends.migrated();
    let ichnaea = reporting(plain.clone(), &sink);
    // The command needs no setting of its own: the worker's count.
    let asked = plain.run(&["sentry_test", "celerytest"]);
    assert_eq!((asked.status, asked.lines.len()), (0, 2));
    let message = asked.lines[0].strip_prefix("Using message: ").unwrap();
    assert!(message.starts_with("Testing Sentry configuration via celery ("), "{message}");
    assert_eq!(asked.lines[1], "Creating celery task...");
    let mut worker = start(&ichnaea, &["worker"]);
    let reported = sink.next();
    check(&reported, "taskapp");
    assert_eq!(reported.event["message"], message);
    assert_eq!(reported.event["level"], "error");
    worker.stop();
}

/// Puts a task into the queue, as the scheduler does.
fn queue(backends: &Backends, task: Task) {
    apply(backends, vec![send(&[Message::new(task, None, i64::MAX / 2, Duration::ZERO)])]);
}

fn apply(backends: &Backends, ops: Vec<Op>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = ichnaea_kv::Options::default();
        let kv = ichnaea_kv::open(&backends.keyvalue.uri, &options).await.unwrap();
        kv.apply(ops).await.unwrap();
    });
}

#[test]
fn a_backend_that_is_away_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(200);
    let ichnaea = Ichnaea::without_backends(folder.path())
        .env("DB_READWRITE_URI", &format!("mysql://location:s3cret-pass@{}/none", nowhere()))
        .env("REDIS_URI", &format!("redis://:s3cret-pass@{}/0", nowhere()));
    let (_web, address) = start_web(&reporting(ichnaea, &sink));
    for _ in 0..20 {
        locate(&address);
    }
    let away = |one: &Reported| incident(one) == "backend_away";
    let mut messages = [first(&sink, away), first(&sink, away)].map(|reported| {
        check(&reported, "webapp");
        reported.event["message"].as_str().unwrap().to_owned()
    });
    messages.sort_unstable();
    assert!(messages[0].starts_with("the database is away: "), "{messages:?}");
    assert!(messages[1].starts_with("the key-value store is away: "), "{messages:?}");
}

#[test]
fn the_command_line_sends_the_test_event_and_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Ichnaea::without_backends(folder.path())
        .env("DB_READWRITE_URI", "mysql://nobody@127.0.0.1:1/none")
        .env("REDIS_URI", "redis://127.0.0.1:1/0");
    let sink = Sink::start(200);
    for account in ["public", "public:secret"] {
        let ichnaea = plain
            .clone()
            .env("SENTRY_DSN", &sink.dsn(account))
            .env("SENTRY_ENVIRONMENT", "test-stage");
        let ended = ichnaea.run(&["sentry_test", "clitest"]);
        assert_eq!(ended.status, 0, "{:?}", ended.lines);
        let message = ended.lines[0].strip_prefix("Using message: ").unwrap();
        assert!(message.starts_with("Testing Sentry configuration via cli ("), "{message}");
        assert_eq!(ended.lines[1..3], ["Building Raven client...", "Sending message..."]);
        let reported = sink.next();
        check(&reported, "sentry_test");
        assert_eq!(reported.event["message"], message);
        assert_eq!(reported.event["level"], "error");
        assert_eq!(reported.auth.contains("sentry_secret=secret"), account.contains(':'));
    }
    let without = plain.run(&["sentry-test", "cli"]);
    assert_eq!(without.status, 0);
    assert!(without.lines[3].contains("SENTRY_DSN is not set"), "{:?}", without.lines);
}

#[test]
fn a_sentry_that_is_away_or_refuses_is_told_and_delays_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Ichnaea::without_backends(folder.path())
        .env("DB_READWRITE_URI", "mysql://nobody@127.0.0.1:1/none")
        .env("REDIS_URI", "redis://127.0.0.1:1/0")
        .env("SECRET_KEY", "only for tests");
    let away = plain.clone().env("SENTRY_DSN", &format!("http://public@{}/42", nowhere()));
    let ended = away.run(&["sentry-test", "cli"]);
    assert_eq!(ended.status, 1, "{:?}", ended.lines);
    assert!(ended.lines[3].starts_with("Sentry did not take it: "), "{:?}", ended.lines);

    let refusing = Sink::start(403);
    let ended =
        plain.clone().env("SENTRY_DSN", &refusing.dsn("public")).run(&["sentry-test", "cli"]);
    assert_eq!((ended.status, ended.lines[3].contains("403")), (1, true), "{:?}", ended.lines);

    // One that takes the connection and never answers: the end of the process is not held up by
    // more than its two seconds.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let dsn = format!("http://public@{}/42", silent.local_addr().unwrap());
    let started = Instant::now();
    let ended = plain.clone().env("SENTRY_DSN", &dsn).env("BACKEND_TIMEOUT", "1").run(&[
        "web",
        "--bind",
        "192.0.2.1",
    ]);
    assert_eq!(ended.status, 1);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());

    let wrong = plain.env("SENTRY_DSN", "https://sentry.example/1").run(&["sentry-test", "cli"]);
    assert_eq!(wrong.status, 78);
    assert!(wrong.complaints[0].starts_with("ichnaea: SENTRY_DSN: "), "{:?}", wrong.complaints);
}

#[test]
fn a_panic_is_reported_with_the_way_to_it() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sink = Sink::start(200);
    let setting = ichnaea_server::config::Sentry {
        dsn: sink.dsn("public"),
        environment: Some("test-stage".to_owned()),
    };
    ichnaea_server::logging::start("ERROR", ichnaea_server::logging::Format::MozLog);
    ichnaea_server::sentry::start(Some(&setting), ichnaea_server::sentry::App::Web).unwrap();
    let panicking = || panic!("no room for 51.5142, -0.0931 of {CLIENT}");
    assert!(std::thread::spawn(panicking).join().is_err());
    let reported = sink.next();
    check(&reported, "webapp");
    let event = &reported.event;
    assert_eq!(event["message"], "panic: no room for […], […] of […]");
    assert_eq!(event["level"], "error");
    assert!(event["tags"]["location"].as_str().unwrap().contains("tests/cli/sentry.rs:"));
    assert!(event["extra"]["traceback"].as_str().unwrap().contains("panicking"), "{event}");
    assert!(!reported.raw.contains("51.5142"), "{}", reported.raw);
}

#[test]
fn what_ends_a_role_is_reported_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start(200);
    let ichnaea = Ichnaea::without_backends(folder.path())
        .env("DB_READWRITE_URI", "mysql://nobody:s3cret-pass@127.0.0.1:1/none")
        .env("REDIS_URI", "redis://127.0.0.1:1/0")
        .env("GEOIP_PATH", "/nonexistent");
    // An address that this machine does not have.
    let ended = reporting(ichnaea, &sink).run(&["web", "--bind", "192.0.2.1"]);
    assert_eq!(ended.status, 1);
    let reported = first(&sink, |one| one.event["level"] == "error");
    check(&reported, "webapp");
    let message = reported.event["message"].as_str().unwrap();
    assert!(message.starts_with("the process ends: cannot listen on"), "{message}");
}
