use super::*;

fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    prepare(&database).unwrap();
    database
}

fn rows(database: &Connection, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    database.query_row(&sql, [], |row| row.get(0)).unwrap()
}

const TTL: Option<Duration> = Some(Duration::from_millis(100));

fn timed_ops() -> Vec<Op> {
    let add = |member: &str| Op::AddUnique { key: "s".into(), member: member.into(), ttl: TTL };
    vec![
        Op::Set { key: "v".into(), value: "1".into(), ttl: TTL },
        Op::Count { key: "c".into(), by: 5, ttl: TTL },
        add("one"),
        add("two"),
    ]
}

#[test]
fn what_has_a_time_to_live_is_there_until_it_is_over() {
    let db = database();
    apply(&db, 1_000, &timed_ops()).unwrap();
    for (now_ms, is_there) in [(1_000, true), (1_099, true), (1_100, false), (2_000, false)] {
        assert_eq!(values::get(&db, now_ms, b"v").unwrap().is_some(), is_there, "{now_ms}");
        assert_eq!(values::get(&db, now_ms, b"c").unwrap().is_some(), is_there, "{now_ms}");
        let count = values::unique_count(&db, now_ms, &["s".to_owned()]).unwrap();
        assert_eq!(count, if is_there { 2 } else { 0 }, "{now_ms}");
        let names = values::names(&db, now_ms, "").unwrap().len();
        assert_eq!(names, if is_there { 3 } else { 0 }, "{now_ms}");
    }
}

#[test]
fn a_time_to_live_is_renewed_or_left_as_it_is() {
    let db = database();
    apply(&db, 1_000, &timed_ops()).unwrap();
    let count = |ttl| Op::Count { key: "c".into(), by: 1, ttl };
    assert_eq!(apply(&db, 1_050, &[count(None)]).unwrap(), [6]);
    assert_eq!(values::get(&db, 1_100, b"c").unwrap(), None);
    apply(&db, 1_050, &[count(TTL)]).unwrap();
    assert_eq!(values::get(&db, 1_149, b"c").unwrap(), Some(b"7".to_vec()));
    assert_eq!(values::reset(&db, 1_149, "c").unwrap(), Some(7));
    assert_eq!(values::get(&db, 1_149, b"c").unwrap(), Some(b"0".to_vec()));
    assert_eq!(values::get(&db, 1_150, b"c").unwrap(), None);
    assert_eq!(apply(&db, 1_150, &[count(None)]).unwrap(), [1]);
}

#[test]
fn expired_rows_are_swept_a_few_at_a_time() {
    let db = database();
    apply(&db, 1_000, &timed_ops()).unwrap();
    let stays = Op::Set { key: "stays".into(), value: "1".into(), ttl: None };
    apply(&db, 1_000, &[stays]).unwrap();
    assert!(!values::sweep(&db, 1_099, 1).unwrap());
    assert_eq!((rows(&db, "value"), rows(&db, "unique_member")), (3, 2));
    assert!(values::sweep(&db, 1_100, 1).unwrap());
    assert_eq!((rows(&db, "value"), rows(&db, "unique_member")), (2, 1));
    assert!(!values::sweep(&db, 1_100, 10).unwrap());
    let left = ["value", "unique_member", "unique_set"].map(|table| rows(&db, table));
    assert_eq!(left, [1, 0, 0]);
}

#[test]
fn a_counter_does_not_run_over() {
    let db = database();
    let add = |by| Op::Count { key: "c".into(), by, ttl: None };
    apply(&db, 0, &[add(i64::MAX)]).unwrap();
    assert!(matches!(apply(&db, 0, &[add(1)]), Err(Error::Broken(_))));
}

#[test]
fn finished_items_leave_no_rows_behind() {
    let db = database();
    let items = vec![vec![1], vec![2], vec![3]];
    queues::push(&db, 0, "q", &items, None).unwrap();
    queues::take(&db, "q", 2, &Times::of(Duration::ZERO), "one".into()).unwrap().unwrap();
    assert!(queues::remove(&db, "q", "one").unwrap());
    assert_eq!((rows(&db, "item"), rows(&db, "lease")), (1, 0));
    queues::clear(&db, "q").unwrap();
    assert_eq!(rows(&db, "item"), 0);
}

