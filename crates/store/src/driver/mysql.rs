//! MySQL, MariaDB and what speaks like them.
//!
//! Every call runs in a task of its own: when its caller goes away, as HTTP clients do, it still
//! ends properly, and its connection is good for the next one.

mod pool;
mod snapshot;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, Params};
use pool::Pool;

use super::lookup::union;
use super::{Done, Lookup, Read, Row, Rule, Statement, Write};
use crate::dialect::Dialect;
use crate::error::{Error, Result};

/// Somebody else wrote a row with the same key since it was looked for.
const DUPLICATE_KEY: u16 = 1062;
/// The server gave up waiting for a lock.
const LOCK_WAIT_TIMEOUT: u16 = 1205;
/// The server ended one of two transactions that waited for each other.
const DEADLOCK: u16 = 1213;

/// The account lacks a privilege that is not about tables.
const PRIVILEGE_MISSING: u16 = 1227;
/// A statement names a column that is not there.
const NO_SUCH_COLUMN: u16 = 1054;
/// A statement names a table that is not there.
const NO_SUCH_TABLE: u16 = 1146;

/// How often a transaction is tried in all.
const TRIES: u32 = 3;

/// A pool of connections to one server.
#[derive(Clone)]
pub(crate) struct MySql {
    pool: Pool,
    wait: Duration,
}

/// Work on a connection, boxed so that it can be handed to a task.
type Work<'a, T> = Pin<Box<dyn Future<Output = std::result::Result<T, Failure>> + Send + 'a>>;

impl MySql {
    /// A pool of at most this many connections, each call bounded by `wait`. Nothing is connected
    /// yet: the server may be away.
    pub(crate) fn new(options: OptsBuilder, max_connections: usize, wait: Duration) -> Self {
        // A lock is waited for a part of the time a call may take, so that there is time to try
        // again.
        let lock_wait_s = (wait.as_secs() / 5).clamp(1, 50);
        let options = options
            .stmt_cache_size(64)
            .client_found_rows(true)
            .tcp_keepalive(Some(Duration::from_mins(1)))
            .init(vec![session(lock_wait_s)]);
        Self { pool: Pool::new(Opts::from(options), max_connections.max(1)), wait }
    }

    /// The options of the connections.
    pub(crate) fn options(&self) -> Opts {
        self.pool.options()
    }

    /// Forgets all connections.
    pub(crate) fn start_over(&self) {
        self.pool.start_over();
    }

    /// Takes leave of the server.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// The bound on a call.
    pub(crate) const fn wait(&self) -> Duration {
        self.wait
    }

    /// Reads rows.
    pub(crate) async fn query(
        &self,
        statement: Statement,
        patience: Option<Duration>,
    ) -> Result<Vec<Row>> {
        self.run(patience, move |conn| Box::pin(query(conn, statement))).await
    }

    /// Writes; the number of rows found.
    pub(crate) async fn execute(
        &self,
        statement: Statement,
        patience: Option<Duration>,
    ) -> Result<u64> {
        self.run(patience, move |conn| Box::pin(execute(conn, statement))).await
    }

    /// Reads rows by key in one round trip, one list per look-up.
    pub(crate) async fn lookup(&self, lookups: Vec<Lookup>) -> Result<Vec<Vec<Row>>> {
        self.run(None, move |conn| Box::pin(lookup(conn, lookups))).await
    }

    /// How many transactions have left row versions that are not purged yet; `None` when the
    /// account may not see it.
    pub(crate) async fn history_length(&self) -> Result<Option<u64>> {
        let rows = self.run(None, |conn| Box::pin(history_length(conn))).await?;
        // The counter starts at any moment and may be below 0 for a while.
        Ok(rows
            .first()
            .and_then(|row| row.int::<i64>(0))
            .map(|length| length.max(0).unsigned_abs()))
    }

