//! SQLite: one thread writes, a few read, and calls reach them as jobs over a channel.
//!
//! A job that has started always runs to its end, so a caller that goes away can leave nothing
//! half done; one whose caller is gone before it starts is skipped. Write-ahead logging lets
//! readers go on while the writer works. Commits are synced to disk: a batch is removed from its
//! queue once its rows are committed, so rows that a power cut could take back would be lost.

mod snapshot;

use std::cell::Cell;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter};
use tokio::sync::oneshot;

use super::{Done, Lookup, Read, Row, Rows, Rule, Statement, Write};
use crate::dialect::Dialect;
use crate::error::{Error, Result};

/// How many statements each connection keeps prepared: a few for each of the 44 tables.
const PREPARED: usize = 256;

/// How many calls may wait for a thread. Readers work through this many in a tenth of a second;
/// when they do not, the disk is in trouble and more callers would only wait for nothing.
const WAITING: usize = 4096;

/// How often a reading thread looks whether its file is the one at the path.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many threads read.
const READERS: std::ops::RangeInclusive<usize> = 2..=4;

/// A handle on the threads; they end when the last handle is gone.
#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: Queue,
    readers: Queue,
    place: Place,
}

/// Where the database is and what may be done with it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// `None` is a database in memory.
    pub(crate) file: Option<PathBuf>,
    pub(crate) read_only: bool,
    /// Bound on every call, also on waiting for another process's lock.
    pub(crate) wait: Duration,
    /// How often a thread has found that the file is not the one at its path any more.
    pub(crate) alarms: Arc<AtomicU64>,
    /// Whether any thread has opened the file: from then on none begins an empty one.
    pub(crate) was_opened: Arc<AtomicBool>,
}

impl Sqlite {
    /// Starts the threads. The file is opened by the first call, and again after it failed.
    pub(crate) fn start(place: &Place) -> Result<Self> {
        let writer = Queue::start("store-write", place, 1, Duty::Write)?;
        let readers = if place.file.is_some() {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            let threads = cores.clamp(*READERS.start(), *READERS.end());
            Queue::start("store-read", place, threads, Duty::Read)?
        } else {
            // A database in memory belongs to one connection.
            writer.clone()
        };
        Ok(Self { writer, readers, place: place.clone() })
    }

    /// Reads rows.
    pub(crate) async fn query(
        &self,
        statement: Statement,
        patience: Option<Duration>,
    ) -> Result<Vec<Row>> {
        self.ask(&self.readers, patience, move |connection| {
            let mut rows = Vec::new();
            query(connection, &statement, &mut rows)?;
            Ok(rows)
        })
        .await
    }

    /// Writes; the number of rows found.
    pub(crate) async fn execute(
        &self,
        statement: Statement,
        patience: Option<Duration>,
    ) -> Result<u64> {
        self.ask(&self.writer, patience, move |connection| execute(connection, &statement)).await
    }

    /// Reads rows by key, one list per look-up.
    pub(crate) async fn lookup(&self, lookups: Vec<Lookup>) -> Result<Vec<Vec<Row>>> {
        self.ask(&self.readers, None, move |connection| {
            lookups.iter().map(|keys| lookup(connection, keys)).collect()
        })
        .await
    }

    /// Reads, decides, and writes, all or nothing.
    pub(crate) async fn transaction<T: Send + 'static>(
        &self,
        reads: Vec<Read>,
        rule: Rule<T>,
    ) -> Result<Done<T>> {
        self.ask(&self.writer, None, move |connection| {
            connection.execute_batch(Dialect::Sqlite.begin())?;
            let found =
                reads.iter().map(|one| read(connection, one)).collect::<Result<Vec<_>>>()?;
            let (writes, value) = rule(&found)?;
            writes.iter().try_for_each(|one| write(connection, one))?;
            connection.execute_batch("COMMIT")?;
            Ok(Done { value, lock_errors: Vec::new() })
        })
        .await
    }

    /// Runs something else on the writing thread.
    pub(crate) async fn with_writer<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask(&self.writer, Some(patience), work).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        queue: &Queue,
        patience: Option<Duration>,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        queue.push(Box::new(move |connection| {
            if answer.is_closed() {
                return;
            }
            let result = connection.and_then(|connection| {
                let result = work(connection);
                if !connection.is_autocommit() {
                    connection.execute_batch("ROLLBACK")?;
                }
                result
            });
            // The caller may have left meanwhile.
            let _ = answer.send(result);
        }))?;
        match tokio::time::timeout(patience.unwrap_or(self.place.wait), answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::broken("the work on the database did not end normally")),
            Err(_) => Err(Error::unavailable("no answer in time")),
        }
    }
}

