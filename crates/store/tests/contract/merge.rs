//! Merging imported rows: what the tables do is what the rule of the domain says.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDateTime;
use ichnaea_domain::cell::{AreaKey, Radio};
use ichnaea_domain::import::merge::{Overwrites, Verdict, decide, overwritten};
use ichnaea_domain::station::{Shard, Station, StationKey};
use ichnaea_store::{Merge, Merged, Store};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use crate::stations::{area, cell, full, insert, wifi};
use crate::{on_both, time, value};

const LTE: Shard = Shard::Cell(Radio::Lte);

const fn how(overwrites: Overwrites) -> Merge {
    Merge { import: 7, is_restricted: false, overwrites }
}

fn at(second: u32) -> NaiveDateTime {
    time("2026-01-01 00:00:00") + chrono::TimeDelta::seconds(second.into())
}

fn station() -> impl Strategy<Value = Station> {
    let optional = |range: std::ops::Range<f64>| proptest::option::of(range);
    let changed = proptest::option::of((0..4_u32).prop_map(at));
    (optional(-80.0..80.0), optional(50.0..51.0), changed, proptest::option::of(0..500_u16))
        .prop_map(|(lat, max_lat, modified, psc)| Station { lat, max_lat, modified, psc, ..full() })
}

async fn all(store: &Store, id: &str, keys: Vec<StationKey>) -> HashMap<StationKey, Station> {
    crate::stations::read(store, id, keys).await
}

on_both! {
    async fn the_tables_follow_the_rule_for_any_rows(store, _db) {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let rows = proptest::collection::vec(
            (proptest::option::of(station()), proptest::option::of(station())), 300,
        );
        for (lac, overwrites) in [(1, Overwrites::Position), (2, Overwrites::Everything)] {
            let rows = rows.new_tree(&mut runner).unwrap().current();
            let key = |number: usize| cell(Radio::Lte, lac, number as u64 + 1);
            let known: Vec<_> = rows.iter().enumerate()
                .filter_map(|(number, (known, _))| Some((key(number), known.clone()?))).collect();
            insert(&store, &format!("known {lac}"), known.clone()).await;
            let known: HashMap<StationKey, Station> = known.into_iter().collect();
            let new: Vec<_> = rows.iter().enumerate()
                .filter_map(|(number, (_, row))| Some((key(number), row.clone()?))).collect();

            let mut expected = known.clone();
            let mut counts = Merged::default();
            for (key, row) in &new {
                let verdict = decide(known.get(key).map(|known| known.modified), row.modified);
                match verdict {
                    Verdict::Insert => {
                        counts.added += 1;
                        expected.insert(*key, row.clone());
                    }
                    Verdict::Update => {
                        counts.updated += 1;
                        expected.insert(*key, overwritten(&known[key], row, overwrites));
                    }
                    Verdict::Keep => counts.unchanged += 1,
                }
            }
            assert!(counts.added > 20 && counts.updated > 20 && counts.unchanged > 20, "{counts:?}");
            let modified: Vec<_> = new.iter().map(|(key, row)| (*key, row.modified)).collect();
            assert_eq!(store.preview_merge(LTE, &modified).await.unwrap(), counts);
            let rows = Arc::new(new);
            let (merged, areas) = store.merge_stations(LTE, Arc::clone(&rows), how(overwrites)).await.unwrap();
            assert_eq!((merged, areas), (counts, vec![area(Radio::Lte, lac)]));
            let keys: Vec<_> = expected.keys().copied().collect();
            assert_eq!(all(&store, &format!("seen {lac}"), keys).await, expected);

            // Once more, nothing is newer.
            let (merged, areas) = store.merge_stations(LTE, rows, how(overwrites)).await.unwrap();
            assert_eq!((merged.added, merged.updated, areas), (0, 0, Vec::<AreaKey>::new()));
        }
    }

    async fn rows_by_the_thousand_are_merged_in_one_call(store, db) {
        let rows: Vec<_> = (1..=5000_u64).map(|number| (cell(Radio::Lte, 1, number), full())).collect();
        let (merged, _) =
            store.merge_stations(LTE, Arc::new(rows.clone()), how(Overwrites::Position)).await.unwrap();
        assert_eq!(merged, Merged { added: 5000, ..Merged::default() });
        let newer: Vec<_> = rows.into_iter().map(|(key, row)| {
            (key, Station { modified: Some(time("2026-03-01 00:00:00")), psc: Some(1), ..row })
        }).collect();
        let (merged, _) =
            store.merge_stations(LTE, Arc::new(newer), how(Overwrites::Position)).await.unwrap();
        assert_eq!(merged, Merged { updated: 5000, ..Merged::default() });
        assert_eq!(value(&db, "SELECT COUNT(*) FROM cell_lte WHERE psc = 1"), "5000");
    }

    async fn only_written_cells_of_a_restricted_import_are_noted(store, db) {
        insert(&store, "1", vec![(cell(Radio::Nr, 1, 1), full())]).await;
        let rows = vec![(cell(Radio::Nr, 1, 1), full()), (cell(Radio::Nr, 1, 1 << 35), full())];
        let restricted = Merge { is_restricted: true, ..how(Overwrites::Position) };
        for _ in 0..2 {
            store.merge_stations(Shard::Cell(Radio::Nr), Arc::new(rows.clone()), restricted).await.unwrap();
        }
        assert_eq!(value(&db, "SELECT HEX(cellid) FROM restricted_cell"), "0500EA001E000000010000000800000000");
        assert_eq!(value(&db, "SELECT import_id FROM restricted_cell"), "7");
        // Addresses are in no public file.
        let key = wifi(1);
        store.merge_stations(key.shard(), Arc::new(vec![(key, full())]), restricted).await.unwrap();
        assert_eq!(value(&db, "SELECT COUNT(*) FROM restricted_cell"), "1");
    }

    async fn imports_and_workers_write_the_same_rows_at_the_same_time(store, db) {
        let rows: Vec<_> = (1..=2000_u64).map(|number| (cell(Radio::Lte, 1, number), full())).collect();
        let tasks: Vec<_> = (0..4).map(|task| {
            let (store, rows) = (store.clone(), rows.clone());
            tokio::spawn(async move {
                if task % 2 == 0 {
                    let merged = store.merge_stations(LTE, Arc::new(rows), how(Overwrites::Position));
                    merged.await.unwrap().0.added
                } else {
                    let keys: Vec<_> = rows.iter().step_by(7).map(|(key, _)| *key).collect();
                    let wanted = keys.clone();
                    let done = store.update_stations(&crate::batch(&task.to_string()), keys, move |found| {
                        let new: Vec<_> = wanted.iter().filter(|key| !found.contains_key(key))
                            .map(|key| (*key, full())).collect();
                        let outcome = new.len() as u64;
                        ichnaea_store::StationChanges { insert: new, update: Vec::new(), outcome }
                    }).await;
                    done.unwrap().outcome
                }
            })
        }).collect();
        let mut added = 0;
        for task in tasks {
            added += task.await.unwrap();
        }
        assert_eq!(added, 2000, "each row was added by one of them");
        assert_eq!(value(&db, "SELECT COUNT(*) FROM cell_lte"), "2000");
    }
}
