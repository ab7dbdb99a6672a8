//! `ichnaea db`: the tables of the database.

use std::time::Duration;

use clap::Subcommand;
use ichnaea_store::Store;

use super::print;

/// What to do with the schema.
#[derive(Subcommand, Clone, Copy, Debug)]
pub enum Command {
    /// Brings the tables up to date; creates them in an empty database
    #[command(after_help = "Uses the account in SQLALCHEMY_URL, which must be allowed to change \
        tables. Nothing is ever removed. Running it again does no harm.")]
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

/// Runs one of the commands; false when the tables are not up to date.
pub async fn run(store: &Store, command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Migrate => {
            let applied = store.migrate().await?;
            for name in &applied {
                print(format!("Applied {name}"));
            }
            print("The database is up to date.");
            Ok(true)
        }
        Command::Status => {
            let pending = store.pending_migrations().await?;
            // A database without any table has no version.
            let versions = store.schema_versions().await.unwrap_or_default();
            print(format!("Version: {}", versions.join(", ")));
            for name in &pending {
                print(format!("Missing: {name}"));
            }
            if pending.is_empty() {
                print("The database is up to date.");
            }
            Ok(pending.is_empty())
        }
    }
}
