//! `kill -9` between any two effects of the pipeline, then a start as if nothing had happened: the
//! tables and counters have to equal those of an undisturbed run.
//!
//! Every point in `fault::POINTS` is walked. The processes are real ones, killed by a real signal.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so and stops"
)]

mod import;
mod logs;
mod process;
mod scene;

use ichnaea_server::fault;
use ichnaea_testkit::Backend;

use scene::{Scene, Way};

/// How a point is reached, and what has to be true afterwards.
fn way_to(point: &str) -> Way {
    match point {
        "submit_before_push" => Way::Submit { is_queued: false },
        "submit_after_push" => Way::Submit { is_queued: true },
        "batch_taken" | "batch_counted" | "batch_worked" | "batch_finished" => {
            // Each batch of the drain: reports, exports, four station tables, areas, grid.
            Way::Drain { times: 8 }
        }
        "incoming_decided" | "export_decided" | "area_committed" | "datamap_committed" => {
            Way::Drain { times: 1 }
        }
        "station_committed" => Way::Drain { times: 4 },
        "batch_before_give_back" | "batch_given_back" => Way::WithoutDatabase,
        "batch_before_bury" | "batch_buried" => Way::Bury,
        "incoming_before_export" | "incoming_export_sent" | "task_taken" | "task_finished" => {
            Way::Worker
        }
        "export_sent" => Way::Deliver { status: 200 },
        "export_refusal_counted" => Way::Deliver { status: 413 },
        "export_rested" => Way::Deliver { status: 503 },
        "letters_before_finish" | "letters_finished" => Way::Requeue,
        "stat_collected" | "stat_committed" => Way::Task("update_statcounter"),
        "region_gathered" | "region_replaced" => Way::Task("update_statregion"),
        other => panic!("no way to {other} is known"),
    }
}

async fn every_point(backend: Backend) {
    let mut scene = Scene::start(backend).await;
    for point in fault::POINTS {
        scene.disturb(point, way_to(point)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_point_changes_nothing_on_sqlite_and_embedded() {
    every_point(Backend::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_point_changes_nothing_on_mariadb_and_redis() {
    every_point(Backend::Server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_killed_as_well_lose_nothing() {
    let mut scene = Scene::start_with_own_servers().await;
    for (point, time) in [
        ("submit_after_push", 1),
        ("batch_taken", 2),
        ("batch_worked", 3),
        ("station_committed", 2),
        ("batch_finished", 4),
        ("stat_committed", 1),
    ] {
        scene.disturb_servers_too(point, way_to(point), time).await;
    }
}

/// The numbers a dashboard shows do not suffer either: a batch that was applied, but whose worker did
/// not live to say so, is counted by the one that ends it.
async fn numbers_of(backend: Backend) {
    let mut scene = Scene::start(backend).await;
    let undisturbed = scene.measured(None).await;
    assert!(undisturbed["location.data.observation.insert type:wifi"] > 0, "{undisturbed:?}");
    assert!(undisturbed["location.data.station.blocklist type:wifi"] > 0, "{undisturbed:?}");
    // None of these batches has come to its end, so nothing was lost with the process.
    for point in ["batch_taken", "export_decided", "station_committed"] {
        assert_eq!(scene.measured(Some(point)).await, undisturbed, "{point}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_doubles_and_loses_no_numbers_on_sqlite_and_embedded() {
    numbers_of(Backend::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_doubles_and_loses_no_numbers_on_mariadb_and_redis() {
    numbers_of(Backend::Server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_anywhere_is_finished_by_the_next_on_sqlite_and_embedded() {
    import::every_point(Backend::Embedded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_anywhere_is_finished_by_the_next_on_mariadb_and_redis() {
    import::every_point(Backend::Server);
}
