//! Merging many stations of an imported file into their tables.
//!
//! What becomes of a row is a rule of the domain; here its one input, the time of the last change
//! of what is known, is read and what it says is written, in one transaction per call. Rows come
//! sorted, so that both databases write their trees from left to right.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDateTime;
use ichnaea_domain::cell::{AreaKey, KeyBytes};
use ichnaea_domain::import::merge::{Overwrites, Verdict, decide};
use ichnaea_domain::station::{Kind, Shard, Station, StationKey};
use mysql_async::prelude::Queryable as _;
use rusqlite::params_from_iter;

use crate::Store;
use crate::dialect::{Dialect, key_list};
use crate::driver::mysql::{Failure, MySql};
use crate::driver::sqlite::Sqlite;
use crate::driver::{Driver, Rows, Statement, Value, WHOLE_TABLE};
use crate::error::{Error, Result};
use crate::station::{data_columns, insert_head, key_column, values};

/// How rows are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The import they belong to.
    pub import: u32,
    /// Cells that are written may not be in a public file.
    pub is_restricted: bool,
    /// How much of a known station is overwritten.
    pub overwrites: Overwrites,
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Stations that were not known.
    pub added: u64,
    /// Stations that were known and older.
    pub updated: u64,
    /// Stations that were known and as new or newer.
    pub unchanged: u64,
}

impl Merged {
    /// Adds what became of other rows.
    pub fn add(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
    }

    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Insert => self.added += 1,
            Verdict::Update => self.updated += 1,
            Verdict::Keep => self.unchanged += 1,
        }
    }
}

/// What a public file of cells overwrites, and what it only fills in.
const POSITION: &str = "lat, lon, radius, samples, created, modified";
const BOX: [&str; 4] = ["max_lat", "min_lat", "max_lon", "min_lon"];

/// How many rows one transaction writes. Others who want to write to an SQLite file wait for it:
/// this many take a quarter of a second. On a server only those wait who want the same rows.
const SQLITE_ROWS: usize = 30_000;
const SERVER_ROWS: usize = 10_000;

/// Twice as long as others take to see that an SQLite file is free.
const SQLITE_PAUSE: Duration = Duration::from_millis(8);

/// How many rows are looked for by one statement.
const KEYS_PER_STATEMENT: usize = 1000;

/// Pages that the writing connection keeps while it merges, in KiB: most of an index that is written
/// all over the place, such as that of the times of change.
const CACHE_KIB: i64 = 96 * 1024;

/// Pages that gather in the journal before they are written to the file, 256 MB. Every transaction
/// changes many of the same pages, which are then written once.
const CHECKPOINT_PAGES: u32 = 65_536;

/// How often a transaction is tried in all on a server.
const TRIES: u32 = 6;

impl Store {
    /// How many rows [`Store::merge_stations`] should get at once.
    #[must_use]
    pub const fn merge_size(&self) -> usize {
        match self.driver.dialect() {
            Dialect::Sqlite => SQLITE_ROWS,
            Dialect::MySql => SERVER_ROWS,
        }
    }

    /// How many calls of [`Store::merge_stations`] are worth running at the same time.
    #[must_use]
    pub const fn merge_width(&self) -> usize {
        match self.driver.dialect() {
            Dialect::Sqlite => 1,
            Dialect::MySql => 2,
        }
    }

    /// How long to pause between two calls, so that others who want to write get their turn.
    #[must_use]
    pub const fn merge_pause(&self) -> Duration {
        match self.driver.dialect() {
            Dialect::Sqlite => SQLITE_PAUSE,
            Dialect::MySql => Duration::ZERO,
        }
    }

    /// Merges stations of one table, each once and in the order of their keys, in one transaction.
    /// Beside the counts come the areas of cells that were written.
    pub async fn merge_stations(
        &self,
        shard: Shard,
        rows: Arc<Vec<(StationKey, Station)>>,
        how: Merge,
    ) -> Result<(Merged, Vec<AreaKey>)> {
        self.must_be_writable()?;
        if rows.is_empty() {
            return Ok(Default::default());
        }
        let target = Target::new(self.driver.dialect(), shard, how);
        match &self.driver {
            Driver::Sqlite(driver) => merge_sqlite(driver, target, rows).await,
            Driver::MySql(driver) => merge_mysql(driver, target, rows).await,
        }
    }

