//! What is special about Redis: the layout that other programs see, and a server that goes away.

#![expect(clippy::expect_used, reason = "a test without its server must say so and stop")]

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ichnaea_kv::queue::is_ready;
use ichnaea_kv::{Error, KeyValue, Op, Options, QueueState, Result, open};
use ichnaea_testkit::Backend;
use ichnaea_testkit::keyvalue::{FreshKeyValue, fresh};
use ichnaea_testkit::servers::RedisServer;
use redis::{Connection, FromRedisValue};

const LONG: Duration = Duration::from_hours(1);
const QUEUE: &str = "update_cell_lte";

/// Short, so that the tests are; long enough for a busy machine.
const OPTIONS: Options =
    Options { connect_timeout: Duration::from_secs(1), response_timeout: Duration::from_secs(1) };

struct Beside {
    kv: Arc<dyn KeyValue>,
    fresh: FreshKeyValue,
    connection: Connection,
}

impl Beside {
    async fn new() -> Self {
        let fresh = fresh(Backend::Server);
        let connection = fresh.connection().expect("a server, not a file");
        let kv = open(&fresh.uri, &Options::default()).await.expect("the store opens");
        Self { kv, fresh, connection }
    }

    /// Runs a command on a key, past the code under test.
    fn raw<T: FromRedisValue>(&mut self, command: &str, key: &str, arguments: &[&str]) -> T {
        let key = format!("{}{key}", self.fresh.prefix().unwrap_or_default());
        let mut command = redis::cmd(command);
        command.arg(key).arg(arguments).query(&mut self.connection).expect("the command runs")
    }

    async fn state(&self) -> QueueState {
        self.kv.queues(&[QUEUE.to_owned()]).await.expect("the state is known")[0]
    }
}

fn push(items: &[&str]) -> Op {
    let items = items.iter().map(|item| item.as_bytes().to_vec()).collect();
    Op::Push { queue: QUEUE.into(), items }
}

fn count(key: &str) -> Op {
    Op::Count { key: key.into(), by: 1, ttl: None }
}

fn is_unavailable<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Unavailable(_)))
}

async fn open_at(uri: &str) -> Arc<dyn KeyValue> {
    open(uri, &OPTIONS).await.expect("opening needs no server")
}

#[tokio::test]
async fn a_queue_is_a_plain_list_without_an_expiry() {
    let mut beside = Beside::new().await;
    beside.raw::<()>("RPUSH", QUEUE, &["from the original"]);
    beside.raw::<()>("EXPIRE", QUEUE, &["86400"]);
    beside.kv.apply(vec![push(&["ours"])]).await.unwrap();
    let items: Vec<String> = beside.raw("LRANGE", QUEUE, &["0", "-1"]);
    assert_eq!(items, ["from the original", "ours"]);
    assert_eq!(beside.raw::<i64>("TTL", QUEUE, &[]), -1);
}

#[tokio::test]
async fn a_batch_lies_under_its_id_without_an_expiry() {
    let mut beside = Beside::new().await;
    for max in [1, 0] {
        beside.raw::<()>("RPUSH", QUEUE, &["a", "b"]);
        beside.raw::<()>("EXPIRE", QUEUE, &["86400"]);
        let taken = beside.kv.take(QUEUE, max, LONG).await.unwrap().unwrap();
        let key = format!("ichnaea:inflight:{QUEUE}:{}", taken.id);
        let items: Vec<Vec<u8>> = beside.raw("LRANGE", &key, &["0", "-1"]);
        assert_eq!(items, taken.items);
        assert_eq!(beside.raw::<i64>("TTL", &key, &[]), -1);
        let leases = format!("ichnaea:leases:{QUEUE}");
        let deadline_ms: f64 = beside.raw("ZSCORE", &leases, &[&taken.id]);
        assert!(deadline_ms > 1.7e12);
        assert_eq!(beside.raw::<i64>("TTL", QUEUE, &[]), if max == 1 { -1 } else { -2 });
        assert_eq!(beside.kv.finish(QUEUE, &taken.id, vec![]).await, Ok(true));
        assert_eq!(beside.raw::<i64>("EXISTS", &key, &[]), 0);
    }
}

