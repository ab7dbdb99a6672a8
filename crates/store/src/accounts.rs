//! The accounts of the roles: least rights on the one database, made where they are missing.
//!
//! What is there is respected: no password is ever changed, no right is ever taken away.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder};

use crate::Store;
use crate::driver::Driver;
use crate::driver::mysql::Failure;
use crate::error::{Error, Result};
use crate::uri::{self, Target};

/// What an account has to be allowed to do with the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// SELECT, for the web role.
    Read,
    /// SELECT, INSERT, UPDATE and DELETE, for workers.
    ReadWrite,
}

impl Access {
    const fn list(self) -> &'static [&'static str] {
        match self {
            Self::Read => &["SELECT"],
            Self::ReadWrite => &["SELECT", "INSERT", "UPDATE", "DELETE"],
        }
    }
}

/// An account as it was found or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an account that a role needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was there with all rights.
    Ready,
    /// It was made, with these rights.
    Created(String),
    /// It was there and got these rights, which it lacked.
    Granted(String),
    /// It cannot be used, and could not be helped.
    Refused {
        /// What the server said.
        why: String,
        /// What somebody with more rights has to run; the password is left out.
        remedy: Vec<String>,
    },
}

/// The part of an address that is about the account.
#[derive(Clone)]
struct Wanted {
    name: String,
    password: String,
    rights: Access,
}

/// Accounts are made for every host they may come from, as the original's manual has it.
const EVERY_HOST: &str = "%";

/// No such account, a wrong password, or a host it may not come from.
const LOGIN_REFUSED: [u16; 3] = [1045, 1130, 1698];
/// There is an account with this name already.
const ACCOUNT_EXISTS: u16 = 1396;

impl Store {
    /// Makes sure that the accounts in these addresses can do what their roles need, as far as
    /// the account of this store may see to it. Nothing on SQLite, and nothing about an account
    /// that is the store's own.
    pub async fn provide_accounts(&self, wanted: &[(&str, Access)]) -> Result<Vec<Account>> {
        self.must_be_writable()?;
        let Driver::MySql(driver) = &self.driver else { return Ok(Vec::new()) };
        let options = driver.options();
        let wanted = distinct(wanted, options.user().unwrap_or_default())?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let wait = driver.wait();
        // A login and a statement for each, and the question before.
        let patience = wait.saturating_mul(u32::try_from(2 * wanted.len() + 1).unwrap_or(u32::MAX));
        driver
            .run(Some(patience), move |conn| {
                Box::pin(async move {
                    let database = database_pattern(conn, options.db_name()).await?;
                    let mut accounts = Vec::new();
                    for wanted in wanted {
                        let outcome = provide(conn, &options, &database, &wanted, wait).await;
                        let outcome = outcome.without(&wanted.password);
                        accounts.push(Account { name: wanted.name, outcome });
                    }
                    Ok(accounts)
                })
            })
            .await
    }
}

/// Each account once, with the most that any role needs of it.
fn distinct(addresses: &[(&str, Access)], own: &str) -> Result<Vec<Wanted>> {
    let mut accounts: Vec<Wanted> = Vec::new();
    for (address, rights) in addresses {
        let Target::MySql(options) = uri::parse(address)? else { continue };
        let options = Opts::from(*options);
        let name = options.user().unwrap_or_default().to_owned();
        if name.is_empty() || name == own {
            continue;
        }
        if let Some(account) = accounts.iter_mut().find(|account| account.name == name) {
            account.rights = account.rights.max(*rights);
        } else {
            let password = options.pass().unwrap_or_default().to_owned();
            accounts.push(Wanted { name, password, rights: *rights });
        }
    }
    Ok(accounts)
}

async fn provide(
    conn: &mut Conn,
    options: &Opts,
    database: &str,
    wanted: &Wanted,
    wait: Duration,
) -> Outcome {
    let Wanted { name, password, rights } = wanted;
    let login = OptsBuilder::from_opts(options.clone())
        .user(Some(name))
        .pass(Some(password))
        .db_name(None::<String>);
    match tokio::time::timeout(wait, Conn::new(login)).await {
        Ok(Ok(login)) => complete(conn, login, options, database, *rights).await,
        Ok(Err(mysql_async::Error::Server(error))) if LOGIN_REFUSED.contains(&error.code) => {
            create(conn, database, wanted).await
        }
        Ok(Err(error)) => Outcome::Refused { why: error.to_string(), remedy: Vec::new() },
        Err(_) => Outcome::Refused { why: "no answer in time".to_owned(), remedy: Vec::new() },
    }
}

/// Gives an account that can log in the rights it lacks.
async fn complete(
    conn: &mut Conn,
    mut login: Conn,
    options: &Opts,
    database: &str,
    rights: Access,
) -> Outcome {
    let lacks = lacking(&mut login, options.db_name().unwrap_or_default(), rights).await;
    // The goodbye of a connection that is not needed any more.
    let _ = login.disconnect().await;
    let (account, lacks) = match lacks {
        Ok(found) => found,
        Err(error) => return Outcome::Refused { why: error.to_string(), remedy: Vec::new() },
    };
    if lacks.is_empty() {
        return Outcome::Ready;
    }
    let statement = grant(&lacks, database, &account);
    match conn.query_drop(&statement).await {
        Ok(()) => Outcome::Granted(lacks),
        Err(error) => Outcome::Refused { why: error.to_string(), remedy: vec![statement] },
    }
}

