//! A Redis that the original was working with until a moment ago.

use ichnaea_server::clock::Clock;
use ichnaea_testkit::Backend;
use ichnaea_testkit::database;
use ichnaea_testkit::original::{Form, Original, written};
use ichnaea_testkit::servers::RedisServer;

use crate::process::Installation;
use crate::traffic::{post, submissions};

/// A waiting task of the original, as its task library wraps it.
const ENVELOPE: &str = r#"{"body": "W1siMCJdLCB7fSwge31d", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py", "task": "ichnaea.data.tasks.update_wifi", "id": "8b7d", "expires": "2026-01-31T12:00:30+00:00"}, "properties": {"delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "celery_wifi"}, "delivery_tag": "1f"}}"#;

/// Keys of the original's task library and of its own book-keeping about other keys.
const LEFT: &[&[&str]] = &[
    &["RPUSH", "celery_blue", ENVELOPE],
    &["RPUSH", "celery_cell", ENVELOPE],
    &["RPUSH", "celery_content", ENVELOPE],
    &["RPUSH", "celery_default", ENVELOPE],
    &["RPUSH", "celery_export", ENVELOPE],
    &["RPUSH", "celery_monitor", ENVELOPE],
    &["RPUSH", "celery_reports", ENVELOPE, ENVELOPE],
    &["RPUSH", "celery_wifi", ENVELOPE, "not even an envelope"],
    &["SADD", "_kombu.binding.celery_wifi", "celery_wifi\u{6}\u{16}\u{6}\u{16}celery_wifi"],
    &["SADD", "_kombu.binding.celeryev", "worker.#\u{6}\u{16}\u{6}\u{16}celeryev.1"],
    &["SADD", "_kombu.binding.celery.pidbox", "\u{6}\u{16}\u{6}\u{16}celery@host.celery.pidbox"],
    &["HSET", "unacked", "1f", ENVELOPE],
    &["ZADD", "unacked_index", "1769860800.5", "1f"],
    &["SET", "unacked_mutex", "x", "EX", "300"],
    &["SET", "celery-task-meta-8b7d", r#"{"status": "SUCCESS", "result": null}"#, "EX", "86400"],
    &["SET", "apilimit:old:v1.geolocate:20260101", "17", "EX", "90000"],
    &["PFADD", "apiuser:locate:old:TODAY", "192.0.2.1", "192.0.2.2"],
    &["SET", "fallback_ratelimit:provider:1", "3"],
    &["SET", "cache:fallback:ichnaea:v1:1:wifi:abc", r#"{"lat": 1.0}"#],
    &["SET", "somebody:else", "whatever"],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_original_left_in_redis_is_left_alone_and_its_reports_are_learned() {
    let redis = RedisServer::start();
    let database = database::fresh(Backend::Server);
    let mut original = Original::at(&redis.uri);
    // Counts of users are removed after a week, as the original does.
    let today = Clock::System.now().date().to_string();
    let left: Vec<Vec<String>> = LEFT
        .iter()
        .map(|words| words.iter().map(|w| w.replace("TODAY", &today)).collect())
        .collect();
    for words in &left {
        original.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    // Counting a set notes the result inside it; the original has done so every ten minutes.
    assert_eq!(original.number(&["PFCOUNT", &format!("apiuser:locate:old:{today}")]), 2);
    // Lists on which ours block or take would be emptied, keys that are written to would differ.
    let before: Vec<_> = left.iter().map(|words| original.dump(&words[1])).collect();
    assert!(before.iter().all(Option::is_some));
    // What it had accepted when it was stopped, and counted on the day before yesterday.
    let report = r#"{"api_key": null, "source": "gnss", "report": {"wifiAccessPoints": [{"macAddress": "a82066000011"}], "position": {"latitude": 51.5, "longitude": -0.1}}}"#;
    original.enqueue("update_incoming", &written(Form::Report, &[report.to_owned()]));
    original.run(&["SET", "statcounter_wifi_20260129", "5", "EX", "172800"]);

    let installation = Installation::new(&database.uri, &redis.uri).await;
    database.execute(&["UPDATE export_config SET batch = 1"]);
    let web = installation.web();
    let worker = installation.start(&["worker"]);
    let scheduler = installation.start(&["scheduler"]);
    scheduler.has_said("scheduler is active").await;
    worker.has_said("worker is ready").await;
    for body in submissions(100) {
        assert_eq!(post(web.port, "/v2/geosubmit?key=new", &body), 200);
    }
    assert_eq!(post(web.port, "/v1/geolocate?key=old", "{}"), 400, "a key nobody made");
    installation.work_off().await;
    installation.run(&["task", "run", "update_statcounter"]);
    worker.stop();
    scheduler.stop();
    web.process.stop();

    for (words, before) in left.iter().zip(before) {
        let key = &words[1];
        assert_eq!(original.dump(key), before, "{key}");
        assert_eq!(original.ttl(key) > 0, words.iter().any(|word| word == "EX"), "life of {key}");
    }
    let learned = database.rows("SELECT lat, lon FROM wifi_shard_6 WHERE mac = 0xa82066000011");
    assert_eq!(learned, [[Some("51.5".to_owned()), Some("-0.1".to_owned())]]);
    assert!(original.dump("update_incoming").is_none());
    // A forgotten counter is part of the running total: 5, and today 101 readings of access points.
    let counted = database.rows("SELECT value FROM stat WHERE `key` = 3 ORDER BY value");
    assert_eq!(counted, [[Some("5".to_owned())], [Some("106".to_owned())]]);
}
