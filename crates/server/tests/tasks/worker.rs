//! The worker role.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ichnaea_server::keys;
use ichnaea_server::roles::Shutdown;
use ichnaea_server::tasks::message::{Message, send};
use ichnaea_server::tasks::{Task, runner};
use ichnaea_testkit::Backend;
use serde_json::json;

use crate::bench::{Bench, observation};

/// A worker that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn tell(bench: &Bench, task: Task, argument: &str, expires: Duration) {
    let now_ms = bench.context().clock.now_ms();
    let message = Message::new(task, Some(argument.to_owned()), now_ms, expires);
    bench.context().kv.apply(vec![send(&[message])]).await.unwrap();
}

/// Lets a worker run until all messages are taken and the tasks they started have ended.
pub async fn work(bench: &Bench) {
    let (stop, shutdown) = Shutdown::new();
    let worker = tokio::spawn(runner::run(Arc::clone(bench.context()), shutdown));
    let started = Instant::now();
    // The queue is the only thing that tells; the end of the worker waits for its tasks.
    loop {
        let state = bench.queue(keys::TASKS).await;
        if (state.len, state.in_flight) == (0, 0) {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "{state:?}");
        tokio::task::yield_now().await;
    }
    stop.send(true).unwrap();
    tokio::time::timeout(PATIENCE, worker).await.unwrap().unwrap().unwrap();
}

pub async fn a_worker_runs_what_it_is_told(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.push("update_wifi_0", vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    bench.push("update_wifi_f", vec![observation("94b4f0010d01", 51.5, 0.1)]).await;
    for shard in ["0", "f", "0"] {
        tell(&bench, Task::UpdateWifi, shard, Duration::from_secs(30)).await;
    }
    bench.push(keys::TASKS, vec![b"{\"task\":\"unknown\"}".to_vec()]).await;
    work(&bench).await;
    assert_eq!(json!(bench.rows("SELECT lon FROM wifi_shard_0")), json!([[-0.1]]));
    assert_eq!(json!(bench.rows("SELECT lon FROM wifi_shard_f")), json!([[0.1]]));
}

pub async fn a_worker_refuses_an_old_schema(backend: Backend) {
    let bench = Bench::without_schema(backend).await;
    let pending = bench.context().writer.pending_migrations().await.unwrap();
    assert!(!pending.is_empty());
    let (_stop, shutdown) = Shutdown::new();
    let refusal = runner::run(Arc::clone(bench.context()), shutdown).await.unwrap_err();
    for name in pending {
        assert!(refusal.to_string().contains(&name), "{refusal}");
    }
}

pub async fn an_expired_message_is_dropped(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.push("update_wifi_0", vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    tell(&bench, Task::UpdateWifi, "0", Duration::from_secs(30)).await;
    bench.pass(31);
    work(&bench).await;
    assert_eq!(bench.queue("update_wifi_0").await.len, 1);
}
