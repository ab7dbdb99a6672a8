//! Whole tables for another database.

use ichnaea_store::{Column, Kind, Record, Store, Table, Value};
use ichnaea_testkit::Backend;

use crate::{day, on_both, time, value};

/// The rows of one table.
async fn rows(store: &Store, name: &str) -> (Table, Vec<Record>) {
    let tables = store.carried_tables().await.unwrap();
    let table = tables.into_iter().find(|table| table.name == name).unwrap();
    let mut snapshot = store.carried_rows(std::slice::from_ref(&table)).await.unwrap();
    let mut records = Vec::new();
    while let Some(page) = snapshot.next().await {
        records.extend(page.unwrap().rows);
    }
    (table, records)
}

fn names(table: &Table) -> Vec<String> {
    table.columns.iter().map(|column| column.name.clone()).collect()
}

fn of_record(table: &Table, record: &Record, column: &str) -> Value {
    let place = table.columns.iter().position(|one| one.name == column).unwrap();
    record.values[place].clone()
}

on_both! {
    async fn every_table_of_an_installation_is_known_with_the_kinds_of_its_columns(store, _db) {
        let tables = store.carried_tables().await.unwrap();
        let found: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        for name in ["api_key", "export_config", "stat", "region_stat", "cell_area", "cell_area_nr",
                     "cell_gsm", "cell_nr", "blue_shard_0", "wifi_shard_f", "datamap_sw"] {
            assert!(found.contains(&name), "{name}");
        }
        assert!(!found.contains(&"applied_batch") && !found.contains(&"alembic_version"));
        let kinds = |name: &str| {
            let table = tables.iter().find(|table| table.name == name).unwrap();
            let kind = |column: &Column| format!("{} {}", column.name, column.kind.name());
            table.columns.iter().map(kind).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(
            kinds("cell_nr"),
            "cellid bytes, max_lat real, min_lat real, max_lon real, min_lon real, lat real, \
             lon real, created time, modified time, radius integer, region text, samples integer, \
             source integer, weight real, last_seen date, block_first date, block_last date, \
             block_count integer, radio integer, mcc integer, mnc integer, lac integer, \
             cid integer, psc integer"
        );
        assert_eq!(kinds("datamap_ne"), "grid bytes, created date, modified date");
        assert_eq!(kinds("stat"), "key integer, time date, value integer");
        assert_eq!(
            kinds("region_stat"),
            "region text, gsm integer, wcdma integer, lte integer, blue integer, wifi integer, \
             nr integer"
        );
        assert!(kinds("api_key").starts_with("valid_key text, maxreq integer, allow_fallback"));
    }

    async fn rows_come_as_they_were_put_in(store, db) {
        let (table, _) = rows(&store, "wifi_shard_f").await;
        let real = |number: f64| Value::Real(number);
        let columns = names(&table);
        let row = |last: u8, lat: f64| -> Vec<Value> {
            let value = |column: &Column| match (column.name.as_str(), column.kind) {
                ("mac", _) => Value::Bytes(vec![0, 0x27, 0x5c, 0, 0xff, last]),
                ("region", _) => Value::Text("GB".to_owned()),
                ("last_seen", _) => Value::Date(day("2026-01-31")),
                ("created", _) => Value::DateTime(time("2026-01-31 01:02:03")),
                ("samples", _) => Value::Int(4_294_967_295),
                ("block_count", _) => Value::Null,
                (_, Kind::Real) => real(lat),
                (_, Kind::Integer) => Value::Int(3),
                _ => Value::Null,
            };
            table.columns.iter().map(value).collect()
        };
        let lats = [0.1 + 0.2, f64::MIN_POSITIVE, f64::MAX, -1e-7, 5e-324, 51.5, 0.0, -0.0];
        let put: Vec<Vec<Value>> =
            lats.iter().zip(0..).map(|(lat, last)| row(last, *lat)).collect();
        store.fill("wifi_shard_f", &columns, put.clone()).await.unwrap();
        let (_, found) = rows(&store, "wifi_shard_f").await;
        let found: Vec<Vec<Value>> = found.into_iter().map(|record| record.values).collect();
        assert_eq!(found, put);
        let sign = |values: &[Value]| values.iter().any(|value| {
            matches!(value, Value::Real(number) if number.is_sign_negative() && *number == 0.0)
        });
        assert!(!found.iter().any(|values| sign(values)), "zero has a sign");
        assert_eq!(value(&db, "SELECT COUNT(*) FROM wifi_shard_f"), "8");
    }

    async fn a_chunk_is_written_as_a_whole_or_not_at_all(store, db) {
        let columns = ["region".to_owned()];
        let row = |region: &str| vec![Value::Text(region.to_owned())];
        store.fill("region_stat", &columns, vec![row("GB")]).await.unwrap();
        let again = store.fill("region_stat", &columns, vec![row("DE"), row("GB")]).await;
        assert!(again.is_err());
        assert_eq!(value(&db, "SELECT COUNT(*) FROM region_stat"), "1");
        store.fill("region_stat", &columns, Vec::new()).await.unwrap();
        let reader = Store::open(&db.uri, &ichnaea_store::Options { read_only: true, ..Default::default() }).unwrap();
        assert!(reader.fill("region_stat", &columns, vec![row("FR")]).await.is_err());
    }

    async fn more_rows_than_a_page_are_all_read(store, _db) {
        let columns = ["valid_key".to_owned()];
        // In an order in which the two databases do not sort them.
        let key = |number: u32| vec![Value::Text(format!("{}key_{number}", if number.is_multiple_of(2) { "A" } else { "b" }))];
        store.fill("api_key", &columns, (0..9000).map(key).collect()).await.unwrap();
        let (table, found) = rows(&store, "api_key").await;
        let keys: std::collections::BTreeSet<String> = found.iter()
            .map(|record| format!("{:?}", of_record(&table, record, "valid_key")))
            .collect();
        assert_eq!((found.len(), keys.len()), (9000, 9000));
        let columns = ["key", "time", "value"].map(str::to_owned);
        let row = |number: u32| {
            let date = day("2000-01-01") + chrono::Days::new((number / 6).into());
            vec![Value::Int((number % 6).into()), Value::Date(date), Value::Int(number.into())]
        };
        store.fill("stat", &columns, (0..9000).map(row).collect()).await.unwrap();
        assert_eq!(rows(&store, "stat").await.1.len(), 9000);
    }

    async fn a_fresh_schema_is_empty_until_something_is_there(store, db) {
        let tables = store.carried_tables().await.unwrap();
        assert_eq!(store.filled_tables(&tables).await.unwrap(), Vec::<String>::new());
        db.execute(&[
            "UPDATE export_config SET batch = NULL",
            "INSERT INTO stat (`key`, `time`) VALUES (1, '2026-01-31')",
            "INSERT INTO cell_nr (cellid, radio, mcc, mnc, lac, cid) VALUES (X'0500EA001E000000010000000000000001', 5, 234, 30, 1, 1)",
        ]);
        assert_eq!(store.filled_tables(&tables).await.unwrap(), ["export_config", "stat", "cell_nr"]);
        store.empty_tables(&tables).await.unwrap();
        assert_eq!(store.filled_tables(&tables).await.unwrap(), Vec::<String>::new());
        assert_eq!(value(&db, "SELECT COUNT(*) FROM export_config"), "0");
    }

    async fn a_restore_is_marked_until_it_is_done(store, _db) {
        assert_eq!(store.restore_mark().await.unwrap(), None);
        assert!(store.mark_restore("since noon").await.unwrap());
        assert!(!store.mark_restore("since one").await.unwrap());
        assert_eq!(store.restore_mark().await.unwrap().as_deref(), Some("since noon"));
        // Whatever is cleaned up.
        store.cleanup_applied(time("2200-01-01 00:00:00"), &[]).await.unwrap();
        assert_eq!(store.restore_mark().await.unwrap().as_deref(), Some("since noon"));
        store.unmark_restore().await.unwrap();
        assert_eq!(store.restore_mark().await.unwrap(), None);
        assert!(store.mark_restore("again").await.unwrap());
    }

    async fn a_snapshot_does_not_see_what_comes_later(store, db) {
        db.execute(&["INSERT INTO region_stat (region, gsm) VALUES ('DE', 1)"]);
        let tables = store.carried_tables().await.unwrap();
        let mut snapshot = store.carried_rows(&tables).await.unwrap();
        db.execute(&["INSERT INTO region_stat (region, gsm) VALUES ('GB', 1)"]);
        let region = tables.iter().position(|table| table.name == "region_stat").unwrap();
        let mut found = 0;
        while let Some(page) = snapshot.next().await {
            let page: ichnaea_store::Page<Record> = page.unwrap();
            if page.table == region {
                found += page.rows.len();
            }
        }
        assert_eq!(found, 1);
    }

    async fn columns_that_others_have_added_are_carried_too(store, db) {
        db.execute(&["ALTER TABLE api_key ADD COLUMN shortname varchar(40)",
                     "INSERT INTO api_key (valid_key, shortname) VALUES ('one', 'Jo')"]);
        let (table, found) = rows(&store, "api_key").await;
        assert_eq!(of_record(&table, &found[0], "shortname"), Value::Text("Jo".to_owned()));
    }
}

/// SQLite takes any value in any column.
#[tokio::test]
async fn what_is_not_of_its_kind_is_missing_and_counted() {
    let (store, db) = crate::migrated(Backend::Embedded).await;
    db.execute(&["INSERT INTO cell_area (areaid, radio, mcc, mnc, lac, lat, lon, created, radius, region, last_seen) \
                  VALUES (X'0000EA001E0001', 0, 234, 30, 1, 'north', 9e999, '2026-02-31', 1.5, X'FF', '2026-01-31 12:00:00')"]);
    let (table, found) = rows(&store, "cell_area").await;
    assert_eq!(found[0].unreadable, 5);
    for column in ["lat", "lon", "created", "radius", "region"] {
        assert_eq!(of_record(&table, &found[0], column), Value::Null, "{column}");
    }
    assert_eq!(of_record(&table, &found[0], "last_seen"), Value::Date(day("2026-01-31")));
}

#[tokio::test]
async fn dates_of_zero_are_missing() {
    let (store, db) = crate::migrated(Backend::Server).await;
    db.execute(&[
        "INSERT IGNORE INTO cell_area (areaid, radio, mcc, mnc, lac, created, last_seen) \
                  VALUES (X'0000EA001E0001', 0, 234, 30, 1, '0000-00-00 00:00:00', '0000-00-00')",
    ]);
    let (table, found) = rows(&store, "cell_area").await;
    assert_eq!(of_record(&table, &found[0], "created"), Value::Null);
    assert_eq!(of_record(&table, &found[0], "last_seen"), Value::Null);
}
