//! What is logged, how, and where: one line per event on standard error.
//!
//! Readable on a terminal, JSON otherwise. Keys, addresses and station ids are never logged.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging at one of the levels `CRITICAL`, `ERROR`, `WARNING`, `INFO` and `DEBUG`.
pub fn start(level: &str) {
    let format = tracing_subscriber::fmt()
        .with_env_filter(filter(level))
        .with_writer(std::io::stderr)
        .with_target(false);
    let is_terminal = std::io::stderr().is_terminal();
    // An error means that a test or an embedding program logs already.
    let _ = if is_terminal {
        format.compact().try_init()
    } else {
        format.json().flatten_event(true).with_current_span(false).with_ansi(false).try_init()
    };
}

/// Our own events from the level on; those of libraries only when something is wrong.
fn filter(level: &str) -> EnvFilter {
    let level = match level.to_ascii_uppercase().as_str() {
        "CRITICAL" | "ERROR" => "error",
        "WARNING" => "warn",
        "DEBUG" => "debug",
        _ => "info",
    };
    let libraries = if level == "error" { "error" } else { "warn" };
    let ours = ["ichnaea_server", "ichnaea_store", "ichnaea_kv", "ichnaea"]
        .map(|target| format!("{target}={level}"))
        .join(",");
    EnvFilter::new(format!("{libraries},{ours}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_a_filter() {
        for (level, ours) in [
            ("CRITICAL", "ichnaea_server=error"),
            ("warning", "ichnaea_server=warn"),
            ("INFO", "ichnaea_server=info"),
            ("DEBUG", "ichnaea_server=debug"),
        ] {
            let filter = filter(level).to_string();
            assert!(filter.contains(ours), "{filter}");
        }
    }
}
