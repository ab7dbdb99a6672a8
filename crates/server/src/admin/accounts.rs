//! The accounts of the roles, made where they are missing whenever the schema is brought up to
//! date.

use ichnaea_store::{Access, Account, Outcome, Store};
use tracing::{info, warn};

use crate::config::Databases;

/// Sees to the accounts of readers and writers. What cannot be done is logged with the remedy, and
/// is no failure: whoever manages the server may have other plans.
pub async fn provide(store: &Store, databases: &Databases) {
    let wanted = [
        (databases.read_only.as_str(), Access::Read),
        (databases.read_write.as_str(), Access::ReadWrite),
    ];
    match store.provide_accounts(&wanted).await {
        Ok(accounts) => accounts.iter().for_each(log),
        Err(failure) => warn!("the accounts of the roles were not looked at: {failure}"),
    }
}

fn log(Account { name, outcome }: &Account) {
    match outcome {
        Outcome::Ready => {}
        Outcome::Created(rights) => info!("created the database account {name} with {rights}"),
        Outcome::Granted(rights) => info!("the database account {name} was granted {rights}"),
        Outcome::Refused { why, remedy } if remedy.is_empty() => {
            warn!("the database account {name} cannot be used: {why}");
        }
        Outcome::Refused { why, remedy } => {
            let remedy = remedy.join("; ");
            warn!(
                "the database account {name} was not made ready: {why}; run as an administrator: {remedy}"
            );
        }
    }
}
