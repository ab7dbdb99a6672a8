//! A database of its own for every test, empty, on either backend.
//!
//! Everything here blocks the calling thread, also inside an async test: it talks to the server
//! from a thread of its own, so that a database can be dropped when its guard is.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test without its database must say so and stop; names are by the real time"
)]

use std::time::{SystemTime, UNIX_EPOCH};

use mysql_async::prelude::Queryable as _;
use rusqlite::types::ValueRef;

use crate::Backend;

/// Where the server is, unless `TEST_MYSQL_URI` says otherwise: an account that may create and
/// drop databases and accounts.
const DEFAULT_SERVER: &str = "mysql://root@127.0.0.1:3306";

/// What the names of all databases and accounts of tests begin with.
const PREFIX: &str = "ichnaea_test_";

/// Databases that a killed test left behind are dropped after this time.
const LEFTOVER_AFTER_S: u64 = 3600;

/// An empty database, dropped together with this guard.
#[derive(Debug)]
pub struct FreshDatabase {
    /// Its address, with all rights.
    pub uri: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(tempfile::TempDir),
    Server { server: String, name: String },
}

/// Creates an empty database.
///
/// # Panics
///
/// When the server cannot be reached: these tests are not skipped.
#[must_use]
pub fn fresh(backend: Backend) -> FreshDatabase {
    match backend {
        Backend::Embedded => {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let uri = format!("sqlite:{}", file(&folder).display());
            FreshDatabase { uri, place: Place::File(folder) }
        }
        Backend::Server => {
            sweep();
            fresh_on(&server())
        }
    }
}

/// Creates an empty database on the server at this address, which names no database and an account
/// that may create databases and accounts.
///
/// # Panics
///
/// When the server cannot be reached.
#[must_use]
pub fn fresh_on(server: &str) -> FreshDatabase {
    // Accounts have at most 32 characters, so the name is kept short.
    let name = format!("{PREFIX}{}_{}", now_s(), &uuid::Uuid::new_v4().simple().to_string()[..8]);
    let _ = server_rows(server, vec![format!("CREATE DATABASE {name} CHARACTER SET utf8")]);
    let place = Place::Server { server: server.to_owned(), name: name.clone() };
    FreshDatabase { uri: format!("{server}/{name}"), place }
}

/// The account that may change rows, beside the one of the database's own name that may not.
fn writer_of(name: &str) -> String {
    name.replacen(PREFIX, "ichnaea_tw_", 1)
}

impl FreshDatabase {
    /// The address with an account that may only read; on SQLite the same address.
    #[must_use]
    pub fn reader_uri(&self) -> String {
        self.account(str::to_owned, "SELECT")
    }

    /// The address with an account that may read and change rows, and nothing else; on SQLite the
    /// same address.
    #[must_use]
    pub fn writer_uri(&self) -> String {
        self.account(writer_of, "SELECT, INSERT, UPDATE, DELETE")
    }

    /// The address with an account that has these rights on this database only.
    fn account(&self, user_of: impl Fn(&str) -> String, rights: &str) -> String {
        match &self.place {
            Place::File(_) => self.uri.clone(),
            Place::Server { server, name } => {
                let (user, password) = (user_of(name), "p%w:of@/");
                let statements = [
                    format!("CREATE OR REPLACE USER '{user}'@'%' IDENTIFIED BY '{password}'"),
                    format!("GRANT {rights} ON {name}.* TO '{user}'@'%'"),
                ];
                let _ = server_rows(server, statements.to_vec());
                let address = server.rsplit_once('@').map_or("127.0.0.1:3306", |(_, host)| host);
                format!("mysql+pymysql://{user}:p%25w%3Aof%40%2F@{address}/{name}")
            }
        }
    }

    /// Runs statements, one after the other.
    ///
    /// # Panics
    ///
    /// When one fails.
    pub fn execute(&self, statements: &[&str]) {
        for statement in statements {
            let _ = self.rows(statement);
        }
    }

    /// The rows of a query as text, NULL as `None`; bytes that are not text as `X'…'`.
    ///
    /// # Panics
    ///
    /// When it fails.
    #[must_use]
    pub fn rows(&self, query: &str) -> Vec<Vec<Option<String>>> {
        match &self.place {
            Place::File(folder) => sqlite_rows(&file(folder), query),
            Place::Server { .. } => server_rows(&self.uri, vec![query.to_owned()]),
        }
    }
}

