//! What is logged, how, and where: one line per event on standard error.
//!
//! The roles of the original write its JSON (MozLog), so that collectors of log lines go on working.
//! In development lines are for people, and so they are on the terminal of somebody who runs
//! `ichnaea serve` or a command by hand.

mod event;
mod fields;
mod lines;
mod mozlog;
mod panics;
mod terminal;
mod throttle;

use std::borrow::Cow;
use std::io::IsTerminal as _;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

pub use fields::Fields;
pub use lines::{flush, gather};
pub(crate) use throttle::warn_seldom;
pub use throttle::{Throttle, pass_seldom};

/// The logger of the one line per request or task.
pub const CANONICAL: &str = "canonical-log-line";

/// Loggers of ours, whose level is set; of all others only warnings are shown.
const OURS: [&str; 7] =
    ["ichnaea_server", "ichnaea_store", "ichnaea_kv", "ichnaea", "alembic", CANONICAL, "markus"];

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, as the original writes it.
    MozLog,
    /// The original's lines for development.
    Development,
    /// For people at a terminal.
    Terminal,
}

impl Format {
    /// The format of a process. `is_role_of_original`: collectors expect its JSON from this one,
    /// also when a container has a terminal.
    #[must_use]
    pub fn choose(is_development: bool, is_role_of_original: bool) -> Self {
        if is_development {
            Self::Development
        } else if is_role_of_original || !std::io::stderr().is_terminal() {
            Self::MozLog
        } else {
            Self::Terminal
        }
    }
}

/// Starts logging at one of the levels `CRITICAL`, `ERROR`, `WARNING`, `INFO` and `DEBUG`.
pub fn start(level: &str, format: Format) {
    let is_terminal = std::io::stderr().is_terminal();
    let layer = fmt::layer().with_writer(lines::Lines).with_ansi(is_terminal);
    let layer = match format {
        Format::MozLog => layer.event_format(mozlog::MozLog::new()).boxed(),
        Format::Development => layer.event_format(terminal::Development::default()).boxed(),
        Format::Terminal => layer.event_format(terminal::Terminal::default()).boxed(),
    };
    // An error means that a test or an embedding program logs already.
    let lines = tracing_subscriber::registry().with(layer.with_filter(filter(level)));
    // What is reported does not depend on what is shown.
    if lines.with(crate::sentry::Layer.with_filter(LevelFilter::WARN)).try_init().is_ok() {
        panics::log_panics();
    }
}

/// Our own events from the level on; those of libraries only when something is wrong. Nothing here
/// is worse than an error, so `CRITICAL` shows errors.
fn filter(level: &str) -> Targets {
    let level = match level.to_ascii_uppercase().as_str() {
        "CRITICAL" | "ERROR" => Level::ERROR,
        "WARNING" => Level::WARN,
        "DEBUG" => Level::DEBUG,
        _ => Level::INFO,
    };
    Targets::new().with_default(LevelFilter::WARN).with_targets(OURS.map(|name| (name, level)))
}

/// The name of a logger: modules of ours and of libraries in dotted form.
fn logger(target: &str) -> Cow<'_, str> {
    if !target.contains("::") && !target.starts_with("ichnaea_") {
        return target.into();
    }
    let target = target.replace("::", ".");
    match target.strip_prefix("ichnaea_") {
        // The crate is how the program is cut into pieces, which is nobody's affair.
        Some(rest) => format!("ichnaea.{}", rest.strip_prefix("server.").unwrap_or(rest)).into(),
        None => target.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_for_our_loggers() {
        for (level, info, debug) in [
            ("CRITICAL", false, false),
            ("WARNING", false, false),
            ("INFO", true, false),
            ("DEBUG", true, true),
        ] {
            let filter = filter(level);
            for name in ["ichnaea_server::geoip", CANONICAL, "markus"] {
                assert_eq!(filter.would_enable(name, &Level::INFO), info, "{level} {name}");
                assert_eq!(filter.would_enable(name, &Level::DEBUG), debug, "{level} {name}");
                assert!(filter.would_enable(name, &Level::ERROR), "{level} {name}");
            }
            assert!(filter.would_enable("hyper::proto", &Level::WARN), "{level}");
            assert!(!filter.would_enable("hyper::proto", &Level::INFO), "{level}");
        }
    }

    #[test]
    fn loggers_have_the_names_operators_know() {
        for (target, name) in [
            ("ichnaea_server::geoip", "ichnaea.geoip"),
            ("ichnaea_server::tasks::scheduler", "ichnaea.tasks.scheduler"),
            ("ichnaea_server", "ichnaea.server"),
            ("ichnaea_kv::redis", "ichnaea.kv.redis"),
            (CANONICAL, "canonical-log-line"),
            ("hyper::proto", "hyper.proto"),
        ] {
            assert_eq!(logger(target), name);
        }
    }
}
