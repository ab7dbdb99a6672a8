use std::time::Duration;

use ichnaea_kv::{Error, Op};

use crate::Bench;

const LONG: Duration = Duration::from_hours(1);

fn set(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Op {
    Op::Set { key: key.into(), value: value.into(), ttl: None }
}

fn count(key: &str, by: i64) -> Op {
    Op::Count { key: key.into(), by, ttl: None }
}

fn unique(key: &str, member: &(impl ToString + ?Sized), ttl: Option<Duration>) -> Op {
    Op::AddUnique { key: key.into(), member: member.to_string(), ttl }
}

async fn get(bench: &Bench, keys: &[&str]) -> Vec<Option<String>> {
    let keys: Vec<_> = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
    let values = bench.kv.get(&keys).await.unwrap();
    values.into_iter().map(|value| Some(String::from_utf8(value?).unwrap())).collect()
}

fn names(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}

pub async fn the_engine_answers_a_ping(bench: &Bench) {
    assert_eq!(bench.kv.ping().await, Ok(()));
}

pub async fn the_engine_tells_about_itself(bench: &Bench) {
    let facts = bench.kv.facts().await.unwrap();
    let (major, _) = facts.version_numbers().unwrap();
    assert!(major >= 3, "{facts:?}");
    assert!(facts.used_bytes.is_some_and(|bytes| bytes > 0), "{facts:?}");
    assert!(facts.is_durable.is_some(), "{facts:?}");
    if facts.engine == "SQLite" {
        assert_eq!((facts.clock_ms, facts.eviction), (None, None));
    } else {
        assert!(facts.clock_ms.is_some_and(|ms| ms > 1_700_000_000_000), "{facts:?}");
        assert_eq!((facts.is_replica, facts.file), (Some(false), None));
        assert!(facts.eviction.is_some());
    }
}

pub async fn a_value_is_read_back_until_it_is_deleted(bench: &Bench) {
    assert_eq!(get(bench, &["cache:stats:4"]).await, [None]);
    bench.kv.apply(vec![set("cache:stats:4", "{}")]).await.unwrap();
    let longer = Op::Set { key: "cache:stats:4".into(), value: "[]".into(), ttl: Some(LONG) };
    bench.kv.apply(vec![longer]).await.unwrap();
    assert_eq!(get(bench, &["cache:stats:4"]).await, [Some("[]".into())]);
    bench.kv.apply(vec![Op::Delete { key: "cache:stats:4".into() }]).await.unwrap();
    assert_eq!(get(bench, &["cache:stats:4"]).await, [None]);
}

pub async fn keys_and_values_are_any_bytes(bench: &Bench) {
    let keys: Vec<Vec<u8>> =
        vec![vec![0], vec![0, 0], vec![0xff, 0xc3, 0x28], b"cache:\x00\r\n*".to_vec(), vec![]];
    let ops = keys.iter().map(|key| set(key.clone(), [key.as_slice(), &[0, 0xff]].concat()));
    bench.kv.apply(ops.collect()).await.unwrap();
    let expected: Vec<_> =
        keys.iter().map(|key| Some([key.as_slice(), &[0, 0xff]].concat())).collect();
    assert_eq!(bench.kv.get(&keys).await, Ok(expected));
}

pub async fn values_are_read_in_the_order_of_their_keys(bench: &Bench) {
    bench.kv.apply(vec![set("b", "2"), set("a", "1"), count("c", 3)]).await.unwrap();
    let expected = [Some("3"), None, Some("2"), Some("1"), Some("3")];
    let expected: Vec<_> = expected.iter().map(|value| value.map(str::to_owned)).collect();
    assert_eq!(get(bench, &["c", "d", "b", "a", "c"]).await, expected);
    assert_eq!(bench.kv.get(&[]).await, Ok(vec![]));
}

pub async fn a_value_without_time_to_live_is_gone_at_once(bench: &Bench) {
    bench.kv.apply(vec![set("a", "old")]).await.unwrap();
    let gone = Op::Set { key: "a".into(), value: "new".into(), ttl: Some(Duration::ZERO) };
    bench.kv.apply(vec![gone]).await.unwrap();
    assert_eq!(get(bench, &["a"]).await, [None]);
    assert_eq!(bench.kv.keys("").await, Ok(vec![]));
}

pub async fn a_counter_starts_at_zero_and_is_read_as_text(bench: &Bench) {
    assert_eq!(bench.kv.apply(vec![count("c", 5)]).await, Ok(vec![5]));
    assert_eq!(bench.kv.apply(vec![count("c", -7)]).await, Ok(vec![-2]));
    assert_eq!(get(bench, &["c"]).await, [Some("-2".into())]);
    assert_eq!(bench.kv.apply(vec![count("c", 2)]).await, Ok(vec![0]));
    bench.kv.apply(vec![set("c", "41")]).await.unwrap();
    assert_eq!(bench.kv.apply(vec![count("c", 1)]).await, Ok(vec![42]));
}

pub async fn a_counter_whose_time_is_over_starts_again(bench: &Bench) {
    let timed = |ttl| Op::Count { key: "apilimit:k".into(), by: 1, ttl: Some(ttl) };
    assert_eq!(bench.kv.apply(vec![timed(LONG)]).await, Ok(vec![1]));
    assert_eq!(bench.kv.apply(vec![timed(Duration::ZERO)]).await, Ok(vec![2]));
    assert_eq!(get(bench, &["apilimit:k"]).await, [None]);
    assert_eq!(bench.kv.apply(vec![timed(Duration::MAX)]).await, Ok(vec![1]));
}

pub async fn ops_give_one_result_each(bench: &Bench) {
    let ops = vec![
        unique("apiuser:locate:k:2026-01-31", "81.2.69.192", Some(LONG)),
        count("a", 3),
        Op::Push { queue: "q".into(), items: vec![b"x".to_vec(), b"y".to_vec()] },
        Op::Push { queue: "q".into(), items: vec![] },
        set("b", "7"),
        count("a", 4),
        Op::Delete { key: b"b".to_vec() },
    ];
    assert_eq!(bench.kv.apply(ops).await, Ok(vec![0, 3, 0, 0, 0, 7, 0]));
}

pub async fn ops_are_done_all_or_not_at_all(bench: &Bench) {
    bench.kv.apply(vec![set("text", "no number")]).await.unwrap();
    for bad in ["text", "padded"] {
        bench.kv.apply(vec![set("padded", "007")]).await.unwrap();
        let ops = vec![
            Op::Push { queue: "q".into(), items: vec![b"x".to_vec()] },
            count("a", 1),
            set("b", "1"),
            count(bad, 1),
        ];
        let outcome = bench.kv.apply(ops).await;
        assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");
    }
    assert_eq!(get(bench, &["a", "b"]).await, [None, None]);
    assert_eq!(bench.kv.peek("q", 0, 9).await, Ok(vec![]));
    assert_eq!(bench.kv.apply(vec![count("a", 1)]).await, Ok(vec![1]));
}

pub async fn collect_moves_counters_into_a_queue(bench: &Bench) {
    let zero = vec![count("zero", 1), count("zero", -1)];
    bench.kv.apply(zero).await.unwrap();
    bench.kv.apply(vec![count("b", 12), count("a", -3)]).await.unwrap();
    let counters = names(&["a", "missing", "zero", "b"]);
    assert_eq!(bench.kv.collect(&counters, "update_stat").await, Ok(2));
    let expected = vec![b"a -3".to_vec(), b"b 12".to_vec()];
    assert_eq!(bench.kv.peek("update_stat", 0, 9).await, Ok(expected));
    assert_eq!(get(bench, &["a", "b"]).await, [Some("0".into()), Some("0".into())]);
    let state = bench.kv.queues(&names(&["update_stat"])).await.unwrap()[0];
    assert!(state.age.is_some_and(|age| age < Duration::from_mins(1)));

    assert_eq!(bench.kv.collect(&counters, "update_stat").await, Ok(0));
    assert_eq!(bench.kv.apply(vec![count("a", 1)]).await, Ok(vec![1]));
    assert_eq!(bench.kv.collect(&counters, "update_stat").await, Ok(1));
    assert_eq!(bench.kv.collect(&[], "update_stat").await, Ok(0));
}

pub async fn collect_leaves_alone_what_is_no_counter(bench: &Bench) {
    bench.kv.apply(vec![set("text", "no number"), count("a", 1)]).await.unwrap();
    assert_eq!(bench.kv.collect(&names(&["text", "a"]), "update_stat").await, Ok(1));
    assert_eq!(get(bench, &["text"]).await, [Some("no number".into())]);
}

pub async fn the_size_of_a_union_of_sets_is_known(bench: &Bench) {
    let add = |key: &str, members: std::ops::Range<u32>| {
        members.map(|member| unique(key, &member, Some(LONG))).collect::<Vec<_>>()
    };
    bench.kv.apply(add("one", 0..4_000)).await.unwrap();
    bench.kv.apply(add("one", 0..1_000)).await.unwrap();
    bench.kv.apply(add("two", 3_000..6_000)).await.unwrap();
    for (keys, expected) in [
        (names(&["one"]), 4_000.0),
        (names(&["two", "missing"]), 3_000.0),
        (names(&["one", "two", "one"]), 6_000.0),
        (names(&["missing"]), 0.0),
        (names(&[]), 0.0),
    ] {
        let found = bench.kv.unique_count(&keys).await.unwrap() as f64;
        let tolerance = if bench.is_exact { 0.0 } else { expected * 0.02 };
        assert!((found - expected).abs() <= tolerance, "{keys:?}: {found} for {expected}");
    }
}

pub async fn a_set_whose_time_is_over_is_empty(bench: &Bench) {
    bench.kv.apply(vec![unique("s", "a", None), unique("s", "b", Some(LONG))]).await.unwrap();
    assert_eq!(bench.kv.unique_count(&names(&["s"])).await, Ok(2));
    bench.kv.apply(vec![unique("s", "c", Some(Duration::ZERO))]).await.unwrap();
    assert_eq!(bench.kv.unique_count(&names(&["s"])).await, Ok(0));
    bench.kv.apply(vec![unique("s", "a", None)]).await.unwrap();
    assert_eq!(bench.kv.unique_count(&names(&["s"])).await, Ok(1));
    bench.kv.apply(vec![Op::Delete { key: b"s".to_vec() }]).await.unwrap();
    assert_eq!(bench.kv.unique_count(&names(&["s"])).await, Ok(0));
}

pub async fn keys_are_found_by_a_literal_prefix(bench: &Bench) {
    let values = ["stat*", "stat*a", "stat?b", "stat[a-z]", "stata", "stat\\x", "tats", "\u{e9}1"];
    let mut ops: Vec<_> = values.iter().map(|&key| set(key, "1")).collect();
    ops.push(set([b"stat*", &[0xff][..]].concat(), "no text"));
    ops.push(count("stat*count", 1));
    ops.push(unique("stat*set", "member", None));
    let push = |queue: &str| Op::Push { queue: queue.into(), items: vec![b"x".to_vec()] };
    ops.extend([push("stat*queue"), push("stat*taken")]);
    bench.kv.apply(ops).await.unwrap();
    bench.kv.take("stat*taken", 0, LONG).await.unwrap().unwrap();
    bench.kv.hold("stat*", "me", LONG).await.unwrap();
    let several = ["stat*", "stat*a", "stat*count", "stat*queue", "stat*set"];
    for (prefix, expected) in [
        ("stat*", several.as_slice()),
        ("stat?", &["stat?b"]),
        ("stat[", &["stat[a-z]"]),
        ("stat\\", &["stat\\x"]),
        ("stata", &["stata"]),
        ("tat", &["tats"]),
        ("\u{e9}", &["\u{e9}1"]),
        ("none", &[]),
        ("ichnaea:", &[]),
    ] {
        assert_eq!(bench.kv.keys(prefix).await, Ok(names(expected)), "{prefix}");
    }
    assert_eq!(bench.kv.keys("").await.unwrap().len(), 11);
}

pub async fn a_named_lease_has_one_holder(bench: &Bench) {
    let other = bench.reopened().await;
    assert_eq!(bench.kv.hold("scheduler", "one", LONG).await, Ok(true));
    assert_eq!(other.hold("scheduler", "two", LONG).await, Ok(false));
    assert_eq!(bench.kv.hold("scheduler", "one", LONG).await, Ok(true));
    assert_eq!(other.hold("another", "two", LONG).await, Ok(true));
    assert_eq!(other.release("scheduler", "two").await, Ok(()));
    assert_eq!(other.hold("scheduler", "two", LONG).await, Ok(false));
    assert_eq!(bench.kv.release("scheduler", "one").await, Ok(()));
    assert_eq!(other.hold("scheduler", "two", LONG).await, Ok(true));
    assert_eq!(bench.kv.hold("scheduler", "one", LONG).await, Ok(false));
}

pub async fn a_named_lease_that_ran_out_is_free(bench: &Bench) {
    assert_eq!(bench.kv.hold("scheduler", "one", Duration::ZERO).await, Ok(true));
    assert_eq!(bench.kv.hold("scheduler", "two", LONG).await, Ok(true));
    assert_eq!(bench.kv.hold("scheduler", "one", LONG).await, Ok(false));
}
