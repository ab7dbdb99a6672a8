//! What is looked at now and then, and the rate controller.

use std::sync::Arc;
use std::time::Duration;

use ichnaea_domain::mac::Mac;
use ichnaea_domain::station::StationKey;
use ichnaea_kv::Op;
use ichnaea_server::context::Context;
use ichnaea_server::keys;
use ichnaea_server::tasks::message::Message;
use ichnaea_server::tasks::scheduler::Scheduler;
use ichnaea_server::tasks::{Run, Task, run_once};
use ichnaea_store::{Options, Store};
use ichnaea_testkit::Backend;

use crate::bench::{Bench, observation};

const MONITOR: Task = Task::MonitorQueueSizeAndRateControl;

/// What was emitted, without how long tasks took.
fn amounts(bench: &Bench) -> Vec<String> {
    let mut lines = bench.emitted();
    lines.retain(|line| !line.starts_with("location.task"));
    lines
}

async fn set(bench: &Bench, key: &str, value: &str) {
    let op = Op::Set { key: key.into(), value: value.into(), ttl: None };
    bench.context().kv.apply(vec![op]).await.unwrap();
}

async fn texts<const N: usize>(bench: &Bench, keys: [&str; N]) -> [String; N] {
    let raw = keys.map(|key| key.as_bytes().to_vec());
    let values = bench.context().kv.get(&raw).await.unwrap();
    let text = |value: Option<Vec<u8>>| {
        value.map_or_else(|| "none".to_owned(), |text| String::from_utf8(text).unwrap())
    };
    values.into_iter().map(text).collect::<Vec<_>>().try_into().unwrap()
}

pub async fn the_use_of_keys_today_is_reported(backend: Backend) {
    let bench = Bench::new(backend).await;
    let count = |key: &str, by| Op::Count { key: key.to_owned(), by, ttl: None };
    let ops = vec![
        count("apilimit:test:v1.geolocate:20260131", 12),
        count("apilimit:test:v2.geosubmit:20260131", 3),
        count("apilimit:other-key:v1.geolocate:20260131", 1),
        count("apilimit:test:v1.geolocate:20260130", 99),
        count("apilimit:nonsense", 5),
    ];
    bench.context().kv.apply(ops).await.unwrap();
    bench.run(Task::MonitorApiKeyLimits, None).await;
    assert_eq!(
        amounts(&bench),
        [
            "location.api.limit:1|g|#key:other-key,path:v1.geolocate",
            "location.api.limit:12|g|#key:test,path:v1.geolocate",
            "location.api.limit:3|g|#key:test,path:v2.geosubmit",
        ]
    );
}

pub async fn distinct_users_are_reported_and_old_days_removed(backend: Backend) {
    let bench = Bench::new(backend).await;
    let user = |key: &str, member: &str| Op::AddUnique {
        key: key.to_owned(),
        member: member.to_owned(),
        ttl: None,
    };
    let ops = vec![
        user("apiuser:locate:test:2026-01-31", "192.0.2.1"),
        user("apiuser:locate:test:2026-01-31", "192.0.2.2"),
        user("apiuser:locate:test:2026-01-30", "192.0.2.2"),
        user("apiuser:locate:test:2026-01-25", "192.0.2.3"),
        user("apiuser:locate:test:2026-01-24", "192.0.2.4"),
        user("apiuser:locate:test:2026-02-01", "192.0.2.5"),
        user("apiuser:submit:test:2026-01-25", "192.0.2.1"),
        user("apiuser:submit:gone:2025-12-01", "192.0.2.1"),
    ];
    bench.context().kv.apply(ops).await.unwrap();
    let outcome = bench.run(Task::MonitorApiUsers, None).await;
    assert_eq!(outcome.counts["removed"], 2);
    assert_eq!(
        amounts(&bench),
        [
            "location.locate.user:2|g|#key:test,interval:1d",
            "location.locate.user:3|g|#key:test,interval:7d",
            "location.submit.user:1|g|#key:test,interval:7d",
        ]
    );
    assert_eq!(
        bench.context().kv.keys("apiuser:").await.unwrap(),
        [
            "apiuser:locate:test:2026-01-25",
            "apiuser:locate:test:2026-01-30",
            "apiuser:locate:test:2026-01-31",
            "apiuser:locate:test:2026-02-01",
            "apiuser:submit:test:2026-01-25",
        ]
    );
}

