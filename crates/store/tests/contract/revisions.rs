//! The original's revisions: every database it ever made becomes today's, with its rows.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use ichnaea_domain::cell::Radio;
use ichnaea_store::{Error, Note, REVISIONS, Revision, Step, Store};
use ichnaea_testkit::Backend;
use ichnaea_testkit::cases::{self, Placeholders};
use ichnaea_testkit::database::fresh;
use ichnaea_testkit::fixture::Database;

use crate::old_schema::{self, IDS, all_rows, fill, layout, old_database};
use crate::stations::{area, cell, full, insert, wifi};
use crate::{migrated, on_both, open, time, value};

/// A note that does nothing.
fn silent() -> Note {
    Arc::new(|_| {})
}

/// A note that keeps what it is told.
fn kept() -> (Note, Arc<Mutex<Vec<Step>>>) {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&steps);
    (Arc::new(move |step| kept.lock().unwrap().push(step)), steps)
}

fn ids(revisions: &[Revision]) -> Vec<&'static str> {
    revisions.iter().map(|revision| revision.id).collect()
}

fn assert_identical(seen: &BTreeSet<String>, expected: &BTreeSet<String>, context: &str) {
    let differences: Vec<_> = seen.symmetric_difference(expected).collect();
    assert!(differences.is_empty(), "{context}: {differences:#?}");
}

/// Two layouts agree, but for the position of columns in a table of which a step back puts one
/// elsewhere than the step forth did.
fn assert_same(seen: &BTreeSet<String>, expected: &BTreeSet<String>, context: &str) {
    let without_position = |line: &String| match line.strip_prefix("column api_key ") {
        Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned(),
        None => line.clone(),
    };
    let seen: BTreeSet<String> = seen.iter().map(without_position).collect();
    let expected: BTreeSet<String> = expected.iter().map(without_position).collect();
    let differences: Vec<_> = seen.symmetric_difference(&expected).collect();
    assert!(differences.is_empty(), "{context}: {differences:#?}");
}