impl Drop for FreshDatabase {
    fn drop(&mut self) {
        if let Place::Server { server, name } = &self.place {
            let _ = server_rows(server, dropping(name));
        }
    }
}

/// The rows of a statement on an SQLite file, as [`FreshDatabase::rows`] has them.
#[must_use]
pub fn rows_of_file(file: &std::path::Path, statement: &str) -> Vec<Vec<Option<String>>> {
    sqlite_rows(file, statement)
}

/// Keeps an SQLite file locked, as another program may, until it is dropped.
pub struct LockedFile {
    _transaction: rusqlite::Connection,
}

impl LockedFile {
    /// Locks a file for everybody else who wants to write.
    ///
    /// # Panics
    ///
    /// When it cannot be locked.
    #[must_use]
    pub fn new(file: &std::path::Path) -> Self {
        let connection = rusqlite::Connection::open(file).expect("the database file opens");
        connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a busy time-out");
        connection.execute_batch("BEGIN EXCLUSIVE").expect("the lock is free");
        Self { _transaction: connection }
    }
}

fn file(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("ichnaea.db")
}

fn server() -> String {
    std::env::var("TEST_MYSQL_URI").unwrap_or_else(|_| DEFAULT_SERVER.to_owned())
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Drops what killed tests left behind.
fn sweep() {
    let is_old = |name: &String| {
        let mut parts = name.trim_start_matches(PREFIX).split('_');
        let created_s = parts.next().and_then(|digits| digits.parse::<u64>().ok());
        created_s.is_some_and(|created_s| created_s + LEFTOVER_AFTER_S < now_s())
    };
    let names = admin(&[format!(r"SHOW DATABASES LIKE '{}%'", PREFIX.replace('_', r"\_"))]);
    for name in names.into_iter().flatten().flatten().filter(is_old) {
        admin(&dropping(&name));
    }
}

/// The statements that remove a database and its accounts.
fn dropping(name: &str) -> Vec<String> {
    vec![
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("DROP USER IF EXISTS '{name}'@'%', '{}'@'%'", writer_of(name)),
    ]
}

fn admin(statements: &[String]) -> Vec<Vec<Option<String>>> {
    server_rows(&server(), statements.to_vec())
}

/// Runs statements on the server and returns the rows of the last.
pub(crate) fn server_rows(uri: &str, statements: Vec<String>) -> Vec<Vec<Option<String>>> {
    let uri = uri.to_owned();
    let work = async move {
        let opts = mysql_async::Opts::from_url(&uri).expect("TEST_MYSQL_URI is an address");
        let mut conn = mysql_async::Conn::new(opts).await.unwrap_or_else(|error| {
            panic!("the tests need a MariaDB server, see TEST_MYSQL_URI: {error}")
        });
        let mut rows: Vec<mysql_async::Row> = Vec::new();
        for statement in &statements {
            let result = conn.query(statement.as_str()).await;
            rows = result.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        conn.disconnect().await.expect("the server lets go");
        rows.into_iter().map(|row| row.unwrap().into_iter().map(text_of_server).collect()).collect()
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let thread = std::thread::spawn(move || runtime().expect("a runtime").block_on(work));
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn text_of_server(value: mysql_async::Value) -> Option<String> {
    match value {
        mysql_async::Value::NULL => None,
        mysql_async::Value::Bytes(bytes) => Some(text_of_bytes(&bytes)),
        other => Some(other.as_sql(true).trim_matches('\'').to_owned()),
    }
}

fn text_of_bytes(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let has_control = bytes.iter().any(|byte| *byte < b' ');
    match std::str::from_utf8(bytes) {
        Ok(text) if !has_control => text.to_owned(),
        _ => {
            bytes.iter().fold("X'".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02X}");
                text
            }) + "'"
        }
    }
}

fn sqlite_rows(file: &std::path::Path, query: &str) -> Vec<Vec<Option<String>>> {
    let connection = rusqlite::Connection::open(file).expect("the database file opens");
    connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a busy time-out");
    let mut statement =
        connection.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap_or_else(|error| panic!("{query}: {error}"));
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{query}: {error}")) {
        let value = |column| row.get_ref(column).expect("a column of this number");
        found.push((0..columns).map(|column| text_of_sqlite(value(column))).collect());
    }
    found
}

fn text_of_sqlite(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(value.to_string()),
        ValueRef::Real(value) => Some(value.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(text_of_bytes(bytes)),
    }
}
