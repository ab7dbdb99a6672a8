//! Queues and batches as rows.
//!
//! The items of a queue are numbered without a gap, and always leave from the front. So what waits
//! is a range of numbers, a batch is one too, and taking a batch moves a boundary instead of rows.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::Times;
use super::values::beginning_with;
use crate::{Error, QueueState, Result, Taken};

/// The boundaries of what waits: `after < number <= last`.
struct Waiting {
    queue: i64,
    after: i64,
    last: i64,
    pushed_ms: i64,
}

impl Waiting {
    fn read(db: &Connection, queue: &str) -> Result<Option<Self>> {
        let sql = "SELECT id, after_number, last_number, pushed_ms FROM queue WHERE name = ?1";
        let found = db.prepare_cached(sql)?.query_row([queue], |row| {
            let (queue, after, last) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Self { queue, after, last, pushed_ms: row.get(3)? })
        });
        Ok(found.optional()?)
    }

    /// That of a queue which need not be there yet.
    fn read_or_make(db: &Connection, queue: &str, now_ms: i64) -> Result<Self> {
        if let Some(waiting) = Self::read(db, queue)? {
            return Ok(waiting);
        }
        let sql = "INSERT INTO queue (name, after_number, last_number, pushed_ms)
            VALUES (?1, 0, 0, ?2) RETURNING id";
        let id = db.prepare_cached(sql)?.query_row(params![queue, now_ms], |row| row.get(0))?;
        if id > LAST_QUEUE {
            return Err(Error::Broken("too many queues at the same time".into()));
        }
        Ok(Self { queue: id, after: 0, last: 0, pushed_ms: now_ms })
    }

    fn write(&self, db: &Connection) -> Result<()> {
        let sql =
            "UPDATE queue SET after_number = ?2, last_number = ?3, pushed_ms = ?4 WHERE id = ?1";
        let row = params![self.queue, self.after, self.last, self.pushed_ms];
        db.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }
}

/// Appends items; with `keep`, drops the oldest waiting ones beyond that many.
pub(super) fn push(
    db: &Connection,
    now_ms: i64,
    queue: &str,
    items: &[Vec<u8>],
    keep: Option<usize>,
) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let mut waiting = Waiting::read_or_make(db, queue, now_ms)?;
    waiting.pushed_ms = now_ms;
    insert_items(db, waiting.queue, waiting.last + 1, items)?;
    waiting.last += len(items)?;
    if let Some(keep) = keep.and_then(|keep| i64::try_from(keep).ok()) {
        let boundary = waiting.last - keep;
        if boundary > waiting.after {
            delete_items(db, waiting.queue, waiting.after + 1, boundary)?;
            waiting.after = boundary;
        }
    }
    waiting.write(db)
}

/// Drops everything that waits.
pub(super) fn clear(db: &Connection, queue: &str) -> Result<()> {
    let Some(mut waiting) = Waiting::read(db, queue)? else { return Ok(()) };
    delete_items(db, waiting.queue, waiting.after + 1, waiting.last)?;
    waiting.after = waiting.last;
    waiting.write(db)?;
    forget_empty(db, waiting.queue)
}

/// Takes a batch that is due again, else a new one called `id`.
pub(super) fn take(
    db: &Connection,
    queue: &str,
    max: usize,
    times: &Times,
    id: String,
) -> Result<Option<Taken>> {
    let sql = "SELECT id, first_number, last_number FROM lease
        WHERE queue = ?1 AND (deadline_ms <= ?2 OR deadline_ms > ?3) ORDER BY deadline_ms, id LIMIT 1";
    let of_due = params![queue, times.now, times.furthest];
    let due = db
        .prepare_cached(sql)?
        .query_row(of_due, |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)));
    let Some(mut waiting) = Waiting::read(db, queue)? else { return Ok(None) };
    if let Some((id, first, last)) = due.optional()? {
        set_deadline(db, queue, &id, times.deadline)?;
        let items = items(db, waiting.queue, first, last)?;
        return Ok(Some(Taken { id, items, again: true }));
    }
    let len = if max == 0 { i64::MAX } else { i64::try_from(max).unwrap_or(i64::MAX) };
    let (first, last) = (waiting.after + 1, waiting.last.min(waiting.after.saturating_add(len)));
    if first > last {
        return Ok(None);
    }
    waiting.after = last;
    waiting.write(db)?;
    let sql = "INSERT INTO lease (queue, id, first_number, last_number, deadline_ms)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    db.prepare_cached(sql)?.execute(params![queue, id, first, last, times.deadline])?;
    Ok(Some(Taken { id, items: items(db, waiting.queue, first, last)?, again: false }))
}

/// Sets the deadline of a batch. False when it is gone.
pub(super) fn set_deadline(
    db: &Connection,
    queue: &str,
    id: &str,
    deadline_ms: i64,
) -> Result<bool> {
    let sql = "UPDATE lease SET deadline_ms = ?3 WHERE queue = ?1 AND id = ?2";
    Ok(db.prepare_cached(sql)?.execute(params![queue, id, deadline_ms])? > 0)
}

/// Removes a batch and its items. False when it is gone.
pub(super) fn remove(db: &Connection, queue: &str, id: &str) -> Result<bool> {
    let sql = "DELETE FROM lease WHERE queue = ?1 AND id = ?2 RETURNING first_number, last_number";
    let range =
        db.prepare_cached(sql)?.query_row([queue, id], |row| Ok((row.get(0)?, row.get(1)?)));
    let Some((first, last)) = range.optional()? else { return Ok(false) };
    if let Some(waiting) = Waiting::read(db, queue)? {
        delete_items(db, waiting.queue, first, last)?;
        forget_empty(db, waiting.queue)?;
    }
    Ok(true)
}

