//! What is reported to Sentry, when `SENTRY_DSN` says where that is.
//!
//! The flow writes log lines and knows nothing of Sentry. A log line becomes an event when it is an
//! error, or when it is a warning that carries one of the names in [`incident`]: failures that the
//! service lives with, and that somebody should know of all the same. What an event may contain is
//! decided in `event.rs`, how often it is sent in `limit.rs`, and how in `delivery.rs`: from a thread
//! of its own, so that nothing ever waits for Sentry.

mod delivery;
mod event;
pub mod incident;
mod layer;
mod limit;
mod scrub;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ::sentry::types::Dsn;
use ::sentry::{Client, ClientOptions};

use crate::config;
use delivery::Delivery;
use event::{Facts, Level};
pub use layer::Layer;
use limit::Limit;

/// How long the end of a process waits for events that are still on their way.
const LAST_WAIT: Duration = Duration::from_secs(2);
/// How long a command whose purpose is the event waits for it.
const TEST_WAIT: Duration = Duration::from_secs(10);

/// Which part of the service an event comes from, in the words of the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum App {
    /// The web role, and everything in one process.
    Web,
    /// Worker and scheduler.
    Task,
    /// The command that draws the coverage map.
    Datamap,
    /// The command that tests all this.
    Test,
}

impl App {
    const fn name(self) -> &'static str {
        match self {
            Self::Web => "webapp",
            Self::Task => "taskapp",
            Self::Datamap => "datamap",
            Self::Test => "sentry_test",
        }
    }
}

/// What came of an event that was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// `SENTRY_DSN` is not set.
    NotConfigured,
    /// Sentry took it, under this id.
    Delivered(String),
    /// Sentry did not take it, or not in time.
    Failed(String),
}

/// The way to Sentry of this process.
static REPORTER: OnceLock<Reporter> = OnceLock::new();

struct Reporter {
    app: App,
    client: Client,
    delivery: Arc<Delivery>,
    limit: Mutex<Limit>,
}

/// Whether an address can be used as `SENTRY_DSN`; what is wrong with it otherwise.
pub fn check_dsn(dsn: &str) -> Result<(), String> {
    let Err(problem) = dsn.parse::<Dsn>() else { return Ok(()) };
    Err(format!("{problem}; https://KEY@HOST/PROJECT is needed"))
}

/// The host and port of an address that can be used.
#[must_use]
pub fn host(dsn: &str) -> Option<(String, u16)> {
    let dsn: Dsn = dsn.parse().ok()?;
    Some((dsn.host().to_owned(), dsn.port()))
}

/// Starts to report what goes wrong from here on. Without a setting nothing is reported.
pub fn start(setting: Option<&config::Sentry>, app: App) -> anyhow::Result<()> {
    let Some(setting) = setting else { return Ok(()) };
    let dsn: Dsn = setting.dsn.parse()?;
    let delivery = Arc::new(Delivery::start(&dsn)?);
    let mut options = ClientOptions::new();
    options.dsn = Some(dsn);
    options.release = Some(env!("CARGO_PKG_VERSION").into());
    options.environment = setting.environment.clone().map(Into::into);
    options.server_name = Some(crate::host::name().into());
    options.transport = Some(Arc::new(Arc::clone(&delivery)));
    options.send_default_pii = false;
    let client = Client::with_options(options);
    // A second start in one process, as in tests, changes nothing.
    let _ = REPORTER.set(Reporter { app, client, delivery, limit: Mutex::default() });
    Ok(())
}

/// Reports a failure that ends the process.
pub fn report_end(failure: &anyhow::Error) {
    if let Some(reporter) = REPORTER.get() {
        reporter.send(Facts::new(Level::Error, format!("the process ends: {failure:#}")));
    }
}

/// Reports a message, whatever was reported before. False when nothing is configured.
pub fn report(message: &str) -> bool {
    let Some(reporter) = REPORTER.get() else { return false };
    reporter.send(Facts::new(Level::Error, message.to_owned()));
    true
}

/// Reports a message and waits for what comes of it.
#[must_use]
pub fn report_and_wait(message: &str) -> Sent {
    let Some(reporter) = REPORTER.get() else { return Sent::NotConfigured };
    let id = reporter.send(Facts::new(Level::Error, message.to_owned()));
    if !reporter.delivery.wait(TEST_WAIT) {
        return Sent::Failed("no answer in time".to_owned());
    }
    match reporter.delivery.last() {
        Some(Ok(())) => Sent::Delivered(id),
        Some(Err(why)) => Sent::Failed(why),
        None => Sent::Failed("it was not sent".to_owned()),
    }
}

/// Waits for events on their way, but not for long.
pub fn finish() {
    if let Some(reporter) = REPORTER.get() {
        reporter.delivery.wait(LAST_WAIT);
    }
}

impl Reporter {
    /// Sends an event, unless one of its kind was sent a moment ago.
    fn send_limited(&self, kind: limit::Kind, facts: impl FnOnce() -> Facts) {
        let admitted = {
            let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
            limit.admit(kind, Instant::now())
        };
        if let Some(suppressed) = admitted {
            let mut facts = facts();
            facts.suppressed += suppressed;
            self.send(facts);
        }
    }

    fn send(&self, facts: Facts) -> String {
        self.client.capture_event(facts.event(self.app), None).simple().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_a_secret_are_taken() {
        for dsn in ["https://key@sentry.example/1", "http://key:secret@127.0.0.1:9000/path/1"] {
            assert_eq!(check_dsn(dsn), Ok(()), "{dsn}");
        }
        for dsn in
            ["nonsense", "https://sentry.example/1", "https://key@sentry.example/", "ftp://key@a/1"]
        {
            let problem = check_dsn(dsn).unwrap_err();
            assert!(problem.ends_with("is needed") && !problem.contains("key@s"), "{problem}");
        }
    }
}
