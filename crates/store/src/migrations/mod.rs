//! The schema and how a database gets it.
//!
//! The first migration is the layout of the original at its last revision, written so that a
//! database the original made is taken over as it is. The second is what we add: tables of our own
//! and one nullable column, which the original does not notice. The table that names the
//! original's revision is left at its last one, so that it can still be run on the database.

mod schema;

use std::time::Duration;

use mysql_async::prelude::Queryable;
use refinery::{Migration, Runner};

use crate::Store;
use crate::dialect::Dialect;
use crate::driver::mysql::MySql;
use crate::driver::sqlite::Sqlite;
use crate::driver::{Driver, Statement, WHOLE_TABLE};
use crate::error::{Error, Result};

/// The last schema revision of the original.
const HEAD: &str = "3be4004781bc";

/// Where the runner notes what was applied.
const HISTORY: &str = "refinery_schema_history";

/// How long one process waits for another that is migrating, in seconds.
const LOCK_WAIT_S: u32 = 600;

/// A second process may find that the first was a moment faster; then it looks again.
const TRIES: u32 = 3;

impl Store {
    /// Brings the schema up to date; the names of the migrations applied now.
    ///
    /// May be called by several processes at once. A database of an older release of the original
    /// is refused: it has to be brought to the original's last revision first.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        self.must_be_writable()?;
        self.must_not_be_old().await?;
        let migrations = migrations(self.driver.dialect())?;
        match &self.driver {
            Driver::MySql(driver) => migrate_mysql(driver, &migrations).await,
            Driver::Sqlite(driver) => migrate_sqlite(driver, migrations).await,
        }
    }

    /// The migrations that [`Store::migrate`] would apply.
    pub async fn pending_migrations(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let applied = self.applied_versions().await?;
        for migration in migrations(self.driver.dialect())? {
            if !applied.contains(&i64::from(migration.version())) {
                names.push(migration.to_string());
            }
        }
        Ok(names)
    }

    async fn applied_versions(&self) -> Result<Vec<i64>> {
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

    async fn must_not_be_old(&self) -> Result<()> {
        let versions = if self.has_table("alembic_version").await? {
            self.schema_versions().await?
        } else {
            Vec::new()
        };
        if let Some(version) = versions.iter().find(|version| *version != HEAD) {
            return Err(Error::broken(format!(
                "the schema is at revision {version}, not at {HEAD}; `alembic upgrade head` is \
                 needed first"
            )));
        }
        // Without a revision the tables themselves tell: these columns came last.
        if versions.is_empty() && self.has_table("api_key").await? {
            let text = "SELECT allow_region, fallback_schema, store_sample_locate FROM api_key \
                        WHERE 1 = 0";
            self.driver.query(Statement::plain(text)).await.map_err(|error| match error {
                Error::Broken(_) => Error::broken(
                    "the tables are of an older release, and alembic_version does not say which",
                ),
                other => other,
            })?;
        }
        Ok(())
    }
}

fn migrations(dialect: Dialect) -> Result<Vec<Migration>> {
    let texts = [
        ("V1__original", schema::original(dialect)),
        ("V2__additions", schema::additions(dialect)),
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

async fn migrate_mysql(driver: &MySql, migrations: &[Migration]) -> Result<Vec<String>> {
    let runner = runner(migrations);
    let options = driver.options();
    // Names of locks are known to the whole server, so this one is made from the database's.
    let lock = "CONCAT('ichnaea.', SHA1(DATABASE()))";
    driver
        .run(Some(WHOLE_TABLE), move |conn| {
            Box::pin(async move {
                let is_held: Option<Option<u8>> =
                    conn.query_first(format!("SELECT GET_LOCK({lock}, {LOCK_WAIT_S})")).await?;
                if is_held.flatten() != Some(1) {
                    return Err(
                        Error::Busy("another process is migrating".to_owned().into()).into()
                    );
                }
                let mut pool = mysql_async::Pool::new(options);
                let result = runner.run_async(&mut pool).await;
                pool.disconnect().await?;
                conn.query_drop(format!("DO RELEASE_LOCK({lock})")).await?;
                let report = result.map_err(|error| Error::broken(described(&error)))?;
                Ok(names(&report))
            })
        })
        .await
}

async fn migrate_sqlite(driver: &Sqlite, migrations: Vec<Migration>) -> Result<Vec<String>> {
    let patience = Duration::from_secs(LOCK_WAIT_S.into());
    driver
        .with_writer(patience, move |connection| {
            // Each migration and the note that it was applied are one transaction that begins by
            // locking the file. Whoever comes second fails on the note and looks again.
            connection.set_transaction_behavior(rusqlite::TransactionBehavior::Immediate);
            let mut tries = 0;
            loop {
                tries += 1;
                match runner(&migrations).run(connection) {
                    Ok(report) => return Ok(names(&report)),
                    Err(_) if tries < TRIES => {}
                    Err(error) => return Err(Error::broken(described(&error))),
                }
            }
        })
        .await
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
        let named = |sums: [u64; 2]| {
            let names = ["V1__original", "V2__additions"].map(str::to_owned);
            names.into_iter().zip(sums).collect::<Vec<_>>()
        };
        let mysql = [7_231_332_168_474_128_723, 8_268_044_028_386_868_496];
        assert_eq!(checksums(Dialect::MySql), named(mysql));
        let sqlite = [10_221_527_320_276_508_952, 12_596_751_790_755_860_212];
        assert_eq!(checksums(Dialect::Sqlite), named(sqlite));
    }
}
