use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use ichnaea_kv::{Error, KeyValue, Op, QueueState, Taken};

use crate::Bench;

const QUEUE: &str = "update_wifi_a";
const NEXT: &str = "update_cellarea";
const LONG: Duration = Duration::from_hours(1);

fn push(queue: &str, items: &[&str]) -> Op {
    Op::Push { queue: queue.into(), items: bytes(items) }
}

fn bytes(items: &[&str]) -> Vec<Vec<u8>> {
    items.iter().map(|item| item.as_bytes().to_vec()).collect()
}

fn count(key: &str) -> Op {
    Op::Count { key: key.into(), by: 1, ttl: None }
}

async fn give(kv: &Arc<dyn KeyValue>, items: &[&str]) {
    assert_eq!(kv.apply(vec![push(QUEUE, items)]).await, Ok(vec![0]));
}

async fn take(kv: &Arc<dyn KeyValue>, max: usize, lease: Duration) -> Option<Taken> {
    kv.take(QUEUE, max, lease).await.unwrap()
}

async fn all_of(kv: &Arc<dyn KeyValue>, queue: &str) -> Vec<Vec<u8>> {
    kv.peek(queue, 0, 1_000_000).await.unwrap()
}

async fn state(kv: &Arc<dyn KeyValue>, queue: &str) -> QueueState {
    kv.queues(&[queue.to_owned()]).await.unwrap()[0]
}

async fn counter(kv: &Arc<dyn KeyValue>, key: &str) -> Option<Vec<u8>> {
    kv.get(&[key.into()]).await.unwrap().remove(0)
}

pub async fn an_empty_queue_gives_no_batch(bench: &Bench) {
    assert_eq!(take(&bench.kv, 0, LONG).await, None);
    assert_eq!(state(&bench.kv, QUEUE).await, QueueState::default());
}

pub async fn items_come_out_in_the_order_they_went_in(bench: &Bench) {
    give(&bench.kv, &["a", "b"]).await;
    give(&bench.kv, &["c", "a"]).await;
    let taken = take(&bench.kv, 10, LONG).await.unwrap();
    assert_eq!(taken.items, bytes(&["a", "b", "c", "a"]));
    assert!(!taken.again);
}

pub async fn a_batch_has_at_most_as_many_items_as_asked_for(bench: &Bench) {
    give(&bench.kv, &["a", "b", "c"]).await;
    let first = take(&bench.kv, 2, LONG).await.unwrap();
    let second = take(&bench.kv, 2, LONG).await.unwrap();
    assert_eq!((first.items, second.items), (bytes(&["a", "b"]), bytes(&["c"])));
    assert_ne!(first.id, second.id);
    assert_eq!(take(&bench.kv, 2, LONG).await, None);
}

pub async fn zero_asks_for_everything(bench: &Bench) {
    let items: Vec<_> = (0..1_234).map(|number: u32| number.to_be_bytes().to_vec()).collect();
    let push = Op::Push { queue: QUEUE.into(), items: items.clone() };
    bench.kv.apply(vec![push]).await.unwrap();
    assert_eq!(take(&bench.kv, 0, LONG).await.unwrap().items, items);
}

pub async fn a_batch_is_kept_from_others_while_its_lease_lasts(bench: &Bench) {
    give(&bench.kv, &["a"]).await;
    let taken = take(&bench.kv, 0, LONG).await.unwrap();
    let other = bench.reopened().await;
    assert_eq!(take(&other, 0, LONG).await, None);
    give(&bench.kv, &["b"]).await;
    assert_ne!(take(&other, 0, LONG).await.unwrap().id, taken.id);
}

pub async fn a_batch_whose_lease_ran_out_is_taken_again_as_it_was(bench: &Bench) {
    give(&bench.kv, &["a", "b"]).await;
    let first = take(&bench.kv, 0, Duration::ZERO).await.unwrap();
    let other = bench.reopened().await;
    let second = take(&other, 1, LONG).await.unwrap();
    assert_eq!(second, Taken { again: true, ..first });
    assert_eq!(take(&bench.kv, 0, LONG).await, None, "the new lease counts");
}