#[tokio::test]
async fn an_expiry_set_by_hand_makes_a_queue_old_until_it_is_empty() {
    let mut beside = Beside::new().await;
    beside.kv.apply(vec![push(&["a", "b", "c"])]).await.unwrap();
    assert!(!is_ready(&beside.state().await, 100));
    beside.raw::<()>("EXPIRE", QUEUE, &["300"]);
    for len in [3, 2, 1] {
        let state = beside.state().await;
        assert_eq!(state.len, len);
        let age = state.age.unwrap();
        assert!((Duration::from_mins(1435)..Duration::from_mins(1436)).contains(&age));
        assert!(is_ready(&state, 100));
        beside.kv.take(QUEUE, 1, LONG).await.unwrap().unwrap();
        assert!(beside.raw::<i64>("TTL", QUEUE, &[]) < 0);
    }
    beside.kv.apply(vec![push(&["d"])]).await.unwrap();
    assert!(!is_ready(&beside.state().await, 100), "a new push makes it young again");
}

#[tokio::test]
async fn the_age_follows_the_expiry_of_the_original() {
    let mut beside = Beside::new().await;
    beside.raw::<()>("RPUSH", QUEUE, &["a"]);
    assert_eq!(beside.state().await.age, None, "an append that nobody noted");
    for (ttl_s, age_s) in [("86400", 0), ("82800", 3_600), ("1000", 85_400), ("90000", 0)] {
        beside.raw::<()>("EXPIRE", QUEUE, &[ttl_s]);
        let age = beside.state().await.age.unwrap();
        let expected = Duration::from_secs(age_s)..=Duration::from_secs(age_s + 60);
        assert!(expected.contains(&age), "{ttl_s}: {age:?}");
    }
}

#[tokio::test]
async fn times_to_live_are_set_in_the_server() {
    let mut beside = Beside::new().await;
    let ttl = Some(Duration::from_hours(25));
    let ops = vec![
        Op::Count { key: "c".into(), by: 1, ttl },
        Op::AddUnique { key: "s".into(), member: "m".into(), ttl },
        Op::Set { key: "v".into(), value: "1".into(), ttl },
    ];
    beside.kv.apply(ops).await.unwrap();
    beside.kv.apply(vec![count("c")]).await.unwrap();
    beside.kv.hold("lead", "me", Duration::from_hours(25)).await.unwrap();
    for key in ["c", "s", "v", "ichnaea:held:lead"] {
        let left = beside.raw::<i64>("TTL", key, &[]);
        assert!((89_900..=90_000).contains(&left), "{key}: {left}");
    }
    beside.kv.collect(&["c".to_owned()], QUEUE).await.unwrap();
    assert!(beside.raw::<i64>("TTL", "c", &[]) > 0, "a collected counter keeps it");
    assert_eq!(beside.raw::<String>("TYPE", "s", &[]), "string", "a HyperLogLog");
    assert_eq!(beside.raw::<u64>("PFCOUNT", "s", &[]), 1);
}

#[tokio::test]
async fn a_key_of_another_kind_is_an_error_and_nothing_is_done() {
    let mut beside = Beside::new().await;
    beside.raw::<()>("SET", QUEUE, &["a string"]);
    beside.raw::<()>("RPUSH", "list", &["a"]);
    let unique = |key: &str| Op::AddUnique { key: key.into(), member: "m".into(), ttl: None };
    for bad in [push(&["a"]), count("list"), unique("list"), unique(QUEUE)] {
        let outcome = beside.kv.apply(vec![count("c"), bad]).await;
        assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");
    }
    for outcome in [
        beside.kv.take(QUEUE, 0, LONG).await.map(|_| ()),
        beside.kv.queues(&[QUEUE.to_owned()]).await.map(|_| ()),
        beside.kv.collect(&["c".to_owned()], QUEUE).await.map(|_| ()),
    ] {
        assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");
    }
    assert_eq!(beside.kv.get(&[b"c".to_vec()]).await, Ok(vec![None]));
}

#[tokio::test]
async fn a_batch_whose_items_somebody_deleted_is_forgotten() {
    let mut beside = Beside::new().await;
    beside.kv.apply(vec![push(&["a", "b"])]).await.unwrap();
    let lost = beside.kv.take(QUEUE, 1, Duration::ZERO).await.unwrap().unwrap();
    beside.raw::<()>("DEL", &format!("ichnaea:inflight:{QUEUE}:{}", lost.id), &[]);
    let next = beside.kv.take(QUEUE, 1, LONG).await.unwrap().unwrap();
    assert_eq!(next.items, [b"b"]);
    assert_eq!(beside.kv.renew(QUEUE, &lost.id, LONG).await, Ok(false));
}