pub async fn every_queue_is_reported(backend: Backend) {
    let bench = Bench::new(backend).await;
    bench.push("update_wifi_f", vec![observation("94b4f0010d01", 51.5, 0.1)]).await;
    bench.push("celery_blue", vec![b"{}".to_vec(); 2]).await;
    bench.push("queue_export_gone:gnss:no_key", vec![b"{}".to_vec()]).await;
    bench.push(&keys::dead_letters("update_cell_lte"), vec![b"{}".to_vec()]).await;
    let lease = Duration::from_mins(1);
    bench.push("update_blue_0", vec![b"x".to_vec(); 3]).await;
    bench.context().kv.take("update_blue_0", 0, lease).await.unwrap().unwrap();
    bench.run(MONITOR, None).await;

    let lines = amounts(&bench);
    let queues: Vec<_> = lines.iter().filter(|line| line.starts_with("location.queue:")).collect();
    // The original's 8 and 41, ours: messages, cells of 5G and their areas, statistics; the target
    // every database has, and one that is gone.
    assert_eq!(queues.len(), 8 + 41 + 1 + 2 + 1 + 1 + 1, "{queues:#?}");
    for line in [
        "location.queue:1|g|#queue:update_wifi_f,queue_type:data,data_type:wifi",
        "location.queue:0|g|#queue:update_wifi_0,queue_type:data,data_type:wifi",
        "location.queue:0|g|#queue:update_blue_0,queue_type:data,data_type:bluetooth",
        "location.queue.in_flight:3|g|#queue:update_blue_0",
        "location.queue:0|g|#queue:update_cell_gsm,queue_type:data,data_type:cell",
        "location.queue:0|g|#queue:update_cellarea,queue_type:data,data_type:cellarea",
        "location.queue:0|g|#queue:update_datamap_nw,queue_type:data,data_type:datamap",
        "location.queue:0|g|#queue:update_incoming,queue_type:data,data_type:report",
        "location.queue:0|g|#queue:queue_export_internal,queue_type:data,data_type:export",
        "location.queue:1|g|#queue:queue_export_gone:gnss:no_key,queue_type:data,data_type:export",
        "location.queue:2|g|#queue:celery_blue,queue_type:task",
        "location.queue:0|g|#queue:celery_monitor,queue_type:task",
        "location.queue.dead_letters:1|g|#queue:update_cell_lte",
        "location.rate_control.locate:100.0|g",
    ] {
        assert!(lines.iter().any(|found| found == line), "{line} is not in {lines:#?}");
    }
    let has_history = lines.iter().any(|line| line.starts_with("location.trx_history.length:"));
    assert_eq!(has_history, backend == Backend::Server);
    assert!(!lines.iter().any(|line| line.contains("rate_control.locate.")), "{lines:#?}");
}

pub async fn a_fresh_store_gets_a_controller_that_is_off(backend: Backend) {
    let bench = Bench::new(backend).await;
    set(&bench, "global_locate_sample_rate", "40").await;
    bench.run(MONITOR, None).await;
    let names = ["rate_controller_enabled", "rate_controller_state", "rate_controller_kp"];
    assert_eq!(texts(&bench, names).await, ["0", "{}", "none"]);
    assert_eq!(texts(&bench, ["global_locate_sample_rate"]).await, ["40"]);
    assert_eq!(amounts(&bench).last().unwrap(), "location.rate_control.locate:40.0|g");

    // Switched on without a target: off again, with a target to be seen.
    set(&bench, "rate_controller_enabled", "1").await;
    bench.run(MONITOR, None).await;
    let names = ["rate_controller_enabled", "rate_controller_target", "rate_controller_kp"];
    assert_eq!(texts(&bench, names).await, ["0", "0", "8"]);
    assert_eq!(texts(&bench, ["global_locate_sample_rate"]).await, ["40"]);
}

