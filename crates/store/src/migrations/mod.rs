//! The schema and how a database gets it.
//!
//! Two histories make it. The first is the original's chain of revisions, which its table
//! `alembic_version` tells: a server database at any of them is brought to the last one. The
//! second is ours, numbered, in a table of its own: the layout of the original at its last
//! revision, which changes nothing where the chain was walked and is all there is on SQLite, and
//! what we add, tables and nullable columns, which the original does not notice. So
//! `alembic_version` never says anything that the original does not know.

mod chain;
mod change;
mod revision;
mod schema;

use std::sync::Arc;
use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use refinery::{Migration, Runner};
use revision::{HEAD, SQLITE_REVISIONS, position};
pub use revision::{REVISIONS, Revision};

use crate::Store;
use crate::dialect::Dialect;
use crate::driver::mysql::{Failure, MySql};
use crate::driver::sqlite::Sqlite;
use crate::driver::{Driver, Statement};
use crate::error::{Error, Result};

/// Where the runner notes which of our migrations were applied.
const HISTORY: &str = "refinery_schema_history";

/// The table that names the original's revision.
const VERSIONS: &str = "alembic_version";

/// How long migrating may take: an index on a large table is made for hours.
const PATIENCE: Duration = Duration::from_hours(48);

/// How long one process waits for another that is migrating, in seconds.
const LOCK_WAIT_S: u32 = 600;

/// How long a change waits for transactions that use its table, in seconds. While it waits,
/// everybody else who wants the table waits behind it.
const TABLE_WAIT_S: u32 = 60;

/// A second process may find that the first was a moment faster; then it looks again.
const TRIES: u32 = 3;

/// A step along the original's revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The revision before the step; `None` before the first.
    pub from: Option<&'static str>,
    /// The revision after it; `None` when the tables are gone.
    pub to: Option<&'static str>,
    /// The title of the revision that is made or undone.
    pub title: &'static str,
}

/// Is told of every step before it is made.
pub type Note = Arc<dyn Fn(Step) + Send + Sync>;

impl Store {
    /// The original's revisions this kind of database may be at, oldest first.
    #[must_use]
    pub const fn revisions(&self) -> &'static [Revision] {
        match self.driver.dialect() {
            Dialect::MySql => &REVISIONS,
            Dialect::Sqlite => &SQLITE_REVISIONS,
        }
    }

    /// The revisions the version table names, sorted; none when there is no such table.
    pub async fn applied_revisions(&self) -> Result<Vec<String>> {
        if self.has_table(VERSIONS).await? { self.schema_versions().await } else { Ok(Vec::new()) }
    }

    /// How many of [`Store::revisions`] the database has.
    pub async fn position(&self) -> Result<usize> {
        position(self.revisions(), &self.applied_revisions().await?).map_err(Error::broken)
    }

    /// Brings the schema up to date; what was applied now, by name.
    ///
    /// May be called by several processes at once, and again after it was stopped.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        self.upgrade(None, Arc::new(|_| {})).await
    }

    /// Brings the schema to a revision of the original, or up to date with all that we add; what
    /// was applied now, by name. A schema that is past the revision stays as it is.
    pub async fn upgrade(&self, to: Option<Revision>, note: Note) -> Result<Vec<String>> {
        self.must_be_writable()?;
        let migrations = migrations(self.driver.dialect())?;
        match &self.driver {
            Driver::MySql(driver) => {
                locked(driver, move |conn, options| {
                    Box::pin(async move {
                        let to = to.filter(|revision| revision.id != HEAD);
                        let mut applied = climb(conn, to, &note).await?;
                        if to.is_none() {
                            applied.extend(add_ours(options, &migrations).await?);
                        }
                        Ok(applied)
                    })
                })
                .await
            }
            Driver::Sqlite(driver) => migrate_sqlite(driver, migrations, note).await,
        }
    }

    /// Takes the schema back to a revision of the original; `None` removes all tables with all
    /// that is in them, ours too. The revisions that were undone, by name.
    pub async fn downgrade(&self, to: Option<Revision>, note: Note) -> Result<Vec<String>> {
        self.must_be_writable()?;
        let Driver::MySql(driver) = &self.driver else {
            return Err(Error::broken("an SQLite database has no older schema to go back to"));
        };
        locked(driver, move |conn, _options| Box::pin(descend(conn, to, note))).await
    }

    /// Makes the version table name this revision, or none, and changes nothing else; what it
    /// named before.
    pub async fn stamp(&self, to: Option<Revision>) -> Result<Vec<String>> {
        self.must_be_writable()?;
        let before = self.applied_revisions().await?;
        match &self.driver {
            Driver::MySql(driver) => {
                locked(driver, move |conn, _options| {
                    Box::pin(async move {
                        conn.query_drop(schema::VERSION).await?;
                        record(conn, to).await
                    })
                })
                .await?;
            }
            Driver::Sqlite(driver) => {
                driver.with_writer(PATIENCE, move |conn| stamp_sqlite(conn, to)).await?;
            }
        }
        Ok(before)
    }

    /// The names of what [`Store::migrate`] would apply.
    pub async fn pending_migrations(&self) -> Result<Vec<String>> {
        let numbers = self.applied_numbers().await?;
        let ours = migrations(self.driver.dialect())?
            .into_iter()
            .filter(|migration| !numbers.contains(&i64::from(migration.version())))
            .map(|migration| migration.to_string());
        let is_new_file = self.driver.dialect() == Dialect::Sqlite && numbers.is_empty();
        let mut names = Vec::new();
        // Our first migration brings an SQLite database to the only revision it can have.
        if !is_new_file {
            let missing = self.revisions().iter().skip(self.position().await?);
            names.extend(missing.map(|revision| revision.id.to_owned()));
        }
        names.extend(ours);
        Ok(names)
    }

    async fn applied_numbers(&self) -> Result<Vec<i64>> {
        if !self.has_table(HISTORY).await? {
            return Ok(Vec::new());
        }
        let text = format!("SELECT version FROM {HISTORY}");
        let rows = self.driver.query(Statement::plain(text)).await?;
        Ok(rows.iter().filter_map(|row| row.int(0)).collect())
    }

    async fn has_table(&self, name: &str) -> Result<bool> {
        let text = self.driver.dialect().count_tables();
        let rows = self.driver.query(Statement::new(text, vec![name.into()])).await?;
        Ok(rows.first().and_then(|row| row.int::<u32>(0)).is_some_and(|count| count > 0))
    }
}