pub async fn a_batch_put_back_is_taken_again_as_it_was(bench: &Bench) {
    give(&bench.kv, &["a", "b"]).await;
    let first = take(&bench.kv, 0, LONG).await.unwrap();
    assert_eq!(bench.kv.put_back(QUEUE, &first.id).await, Ok(true));
    assert_eq!(bench.kv.put_back(QUEUE, &first.id).await, Ok(true));
    assert_eq!(state(&bench.kv, QUEUE).await.in_flight, 2);
    let second = take(&bench.kv, 1, LONG).await.unwrap();
    assert_eq!(second, Taken { again: true, ..first });
}

pub async fn a_batch_that_is_due_comes_before_what_waits(bench: &Bench) {
    give(&bench.kv, &["a", "b", "c"]).await;
    let first = take(&bench.kv, 1, Duration::ZERO).await.unwrap();
    assert_eq!(take(&bench.kv, 1, LONG).await.unwrap().id, first.id);
    assert_eq!(take(&bench.kv, 1, LONG).await.unwrap().items, bytes(&["b"]));
}

pub async fn a_renewed_lease_counts_from_now(bench: &Bench) {
    give(&bench.kv, &["a"]).await;
    let taken = take(&bench.kv, 0, Duration::ZERO).await.unwrap();
    assert_eq!(bench.kv.renew(QUEUE, &taken.id, LONG).await, Ok(true));
    assert_eq!(take(&bench.kv, 0, LONG).await, None);
    assert_eq!(bench.kv.renew(QUEUE, &taken.id, Duration::ZERO).await, Ok(true));
    assert_eq!(take(&bench.kv, 0, LONG).await.unwrap().id, taken.id);
}

pub async fn a_lease_of_a_clock_that_was_far_ahead_is_over(bench: &Bench) {
    give(&bench.kv, &["a"]).await;
    let taken = take(&bench.kv, 0, LONG).await.unwrap();
    assert_eq!(bench.kv.renew(QUEUE, &taken.id, 26 * LONG).await, Ok(true));
    let again = take(&bench.kv, 0, LONG).await.unwrap();
    assert_eq!(again, Taken { again: true, ..taken });
    assert_eq!(take(&bench.kv, 0, LONG).await, None);
    assert_eq!(bench.kv.renew(QUEUE, &again.id, 26 * LONG).await, Ok(true));
    assert_eq!(take(&bench.kv, 0, 30 * LONG).await, None, "no longer than one's own");
}

pub async fn a_finished_batch_is_gone(bench: &Bench) {
    give(&bench.kv, &["a"]).await;
    let id = take(&bench.kv, 0, Duration::ZERO).await.unwrap().id;
    assert_eq!(bench.kv.finish(QUEUE, &id, vec![]).await, Ok(true));
    assert_eq!(take(&bench.kv, 0, LONG).await, None);
    assert_eq!(bench.kv.renew(QUEUE, &id, LONG).await, Ok(false));
    assert_eq!(bench.kv.put_back(QUEUE, &id).await, Ok(false));
    assert_eq!(state(&bench.kv, QUEUE).await, QueueState::default());
}

pub async fn only_the_first_of_two_finishes_does_its_ops(bench: &Bench) {
    give(&bench.kv, &["a"]).await;
    let mine = take(&bench.kv, 0, Duration::ZERO).await.unwrap();
    let other = bench.reopened().await;
    let theirs = take(&other, 0, LONG).await.unwrap();
    assert_eq!(mine.id, theirs.id);
    let ops = vec![push(NEXT, &["area"]), count("statcounter_wifi_20260131")];
    assert_eq!(other.finish(QUEUE, &theirs.id, ops.clone()).await, Ok(true));
    assert_eq!(bench.kv.finish(QUEUE, &mine.id, ops.clone()).await, Ok(false));
    assert_eq!(other.finish(QUEUE, &theirs.id, ops).await, Ok(false));
    assert_eq!(all_of(&bench.kv, NEXT).await, bytes(&["area"]));
    assert_eq!(counter(&bench.kv, "statcounter_wifi_20260131").await, Some(b"1".to_vec()));
}