pub async fn the_controller_follows_the_backlog(backend: Backend) {
    let bench = Bench::new(backend).await;
    set(&bench, "rate_controller_enabled", "1").await;
    set(&bench, "rate_controller_target", "10").await;
    let kv = &bench.context().kv;
    // Nine wait or are being worked on: one less than wanted, of eight that each count for.
    bench.push("update_wifi_0", vec![b"x".to_vec(); 4]).await;
    bench.push("update_cell_lte", vec![b"x".to_vec(); 3]).await;
    bench.push("update_blue_0", vec![b"x".to_vec(); 2]).await;
    let lease = Duration::from_mins(1);
    kv.take("update_wifi_0", 0, lease).await.unwrap().unwrap();
    // These are no observations.
    bench.push("update_incoming", vec![b"x".to_vec(); 50]).await;
    bench.push("update_cellarea", vec![b"x".to_vec(); 50]).await;
    assert_eq!(bench.run(MONITOR, None).await.counts["rate_changed"], 1);
    let names = ["global_locate_sample_rate", "rate_controller_trx_purging"];
    assert_eq!(texts(&bench, names).await, ["80.0", "0"]);
    let [state] = texts(&bench, ["rate_controller_state"]).await;
    assert_eq!(
        state,
        r#"{"state":"running","p_term":8.0,"i_term":0.0,"d_term":0.0,"last_output":8.0,"last_input":9,"last_time":1769860800.0}"#
    );
    let lines = amounts(&bench);
    for line in [
        "location.rate_control.locate:80.0|g",
        "location.rate_control.locate.target:10.0|g",
        "location.rate_control.locate.kp:8.0|g",
        "location.rate_control.locate.ki:0.0|g",
        "location.rate_control.locate.kd:0.0|g",
        "location.rate_control.locate.pterm:8.0|g",
        "location.rate_control.locate.iterm:0.0|g",
        "location.rate_control.locate.dterm:0.0|g",
    ] {
        assert!(lines.iter().any(|found| found == line), "{line} is not in {lines:#?}");
    }
    let controls =
        ["trx_history.min:1000|g", "trx_history.max:1000000|g", "trx_history.purging:0|g"];
    for line in controls.map(|line| format!("location.{line}")) {
        assert_eq!(lines.contains(&line), backend == Backend::Server, "{line}");
    }

    // A minute later twice as much waits.
    bench.push("update_blue_0", vec![b"x".to_vec(); 11]).await;
    bench.pass(60);
    bench.run(MONITOR, None).await;
    assert_eq!(texts(&bench, ["global_locate_sample_rate"]).await, ["0.0"]);
    bench.pass(60);
    // Nothing new: the rate stays, and so nothing was done that is worth a line in the log.
    assert_eq!(bench.run(MONITOR, None).await.counts.len(), 0);
}

