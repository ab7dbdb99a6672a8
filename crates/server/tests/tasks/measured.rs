//! What tasks tell about their batches, and when.

use std::time::Duration;

use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::mac::Mac;
use ichnaea_domain::station::StationKey;
use ichnaea_server::tasks::batch::is_unavailable;
use ichnaea_server::tasks::{Task, run_once};
use ichnaea_testkit::Backend;
use serde_json::json;

use crate::bench::{Bench, observation, report, wifi};

const QUEUE: &str = "update_wifi_0";

/// A report with one good station of each kind, a cell of no country and a forbidden address.
fn mixed() -> serde_json::Value {
    json!({
        "bluetoothBeacons": [{"macAddress": "ff:23:45:67:89:ab"}],
        "wifiAccessPoints": [
            {"macAddress": "94:b4:0f:01:0d:01"},
            {"macAddress": "ff:ff:ff:ff:ff:ff"},
        ],
        "cellTowers": [
            {"radioType": "gsm", "mobileCountryCode": 234, "mobileNetworkCode": 30,
                "locationAreaCode": 5, "cellId": 7},
            {"radioType": "gsm", "mobileCountryCode": 999, "mobileNetworkCode": 30,
                "locationAreaCode": 5, "cellId": 7},
        ],
    })
}

/// What was emitted, without how long tasks took and what was looked at now and then.
fn counted(bench: &Bench) -> Vec<String> {
    let mut lines = bench.emitted();
    lines.retain(|line| line.contains("|c"));
    lines
}

async fn know_key(bench: &Bench) {
    let key = ApiKey { valid_key: "test".to_owned(), ..ApiKey::default() };
    assert!(bench.context().writer.create_api_key(&key).await.unwrap());
}

