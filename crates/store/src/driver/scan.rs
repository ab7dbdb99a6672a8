//! Whole tables in the order of their keys, as one moment had them.
//!
//! All tables of a snapshot are read in one transaction on a connection of its own, and leave
//! through a channel that holds two pages. So any number of rows takes the memory of a few pages,
//! a reader that is slow only slows the reading down, and one that goes away ends it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;

use super::{Driver, Row, Statement, Value};
use crate::error::{Error, Result};

/// How many rows a page has, except for the last one of a table.
pub(super) const PAGE: usize = 4096;

/// How many pages wait for a slow reader.
const WAITING_PAGES: usize = 2;

/// How long a reader may take for a page. The transaction that is open meanwhile keeps old rows on
/// a server, and the write-ahead log of SQLite from being begun again.
pub(super) const PATIENCE: Duration = Duration::from_hours(1);

/// How long a server may take for a page. It may look at many rows for the few that a filter leaves.
pub(super) const PAGE_WAIT: Duration = Duration::from_mins(10);

/// How often a full channel is looked at by a thread.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What to read of one table.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) table: String,
    /// What to select. It begins with the columns of the key.
    pub(crate) columns: String,
    /// The columns of the primary key, in their order.
    pub(crate) key: &'static [&'static str],
    /// Conditions, joined by AND; empty for all rows.
    pub(crate) filter: Vec<Statement>,
    /// An index that finds the few rows the filter leaves faster than the primary key.
    pub(crate) index: Option<String>,
    /// Leaves the table out when it is not there, which a later migration adds.
    pub(crate) is_optional: bool,
}

impl Scan {
    /// All rows of a table that has to be there.
    pub(crate) fn all(
        table: impl Into<String>,
        key: &'static [&'static str],
        columns: impl Into<String>,
    ) -> Self {
        Self {
            table: table.into(),
            columns: columns.into(),
            key,
            filter: Vec::new(),
            index: None,
            is_optional: false,
        }
    }

    /// The query for what follows a key, or for all rows; `limit` of them at most.
    pub(super) fn statement(
        &self,
        hint: &str,
        after: Option<&[Value]>,
        limit: Option<usize>,
    ) -> Statement {
        let keys = self.key.join(", ");
        let beyond = match self.key {
            [key] => format!("{key} > ?"),
            keys => format!("({}) > ({})", keys.join(", "), vec!["?"; keys.len()].join(", ")),
        };
        let after = after.map(|after| Statement::new(beyond, after.to_vec()));
        let Statement { text: from, parameters } = self.from(hint, after);
        let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
        let text = format!("SELECT {} {from} ORDER BY {keys}{limit}", self.columns);
        Statement::new(text, parameters)
    }

    /// Counts the rows the filter leaves, up to a limit.
    pub(super) fn count(&self, hint: &str, limit: usize) -> Statement {
        let Statement { text: from, parameters } = self.from(hint, None);
        let text = format!("SELECT COUNT(*) FROM (SELECT 1 {from} LIMIT {limit}) AS few");
        Statement::new(text, parameters)
    }

    /// `FROM` with all conditions and one more.
    fn from(&self, hint: &str, more: Option<Statement>) -> Statement {
        let mut text = format!("FROM {} {hint}", self.table);
        let mut parameters = Vec::new();
        let conditions = self.filter.iter().cloned().chain(more);
        for (condition, word) in
            conditions.zip(std::iter::once(" WHERE ").chain(std::iter::repeat(" AND ")))
        {
            text.push_str(word);
            text.push_str(&condition.text);
            parameters.extend(condition.parameters);
        }
        Statement::new(text, parameters)
    }

    /// The key in a row, to go on after it.
    pub(super) fn key_of(&self, row: &Row) -> Vec<Value> {
        row.0.iter().take(self.key.len()).cloned().collect()
    }
}

/// Some rows of one table.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Which of the tables that were asked for, counted from 0. Every table that is there has at
    /// least one page.
    pub table: usize,
    /// Rows in the order of their keys; empty when the table has none.
    pub rows: Vec<T>,
}

