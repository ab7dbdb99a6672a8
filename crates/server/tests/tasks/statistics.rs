//! Daily totals, regional figures, and what is too old.

use std::time::Duration;

use ichnaea_kv::Op;
use ichnaea_server::keys;
use ichnaea_server::tasks::Task;
use ichnaea_testkit::Backend;
use serde_json::json;

use crate::bench::{Bench, observation};

async fn count(bench: &Bench, name: &str, by: i64) {
    let ttl = Some(Duration::from_mins(1));
    let op = Op::Count { key: format!("statcounter_{name}"), by, ttl };
    bench.context().kv.apply(vec![op]).await.unwrap();
}

const ROWS: &str = "SELECT `key`, `time`, value FROM stat ORDER BY `key`, `time`";

pub async fn counters_are_carried_over_once(backend: Backend) {
    let bench = Bench::new(backend).await;
    for name in ["cell", "unique_cell", "wifi", "unique_wifi"] {
        count(&bench, &format!("{name}_20260131"), 1).await;
    }
    bench.run(Task::UpdateStatcounter, None).await;
    let expected: Vec<_> = [(1, 1), (2, 1), (3, 1), (4, 1), (8, 0), (9, 0)]
        .into_iter()
        .flat_map(|(key, today)| [(key, "2026-01-30", 0), (key, "2026-01-31", today)])
        .map(|(key, day, value)| json!([f64::from(key), day, f64::from(value)]))
        .collect();
    assert_eq!(json!(bench.rows(ROWS)), json!(expected));

    bench.run(Task::UpdateStatcounter, None).await;
    assert_eq!(json!(bench.rows(ROWS)), json!(expected));

    count(&bench, "cell_20260131", 2).await;
    bench.run(Task::UpdateStatcounter, None).await;
    let cells = bench.rows("SELECT value FROM stat WHERE `key` = 1 ORDER BY `time`");
    assert_eq!(json!(cells), json!([[0.0], [3.0]]));
    assert_eq!(bench.counters(["statcounter_cell_20260131"]).await, [Some(0)]);
    assert_eq!(bench.queue(keys::UPDATE_STAT).await.in_flight, 0);
}

pub async fn forgotten_counters_are_collected_too(backend: Backend) {
    let bench = Bench::new(backend).await;
    count(&bench, "wifi_20260120", 5).await;
    count(&bench, "wifi_20260131", 1).await;
    count(&bench, "wifi_20260201", 7).await;
    count(&bench, "nonsense_20260131", 9).await;
    bench.run(Task::UpdateStatcounter, None).await;
    let totals = bench.rows("SELECT value FROM stat WHERE `key` = 3 ORDER BY `time`");
    assert_eq!(json!(totals), json!([[5.0], [6.0]]));
    let left = ["statcounter_wifi_20260201", "statcounter_nonsense_20260131"];
    assert_eq!(bench.counters(left).await, [Some(7), Some(9)]);
}

pub async fn totals_grow_on_after_a_clock_was_ahead(backend: Backend) {
    let bench = Bench::new(backend).await;
    let totals = "SELECT `time`, value FROM stat WHERE `key` = 3 ORDER BY `time`";
    bench.pass(3 * 86_400);
    count(&bench, "wifi_20260203", 5).await;
    bench.run(Task::UpdateStatcounter, None).await;
    bench.pass(-3 * 86_400);
    count(&bench, "wifi_20260131", 2).await;
    bench.run(Task::UpdateStatcounter, None).await;
    let days = ["2026-01-30", "2026-01-31", "2026-02-02", "2026-02-03"];
    let expected: Vec<_> = days.into_iter().zip([0.0, 2.0, 2.0, 7.0]).collect();
    assert_eq!(json!(bench.rows(totals)), json!(expected));
}

pub async fn regions_are_counted_and_old_ones_removed(backend: Backend) {
    let bench = Bench::new(backend).await;
    let insert = "INSERT INTO region_stat (region, gsm, wcdma, lte, blue, wifi) \
                  VALUES ('AQ', 1, 1, 1, 1, 1)";
    bench.database.execute(&[insert]);
    bench.run(Task::UpdateStatregion, None).await;
    let regions = "SELECT region, wifi, gsm FROM region_stat ORDER BY region";
    assert_eq!(json!(bench.rows(regions)), json!([["AQ", 1.0, 1.0]]));

    let items =
        vec![observation("94b40f010d01", 51.5, -0.1), observation("94b40f010d02", 52.52, 13.405)];
    bench.push("update_wifi_0", items).await;
    bench.drain().await;
    let key = keys::STATS_REGIONS_CACHE.as_bytes().to_vec();
    let cached = Op::Set { key: key.clone(), value: b"old".to_vec(), ttl: None };
    bench.context().kv.apply(vec![cached]).await.unwrap();
    bench.run(Task::UpdateStatregion, None).await;
    assert_eq!(json!(bench.rows(regions)), json!([["DE", 1.0, 0.0], ["GB", 1.0, 0.0]]));
    assert_eq!(bench.context().kv.get(&[key]).await.unwrap(), [None]);
}

pub async fn old_rows_are_removed(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.database.execute(&[
        "INSERT INTO stat (`key`, `time`, value) VALUES (4, '2024-01-31', 1)",
        "INSERT INTO stat (`key`, `time`, value) VALUES (4, '2024-02-01', 2)",
        "INSERT INTO datamap_ne (grid, created, modified) \
         VALUES (X'000222e000030d40', '2020-01-01', '2025-01-30')",
        "INSERT INTO datamap_ne (grid, created, modified) \
         VALUES (X'0002234400030d40', '2020-01-01', '2025-01-31')",
    ]);
    bench.push("update_wifi_0", vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    bench.drain().await;
    assert_eq!(bench.run(Task::CleanupStat, None).await.items, 1);
    assert_eq!(bench.run(Task::CleanupDatamap, Some("ne")).await.items, 1);
    assert_eq!(json!(bench.rows("SELECT value FROM stat")), json!([[2.0]]));
    assert_eq!(json!(bench.rows("SELECT modified FROM datamap_ne")), json!([["2025-01-31"]]));

    assert_eq!(bench.run(Task::CleanupApplied, None).await.items, 0);
    bench.pass(8 * 86_400);
    assert_eq!(bench.run(Task::CleanupApplied, None).await.items, 1);
    assert_eq!(bench.rows("SELECT id FROM applied_batch").len(), 0);
}