fn migrations(dialect: Dialect) -> Result<Vec<Migration>> {
    let texts = [
        ("V1__original", schema::original(dialect)),
        ("V2__additions", schema::additions(dialect)),
        ("V3__imports", schema::imports(dialect).to_owned()),
        ("V4__explain", schema::explain(dialect).to_owned()),
    ];
    let migration =
        |(name, sql): (&str, String)| Migration::unapplied(name, &sql).map_err(Error::broken);
    texts.into_iter().map(migration).collect()
}

fn runner(migrations: &[Migration]) -> Runner {
    // A newer release may have applied more than this one knows: all of it is additive.
    Runner::new(migrations).set_abort_missing(false)
}

fn names(report: &refinery::Report) -> Vec<String> {
    report.applied_migrations().iter().map(ToString::to_string).collect()
}

/// Work on a connection while no other process migrates this database.
type Work<'a, T> =
    std::pin::Pin<Box<dyn Future<Output = std::result::Result<T, Failure>> + Send + 'a>>;

/// Works on the schema of a server while no other process does.
async fn locked<T: Send + 'static>(
    driver: &MySql,
    work: impl for<'a> FnOnce(&'a mut Conn, mysql_async::Opts) -> Work<'a, T> + Send + 'static,
) -> Result<T> {
    let options = driver.options();
    // Names of locks are known to the whole server, so this one is made from the database's.
    let lock = "CONCAT('ichnaea.', SHA1(DATABASE()))";
    driver
        .run(Some(PATIENCE), move |conn| {
            Box::pin(async move {
                let is_held: Option<Option<u8>> =
                    conn.query_first(format!("SELECT GET_LOCK({lock}, {LOCK_WAIT_S})")).await?;
                if is_held.flatten() != Some(1) {
                    return Err(
                        Error::Busy("another process is migrating".to_owned().into()).into()
                    );
                }
                conn.query_drop(format!("SET SESSION lock_wait_timeout = {TABLE_WAIT_S}")).await?;
                let result = work(conn, options).await;
                conn.query_drop("SET SESSION lock_wait_timeout = DEFAULT").await?;
                conn.query_drop(format!("DO RELEASE_LOCK({lock})")).await?;
                result
            })
        })
        .await
}

/// Walks the original's revisions up, at most to this one.
async fn climb(
    conn: &mut Conn,
    to: Option<Revision>,
    note: &Note,
) -> std::result::Result<Vec<String>, Failure> {
    conn.query_drop(schema::VERSION).await?;
    let mut at = current(conn).await?;
    let mut applied = Vec::new();
    for revision in REVISIONS.into_iter().skip(at) {
        let is_past = to.is_some_and(|to| index(to) < at);
        if is_past {
            break;
        }
        note(Step { from: revision.parent, to: Some(revision.id), title: revision.title });
        for change in chain::upgrade(revision.id) {
            change.make(conn).await?;
        }
        record(conn, Some(revision)).await?;
        applied.push(revision.id.to_owned());
        at += 1;
    }
    Ok(applied)
}

/// Walks the original's revisions down, as far as this one.
async fn descend(
    conn: &mut Conn,
    to: Option<Revision>,
    note: Note,
) -> std::result::Result<Vec<String>, Failure> {
    conn.query_drop(schema::VERSION).await?;
    let at = current(conn).await?;
    let end = to.map_or(0, |to| index(to) + 1);
    let mut undone = Vec::new();
    for revision in REVISIONS.into_iter().take(at).skip(end).rev() {
        note(Step { from: Some(revision.id), to: revision.parent, title: revision.title });
        for change in chain::downgrade(revision.id) {
            change.make(conn).await?;
        }
        let parent = REVISIONS.into_iter().find(|other| Some(other.id) == revision.parent);
        record(conn, parent).await?;
        undone.push(revision.id.to_owned());
    }
    Ok(undone)
}