    /// What [`Store::merge_stations`] would do; nothing is written.
    pub async fn preview_merge(
        &self,
        shard: Shard,
        rows: &[(StationKey, Option<NaiveDateTime>)],
    ) -> Result<Merged> {
        let (table, key) = (shard.table(), key_column(shard));
        let mut merged = Merged::default();
        for rows in rows.chunks(KEYS_PER_STATEMENT) {
            let keys: Vec<KeyBytes> = rows.iter().map(|(key, _)| key.bytes()).collect();
            let keys = key_list(&keys);
            let text = format!("SELECT {key}, modified FROM {table} WHERE {key} IN ({keys})");
            let found = self.driver.query(Statement::plain(text)).await?;
            let known: HashMap<Vec<u8>, Option<NaiveDateTime>> =
                found.iter().map(|row| (row.bytes(0).to_vec(), row.date_time(1))).collect();
            for (key, modified) in rows {
                merged.count(decide(known.get(&key.bytes()[..]).copied(), *modified));
            }
        }
        Ok(merged)
    }
}

/// The statements for one table.
#[derive(Clone)]
struct Target {
    table: String,
    key: &'static str,
    insert: String,
    tail: String,
    /// Where written cells are noted, when they are.
    restricted: Option<(String, String, u32)>,
}

impl Target {
    fn new(dialect: Dialect, shard: Shard, how: Merge) -> Self {
        let key = key_column(shard);
        let tail = match how.overwrites {
            Overwrites::Everything => dialect.on_conflict_update(key, &data_columns(shard)),
            Overwrites::Position => {
                let psc = if shard.kind() == Kind::Cell { ", psc" } else { "" };
                let overwritten = dialect.on_conflict_update(key, &format!("{POSITION}{psc}"));
                let filled = BOX.map(|column| dialect.filled_in(column));
                format!("{overwritten}, {}", filled.join(", "))
            }
        };
        let is_noted = how.is_restricted && shard.kind() == Kind::Cell;
        let restricted = is_noted.then(|| {
            let head = "INSERT INTO restricted_cell (cellid, import_id)".to_owned();
            (head, dialect.on_conflict_update("cellid", "import_id"), how.import)
        });
        Self { table: shard.table(), key, insert: insert_head(shard), tail, restricted }
    }

    /// Finds out whether there is anything between two keys.
    fn any_between(&self) -> String {
        let Self { table, key, .. } = self;
        format!("SELECT 1 FROM {table} WHERE {key} >= ? AND {key} <= ? LIMIT 1")
    }
}

fn first_and_last(rows: &[(StationKey, Station)]) -> Option<(KeyBytes, KeyBytes)> {
    Some((rows.first()?.0.bytes(), rows.last()?.0.bytes()))
}

/// Notes the area of a cell. Cells come in the order of their areas.
fn touch(areas: &mut Vec<AreaKey>, key: &StationKey) {
    if let StationKey::Cell(cell) = key
        && areas.last() != Some(&cell.area)
    {
        areas.push(cell.area);
    }
}

async fn merge_sqlite(
    driver: &Sqlite,
    target: Target,
    rows: Arc<Vec<(StationKey, Station)>>,
) -> Result<(Merged, Vec<AreaKey>)> {
    driver
        .with_writer(WHOLE_TABLE, move |connection| {
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
            // A power cut may take back the last of these transactions, but never one without those
            // after it, and the note that an import is finished is synced like everything else.
            connection.pragma_update(None, "synchronous", "normal")?;
            let merged = commit_sqlite(connection, &target, &rows);
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK")?;
            }
            connection.pragma_update(None, "synchronous", "full")?;
            merged
        })
        .await
}

fn commit_sqlite(
    connection: &rusqlite::Connection,
    target: &Target,
    rows: &[(StationKey, Station)],
) -> Result<(Merged, Vec<AreaKey>)> {
    connection.execute_batch(Dialect::Sqlite.begin())?;
    let merged = write_sqlite(connection, target, rows)?;
    connection.execute_batch("COMMIT")?;
    Ok(merged)
}

