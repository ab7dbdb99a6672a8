//! From reports to rows.

use std::time::Duration;

use ichnaea_domain::report::ExportedReport;
use ichnaea_server::keys;
use ichnaea_server::tasks::drain::{Drain, Progress};
use ichnaea_server::tasks::message::Message;
use ichnaea_server::tasks::{self, Task};
use ichnaea_testkit::Backend;
use serde_json::json;

use crate::bench::{Bench, gsm, ms, observation, report, wifi};

pub async fn a_report_becomes_stations_an_area_grid_cells_and_counters(backend: Backend) {
    let bench = Bench::new(backend).await;
    let mut networks = wifi("94:b4:0f:01:0d:01");
    networks["bluetoothBeacons"] = json!([{"macAddress": "ff:23:45:67:89:ab"}]);
    networks["cellTowers"] = gsm(7)["cellTowers"].clone();
    bench.submit(&[report(51.5, -0.1, &networks)]).await;
    // What the scheduler would have the workers do, one batch at a time.
    assert_eq!(bench.run(Task::UpdateIncoming, None).await.counts["reports"], 1);
    assert_eq!(bench.run(Task::ExportReports, Some("internal")).await.counts["wifi"], 1);
    assert_eq!(bench.run(Task::UpdateWifi, Some("0")).await.counts["new"], 1);
    assert_eq!(bench.run(Task::UpdateBlue, Some("4")).await.counts["new"], 1);
    assert_eq!(bench.run(Task::UpdateCell, Some("gsm")).await.counts["new"], 1);
    assert_eq!(bench.run(Task::UpdateCellarea, None).await.counts["new"], 1);
    assert_eq!(bench.run(Task::UpdateDatamap, Some("nw")).await.counts["new"], 1);

    let place = "lat, lon, radius, region, samples, last_seen";
    let expected = json!([51.5, -0.1, 0.0, "GB", 1.0, "2026-01-31"]);
    for table in ["wifi_shard_0", "blue_shard_4", "cell_gsm"] {
        let rows = bench.rows(&format!("SELECT {place} FROM {table}"));
        assert_eq!(json!(rows), json!([expected]), "{table}");
    }
    let area = bench.rows("SELECT lat, lon, num_cells, lac FROM cell_area");
    assert_eq!(json!(area), json!([[51.5, -0.1, 1.0, 5.0]]));
    let grid = bench.rows("SELECT HEX(grid), created, modified FROM datamap_nw");
    assert_eq!(json!(grid), json!([["000228BC0002BEBC", "2026-01-31", "2026-01-31"]]));
    let counters = bench
        .counters([
            "statcounter_wifi_20260131",
            "statcounter_unique_wifi_20260131",
            "statcounter_blue_20260131",
            "statcounter_unique_blue_20260131",
            "statcounter_cell_20260131",
            "statcounter_unique_cell_20260131",
        ])
        .await;
    assert_eq!(counters, [Some(1); 6]);
    for queue in keys::data_queues() {
        let state = bench.queue(&queue.name).await;
        assert_eq!((state.len, state.in_flight), (0, 0), "{}", queue.name);
    }
}

pub async fn a_batch_of_reports_goes_on_in_parts_and_in_order(backend: Backend) {
    let bench = Bench::new(backend).await;
    let numbered = |number: i64| {
        let mut report = report(51.5, -0.1, &wifi("94:b4:0f:01:0d:01"));
        report["timestamp"] = json!(ms("2026-01-31T00:00:00Z") + number);
        report
    };
    bench.submit(&(0..5_203).map(numbered).collect::<Vec<_>>()).await;
    let distributed = bench.run(Task::UpdateIncoming, None).await;
    assert_eq!((distributed.items, distributed.counts["reports"]), (5_000, 5_000));
    assert!(!distributed.is_ready);
    assert_eq!(bench.queue(keys::UPDATE_INCOMING).await.len, 203);
    let queue = keys::export("queue_export_internal", 0);
    let waiting = bench.context().kv.peek(&queue.name, 0, 10_000).await.unwrap();
    let times = waiting.iter().map(|item| {
        let exported: ExportedReport = queue.decode(item).unwrap();
        exported.report.timestamp.unwrap() - ms("2026-01-31T00:00:00Z")
    });
    assert!(times.eq(0..5_000));

    assert_eq!(bench.run(Task::ExportReports, Some("internal")).await.counts["wifi"], 500);
    bench.drain().await;
    assert_eq!(json!(bench.rows("SELECT samples FROM wifi_shard_0")), json!([[5_203.0]]));
}

pub async fn a_queue_that_has_fallen_behind_is_worked_off_in_large_steps(backend: Backend) {
    let bench = Bench::new(backend).await;
    let run = async |waiting: usize| {
        bench.push("update_wifi_0", vec![observation("94b40f010d01", 51.5, -0.1); waiting]).await;
        let outcome = tasks::run(&bench.run, Task::UpdateWifi, Some("0")).await.unwrap();
        let applied = bench.rows("SELECT COUNT(*) FROM applied_batch");
        (outcome.items, bench.queue("update_wifi_0").await.len, json!(applied))
    };
    // One batch, and what is left is not worth another; then one batch and all the rest at once.
    assert_eq!(run(900).await, (500, 400, json!([[1.0]])));
    assert_eq!(run(1_500).await, (1_900, 0, json!([[3.0]])));
    assert_eq!(json!(bench.rows("SELECT samples FROM wifi_shard_0")), json!([[2_400.0]]));
}

