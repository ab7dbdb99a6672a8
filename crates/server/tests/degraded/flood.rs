//! Many requests at once while a backend hangs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ichnaea_testkit::proxy::Mode;

use crate::rows::{Row, State, settle};
use crate::scene::{BOUND, RECOVERY, SLACK, Scene};
use crate::service::Service;

/// Requests at the same time.
const REQUESTS: usize = 1000;
/// Memory that a debug build may use for all of that, MB.
const MEMORY_MB: u64 = 400;

/// Sends that many requests at once; all answers are right and in time.
fn flood(web: &Arc<Service>, state: State, bound: Duration) -> Duration {
    let rows =
        [Row::LocateByWifi, Row::LocateByAddressNewKey, Row::LocateLimitedKey, Row::SubmitV2];
    let request = |number: usize| {
        let (web, row) = (Arc::clone(web), rows[number % rows.len()]);
        let send = move || {
            let answer = row.send(&web);
            let checked = row.check(state, &answer);
            checked.map(|()| answer.took).map_err(|problem| format!("{row:?}: {problem}"))
        };
        std::thread::Builder::new().stack_size(256 * 1024).spawn(send).unwrap()
    };
    let requests: Vec<_> = (0..REQUESTS).map(request).collect();
    let answers = requests.into_iter().map(|request| request.join().unwrap());
    let longest = answers.map(Result::unwrap).max().unwrap();
    assert!(longest < bound, "{state:?}: {longest:?}");
    longest
}

#[test]
fn a_thousand_requests_at_once_all_get_their_answer_while_both_backends_hang() {
    let scene = Scene::new();
    let web = Arc::new(scene.web());
    let before = flood(&web, State::HEALTHY, BOUND + 3 * SLACK);
    for (state, hang_database, hang_redis) in [
        (State::NO_DATABASE, true, false),
        (State::NO_REDIS, false, true),
        (State::NEITHER, true, true),
    ] {
        if hang_database {
            scene.to_database.set(Mode::Stall);
        }
        if hang_redis {
            scene.to_redis.set(Mode::Stall);
        }
        let first = flood(&web, state, BOUND + 3 * SLACK);
        let later = flood(&web, state, BOUND + 3 * SLACK);
        scene.to_database.set(Mode::Pass);
        scene.to_redis.set(Mode::Pass);
        let recovered = Instant::now();
        settle(&web, State::HEALTHY, RECOVERY);
        println!(
            "{state:?}: longest {first:?}, then {later:?} (healthy: {before:?}); back after {:?}",
            recovered.elapsed()
        );
    }
    let memory_mb = web.peak_memory_mb();
    println!("peak memory {memory_mb} MB");
    assert!(memory_mb < MEMORY_MB, "{memory_mb} MB");
}
