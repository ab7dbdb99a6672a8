//! The contract in one SQLite file, for the processes of one machine.
//!
//! One thread writes, in groups with one commit each ([`worker`]); one reads beside it, on a
//! snapshot of what was committed when it was asked. Other processes may do the same with the same
//! file. Every commit waits for the disk, so that what was acknowledged survives a power cut.

mod queues;
mod values;
mod worker;

use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use uuid::Uuid;
use worker::Worker;

use crate::{Error, KeyValue, Op, Options, QueueState, Result, Taken, millis, now_ms};

/// The version of the tables; raised when they change in a way that older programs cannot read.
const SCHEMA_VERSION: i64 = 1;

/// Most expired rows deleted at once, so that no caller waits for long behind it.
const SWEEP_ROWS: u32 = 1000;

/// Time between two looks for expired rows, while callers keep the writer busy at all.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// An open file.
pub(crate) struct Embedded {
    writer: Worker,
    reader: Worker,
}

impl Embedded {
    /// Opens the file, and creates it when it is missing. `:memory:` is not a file.
    pub(crate) async fn open(path: &str, options: &Options) -> Result<Self> {
        let (path, options) = (path.to_owned(), *options);
        tokio::task::spawn_blocking(move || Self::open_blocking(&path, &options))
            .await
            .map_err(|error| Error::Broken(format!("opening the database failed: {error}")))?
    }

    fn open_blocking(path: &str, options: &Options) -> Result<Self> {
        let wait = options.response_timeout;
        if path == ":memory:" {
            let database = Connection::open_in_memory()?;
            prepare(&database)?;
            let writer = Worker::start("kv", database, "BEGIN", wait, sweeper())?;
            return Ok(Self { reader: writer.clone(), writer });
        }
        let path = Path::new(path);
        let started = Instant::now();
        let database = loop {
            // Two processes that create the file at once can collide without SQLite's own waiting.
            match connect(path, wait).and_then(|database| prepare(&database).map(|()| database)) {
                Err(Error::Unavailable(_)) if started.elapsed() < options.connect_timeout => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                result => break result?,
            }
        };
        let beside = connect(path, wait)?;
        beside.pragma_update(None, "query_only", true)?;
        let writer = Worker::start("kv-write", database, "BEGIN IMMEDIATE", wait, sweeper())?;
        let reader = Worker::start("kv-read", beside, "BEGIN", wait, |_| Ok(()))?;
        Ok(Self { writer, reader })
    }
}

fn connect(path: &Path, wait: Duration) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    database.busy_timeout(wait)?;
    database.set_prepared_statement_cache_capacity(64);
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    // The journal shrinks again after a burst.
    database.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(database)
}

fn prepare(database: &Connection) -> Result<()> {
    let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > SCHEMA_VERSION {
        return Err(Error::Broken(format!("the file has version {version} of the tables")));
    }
    if version < SCHEMA_VERSION {
        let sql = include_str!("embedded/schema.sql");
        let sql = format!("BEGIN IMMEDIATE; {sql} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT");
        database.execute_batch(&sql)?;
    }
    Ok(())
}

/// Deletes expired rows now and then.
fn sweeper() -> impl FnMut(&Connection) -> Result<()> {
    let mut next = Instant::now();
    move |database| {
        if Instant::now() >= next && !values::sweep(database, now_ms(), SWEEP_ROWS)? {
            next = Instant::now() + SWEEP_INTERVAL;
        }
        Ok(())
    }
}

fn apply(database: &Connection, now_ms: i64, ops: &[Op]) -> Result<Vec<i64>> {
    let expires_ms = |ttl: &Option<Duration>| ttl.map(|ttl| now_ms + millis(ttl));
    let apply_one = |op: &Op| {
        match op {
            Op::Push { queue, items } => queues::push(database, now_ms, queue, items, None)?,
            Op::PushBounded { queue, items, keep } => {
                queues::push(database, now_ms, queue, items, Some(*keep))?;
            }
            Op::Count { key, by, ttl } => {
                return values::count(database, now_ms, key, *by, expires_ms(ttl));
            }
            Op::AddUnique { key, member, ttl } => {
                values::add_unique(database, now_ms, key, member, expires_ms(ttl))?;
            }
            Op::Set { key, value, ttl } => values::set(database, key, value, expires_ms(ttl))?,
            Op::Delete { key } => {
                values::delete(database, key)?;
                if let Ok(queue) = std::str::from_utf8(key) {
                    queues::clear(database, queue)?;
                }
            }
        }
        Ok(0)
    };
    ops.iter().map(apply_one).collect()
}

