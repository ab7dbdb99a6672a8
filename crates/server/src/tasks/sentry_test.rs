//! Has the worker report an event, so that an operator sees that it can.

use super::Outcome;

/// Reports the message.
#[must_use]
pub fn run(message: Option<&str>) -> Outcome {
    let mut outcome = Outcome::default();
    let is_sent = crate::sentry::report(message.unwrap_or("Testing Sentry configuration"));
    outcome.count(if is_sent { "sent" } else { "not_configured" }, 1);
    outcome
}