pub async fn a_finish_that_fails_leaves_the_batch(bench: &Bench) {
    let no_counter = Op::Set { key: "text".into(), value: "x".into(), ttl: None };
    bench.kv.apply(vec![no_counter]).await.unwrap();
    give(&bench.kv, &["a"]).await;
    let id = take(&bench.kv, 0, LONG).await.unwrap().id;
    let ops = vec![push(NEXT, &["area"]), count("text")];
    let outcome = bench.kv.finish(QUEUE, &id, ops).await;
    assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");
    assert_eq!(all_of(&bench.kv, NEXT).await, bytes(&[]));
    assert_eq!(bench.kv.finish(QUEUE, &id, vec![]).await, Ok(true));
}

pub async fn a_finish_for_another_queue_does_nothing(bench: &Bench) {
    give(&bench.kv, &["a"]).await;
    let id = take(&bench.kv, 0, LONG).await.unwrap().id;
    for (queue, id) in [(NEXT, id.as_str()), (QUEUE, "no such batch"), (QUEUE, "")] {
        let ops = vec![push(NEXT, &["area"])];
        assert_eq!(bench.kv.finish(queue, id, ops).await, Ok(false), "{queue} {id}");
    }
    assert_eq!(all_of(&bench.kv, NEXT).await, bytes(&[]));
    assert_eq!(state(&bench.kv, QUEUE).await.in_flight, 1);
}

/// A worker that dies before its `steps`-th verb. Its leases have run out when the next one comes.
async fn work(kv: &Arc<dyn KeyValue>, mut steps: usize) {
    let mut may_go_on = || {
        steps = steps.saturating_sub(1);
        steps > 0
    };
    while may_go_on() {
        let Some(taken) = take(kv, 2, Duration::ZERO).await else { return };
        if !may_go_on() {
            return;
        }
        kv.renew(QUEUE, &taken.id, Duration::ZERO).await.unwrap();
        if !may_go_on() {
            return;
        }
        let onward = Op::Push { queue: NEXT.into(), items: taken.items };
        kv.finish(QUEUE, &taken.id, vec![onward, count("batches")]).await.unwrap();
    }
}

pub async fn a_crash_between_any_two_verbs_loses_nothing_and_repeats_nothing(bench: &Bench) {
    let items = ["a", "b", "c", "d", "e"];
    for steps in 1..12 {
        give(&bench.kv, &items).await;
        work(&bench.reopened().await, steps).await;
        work(&bench.reopened().await, usize::MAX).await;
        assert_eq!(all_of(&bench.kv, NEXT).await, bytes(&items), "died before verb {steps}");
        assert_eq!(counter(&bench.kv, "batches").await, Some(b"3".to_vec()));
        let clean = [NEXT, "batches"].map(|key| Op::Delete { key: key.into() });
        bench.kv.apply(clean.into()).await.unwrap();
    }
}