    /// Runs something else on a connection.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        patience: Option<Duration>,
        work: impl for<'a> FnOnce(&'a mut Conn) -> Work<'a, T> + Send + 'static,
    ) -> Result<T> {
        let driver = self.clone();
        let task = tokio::spawn(async move { driver.attempt(patience, work).await });
        Ok(task.await.map_err(|error| ended(&error))??)
    }

    /// Reads, decides, and writes, all or nothing. After a lock error, and when another worker
    /// inserted a row in between, everything is read and decided again.
    pub(crate) async fn transaction<T: Send + 'static>(
        &self,
        reads: Vec<Read>,
        rule: Rule<T>,
    ) -> Result<Done<T>> {
        let driver = self.clone();
        let tries = async move {
            let mut lock_errors = Vec::new();
            loop {
                let (reads, rule) = (reads.clone(), rule.clone());
                let attempt =
                    driver.attempt(None, move |conn| Box::pin(transaction(conn, reads, rule)));
                let failure = match attempt.await {
                    Ok(value) => return Ok(Done { value, lock_errors }),
                    Err(failure) => failure,
                };
                let Some(number) = failure.conflict() else { return Err(failure.into()) };
                lock_errors.push(number);
                if lock_errors.len() >= TRIES as usize {
                    return Err(Error::from(failure).after(lock_errors));
                }
                if number != DUPLICATE_KEY {
                    let at_most = Duration::from_secs(lock_errors.len() as u64);
                    let part = rand::random_range(0.0..1.0);
                    tokio::time::sleep(at_most.mul_f64(part)).await;
                }
            }
        };
        // The bound covers all tries together; a try that is under way then still ends by itself.
        let task = tokio::spawn(tries);
        match tokio::time::timeout(self.wait, task).await {
            Ok(joined) => joined.map_err(|error| ended(&error))?,
            Err(_) => Err(Error::unavailable("no answer in time")),
        }
    }

    /// Gets a connection and works on it, both in bounded time. Must not be dropped before its
    /// end, so it runs in a task.
    async fn attempt<T>(
        &self,
        patience: Option<Duration>,
        work: impl for<'a> FnOnce(&'a mut Conn) -> Work<'a, T>,
    ) -> std::result::Result<T, Failure> {
        let started = tokio::time::Instant::now();
        let late = |_| Failure::Ours(Error::unavailable("no answer in time"));
        let mut lease =
            tokio::time::timeout_at(started + self.wait, self.pool.get()).await.map_err(late)??;
        let deadline = started + patience.unwrap_or(self.wait);
        let result = match tokio::time::timeout_at(deadline, work(lease.conn())).await {
            Ok(result) => result,
            Err(elapsed) => Err(late(elapsed)),
        };
        match &result {
            // The connection is in order: the server answered all that was asked.
            Ok(_) | Err(Failure::Driver(mysql_async::Error::Server(_))) => lease.keep(),
            // A rule said no in the middle of a transaction, an answer is missing, or the
            // connection is gone. The server rolls back what is open.
            Err(_) => lease.discard(),
        }
        result
    }
}

/// What every connection is told first, in one round trip: nothing that a server may be set to
/// differently changes what a statement means.
fn session(lock_wait_s: u64) -> String {
    // Tables of the original hold three-byte UTF-8; comparing them with anything wider would
    // convert the column and lose its index.
    format!(
        "SET NAMES utf8; \
         SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
         SET SESSION autocommit = 1, time_zone = '+00:00', \
         innodb_lock_wait_timeout = {lock_wait_s}, \
         sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'"
    )
}

pub(crate) async fn query(
    conn: &mut Conn,
    statement: Statement,
) -> std::result::Result<Vec<Row>, Failure> {
    let Statement { text, parameters } = statement;
    let rows: Vec<mysql_async::Row> = if parameters.is_empty() {
        conn.query(text).await?
    } else {
        conn.exec(text, Params::Positional(parameters.into_iter().map(Into::into).collect()))
            .await?
    };
    Ok(rows.into_iter().map(row).collect())
}

fn row(row: mysql_async::Row) -> Row {
    Row(row
        .unwrap_raw()
        .into_iter()
        .map(|value| value.map_or(super::Value::Null, Into::into))
        .collect())
}

async fn execute(conn: &mut Conn, statement: Statement) -> std::result::Result<u64, Failure> {
    let Statement { text, parameters } = statement;
    if parameters.is_empty() {
        conn.query_drop(text).await?;
    } else {
        let parameters = parameters.into_iter().map(Into::into).collect();
        conn.exec_drop(text, Params::Positional(parameters)).await?;
    }
    Ok(conn.affected_rows())
}

async fn history_length(conn: &mut Conn) -> std::result::Result<Vec<Row>, Failure> {
    let text = "SELECT `count` FROM information_schema.innodb_metrics \
                WHERE name = 'trx_rseg_history_len'";
    match query(conn, Statement::plain(text)).await {
        Err(failure) if failure.is_missing_privilege() => Ok(Vec::new()),
        result => result,
    }
}

