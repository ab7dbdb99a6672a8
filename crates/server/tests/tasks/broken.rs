//! What happens to a batch when something goes wrong.

use std::time::Duration;

use base64::Engine as _;
use ichnaea_kv::Op;
use ichnaea_server::keys;
use ichnaea_server::tasks::batch::is_unavailable;
use ichnaea_server::tasks::{Task, run_once};
use ichnaea_testkit::Backend;
use serde_json::{Value, json};

use crate::bench::{Bench, observation, report, wifi};

const QUEUE: &str = "update_wifi_0";

pub async fn reports_wait_while_the_database_is_away(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.submit(&[report(51.5, -0.1, &wifi("94:b4:0f:01:0d:01"))]).await;
    let broken = bench.run_without_database().await;
    let failure = run_once(&broken, Task::UpdateIncoming, None).await.unwrap_err();
    assert!(is_unavailable(&failure), "{failure:#}");

    bench.drain().await;
    assert_eq!(bench.rows("SELECT samples FROM wifi_shard_0").len(), 1);
    assert_eq!(bench.counters(["statcounter_wifi_20260131"]).await, [Some(1)]);
}

pub async fn observations_are_put_back_while_the_database_is_away(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.push(QUEUE, vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    let broken = bench.run_without_database().await;
    for _ in 0..20 {
        let failure = run_once(&broken, Task::UpdateWifi, Some("0")).await.unwrap_err();
        assert!(is_unavailable(&failure), "{failure:#}");
    }
    assert_eq!(broken.held.list(), []);
    let state = bench.queue(QUEUE).await;
    assert_eq!((state.len, state.in_flight), (0, 1));

    // However often that happened, it was not the fault of the batch.
    assert_eq!(bench.run(Task::UpdateWifi, Some("0")).await.counts["new"], 1);
    let counters = ["statcounter_wifi_20260131", "statcounter_unique_wifi_20260131"];
    assert_eq!(bench.counters(counters).await, [Some(1), Some(1)]);
    assert_eq!(bench.queue(QUEUE).await.in_flight, 0);
}

pub async fn what_cannot_be_read_becomes_a_dead_letter(backend: Backend) {
    let bench = Bench::new(backend).await;
    let good = observation("94b40f010d01", 51.5, -0.1);
    let nowhere = json!({"mac": "94b40f010d02"}).to_string().into_bytes();
    bench.push(QUEUE, vec![b"\xff".to_vec(), good, nowhere.clone()]).await;
    let outcome = bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!((outcome.items, outcome.counts["dead"]), (1, 2));
    assert_eq!(bench.rows("SELECT lat FROM wifi_shard_0").len(), 1);

    let letters = bench.context().kv.peek(&keys::dead_letters(QUEUE), 0, 10).await.unwrap();
    let letters: Vec<Value> =
        letters.iter().map(|letter| serde_json::from_slice(letter).unwrap()).collect();
    let of = |name: &str| letters.iter().map(|letter| letter[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("reason"), ["undecodable", "undecodable"]);
    assert_eq!(of("time"), ["2026-01-31 12:00:00", "2026-01-31 12:00:00"]);
    let nowhere = base64::engine::general_purpose::STANDARD.encode(nowhere);
    assert_eq!(of("item"), ["/w==".to_owned(), nowhere]);
    let counter = keys::dead_count(QUEUE, "undecodable");
    assert_eq!(bench.counters([counter.as_str()]).await, [Some(2)]);
}

pub async fn a_batch_that_always_fails_is_given_up(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.database.execute(&["DROP TABLE wifi_shard_0"]);
    let item = observation("94b40f010d01", 51.5, -0.1);
    bench.push(QUEUE, vec![item]).await;
    let kv = &bench.context().kv;
    let taken = kv.take(QUEUE, 500, Duration::from_mins(1)).await.unwrap().unwrap();
    for _ in 0..8 {
        // The pause after a failure ends here, instead of by waiting for it.
        assert!(kv.put_back(QUEUE, &taken.id).await.unwrap());
        let failure = run_once(&bench.run, Task::UpdateWifi, Some("0")).await.unwrap_err();
        assert!(!is_unavailable(&failure), "{failure:#}");
        assert_eq!(bench.queue(QUEUE).await.in_flight, 1);
    }
    assert!(kv.put_back(QUEUE, &taken.id).await.unwrap());
    assert_eq!(bench.run(Task::UpdateWifi, Some("0")).await.counts["dead"], 1);
    let state = bench.queue(QUEUE).await;
    assert_eq!((state.len, state.in_flight), (0, 0));
    assert_eq!(bench.queue(&keys::dead_letters(QUEUE)).await.len, 1);
    let counter = keys::dead_count(QUEUE, "failed_batch");
    assert_eq!(bench.counters([counter.as_str()]).await, [Some(1)]);
}

pub async fn an_applied_batch_is_not_applied_again(backend: Backend) {
    let bench = Bench::new(backend).await;
    let kv = &bench.context().kv;
    bench.push(QUEUE, vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    // A worker applies the batch and dies before it finishes it: the rows are there, the counters
    // are not.
    let taken = kv.take(QUEUE, 500, Duration::from_mins(1)).await.unwrap().unwrap();
    kv.put_back(QUEUE, &taken.id).await.unwrap();
    bench.run(Task::UpdateWifi, Some("0")).await;
    let rows = bench.rows("SELECT samples, weight FROM wifi_shard_0");
    // The same batch once more, under its old id, as if finishing it had never happened.
    let again = Op::Push { queue: QUEUE.to_owned(), items: taken.items };
    kv.apply(vec![again]).await.unwrap();
    let copy = kv.take(QUEUE, 500, Duration::from_mins(1)).await.unwrap().unwrap();
    kv.put_back(QUEUE, &copy.id).await.unwrap();
    bench.database.execute(&[&format!(
        "UPDATE applied_batch SET id = '{}' WHERE id = '{}'",
        copy.id, taken.id
    )]);
    let outcome = bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(outcome.counts["repeated"], 1);
    assert_eq!(bench.rows("SELECT samples, weight FROM wifi_shard_0"), rows);
    // What follows from the batch is done for it each time it is finished.
    assert_eq!(bench.counters(["statcounter_wifi_20260131"]).await, [Some(2)]);
}