pub async fn all_reports_are_gathered_before_a_station_is_updated(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.database.execute(&["UPDATE export_config SET batch = 1"]);
    let mac = "94:b4:0f:01:0d:01";
    // Seen at two places at once: a station that is new and blocked has no region. Updated report
    // by report, it would be new first and keep the region when it is blocked.
    bench.submit(&[report(51.5, -0.1, &wifi(mac))]).await;
    bench.submit(&[report(51.7, -0.1, &wifi(mac))]).await;
    let mut stages = Vec::new();
    let note = |progress: Progress<'_>| {
        if let Progress::Worked { stage, .. } = progress {
            stages.push(stage);
        }
    };
    Drain::default().run(&bench.run, note).await.unwrap();
    assert_eq!(stages, ["reports", "exports", "observations", "grid cells"]);
    let rows = bench.rows("SELECT lat, region, block_count FROM wifi_shard_0");
    assert_eq!(json!(rows), json!([[null, null, 1.0]]));
}

pub async fn a_batch_that_others_hold_is_waited_for(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.push("update_wifi_0", vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    // A worker takes the batch and is never heard of again.
    let lease = Duration::from_millis(300);
    let taken = bench.context().kv.take("update_wifi_0", 0, lease).await.unwrap();
    assert!(taken.is_some());
    let mut told = Vec::new();
    let note = |progress: Progress<'_>| {
        if let Progress::Waiting { stage, items } = progress {
            told.push((stage, items));
        }
    };
    Drain::default().run(&bench.run, note).await.unwrap();
    assert_eq!(told.first(), Some(&("observations", 1)));
    assert_eq!(bench.rows("SELECT lat FROM wifi_shard_0").len(), 1);
    assert_eq!(bench.counters(["statcounter_wifi_20260131"]).await, [Some(1)]);
}

pub async fn an_export_queue_below_its_batch_can_be_left_alone(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.database.execute(&["UPDATE export_config SET batch = 2"]);
    let drain = Drain { respects_batches: true };
    bench.submit(&[report(51.5, -0.1, &wifi("94:b4:0f:01:0d:01"))]).await;
    drain.run(&bench.run, |_| {}).await.unwrap();
    assert_eq!(bench.queue("queue_export_internal").await.len, 1);
    assert_eq!(bench.rows("SELECT lat FROM wifi_shard_0").len(), 0);

    bench.submit(&[report(51.5, -0.1, &wifi("94:b4:0f:01:0d:02"))]).await;
    drain.run(&bench.run, |_| {}).await.unwrap();
    assert_eq!(bench.queue("queue_export_internal").await.len, 0);
    assert_eq!(bench.rows("SELECT lat FROM wifi_shard_0").len(), 2);
}

pub async fn an_incoming_batch_asks_for_the_exports_it_made_ready(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.database.execute(&["UPDATE export_config SET batch = 2"]);
    bench.submit(&[report(51.5, -0.1, &wifi("94:b4:0f:01:0d:01"))]).await;
    bench.run(Task::UpdateIncoming, None).await;
    assert_eq!(bench.queue(keys::TASKS).await.len, 0);

    bench.submit(&[report(51.5, -0.1, &wifi("94:b4:0f:01:0d:02"))]).await;
    assert_eq!(bench.run(Task::UpdateIncoming, None).await.counts["exports"], 1);
    let messages = bench.context().kv.peek(keys::TASKS, 0, 10).await.unwrap();
    let messages: Vec<_> = messages.iter().filter_map(|item| Message::decode(item)).collect();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].task, Task::ExportReports);
    assert_eq!(messages[0].argument.as_deref(), Some("queue_export_internal"));
}

pub async fn targets_that_nobody_sends_to_keep_their_reports(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.database.execute(&[
        "INSERT INTO export_config (name, batch, `schema`) VALUES ('later', 1, 'carrier-pigeon')",
        "INSERT INTO export_config (name, batch, `schema`) VALUES ('none', 1, 'dummy')",
    ]);
    bench.submit(&[report(51.5, -0.1, &wifi("94:b4:0f:01:0d:01"))]).await;
    bench.drain().await;
    assert_eq!(bench.queue("queue_export_later").await.len, 1);
    assert_eq!(bench.queue("queue_export_none").await.len, 0);
    assert_eq!(bench.queue("queue_export_internal").await.len, 0);
}

pub async fn an_observation_in_a_wrong_queue_reaches_its_table(backend: Backend) {
    let bench = Bench::new(backend).await;
    let items =
        vec![observation("94b40f010d01", 51.5, -0.1), observation("94b4f0010d01", 51.5, 0.1)];
    bench.push("update_wifi_0", items).await;
    bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(json!(bench.rows("SELECT lon FROM wifi_shard_0")), json!([[-0.1]]));
    assert_eq!(json!(bench.rows("SELECT lon FROM wifi_shard_f")), json!([[0.1]]));
}