#[tokio::test]
async fn every_verb_says_unavailable_at_once_when_nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let kv = open_at(&format!("redis://user:secret@127.0.0.1:{port}/3")).await;
    let started = Instant::now();
    let outcomes = [
        kv.ping().await,
        kv.apply(vec![count("c")]).await.map(|_| ()),
        kv.take(QUEUE, 0, LONG).await.map(|_| ()),
        kv.renew(QUEUE, "id", LONG).await.map(|_| ()),
        kv.put_back(QUEUE, "id").await.map(|_| ()),
        kv.finish(QUEUE, "id", vec![]).await.map(|_| ()),
        kv.collect(&["c".to_owned()], QUEUE).await.map(|_| ()),
        kv.queues(&[QUEUE.to_owned()]).await.map(|_| ()),
        kv.peek(QUEUE, 0, 1).await.map(|_| ()),
        kv.get(&[b"c".to_vec()]).await.map(|_| ()),
        kv.keys("").await.map(|_| ()),
        kv.unique_count(&["s".to_owned()]).await.map(|_| ()),
        kv.hold("lead", "me", LONG).await.map(|_| ()),
        kv.release("lead", "me").await,
    ];
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    for outcome in outcomes {
        assert!(is_unavailable(&outcome), "{outcome:?}");
        assert!(!format!("{outcome:?}").contains("secret"));
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again_and_has_lost_nothing() {
    let mut server = RedisServer::start();
    let kv = open_at(&server.uri).await;
    kv.apply(vec![push(&["a", "b", "c"]), count("c")]).await.unwrap();
    let taken = kv.take(QUEUE, 1, LONG).await.unwrap().unwrap();
    let mut expected = 1;
    for is_killed in [false, true] {
        if is_killed {
            server.kill();
        } else {
            server.stop();
        }
        assert!(is_unavailable(&kv.apply(vec![count("c")]).await));
        assert!(is_unavailable(&kv.ping().await));
        server.restart();
        // The scripts that the server knew are forgotten, too.
        expected += 1;
        assert_eq!(kv.apply(vec![count("c")]).await, Ok(vec![expected]));
    }
    assert_eq!(kv.finish(QUEUE, &taken.id, vec![count("done")]).await, Ok(true));
    let state = kv.queues(&[QUEUE.to_owned()]).await.unwrap()[0];
    assert_eq!((state.len, state.in_flight), (2, 0));
    assert!(state.age.is_some());
}

#[tokio::test]
async fn reading_does_not_notice_that_the_server_was_restarted_meanwhile() {
    let mut server = RedisServer::start();
    let kv = open_at(&server.uri).await;
    kv.apply(vec![push(&["a"])]).await.unwrap();
    server.kill();
    server.restart();
    assert_eq!(kv.ping().await, Ok(()));
    server.kill();
    server.restart();
    assert_eq!(kv.queues(&[QUEUE.to_owned()]).await.unwrap()[0].len, 1);
}

#[tokio::test]
async fn everything_acknowledged_survives_a_kill_in_the_middle() {
    let mut server = RedisServer::start();
    let kv = open_at(&server.uri).await;
    let (tell, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let writer = tokio::spawn(async move {
        for number in 0_u32.. {
            let item = number.to_be_bytes().to_vec();
            let op = Op::Push { queue: QUEUE.into(), items: vec![item.clone()] };
            if kv.apply(vec![op, count("c")]).await.is_err() || tell.send(item).is_err() {
                return;
            }
        }
    });
    let mut items = Vec::new();
    while items.len() < 50 {
        items.push(acknowledged.recv().await.unwrap());
    }
    server.kill();
    writer.await.unwrap();
    while let Ok(item) = acknowledged.try_recv() {
        items.push(item);
    }
    server.restart();
    let kv = open_at(&server.uri).await;
    let found = kv.peek(QUEUE, 0, usize::MAX).await.unwrap();
    assert_eq!(found[..items.len()], items);
    assert!(found.len() <= items.len() + 1, "at most the one that was under way");
    let counted = kv.get(&[b"c".to_vec()]).await.unwrap().remove(0);
    assert_eq!(counted, Some(found.len().to_string().into_bytes()), "both or neither");
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_in_time_and_used_again_when_it_goes_on() {
    let server = RedisServer::start();
    let kv = open_at(&server.uri).await;
    kv.ping().await.unwrap();
    server.freeze();
    let started = Instant::now();
    let (one, two, three) =
        tokio::join!(kv.apply(vec![count("c")]), kv.take(QUEUE, 0, LONG), kv.hold("l", "me", LONG));
    assert!(is_unavailable(&one) && is_unavailable(&two) && is_unavailable(&three));
    assert!(is_unavailable(&kv.ping().await), "and a new connection hangs as well");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    server.thaw();
    assert_eq!(kv.ping().await, Ok(()));
}

#[tokio::test]
async fn a_refused_password_is_not_shown_and_the_right_one_is_used_later() {
    let server = RedisServer::start();
    let mut admin = redis::Client::open(server.uri.as_str()).unwrap().get_connection().unwrap();
    let mut require = |password: &str| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("requirepass").arg(password).exec(&mut admin).unwrap();
    };
    require("other");
    let kv = open_at(&server.uri.replace("redis://", "redis://:tell-no-one@")).await;
    let refused = kv.ping().await.unwrap_err();
    assert!(matches!(refused, Error::Broken(_)), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("tell-no-one"));
    require("tell-no-one");
    assert_eq!(kv.ping().await, Ok(()));
}

#[tokio::test]
async fn a_server_that_takes_no_writes_just_now_is_unavailable() {
    let server = RedisServer::start();
    let kv = open_at(&server.uri).await;
    let mut admin = redis::Client::open(server.uri.as_str()).unwrap().get_connection().unwrap();
    let mut say = |words: &[&str]| {
        redis::cmd(words[0]).arg(&words[1..]).exec(&mut admin).unwrap();
    };
    kv.apply(vec![push(&["a"])]).await.unwrap();
    say(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(is_unavailable(&kv.apply(vec![push(&["b"]), count("c")]).await));
    say(&["CONFIG", "SET", "maxmemory", "0"]);
    say(&["REPLICAOF", "127.0.0.1", "1"]);
    assert!(is_unavailable(&kv.apply(vec![count("c"), push(&["b"])]).await));
    say(&["REPLICAOF", "NO", "ONE"]);
    say(&["SCRIPT", "FLUSH"]);
    assert_eq!(kv.apply(vec![count("c")]).await, Ok(vec![1]));
    assert_eq!(kv.peek(QUEUE, 0, 9).await, Ok(vec![b"a".to_vec()]));
}

#[tokio::test]
async fn addresses_are_understood_or_refused_without_naming_the_password() {
    for uri in [
        "redis://localhost",
        "redis://127.0.0.1:6379/2",
        "redis://user:secret@host.invalid:7000/15?prefix=abc",
        "redis://:secret@[::1]:6379/0",
        "rediss://[2001:db8::1]/1",
        "sqlite::memory:",
    ] {
        assert!(open(uri, &OPTIONS).await.is_ok(), "{uri}");
    }
    for uri in [
        "",
        "redis",
        "redis://user:secret@/0",
        "redis://:secret@host:port/0",
        "redis://:secret@host/zero",
        "http://user:secret@host/",
        "user:secret@host",
        "sqlite:/missing/folder/kv.sqlite",
    ] {
        let error = open(uri, &OPTIONS).await.err().unwrap_or_else(|| panic!("{uri} opened"));
        assert!(matches!(error, Error::Broken(_)), "{uri}: {error}");
        assert!(!error.to_string().contains("secret"), "{uri}: {error}");
    }
}

#[tokio::test]
async fn a_server_is_reached_through_tls_as_a_user_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-out", &certificate, "-keyout", &key])
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let _server = RedisServer::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
        "--user",
        "alice",
        "on",
        ">p@ss/word",
        "~*",
        "&*",
        "+@all",
    ]);
    let place = format!("127.0.0.1:{port}/2");
    for (uri, works) in [
        (format!("rediss://alice:p%40ss%2Fword@{place}?ssl_ca_certs={certificate}"), true),
        (format!("rediss://alice:p%40ss%2Fword@{place}?ssl_cert_reqs=none"), true),
        (format!("rediss://alice:p%40ss%2Fword@{place}"), false),
        (format!("rediss://alice:wrong@{place}?ssl_ca_certs={certificate}"), false),
        (format!("redis://{place}"), false),
    ] {
        let kv = open_at(&uri).await;
        assert_eq!(kv.apply(vec![count("c")]).await.is_ok(), works, "{uri}");
    }
}

#[tokio::test]
async fn the_database_number_and_the_prefix_of_the_address_are_used() {
    let server = RedisServer::start();
    let kv = open_at(&server.uri.replace("/0", "/5?prefix=p%3A")).await;
    kv.apply(vec![count("c")]).await.unwrap();
    let uri = server.uri.replace("/0", "/5");
    let mut admin = redis::Client::open(uri.as_str()).unwrap().get_connection().unwrap();
    let value: String = redis::cmd("GET").arg("p:c").query(&mut admin).unwrap();
    assert_eq!(value, "1");
}