async fn lookup(
    conn: &mut Conn,
    lookups: Vec<Lookup>,
) -> std::result::Result<Vec<Vec<Row>>, Failure> {
    let mut found: Vec<Vec<Row>> = lookups.iter().map(|_| Vec::new()).collect();
    for text in union(&lookups) {
        for mut row in query(conn, Statement::plain(text)).await? {
            let number = row.int::<usize>(0);
            if let Some(rows) = number.and_then(|number| found.get_mut(number)) {
                row.0.remove(0);
                rows.push(row);
            }
        }
    }
    Ok(found)
}

async fn transaction<T>(
    conn: &mut Conn,
    reads: Vec<Read>,
    rule: Rule<T>,
) -> std::result::Result<T, Failure> {
    conn.query_drop(Dialect::MySql.begin()).await?;
    let result = read_decide_write(conn, reads, rule).await;
    match &result {
        Ok(_) => conn.query_drop("COMMIT").await?,
        Err(Failure::Driver(error)) if error.is_fatal() => {}
        Err(_) => conn.query_drop("ROLLBACK").await?,
    }
    result
}

async fn read_decide_write<T>(
    conn: &mut Conn,
    reads: Vec<Read>,
    rule: Rule<T>,
) -> std::result::Result<T, Failure> {
    let mut found = Vec::with_capacity(reads.len());
    for read in reads {
        found.push(match read {
            Read::Plain(statement) => query(conn, statement).await?,
            Read::Locking(mut statement) => {
                statement.text.push_str(Dialect::MySql.for_update());
                query(conn, statement).await?
            }
            Read::Keys(lookup) => {
                let mut rows = Vec::with_capacity(lookup.keys.len());
                for text in lookup.locking() {
                    rows.append(&mut query(conn, Statement::plain(text)).await?);
                }
                rows
            }
        });
    }
    let (writes, value) = rule(&found).map_err(Failure::Ours)?;
    for write in writes {
        match write {
            Write::Statement(statement) => {
                execute(conn, statement).await?;
            }
            Write::Rows(rows) => {
                for text in rows.texts() {
                    conn.query_drop(text).await?;
                }
            }
        }
    }
    Ok(value)
}

/// Why an attempt failed, before it is known whether there will be another.
pub(crate) enum Failure {
    Driver(mysql_async::Error),
    Ours(Error),
}

impl Failure {
    /// The error number, when trying again may help.
    fn conflict(&self) -> Option<u16> {
        match self {
            Self::Driver(mysql_async::Error::Server(error)) => {
                matches!(error.code, DUPLICATE_KEY | LOCK_WAIT_TIMEOUT | DEADLOCK)
                    .then_some(error.code)
            }
            _ => None,
        }
    }

    /// Whether the account may not do this, whatever tables it has rights on.
    fn is_missing_privilege(&self) -> bool {
        matches!(self, Self::Driver(mysql_async::Error::Server(error)) if error.code == PRIVILEGE_MISSING)
    }
}

impl From<mysql_async::Error> for Failure {
    fn from(error: mysql_async::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Ours(error) => error,
            Failure::Driver(error) => error.into(),
        }
    }
}

impl From<mysql_async::Error> for Error {
    fn from(error: mysql_async::Error) -> Self {
        use mysql_async::{DriverError, Error as Mysql};
        let text = error.to_string();
        match error {
            Mysql::Server(error) => match error.code {
                DUPLICATE_KEY | LOCK_WAIT_TIMEOUT | DEADLOCK => Self::Busy(text.into()),
                NO_SUCH_COLUMN | NO_SUCH_TABLE => Self::OldSchema(text),
                // Writing is denied to the account, or the server is a replica.
                1142 | 1290 | 1792 | 1836 => Self::ReadOnly(text),
                // Too many connections, shutting down, network trouble, interrupted, out of
                // resources, a cluster node that is not ready.
                1040
                | 1041
                | 1047
                | 1053
                | 1077
                | 1152
                | 1158..=1161
                | 1184
                | 1203
                | 1226
                | 1317
                | 1927
                | 1969
                | 3024
                | 4031 => Self::Unavailable(text),
                _ => Self::Broken(text),
            },
            Mysql::Io(_) | Mysql::Driver(DriverError::ConnectionClosed) => Self::Unavailable(text),
            _ => Self::Broken(text),
        }
    }
}

/// A task that was stopped, by a panic in a rule or by the end of the program.
fn ended(error: &tokio::task::JoinError) -> Error {
    if error.is_panic() {
        Error::broken("the work on the database did not end normally")
    } else {
        Error::unavailable("the program is ending")
    }
}
