//! A migration that was stopped in the middle of a revision is finished by the next.

use std::collections::BTreeSet;
use std::sync::Arc;

use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{FreshDatabase, fresh};

use super::change::Change;
use super::{REVISIONS, chain, locked};
use crate::driver::Driver;
use crate::{Note, Options, Store};

fn silent() -> Note {
    Arc::new(|_| {})
}

/// All columns and indexes.
fn layout(db: &FreshDatabase) -> BTreeSet<String> {
    let queries = [
        "SELECT CONCAT_WS(' ', table_name, column_name, column_type, column_default) \
         FROM information_schema.columns WHERE table_schema = DATABASE()",
        "SELECT CONCAT_WS(' ', table_name, index_name, column_name) \
         FROM information_schema.statistics WHERE table_schema = DATABASE()",
    ];
    let rows = queries.into_iter().flat_map(|query| db.rows(query));
    rows.filter_map(|row| row[0].clone()).collect()
}

fn assert_same(db: &FreshDatabase, expected: &BTreeSet<String>, context: &str) {
    let seen = layout(db);
    let differences: Vec<_> = seen.symmetric_difference(expected).collect();
    assert!(differences.is_empty(), "{context}: {differences:#?}");
}

/// Makes the first of some changes, as a process does that is killed after them.
async fn make_some(store: &Store, changes: Vec<Change>) {
    let Driver::MySql(driver) = &store.driver else { panic!("a server is needed") };
    let work = locked(driver, move |conn, _options| {
        Box::pin(async move {
            for change in changes {
                change.make(conn).await?;
            }
            Ok(())
        })
    });
    work.await.unwrap();
}

/// Where to stop among so many changes: everywhere when they are few.
fn stops(changes: usize) -> BTreeSet<usize> {
    if changes <= 4 { (1..=changes).collect() } else { [1, changes / 2, changes].into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_was_stopped_anywhere_is_finished_up_and_down() {
    let db = fresh(Backend::Server);
    let store = Store::open(&db.uri, &Options::default()).unwrap();
    let mut before = BTreeSet::new();
    for (number, revision) in REVISIONS.into_iter().enumerate() {
        let parent = number.checked_sub(1).map(|index| REVISIONS[index]);
        store.upgrade(Some(revision), silent()).await.unwrap();
        let after = layout(&db);
        for stop in stops(chain::downgrade(revision.id).len()) {
            make_some(&store, chain::downgrade(revision.id).into_iter().take(stop).collect()).await;
            store.downgrade(parent, silent()).await.unwrap();
            if parent.is_some() {
                assert_same(&db, &before, &format!("down, {revision:?}, stopped after {stop}"));
            }
            store.upgrade(Some(revision), silent()).await.unwrap();
            assert_same(&db, &after, revision.id);
        }
        store.downgrade(parent, silent()).await.unwrap();
        for stop in stops(chain::upgrade(revision.id).len()) {
            make_some(&store, chain::upgrade(revision.id).into_iter().take(stop).collect()).await;
            store.upgrade(Some(revision), silent()).await.unwrap();
            assert_same(&db, &after, &format!("up, {revision:?}, stopped after {stop}"));
            store.downgrade(parent, silent()).await.unwrap();
        }
        store.upgrade(Some(revision), silent()).await.unwrap();
        before = after;
    }
}
