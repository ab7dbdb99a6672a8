//! The tables and how a database gets them.

use std::collections::BTreeSet;

use ichnaea_domain::station::Shard;
use ichnaea_store::Error;
use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{FreshDatabase, fresh};

use crate::{migrated, on_both, open, value};

const HEAD: &str = "3be4004781bc";

/// Our own migrations.
const OURS: [&str; 4] = ["V1__original", "V2__additions", "V3__imports", "V4__explain"];

on_both! {
    async fn a_migrated_database_is_up_to_date(store, db) {
        assert_eq!(store.pending_migrations().await.unwrap(), Vec::<String>::new());
        assert_eq!(store.migrate().await.unwrap(), Vec::<String>::new());
        assert_eq!(store.schema_versions().await.unwrap(), [HEAD]);
        let exports = store.export_configs().await.unwrap();
        assert_eq!(exports.len(), 1);
        assert_eq!((exports[0].name.as_str(), exports[0].batch), ("internal", Some(100)));
        assert_eq!(exports[0].schema.as_deref(), Some("internal"));
        assert_eq!(value(&db, "SELECT COUNT(*) FROM cell_nr"), "0");
    }

    async fn every_table_takes_the_columns_of_its_layout(store, db) {
        for shard in Shard::all() {
            db.execute(&[&format!("SELECT lat, lon, block_count FROM {}", shard.table())]);
        }
        db.execute(&["SELECT nr FROM region_stat", "SELECT areaid FROM cell_area_nr"]);
        store.ping().await.unwrap();
    }

    async fn what_the_operator_changed_is_kept(store, db) {
        db.execute(&[
            "DELETE FROM export_config",
            "INSERT INTO export_config (name, batch) VALUES ('mine', 7)",
            // As if only the layout of the original were there.
            "DROP TABLE refinery_schema_history",
            "DROP TABLE applied_batch",
            "DROP TABLE imported_file",
            "DROP TABLE restricted_cell",
            "DROP TABLE cell_nr",
            "DROP TABLE cell_area_nr",
            "ALTER TABLE region_stat DROP COLUMN nr",
            "ALTER TABLE api_key DROP COLUMN allow_explain",
            "INSERT INTO wifi_shard_0 (mac, lat, lon) VALUES (X'94B40F010D01', 51.0, 10.0)",
            "INSERT INTO api_key (valid_key) VALUES ('test')",
        ]);
        assert_eq!(store.pending_migrations().await.unwrap(), OURS);
        assert_eq!(store.migrate().await.unwrap(), OURS);
        assert_eq!(store.schema_versions().await.unwrap(), [HEAD]);
        let names: Vec<_> =
            store.export_configs().await.unwrap().into_iter().map(|export| export.name).collect();
        assert_eq!(names, ["mine"]);
        assert!(store.api_key("test").await.unwrap().is_some());
        assert_eq!(value(&db, "SELECT lat FROM wifi_shard_0"), "51");
        assert_eq!(value(&db, "SELECT COUNT(nr) FROM region_stat"), "0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_migrating_everything_is_pending() {
    for backend in Backend::ALL {
        let db = fresh(backend);
        let store = open(&db.uri);
        let pending = store.pending_migrations().await.unwrap();
        assert_eq!(pending[pending.len() - OURS.len()..], OURS, "{backend:?}");
        let versions = store.schema_versions().await;
        assert!(matches!(versions, Err(Error::OldSchema(_))), "{backend:?}: {versions:?}");
        assert_eq!(store.migrate().await.unwrap(), pending, "{backend:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_may_migrate_at_once() {
    for backend in Backend::ALL {
        let db = fresh(backend);
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let store = open(&db.uri);
                tokio::spawn(async move { store.migrate().await.unwrap().len() })
            })
            .collect();
        let mut applied = 0;
        for task in tasks {
            applied += task.await.unwrap();
        }
        // On a server also the original's revisions.
        let expected = if backend == Backend::Server { 11 + OURS.len() } else { OURS.len() };
        assert_eq!(applied, expected, "{backend:?}");
        assert_eq!(value(&db, "SELECT COUNT(*) FROM refinery_schema_history"), "4");
        assert_eq!(value(&db, "SELECT COUNT(*) FROM export_config"), "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mysql_a_second_migration_that_stopped_half_way_is_finished() {
    let (store, db) = migrated(Backend::Server).await;
    db.execute(&["DELETE FROM refinery_schema_history WHERE version >= 2", "DROP TABLE cell_nr"]);
    assert_eq!(store.migrate().await.unwrap(), OURS[1..]);
    assert_eq!(value(&db, "SELECT COUNT(*) FROM cell_nr"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_migration_that_stopped_half_way_is_finished() {
    for backend in Backend::ALL {
        let (store, db) = migrated(backend).await;
        db.execute(&[
            "INSERT INTO imported_file (id, name, format, is_public, started) \
             VALUES (1, 'kept', 'cells', 1, '2026-11-25 12:00:00')",
            "DELETE FROM refinery_schema_history WHERE version >= 3",
            "DROP TABLE restricted_cell",
            "ALTER TABLE api_key DROP COLUMN allow_explain",
        ]);
        assert_eq!(store.migrate().await.unwrap(), OURS[2..], "{backend:?}");
        assert_eq!(value(&db, "SELECT COUNT(*) FROM restricted_cell"), "0", "{backend:?}");
        assert_eq!(value(&db, "SELECT name FROM imported_file"), "kept", "{backend:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mysql_a_fourth_migration_that_stopped_half_way_is_finished() {
    let (store, db) = migrated(Backend::Server).await;
    db.execute(&[
        "INSERT INTO api_key (valid_key, allow_explain) VALUES ('kept', 1)",
        "DELETE FROM refinery_schema_history WHERE version = 4",
    ]);
    assert_eq!(store.migrate().await.unwrap(), OURS[3..]);
    assert_eq!(value(&db, "SELECT allow_explain FROM api_key"), "1");
}

/// Columns as `name type`, a `!` after those that must not be NULL.
const STATION: &str = "max_lat double, min_lat double, max_lon double, min_lon double, \
    lat double, lon double, created datetime, modified datetime, radius int(10) unsigned, \
    region varchar(2), samples int(10) unsigned, source tinyint(4), weight double, \
    last_seen date, block_first date, block_last date, block_count tinyint(3) unsigned";
const CELL: &str = "radio tinyint(4)!, mcc smallint(6)!, mnc smallint(6)!";
const AREA: &str = "radius int(11), region varchar(2), avg_cell_radius int(10) unsigned, \
    num_cells int(10) unsigned, last_seen date";

fn columns(db: &FreshDatabase, table: &str) -> String {
    let query = format!(
        "SELECT CONCAT(column_name, ' ', column_type, IF(is_nullable = 'NO', '!', '')) \
         FROM information_schema.columns \
         WHERE table_schema = DATABASE() AND table_name = '{table}' ORDER BY ordinal_position"
    );
    let columns: Vec<String> =
        db.rows(&query).into_iter().map(|row| row[0].clone().unwrap()).collect();
    columns.join(", ")
}

/// Indexes as `name (columns)`, a `!` after unique ones.
fn indexes(db: &FreshDatabase, table: &str) -> BTreeSet<String> {
    let query = format!(
        "SELECT CONCAT(index_name, ' (', GROUP_CONCAT(column_name ORDER BY seq_in_index \
         SEPARATOR ', '), ')', IF(non_unique = 0, '!', '')) FROM information_schema.statistics \
         WHERE table_schema = DATABASE() AND table_name = '{table}' \
         GROUP BY index_name, non_unique"
    );
    db.rows(&query).into_iter().map(|row| row[0].clone().unwrap()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mysql_the_layout_is_the_original_s() {
    let (_store, db) = migrated(Backend::Server).await;
    for shard in Shard::all() {
        let table = shard.table();
        let common = [
            format!("{table}_region_idx (region)"),
            format!("{table}_created_idx (created)"),
            format!("{table}_modified_idx (modified)"),
            format!("{table}_latlon_idx (lat, lon)"),
        ];
        let mut expected: BTreeSet<String> = common.into_iter().collect();
        let (keys, primary) = match (shard.kind(), shard.name().as_str()) {
            (ichnaea_domain::station::Kind::Cell, name) => {
                expected.insert(format!("{table}_cellid_unique (radio, mcc, mnc, lac, cid)!"));
                let (key, lac, cid) = match name {
                    "nr" => (17, "int(10) unsigned", "bigint(20) unsigned"),
                    _ => (11, "smallint(5) unsigned", "int(10) unsigned"),
                };
                let keys = format!(
                    "cellid binary({key})!, {CELL}, lac {lac}!, cid {cid}!, psc smallint(6)"
                );
                (keys, "PRIMARY (cellid)!")
            }
            _ => ("mac binary(6)!".to_owned(), "PRIMARY (mac)!"),
        };
        expected.insert(primary.to_owned());
        assert_eq!(columns(&db, &table), format!("{STATION}, {keys}"), "{table}");
        assert_eq!(indexes(&db, &table), expected, "{table}");
    }
    for (table, key, lac) in
        [("cell_area", 7, "smallint(5) unsigned"), ("cell_area_nr", 9, "int(10) unsigned")]
    {
        assert_eq!(
            columns(&db, table),
            format!(
                "lat double, lon double, created datetime, modified datetime, \
                 areaid binary({key})!, {CELL}, lac {lac}!, {AREA}"
            ),
        );
        let unique = format!("{table}_areaid_unique (radio, mcc, mnc, lac)!");
        let region = format!("{table}_region_radio_idx (region, radio)");
        let created = format!("{table}_created_idx (created)");
        let modified = format!("{table}_modified_idx (modified)");
        let latlon = format!("{table}_latlon_idx (lat, lon)");
        let expected = ["PRIMARY (areaid)!", &unique, &region, &created, &modified, &latlon];
        assert_eq!(indexes(&db, table), set(&expected));
    }
    for name in ["ne", "nw", "se", "sw"] {
        let table = format!("datamap_{name}");
        assert_eq!(columns(&db, &table), "grid binary(8)!, created date, modified date");
        let created = format!("{table}_created_idx (created)");
        let modified = format!("{table}_modified_idx (modified)");
        assert_eq!(indexes(&db, &table), set(&["PRIMARY (grid)!", &created, &modified]));
    }
    for (table, expected, primary) in [
        ("alembic_version", "version_num varchar(32)!", "PRIMARY (version_num)!"),
        (
            "api_key",
            "valid_key varchar(40)!, maxreq int(11), allow_fallback tinyint(1), \
             allow_locate tinyint(1), allow_region tinyint(1), fallback_name varchar(40), \
             fallback_schema varchar(64), fallback_url varchar(256), fallback_ratelimit int(11), \
             fallback_ratelimit_interval int(11), fallback_cache_expire int(11), \
             store_sample_locate tinyint(4), store_sample_submit tinyint(4), \
             allow_explain tinyint(1)",
            "PRIMARY (valid_key)!",
        ),
        (
            "export_config",
            "name varchar(40)!, batch int(11), schema varchar(32), url varchar(512), \
             skip_keys varchar(1024), skip_sources varchar(64)",
            "PRIMARY (name)!",
        ),
        (
            "region_stat",
            "region varchar(2)!, gsm int(10) unsigned, wcdma int(10) unsigned, \
             lte int(10) unsigned, blue bigint(20) unsigned, wifi bigint(20) unsigned, \
             nr bigint(20) unsigned",
            "PRIMARY (region)!",
        ),
        ("stat", "key tinyint(4)!, time date!, value bigint(20) unsigned", "PRIMARY (key, time)!"),
    ] {
        assert_eq!(columns(&db, table), expected);
        assert_eq!(indexes(&db, table), set(&[primary]), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mysql_every_table_of_the_original_is_innodb_with_its_character_set() {
    let (_store, db) = migrated(Backend::Server).await;
    let rows = db.rows(
        "SELECT table_name, engine, table_collation FROM information_schema.tables \
         WHERE table_schema = DATABASE() AND table_name <> 'refinery_schema_history'",
    );
    assert_eq!(rows.len(), 45 + 5);
    for row in rows {
        assert_eq!(row[1].as_deref(), Some("InnoDB"), "{row:?}");
        let collation = row[2].clone().unwrap();
        assert!(collation.starts_with("utf8") && !collation.starts_with("utf8mb4"), "{row:?}");
        assert!(collation.ends_with("_general_ci"), "{row:?}");
    }
}
