//! What an operator should know of an engine.

use std::path::PathBuf;

/// The state of an engine, as far as it tells. `None` is "not told" or "does not apply".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its name: `Redis`, `Valkey` or `SQLite`.
    pub engine: String,
    /// Its version, such as `7.2.4`. Valkey tells the version of Redis that it stands for.
    pub version: String,
    /// Its clock, milliseconds since 1970.
    pub clock_ms: Option<i64>,
    /// Whether what was acknowledged is still there after a restart of the engine.
    pub is_durable: Option<bool>,
    /// Whether the last attempt to write to disk failed.
    pub has_write_error: Option<bool>,
    /// Whether it only copies another server and refuses changes.
    pub is_replica: Option<bool>,
    /// What it does when memory runs out, in Redis' words.
    pub eviction: Option<String>,
    /// Memory in use, of a file the part that is not free again; bytes.
    pub used_bytes: Option<u64>,
    /// Memory it may use, bytes; `None`: all there is.
    pub max_bytes: Option<u64>,
    /// The file it keeps everything in.
    pub file: Option<PathBuf>,
}

impl Facts {
    /// Major and minor version as numbers.
    #[must_use]
    pub fn version_numbers(&self) -> Option<(u32, u32)> {
        let mut numbers = self.version.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    /// Reads the answer to `INFO`.
    #[must_use]
    pub fn of_redis(info: &str, clock_ms: i64) -> Self {
        let value = |name: &str| {
            info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
        };
        let is = |name: &str, wanted: &str| value(name).map(|found| found == wanted);
        let number = |name: &str| value(name).and_then(|text| text.parse().ok());
        let failed = |name: &str| value(name).map(|status| status != "ok");
        let engine = if value("valkey_version").is_some() { "Valkey" } else { "Redis" };
        Self {
            engine: engine.to_owned(),
            version: value("redis_version").unwrap_or_default().to_owned(),
            clock_ms: Some(clock_ms),
            is_durable: is("aof_enabled", "1"),
            has_write_error: match (
                failed("aof_last_write_status"),
                failed("rdb_last_bgsave_status"),
            ) {
                (None, None) => None,
                (aof, rdb) => Some(aof == Some(true) || rdb == Some(true)),
            },
            is_replica: is("role", "slave"),
            eviction: value("maxmemory_policy").map(str::to_owned),
            used_bytes: number("used_memory"),
            max_bytes: number("maxmemory").filter(|&bytes| bytes > 0),
            file: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_a_server_is_read() {
        let info = "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nused_memory:1000\r\n\
                    used_memory_human:1K\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n\
                    # Persistence\r\naof_enabled:0\r\nrdb_last_bgsave_status:err\r\n\
                    # Replication\r\nrole:master\r\n";
        let facts = Facts::of_redis(info, 5);
        assert_eq!(
            facts,
            Facts {
                engine: "Redis".into(),
                version: "7.0.15".into(),
                clock_ms: Some(5),
                is_durable: Some(false),
                has_write_error: Some(true),
                is_replica: Some(false),
                eviction: Some("allkeys-lru".into()),
                used_bytes: Some(1000),
                max_bytes: None,
                file: None,
            }
        );
        assert_eq!(facts.version_numbers(), Some((7, 0)));
    }

    #[test]
    fn an_answer_that_leaves_things_out_leaves_them_open() {
        let facts = Facts::of_redis("redis_version:3.2.0\r\nvalkey_version:8.0\r\n", 0);
        assert_eq!((facts.engine.as_str(), facts.is_durable), ("Valkey", None));
        assert_eq!((facts.has_write_error, facts.eviction), (None, None));
        assert_eq!(Facts::default().version_numbers(), None);
    }
}
