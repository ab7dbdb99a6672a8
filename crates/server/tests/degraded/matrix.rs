//! The matrix of degraded operation, cell by cell: servers that are stopped, that hang, that refuse.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use ichnaea_testkit::proxy::Mode;
use ichnaea_testkit::servers::SqlConnection;

use crate::rows::{State, settle, walk};
use crate::scene::{AT_ONCE, BOUND, RECOVERY, SLACK, Scene};
use crate::service::Service;

/// Goes through an outage that has begun: no answer is late, then none waits at all.
fn during(web: &Service, state: State, what: &str) {
    let first = walk(web, state, BOUND + SLACK);
    let later = walk(web, state, AT_ONCE);
    println!("{what}: longest answer {first:?} while it was found out, {later:?} afterwards");
}

/// Goes through the time after an outage.
fn after(web: &Service, what: &str) {
    let took = settle(web, State::HEALTHY, RECOVERY);
    println!("{what}: all as before after {took:?}");
    walk(web, State::HEALTHY, BOUND + SLACK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cell_holds_while_connections_fail_or_hang() {
    let scene = Scene::new();
    let web = scene.web();
    walk(&web, State::HEALTHY, BOUND + SLACK);
    for mode in [Mode::Refuse, Mode::Cut, Mode::Stall, Mode::StallAnswers] {
        scene.to_database.set(mode);
        during(&web, State::NO_DATABASE, &format!("database, {mode:?}"));
        scene.to_database.set(Mode::Pass);
        after(&web, &format!("database, {mode:?}"));

        scene.to_redis.set(mode);
        during(&web, State::NO_REDIS, &format!("redis, {mode:?}"));
        scene.to_redis.set(Mode::Pass);
        after(&web, &format!("redis, {mode:?}"));

        scene.to_database.set(mode);
        scene.to_redis.set(mode);
        during(&web, State::NEITHER, &format!("both, {mode:?}"));
        scene.to_database.set(Mode::Pass);
        scene.to_redis.set(Mode::Pass);
        after(&web, &format!("both, {mode:?}"));
    }
    // Slow is not away.
    for proxy in [&scene.to_database, &scene.to_redis] {
        proxy.set(Mode::Slow(Duration::from_millis(50)));
    }
    walk(&web, State::HEALTHY, BOUND + SLACK);
    web.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cell_holds_while_servers_are_stopped_killed_and_frozen() {
    let mut scene = Scene::new();
    let web = scene.web();

    scene.mariadb.stop();
    during(&web, State::NO_DATABASE, "database stopped");
    scene.redis.stop();
    during(&web, State::NEITHER, "both stopped");
    scene.mariadb.restart();
    settle(&web, State::NO_REDIS, RECOVERY);
    scene.redis.restart();
    after(&web, "both stopped");

    scene.redis.kill();
    during(&web, State::NO_REDIS, "redis killed");
    scene.redis.restart();
    after(&web, "redis killed");

    scene.mariadb.freeze();
    during(&web, State::NO_DATABASE, "database frozen");
    scene.redis.freeze();
    during(&web, State::NEITHER, "both frozen");
    scene.mariadb.thaw();
    scene.redis.thaw();
    after(&web, "both frozen");

    // Each change is in the log, once.
    assert_eq!(web.times_said("the database is away"), 2, "{}", web.said());
    assert_eq!(web.times_said("the database is back"), 2);
    assert_eq!(web.times_said("the key-value store is away"), 3, "{}", web.said());
    assert_eq!(web.times_said("the key-value store is back"), 3);
    web.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_both_and_without_a_city_database_nothing_is_found_and_nothing_breaks() {
    let scene = Scene::new();
    let mut settings = scene.settings();
    settings[2].1 = "/nowhere/city.mmdb".to_owned();
    let (web, _) = Service::start_web(&settings);
    crate::scene::warm(&web);
    walk(&web, State { has_geoip: false, ..State::HEALTHY }, BOUND + SLACK);
    for mode in [Mode::Refuse, Mode::Stall] {
        scene.to_database.set(mode);
        scene.to_redis.set(mode);
        during(&web, State { has_geoip: false, ..State::NEITHER }, &format!("all, {mode:?}"));
    }
    web.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_refuses_is_as_good_as_away_and_one_that_only_reads_is_not() {
    let scene = Scene::new();
    // The web role has an account of its own, which loses one thing after the other.
    scene.mariadb.execute("CREATE USER 'web'@'%' IDENTIFIED BY 'web'");
    scene.mariadb.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ichnaea.* TO 'web'@'%'");
    let mut settings = scene.settings();
    settings[0].1 = settings[0].1.replace("ichnaea:ichnaea@", "web:web@");
    let (web, _) = Service::start_web(&settings);
    crate::scene::warm(&web);

    // Nothing that the web role asks of the database writes.
    scene.mariadb.execute("SET GLOBAL read_only = 1");
    walk(&web, State::HEALTHY, BOUND + SLACK);
    scene.mariadb.execute("SET GLOBAL read_only = 0");
    scene.mariadb.execute("REVOKE INSERT, UPDATE, DELETE ON ichnaea.* FROM 'web'@'%'");
    scene.mariadb.execute("KILL CONNECTION USER web");
    settle(&web, State::HEALTHY, RECOVERY);

    scene.mariadb.execute("ALTER USER 'web'@'%' ACCOUNT LOCK");
    scene.mariadb.execute("KILL CONNECTION USER web");
    during(&web, State::NO_DATABASE, "account locked");
    scene.mariadb.execute("ALTER USER 'web'@'%' ACCOUNT UNLOCK");
    after(&web, "account locked");

    scene.mariadb.execute("ALTER USER 'web'@'%' IDENTIFIED BY 'other'");
    scene.mariadb.execute("KILL CONNECTION USER web");
    during(&web, State::NO_DATABASE, "password changed");
    scene.mariadb.execute("ALTER USER 'web'@'%' IDENTIFIED BY 'web'");
    after(&web, "password changed");

    // Others have all connections; an account with all rights still gets a spare one.
    scene.mariadb.execute("SET GLOBAL max_connections = 10");
    scene.to_database.set(Mode::Cut);
    let uri = scene.mariadb.uri.replace("ichnaea:ichnaea@", "web:web@");
    let mut taken = Vec::new();
    let started = Instant::now();
    while taken.len() < 10 {
        match SqlConnection::open(&uri).await {
            Ok(connection) => taken.push(connection),
            // Those of the service take a moment to end.
            Err(error) => assert!(started.elapsed() < RECOVERY, "{}: {error}", taken.len()),
        }
    }
    scene.to_database.set(Mode::Pass);
    during(&web, State::NO_DATABASE, "no connection left");
    for connection in taken {
        connection.close().await;
    }
    after(&web, "no connection left");
    web.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_takes_no_writes_still_lets_everything_else_work() {
    let scene = Scene::new();
    let web = scene.web();

    scene.redis.say(&["CONFIG", "SET", "maxmemory", "1"]);
    during(&web, State::NO_WRITES, "out of memory");
    scene.redis.say(&["CONFIG", "SET", "maxmemory", "0"]);
    after(&web, "out of memory");

    scene.redis.say(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    during(&web, State::NO_WRITES, "too few replicas");
    scene.redis.say(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
    after(&web, "too few replicas");

    scene.redis.say(&["REPLICAOF", "127.0.0.1", "1"]);
    during(&web, State::NO_WRITES, "a replica");
    scene.redis.say(&["REPLICAOF", "NO", "ONE"]);
    after(&web, "a replica");

    // New connections have to give a password that the service does not have.
    scene.redis.say(&["CONFIG", "SET", "requirepass", "secret"]);
    let mut admin = scene.redis.connect(Some("secret"));
    admin.say(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).unwrap();
    during(&web, State::NO_REDIS, "a password is asked for");
    admin.say(&["CONFIG", "SET", "requirepass", ""]).unwrap();
    after(&web, "a password is asked for");

    // Snapshots fail, so Redis refuses writes, and says so to a PING as well.
    let folder = admin.say(&["CONFIG", "GET", "dir"]).unwrap().remove(1);
    std::fs::remove_dir_all(folder).unwrap();
    scene.redis.say(&["CONFIG", "SET", "save", "3600 1"]);
    scene.redis.say(&["BGSAVE"]);
    let started = Instant::now();
    while admin.say(&["PING"]).is_ok() {
        assert!(started.elapsed() < RECOVERY, "the snapshot did not fail");
        std::thread::sleep(Duration::from_millis(10));
    }
    during(&web, State::NO_REDIS, "snapshots fail");
    scene.redis.say(&["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"]);
    after(&web, "snapshots fail");
    web.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_loads_its_data_is_waited_for_without_making_anybody_wait() {
    let scene = Scene::new();
    let loading = answers_everything_with("-LOADING Redis is loading the dataset in memory\r\n");
    let mut settings = scene.settings();
    settings[1].1 = format!("redis://{loading}/0");
    let (web, _) = Service::start_web(&settings);
    during(&web, State::NO_REDIS, "loading");
    web.stop();
}

/// A server that has the same answer to everything.
fn answers_everything_with(answer: &'static str) -> std::net::SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut said = vec![0; 4096];
                while let Ok(len @ 1..) = stream.read(&mut said) {
                    // Each command begins with its number of parts.
                    let commands = said[..len].split(|byte| *byte == b'*').count() - 1;
                    if stream.write_all(answer.repeat(commands.max(1)).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_do_not_resolve_are_backends_that_are_away() {
    let scene = Scene::new();
    let mut settings = scene.settings();
    settings[0].1 = "mysql://u:p@database.invalid/ichnaea".to_owned();
    settings[1].1 = "redis://redis.invalid/0".to_owned();
    let (web, _) = Service::start_web(&settings);
    during(&web, State { knows_keys: false, ..State::NEITHER }, "names do not resolve");
    web.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_waits_for_a_lock_costs_one_request_no_more_than_the_bound() {
    let scene = Scene::new();
    let web = scene.web();
    // The server answers all others, so it is not away; only these wait.
    let mut admin = SqlConnection::open(&scene.mariadb.uri).await.unwrap();
    admin.execute("LOCK TABLES api_key WRITE, wifi_shard_0 WRITE").await;
    let body = crate::rows::two_networks().to_string();
    let target = "/v1/geolocate?key=known-399";
    let answer = web.send("POST", target, &[crate::rows::FROM_LONDON], &body);
    assert_eq!(
        (answer.status, answer.json()["fallback"].as_str()),
        (200, Some("ipf")),
        "{answer:?}"
    );
    assert!(answer.took < BOUND + SLACK, "{answer:?}");
    assert_eq!(web.send("GET", "/__heartbeat__", &[], "").status, 200);
    admin.close().await;
    settle(&web, State::HEALTHY, RECOVERY);
    web.stop();
}