fn query(connection: &Connection, statement: &Statement, found: &mut Vec<Row>) -> Result<()> {
    let mut prepared = connection.prepare_cached(&statement.text)?;
    let columns = prepared.column_count();
    let mut rows = prepared.query(params_from_iter(&statement.parameters))?;
    while let Some(row) = rows.next()? {
        found.push(values(row, columns)?);
    }
    Ok(())
}

fn values(row: &rusqlite::Row<'_>, columns: usize) -> Result<Row> {
    let value = |column| Ok(row.get_ref(column)?.into());
    (0..columns).map(value).collect::<Result<_>>().map(Row)
}

fn lookup(connection: &Connection, lookup: &Lookup) -> Result<Vec<Row>> {
    let mut prepared = connection.prepare_cached(&lookup.single())?;
    let columns = prepared.column_count();
    let mut found = Vec::with_capacity(lookup.keys.len());
    for key in &lookup.keys {
        let mut rows = prepared.query([&key[..]])?;
        if let Some(row) = rows.next()? {
            found.push(values(row, columns)?);
        }
    }
    Ok(found)
}

fn read(connection: &Connection, read: &Read) -> Result<Vec<Row>> {
    match read {
        Read::Keys(keys) => lookup(connection, keys),
        Read::Plain(statement) | Read::Locking(statement) => {
            let mut rows = Vec::new();
            query(connection, statement, &mut rows)?;
            Ok(rows)
        }
    }
}

fn execute(connection: &Connection, statement: &Statement) -> Result<u64> {
    let mut prepared = connection.prepare_cached(&statement.text)?;
    Ok(prepared.execute(params_from_iter(&statement.parameters))? as u64)
}

fn write(connection: &Connection, write: &Write) -> Result<()> {
    match write {
        Write::Statement(statement) => execute(connection, statement).map(drop),
        Write::Rows(rows) => write_rows(connection, rows),
    }
}

fn write_rows(connection: &Connection, rows: &Rows) -> Result<()> {
    let Some(columns) = rows.values.first().map(Vec::len) else { return Ok(()) };
    let mut prepared = connection.prepare_cached(&rows.single(columns))?;
    rows.values.iter().try_for_each(|row| {
        prepared.execute(params_from_iter(row))?;
        Ok(())
    })
}

/// A job gets the connection, or the reason why there is none.
type Job = Box<dyn FnOnce(Result<&mut Connection>) + Send>;

/// What a thread does with its connection.
#[derive(Clone, Copy)]
enum Duty {
    Read,
    Write,
}

/// The jobs of one or more threads.
#[derive(Clone)]
struct Queue(SyncSender<Job>);

impl Queue {
    fn start(name: &str, place: &Place, threads: usize, duty: Duty) -> Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads {
            let (place, receiver) = (place.clone(), Arc::clone(&receiver));
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || work(&place, duty, &receiver))
                .map_err(Error::unavailable)?;
        }
        Ok(Self(sender))
    }

    fn push(&self, job: Job) -> Result<()> {
        self.0.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Error::unavailable("too many calls are waiting"),
            TrySendError::Disconnected(_) => Error::broken("the database threads have ended"),
        })
    }
}

/// One thread: takes jobs until nobody can send any more.
fn work(place: &Place, duty: Duty, jobs: &Mutex<Receiver<Job>>) {
    let mut file = File { connection: None, identity: None, looked: None };
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(file.get(place, duty))));
        if outcome.is_err() {
            // A rule panicked in the middle of its transaction: closing rolls it back.
            file.connection = None;
        }
    }
}