/// The account that one is logged in as, quoted, and which of these rights it lacks.
async fn lacking(
    login: &mut Conn,
    database: &str,
    rights: Access,
) -> std::result::Result<(String, String), mysql_async::Error> {
    let account: Option<String> = login.query_first("SELECT CURRENT_USER()").await?;
    let account = account.unwrap_or_default();
    let (name, host) = account.rsplit_once('@').unwrap_or((&account, EVERY_HOST));
    // In these tables the name stands between quotes as it is.
    let grantee = format!("'{name}'@'{host}'");
    let text = "SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = ? \
                UNION SELECT privilege_type FROM information_schema.schema_privileges \
                WHERE grantee = ? AND ? LIKE table_schema";
    let held: Vec<String> = login.exec(text, (&grantee, &grantee, database)).await?;
    let lacks: Vec<&str> = rights
        .list()
        .iter()
        .copied()
        .filter(|right| !held.iter().any(|has| has == right))
        .collect();
    Ok((format!("{}@{}", quoted(name), quoted(host)), lacks.join(", ")))
}

async fn create(conn: &mut Conn, database: &str, wanted: &Wanted) -> Outcome {
    let Wanted { name, password, rights } = wanted;
    let account = format!("{}@{}", quoted(name), quoted(EVERY_HOST));
    let rights = rights.list().join(", ");
    let grant = grant(&rights, database, &account);
    let creation = |password: &str| format!("CREATE USER {account} IDENTIFIED BY {password}");
    let remedy = || vec![creation("'its password'"), grant.clone()];
    if password.is_empty() {
        let why = "an account without a password is not made".to_owned();
        return Outcome::Refused { why, remedy: remedy() };
    }
    match conn.query_drop(creation(&quoted(password))).await {
        Ok(()) => {}
        Err(mysql_async::Error::Server(error)) if error.code == ACCOUNT_EXISTS => {
            let why = "it exists and does not accept the password that is configured".to_owned();
            return Outcome::Refused { why, remedy: Vec::new() };
        }
        Err(error) => return Outcome::Refused { why: error.to_string(), remedy: remedy() },
    }
    match conn.query_drop(&grant).await {
        Ok(()) => Outcome::Created(rights),
        Err(error) => Outcome::Refused { why: error.to_string(), remedy: vec![grant] },
    }
}

impl Outcome {
    /// The same, should the server have repeated the password.
    fn without(self, password: &str) -> Self {
        match self {
            Self::Refused { why, remedy } if !password.is_empty() => {
                Self::Refused { why: why.replace(password, "***"), remedy }
            }
            other => other,
        }
    }
}

fn grant(rights: &str, database: &str, account: &str) -> String {
    format!("GRANT {rights} ON {database}.* TO {account}")
}

/// The database of the store as GRANT takes it: a pattern that only its own name matches.
async fn database_pattern(
    conn: &mut Conn,
    name: Option<&str>,
) -> std::result::Result<String, Failure> {
    let name = name.ok_or_else(|| Error::broken("the address names no database"))?;
    // Where rights can be taken back in part, names are no patterns.
    let partial: Option<(String, String)> =
        conn.query_first("SHOW VARIABLES LIKE 'partial_revokes'").await?;
    let is_pattern = !partial.is_some_and(|(_, value)| value.eq_ignore_ascii_case("on"));
    Ok(pattern(name, is_pattern))
}

fn pattern(name: &str, is_pattern: bool) -> String {
    let name = name.replace('`', "``");
    let name = if is_pattern { name.replace('_', r"\_").replace('%', r"\%") } else { name };
    format!("`{name}`")
}

/// Text between quotes, for statements that take no parameters. Sessions of ours read a backslash
/// as the beginning of an escape, whatever the server is set to.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_or_password_can_end_its_quotes() {
        assert_eq!(quoted("o'brien"), "'o''brien'");
        assert_eq!(quoted(r"\' OR 1 --"), r"'\\'' OR 1 --'");
        assert_eq!(pattern("lo`cation", true), "`lo``cation`");
        assert_eq!(pattern("my_data%", true), r"`my\_data\%`");
        assert_eq!(pattern("my_data", false), "`my_data`");
    }

    #[test]
    fn each_account_is_wanted_once_with_the_most_it_needs() {
        let wanted = [
            ("mysql://read:r@db/x", Access::Read),
            ("mysql://admin:a@db/x", Access::ReadWrite),
            ("mysql://both:b@db/x", Access::Read),
            ("mysql://both:b@db/x", Access::ReadWrite),
            ("mysql://db/x", Access::Read),
            ("sqlite:file", Access::Read),
        ];
        let seen = distinct(&wanted, "admin").unwrap();
        let seen: Vec<_> = seen.iter().map(|one| (one.name.as_str(), one.rights)).collect();
        assert_eq!(seen, [("read", Access::Read), ("both", Access::ReadWrite)]);
    }

    #[test]
    fn a_server_that_repeats_the_password_is_not_repeated() {
        let refused = Outcome::Refused { why: "near 's3cret'".to_owned(), remedy: Vec::new() };
        let Outcome::Refused { why, .. } = refused.without("s3cret") else { panic!() };
        assert_eq!(why, "near '***'");
    }
}
