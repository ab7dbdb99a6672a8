//! Starting while something is away: the web role serves, workers and schedulers wait.

use std::time::{Duration, Instant};

use ichnaea_testkit::proxy::Mode;

use crate::rows::{State, settle, walk};
use crate::scene::{AT_ONCE, BOUND, RECOVERY, SLACK, Scene};
use crate::service::{Service, Setting};

/// How long a role may take to start, whatever is away; most of it is a busy machine.
const START: Duration = Duration::from_secs(5);
/// The first pauses of a waiting role, and one more call that hangs.
const WAKES: Duration = Duration::from_secs(25);

#[test]
fn the_web_role_starts_without_its_backends_and_says_so_once() {
    let scene = Scene::new();
    for mode in [Mode::Refuse, Mode::Cut, Mode::Stall] {
        scene.to_database.set(mode);
        scene.to_redis.set(mode);
        let (mut web, took) = Service::start_web(&scene.settings());
        println!("{mode:?}: listens after {took:?}");
        assert!(took < START, "{mode:?}: {took:?}");
        let state = State { knows_keys: false, ..State::NEITHER };
        walk(&web, state, BOUND + SLACK);
        walk(&web, state, AT_ONCE);
        for name in ["the database is away", "the key-value store is away"] {
            web.until(name, |web| web.times_said(name) == 1);
            let warning = web.said().lines().find(|line| line.contains(name)).map(str::to_owned);
            assert!(
                warning
                    .is_some_and(|line| line.contains("WARN") || line.contains("\"Severity\": 4"))
            );
        }
        scene.to_database.set(Mode::Pass);
        scene.to_redis.set(Mode::Pass);
        let healthy = |web: &Service| web.send("GET", "/__heartbeat__", &[], "").status == 200;
        let started = Instant::now();
        web.until("it is healthy", healthy);
        assert!(started.elapsed() < RECOVERY);
        crate::scene::warm(&web);
        settle(&web, State::HEALTHY, RECOVERY);
        web.stop();
    }
}

#[test]
fn workers_and_schedulers_wait_for_their_backends_and_go_on_by_themselves() {
    let scene = Scene::new();
    for mode in [Mode::Refuse, Mode::Stall] {
        scene.to_database.set(mode);
        scene.to_redis.set(mode);
        let mut worker = Service::start("worker", &scene.settings());
        let mut scheduler = Service::start("scheduler", &scene.settings());
        worker.until("it waits", |worker| worker.times_said("worker waits") == 1);
        scheduler.until("it waits", |it| it.times_said("scheduler waits") == 1);

        // The database alone is not enough for work, and Redis alone not for a start.
        let started = Instant::now();
        scene.to_redis.set(Mode::Pass);
        scheduler.until("it is active", |it| it.times_said("scheduler is active") == 1);
        scene.to_database.set(Mode::Pass);
        worker.until("it is ready", |worker| worker.times_said("worker is ready") == 1);
        println!("{mode:?}: both at work after {:?}", started.elapsed());
        assert!(started.elapsed() < WAKES, "{:?}", started.elapsed());
        assert_eq!(worker.times_said("worker waits"), 1, "{}", worker.said());
        assert_eq!(scheduler.times_said("scheduler waits"), 1, "{}", scheduler.said());

        // Gone in the middle of work, and back.
        scene.to_redis.set(mode);
        worker.until("it waits again", |worker| worker.times_said("worker waits") == 2);
        scheduler.until("it waits again", |it| it.times_said("scheduler waits") == 2);
        scene.to_redis.set(Mode::Pass);
        worker.until("it goes on", |worker| worker.times_said("worker goes on") == 1);
        scheduler.until("it goes on", |it| it.times_said("scheduler goes on") >= 1);
        worker.stop();
        scheduler.stop();
    }
}

#[test]
fn a_waiting_role_ends_when_it_is_told_to() {
    let scene = Scene::new();
    scene.to_database.set(Mode::Stall);
    scene.to_redis.set(Mode::Stall);
    let mut settings = scene.settings();
    settings.retain(|(name, _)| *name != "BACKEND_TIMEOUT");
    settings.push(("BACKEND_TIMEOUT", "40".to_owned()));
    let (web, _) = Service::start_web(&settings);
    let others = ["worker", "scheduler"].map(|role| Service::start(role, &settings));
    crate::rows::Row::LocateByWifi.send(&web);
    for mut role in others.into_iter().chain([web]) {
        role.until("it handles signals", Service::handles_signals);
        let started = Instant::now();
        role.stop();
        assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    }
}

#[test]
fn what_is_optional_never_prevents_a_start() {
    let scene = Scene::new();
    let cases: [&[Setting]; 4] = [
        &[("GEOIP_PATH", "/nowhere/city.mmdb".to_owned())],
        &[("STATSD_HOST", "127.0.0.1".to_owned()), ("STATSD_PORT", "1".to_owned())],
        &[("STATSD_HOST", "statsd.invalid".to_owned())],
        &[("SENTRY_DSN", "http://key@127.0.0.1:1/1".to_owned())],
    ];
    for more in cases {
        let mut settings = scene.settings();
        settings.extend_from_slice(more);
        let (web, took) = Service::start_web(&settings);
        assert!(took < START, "{more:?}: {took:?}");
        let answer = web.send("GET", "/__lbheartbeat__", &[], "");
        assert_eq!(answer.status, 200, "{more:?}");
        let locate = web.send(
            "POST",
            "/v1/geolocate?key=test",
            &[],
            &crate::rows::two_networks().to_string(),
        );
        assert_eq!(locate.status, 200, "{more:?}: {locate:?}");
        let mut worker = Service::start("worker", &settings);
        let mut scheduler = Service::start("scheduler", &settings);
        worker.until("it is ready", |worker| worker.times_said("worker is ready") == 1);
        // Another one may hold the lease still.
        scheduler.until("it runs", |it| {
            it.times_said("scheduler is active") + it.times_said("standing by") > 0
        });
        for role in [web, worker, scheduler] {
            role.stop();
        }
    }
}
