//! A target that misbehaves in every way while many reports flow and the worker is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use ichnaea_kv::Op;
use ichnaea_server::keys;
use ichnaea_server::tasks::Task;
use ichnaea_server::tasks::message::{Message, send};
use ichnaea_testkit::Backend;
use ichnaea_testkit::receiver::{Receiver, Reply};

use crate::scene::{QUEUE, Scene, TARGET};

const REPORTS: i64 = 100_000;
const BATCH: i32 = 1000;
/// Reports whose batches are refused.
const UNWANTED: [i64; 3] = [5_500, 42_000, 99_999];
/// Deliveries after which the worker is killed.
const KILLS: [usize; 2] = [25, 70];
const PATIENCE: Duration = Duration::from_mins(3);
/// Pause between looks at something that only time changes.
const LOOK: Duration = Duration::from_millis(50);

/// A worker, killed when the test ends before it does.
struct Worker(Child);

impl Worker {
    fn start(scene: &Scene) -> Self {
        let mut command = scene.process(&["worker"], None);
        // Long enough for an honest answer on a machine that has a lot to do.
        command.env("TRANSFER_TIMEOUT", "4");
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // `kill -9`; fails only when it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn fill(scene: &Scene) {
    let form = keys::incoming();
    for first in (0..REPORTS).step_by(10_000) {
        let report = |number: i64| {
            let report = serde_json::json!({"timestamp": number, "wifiAccessPoints": []});
            serde_json::json!({"api_key": null, "source": "gnss", "report": report})
        };
        let items: Vec<_> = (first..first + 10_000).map(report).collect();
        let items = form.encode(&items).unwrap();
        let push = Op::Push { queue: keys::UPDATE_INCOMING.to_owned(), items };
        scene.run.context.kv.apply(vec![push]).await.unwrap();
    }
}

/// What a scheduler does, in less time.
async fn tick(scene: &Scene) {
    let context = &scene.run.context;
    let message = |task, argument: Option<&str>| {
        let argument = argument.map(str::to_owned);
        Message::new(task, argument, context.clock.now_ms(), Duration::from_secs(10))
    };
    let messages = [message(Task::UpdateIncoming, None), message(Task::ExportReports, Some(QUEUE))];
    context.kv.apply(vec![send(&messages)]).await.unwrap();
}

pub async fn a_hundred_thousand_reports_survive_a_bad_target_and_two_kills(backend: Backend) {
    let receiver = Receiver::start().await;
    let scene = Scene::start(backend, "geosubmit", &receiver.url(), &[]).await;
    let mut target = scene.run.context.writer.export_config(TARGET).await.unwrap().unwrap();
    target.batch = Some(BATCH);
    scene.run.context.writer.put_export_config(&target).await.unwrap();
    // Every tenth delivery fails, in turn: refused for now, not answered in time, an error.
    receiver.answer(|before, numbers| {
        let is_unwanted = UNWANTED.iter().any(|number| numbers.contains(number));
        // What is not wanted is never taken, also when the answer comes too late to be heard.
        let status = if is_unwanted { 400 } else { 200 };
        match before % 30 {
            5 => Reply::status(503),
            15 => Reply::status(status).after(Duration::from_secs(5)),
            25 => Reply::status(500),
            _ => Reply::status(status),
        }
    });
    fill(&scene).await;

    let started = Instant::now();
    let mut kills = KILLS.into_iter().peekable();
    let mut worker = Worker::start(&scene);
    loop {
        tick(&scene).await;
        let delivered = receiver.deliveries().len();
        if kills.next_if(|after| delivered >= *after).is_some() {
            drop(worker);
            worker = Worker::start(&scene);
        }
        let names = [keys::UPDATE_INCOMING, QUEUE].map(str::to_owned);
        let states = scene.run.context.kv.queues(&names).await.unwrap();
        if states.iter().all(|state| state.len + state.in_flight == 0) {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{delivered} deliveries, {states:?}");
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(kills.next(), None, "the worker was killed twice");
    drop(worker);

    let mut batches: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    let mut refused = BTreeMap::new();
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for delivery in receiver.deliveries() {
        *statuses.entry(delivery.status).or_default() += 1;
        let first = batches.entry(delivery.batch.clone());
        let first = first.or_insert_with(|| delivery.timestamps.clone());
        assert_eq!(*first, delivery.timestamps, "a repetition is what it was");
        match delivery.status {
            200 => taken.extend(delivery.timestamps),
            400 => drop(refused.insert(delivery.batch, delivery.timestamps)),
            _ => {}
        }
    }
    assert!(statuses[&503] > 0 && statuses[&500] > 0, "{statuses:?}");
    assert_eq!(refused.len(), UNWANTED.len(), "{statuses:?}");
    let mut dead: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for letter in scene.letters(QUEUE).await {
        let item: serde_json::Value = serde_json::from_slice(&letter.item().unwrap()).unwrap();
        let number = item["report"]["timestamp"].as_i64().unwrap();
        dead.entry(letter.batch().unwrap().id).or_default().push(number);
    }
    assert!(dead == refused, "the dead letters are exactly the refused batches");
    let unwanted: BTreeSet<i64> = refused.into_values().flatten().collect();
    assert!(taken.is_disjoint(&unwanted));
    assert_eq!(taken.len() + unwanted.len(), usize::try_from(REPORTS).unwrap());
}