/// Makes a row of a table, by its number, what the reader wants; rows it has no use for are left out.
pub(crate) type Convert<T> = Arc<dyn Fn(usize, &Row) -> Option<T> + Send + Sync>;

/// Rows of many tables as they were when the snapshot was opened.
#[derive(Debug)]
pub struct Snapshot<T> {
    pages: Receiver<Page<T>>,
    failure: oneshot::Receiver<Error>,
}

impl<T> Snapshot<T> {
    /// The next page; `None` after the last one. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Page<T>>> {
        match self.pages.recv().await {
            Some(page) => Some(Ok(page)),
            // A failure is sent before the pages end.
            None => self.failure.try_recv().ok().map(Err),
        }
    }
}

/// Where the rows of a snapshot go.
pub(super) struct Sink<T> {
    pages: Sender<Page<T>>,
    /// Until the moment is fixed.
    opened: Option<oneshot::Sender<Result<()>>>,
    failure: oneshot::Sender<Error>,
    convert: Convert<T>,
}

impl<T: Send + 'static> Sink<T> {
    /// Tells whoever waits for it that the moment is fixed.
    pub(super) fn opened(&mut self) {
        if let Some(opened) = self.opened.take() {
            // The reader may be gone; the first page will find out.
            let _ = opened.send(Ok(()));
        }
    }

    /// The end. The reason of an early one goes to who waits for the opening or for a page.
    pub(super) fn finish(self, result: Result<()>) {
        let Err(error) = result else { return };
        let _ = match self.opened {
            Some(opened) => opened.send(Err(error)).map_err(drop),
            None => self.failure.send(error).map_err(drop),
        };
    }

    /// Something that can be asked in other places whether nobody reads any more.
    pub(super) fn watch(&self) -> impl Fn() -> bool + Send + 'static {
        let pages = self.pages.clone().downgrade();
        move || pages.upgrade().is_none_or(|pages| pages.is_closed())
    }

    /// Waits until nobody reads any more.
    pub(super) async fn closed(&self) {
        self.pages.closed().await;
    }

    pub(super) fn convert(&self, table: usize, row: &Row) -> Option<T> {
        (self.convert)(table, row)
    }

    /// Hands a page over; false when nobody wants it.
    pub(super) async fn push(&self, page: Page<T>) -> Result<bool> {
        match tokio::time::timeout(PATIENCE, self.pages.send(page)).await {
            Ok(sent) => Ok(sent.is_ok()),
            Err(_) => Err(too_slow()),
        }
    }

    /// Hands a page over from a thread; false when nobody wants it.
    pub(super) fn push_blocking(&self, page: Page<T>) -> Result<bool> {
        let started = Instant::now();
        let mut next = page;
        loop {
            match self.pages.try_send(next) {
                Ok(()) => return Ok(true),
                Err(mpsc::error::TrySendError::Closed(_)) => return Ok(false),
                Err(mpsc::error::TrySendError::Full(_)) if started.elapsed() > PATIENCE => {
                    return Err(too_slow());
                }
                Err(mpsc::error::TrySendError::Full(page)) => next = page,
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn too_slow() -> Error {
    Error::unavailable("the reader of a snapshot took no page for an hour")
}

impl Driver {
    /// Opens a snapshot of these tables.
    pub(crate) async fn snapshot<T: Send + 'static>(
        &self,
        scans: Vec<Scan>,
        convert: Convert<T>,
    ) -> Result<Snapshot<T>> {
        let (pages, received) = mpsc::channel(WAITING_PAGES);
        let (opened, is_open) = oneshot::channel();
        let (failure, failed) = oneshot::channel();
        let sink = Sink { pages, opened: Some(opened), failure, convert };
        match self {
            Self::MySql(driver) => driver.snapshot(scans, sink),
            Self::Sqlite(driver) => driver.snapshot(scans, sink)?,
        }
        match is_open.await {
            Ok(result) => result.map(|()| Snapshot { pages: received, failure: failed }),
            Err(_) => Err(Error::broken("the work on the database did not end normally")),
        }
    }
}
