//! Which log lines are reported.

use std::fmt::Debug;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::Context;

use super::REPORTER;
use super::event::Facts;
use crate::logging::CANONICAL;

/// What our own log lines have as their target.
const OURS: &str = "ichnaea";

/// A part of the log that reports. Whether it does is asked for every line, so it may be installed
/// before [`super::start`].
#[derive(Debug)]
pub struct Layer;

impl<S: Subscriber> tracing_subscriber::Layer<S> for Layer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let Some(reporter) = REPORTER.get().filter(|_| is_reported(metadata)) else { return };
        let mut what = What(String::new());
        event.record(&mut what);
        reporter.send_limited((metadata.callsite(), what.0), || Facts::of(event));
    }
}

/// Errors, and warnings about an incident.
fn is_reported(metadata: &Metadata<'_>) -> bool {
    let is_meant = match *metadata.level() {
        Level::ERROR => true,
        Level::WARN => metadata.fields().field("incident").is_some(),
        _ => false,
    };
    is_meant && (metadata.target().starts_with(OURS) || metadata.target() == CANONICAL)
}

/// Finds what a line is about, and looks at nothing else.
struct What(String);

impl Visit for What {
    fn record_str(&mut self, field: &Field, value: &str) {
        if matches!(field.name(), "task" | "incident" | "backend") {
            self.0.push_str(value);
            self.0.push(' ');
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
