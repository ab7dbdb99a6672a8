//! The installation that a dump goes into.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use ichnaea_kv::{KeyValue, Op};
use ichnaea_store::{Error, Options, Store, Table, database_name, without_password};

use super::super::{accounts, alembic, confirm, settings, store_options, warn};
use crate::admin::pipeline::Status;
use crate::backup::{Header, SETTINGS};
use crate::config::Config;
use crate::keys;

/// How long a write may take: a server that is busy with its indexes is waited for.
const PATIENCE: Duration = Duration::from_mins(10);

/// How many writes are under way at a time.
pub(super) const WRITES: usize = 4;

/// How many tables a refusal names.
const NAMED: usize = 5;

/// Copies of what the site shows, which are of before.
const CACHED: [&str; 6] = [
    keys::STATS_CACHE,
    keys::STATS_REGIONS_CACHE,
    keys::stats_chart_cache(ichnaea_domain::station::Kind::Blue),
    keys::stats_chart_cache(ichnaea_domain::station::Kind::Cell),
    keys::stats_chart_cache(ichnaea_domain::station::Kind::Wifi),
    "cache:downloads:3",
];

/// Where everything goes.
pub(super) struct Target {
    /// Makes and empties tables.
    ddl: Store,
    /// Writes rows.
    pub(super) store: Store,
    /// `None` when settings are left out.
    pub(super) kv: Option<Arc<dyn KeyValue>>,
}

impl Target {
    /// Opens it, and makes sure that it is there.
    pub(super) async fn open(config: &Config, with_settings: bool) -> anyhow::Result<Self> {
        // What is away is found out soon.
        let soon = store_options(config.backend_timeout);
        Store::open(&config.databases.ddl, &soon)?.ping().await?;
        Store::open(&config.databases.read_write, &soon)?.ping().await?;
        let patient = Options { max_connections: WRITES + 1, wait: PATIENCE, ..Options::default() };
        let mut kv = None;
        if with_settings {
            let opened = crate::cli::open_kv(config).await?;
            opened.ping().await?;
            kv = Some(opened);
        }
        Ok(Self {
            ddl: Store::open(&config.databases.ddl, &patient)?,
            store: Store::open(&config.databases.read_write, &patient)?,
            kv,
        })
    }

    /// Makes the tables, or brings them up to date.
    pub(super) async fn migrate(&self, config: &Config) -> anyhow::Result<()> {
        self.ddl.upgrade(None, alembic::note()).await.context("cannot make the tables")?;
        accounts::provide(&self.ddl, &config.databases).await;
        Ok(())
    }

    /// Why a dump must not go in here, if so.
    pub(super) async fn refusal(
        &self,
        header: &Header,
        replaces: bool,
    ) -> anyhow::Result<Option<String>> {
        if let Some(kv) = &self.kv {
            let status = Status::gather(&**kv).await?;
            if let Some(sign) = status.seen.first() {
                return Ok(Some(format!(
                    "a {} on {}, process {}, was seen in the last minute: stop all roles on this \
                     database first",
                    sign.kind.name(),
                    sign.host,
                    sign.pid
                )));
            }
            let waiting: u64 =
                status.queues.iter().map(|queue| queue.waiting + queue.in_flight).sum();
            if waiting > 0 {
                warn(format!(
                    "{waiting} items wait in queues here and will be applied to what is \
                     restored, once a worker runs"
                ));
            }
        }
        if replaces {
            return Ok(None);
        }
        let mark = match self.store.restore_mark().await {
            Err(Error::OldSchema(_)) => None,
            mark => mark?,
        };
        if let Some(said) = mark {
            return Ok(Some(format!(
                "the installation is half restored ({said}): --replace begins again"
            )));
        }
        let mut filled = self.store.filled_tables(&self.tables(header).await?).await?;
        if let Some(kv) = self.settings(header)
            && !settings::of_operators_set(&**kv).await?.is_empty()
        {
            filled.push(SETTINGS.to_owned());
        }
        if filled.is_empty() {
            return Ok(None);
        }
        let more = match filled.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        filled.truncate(NAMED);
        Ok(Some(format!(
            "the installation is not empty (there is something in {}{more}): --replace removes \
             what is there",
            filled.join(", ")
        )))
    }

    /// Whether a person at the terminal wants what is there removed.
    #[expect(clippy::unused_self, reason = "it is about this target")]
    pub(super) fn confirm(&self, config: &Config) -> anyhow::Result<bool> {
        let uri = &config.databases.read_write;
        let shown = without_password(uri);
        let warning = format!("This removes all stations, keys and settings of {shown} first.");
        Ok(confirm(&warning, &database_name(uri)?))
    }

    /// Notes that a restore begins, and removes what is there.
    pub(super) async fn begin(
        &self,
        header: &Header,
        said: &str,
        replaces: bool,
    ) -> anyhow::Result<()> {
        let is_first = self.store.mark_restore(said).await?;
        ensure!(is_first || replaces, "another restore has begun meanwhile");
        let tables = self.tables(header).await?;
        // The one row that a migration puts there goes in any case.
        let is_to_empty = |table: &Table| replaces || table.name == "export_config";
        let (emptied, _): (Vec<Table>, Vec<Table>) = tables.iter().cloned().partition(is_to_empty);
        self.ddl.empty_tables(&emptied).await.context("cannot remove what is there")?;
        let filled = self.store.filled_tables(&tables).await?;
        ensure!(
            filled.is_empty(),
            "there still are rows in {}: do SQLALCHEMY_URL and DB_READWRITE_URI mean the same \
             database, and is nobody writing?",
            filled.join(", ")
        );
        Ok(())
    }

    /// Notes that the restore is done.
    pub(super) async fn end(&self) -> anyhow::Result<()> {
        if let Some(kv) = &self.kv {
            let ops = CACHED.map(|key| Op::Delete { key: key.into() });
            kv.apply(ops.into()).await?;
        }
        Ok(self.store.unmark_restore().await?)
    }

    /// The tables that the dump is about. Those that it leaves out on purpose stay as they are.
    pub(super) async fn tables(&self, header: &Header) -> anyhow::Result<Vec<Table>> {
        let mut tables = self.store.carried_tables().await?;
        tables.retain(|table| !header.without.contains(&table.name));
        Ok(tables)
    }

    /// Where settings go, when the dump has them.
    pub(super) fn settings(&self, header: &Header) -> Option<&Arc<dyn KeyValue>> {
        let has_them = !header.without.iter().any(|name| name == SETTINGS);
        self.kv.as_ref().filter(|_| has_them)
    }
}