fn write_sqlite(
    connection: &rusqlite::Connection,
    target: &Target,
    rows: &[(StationKey, Station)],
) -> Result<(Merged, Vec<AreaKey>)> {
    let Some((first, last)) = first_and_last(rows) else { return Ok(Default::default()) };
    let Target { table, key, insert, tail, restricted } = target;
    // A file that is new brings stations that are new: then none has to be looked for.
    let is_known =
        connection.prepare_cached(&target.any_between())?.exists([&first[..], &last[..]])?;
    let mut look =
        connection.prepare_cached(&format!("SELECT modified FROM {table} WHERE {key} = ?"))?;
    let columns = rows.first().map_or(0, |(key, station)| values(*key, station).len());
    let places = vec!["?"; columns].join(",");
    let mut write = connection.prepare_cached(&format!("{insert} VALUES ({places}) {tail}"))?;
    let mut note = restricted
        .as_ref()
        .map(|(head, tail, import)| {
            let text = format!("{head} VALUES (?,?) {tail}");
            connection.prepare_cached(&text).map(|statement| (statement, *import))
        })
        .transpose()?;
    let (mut merged, mut areas) = (Merged::default(), Vec::new());
    for (key, station) in rows {
        let bytes = key.bytes();
        let mut known = None;
        if is_known {
            let mut found = look.query([&bytes[..]])?;
            if let Some(row) = found.next()? {
                known = Some(crate::driver::Row(vec![row.get_ref(0)?.into()]).date_time(0));
            }
        }
        let verdict = decide(known, station.modified);
        merged.count(verdict);
        if verdict == Verdict::Keep {
            continue;
        }
        touch(&mut areas, key);
        write.execute(params_from_iter(&values(*key, station)))?;
        if let Some((note, import)) = &mut note {
            note.execute((&bytes[..], *import))?;
        }
    }
    Ok((merged, areas))
}

async fn merge_mysql(
    driver: &MySql,
    target: Target,
    rows: Arc<Vec<(StationKey, Station)>>,
) -> Result<(Merged, Vec<AreaKey>)> {
    let target = Arc::new(target);
    let mut tries = 0;
    loop {
        tries += 1;
        let (target, rows) = (Arc::clone(&target), Arc::clone(&rows));
        let attempt = driver
            .run(Some(WHOLE_TABLE), move |conn| {
                Box::pin(async move {
                    // Looking for rows that are not there must not lock the gaps they would be in.
                    conn.query_drop("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                    conn.query_drop(Dialect::MySql.begin()).await?;
                    let result = write_mysql(conn, &target, &rows).await;
                    match &result {
                        Ok(_) => conn.query_drop("COMMIT").await?,
                        Err(Failure::Driver(error)) if error.is_fatal() => {}
                        Err(_) => conn.query_drop("ROLLBACK").await?,
                    }
                    result
                })
            })
            .await;
        match attempt {
            // A worker had some of the rows, or inserted one of them first.
            Err(Error::Busy(_)) if tries < TRIES => {
                tokio::time::sleep(Duration::from_millis(50 << tries)).await;
            }
            done => return done,
        }
    }
}

async fn write_mysql(
    conn: &mut mysql_async::Conn,
    target: &Target,
    rows: &[(StationKey, Station)],
) -> std::result::Result<(Merged, Vec<AreaKey>), Failure> {
    let Some((first, last)) = first_and_last(rows) else { return Ok(Default::default()) };
    let Target { table, key, insert, tail, restricted } = target;
    let any: Option<u8> =
        conn.exec_first(target.any_between(), (first.to_vec(), last.to_vec())).await?;
    let mut known = HashMap::new();
    if any.is_some() {
        for rows in rows.chunks(KEYS_PER_STATEMENT) {
            let keys: Vec<KeyBytes> = rows.iter().map(|(key, _)| key.bytes()).collect();
            let keys = key_list(&keys);
            let lock = Dialect::MySql.for_update();
            let text = format!("SELECT {key}, modified FROM {table} WHERE {key} IN ({keys}){lock}");
            for row in crate::driver::mysql::query(conn, Statement::plain(text)).await? {
                known.insert(row.bytes(0).to_vec(), row.date_time(1));
            }
        }
    }
    let (mut merged, mut areas) = (Merged::default(), Vec::new());
    let (mut inserts, mut updates, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for (key, station) in rows {
        let bytes = key.bytes();
        let verdict = decide(known.get(&bytes[..]).copied(), station.modified);
        merged.count(verdict);
        match verdict {
            Verdict::Insert => inserts.push(values(*key, station)),
            Verdict::Update => updates.push(values(*key, station)),
            Verdict::Keep => continue,
        }
        touch(&mut areas, key);
        if let Some((_, _, import)) = restricted {
            notes.push(vec![bytes.into(), Value::from(*import)]);
        }
    }
    // A row that somebody inserted meanwhile is a duplicate key, after which all is decided again.
    let mut writes = vec![
        Rows { head: insert.clone(), tail: String::new(), values: inserts },
        Rows { head: insert.clone(), tail: tail.clone(), values: updates },
    ];
    if let Some((head, tail, _)) = restricted {
        writes.push(Rows { head: head.clone(), tail: tail.clone(), values: notes });
    }
    for rows in writes {
        for text in rows.texts() {
            conn.query_drop(text).await?;
        }
    }
    Ok((merged, areas))
}
