//! A worker whose backend does what it was asked and then says nothing: the batch comes back after its
//! lease, and what was done once is not done again.

use std::time::Instant;

use ichnaea_testkit::proxy::Mode;
use serde_json::json;

use crate::rows::report;
use crate::scene::{BOUND, SLACK, Scene};
use crate::service::{Service, run, run_into_failure};

/// Reports in the batch.
const REPORTS: u32 = 8;
const FIRST: u32 = 0x10_0000;

/// Where the answer gets lost.
struct Loss {
    step: &'static str,
    is_database: bool,
    /// What the request has in it whose answer never comes.
    request: &'static str,
    task: &'static [&'static str],
}

const LOSSES: [Loss; 7] = [
    Loss {
        step: "rows written, not committed",
        is_database: true,
        request: "INSERT INTO applied_batch",
        task: UPDATE_WIFI,
    },
    Loss { step: "committed", is_database: true, request: "COMMIT", task: UPDATE_WIFI },
    Loss {
        step: "batch taken",
        is_database: false,
        request: "ichnaea:inflight:update_wifi_0",
        task: UPDATE_WIFI,
    },
    Loss {
        step: "batch finished",
        is_database: false,
        request: "statcounter_wifi",
        task: UPDATE_WIFI,
    },
    Loss {
        step: "reports distributed",
        is_database: false,
        request: "queue_export_internal",
        task: &["task", "run", "update_incoming"],
    },
    Loss {
        step: "reports exported",
        is_database: false,
        request: "update_datamap",
        task: &["task", "run", "export_reports"],
    },
    Loss {
        step: "areas of the grid written",
        is_database: true,
        request: "COMMIT",
        task: &["task", "run", "update_datamap"],
    },
];

const UPDATE_WIFI: &[&str] = &["task", "run", "update_wifi", "--shard", "0"];

#[test]
fn an_answer_that_never_comes_loses_nothing_and_doubles_nothing() {
    let scene = Scene::new();
    let web = Service::start_web(&scene.direct()).0;
    let mut through_proxies = scene.settings();
    through_proxies.retain(|(name, _)| *name != "BACKEND_TIMEOUT");
    through_proxies.push(("BACKEND_TIMEOUT", "1".to_owned()));
    through_proxies.push(("LEASE_SECONDS", "1".to_owned()));
    let direct = scene.direct();
    for loss in LOSSES {
        let step = loss.step;
        let items: Vec<_> = (FIRST..FIRST + REPORTS).map(report).collect();
        let body = json!({"items": items}).to_string();
        assert_eq!(web.send("POST", "/v2/geosubmit", &[], &body).status, 200);
        // Everything up to the step in question goes well.
        for task in ["update_incoming", "export_reports"] {
            if loss.task.contains(&task) {
                break;
            }
            run(&["task", "run", task], &direct);
        }
        let proxy = if loss.is_database { &scene.to_database } else { &scene.to_redis };
        proxy.set(Mode::StallAnswersTo(loss.request));
        let started = Instant::now();
        let said = run_into_failure(loss.task, &through_proxies);
        println!("{step}: gave up after {:?}", started.elapsed());
        assert!(started.elapsed() < BOUND + 2 * SLACK, "{step}: {:?}\n{said}", started.elapsed());
        proxy.set(Mode::Cut);
        proxy.set(Mode::Pass);

        // Another worker comes along. It waits for leases that have not run out.
        run(&["pipeline", "drain"], &direct);
        run(&["task", "run", "update_statcounter"], &direct);
        let rows = scene.mariadb.rows("SELECT samples FROM wifi_shard_0 WHERE lat < 51.7");
        let once = vec![vec![Some("1".to_owned())]; REPORTS as usize];
        assert_eq!(rows, once, "{step}");
        for key in [3, 4] {
            let query = format!("SELECT CAST(sum(value) AS SIGNED) FROM stat WHERE `key` = {key}");
            assert_eq!(scene.mariadb.number(&query), i64::from(REPORTS), "{step}: counter {key}");
        }
        let left = scene.redis.connect(None).say(&["KEYS", "*update_*"]).unwrap();
        assert!(left.is_empty(), "{step}: {left:?}");
        scene.mariadb.execute("DELETE FROM wifi_shard_0 WHERE lat < 51.7");
        scene.mariadb.execute("DELETE FROM stat");
        scene.redis.say(&["FLUSHALL"]);
    }
    web.stop();
}
