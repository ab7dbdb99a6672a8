//! `ichnaea db`: the database and its tables.

use std::time::Duration;

use anyhow::ensure;
use clap::Subcommand;
use ichnaea_store::{
    Options, Store, create_database, database_name, drop_database, without_password,
};

use super::{accounts, alembic, confirm, print, store_options};
use crate::config::Databases;

/// What to do with the database.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum Command {
    /// Says whether the database can be reached
    #[command(after_help = "Ends with status 1 when it cannot.")]
    Check,
    /// Creates the database with its tables
    #[command(after_help = "Ends with status 1 when there is one already; `ichnaea db migrate` \
        brings it up to date. Uses the account in SQLALCHEMY_URL, and makes the accounts of \
        DB_READONLY_URI and DB_READWRITE_URI where they are missing and it may.")]
    Create,
    /// Removes the database with all that is in it
    #[command(
        after_help = "At a terminal it asks for the name of the database first. Scripts are \
        not asked.\n\nExamples:\n  \
        ichnaea db drop\n  \
        ichnaea db drop --yes"
    )]
    Drop {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Brings the tables up to date; creates them in an empty database
    #[command(after_help = "Uses the account in SQLALCHEMY_URL, which must be allowed to change \
        tables, and makes the accounts of DB_READONLY_URI and DB_READWRITE_URI where they are \
        missing and it may. A database of the original is taken over at whatever revision it is. \
        Running it again does no harm.")]
    Migrate,
    /// Says which version the tables have, and which migrations are missing
    #[command(after_help = "Ends with status 1 when migrations are missing.")]
    Status,
}

/// Attempts of [`wait`], and the pause between them, as in the original's script.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_secs(5);

/// Waits until the database answers; false when it does not in time.
pub async fn wait(store: &Store) -> bool {
    for attempt in 1..=ATTEMPTS {
        match store.ping().await {
            Ok(()) => {
                print("Database is ready.");
                return true;
            }
            Err(failure) => print(format!("Database is not ready: {failure}")),
        }
        if attempt < ATTEMPTS {
            tokio::time::sleep(PAUSE).await;
        }
    }
    print("Database connection failed.");
    false
}

/// Runs one of the commands; false when the database is not as it should be.
pub async fn run(databases: &Databases, wait: Duration, command: Command) -> anyhow::Result<bool> {
    let options = store_options(wait);
    let uri = databases.ddl.as_str();
    match command {
        Command::Check => {
            // Opened for reading, so that no file is made by looking for it.
            let store = Store::open(uri, &Options { read_only: true, ..options })?;
            let answer = store.ping().await;
            match &answer {
                Ok(()) => print("Database is ready."),
                Err(reason) => print(format!("Database is not ready: {reason}")),
            }
            Ok(answer.is_ok())
        }
        Command::Create => {
            print(format!("Creating database {}....", without_password(uri)));
            if !create_database(uri, &options).await? {
                print("Database already exists.");
                return Ok(false);
            }
            migrate(&Store::open(uri, &options)?, databases).await?;
            print("Done.");
            Ok(true)
        }
        Command::Drop { yes } => {
            let (name, shown) = (database_name(uri)?, without_password(uri));
            let is_sure = yes || confirm(&format!("This removes {shown} with all rows."), &name);
            ensure!(is_sure, "nothing was removed");
            print(format!("Dropping database {shown}...."));
            drop_database(uri, &options).await?;
            print("Done.");
            Ok(true)
        }
        Command::Migrate => {
            let applied = migrate(&Store::open(uri, &options)?, databases).await?;
            for name in &applied {
                print(format!("Applied {name}"));
            }
            print("The database is up to date.");
            Ok(true)
        }
        Command::Status => status(&Store::open(uri, &options)?).await,
    }
}

async fn migrate(store: &Store, databases: &Databases) -> anyhow::Result<Vec<String>> {
    let applied = store.upgrade(None, alembic::note()).await?;
    accounts::provide(store, databases).await;
    Ok(applied)
}

async fn status(store: &Store) -> anyhow::Result<bool> {
    let pending = store.pending_migrations().await?;
    print(format!("Version: {}", store.applied_revisions().await?.join(", ")));
    for name in &pending {
        print(format!("Missing: {name}"));
    }
    if pending.is_empty() {
        print("The database is up to date.");
    }
    Ok(pending.is_empty())
}
