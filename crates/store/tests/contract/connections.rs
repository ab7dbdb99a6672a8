//! Servers that are away, callers that go away, accounts that may not write, passwords.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::cell::Radio;
use ichnaea_domain::station::{Station, StationKey};
use ichnaea_store::{Error, Options, StationChanges, Store};
use ichnaea_testkit::Backend;
use ichnaea_testkit::database::fresh;
use ichnaea_testkit::proxy::{Mode, Proxy};
use ichnaea_testkit::servers::MariaDbServer;

use crate::stations::{cell, full, insert, wifi};
use crate::{batch, migrated, on_both};

fn short() -> Options {
    Options { wait: Duration::from_millis(500), ..Options::default() }
}

on_both! {
    async fn callers_that_go_away_break_nothing(store, db) {
        let keys: Vec<StationKey> = (0..10).map(wifi).collect();
        insert(&store, "first", keys.iter().map(|key| (*key, full())).collect()).await;
        for round in 0..600_u32 {
            let (store, keys) = (store.clone(), keys.clone());
            let task = tokio::spawn(async move {
                match round % 3 {
                    0 => drop(store.stations(&keys, &[]).await),
                    1 => drop(store.api_key("test").await),
                    _ => {
                        let update = |found: &HashMap<StationKey, Station>| StationChanges {
                            insert: Vec::new(),
                            update: found.iter().map(|(key, row)| (*key, row.clone())).collect(),
                            outcome: (),
                        };
                        let id = format!("round {round}");
                        drop(store.update_stations(&batch(&id), keys, update).await);
                    }
                }
            });
            // At another point of the work each time.
            for _ in 0..round % 50 {
                tokio::task::yield_now().await;
            }
            task.abort();
        }
        // More calls at once than there are connections: every one has to be in order.
        let calls: Vec<_> = (0..40).map(|number| {
            let (store, keys) = (store.clone(), keys.clone());
            tokio::spawn(async move {
                assert_eq!(store.stations(&keys, &[]).await.unwrap().stations.len(), 10);
                insert(&store, &format!("last {number}"), Vec::new()).await;
            })
        }).collect();
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(db.rows("SELECT 1 FROM applied_batch WHERE id LIKE 'last %'").len(), 40);
    }

    async fn an_account_that_only_reads_can_read(store, db) {
        insert(&store, "1", vec![(wifi(1), full())]).await;
        store.create_api_key(&ApiKey { valid_key: "test".to_owned(), ..ApiKey::default() }).await.unwrap();
        let options = Options { read_only: true, ..Options::default() };
        let reader = Store::open(&db.reader_uri(), &options).unwrap();
        reader.ping().await.unwrap();
        assert_eq!(reader.stations(&[wifi(1)], &[]).await.unwrap().stations.len(), 1);
        assert!(reader.api_key("TEST").await.unwrap().is_some());
        assert_eq!(reader.schema_versions().await.unwrap().len(), 1);
        assert_eq!(reader.pending_migrations().await.unwrap(), Vec::<String>::new());
        assert_eq!(reader.export_configs().await.unwrap().len(), 1);
        assert_eq!(reader.region_totals().await.unwrap().len(), 1);
        let failures = [
            reader.delete_api_key("test").await.map(drop),
            reader.migrate().await.map(drop),
            reader.cleanup_stat(crate::day("2026-01-01")).await.map(drop),
            reader.replace_region_stats(&[]).await,
        ];
        for failure in failures {
            assert!(matches!(failure, Err(Error::ReadOnly(_))), "{failure:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mysql_a_write_that_is_denied_is_told_from_a_broken_one() {
    let (_store, db) = migrated(Backend::Server).await;
    let reader = crate::open(&db.reader_uri());
    let denied = reader.delete_api_key("test").await;
    assert!(matches!(denied, Err(Error::ReadOnly(_))), "{denied:?}");
    db.execute(&["DROP TABLE api_key"]);
    let missing = crate::open(&db.uri).api_key("test").await;
    assert!(matches!(missing, Err(Error::OldSchema(_))), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sqlite_file_that_cannot_be_opened_is_unavailable_until_it_can() {
    let folder = fresh(Backend::Embedded);
    let options = Options { read_only: true, ..Options::default() };
    let reader = Store::open(&folder.uri, &options).unwrap();
    assert!(matches!(reader.ping().await, Err(Error::Unavailable(_))));
    crate::open(&folder.uri).migrate().await.unwrap();
    reader.ping().await.unwrap();
    assert_eq!(reader.api_keys().await.unwrap(), []);
    let nowhere = crate::open("sqlite:/nowhere/at/all.db");
    assert!(matches!(nowhere.ping().await, Err(Error::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_memory_works_without_a_file() {
    let store = crate::open("sqlite::memory:");
    assert_eq!(store.migrate().await.unwrap().len(), 4);
    insert(&store, "1", vec![(wifi(1), full())]).await;
    assert_eq!(store.stations(&[wifi(1)], &[]).await.unwrap().stations.len(), 1);
    let other = crate::open("sqlite::memory:");
    assert_eq!(other.pending_migrations().await.unwrap().len(), 4);
}

/// Many calls at once, so that every thread has some: how many were answered.
async fn answered(store: &Store) -> usize {
    let ping = |_| {
        let store = store.clone();
        tokio::spawn(async move { store.ping().await.is_ok() })
    };
    let calls: Vec<_> = (0..200).map(ping).collect();
    let mut answered = 0;
    for call in calls {
        answered += usize::from(call.await.unwrap());
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn once_a_file_is_found_to_be_gone_no_thread_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, aside) = (folder.path().join("db.sqlite"), folder.path().join("aside"));
    let store = crate::open(&format!("sqlite:{}", file.display()));
    store.migrate().await.unwrap();
    // Threads that had nothing to do yet begin no empty file in its place.
    std::fs::rename(&file, &aside).unwrap();
    assert_eq!(answered(&store).await, 0);
    assert!(!file.exists());
    std::fs::rename(&aside, &file).unwrap();
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(260));
        // Every thread has just looked, or will for the first one.
        assert_eq!(answered(&store).await, 200);
        std::fs::rename(&file, &aside).unwrap();
        let write =
            store.cleanup_datamap(ichnaea_domain::datamap::Quadrant::Ne, crate::day("2026-01-01"));
        assert!(matches!(write.await, Err(Error::Unavailable(_))));
        assert_eq!(answered(&store).await, 0);
        std::fs::rename(&aside, &file).unwrap();
        assert_eq!(answered(&store).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_unavailable_at_once() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let store = Store::open(&format!("mysql://root@127.0.0.1:{port}/x"), &short()).unwrap();
    let before = Instant::now();
    assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
    assert!(matches!(store.stations(&[wifi(1)], &[]).await, Err(Error::Unavailable(_))));
    assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_unavailable_within_the_bound() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            taken.push(socket);
        }
    });
    let options = Options { max_connections: 2, ..short() };
    let store = Store::open(&format!("mysql://root@127.0.0.1:{port}/x"), &options).unwrap();
    let before = Instant::now();
    let calls: Vec<_> = (0..10)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let rule = |_: &HashMap<_, _>| StationChanges {
                    insert: Vec::new(),
                    update: Vec::new(),
                    outcome: (),
                };
                if number % 2 == 0 {
                    store.update_stations(&batch("1"), vec![wifi(1)], rule).await.map(drop)
                } else {
                    store.api_key("test").await.map(drop)
                }
            })
        })
        .collect();
    for call in calls {
        assert!(matches!(call.await.unwrap(), Err(Error::Unavailable(_))));
    }
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    silent.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stalled_is_used_again_when_it_goes_on() {
    let (direct, db) = migrated(Backend::Server).await;
    insert(&direct, "1", vec![(cell(Radio::Lte, 1, 1), full())]).await;
    let proxy = Proxy::before(&db.uri);
    let options = Options { max_connections: 2, ..short() };
    let store = Store::open(&proxy.instead_of(&db.uri), &options).unwrap();
    let keys = [cell(Radio::Lte, 1, 1)];
    assert_eq!(store.stations(&keys, &[]).await.unwrap().stations.len(), 1);
    proxy.set(Mode::StallAnswers);
    for _ in 0..3 {
        assert!(matches!(store.stations(&keys, &[]).await, Err(Error::Unavailable(_))));
    }
    proxy.set(Mode::Pass);
    assert_eq!(store.stations(&keys, &[]).await.unwrap().stations.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_that_ask_a_server_that_stalls_are_told_within_the_bound() {
    let (direct, db) = migrated(Backend::Server).await;
    insert(&direct, "1", vec![(cell(Radio::Lte, 1, 1), full())]).await;
    let proxy = Proxy::before(&db.uri);
    let options = Options { max_connections: 3, ..short() };
    let store = Store::open(&proxy.instead_of(&db.uri), &options).unwrap();
    let ask = |count: u64| {
        let store = store.clone();
        (0..count).map(move |number| {
            let store = store.clone();
            tokio::spawn(async move {
                let keys = [cell(Radio::Lte, 1, 1), cell(Radio::Lte, 2, number)];
                store.stations(&keys, &[]).await
            })
        })
    };
    proxy.set(Mode::StallAnswers);
    let before = Instant::now();
    for call in ask(50).collect::<Vec<_>>() {
        assert!(matches!(call.await.unwrap(), Err(Error::Unavailable(_))));
    }
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    proxy.set(Mode::Pass);
    for call in ask(50).collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap().stations.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_closed_are_replaced() {
    let db = fresh(Backend::Server);
    let uri = db.reader_uri();
    let store = crate::open(&uri);
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.ping().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let account = uri.rsplit('/').next().unwrap();
    db.execute(&[&format!("KILL CONNECTION USER '{account}'")]);
    // The call that finds out may fail; those after it must not.
    let first = store.ping().await;
    assert!(matches!(first, Ok(()) | Err(Error::Unavailable(_))), "{first:?}");
    for _ in 0..20 {
        store.ping().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_shows_a_password() {
    let db = fresh(Backend::Server);
    let wrong = "mysql://nobody:s3cret@127.0.0.1:3306/nothing";
    let store = Store::open(wrong, &Options::default()).unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, Error::Broken(_)), "{error}");
    for text in [format!("{error}"), format!("{error:?}"), format!("{store:?}")] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    for uri in ["mysql://u:s3cret@h", "mysql://u:s3cret@h:x/y", "odd://u:s3cret@h/x", "s3cret"] {
        let error = Store::open(uri, &Options::default()).unwrap_err();
        assert!(matches!(error, Error::Broken(_)));
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
    drop(db);
}

#[tokio::test]
async fn a_server_tells_its_transaction_history_to_whom_it_may() {
    let (store, db) = migrated(Backend::Server).await;
    assert!(store.transaction_history_length().await.unwrap().is_some());
    // An account of the service as the original's operators make it has no PROCESS.
    let reader = Store::open(&db.reader_uri(), &Options::default()).unwrap();
    assert_eq!(reader.transaction_history_length().await, Ok(None));
    reader.ping().await.unwrap();

    let (store, _db) = migrated(Backend::Embedded).await;
    assert_eq!(store.transaction_history_length().await, Ok(None));

    let away = Store::open("mysql://nobody@127.0.0.1:1/nothing", &short()).unwrap();
    let failure = away.transaction_history_length().await;
    assert!(matches!(failure, Err(Error::Unavailable(_))), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_closed_takes_leave_of_the_server() {
    let server = MariaDbServer::start();
    let store = Store::open(&server.uri, &short()).unwrap();
    let pings = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.ping().await })
    });
    for ping in pings.collect::<Vec<_>>() {
        ping.await.unwrap().unwrap();
    }
    store.close().await;
    assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
    let aborted = "SELECT variable_value FROM information_schema.global_status \
                   WHERE variable_name = 'ABORTED_CLIENTS'";
    assert_eq!(server.number(aborted), 0);
}