#[test]
fn the_age_counts_from_the_last_push() {
    let db = database();
    queues::push(&db, 1_000, "q", &[vec![1]], None).unwrap();
    queues::push(&db, 3_000, "q", &[vec![1]], None).unwrap();
    let age = |now_ms| queues::state(&db, now_ms, "q").unwrap().age;
    assert_eq!(age(3_603_000), Some(Duration::from_hours(1)));
    assert_eq!(age(0), Some(Duration::ZERO), "a clock that went back");
}

#[test]
fn every_commit_of_a_file_waits_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sqlite");
    let database = connect(&path, Duration::ZERO, OpenFlags::SQLITE_OPEN_CREATE).unwrap();
    let pragma = |name| database.pragma_query_value(None, name, |row| row.get(0)).unwrap();
    let full: i64 = pragma("synchronous");
    assert_eq!(full, 2);
    let mode: String = database.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_file_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sqlite");
    let database = Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    let options = Options::default();
    let opened = Embedded::open_blocking(&path.display().to_string(), &options);
    assert!(matches!(opened.err(), Some(Error::Broken(_))));
}

#[test]
fn a_path_that_cannot_be_opened_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/kv.sqlite").display().to_string();
    let opened = Embedded::open_blocking(&path, &Options::default());
    assert!(matches!(opened.err(), Some(Error::Broken(_))));
}

#[tokio::test]
async fn a_writer_that_is_kept_out_says_so_in_time_and_then_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sqlite").display().to_string();
    let wait = Duration::from_millis(100);
    let options = Options { connect_timeout: wait, response_timeout: wait };
    let kv = Embedded::open(&path, &options).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let count = || vec![Op::Count { key: "c".into(), by: 1, ttl: None }];
    let outcome = kv.apply(count()).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert_eq!(kv.get(&[b"c".to_vec()]).await, Ok(vec![None]), "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    // Whether or not the writer was still busy with the first one, that one was not done.
    let patient = Embedded::open(&path, &Options::default()).await.unwrap();
    assert_eq!(patient.apply(count()).await, Ok(vec![1]));
}

#[tokio::test]
async fn many_callers_at_once_share_commits_and_each_has_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.sqlite").display().to_string();
    let kv = std::sync::Arc::new(Embedded::open(&path, &Options::default()).await.unwrap());
    let text = Op::Set { key: "text".into(), value: "x".into(), ttl: None };
    kv.apply(vec![text]).await.unwrap();
    let calls: Vec<_> = (0..300)
        .map(|number| {
            let kv = std::sync::Arc::clone(&kv);
            // Every third one fails half-way.
            let key = if number % 3 == 0 { "text" } else { "other" };
            let add = |key: &str| Op::Count { key: key.into(), by: 1, ttl: None };
            let ops = vec![add("c"), add(key)];
            tokio::spawn(async move { (number % 3 == 0, kv.apply(ops).await) })
        })
        .collect();
    for call in calls {
        let (is_bad, outcome) = call.await.unwrap();
        assert_eq!(outcome.is_err(), is_bad);
    }
    assert_eq!(kv.get(&[b"c".to_vec()]).await, Ok(vec![Some(b"200".to_vec())]));
}

#[test]
fn a_named_lease_of_a_clock_that_was_far_ahead_is_free() {
    let db = database();
    let hour_ms = 3_600_000;
    let hold = |now_ms, holder| {
        let times = Times { now: now_ms, deadline: now_ms + 15_000, furthest: now_ms + hour_ms };
        values::hold(&db, &times, "scheduler", holder).unwrap()
    };
    assert!(hold(24 * hour_ms, "ahead"));
    assert!(!hold(24 * hour_ms - 1, "second"));
    assert!(hold(0, "first"), "a day earlier by this clock");
    assert!(!hold(0, "second"));
    assert!(hold(15_000, "second"));
}

