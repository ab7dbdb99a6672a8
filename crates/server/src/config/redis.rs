//! The address of the key-value store.

use std::path::Path;

use super::table::{REDIS_HOST, REDIS_PORT, REDIS_URI, TESTING};
use super::{Invalid, Settings, bracketed};

/// Reads the address; `database` is the address of the tables, `data` the folder of the embedded
/// files.
pub(super) fn address(settings: &Settings, database: &str, data: &Path) -> Result<String, Invalid> {
    if let Some(uri) = settings.text(&REDIS_URI) {
        if uri == database {
            let problem = "names the same file as the database; it needs a file of its own";
            return Err(settings.invalid(&REDIS_URI, problem.to_owned()));
        }
        return Ok(uri.to_owned());
    }
    if let Some(host) = settings.text(&REDIS_HOST) {
        let port = settings.number(&REDIS_PORT).unwrap_or_default();
        let number = u8::from(settings.is_on(&TESTING));
        return Ok(format!("redis://{}:{port}/{number}", bracketed(host)));
    }
    match database.strip_prefix("sqlite:") {
        Some(file) if Path::new(file) == data.join("ichnaea.sqlite") => {
            Ok(format!("sqlite:{}", data.join("queue.sqlite").display()))
        }
        Some(file) => Ok(format!("sqlite:{file}.queue")),
        None => {
            let problem = "not set; give redis://HOST:PORT/DB or sqlite:PATH, or REDIS_HOST";
            Err(Invalid::missing(&REDIS_URI, problem.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;
    use super::*;

    fn read(variables: &[(&str, &str)], database: &str) -> String {
        let settings = settings_of(variables);
        address(&settings, database, Path::new("data")).unwrap_or_else(|problem| problem.problem)
    }

    #[test]
    fn the_address_as_a_whole_wins_over_host_and_port() {
        let whole = ("REDIS_URI", "rediss://u:p@[::1]:1/2");
        let host = ("REDIS_HOST", "cache");
        assert_eq!(read(&[whole, host], "mysql://h/x"), whole.1);
        assert_eq!(read(&[("REDIS_URI", ""), host], "mysql://h/x"), "redis://cache:6379/0");
        let all = [host, ("REDIS_PORT", "7"), ("TESTING", "yes")];
        assert_eq!(read(&all, "mysql://h/x"), "redis://cache:7/1");
        assert_eq!(read(&[("REDIS_HOST", "::1")], "mysql://h/x"), "redis://[::1]:6379/0");
    }

    #[test]
    fn beside_a_file_it_is_a_file() {
        assert_eq!(read(&[], "sqlite:data/ichnaea.sqlite"), "sqlite:data/queue.sqlite");
        assert_eq!(read(&[], "sqlite:one.sqlite"), "sqlite:one.sqlite.queue");
        let same = read(&[("REDIS_URI", "sqlite:one")], "sqlite:one");
        assert!(same.contains("a file of its own"), "{same}");
        assert!(read(&[], "mysql://h/x").starts_with("not set"));
    }
}
