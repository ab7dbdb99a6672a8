//! A thin layer over the two database drivers: values in, rows out.
//!
//! It knows four verbs: `query`, `execute`, `lookup` (rows by binary key from many tables in one
//! round trip) and `transaction`. A transaction is not a handle that callers hold across awaits,
//! but reads, a pure rule, and writes: that is what lets it run on a thread of its own on SQLite,
//! be decided again after a deadlock on MySQL, and never stay open when a caller goes away.

mod lookup;
pub(crate) mod mysql;
mod scan;
pub(crate) mod sqlite;
mod value;

use std::sync::Arc;
use std::time::Duration;

use ichnaea_domain::cell::KeyBytes;
pub(crate) use scan::Scan;
pub use scan::{Page, Snapshot};
pub(crate) use value::Row;
pub use value::Value;

use crate::dialect::Dialect;
use crate::error::Result;

/// How long the few calls may take that read or delete whole tables.
pub(crate) const WHOLE_TABLE: Duration = Duration::from_hours(1);

/// SQL text with `?` for its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) parameters: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(text: impl Into<String>, parameters: Vec<Value>) -> Self {
        Self { text: text.into(), parameters }
    }

    /// A statement without parameters. It is not kept prepared, so its text may differ each time.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Vec::new())
    }
}

/// The rows of one table with any of these binary keys.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) table: String,
    /// Name of the binary primary key.
    pub(crate) key: &'static str,
    /// What to select. All look-ups of one call need the same number of columns.
    pub(crate) columns: String,
    pub(crate) keys: Vec<KeyBytes>,
}

/// A read inside a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    /// Takes no locks.
    Plain(Statement),
    /// Locks what it finds until the end of the transaction.
    Locking(Statement),
    /// Locks what it finds until the end of the transaction.
    Keys(Lookup),
}

/// A write inside a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Statement(Statement),
    Rows(Rows),
}

/// Many rows for one table: `head VALUES (…), (…) tail`.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// `INSERT INTO table (columns)`.
    pub(crate) head: String,
    /// What to do with rows that exist, or empty.
    pub(crate) tail: String,
    pub(crate) values: Vec<Vec<Value>>,
}

/// What a transaction reads, one list of rows per read, decides what it writes.
pub(crate) type Rule<T> = Arc<dyn Fn(&[Vec<Row>]) -> Result<(Vec<Write>, T)> + Send + Sync>;

/// What a finished transaction hands back.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) value: T,
    /// Database error numbers of the tries before.
    pub(crate) lock_errors: Vec<u16>,
}

/// One of the two drivers.
#[derive(Clone)]
pub(crate) enum Driver {
    MySql(mysql::MySql),
    Sqlite(sqlite::Sqlite),
}

impl Driver {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::MySql(_) => Dialect::MySql,
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Reads rows.
    pub(crate) async fn query(&self, statement: Statement) -> Result<Vec<Row>> {
        match self {
            Self::MySql(driver) => driver.query(statement, None).await,
            Self::Sqlite(driver) => driver.query(statement, None).await,
        }
    }

    /// Reads rows from whole tables, which may take long.
    pub(crate) async fn scan(&self, statement: Statement) -> Result<Vec<Row>> {
        match self {
            Self::MySql(driver) => driver.query(statement, Some(WHOLE_TABLE)).await,
            Self::Sqlite(driver) => driver.query(statement, Some(WHOLE_TABLE)).await,
        }
    }

    /// Writes outside a transaction; the number of rows found.
    pub(crate) async fn execute(&self, statement: Statement) -> Result<u64> {
        match self {
            Self::MySql(driver) => driver.execute(statement, None).await,
            Self::Sqlite(driver) => driver.execute(statement, None).await,
        }
    }

    /// Writes all over a table, which may take long; the number of rows found.
    pub(crate) async fn sweep(&self, statement: Statement) -> Result<u64> {
        match self {
            Self::MySql(driver) => driver.execute(statement, Some(WHOLE_TABLE)).await,
            Self::Sqlite(driver) => driver.execute(statement, Some(WHOLE_TABLE)).await,
        }
    }

    /// How many transactions have left row versions that are not purged yet; `None` where there is
    /// no such number or the account may not see it.
    pub(crate) async fn history_length(&self) -> Result<Option<u64>> {
        match self {
            Self::MySql(driver) => driver.history_length().await,
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// Reads rows by key, one list per look-up.
    pub(crate) async fn lookup(&self, lookups: Vec<Lookup>) -> Result<Vec<Vec<Row>>> {
        match self {
            Self::MySql(driver) => driver.lookup(lookups).await,
            Self::Sqlite(driver) => driver.lookup(lookups).await,
        }
    }

    /// Reads, decides, and writes, all or nothing.
    pub(crate) async fn transaction<T: Send + 'static>(
        &self,
        reads: Vec<Read>,
        rule: Rule<T>,
    ) -> Result<Done<T>> {
        match self {
            Self::MySql(driver) => driver.transaction(reads, rule).await,
            Self::Sqlite(driver) => driver.transaction(reads, rule).await,
        }
    }
}
