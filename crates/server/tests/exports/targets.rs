//! Passing reports on to another instance.

use std::time::{Duration, Instant};

use ichnaea_server::keys;
use ichnaea_server::tasks::Task;
use ichnaea_testkit::Backend;
use ichnaea_testkit::receiver::{Receiver, Reply};
use serde_json::json;

use crate::scene::{QUEUE, Scene, TARGET};

async fn scene(backend: Backend) -> (Receiver, Scene) {
    let receiver = Receiver::start().await;
    let scene = Scene::start(backend, "geosubmit", &receiver.url(), &[]).await;
    (receiver, scene)
}

/// Batch and timestamps of each delivery that was answered with this status.
fn answered(receiver: &Receiver, status: u16) -> Vec<(String, Vec<i64>)> {
    let all = receiver.deliveries().into_iter();
    let those = all.filter(|delivery| delivery.status == status);
    those.map(|delivery| (delivery.batch, delivery.timestamps)).collect()
}

pub async fn a_partner_gets_what_the_original_would_send(backend: Backend) {
    let (receiver, scene) = scene(backend).await;
    scene.arrive("gnss", Some("a-secret-key"), 1..3).await;
    assert_eq!(scene.task(Task::ExportReports, Some(QUEUE)).await.counts["reports"], 2);
    let sent = receiver.last();
    assert_eq!(sent.target, "/v2/geosubmit?key=partner-key");
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("content-type", "application/json"),
        ("user-agent", "ichnaea"),
    ] {
        assert_eq!(sent.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    let report = |number: i64| {
        json!({
            "timestamp": number,
            "position": {"latitude": 51.5, "longitude": -0.1, "accuracy": 10.0},
            "bluetoothBeacons": [],
            "wifiAccessPoints": [{"macAddress": "94b40f010d01", "signalStrength": -60}],
            "cellTowers": [],
        })
    };
    assert_eq!(sent.body, json!({"items": [report(1), report(2)]}));
    assert_eq!(
        scene.measured(),
        [
            "location.data.export.upload:1|c|#key:partner,status:200",
            "location.data.export.upload.timing:…|ms|#key:partner",
            "location.data.export.batch:1|c|#key:partner",
        ]
    );
    // The next batch has an id of its own, and one report is no batch yet.
    scene.arrive("query", None, 3..6).await;
    let outcome = scene.task(Task::ExportReports, Some(QUEUE)).await;
    assert!(!outcome.is_ready);
    let batches = answered(&receiver, 200);
    assert_eq!((&batches[0].1[..], &batches[1].1[..]), (&[1, 2][..], &[3, 4][..]));
    assert_ne!(batches[0].0, batches[1].0);
    assert_eq!(scene.queue(QUEUE).await.len, 1);
}

pub async fn a_batch_is_repeated_under_its_id_until_the_target_takes_it(backend: Backend) {
    let (receiver, scene) = scene(backend).await;
    // In turn: an error, an answer that comes too late, success.
    receiver.answer(|before, _| match before {
        0 => Reply::status(500),
        1 => Reply::status(200).after(Duration::from_secs(3)),
        _ => Reply::status(200),
    });
    scene.arrive("gnss", None, 1..3).await;
    assert_eq!(scene.try_now().await["reports"], 2);
    let deliveries = receiver.deliveries();
    assert_eq!(deliveries.len(), 3);
    for delivery in &deliveries {
        assert_eq!((&delivery.batch, &delivery.timestamps), (&deliveries[0].batch, &vec![1, 2]));
    }
    assert_eq!(
        scene.measured(),
        [
            "location.data.export.upload:1|c|#key:partner,status:500",
            "location.data.export.upload:1|c|#key:partner,status:200",
            "location.data.export.upload.timing:…|ms|#key:partner",
            "location.data.export.batch:1|c|#key:partner",
        ]
    );
    assert_eq!(scene.queue(QUEUE).await.in_flight, 0);
}

pub async fn a_target_that_is_away_for_long_loses_nothing_and_makes_no_dead_letters(
    backend: Backend,
) {
    let (receiver, scene) = scene(backend).await;
    receiver.answer_status(503);
    scene.arrive("gnss", None, 1..7).await;
    for _ in 0..2 {
        assert_eq!(scene.try_now().await["unreached"], 1);
    }
    // It rests: nobody asks, and no message is sent for it.
    let asked = receiver.deliveries().len();
    assert_eq!(asked, 6);
    assert!(scene.task(Task::ExportReports, Some(QUEUE)).await.counts.is_empty());
    assert!(scene.task(Task::UpdateIncoming, None).await.counts.is_empty());
    assert_eq!(receiver.deliveries().len(), asked);
    // Twelve workers were killed while they waited for it; that is no fault of the batch.
    let kv = &scene.run.context.kv;
    for _ in 0..12 {
        let taken = kv.take(QUEUE, 2, Duration::ZERO).await.unwrap().unwrap();
        assert!(taken.again);
    }
    assert_eq!(scene.try_now().await["unreached"], 1);
    scene.task(Task::MonitorQueueSizeAndRateControl, None).await;
    assert!(scene.measured().iter().any(|line| line.starts_with("location.data.export.away:")));
    let first = answered(&receiver, 503).remove(0);
    receiver.answer_status(200);
    scene.drain().await;
    let taken = answered(&receiver, 200);
    assert_eq!(taken[0], first, "the same batch under the same id");
    let mut numbers: Vec<i64> = taken.iter().flat_map(|(_, numbers)| numbers.clone()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    assert_eq!(scene.letters(QUEUE).await, []);
    assert_eq!(kv.keys("ichnaea:export_rest:").await.unwrap(), [""; 0]);
    assert_eq!(kv.keys("ichnaea:tries:").await.unwrap(), [""; 0]);
}

pub async fn one_worker_at_a_time_tries_a_target_in_trouble(backend: Backend) {
    let (receiver, scene) = scene(backend).await;
    receiver.answer(|_, _| Reply::status(200).after(Duration::from_secs(3)));
    scene.arrive("gnss", None, 1..7).await;
    scene.end_rest().await;
    assert_eq!(scene.task(Task::ExportReports, Some(TARGET)).await.counts["unreached"], 1);
    scene.end_rest().await;
    let before = receiver.deliveries().len();
    let (first, second) = tokio::join!(
        scene.task(Task::ExportReports, Some(TARGET)),
        scene.task(Task::ExportReports, Some(TARGET)),
    );
    let tries = [first, second].map(|outcome| outcome.counts.get("unreached").copied());
    assert!(tries == [Some(1), None] || tries == [None, Some(1)], "{tries:?}");
    assert_eq!(receiver.deliveries().len() - before, 3);
    assert_eq!(scene.queue(QUEUE).await.in_flight, 2, "others still wait in the queue");
    receiver.answer_status(200);
    scene.drain().await;
    assert_eq!(scene.queue(QUEUE).await.in_flight, 0);
}

pub async fn a_batch_that_a_target_refuses_is_a_dead_letter_and_others_pass_it(backend: Backend) {
    let (receiver, scene) = scene(backend).await;
    let message = json!({"error": {"code": 400, "message": "Parse\nError", "errors": []}});
    receiver.answer(move |_, numbers| {
        let reply = Reply::status(if numbers.contains(&3) { 400 } else { 200 });
        reply.json(message.clone())
    });
    scene.arrive("gnss", None, 1..7).await;
    scene.drain().await;
    let refused = answered(&receiver, 400);
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused.iter().all(|again| *again == refused[0]));
    let mut taken: Vec<_> = answered(&receiver, 200).into_iter().map(|(_, it)| it).collect();
    taken.sort();
    assert_eq!(taken, [[1, 2], [5, 6]]);
    let letters = scene.letters(QUEUE).await;
    assert_eq!(letters.len(), 2);
    for letter in &letters {
        assert_eq!(letter.reason, "refused");
        assert!(letter.detail.ends_with(" answered 400 (ParseError)"), "{}", letter.detail);
        let batch = letter.batch().unwrap();
        assert_eq!((&batch.id, batch.items), (&refused[0].0, 2));
    }
    let count = keys::dead_count(QUEUE, "refused").into_bytes();
    let count = scene.run.context.kv.get(&[count]).await.unwrap().remove(0);
    assert_eq!(count.as_deref(), Some(&b"2"[..]));
    assert_eq!(scene.run.context.kv.keys("ichnaea:refusals:").await.unwrap(), [""; 0]);
}

pub async fn what_is_the_fault_of_an_address_or_a_key_is_held_against_no_batch(backend: Backend) {
    let (receiver, scene) = scene(backend).await;
    let reason = json!({"error": {"code": 400, "message": "Missing or invalid API key.",
        "errors": [{"domain": "usageLimits", "reason": "keyInvalid", "message": ""}]}});
    let replies = [
        Reply::status(400).json(reason),
        Reply::status(401),
        Reply::status(403),
        Reply::status(404),
        Reply::status(405),
    ];
    scene.arrive("gnss", None, 1..3).await;
    for (asked, reply) in replies.into_iter().enumerate() {
        receiver.answer(move |_, _| reply.clone());
        for _ in 0..4 {
            assert_eq!(scene.try_now().await["unreached"], 1);
        }
        assert_eq!(receiver.deliveries().len(), 4 * (asked + 1), "no second try in a row");
    }
    assert_eq!(scene.letters(QUEUE).await, []);
    let rest = ichnaea_server::tasks::export::rest_of(&*scene.run.context.kv, TARGET).await;
    let why = rest.unwrap().unwrap().why;
    assert!(why.ends_with(" answered 405") && !why.contains("partner-key"), "{why}");
    receiver.answer_status(200);
    assert_eq!(scene.try_now().await["reports"], 2);
}

pub async fn a_target_can_say_when_it_wants_to_be_asked_again(backend: Backend) {
    let (receiver, scene) = scene(backend).await;
    receiver.answer(|_, _| Reply::status(429).header("retry-after", "300"));
    scene.arrive("gnss", None, 1..3).await;
    let now_ms = scene.run.context.clock.now_ms();
    assert_eq!(scene.try_now().await["unreached"], 1);
    assert_eq!(receiver.deliveries().len(), 1, "not at once");
    let rest = ichnaea_server::tasks::export::rest_of(&*scene.run.context.kv, TARGET).await;
    let until_s = (rest.unwrap().unwrap().until_ms - now_ms) / 1000;
    assert!((299..=330).contains(&until_s), "{until_s}");
}

pub async fn a_redirect_is_not_followed(backend: Backend) {
    let (receiver, scene) = scene(backend).await;
    let elsewhere = Receiver::start().await;
    let url = elsewhere.url();
    receiver.answer(move |_, _| Reply::status(307).header("location", &url));
    scene.arrive("gnss", None, 1..3).await;
    assert_eq!(scene.try_now().await["unreached"], 1);
    assert_eq!(elsewhere.deliveries(), []);
    // A host that never answers holds a worker no longer than a few seconds.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/v2/geosubmit", silent.local_addr().unwrap());
    let mut target = scene.run.context.writer.export_config(TARGET).await.unwrap().unwrap();
    target.url = Some(url);
    scene.run.context.writer.put_export_config(&target).await.unwrap();
    let started = Instant::now();
    assert_eq!(scene.try_now().await["unreached"], 1);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(scene.queue(QUEUE).await.in_flight, 2);
}

pub async fn a_dummy_counts_and_sends_nothing(backend: Backend) {
    let scene = Scene::start(backend, "dummy", "", &[]).await;
    scene.arrive("gnss", None, 1..3).await;
    assert_eq!(scene.task(Task::ExportReports, Some(QUEUE)).await.counts["reports"], 2);
    assert_eq!(scene.measured(), ["location.data.export.batch:1|c|#key:partner"]);
    assert_eq!(scene.queue(QUEUE).await.in_flight, 0);
}
