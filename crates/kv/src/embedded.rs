//! The contract in one SQLite file, for the processes of one machine.
//!
//! One thread writes, in groups with one commit each ([`worker`]); one reads beside it, on a
//! snapshot of what was committed when it was asked. Other processes may do the same with the same
//! file. Every commit waits for the disk, so that what was acknowledged survives a power cut.

mod place;
mod queues;
#[cfg(test)]
mod tests;
mod values;
mod worker;

use std::path::Path;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use uuid::Uuid;
use worker::{File, Worker};

use crate::{
    Error, Facts, KeyValue, Op, Options, QueueState, Result, Taken, furthest_ms, millis, now_ms,
};

/// The tables.
const SCHEMA: &str = include_str!("embedded/schema.sql");

/// Their version; raised when they change in a way that older programs cannot read.
const SCHEMA_VERSION: i64 = 2;

/// Most expired rows deleted at once, so that no caller waits for long behind it.
const SWEEP_ROWS: u32 = 1000;

/// Time between two looks for expired rows, while callers keep the writer busy at all.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// When a lease is taken, when it will be over, and the furthest deadline of others to believe.
/// Milliseconds since 1970.
struct Times {
    now: i64,
    deadline: i64,
    furthest: i64,
}

impl Times {
    fn of(lease: Duration) -> Self {
        let now = now_ms();
        Self { now, deadline: now + millis(lease), furthest: furthest_ms(now, lease) }
    }
}

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
            let writer = Worker::start("kv", File::in_memory(database), "BEGIN", wait, sweeper())?;
            return Ok(Self { reader: writer.clone(), writer });
        }
        let path = Path::new(path);
        let started = Instant::now();
        let database = loop {
            // Two processes that create the file at once can collide without SQLite's own waiting.
            match connect(path, wait, OpenFlags::SQLITE_OPEN_CREATE)
                .and_then(|database| prepare(&database).map(|()| database))
            {
                Err(Error::Unavailable(_)) if started.elapsed() < options.connect_timeout => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                result => break result?,
            }
        };
        let open_again = move |path: &Path| connect(path, wait, OpenFlags::empty());
        let open_beside = move |path: &Path| {
            let database = connect(path, wait, OpenFlags::empty())?;
            database.pragma_update(None, "query_only", true)?;
            Ok(database)
        };
        let beside = File::at(path, open_beside(path)?, open_beside)?;
        let file = File::at(path, database, open_again)?;
        let writer = Worker::start("kv-write", file, "BEGIN IMMEDIATE", wait, sweeper())?;
        let reader = Worker::start("kv-read", beside, "BEGIN", wait, |_| Ok(()))?;
        Ok(Self { writer, reader })
    }
}

fn connect(path: &Path, wait: Duration, more: OpenFlags) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let database = Connection::open_with_flags(path, flags)?;
    database.busy_timeout(wait)?;
    database.set_prepared_statement_cache_capacity(64);
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    // The journal shrinks again after a burst.
    database.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(database)
}

/// Makes the tables, or brings them to the version of today, once among all processes that open the file.
fn prepare(database: &Connection) -> Result<()> {
    let version = || database.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    if version()? == SCHEMA_VERSION {
        return Ok(());
    }
    database.execute_batch("BEGIN IMMEDIATE")?;
    match version()? {
        0 => database.execute_batch(SCHEMA)?,
        1 => {
            let rename = "ALTER TABLE item RENAME TO item_1; ALTER TABLE queue RENAME TO queue_1;";
            database
                .execute_batch(&[rename, SCHEMA, include_str!("embedded/from_1.sql")].concat())?;
        }
        SCHEMA_VERSION => {}
        later => return Err(Error::Broken(format!("the file has version {later} of the tables"))),
    }
    database.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    database.execute_batch("COMMIT")?;
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
            Op::Restore { queue, id, items } => {
                queues::restore(database, now_ms, queue, id, items)?;
            }
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

    async fn facts(&self) -> Result<Facts> {
        let sql = "SELECT sqlite_version(), (page_count - freelist_count) * page_size, \
                   (SELECT file FROM pragma_database_list WHERE name = 'main') \
                   FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
        let facts = move |db: &Connection| {
            Ok(db.query_row(sql, [], |row| {
                let file: String = row.get(2)?;
                Ok(Facts {
                    engine: "SQLite".to_owned(),
                    version: row.get(0)?,
                    is_durable: Some(!file.is_empty()),
                    used_bytes: row.get::<_, i64>(1).ok().and_then(|bytes| bytes.try_into().ok()),
                    file: Some(file).filter(|file| !file.is_empty()).map(Into::into),
                    ..Facts::default()
                })
            })?)
        };
        self.reader.run(facts).await
    }

    async fn apply(&self, ops: Vec<Op>) -> Result<Vec<i64>> {
        self.writer.run(move |db| apply(db, now_ms(), &ops)).await
    }

    async fn take(&self, queue: &str, max: usize, lease: Duration) -> Result<Option<Taken>> {
        let (queue, id) = (queue.to_owned(), Uuid::now_v7().to_string());
        let take = move |db: &Connection| queues::take(db, &queue, max, &Times::of(lease), id);
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

    async fn queue_names(&self, prefix: &str) -> Result<Vec<String>> {
        let prefix = prefix.to_owned();
        self.reader.run(move |db| queues::all_names(db, &prefix)).await
    }

    async fn in_flight(&self) -> Result<Vec<String>> {
        self.reader.run(queues::in_flight).await
    }

    async fn unique_count(&self, keys: &[String]) -> Result<u64> {
        let keys = keys.to_vec();
        self.reader.run(move |db| values::unique_count(db, now_ms(), &keys)).await
    }

    async fn hold(&self, name: &str, holder: &str, ttl: Duration) -> Result<bool> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        let hold = move |db: &Connection| values::hold(db, &Times::of(ttl), &name, &holder);
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