/// Many row versions wait to be purged: nothing is learned until few are left.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn learning_pauses_while_mariadb_purges() {
    let bench = Bench::new(Backend::Server).await;
    set(&bench, "rate_controller_enabled", "1").await;
    set(&bench, "rate_controller_target", "10").await;
    let station = StationKey::Wifi(Mac::from_bytes([0x94, 0xb4, 0xf0, 0x01, 0x0d, 0x01]));
    // Somebody looks at the database as it was, so that nothing can be purged.
    let holder = bench.hold(station);
    for _ in 0..5 {
        bench.push("update_wifi_0", vec![observation("94b40f010d01", 51.5, -0.1)]).await;
        bench.run(Task::UpdateWifi, Some("0")).await;
    }
    set(&bench, "rate_controller_trx_min", "1").await;
    set(&bench, "rate_controller_trx_max", "2").await;
    bench.emitted();
    bench.run(MONITOR, None).await;
    let names = ["global_locate_sample_rate", "rate_controller_trx_purging"];
    assert_eq!(texts(&bench, names).await, ["0.0", "1"]);
    let lines = amounts(&bench);
    assert!(lines.contains(&"location.trx_history.purging:1|g".to_owned()), "{lines:#?}");
    assert!(lines.contains(&"location.rate_control.locate:0.0|g".to_owned()), "{lines:#?}");

    set(&bench, "rate_controller_trx_min", "1000000000").await;
    set(&bench, "rate_controller_trx_max", "1000000001").await;
    bench.run(MONITOR, None).await;
    assert_eq!(texts(&bench, names).await, ["100.0", "0"]);
    holder.let_go().await;
}

/// An account without the privilege to see the history runs everything else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_process_has_no_history() {
    let bench = Bench::new(Backend::Server).await;
    let writer = Store::open(&bench.database.reader_uri(), &Options::default()).unwrap();
    let run = bench.run_with_writer(writer).await;
    run_once(&run, MONITOR, None).await.unwrap();
    let lines = run.context.metrics.take_recorded();
    assert!(!lines.iter().any(|line| line.contains("trx_history")), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "location.rate_control.locate:100.0|g"));
}

/// The coverage grid and the regional statistics do not depend on a map token.
pub async fn the_grid_and_regions_need_no_map_token(backend: Backend) {
    let bench = Bench::new(backend).await;
    assert_eq!(bench.context().config.mapbox_token, None);
    let grid = vec![0, 2, 0x28, 0xBC, 0, 2, 0xBE, 0xBC];
    bench.push("update_datamap_nw", vec![grid]).await;
    let mut scheduler = Scheduler::new(Arc::clone(bench.context()));
    scheduler.step().await.unwrap();
    let mut sent = Vec::new();
    // From noon until after midnight, when the regions are counted.
    for seconds in [60, 12 * 3600 + 8 * 60] {
        bench.pass(seconds);
        scheduler.step().await.unwrap();
        let lease = Duration::from_mins(1);
        let taken = bench.context().kv.take(keys::TASKS, 0, lease).await.unwrap().unwrap();
        bench.context().kv.finish(keys::TASKS, &taken.id, Vec::new()).await.unwrap();
        sent.extend(taken.items.iter().filter_map(|item| Message::decode(item)));
    }
    assert!(sent.iter().any(|message| message.task == Task::UpdateStatregion));
    for message in sent.iter().filter(|message| message.task == Task::UpdateDatamap) {
        bench.run(message.task, message.argument.as_deref()).await;
    }
    assert_eq!(bench.queue("update_datamap_nw").await.len, 0);
    assert_eq!(bench.rows("SELECT grid FROM datamap_nw").len(), 1);
}

/// Without anybody to tell, nothing but the work is done.
pub async fn users_are_cleaned_up_without_any_sink(backend: Backend) {
    let bench = Bench::new(backend).await;
    let op = Op::AddUnique {
        key: "apiuser:locate:test:2026-01-01".to_owned(),
        member: "192.0.2.1".to_owned(),
        ttl: None,
    };
    bench.context().kv.apply(vec![op]).await.unwrap();
    let mut context = Context::open(bench.context().config.clone()).await.unwrap();
    context.clock = bench.context().clock.clone();
    assert!(!context.metrics.is_on());
    let run = Run::new(Arc::new(context));
    run_once(&run, Task::MonitorApiUsers, None).await.unwrap();
    assert_eq!(bench.context().kv.keys("apiuser:").await, Ok(vec![]));
}