pub async fn eight_workers_get_every_item_exactly_once(bench: &Bench) {
    let items: Vec<_> = (0..2_000).map(|number: u32| number.to_be_bytes().to_vec()).collect();
    let push = Op::Push { queue: QUEUE.into(), items: items.clone() };
    bench.kv.apply(vec![push]).await.unwrap();
    let worker = |kv: Arc<dyn KeyValue>| async move {
        let mut got = Vec::new();
        while let Some(taken) = take(&kv, 7, LONG).await {
            assert!(!taken.again);
            assert_eq!(kv.finish(QUEUE, &taken.id, vec![count("batches")]).await, Ok(true));
            got.extend(taken.items);
        }
        got
    };
    let mut workers = Vec::new();
    for number in 0..8 {
        let kv = if number % 2 == 0 { Arc::clone(&bench.kv) } else { bench.reopened().await };
        workers.push(tokio::spawn(worker(kv)));
    }
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    for worker in workers {
        for item in worker.await.unwrap() {
            *seen.entry(item).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), items.len());
    assert!(seen.values().all(|times| *times == 1));
    assert_eq!(counter(&bench.kv, "batches").await, Some(b"286".to_vec()));
}

pub async fn items_are_any_bytes(bench: &Bench) {
    let odd: Vec<Vec<u8>> = vec![
        vec![],
        vec![0],
        vec![0, 0, 0, 5, b'x'],
        vec![0xff, 0xfe, 0xc3, 0x28],
        b"\r\n$-1\r\n".to_vec(),
        (0..=255).collect(),
        vec![7; 3 << 20],
    ];
    let queue = "queue_export_a b:\u{e9}:*[\n]";
    let push = Op::Push { queue: queue.into(), items: odd.clone() };
    bench.kv.apply(vec![push]).await.unwrap();
    assert_eq!(all_of(&bench.kv, queue).await, odd);
    let taken = bench.kv.take(queue, 0, Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(taken.items, odd);
    let again = bench.kv.take(queue, 0, LONG).await.unwrap().unwrap();
    assert_eq!(again.items, odd);
    assert_eq!(bench.kv.finish(queue, &taken.id, vec![]).await, Ok(true));
}

pub async fn a_hundred_thousand_items_go_in_one_push(bench: &Bench) {
    let items: Vec<_> = (0..100_000).map(|number: u32| number.to_be_bytes().to_vec()).collect();
    give(&bench.kv, &["a"]).await;
    let id = take(&bench.kv, 0, LONG).await.unwrap().id;
    let onward = Op::Push { queue: NEXT.into(), items: items.clone() };
    assert_eq!(bench.kv.finish(QUEUE, &id, vec![onward]).await, Ok(true));
    assert_eq!(state(&bench.kv, NEXT).await.len, 100_000);
    let part = bench.kv.take(NEXT, 60_000, LONG).await.unwrap().unwrap();
    assert_eq!(part.items, items[..60_000]);
    let rest = bench.kv.take(NEXT, 0, LONG).await.unwrap().unwrap();
    assert_eq!(rest.items, items[60_000..]);
}

pub async fn a_bounded_push_keeps_the_newest(bench: &Bench) {
    let bounded =
        |items: &[&str], keep| Op::PushBounded { queue: "dead".into(), items: bytes(items), keep };
    for (items, keep, expected) in [
        (vec!["a", "b"], 3, vec!["a", "b"]),
        (vec!["c", "d"], 3, vec!["b", "c", "d"]),
        (vec!["e", "f", "g", "h"], 2, vec!["g", "h"]),
        (vec![], 1, vec!["g", "h"]),
        (vec!["i"], 1, vec!["i"]),
        (vec!["j"], 0, vec![]),
        (vec!["k"], usize::MAX, vec!["k"]),
    ] {
        bench.kv.apply(vec![bounded(&items, keep)]).await.unwrap();
        assert_eq!(all_of(&bench.kv, "dead").await, bytes(&expected), "{items:?} keep {keep}");
        assert_eq!(state(&bench.kv, "dead").await.len, expected.len() as u64);
    }
}

pub async fn a_bounded_push_leaves_batches_alone(bench: &Bench) {
    give(&bench.kv, &["a", "b", "c"]).await;
    let taken = take(&bench.kv, 2, Duration::ZERO).await.unwrap();
    let bounded = Op::PushBounded { queue: QUEUE.into(), items: bytes(&["d"]), keep: 1 };
    bench.kv.apply(vec![bounded]).await.unwrap();
    assert_eq!(all_of(&bench.kv, QUEUE).await, bytes(&["d"]));
    assert_eq!(take(&bench.kv, 0, LONG).await.unwrap().items, taken.items);
    assert_eq!(take(&bench.kv, 0, LONG).await.unwrap().items, bytes(&["d"]));
}

pub async fn a_push_of_nothing_does_nothing(bench: &Bench) {
    give(&bench.kv, &[]).await;
    assert_eq!(state(&bench.kv, QUEUE).await, QueueState::default());
    assert_eq!(take(&bench.kv, 0, LONG).await, None);
    assert_eq!(bench.kv.apply(vec![]).await, Ok(vec![]));
}

pub async fn peek_shows_what_waits_and_takes_nothing(bench: &Bench) {
    give(&bench.kv, &["x", "a", "b", "c", "d"]).await;
    take(&bench.kv, 1, LONG).await.unwrap();
    for (start, count, expected) in [
        (0, 2, vec!["a", "b"]),
        (1, 2, vec!["b", "c"]),
        (3, 9, vec!["d"]),
        (4, 1, vec![]),
        (0, 0, vec![]),
        (2, 0, vec![]),
        (usize::MAX, 1, vec![]),
        (1, usize::MAX, vec!["b", "c", "d"]),
    ] {
        let found = bench.kv.peek(QUEUE, start, count).await.unwrap();
        assert_eq!(found, bytes(&expected), "{count} from {start}");
    }
    assert_eq!(state(&bench.kv, QUEUE).await.len, 4);
}

pub async fn a_queue_tells_how_much_waits_how_much_is_in_flight_and_since_when(bench: &Bench) {
    give(&bench.kv, &["a", "b", "c", "d", "e"]).await;
    take(&bench.kv, 1, LONG).await.unwrap();
    take(&bench.kv, 2, LONG).await.unwrap();
    bench.kv.apply(vec![push(NEXT, &["area"])]).await.unwrap();
    bench.kv.take(NEXT, 0, LONG).await.unwrap().unwrap();
    let names = [QUEUE.to_owned(), "nothing".to_owned(), NEXT.to_owned()];
    let states = bench.kv.queues(&names).await.unwrap();
    assert_eq!((states[0].len, states[0].in_flight), (2, 3));
    assert!(states[0].age.is_some_and(|age| age < Duration::from_mins(1)), "{:?}", states[0].age);
    assert_eq!(states[1], QueueState::default());
    assert_eq!(states[2], QueueState { len: 0, in_flight: 1, age: None });
    assert_eq!(bench.kv.queues(&[]).await, Ok(vec![]));
}

pub async fn deleting_a_queue_leaves_its_batches(bench: &Bench) {
    give(&bench.kv, &["a", "b", "c"]).await;
    let id = take(&bench.kv, 1, LONG).await.unwrap().id;
    bench.kv.apply(vec![Op::Delete { key: QUEUE.into() }]).await.unwrap();
    let found = state(&bench.kv, QUEUE).await;
    assert_eq!(found, QueueState { len: 0, in_flight: 1, age: None });
    give(&bench.kv, &["d"]).await;
    assert_eq!(take(&bench.kv, 0, LONG).await.unwrap().items, bytes(&["d"]));
    assert_eq!(bench.kv.finish(QUEUE, &id, vec![]).await, Ok(true));
}

fn restore(id: &str, items: &[&str]) -> Op {
    Op::Restore { queue: QUEUE.into(), id: id.into(), items: bytes(items) }
}

pub async fn a_restored_batch_is_taken_under_its_old_id(bench: &Bench) {
    give(&bench.kv, &["a", "b", "c"]).await;
    let old = take(&bench.kv, 2, LONG).await.unwrap();
    assert_eq!(bench.kv.finish(QUEUE, &old.id, vec![push("dead", &["a", "b"])]).await, Ok(true));
    // As a command does it: what was put aside goes back in one step.
    let aside = bench.kv.take("dead", 0, LONG).await.unwrap().unwrap();
    let ops = vec![restore(&old.id, &["a", "b"]), restore("other", &["x"]), restore("none", &[])];
    assert_eq!(bench.kv.finish("dead", &aside.id, ops).await, Ok(true));
    let found = state(&bench.kv, QUEUE).await;
    assert_eq!((found.len, found.in_flight), (1, 3));
    let mut taken = vec![take(&bench.kv, 1, LONG).await.unwrap()];
    taken.push(take(&bench.kv, 1, LONG).await.unwrap());
    taken.sort_by_key(|taken| taken.items.len());
    assert_eq!((taken[0].id.as_str(), &taken[0].items), ("other", &bytes(&["x"])));
    assert_eq!((&taken[1].id, &taken[1].items), (&old.id, &bytes(&["a", "b"])));
    assert!(taken[0].again && taken[1].again);
    give(&bench.kv, &["d"]).await;
    assert_eq!(take(&bench.kv, 0, LONG).await.unwrap().items, bytes(&["c", "d"]));
    for taken in taken {
        assert_eq!(bench.kv.finish(QUEUE, &taken.id, vec![]).await, Ok(true));
    }
    assert_eq!(state(&bench.kv, QUEUE).await.in_flight, 2);
}

pub async fn a_batch_in_flight_is_not_restored(bench: &Bench) {
    give(&bench.kv, &["a"]).await;
    let taken = take(&bench.kv, 0, LONG).await.unwrap();
    let ops = vec![push(NEXT, &["area"]), restore(&taken.id, &["b"])];
    let outcome = bench.kv.apply(ops).await;
    assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");
    assert_eq!(all_of(&bench.kv, NEXT).await, bytes(&[]));
    assert_eq!(state(&bench.kv, QUEUE).await.in_flight, 1);
}

pub async fn queues_are_found_by_what_waits_and_by_what_is_in_flight(bench: &Bench) {
    let kv = &bench.kv;
    let names = ["out:a*", "out:b", "out:c", "outer", "in"];
    kv.apply(names.map(|name| push(name, &["x"])).into()).await.unwrap();
    kv.apply(vec![count("out:counter")]).await.unwrap();
    kv.take("out:b", 0, LONG).await.unwrap().unwrap();
    let taken = kv.take("out:c", 0, LONG).await.unwrap().unwrap();
    kv.finish("out:c", &taken.id, vec![]).await.unwrap();
    let found = kv.queue_names("out:").await.unwrap();
    let queues: Vec<&str> =
        found.iter().map(String::as_str).filter(|name| *name != "out:counter").collect();
    assert_eq!(queues, ["out:a*", "out:b"]);
    assert_eq!(kv.queue_names("out:a*").await.unwrap(), ["out:a*"]);
    assert_eq!(kv.queue_names("nothing").await.unwrap(), [""; 0]);
}

pub async fn all_batches_in_flight_are_named(bench: &Bench) {
    let kv = &bench.kv;
    assert_eq!(kv.in_flight().await.unwrap(), [""; 0]);
    kv.apply(vec![push("one", &["a", "b"]), push("two", &["c"])]).await.unwrap();
    let mut ids = Vec::new();
    for queue in ["one", "two", "one"] {
        ids.push(kv.take(queue, 1, LONG).await.unwrap().unwrap().id);
    }
    let sorted = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(sorted(&kv.in_flight().await.unwrap()), sorted(&ids));
    // One that is due is in flight too; one that was finished is not.
    assert!(kv.finish("two", &ids.remove(1), Vec::new()).await.unwrap());
    assert!(kv.put_back("one", &ids[0]).await.unwrap());
    assert_eq!(kv.in_flight().await.unwrap(), Vec::from_iter(sorted(&ids)));
}