fn index(revision: Revision) -> usize {
    REVISIONS.iter().take_while(|other| other.id != revision.id).count()
}

async fn current(conn: &mut Conn) -> std::result::Result<usize, Failure> {
    let versions: Vec<String> = conn.query(format!("SELECT version_num FROM {VERSIONS}")).await?;
    position(&REVISIONS, &versions).map_err(|why| Failure::Ours(Error::Broken(why)))
}

async fn record(conn: &mut Conn, to: Option<Revision>) -> std::result::Result<(), Failure> {
    conn.query_drop(Dialect::MySql.begin()).await?;
    conn.query_drop(format!("DELETE FROM {VERSIONS}")).await?;
    if let Some(Revision { id, .. }) = to {
        conn.query_drop(format!("INSERT INTO {VERSIONS} (version_num) VALUES ('{id}')")).await?;
    }
    conn.query_drop("COMMIT").await?;
    Ok(())
}

/// Applies our own migrations.
async fn add_ours(options: mysql_async::Opts, migrations: &[Migration]) -> Result<Vec<String>> {
    let mut pool = mysql_async::Pool::new(options);
    let result = runner(migrations).run_async(&mut pool).await;
    pool.disconnect().await?;
    result.map(|report| names(&report)).map_err(|error| Error::broken(described(&error)))
}

async fn migrate_sqlite(
    driver: &Sqlite,
    migrations: Vec<Migration>,
    note: Note,
) -> Result<Vec<String>> {
    driver
        .with_writer(PATIENCE, move |connection| {
            // All migrations and the notes that they were applied are one transaction that begins
            // by locking the file. Whoever comes second fails in it and looks again.
            connection.set_transaction_behavior(rusqlite::TransactionBehavior::Immediate);
            let is_new = sqlite_versions(connection)?.is_empty();
            let [only] = SQLITE_REVISIONS;
            if is_new {
                note(Step { from: only.parent, to: Some(only.id), title: only.title });
            }
            let mut tries = 0;
            let mut applied = loop {
                tries += 1;
                match runner(&migrations).set_grouped(true).run(connection) {
                    Ok(report) => break names(&report),
                    Err(_) if tries < TRIES => {}
                    Err(error) => return Err(Error::broken(described(&error))),
                }
            };
            // The first migration notes the revision, unless it was applied long ago and the note
            // was taken away since.
            let versions = sqlite_versions(connection)?;
            if position(&SQLITE_REVISIONS, &versions).map_err(Error::broken)? == 0 {
                stamp_sqlite(connection, Some(only))?;
                applied.push(only.id.to_owned());
            }
            Ok(applied)
        })
        .await
}

fn sqlite_versions(connection: &rusqlite::Connection) -> Result<Vec<String>> {
    connection.execute_batch(schema::SQLITE_VERSION)?;
    let mut rows = connection.prepare(&format!("SELECT version_num FROM {VERSIONS}"))?;
    let versions = rows.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(versions)
}

fn stamp_sqlite(connection: &mut rusqlite::Connection, to: Option<Revision>) -> Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(schema::SQLITE_VERSION)?;
    transaction.execute(&format!("DELETE FROM {VERSIONS}"), [])?;
    if let Some(Revision { id, .. }) = to {
        transaction.execute(&format!("INSERT INTO {VERSIONS} (version_num) VALUES (?)"), [id])?;
    }
    transaction.commit()?;
    Ok(())
}

/// The whole chain of reasons; the outermost only says which migration failed.
fn described(error: &refinery::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(reason) = source {
        text = format!("{text}: {reason}");
        source = reason.source();
    }
    text
}

#[cfg(test)]
mod stopped;

#[cfg(test)]
mod tests {
    use super::*;

    /// A migration that was published is never edited: databases out there remember its checksum,
    /// and a changed one stops them. Add another migration instead of changing a number here.
    #[test]
    fn published_migrations_are_never_edited() {
        let checksums = |dialect| {
            let migrations = migrations(dialect).unwrap();
            migrations.iter().map(|one| (one.to_string(), one.checksum())).collect::<Vec<_>>()
        };
        let named = |sums: [u64; 4]| {
            let names = ["V1__original", "V2__additions", "V3__imports", "V4__explain"];
            let names = names.map(str::to_owned);
            names.into_iter().zip(sums).collect::<Vec<_>>()
        };
        let mysql = [
            7_231_332_168_474_128_723,
            8_268_044_028_386_868_496,
            15_826_773_763_818_485_199,
            13_500_152_038_972_429_759,
        ];
        assert_eq!(checksums(Dialect::MySql), named(mysql));
        let sqlite = [
            10_221_527_320_276_508_952,
            12_596_751_790_755_860_212,
            8_773_685_126_007_508_982,
            8_949_751_712_629_399_978,
        ];
        assert_eq!(checksums(Dialect::Sqlite), named(sqlite));
    }
}
