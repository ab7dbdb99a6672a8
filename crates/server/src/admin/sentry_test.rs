//! `ichnaea sentry-test`: does a failure reach Sentry?

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Subcommand;
use ichnaea_kv::KeyValue;

use super::print;
use crate::clock::Clock;
use crate::sentry::{self, Sent};
use crate::tasks::Task;
use crate::tasks::message::{Message, send};

/// How long the event may wait for a worker.
const EXPIRES: Duration = Duration::from_hours(1);

/// Who sends the event.
#[derive(Subcommand, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Sends an event from this process and says what came of it
    #[command(
        visible_alias = "clitest",
        after_help = "Without SENTRY_DSN nothing is sent and the status is 0; it is 1 when Sentry \
            does not take the event."
    )]
    Cli,
    /// Has a worker send one, to test its settings
    #[command(
        visible_aliases = ["celery", "celerytest"],
        after_help = "The worker sends it with the tag app=taskapp, within a second when one runs. \
            `ichnaea pipeline status` and the worker's log tell whether one does."
    )]
    Worker,
}

/// Sends from this process; false when Sentry did not take it.
#[must_use]
pub fn cli(clock: &Clock) -> bool {
    let message = format!("Testing Sentry configuration via cli ({})", stamp(clock));
    say(&format!("Using message: {message}"));
    say("Building Raven client...");
    say("Sending message...");
    match sentry::report_and_wait(&message) {
        Sent::NotConfigured => {
            print("Sentry is not configured: SENTRY_DSN is not set. Nothing was sent.");
            true
        }
        Sent::Delivered(id) => {
            say(&format!("Sentry took it as event {id}"));
            true
        }
        Sent::Failed(why) => {
            print(format!("Sentry did not take it: {why}"));
            false
        }
    }
}

/// Asks a worker to send.
pub async fn worker(kv: &dyn KeyValue, clock: &Clock) -> anyhow::Result<()> {
    let message = format!("Testing Sentry configuration via celery ({})", stamp(clock));
    say(&format!("Using message: {message}"));
    say("Creating celery task...");
    let message = Message::new(Task::SentryTest, Some(message), clock.now_ms(), EXPIRES);
    kv.apply(vec![send(&[message])]).await?;
    Ok(())
}

fn stamp(clock: &Clock) -> String {
    clock.now().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Prints a line, in green where somebody watches.
fn say(line: &str) {
    if std::io::stdout().is_terminal() {
        print(format!("\u{1b}[32m{line}\u{1b}[0m"));
    } else {
        print(line);
    }
}
