//! Stations, areas and configuration in SQLite or in MySQL and its relatives.
//!
//! Callers see one struct, [`Store`], with plain async methods and the types of the domain. Each
//! resource has a file of its own with its columns, its reads and its writes. Writing takes the
//! rule as a closure: the store reads the rows and locks them, the rule decides, the store writes,
//! and all of it is one transaction, which after a conflict is simply decided again.
//!
//! Tables and columns are those of the original, so that its processes and ours can work on one
//! database side by side.

mod accounts;
mod api_key;
mod applied;
mod area;
mod backup;
mod database;
mod datamap;
mod dialect;
mod driver;
mod error;
mod export_config;
mod facts;
mod gathering;
mod import;
mod merge;
mod migrations;
mod restricted;
mod selection;
mod stat;
mod station;
mod uri;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use accounts::{Access, Account, Outcome};
pub use applied::{Applied, BatchRef};
pub use area::AreaChanges;
pub use backup::{Column, Kind, Record, Table};
pub use database::{create_database, database_name, drop_database, without_password};
pub use datamap::DatamapChanges;
use driver::mysql::MySql;
use driver::sqlite::{Place, Sqlite};
use driver::{Driver, Statement};
pub use driver::{Page, Snapshot, Value};
pub use error::{Conflicts, Error, Result};
pub use facts::{Facts, Rights};
use gathering::Gathering;
pub use import::{Begun, ImportEnd, ImportedFile, NewImport};
pub use merge::{Merge, Merged};
pub use migrations::{Note, REVISIONS, Revision, Step};
pub use selection::Selection;
pub use stat::StatChanges;
pub use station::StationChanges;
use uri::Target;

/// A handle on the database; cheap to clone.
#[derive(Clone)]
pub struct Store {
    driver: Driver,
    /// Of a server; a file is read by each caller for itself.
    gathering: Option<Gathering>,
    read_only: bool,
}

/// How a store behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many connections to a server may be open at a time.
    pub max_connections: usize,
    /// Bound on every call, the wait for a connection included. Only counting and cleaning whole
    /// tables, and migrating, may take longer.
    pub wait: Duration,
    /// Refuse to write.
    pub read_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_connections: 10, wait: Duration::from_secs(10), read_only: false }
    }
}

/// Whether an address can be understood; says which of its parameters mean nothing here. Errors
/// show nothing of the address.
pub fn check_address(uri: &str) -> Result<Vec<String>> {
    uri::parse(uri)?;
    Ok(uri::ignored(uri))
}

impl Store {
    /// Opens the database at `sqlite:PATH`, `sqlite::memory:` or
    /// `mysql://USER:PASSWORD@HOST:PORT/NAME` and its other spellings.
    ///
    /// Nothing is connected before the first call, so this fails only for an address that cannot
    /// be understood.
    pub fn open(uri: &str, options: &Options) -> Result<Self> {
        let Options { max_connections, wait, read_only } = *options;
        let file = match uri::parse(uri)? {
            Target::MySql(server) => {
                let driver = Driver::MySql(MySql::new(*server, max_connections, wait));
                let gathering = Some(Gathering::new(max_connections, wait));
                return Ok(Self { driver, gathering, read_only });
            }
            Target::SqliteFile(file) => Some(file),
            Target::SqliteMemory => None,
        };
        let (alarms, was_opened) = (Arc::default(), Arc::default());
        let place = Place { file, read_only, wait, alarms, was_opened };
        let driver = Driver::Sqlite(Sqlite::start(&place)?);
        Ok(Self { driver, gathering: None, read_only })
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<()> {
        self.driver.query(Statement::plain("SELECT 1")).await.map(drop)
    }

    /// How many transactions have left row versions behind that the server has not purged yet: when
    /// it grows without end, the server does not keep up with what is written. `None` on SQLite,
    /// which keeps none, and for an account without the privilege `PROCESS`.
    pub async fn transaction_history_length(&self) -> Result<Option<u64>> {
        self.driver.history_length().await
    }

    /// Forgets the connections to a server that does not answer any more: calls that wait for one
    /// fail at once, those that have one end within their bound, and the next ones connect anew. Does
    /// nothing to a file.
    pub fn start_over(&self) {
        if let Driver::MySql(driver) = &self.driver {
            driver.start_over();
        }
    }

    /// Takes leave of the server, at the end of a process; every later call fails. Does nothing to a
    /// file.
    pub async fn close(&self) {
        if let Driver::MySql(driver) = &self.driver {
            driver.close().await;
        }
    }

    /// The schema revisions that the original would see, sorted.
    pub async fn schema_versions(&self) -> Result<Vec<String>> {
        let text = "SELECT version_num FROM alembic_version ORDER BY version_num";
        let rows = self.driver.query(Statement::plain(text)).await?;
        Ok(rows.iter().filter_map(|row| row.text(0)).collect())
    }

    fn must_be_writable(&self) -> Result<()> {
        if self.read_only {
            return Err(Error::ReadOnly("the store was opened for reading".to_owned()));
        }
        Ok(())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("dialect", &self.driver.dialect())
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}
