//! What the store promises, on both backends.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

mod accounts;
mod applied;
mod areas;
mod backup;
mod configuration;
mod connections;
mod datamap;
mod imports;
mod merge;
mod old_schema;
mod restricted;
mod revisions;
mod schema;
mod snapshot;
mod stations;
mod stats;

use chrono::{NaiveDate, NaiveDateTime};
use ichnaea_store::{BatchRef, Options, Store};
use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{FreshDatabase, fresh};

/// Makes one test per backend of an async function that gets a migrated store and its database.
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($store:ident, $db:ident) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn case($store: ichnaea_store::Store, $db: ichnaea_testkit::database::FreshDatabase) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                let (store, db) = crate::migrated(ichnaea_testkit::Backend::Embedded).await;
                case(store, db).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_mariadb() {
                let (store, db) = crate::migrated(ichnaea_testkit::Backend::Server).await;
                case(store, db).await;
            }
        }
    )*};
}
pub(crate) use on_both;

fn open(uri: &str) -> Store {
    Store::open(uri, &Options::default()).unwrap()
}

async fn migrated(backend: Backend) -> (Store, FreshDatabase) {
    let db = fresh(backend);
    let store = open(&db.uri);
    store.migrate().await.unwrap();
    (store, db)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
}

fn batch(id: &str) -> BatchRef {
    BatchRef {
        id: id.to_owned(),
        queue: "update_test".to_owned(),
        now: time("2026-11-23 12:00:00"),
    }
}

/// The only column of the only row of a query.
fn value(db: &FreshDatabase, query: &str) -> String {
    let rows = db.rows(query);
    assert_eq!(rows.len(), 1, "{query}");
    rows[0][0].clone().unwrap_or_else(|| "NULL".to_owned())
}