/// The connection of one thread.
struct File {
    connection: Option<Connection>,
    /// Device and number of the file when it was first opened.
    identity: Option<(u64, u64)>,
    /// When it was last looked whether it still is the one at its path, and how many alarms there had
    /// been by then.
    looked: Option<(Instant, u64)>,
}

impl File {
    /// The connection, opened when there is none.
    ///
    /// SQLite goes on with a file that was deleted, moved or replaced while it is open, and what it
    /// then writes is gone with the process. So it is looked first. A file that is gone is waited
    /// for: it is not for us to begin an empty one in its place.
    fn get(&mut self, place: &Place, duty: Duty) -> Result<&mut Connection> {
        if let (Some(path), Some(opened)) = (&place.file, self.identity)
            && self.is_to_look(place, duty)
        {
            let now = identity(path);
            if now.as_ref().ok() != Some(&opened) {
                place.alarms.fetch_add(1, Ordering::Relaxed);
            }
            let now = now?;
            self.looked = Some((Instant::now(), place.alarms.load(Ordering::Relaxed)));
            if now != opened {
                // Not closed: SQLite would delete the journal at the path, which is that of the
                // new file.
                std::mem::forget(self.connection.take());
            }
        }
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => {
                let connection = open(place, duty, !place.was_opened.load(Ordering::Acquire))?;
                place.was_opened.store(true, Ordering::Release);
                self.identity = place.file.as_deref().map(identity).transpose()?;
                Ok(none.insert(connection))
            }
        }
    }

    /// Before each write, and now and then before a read, of which there are many; also when another
    /// thread has found something wrong, so that none goes on with a file that is gone.
    fn is_to_look(&self, place: &Place, duty: Duty) -> bool {
        matches!(duty, Duty::Write)
            || self.looked.is_none_or(|(at, alarms)| {
                at.elapsed() > LOOK_EVERY || alarms != place.alarms.load(Ordering::Relaxed)
            })
    }
}

fn identity(path: &Path) -> Result<(u64, u64)> {
    match std::fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino())),
        Err(error) => {
            Err(Error::unavailable(format!("the database file is not where it was: {error}")))
        }
    }
}

thread_local! {
    /// How long this thread waits for the lock of another process.
    static PATIENCE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// How often it is looked whether the lock is free. What SQLite does by itself ends in looking ten
/// times a second, which misses the short pauses that an import makes for others.
const LOOK_FOR_LOCK_EVERY: Duration = Duration::from_millis(4);

/// Waits a little; false when it has been long enough.
fn wait_for_lock(looked: i32) -> bool {
    let waited = LOOK_FOR_LOCK_EVERY.saturating_mul(looked.unsigned_abs());
    let goes_on = waited < PATIENCE.get();
    if goes_on {
        thread::sleep(LOOK_FOR_LOCK_EVERY);
    }
    goes_on
}

/// Two processes that open a new file at once are in each other's way here, and SQLite does not wait
/// by itself.
fn switch_to_wal(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < patience =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            switched => return switched,
        }
    }
}

fn open(place: &Place, duty: Duty, is_first: bool) -> Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, !place.read_only && is_first);
    let mut connection = match &place.file {
        Some(file) => Connection::open_with_flags(file, flags),
        None => Connection::open_in_memory(),
    }
    .map_err(|error| Error::unavailable(format!("cannot open the database file: {error}")))?;
    // Half of the time a caller waits, so that it learns the reason.
    PATIENCE.set(place.wait / 2);
    connection.busy_handler(Some(wait_for_lock))?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    if place.file.is_some() {
        if !place.read_only {
            switch_to_wal(&connection, place.wait / 2)?;
        }
        connection.pragma_update(None, "synchronous", "full")?;
        // 8 MB of pages per connection.
        connection.pragma_update(None, "cache_size", -8000)?;
        let is_reader = place.read_only || matches!(duty, Duty::Read);
        connection.pragma_update(None, "query_only", is_reader)?;
    }
    Ok(connection)
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(text.into()),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(text),
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory,
            ) => Self::Unavailable(text),
            // There is no code of its own for these.
            _ if ["no such table", "no such column"].iter().any(|why| text.contains(why)) => {
                Self::OldSchema(text)
            }
            _ => Self::Broken(text),
        }
    }
}
