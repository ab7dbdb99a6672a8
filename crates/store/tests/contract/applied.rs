//! No batch is applied twice, and none of two at once is lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use ichnaea_domain::cell::Radio;
use ichnaea_domain::station::{Station, StationKey};
use ichnaea_store::{Applied, BatchRef, Error, StationChanges, Store};
use ichnaea_testkit::Backend;

use crate::stations::{cell, full, insert, wifi};
use crate::{batch, migrated, on_both, time, value};

/// Adds one sample to each of these stations, or makes it.
fn count(found: &HashMap<StationKey, Station>, keys: &[StationKey]) -> StationChanges<u32> {
    let mut changes = StationChanges { insert: Vec::new(), update: Vec::new(), outcome: 0 };
    for key in keys {
        match found.get(key) {
            Some(station) => {
                let samples = station.samples.map(|samples| samples + 1);
                changes.update.push((*key, Station { samples, ..station.clone() }));
            }
            None => changes.insert.push((*key, Station { samples: Some(1), ..full() })),
        }
        changes.outcome += 1;
    }
    changes
}

async fn count_once(store: &Store, id: &str, keys: Vec<StationKey>) -> Applied<u32> {
    let rule_keys = keys.clone();
    // Three tries may not be enough when many collide on purpose; the caller of the real thing
    // puts the batch back, which is the same call again.
    loop {
        let keys_of_rule = rule_keys.clone();
        let rule = move |found: &HashMap<_, _>| count(found, &keys_of_rule);
        match store.update_stations(&batch(id), keys.clone(), rule).await {
            Ok(applied) => return applied,
            Err(Error::Busy(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

on_both! {
    async fn a_batch_is_applied_once(store, db) {
        let keys = vec![cell(Radio::Gsm, 1, 1), cell(Radio::Gsm, 1, 2)];
        let first = count_once(&store, "same", keys.clone()).await;
        assert!(!first.repeated);
        let second = count_once(&store, "same", keys.clone()).await;
        assert_eq!((second.outcome, second.repeated), (2, true));
        assert_eq!(value(&db, "SELECT SUM(samples) FROM cell_gsm"), "2");
        assert!(!count_once(&store, "other", keys).await.repeated);
        assert_eq!(value(&db, "SELECT SUM(samples) FROM cell_gsm"), "4");
        let row = &db.rows("SELECT queue, outcome, applied FROM applied_batch WHERE id = 'same'")[0];
        let row: Vec<_> = row.iter().flatten().map(String::as_str).collect();
        assert_eq!(row, ["update_test", "2", "2026-11-23 12:00:00"]);
    }

    async fn an_empty_batch_is_remembered_too(store, _db) {
        assert!(!count_once(&store, "1", Vec::new()).await.repeated);
        assert!(count_once(&store, "1", Vec::new()).await.repeated);
    }

    async fn batches_at_the_same_time_lose_nothing(store, db) {
        let keys: Vec<StationKey> = (0..20).map(|cid| cell(Radio::Lte, 1, cid)).collect();
        let tasks: Vec<_> = (0..8).map(|task| {
            // Half of them in what might be another process.
            let store = if task < 4 { store.clone() } else { crate::open(&db.uri) };
            let mut keys = keys.clone();
            if task % 2 == 0 {
                keys.reverse();
            }
            tokio::spawn(async move {
                for round in 0..5 {
                    count_once(&store, &format!("{task}-{round}"), keys.clone()).await;
                }
            })
        }).collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(value(&db, "SELECT MIN(samples) FROM cell_lte"), "40");
        assert_eq!(value(&db, "SELECT MAX(samples) FROM cell_lte"), "40");
        assert_eq!(value(&db, "SELECT COUNT(*) FROM cell_lte"), "20");
        assert_eq!(value(&db, "SELECT COUNT(*) FROM applied_batch"), "40");
    }

    async fn the_same_batch_at_the_same_time_is_applied_once(store, db) {
        let keys: Vec<StationKey> = (0..20).map(|cid| cell(Radio::Lte, 1, cid)).collect();
        let tasks: Vec<_> = (0..6).map(|_| {
            let (store, keys) = (store.clone(), keys.clone());
            tokio::spawn(async move { count_once(&store, "one", keys).await })
        }).collect();
        let mut first = 0;
        for task in tasks {
            let applied = task.await.unwrap();
            assert_eq!(applied.outcome, 20);
            first += u32::from(!applied.repeated);
        }
        assert_eq!(first, 1);
        assert_eq!(value(&db, "SELECT SUM(samples) FROM cell_lte"), "20");
    }

    async fn a_rule_that_panics_changes_nothing_and_stops_nothing(store, db) {
        insert(&store, "1", vec![(wifi(1), full())]).await;
        let panics = |_: &HashMap<StationKey, Station>| -> StationChanges<()> { panic!("no") };
        let failed = store.update_stations(&batch("2"), vec![wifi(1)], panics).await;
        assert!(matches!(failed, Err(Error::Broken(_))), "{failed:?}");
        for round in 0..20 {
            count_once(&store, &format!("after {round}"), vec![wifi(1)]).await;
        }
        assert_eq!(value(&db, "SELECT COUNT(*) FROM applied_batch"), "21");
    }

    async fn a_write_that_fails_takes_all_others_back(store, db) {
        // A missing table makes the second of two writes fail.
        db.execute(&["DROP TABLE wifi_shard_f"]);
        let in_f = StationKey::Wifi(ichnaea_domain::mac::Mac::from_bytes([2, 0, 0xF0, 0, 0, 1]));
        let rule = move |_: &HashMap<_, _>| StationChanges {
            insert: vec![(cell(Radio::Lte, 1, 1), full()), (in_f, full())],
            update: Vec::new(),
            outcome: (),
        };
        let keys = vec![cell(Radio::Lte, 1, 1)];
        let failed = store.update_stations(&batch("1"), keys, rule).await;
        assert!(matches!(failed, Err(Error::OldSchema(_))), "{failed:?}");
        assert_eq!(value(&db, "SELECT COUNT(*) FROM cell_lte"), "0");
        assert_eq!(value(&db, "SELECT COUNT(*) FROM applied_batch"), "0");
    }

    async fn old_batches_are_forgotten(store, db) {
        for (id, at) in [
            ("old", "2026-11-20 00:00:00"),
            ("held", "2026-11-20 00:00:00"),
            ("new", "2026-11-22 00:00:00"),
        ] {
            let batch = BatchRef { now: time(at), ..batch(id) };
            let rule = |_: &HashMap<_, _>| count(&HashMap::new(), &[]);
            store.update_stations(&batch, Vec::new(), rule).await.unwrap();
        }
        let (before, in_flight) = (time("2026-11-21 00:00:00"), ["held".into(), "other".into()]);
        assert_eq!(store.cleanup_applied(before, &in_flight).await.unwrap(), 1);
        assert_eq!(value(&db, "SELECT COUNT(*) FROM applied_batch"), "2");
        for (id, expected) in [("old", false), ("held", true), ("new", true)] {
            assert_eq!(store.is_applied(id).await.unwrap(), expected, "{id}");
        }
        assert_eq!(store.cleanup_applied(before, &[]).await.unwrap(), 1);
        assert_eq!(value(&db, "SELECT id FROM applied_batch"), "new");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mysql_a_row_that_appeared_meanwhile_is_decided_again() {
    let (store, db) = migrated(Backend::Server).await;
    let key = cell(Radio::Lte, 1, 1);
    // The look-up cannot see this row, since its binary key is another, but the insert hits its
    // unique index: what happens when another worker inserts between the two.
    db.execute(&["INSERT INTO cell_lte (cellid, radio, mcc, mnc, lac, cid) \
                  VALUES (X'0300EA001E000100000002', 3, 234, 30, 1, 1)"]);
    let tries = AtomicU32::new(0);
    let rule = move |found: &HashMap<StationKey, Station>| {
        assert!(found.is_empty());
        let tried = tries.fetch_add(1, Ordering::SeqCst);
        let insert = if tried == 0 { vec![(key, full())] } else { Vec::new() };
        StationChanges { insert, update: Vec::new(), outcome: tried }
    };
    let applied = store.update_stations(&batch("1"), vec![key], rule).await.unwrap();
    assert_eq!((applied.outcome, applied.lock_errors), (1, vec![1062]));
    assert_eq!(value(&db, "SELECT COUNT(*) FROM cell_lte"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mysql_a_row_that_stays_locked_is_reported_as_busy() {
    use mysql_async::prelude::Queryable as _;
    let (_, db) = migrated(Backend::Server).await;
    let options = ichnaea_store::Options {
        wait: std::time::Duration::from_secs(9),
        ..ichnaea_store::Options::default()
    };
    let store = Store::open(&db.uri, &options).unwrap();
    insert(&store, "1", vec![(cell(Radio::Lte, 1, 1), full())]).await;
    let options = mysql_async::Opts::from_url(&db.uri).unwrap();
    let mut holder = mysql_async::Conn::new(options).await.unwrap();
    holder.query_drop("START TRANSACTION").await.unwrap();
    holder.query_drop("SELECT * FROM cell_lte FOR UPDATE").await.unwrap();
    let rule = |found: &HashMap<_, _>| count(found, &[cell(Radio::Lte, 1, 1)]);
    let failed = store.update_stations(&batch("2"), vec![cell(Radio::Lte, 1, 1)], rule).await;
    assert!(matches!(failed, Err(Error::Busy(_))), "{failed:?}");
    holder.query_drop("ROLLBACK").await.unwrap();
    assert!(!count_once(&store, "2", vec![cell(Radio::Lte, 1, 1)]).await.repeated);
    holder.disconnect().await.unwrap();
}