pub async fn what_becomes_of_reports_and_stations_is_counted(backend: Backend) {
    let bench = Bench::new(backend).await;
    know_key(&bench).await;
    let nowhere = report(51.5, 200.0, &wifi("94:b4:0f:01:0d:02"));
    bench.submit(&[report(51.5, -0.1, &mixed()), nowhere]).await;
    bench.run(Task::UpdateIncoming, None).await;
    assert_eq!(counted(&bench), Vec::<String>::new());

    bench.run(Task::ExportReports, Some("internal")).await;
    assert_eq!(
        counted(&bench),
        [
            "location.data.export.batch:1|c|#key:internal",
            "location.data.report.upload:2|c|#key:test",
            "location.data.report.drop:1|c|#key:test",
            "location.data.observation.upload:1|c|#type:blue,key:test",
            "location.data.observation.upload:1|c|#type:cell,key:test",
            "location.data.observation.drop:1|c|#type:cell,key:test",
            "location.data.observation.upload:1|c|#type:wifi,key:test",
            "location.data.observation.drop:1|c|#type:wifi,key:test",
        ]
    );

    bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(
        counted(&bench),
        [
            "location.data.observation.insert:1|c|#type:wifi",
            "location.data.station.new:1|c|#type:wifi",
        ]
    );
    // Seen again where it was, and then far away.
    bench.push(QUEUE, vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(
        counted(&bench),
        [
            "location.data.observation.insert:1|c|#type:wifi",
            "location.data.station.confirm:1|c|#type:wifi",
        ]
    );
    bench.push(QUEUE, vec![observation("94b40f010d01", 52.5, -0.1)]).await;
    bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(
        counted(&bench),
        [
            "location.data.observation.insert:1|c|#type:wifi",
            "location.data.station.blocklist:1|c|#type:wifi",
        ]
    );
    bench.run(Task::UpdateCell, Some("gsm")).await;
    bench.run(Task::UpdateCellarea, None).await;
    bench.run(Task::UpdateDatamap, Some("nw")).await;
    assert_eq!(
        counted(&bench),
        [
            "location.data.observation.insert:1|c|#type:cell",
            "location.data.station.new:1|c|#type:cell",
        ]
    );
}

pub async fn a_key_that_does_not_exist_is_no_tag(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.submit(&[report(51.5, -0.1, &wifi("94:b4:0f:01:0d:01"))]).await;
    bench.run(Task::UpdateIncoming, None).await;
    bench.run(Task::ExportReports, Some("internal")).await;
    assert_eq!(
        counted(&bench),
        [
            "location.data.export.batch:1|c|#key:internal",
            "location.data.report.upload:1|c",
            "location.data.observation.upload:1|c|#type:wifi",
        ]
    );
}

pub async fn only_runs_that_end_well_are_timed(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.push(QUEUE, vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    let broken = bench.run_without_database().await;
    run_once(&broken, Task::UpdateWifi, Some("0")).await.unwrap_err();
    let lines = broken.context.metrics.take_recorded();
    assert_eq!(lines, ["location.task.failure:1|c|#task:data.update_wifi"]);

    bench.run(Task::UpdateWifi, Some("0")).await;
    bench.run(Task::CleanupStat, None).await;
    let lines = bench.emitted();
    let timed: Vec<&str> = lines
        .iter()
        .filter(|line| line.starts_with("location.task:") && line.contains("|ms|#"))
        .filter_map(|line| line.rsplit_once('#').map(|(_, tags)| tags))
        .collect();
    assert_eq!(timed, ["task:data.update_wifi", "task:data.cleanup_stat"]);
}

pub async fn dead_letters_are_counted_once_they_are_kept(backend: Backend) {
    let bench = Bench::new(backend).await;
    let good = observation("94b40f010d01", 51.5, -0.1);
    bench.push(QUEUE, vec![b"\xff".to_vec(), good, b"{}".to_vec()]).await;
    bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(
        counted(&bench),
        [
            "location.data.observation.insert:1|c|#type:wifi",
            "location.data.station.new:1|c|#type:wifi",
            "location.data.dead_letter:2|c|#queue:update_wifi_0,reason:undecodable",
        ]
    );
}

/// Two workers hold one batch, as when a lease has run out on a slow one.
pub async fn a_batch_that_two_workers_hold_is_counted_once(backend: Backend) {
    let bench = Bench::new(backend).await;
    let kv = &bench.context().kv;
    bench.push(QUEUE, vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    let slow = kv.take(QUEUE, 500, Duration::from_millis(0)).await.unwrap().unwrap();
    bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(counted(&bench).len(), 2);
    // The slow one comes to its end: nothing is left to be done.
    assert!(!kv.finish(QUEUE, &slow.id, Vec::new()).await.unwrap());
    bench.run(Task::UpdateWifi, Some("0")).await;
    assert_eq!(counted(&bench), Vec::<String>::new());
}

/// Another worker sits on the row of a station for longer than anybody waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_lock_error_is_counted_on_mariadb() {
    let bench = Bench::new(Backend::Server).await;
    bench.push(QUEUE, vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    bench.run(Task::UpdateWifi, Some("0")).await;

    let station = StationKey::Wifi(Mac::from_bytes([0x94, 0xb4, 0x0f, 0x01, 0x0d, 0x01]));
    let holder = bench.hold(station);
    bench.push(QUEUE, vec![observation("94b40f010d01", 51.5, -0.1)]).await;
    // Waits a second for a lock, three times.
    let hasty = bench.run_with_writer(bench.store(Duration::from_secs(9))).await;
    let failure = run_once(&hasty, Task::UpdateWifi, Some("0")).await.unwrap_err();
    assert!(is_unavailable(&failure), "{failure:#}");
    let error = "location.data.station.dberror:1|c|#errno:1205,type:wifi";
    let failed = "location.task.failure:1|c|#task:data.update_wifi";
    assert_eq!(hasty.context.metrics.take_recorded(), [error, error, error, failed]);

    holder.let_go().await;
    run_once(&hasty, Task::UpdateWifi, Some("0")).await.unwrap();
    let lines = hasty.context.metrics.take_recorded();
    assert_eq!(lines[0], "location.data.observation.insert:1|c|#type:wifi");
}
