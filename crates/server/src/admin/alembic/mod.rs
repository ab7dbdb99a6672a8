//! `ichnaea alembic`: the schema in the words of the original's migration tool.
//!
//! What run books call and compare is as it was: sub-commands, targets, lines on standard output,
//! log lines of the logger `alembic.runtime.migration`.

mod target;

use std::sync::Arc;

use anyhow::{anyhow, ensure};
use clap::{Args, Subcommand};
use ichnaea_store::{Note, REVISIONS, Revision, Step, Store, database_name};

use super::{accounts, confirm, print};
use crate::config::Databases;

/// Changes the schema as the original's tool does
#[derive(Args, Debug)]
pub struct Alembic {
    #[command(flatten)]
    ignored: Ignored,
    #[command(subcommand)]
    command: Command,
}

/// What run books may say and what means nothing here: there is no configuration file.
#[derive(Args, Debug)]
struct Ignored {
    /// Accepted and ignored
    #[arg(short = 'c', long = "config", value_name = "FILE", global = true, hide = true)]
    config: Option<String>,
    /// Accepted and ignored
    #[arg(short = 'n', long = "name", value_name = "NAME", global = true, hide = true)]
    name: Option<String>,
    /// Accepted and ignored
    #[arg(short = 'x', value_name = "ARGUMENT", global = true, hide = true)]
    x: Vec<String>,
    /// Accepted and ignored
    #[arg(long, global = true, hide = true)]
    raiseerr: bool,
    /// Accepted and ignored
    #[arg(long, value_name = "TAG", global = true, hide = true)]
    tag: Option<String>,
    /// Refused: there is no script to print
    #[arg(long, global = true, hide = true)]
    sql: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Lists the revisions, newest first
    History {
        /// Mark the revision the database is at
        #[arg(short, long)]
        indicate_current: bool,
    },
    /// Prints the revision the database is at; nothing before the first
    Current,
    /// Prints the newest revision
    Heads,
    /// Makes the database say that it is at a revision, and changes nothing else
    #[command(after_help = "`stamp base` is the first step of a new set-up: it makes the version \
        table. On a database with tables it takes the revision away; `upgrade head` finds out \
        what is there and puts it back.\n\nExamples:\n  \
        ichnaea alembic stamp base\n  \
        ichnaea alembic stamp head")]
    Stamp {
        /// `base`, `head`, an id or its beginning
        revision: String,
        /// Accepted and ignored: what was there is always replaced
        #[arg(long, hide = true)]
        purge: bool,
    },
    /// Brings the tables to a newer revision
    #[command(after_help = "`upgrade head` is all that an upgrade of the software needs: the \
        original's revisions, then what this service adds, then the accounts of DB_READONLY_URI \
        and DB_READWRITE_URI where they are missing. Running it again does no harm, also after it \
        was stopped.\n\nExamples:\n  \
        ichnaea alembic upgrade head\n  \
        ichnaea alembic upgrade +1\n  \
        ichnaea alembic upgrade a0ee5e10f44b")]
    Upgrade {
        /// `head`, an id or its beginning, or `+N` for the next N
        revision: String,
    },
    /// Takes the tables back to an older revision
    #[command(after_help = "`downgrade base` removes all tables with all that is in them; at a \
        terminal it asks first.\n\nExamples:\n  \
        ichnaea alembic downgrade -1\n  \
        ichnaea alembic downgrade 138cb0d71dfb")]
    Downgrade {
        /// `base`, an id or its beginning, or `-N` for the last N
        #[arg(allow_hyphen_values = true)]
        revision: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

impl Alembic {
    /// Prints what is known without a database; false when one is needed.
    #[must_use]
    pub fn run_without_database(&self) -> bool {
        match self.command {
            Command::History { indicate_current: false } => history(&REVISIONS, None),
            Command::Heads => heads(&REVISIONS),
            _ => return false,
        }
        true
    }

    /// Runs the command on a database.
    pub async fn run(self, store: &Store, databases: &Databases) -> anyhow::Result<()> {
        ensure!(
            !self.ignored.sql,
            "there is no script to print: each step looks at the database first"
        );
        let revisions = store.revisions();
        match self.command {
            Command::History { indicate_current } => {
                let current = if indicate_current { store.position().await? } else { 0 };
                history(revisions, current.checked_sub(1).map(|index| revisions[index].id));
            }
            Command::Heads => heads(revisions),
            Command::Current => {
                announce(databases);
                for id in store.applied_revisions().await? {
                    print(format!("{id}{}", head_mark(revisions, &id)));
                }
            }
            Command::Stamp { revision, purge: _ } => {
                announce(databases);
                stamp(store, &revision).await?;
            }
            Command::Upgrade { revision } => {
                announce(databases);
                let at = store.position().await?;
                let end = resolve(revisions, at, &revision)?;
                let Some(index) = end.checked_sub(1) else { return Ok(()) };
                store.upgrade(Some(revisions[index]), note()).await?;
                if end == revisions.len() {
                    accounts::provide(store, databases).await;
                }
            }
            Command::Downgrade { revision, yes } => {
                announce(databases);
                let at = store.position().await?;
                let end = resolve(revisions, at, &revision)?;
                let to = end.checked_sub(1).map(|index| revisions[index]);
                let name = database_name(&databases.ddl)?;
                let is_sure = to.is_some()
                    || yes
                    || confirm(&format!("This removes all tables of {name} with all rows."), &name);
                ensure!(is_sure, "nothing was changed");
                store.downgrade(to, note()).await?;
            }
        }
        Ok(())
    }
}

async fn stamp(store: &Store, text: &str) -> anyhow::Result<()> {
    let revisions = store.revisions();
    // What the table names may be unknown: then only steps from there make no sense.
    let at = store.position().await.unwrap_or_default();
    let end = resolve(revisions, at, text)?;
    let to = end.checked_sub(1).map(|index| revisions[index]);
    let before = store.stamp(to).await?.join(", ");
    let after = to.map_or("", |revision| revision.id);
    if before != after {
        tracing::info!(
            target: "alembic.runtime.migration",
            "Running stamp_revision {before} -> {after}"
        );
    }
    if to.is_none() && !before.is_empty() {
        tracing::warn!(
            target: "alembic.runtime.migration",
            "The database does not say any more that it is at revision {before}; its tables are \
             as they were. Workers do not start until `alembic upgrade head` has put it back"
        );
    }
    Ok(())
}

/// Writes the lines with which the original's tool begins to work on a database.
fn announce(databases: &Databases) {
    let is_file = databases.ddl.starts_with("sqlite:");
    let name = if is_file { "SQLiteImpl" } else { "MySQLImpl" };
    tracing::info!(target: "alembic.runtime.migration", "Context impl {name}.");
    tracing::info!(target: "alembic.runtime.migration", "Will assume non-transactional DDL.");
}

/// Logs each step before it is made.
#[must_use]
pub fn note() -> Note {
    Arc::new(|Step { from, to, title }| {
        let (before, after) = (from.unwrap_or_default(), to.unwrap_or_default());
        let position = |id| REVISIONS.iter().position(|revision| Some(revision.id) == id);
        let verb = if position(from) < position(to) { "upgrade" } else { "downgrade" };
        tracing::info!(
            target: "alembic.runtime.migration",
            "Running {verb} {before} -> {after}, {title}"
        );
    })
}

fn resolve(revisions: &[Revision], at: usize, text: &str) -> anyhow::Result<usize> {
    target::resolve(revisions, at, text).map_err(|why| anyhow!(why))
}

fn history(revisions: &[Revision], current: Option<&str>) {
    for Revision { id, parent, title } in revisions.iter().rev() {
        let mark = if current == Some(id) { " (current)" } else { "" };
        let head = head_mark(revisions, id);
        print(format!("{} -> {id}{head}{mark}, {title}", parent.unwrap_or("<base>")));
    }
}

fn heads(revisions: &[Revision]) {
    if let Some(Revision { id, .. }) = revisions.last() {
        print(format!("{id} (head)"));
    }
}

fn head_mark(revisions: &[Revision], id: &str) -> &'static str {
    if revisions.last().is_some_and(|head| head.id == id) { " (head)" } else { "" }
}