#[async_trait]
impl KeyValue for Embedded {
    async fn ping(&self) -> Result<()> {
        let sql = "SELECT count(*) FROM queue";
        self.reader.run(move |db| Ok(db.query_row(sql, [], |_| Ok(()))?)).await
    }

    async fn apply(&self, ops: Vec<Op>) -> Result<Vec<i64>> {
        self.writer.run(move |db| apply(db, now_ms(), &ops)).await
    }

    async fn take(&self, queue: &str, max: usize, lease: Duration) -> Result<Option<Taken>> {
        let (queue, id) = (queue.to_owned(), Uuid::now_v7().to_string());
        let take = move |db: &Connection| {
            let now_ms = now_ms();
            queues::take(db, &queue, max, (now_ms, now_ms + millis(lease)), id)
        };
        self.writer.run(take).await
    }

    async fn renew(&self, queue: &str, id: &str, lease: Duration) -> Result<bool> {
        let (queue, id) = (queue.to_owned(), id.to_owned());
        let renew =
            move |db: &Connection| queues::set_deadline(db, &queue, &id, now_ms() + millis(lease));
        self.writer.run(renew).await
    }

    async fn put_back(&self, queue: &str, id: &str) -> Result<bool> {
        let (queue, id) = (queue.to_owned(), id.to_owned());
        self.writer.run(move |db| queues::set_deadline(db, &queue, &id, 0)).await
    }

    async fn finish(&self, queue: &str, id: &str, ops: Vec<Op>) -> Result<bool> {
        let (queue, id) = (queue.to_owned(), id.to_owned());
        let finish = move |db: &Connection| {
            let is_here = queues::remove(db, &queue, &id)?;
            if is_here {
                apply(db, now_ms(), &ops)?;
            }
            Ok(is_here)
        };
        self.writer.run(finish).await
    }

    async fn collect(&self, counters: &[String], queue: &str) -> Result<u64> {
        let (counters, queue) = (counters.to_vec(), queue.to_owned());
        let collect = move |db: &Connection| {
            let now_ms = now_ms();
            let mut items = Vec::new();
            for counter in counters {
                if let Some(value) = values::reset(db, now_ms, &counter)? {
                    items.push(format!("{counter} {value}").into_bytes());
                }
            }
            queues::push(db, now_ms, &queue, &items, None)?;
            Ok(items.len() as u64)
        };
        self.writer.run(collect).await
    }

    async fn queues(&self, names: &[String]) -> Result<Vec<QueueState>> {
        let names = names.to_vec();
        let states = move |db: &Connection| {
            let now_ms = now_ms();
            names.iter().map(|name| queues::state(db, now_ms, name)).collect()
        };
        self.reader.run(states).await
    }

    async fn peek(&self, queue: &str, start: usize, count: usize) -> Result<Vec<Vec<u8>>> {
        let queue = queue.to_owned();
        self.reader.run(move |db| queues::peek(db, &queue, start, count)).await
    }

    async fn get(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let keys = keys.to_vec();
        let get = move |db: &Connection| {
            let now_ms = now_ms();
            keys.iter().map(|key| values::get(db, now_ms, key)).collect()
        };
        self.reader.run(get).await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let prefix = prefix.to_owned();
        let keys = move |db: &Connection| {
            let mut names = values::names(db, now_ms(), &prefix)?;
            names.extend(queues::names(db, &prefix)?);
            names.sort();
            names.dedup();
            Ok(names)
        };
        self.reader.run(keys).await
    }

    async fn unique_count(&self, keys: &[String]) -> Result<u64> {
        let keys = keys.to_vec();
        self.reader.run(move |db| values::unique_count(db, now_ms(), &keys)).await
    }

    async fn hold(&self, name: &str, holder: &str, ttl: Duration) -> Result<bool> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        let hold = move |db: &Connection| {
            let now_ms = now_ms();
            values::hold(db, now_ms, &name, &holder, now_ms + millis(ttl))
        };
        self.writer.run(hold).await
    }

    async fn release(&self, name: &str, holder: &str) -> Result<()> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.writer.run(move |db| values::release(db, &name, &holder)).await
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked | DiskFull | SystemIoFailure) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Broken(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
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
        queues::take(&db, "q", 2, (0, 0), "one".into()).unwrap().unwrap();
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
        let database = connect(&folder.path().join("kv.sqlite"), Duration::ZERO).unwrap();
        let pragma = |name| database.pragma_query_value(None, name, |row| row.get(0)).unwrap();
        let full: i64 = pragma("synchronous");
        assert_eq!(full, 2);
        let mode: String =
            database.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
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
}