/// Removes a queue of which nothing waits or is in flight: names can come from what strangers send.
fn forget_empty(db: &Connection, queue: i64) -> Result<()> {
    let sql = "DELETE FROM queue WHERE id = ?1 AND after_number >= last_number
        AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.queue = queue.name)";
    db.prepare_cached(sql)?.execute([queue])?;
    Ok(())
}

/// Puts a finished batch back in flight. Its items get numbers before all others of the queue, so
/// that what waits stays a range.
pub(super) fn restore(
    db: &Connection,
    now_ms: i64,
    queue: &str,
    id: &str,
    items: &[Vec<u8>],
) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let waiting = Waiting::read_or_make(db, queue, now_ms)?;
    let sql = "SELECT coalesce(min(id), ?2) - ?1 FROM item WHERE id BETWEEN ?1 - ?3 AND ?2";
    let row = params![item_id(waiting.queue, 0), item_id(waiting.queue, 1), FURTHEST];
    let before: i64 = db.prepare_cached(sql)?.query_row(row, |row| row.get(0))?;
    let first = before - len(items)?;
    let sql = "INSERT INTO lease (queue, id, first_number, last_number, deadline_ms)
        SELECT ?1, ?2, ?3, ?4, 0
        WHERE NOT EXISTS (SELECT 1 FROM lease WHERE queue = ?1 AND id = ?2)";
    if db.prepare_cached(sql)?.execute(params![queue, id, first, before - 1])? == 0 {
        return Err(Error::Broken("a batch of this id is in flight".into()));
    }
    insert_items(db, waiting.queue, first, items)
}

/// The state of a queue.
pub(super) fn state(db: &Connection, now_ms: i64, queue: &str) -> Result<QueueState> {
    let sql = "SELECT coalesce(sum(last_number - first_number + 1), 0) FROM lease WHERE queue = ?1";
    let in_flight: i64 = db.prepare_cached(sql)?.query_row([queue], |row| row.get(0))?;
    let state = QueueState { len: 0, in_flight: in_flight.unsigned_abs(), age: None };
    Ok(match Waiting::read(db, queue)? {
        Some(waiting) if waiting.last > waiting.after => QueueState {
            len: (waiting.last - waiting.after).unsigned_abs(),
            age: Some(Duration::from_millis(
                u64::try_from(now_ms - waiting.pushed_ms).unwrap_or(0),
            )),
            ..state
        },
        _ => state,
    })
}

/// Waiting items, leaving out the `start` oldest.
pub(super) fn peek(
    db: &Connection,
    queue: &str,
    start: usize,
    count: usize,
) -> Result<Vec<Vec<u8>>> {
    let Some(waiting) = Waiting::read(db, queue)? else { return Ok(Vec::new()) };
    let add = |number: i64, more| number.saturating_add(i64::try_from(more).unwrap_or(i64::MAX));
    let after = add(waiting.after, start).min(waiting.last);
    items(db, waiting.queue, after + 1, waiting.last.min(add(after, count)))
}

/// Names of queues in which something waits.
pub(super) fn names(db: &Connection, prefix: &str) -> Result<Vec<String>> {
    let sql =
        "SELECT name FROM queue WHERE name >= ?1 AND last_number > after_number ORDER BY name";
    beginning_with(db.prepare_cached(sql)?.query([prefix])?, prefix)
}

/// Names of queues in which something waits or is in flight.
pub(super) fn all_names(db: &Connection, prefix: &str) -> Result<Vec<String>> {
    let sql = "SELECT name FROM queue WHERE name >= ?1 AND last_number > after_number
        UNION SELECT queue FROM lease WHERE queue >= ?1 ORDER BY 1";
    beginning_with(db.prepare_cached(sql)?.query([prefix])?, prefix)
}

/// The ids of all batches in flight.
pub(super) fn in_flight(db: &Connection) -> Result<Vec<String>> {
    let mut select = db.prepare_cached("SELECT id FROM lease ORDER BY id")?;
    let ids = select.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// The furthest number of an item from zero, exclusive: enough for a thousand million a day in a queue that is
/// not empty once in 24 years. An empty one begins anew.
const FURTHEST: i64 = 1 << 43;

/// The largest id of a queue for which those of items have room.
const LAST_QUEUE: i64 = i64::MAX / (2 * FURTHEST);

/// The id of an item: those of a queue lie side by side.
const fn item_id(queue: i64, number: i64) -> i64 {
    queue * 2 * FURTHEST + number
}

fn len(items: &[Vec<u8>]) -> Result<i64> {
    i64::try_from(items.len()).map_err(|_| Error::Broken("too many items".into()))
}

fn insert_items(db: &Connection, queue: i64, first: i64, items: &[Vec<u8>]) -> Result<()> {
    let mut insert = db.prepare_cached("INSERT INTO item (id, item) VALUES (?1, ?2)")?;
    for (id, item) in (item_id(queue, first)..).zip(items) {
        insert.execute(params![id, item])?;
    }
    Ok(())
}

fn items(db: &Connection, queue: i64, first: i64, last: i64) -> Result<Vec<Vec<u8>>> {
    let sql = "SELECT item FROM item WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    let mut select = db.prepare_cached(sql)?;
    let range = [item_id(queue, first), item_id(queue, last)];
    let rows = select.query_map(range, |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn delete_items(db: &Connection, queue: i64, first: i64, last: i64) -> Result<()> {
    let sql = "DELETE FROM item WHERE id BETWEEN ?1 AND ?2";
    db.prepare_cached(sql)?.execute([item_id(queue, first), item_id(queue, last)])?;
    Ok(())
}