#[test]
fn items_of_a_file_of_version_1_are_still_there() {
    let db = Connection::open_in_memory().unwrap();
    // The tables that have another key since, as version 1 had them; the others are the same.
    db.execute_batch(
        "CREATE TABLE item (queue TEXT NOT NULL, number INTEGER NOT NULL, item BLOB NOT NULL,
            PRIMARY KEY (queue, number)) WITHOUT ROWID;
        CREATE TABLE queue (name TEXT PRIMARY KEY, after_number INTEGER NOT NULL,
            last_number INTEGER NOT NULL, pushed_ms INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE lease (queue TEXT NOT NULL, id TEXT NOT NULL, first_number INTEGER NOT NULL,
            last_number INTEGER NOT NULL, deadline_ms INTEGER NOT NULL,
            PRIMARY KEY (queue, id)) WITHOUT ROWID;
        INSERT INTO queue VALUES ('b', 2, 4, 1000), ('a', 0, 1, 2000);
        INSERT INTO item VALUES ('b', 1, x'11'), ('b', 2, x'12'), ('b', 3, x'13'), ('b', 4, x'14'),
            ('a', 1, x'01'), ('put back', -1, x'21'), ('put back', 0, x'22');
        INSERT INTO lease VALUES ('b', 'taken', 1, 2, 0), ('put back', 'first', -1, 0, 0);
        PRAGMA user_version = 1",
    )
    .unwrap();
    prepare(&db).unwrap();
    prepare(&db).unwrap();

    let times = Times { now: 3_000, deadline: 4_000, furthest: 5_000 };
    let take = |queue| {
        let taken = queues::take(&db, queue, 0, &times, "new".into()).unwrap().unwrap();
        (taken.id, taken.items.concat(), taken.again)
    };
    assert_eq!(take("b"), ("taken".into(), vec![0x11, 0x12], true));
    assert_eq!(take("b"), ("new".into(), vec![0x13, 0x14], false));
    assert_eq!(take("a"), ("new".into(), vec![0x01], false));
    assert_eq!(take("put back"), ("first".into(), vec![0x21, 0x22], true));
    assert_eq!(queues::state(&db, 3_000, "b").unwrap().in_flight, 4);
    queues::push(&db, 3_000, "b", &[vec![0x15]], None).unwrap();
    assert_eq!(queues::peek(&db, "b", 0, 10).unwrap(), [[0x15]]);
}

#[test]
fn batches_that_are_put_back_again_and_again_stay_in_their_queue() {
    let db = database();
    let item = |byte: u8| vec![vec![byte]];
    for (queue, byte) in [("a", 1), ("b", 2), ("c", 3)] {
        queues::push(&db, 0, queue, &item(byte), None).unwrap();
        for id in ["first", "second"] {
            queues::restore(&db, 0, queue, id, &[vec![byte], vec![byte + 10]]).unwrap();
        }
    }
    let times = Times { now: 0, deadline: 1_000, furthest: 2_000 };
    for (queue, byte) in [("b", 2), ("c", 3), ("a", 1)] {
        for (id, items) in [
            ("first", vec![byte, byte + 10]),
            ("second", vec![byte, byte + 10]),
            ("new", vec![byte]),
        ] {
            let taken = queues::take(&db, queue, 0, &times, "new".into()).unwrap().unwrap();
            assert_eq!((taken.id.as_str(), taken.items.concat()), (id, items), "{queue}");
        }
        for id in ["second", "first", "new"] {
            assert!(queues::remove(&db, queue, id).unwrap());
        }
    }
    assert_eq!(["item", "lease", "queue"].map(|table| rows(&db, table)), [0; 3]);
}

#[test]
fn a_queue_beyond_the_last_is_refused_and_an_empty_one_makes_room() {
    let db = database();
    let push = |queue| queues::push(&db, 0, queue, &[vec![1]], None);
    db.execute("INSERT INTO queue VALUES ((1 << 19) - 1, 'last', 0, 0, 0)", []).unwrap();
    assert!(matches!(push("beyond"), Err(Error::Broken(_))));
    db.execute("DELETE FROM queue WHERE name = 'beyond'", []).unwrap();
    push("last").unwrap();
    assert_eq!(queues::peek(&db, "last", 0, 1).unwrap(), [[1]]);
    queues::clear(&db, "last").unwrap();
    push("next").unwrap();
    assert_eq!(queues::peek(&db, "next", 0, 1).unwrap(), [[1]]);
}
