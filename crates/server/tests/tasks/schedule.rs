//! Who sends which task when.

use std::sync::Arc;

use ichnaea_server::keys;
use ichnaea_server::tasks::Task;
use ichnaea_server::tasks::message::Message;
use ichnaea_server::tasks::scheduler::Scheduler;
use ichnaea_testkit::Backend;

use crate::bench::{Bench, ms};

/// The tasks that were sent since the last time.
async fn sent(bench: &Bench) -> Vec<(Task, Option<String>)> {
    let kv = &bench.context().kv;
    let lease = std::time::Duration::from_mins(1);
    let Some(taken) = kv.take(keys::TASKS, 0, lease).await.unwrap() else { return Vec::new() };
    kv.finish(keys::TASKS, &taken.id, Vec::new()).await.unwrap();
    let messages = taken.items.iter().map(|item| Message::decode(item).unwrap());
    messages.map(|message| (message.task, message.argument)).collect()
}

pub async fn one_of_two_schedulers_is_active(backend: Backend) {
    let bench = Bench::new(backend).await;
    let mut first = Scheduler::new(Arc::clone(bench.context()));
    let mut second = Scheduler::new(Arc::clone(bench.context()));
    first.step().await.unwrap();
    second.step().await.unwrap();
    assert_eq!(sent(&bench).await, []);

    bench.pass(32);
    second.step().await.unwrap();
    assert_eq!(sent(&bench).await, []);
    first.step().await.unwrap();
    assert_eq!(sent(&bench).await, [(Task::UpdateIncoming, None)]);
    first.step().await.unwrap();
    assert_eq!(sent(&bench).await, []);

    bench.pass(8);
    first.step().await.unwrap();
    let shards: Vec<_> = sent(&bench).await.into_iter().filter_map(|(_, shard)| shard).collect();
    assert_eq!(shards.concat(), "0123456789abcdef");

    first.release().await;
    bench.pass(5);
    second.step().await.unwrap();
    first.step().await.unwrap();
    assert_eq!(sent(&bench).await, []);
    bench.pass(18);
    second.step().await.unwrap();
    assert_eq!(sent(&bench).await, []);
    bench.pass(1);
    first.step().await.unwrap();
    second.step().await.unwrap();
    assert_eq!(sent(&bench).await, [(Task::UpdateIncoming, None)]);
}

pub async fn a_clock_that_is_set_back_does_not_stop_the_schedule(backend: Backend) {
    let bench = Bench::new(backend).await;
    let mut scheduler = Scheduler::new(Arc::clone(bench.context()));
    scheduler.step().await.unwrap();
    bench.pass(32);
    scheduler.step().await.unwrap();
    assert_eq!(sent(&bench).await, [(Task::UpdateIncoming, None)]);

    bench.pass(-86_400);
    scheduler.step().await.unwrap();
    assert_eq!(sent(&bench).await, []);
    bench.pass(32);
    scheduler.step().await.unwrap();
    assert_eq!(sent(&bench).await, [(Task::UpdateIncoming, None)]);
}

pub async fn a_daily_task_is_made_up_for_after_a_gap(backend: Backend) {
    let bench = Bench::new(backend).await;
    let daily = |sent: Vec<(Task, Option<String>)>| -> Vec<Task> {
        let is_daily = |task: &Task| {
            matches!(task, Task::UpdateStatregion | Task::CleanupStat | Task::CleanupApplied)
        };
        sent.into_iter().map(|(task, _)| task).filter(is_daily).collect()
    };
    let noon_ms = bench.context().clock.now_ms();
    let mut first = Scheduler::new(Arc::clone(bench.context()));
    first.step().await.unwrap();
    bench.pass((ms("2026-02-01T00:30:00Z") - noon_ms) / 1000);
    first.step().await.unwrap();
    let all = [Task::UpdateStatregion, Task::CleanupStat, Task::CleanupApplied];
    assert_eq!(daily(sent(&bench).await), all);
    first.release().await;

    // Nobody is active when they are due the next day.
    bench.pass(86_400);
    let mut second = Scheduler::new(Arc::clone(bench.context()));
    second.step().await.unwrap();
    assert_eq!(daily(sent(&bench).await), all);
    second.step().await.unwrap();
    assert_eq!(daily(sent(&bench).await), []);
    second.release().await;

    // Five hours are too late: the message would have expired.
    bench.pass(86_400 + 6 * 3600);
    let mut third = Scheduler::new(Arc::clone(bench.context()));
    third.step().await.unwrap();
    assert_eq!(daily(sent(&bench).await), []);
}

pub async fn a_map_is_drawn_at_once_and_then_at_its_interval_whoever_schedules(backend: Backend) {
    let bench = Bench::with_options(backend, &["--map-interval", "3600"]).await;
    let maps = |sent: Vec<(Task, Option<String>)>| {
        sent.iter().filter(|(task, _)| *task == Task::RenderMap).count()
    };
    let mut first = Scheduler::new(Arc::clone(bench.context()));
    first.step().await.unwrap();
    assert_eq!(maps(sent(&bench).await), 1);
    bench.pass(3000);
    first.step().await.unwrap();
    assert_eq!(maps(sent(&bench).await), 0);
    first.release().await;

    // The clock goes on, also when nobody is active for a while.
    let mut second = Scheduler::new(Arc::clone(bench.context()));
    second.step().await.unwrap();
    assert_eq!(maps(sent(&bench).await), 0);
    bench.pass(600);
    second.step().await.unwrap();
    assert_eq!(maps(sent(&bench).await), 1);
    second.release().await;
    bench.pass(5 * 3600);
    let mut third = Scheduler::new(Arc::clone(bench.context()));
    third.step().await.unwrap();
    assert_eq!(maps(sent(&bench).await), 1, "what was missed is not made up for one by one");

    let bench = Bench::with_options(backend, &["--map-interval", "0"]).await;
    Scheduler::new(Arc::clone(bench.context())).step().await.unwrap();
    assert_eq!(maps(sent(&bench).await), 0);
}
