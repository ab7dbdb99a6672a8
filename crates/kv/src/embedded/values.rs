//! Values, counters, sets and named leases as rows. What has expired is never returned; it is
//! deleted by [`sweep`].

use rusqlite::{Connection, OptionalExtension, Rows, params};
use sha2::{Digest, Sha256};

use super::Times;
use crate::{Error, Result};

/// Writes a value.
pub(super) fn set(
    db: &Connection,
    key: &[u8],
    value: &[u8],
    expires_ms: Option<i64>,
) -> Result<()> {
    let sql = "INSERT INTO value (key, value, expires_ms) VALUES (?1, ?2, ?3)
        ON CONFLICT (key) DO UPDATE SET value = ?2, expires_ms = ?3";
    db.prepare_cached(sql)?.execute(params![key, value, expires_ms])?;
    Ok(())
}

/// A value and when it expires.
fn read(db: &Connection, now_ms: i64, key: &[u8]) -> Result<Option<(Vec<u8>, Option<i64>)>> {
    let sql = "SELECT value, expires_ms FROM value
        WHERE key = ?1 AND (expires_ms IS NULL OR expires_ms > ?2)";
    let mut select = db.prepare_cached(sql)?;
    Ok(select.query_row(params![key, now_ms], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// A value.
pub(super) fn get(db: &Connection, now_ms: i64, key: &[u8]) -> Result<Option<Vec<u8>>> {
    Ok(read(db, now_ms, key)?.map(|(value, _)| value))
}

/// Adds to a counter and returns its new value.
pub(super) fn count(
    db: &Connection,
    now_ms: i64,
    key: &str,
    by: i64,
    new_expires_ms: Option<i64>,
) -> Result<i64> {
    let (old, expires_ms) = match read(db, now_ms, key.as_bytes())? {
        None => (Some(0), None),
        Some((value, expires_ms)) => (whole_number(&value), expires_ms),
    };
    let new = old.and_then(|old| old.checked_add(by)).ok_or_else(|| {
        Error::Broken("a counter holds no whole number, or too great a one".into())
    })?;
    let text = new.to_string();
    set(db, key.as_bytes(), text.as_bytes(), new_expires_ms.or(expires_ms))?;
    Ok(new)
}

/// Sets a counter to zero and returns what it was, unless it was zero or no number.
pub(super) fn reset(db: &Connection, now_ms: i64, key: &str) -> Result<Option<i64>> {
    let Some((value, expires_ms)) = read(db, now_ms, key.as_bytes())? else { return Ok(None) };
    let Some(number) = whole_number(&value).filter(|number| *number != 0) else { return Ok(None) };
    set(db, key.as_bytes(), b"0", expires_ms)?;
    Ok(Some(number))
}

/// A number, if it is written the one way that counters are.
fn whole_number(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

/// Adds a member to a set. Kept are eight bytes of a digest: enough to tell members apart, and all
/// members take the same little space.
pub(super) fn add_unique(
    db: &Connection,
    now_ms: i64,
    key: &str,
    member: &str,
    expires_ms: Option<i64>,
) -> Result<()> {
    let sql = "DELETE FROM unique_set WHERE key = ?1 AND expires_ms <= ?2";
    if db.prepare_cached(sql)?.execute(params![key, now_ms])? > 0 {
        db.prepare_cached("DELETE FROM unique_member WHERE key = ?1")?.execute([key])?;
    }
    let sql = "INSERT INTO unique_set (key, expires_ms) VALUES (?1, ?2)
        ON CONFLICT (key) DO UPDATE SET expires_ms = coalesce(?2, expires_ms)";
    db.prepare_cached(sql)?.execute(params![key, expires_ms])?;
    let digest: [u8; 32] = Sha256::digest(member.as_bytes()).into();
    let hash = digest.into_iter().take(8).fold(0, |hash, byte| hash << 8 | i64::from(byte));
    let sql = "INSERT OR IGNORE INTO unique_member (key, hash) VALUES (?1, ?2)";
    db.prepare_cached(sql)?.execute(params![key, hash])?;
    Ok(())
}

/// The size of the union of sets.
pub(super) fn unique_count(db: &Connection, now_ms: i64, keys: &[String]) -> Result<u64> {
    let sql = "SELECT count(DISTINCT hash) FROM unique_member WHERE key IN (
        SELECT key FROM unique_set WHERE key IN (SELECT value FROM json_each(?1))
        AND (expires_ms IS NULL OR expires_ms > ?2))";
    let keys = serde_json::Value::from(keys).to_string();
    let count: i64 = db.prepare_cached(sql)?.query_row(params![keys, now_ms], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Removes a value, a counter or a set.
pub(super) fn delete(db: &Connection, key: &[u8]) -> Result<()> {
    db.prepare_cached("DELETE FROM value WHERE key = ?1")?.execute([key])?;
    if let Ok(key) = std::str::from_utf8(key) {
        db.prepare_cached("DELETE FROM unique_set WHERE key = ?1")?.execute([key])?;
        db.prepare_cached("DELETE FROM unique_member WHERE key = ?1")?.execute([key])?;
    }
    Ok(())
}

/// Names of values, counters and sets.
pub(super) fn names(db: &Connection, now_ms: i64, prefix: &str) -> Result<Vec<String>> {
    let sql = "SELECT key FROM value WHERE key >= ?1 AND (expires_ms IS NULL OR expires_ms > ?2)
        ORDER BY key";
    let mut select = db.prepare_cached(sql)?;
    let mut names = beginning_with(select.query(params![prefix.as_bytes(), now_ms])?, prefix)?;
    let sql = "SELECT key FROM unique_set WHERE key >= ?1
        AND (expires_ms IS NULL OR expires_ms > ?2) ORDER BY key";
    let mut select = db.prepare_cached(sql)?;
    names.extend(beginning_with(select.query(params![prefix, now_ms])?, prefix)?);
    Ok(names)
}

/// The names, from rows in their order, as long as they begin with `prefix`; none that is not
/// text.
pub(super) fn beginning_with(mut rows: Rows<'_>, prefix: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?;
        if !name.starts_with(prefix.as_bytes()) {
            break;
        }
        names.extend(String::from_utf8(name.to_vec()));
    }
    Ok(names)
}

/// Takes or renews a named lease.
pub(super) fn hold(db: &Connection, times: &Times, name: &str, holder: &str) -> Result<bool> {
    let sql = "INSERT INTO held (name, holder, expires_ms) VALUES (?1, ?2, ?3)
        ON CONFLICT (name) DO UPDATE SET holder = ?2, expires_ms = ?3
        WHERE holder = ?2 OR expires_ms <= ?4 OR expires_ms > ?5";
    let row = params![name, holder, times.deadline, times.now, times.furthest];
    Ok(db.prepare_cached(sql)?.execute(row)? > 0)
}

/// Gives a named lease up.
pub(super) fn release(db: &Connection, name: &str, holder: &str) -> Result<()> {
    let sql = "DELETE FROM held WHERE name = ?1 AND holder = ?2";
    db.prepare_cached(sql)?.execute([name, holder])?;
    Ok(())
}

/// Deletes expired rows, at most `limit` values and members each. True when there may be more.
pub(super) fn sweep(db: &Connection, now_ms: i64, limit: u32) -> Result<bool> {
    let sql = "DELETE FROM value WHERE key IN (
        SELECT key FROM value WHERE expires_ms <= ?1 LIMIT ?2)";
    let values = db.prepare_cached(sql)?.execute(params![now_ms, limit])?;
    let sql = "DELETE FROM unique_member WHERE (key, hash) IN (
        SELECT key, hash FROM unique_member WHERE key IN (
            SELECT key FROM unique_set WHERE expires_ms <= ?1) LIMIT ?2)";
    let members = db.prepare_cached(sql)?.execute(params![now_ms, limit])?;
    let limit = limit as usize;
    if members < limit {
        db.prepare_cached("DELETE FROM unique_set WHERE expires_ms <= ?1")?.execute([now_ms])?;
    }
    Ok(values == limit || members == limit)
}