/// Every row that was there is there, with the same value in every column that still exists.
fn assert_kept(before: &old_schema::Rows, after: &old_schema::Rows, context: &str) {
    for (table, rows) in before {
        if table.ends_with("_ocid") {
            assert!(!after.contains_key(table), "{context}: {table}");
            continue;
        }
        let gone = ["allow_transfer=", "shortname="];
        for row in rows {
            let values: BTreeSet<&String> = row
                .iter()
                .filter(|value| !gone.iter().any(|name| value.starts_with(name)))
                .collect();
            let is_kept =
                after[table].iter().any(|row| values.iter().all(|value| row.contains(*value)));
            assert!(is_kept, "{context}: {table} {values:?}");
        }
        assert_eq!(after[table].len(), rows.len(), "{context}: {table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_revision_is_upgraded_with_its_rows_to_what_a_new_database_is() {
    assert_eq!(ids(&REVISIONS), IDS);
    let (_store, new) = migrated(Backend::Server).await;
    let expected = layout(&new);
    for number in 1..=IDS.len() {
        let context = IDS[number - 1];
        let db = old_database(number);
        fill(&db);
        let before = all_rows(&db);
        let store = open(&db.uri);
        let pending = store.pending_migrations().await.unwrap();
        assert_eq!(pending[..IDS.len() - number], IDS[number..], "{context}");
        let (note, steps) = kept();
        let applied = store.upgrade(None, note).await.unwrap();
        assert_eq!(applied, pending, "{context}");
        let steps: Vec<_> = steps.lock().unwrap().iter().map(|step| (step.from, step.to)).collect();
        let pairs: Vec<_> =
            IDS[number - 1..].windows(2).map(|pair| (Some(pair[0]), Some(pair[1]))).collect();
        assert_eq!(steps, pairs, "{context}");
        assert_eq!(store.schema_versions().await.unwrap(), ["3be4004781bc"]);
        assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
        assert_identical(&layout(&db), &expected, context);
        let after = all_rows(&db);
        assert_kept(&before, &after, context);
        // Columns that came later have the value the original gave them.
        for (since, values) in [
            (4, &["store_sample_locate=100", "store_sample_submit=100"][..]),
            (7, &["allow_region=1"]),
            (8, &["fallback_schema=NULL"]),
        ] {
            let has = |row: &BTreeSet<String>| values.iter().all(|value| row.contains(*value));
            assert!(number >= since || after["api_key"].iter().all(has), "{context}: {values:?}");
        }
        // Rows that come later do not get them.
        db.execute(&["INSERT INTO api_key (valid_key) VALUES ('new')"]);
        let query = "SELECT COUNT(*) FROM api_key WHERE valid_key = 'new' AND allow_region IS NULL \
                     AND store_sample_locate IS NULL AND store_sample_submit IS NULL";
        assert_eq!(value(&db, query), "1", "{context}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_walks_all_revisions_and_each_step_is_recorded() {
    let db = fresh(Backend::Server);
    let store = open(&db.uri);
    for (number, revision) in REVISIONS.into_iter().enumerate() {
        assert_eq!(store.upgrade(Some(revision), silent()).await.unwrap()[0], revision.id);
        assert_eq!(store.schema_versions().await.unwrap(), [revision.id]);
        if number + 1 < IDS.len() {
            let old = old_database(number + 1);
            assert_identical(&layout(&db), &layout(&old), revision.id);
        }
    }
    assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
    assert_eq!(value(&db, "SELECT COUNT(*) FROM export_config"), "1");
    assert_eq!(value(&db, "SELECT COUNT(*) FROM api_key"), "0");
    // A schema that is past a revision stays as it is.
    assert_eq!(store.upgrade(Some(REVISIONS[3]), silent()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_back_undoes_its_revision_and_the_last_removes_everything() {
    let (store, db) = migrated(Backend::Server).await;
    let ours = [
        "applied_batch",
        "cell_nr",
        "cell_area_nr",
        "imported_file",
        "restricted_cell",
        "refinery_schema_history",
    ];
    let of_ours = |line: &String| {
        ours.iter().any(|table| line.split(' ').nth(1) == Some(*table))
            || line.contains("region_stat 7 nr")
            || (line.starts_with("column api_key ") && line.contains(" allow_explain "))
    };
    fill_keys(&db);
    for number in (1..IDS.len()).rev() {
        let (note, steps) = kept();
        let undone = store.downgrade(Some(REVISIONS[number - 1]), note).await.unwrap();
        assert_eq!(undone, [IDS[number]]);
        assert_eq!(steps.lock().unwrap()[0].title, REVISIONS[number].title);
        assert_eq!(store.schema_versions().await.unwrap(), [IDS[number - 1]]);
        let mut seen = layout(&db);
        seen.retain(|line| !of_ours(line));
        assert_same(&seen, &layout(&old_database(number)), IDS[number - 1]);
    }
    assert_eq!(value(&db, "SELECT COUNT(*) FROM api_key WHERE valid_key = 'kept'"), "1");
    store.migrate().await.unwrap();
    let expected = layout(&migrated(Backend::Server).await.1);
    assert_same(&layout(&db), &expected, "up again");
    store.downgrade(None, silent()).await.unwrap();
    let tables = db.rows("SHOW TABLES");
    assert_eq!(tables, [[Some("alembic_version".to_owned())]]);
    assert_eq!(store.schema_versions().await.unwrap(), Vec::<String>::new());
    // And a new start from there.
    store.migrate().await.unwrap();
    assert_identical(&layout(&db), &expected, "new start");
}

fn fill_keys(db: &ichnaea_testkit::database::FreshDatabase) {
    db.execute(&["INSERT INTO api_key (valid_key, maxreq) VALUES ('kept', 7)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_original_with_the_recorded_rows_is_taken_over_as_it_is() {
    let db = old_database(IDS.len());
    let placeholders = Placeholders {
        now: time("2026-11-25 12:00:00"),
        provider: "http://provider.example/".to_owned(),
    };
    Database::open(&db.uri).await.load(&cases::fixture(&placeholders)).await;
    let before = all_rows(&db);
    let store = open(&db.uri);
    // Keys are read and written before and after.
    let mut key = store.api_key("test").await.unwrap().unwrap();
    assert!(store.update_api_key(&key).await.unwrap());
    key.allow_explain = Some(true);
    let refused = store.update_api_key(&key).await;
    assert!(matches!(refused, Err(Error::OldSchema(_))), "{refused:?}");
    let ours = ["V1__original", "V2__additions", "V3__imports", "V4__explain"];
    assert_eq!(store.migrate().await.unwrap(), ours);
    assert!(store.update_api_key(&key).await.unwrap());
    assert_eq!(store.api_key("test").await.unwrap(), Some(key));
    db.execute(&["UPDATE api_key SET allow_explain = NULL"]);
    assert_kept(&before, &all_rows(&db), "head");
    assert!(store.api_key("test").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_table_of_stations_is_rebuilt_by_any_upgrade() {
    let db = old_database(1);
    let name = value(&db, "SELECT DATABASE()");
    // A table that is rebuilt gets another number.
    let query = format!(
        "SELECT name, table_id FROM information_schema.innodb_sys_tables \
         WHERE name REGEXP '^{name}/(wifi_shard_|blue_shard_|cell_|datamap_|stat)' \
         AND name NOT LIKE '%\\_ocid' AND name NOT LIKE '%\\_nr' ORDER BY name"
    );
    let before = db.rows(&query);
    assert_eq!(before.len(), 32 + 4 + 4 + 1);
    open(&db.uri).migrate().await.unwrap();
    assert_eq!(db.rows(&query), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_set_outlives_a_walk_from_the_start() {
    let (store, db) = migrated(Backend::Server).await;
    db.execute(&[
        "INSERT INTO api_key (valid_key, allow_region, store_sample_locate) VALUES ('mine', 0, 7)",
        "INSERT INTO wifi_shard_0 (mac, lat, lon) VALUES (X'94B40F010D01', 51.0, 10.0)",
    ]);
    let (before, rows) = (layout(&db), all_rows(&db));
    assert_eq!(store.stamp(None).await.unwrap(), ["3be4004781bc"]);
    assert_eq!(store.schema_versions().await.unwrap(), Vec::<String>::new());
    assert_eq!(store.pending_migrations().await.unwrap(), IDS);
    assert_eq!(store.migrate().await.unwrap(), IDS);
    assert_identical(&layout(&db), &before, "walked again");
    assert_eq!(all_rows(&db), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_any_age_without_a_revision_are_brought_up_to_date() {
    let expected = layout(&migrated(Backend::Server).await.1);
    for number in [1, 4, 7, 9] {
        let db = old_database(number);
        fill(&db);
        let before = all_rows(&db);
        db.execute(&["DELETE FROM alembic_version"]);
        open(&db.uri).migrate().await.unwrap();
        assert_identical(&layout(&db), &expected, IDS[number - 1]);
        assert_kept(&before, &all_rows(&db), IDS[number - 1]);
    }
}

on_both! {
    async fn a_stamp_changes_nothing_but_the_revision(store, db) {
        let head = *store.revisions().last().unwrap();
        assert_eq!(store.stamp(None).await.unwrap(), ["3be4004781bc"]);
        assert_eq!(store.stamp(None).await.unwrap(), Vec::<String>::new());
        assert_eq!(value(&db, "SELECT COUNT(*) FROM alembic_version"), "0");
        assert_eq!(store.applied_revisions().await.unwrap(), Vec::<String>::new());
        assert_eq!(store.stamp(Some(head)).await.unwrap(), Vec::<String>::new());
        assert_eq!(store.applied_revisions().await.unwrap(), [head.id]);
        assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
    }

    async fn a_lost_revision_is_found_again(store, db) {
        store.stamp(None).await.unwrap();
        assert!(!store.pending_migrations().await.unwrap().is_empty());
        store.migrate().await.unwrap();
        assert_eq!(value(&db, "SELECT version_num FROM alembic_version"), "3be4004781bc");
        assert_eq!(store.migrate().await.unwrap(), Vec::<String>::new());
    }

    async fn a_revision_nobody_knows_stops_every_change(store, db) {
        db.execute(&["UPDATE alembic_version SET version_num = 'ffffffffffff'"]);
        for refused in [store.migrate().await, store.pending_migrations().await] {
            let names_it =
                matches!(&refused, Err(Error::Broken(why)) if why.contains("ffffffffffff"));
            assert!(names_it, "{refused:?}");
        }
        assert_eq!(value(&db, "SELECT version_num FROM alembic_version"), "ffffffffffff");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_has_no_revision_and_can_be_stamped() {
    for backend in Backend::ALL {
        let db = fresh(backend);
        let store: Store = open(&db.uri);
        assert_eq!(store.applied_revisions().await.unwrap(), Vec::<String>::new());
        for _ in 0..2 {
            assert_eq!(store.stamp(None).await.unwrap(), Vec::<String>::new());
            assert_eq!(value(&db, "SELECT COUNT(*) FROM alembic_version"), "0", "{backend:?}");
        }
        let (note, steps) = kept();
        store.upgrade(None, note).await.unwrap();
        assert_eq!(steps.lock().unwrap().len(), store.revisions().len(), "{backend:?}");
        assert_eq!(store.applied_revisions().await.unwrap(), ["3be4004781bc"], "{backend:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_there_is_no_way_back() {
    let (store, db) = migrated(Backend::Embedded).await;
    let refused = store.downgrade(None, silent()).await;
    assert!(matches!(&refused, Err(Error::Broken(why)) if why.contains("SQLite")), "{refused:?}");
    assert_eq!(value(&db, "SELECT version_num FROM alembic_version"), "3be4004781bc");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_read_at_every_revision_as_the_upgrade_makes_them() {
    for number in 1..=IDS.len() {
        let db = old_database(number);
        db.execute(&[
            "INSERT INTO api_key (valid_key, maxreq, allow_locate) VALUES ('test', 9, 1)",
        ]);
        let store = open(&db.uri);
        let before = store.api_key("TEST").await.unwrap().unwrap();
        let all = store.api_keys().await.unwrap();
        assert_eq!((before.maxreq, before.allow_locate, all.len()), (Some(9), Some(true), 1));
        let columns =
            [(4, before.store_sample_locate.is_some()), (7, before.allow_region.is_some())];
        for (since, has_value) in columns {
            // A row that was made after the column was has no value there.
            assert_eq!(has_value, number < since, "{}", IDS[number - 1]);
        }
        store.migrate().await.unwrap();
        assert_eq!(store.api_key("test").await.unwrap(), Some(before), "{}", IDS[number - 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tables_for_nr_all_other_stations_are_found() {
    for backend in Backend::ALL {
        let (store, db) = migrated(backend).await;
        let known = [wifi(1), cell(Radio::Lte, 1, 1)];
        insert(&store, "1", known.iter().map(|key| (*key, full())).collect()).await;
        db.execute(&["DROP TABLE cell_nr", "DROP TABLE cell_area_nr"]);
        let keys = [known[0], known[1], cell(Radio::Nr, 1, 1)];
        let found =
            store.stations(&keys, &[area(Radio::Nr, 1), area(Radio::Lte, 1)]).await.unwrap();
        assert_eq!(found.stations.len(), 2, "{backend:?}");
        db.execute(&["DROP TABLE cell_lte"]);
        let missing = store.stations(&keys, &[]).await;
        assert!(matches!(missing, Err(Error::OldSchema(_))), "{backend:?}: {missing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_was_added_but_not_finished_is_finished() {
    let expected = layout(&migrated(Backend::Server).await.1);
    let db = old_database(3);
    fill(&db);
    db.execute(&["ALTER TABLE api_key ADD COLUMN store_sample_locate tinyint(4) DEFAULT 100 \
                  AFTER fallback_cache_expire"]);
    open(&db.uri).migrate().await.unwrap();
    assert_identical(&layout(&db), &expected, "finished");
    assert_eq!(value(&db, "SELECT MIN(store_sample_locate) FROM api_key"), "100");
}
