//! Whole databases: made, removed, named.

use std::path::{Path, PathBuf};

use mysql_async::prelude::Queryable as _;
use mysql_async::{Opts, OptsBuilder};

use crate::Options;
use crate::driver::mysql::MySql;
use crate::error::{Error, Result};
use crate::uri::{self, Target};

/// There is a database with this name already.
const DATABASE_EXISTS: u16 = 1007;

/// Makes the database that an address names, without tables; false when it is there already. The
/// file of SQLite is made by the first migration.
pub async fn create_database(uri: &str, options: &Options) -> Result<bool> {
    match uri::parse(uri)? {
        Target::MySql(server) => {
            let (driver, name) = server_of(*server, options);
            let work = driver.run(None, move |conn| {
                Box::pin(async move {
                    // An account that may not make databases may still see that it is there.
                    let text =
                        "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ?";
                    let count: Option<u64> = conn.exec_first(text, (&name,)).await?;
                    if count.is_some_and(|count| count > 0) {
                        return Ok(false);
                    }
                    let text = format!("CREATE DATABASE {} CHARACTER SET = 'utf8'", quoted(&name));
                    match conn.query_drop(text).await {
                        Ok(()) => Ok(true),
                        Err(mysql_async::Error::Server(error)) if error.code == DATABASE_EXISTS => {
                            Ok(false)
                        }
                        Err(error) => Err(error.into()),
                    }
                })
            });
            work.await
        }
        Target::SqliteFile(file) => Ok(!file.exists()),
        Target::SqliteMemory => Ok(true),
    }
}

/// Removes the database that an address names, with all that is in it, if there is one.
pub async fn drop_database(uri: &str, options: &Options) -> Result<()> {
    match uri::parse(uri)? {
        Target::MySql(server) => {
            let (driver, name) = server_of(*server, options);
            let text = format!("DROP DATABASE IF EXISTS {}", quoted(&name));
            // Large tables take long to be removed.
            let patience = Some(crate::driver::WHOLE_TABLE);
            driver
                .run(patience, |conn| Box::pin(async move { Ok(conn.query_drop(text).await?) }))
                .await
        }
        Target::SqliteFile(file) => {
            ["", "-wal", "-shm"].iter().try_for_each(|suffix| remove(&with_suffix(&file, suffix)))
        }
        Target::SqliteMemory => Ok(()),
    }
}

/// The name of the database in an address: that of the file for SQLite.
pub fn database_name(uri: &str) -> Result<String> {
    Ok(match uri::parse(uri)? {
        Target::MySql(server) => Opts::from(*server).db_name().unwrap_or_default().to_owned(),
        Target::SqliteFile(file) => file.display().to_string(),
        Target::SqliteMemory => ":memory:".to_owned(),
    })
}

/// An address without its password, to be shown.
#[must_use]
pub fn without_password(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let Some((account, place)) = rest.rsplit_once('@') else { return uri.to_owned() };
    match account.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:***@{place}"),
        None => uri.to_owned(),
    }
}

/// The server of a database, and the name of the database.
fn server_of(server: OptsBuilder, options: &Options) -> (MySql, String) {
    let name = Opts::from(server.clone()).db_name().unwrap_or_default().to_owned();
    (MySql::new(server.db_name(None::<String>), 1, options.wait), name)
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::unavailable(format!("cannot remove {}: {error}", file.display())))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (uri, shown) in [
            (
                "mysql+pymysql://jo:s3cret@db:3306/x?charset=utf8",
                "mysql+pymysql://jo:***@db:3306/x?charset=utf8",
            ),
            ("mysql://jo:s3@cr:et/@db/x", "mysql://jo:***@db/x"),
            ("mysql://jo@db/x", "mysql://jo@db/x"),
            ("mysql://db/x", "mysql://db/x"),
            ("sqlite:/data/x:y@z.db", "sqlite:/data/x:y@z.db"),
        ] {
            assert_eq!(without_password(uri), shown);
        }
    }

    #[test]
    fn the_database_of_an_address_has_a_name() {
        assert_eq!(database_name("mysql://u:p@h/loc%20ation").unwrap(), "loc ation");
        assert_eq!(database_name("sqlite:data/x.db").unwrap(), "data/x.db");
    }
}
