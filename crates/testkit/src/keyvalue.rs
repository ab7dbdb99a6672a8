//! Key-value addresses that nobody else uses, cleaned up at the end.

#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test without its server must say so and stop"
)]

use std::sync::Once;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use uuid::Uuid;

use crate::Backend;

/// What the keys of all tests begin with; the time of the test follows, then a random part.
const STEM: &str = "ichnaea-test:";

/// Age at which keys of a test are taken for left behind by one that was killed, seconds.
const LEFTOVER_AGE_S: u64 = 3600;

/// An empty key-value store of a test's own. Its content is deleted when this is dropped.
pub struct FreshKeyValue {
    /// The address.
    pub uri: String,
    content: Content,
}

enum Content {
    Folder { _deleted_on_drop: TempDir },
    Keys { server: Box<redis::Client>, prefix: String },
}

impl FreshKeyValue {
    /// What the server puts before every key of this store; `None` for a file.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        match &self.content {
            Content::Folder { .. } => None,
            Content::Keys { prefix, .. } => Some(prefix),
        }
    }

    /// What the server has under a key, as text, past the code under test; `None` for a file.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    #[must_use]
    pub fn server_value(&self, key: &str) -> Option<String> {
        let key = format!("{}{key}", self.prefix()?);
        let value = redis::cmd("GET").arg(key).query(&mut self.connection()?);
        value.unwrap_or_else(|error| panic!("the test's Redis does not answer: {error}"))
    }

    /// The seconds that a key of the server has left, past the code under test; `None` for a file
    /// and for a key without an end.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    #[must_use]
    pub fn server_remaining_s(&self, key: &str) -> Option<u64> {
        let key = format!("{}{key}", self.prefix()?);
        let left_s: i64 = redis::cmd("TTL")
            .arg(key)
            .query(&mut self.connection()?)
            .unwrap_or_else(|error| panic!("the test's Redis does not answer: {error}"));
        u64::try_from(left_s).ok()
    }

    /// A connection to the server, past the code under test; `None` for a file.
    #[must_use]
    pub fn connection(&self) -> Option<redis::Connection> {
        match &self.content {
            Content::Folder { .. } => None,
            Content::Keys { server, .. } => Some(connect(server)),
        }
    }
}

/// A new empty store. The server is the one at `TEST_REDIS_URI`, by default on this machine.
#[must_use]
pub fn fresh(backend: Backend) -> FreshKeyValue {
    match backend {
        Backend::Embedded => {
            let folder = TempDir::with_prefix("ichnaea-kv-")
                .unwrap_or_else(|error| panic!("no folder for a test: {error}"));
            let uri = format!("sqlite:{}", folder.path().join("kv.sqlite").display());
            FreshKeyValue { uri, content: Content::Folder { _deleted_on_drop: folder } }
        }
        Backend::Server => {
            let server_uri = server_uri();
            let server = redis::Client::open(server_uri.as_str())
                .unwrap_or_else(|error| panic!("TEST_REDIS_URI is no address: {error}"));
            sweep(&server);
            let prefix = format!("{STEM}{}:{}:", now_s(), Uuid::new_v4().simple());
            let uri = format!("{server_uri}?prefix={prefix}");
            FreshKeyValue { uri, content: Content::Keys { server: Box::new(server), prefix } }
        }
    }
}

impl Drop for FreshKeyValue {
    fn drop(&mut self) {
        if let Content::Keys { server, prefix } = &self.content
            && let Ok(mut connection) = server.get_connection()
        {
            // What stays is swept by a later test.
            let _ = delete(&mut connection, |key| key.starts_with(prefix.as_bytes()), prefix);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "which server tests use is no setting of the service"
)]
fn server_uri() -> String {
    std::env::var("TEST_REDIS_URI").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned())
}

/// Deletes what killed tests left behind, once in a process.
fn sweep(server: &redis::Client) {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(|| {
        let is_left_behind = |key: &[u8]| {
            let born_s = String::from_utf8_lossy(key)
                .strip_prefix(STEM)
                .and_then(|rest| rest.split(':').next()?.parse::<u64>().ok());
            born_s.is_some_and(|born_s| born_s + LEFTOVER_AGE_S < now_s())
        };
        delete(&mut connect(server), is_left_behind, STEM)
            .unwrap_or_else(|error| panic!("cannot sweep the keys of old tests: {error}"));
    });
}

fn delete(
    connection: &mut redis::Connection,
    is_meant: impl Fn(&[u8]) -> bool,
    stem: &str,
) -> redis::RedisResult<()> {
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{stem}*")).arg("COUNT").arg(1000);
        let (next, keys): (u64, Vec<Vec<u8>>) = scan.query(connection)?;
        let keys: Vec<_> = keys.into_iter().filter(|key| is_meant(key)).collect();
        if !keys.is_empty() {
            redis::cmd("DEL").arg(keys).exec(connection)?;
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}

fn connect(server: &redis::Client) -> redis::Connection {
    server.get_connection().unwrap_or_else(|error| {
        panic!("no Redis server answers ({error}); start one or set TEST_REDIS_URI")
    })
}

#[expect(clippy::disallowed_methods, reason = "the age of what other test processes left behind")]
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
