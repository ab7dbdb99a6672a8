//! What an event contains.
//!
//! The facts of an event are few and named: a message, the text of an error, the task, the place in
//! the code. Nothing else of a log line gets here, and from the two texts everything is removed that
//! could be a key, an address, a position or a password (`scrub.rs`).

use std::borrow::Cow;
use std::fmt::Debug;

use ::sentry::protocol::Event;
use tracing::field::{Field, Visit};

use super::App;
use super::scrub::scrub;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Warning,
    Error,
}

/// Fields of a log line whose text explains what went wrong.
const ERROR_FIELDS: [&str; 4] = ["error", "failure", "reason", "problem"];

/// All that is known of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) level: Level,
    /// The text of the log line.
    pub(super) message: String,
    /// The text of the error, where it is not a part of the message.
    pub(super) error: Option<String>,
    /// The task that failed.
    pub(super) task: Option<String>,
    /// The name of the incident.
    pub(super) incident: Option<String>,
    /// File and line.
    pub(super) location: Option<String>,
    /// Functions and lines on the way to a panic; no values.
    pub(super) traceback: Option<String>,
    /// How often this happened without being sent since the last time.
    pub(super) suppressed: u64,
}

impl Facts {
    pub(super) const fn new(level: Level, message: String) -> Self {
        Self {
            level,
            message,
            error: None,
            task: None,
            incident: None,
            location: None,
            traceback: None,
            suppressed: 0,
        }
    }

    /// Reads a log line.
    pub(super) fn of(event: &tracing::Event<'_>) -> Self {
        let metadata = event.metadata();
        let level = match *metadata.level() {
            tracing::Level::ERROR => Level::Error,
            _ => Level::Warning,
        };
        let mut facts = Self::new(level, String::new());
        facts.location =
            metadata.file().zip(metadata.line()).map(|(file, line)| format!("{file}:{line}"));
        event.record(&mut facts);
        facts
    }

    /// The event that is sent.
    pub(super) fn event(self, app: App) -> Event<'static> {
        let message = match &self.error {
            Some(error) => scrub(&format!("{}: {error}", self.message)),
            None => scrub(&self.message),
        };
        let mut event = Event::new();
        event.level = match self.level {
            Level::Warning => ::sentry::Level::Warning,
            Level::Error => ::sentry::Level::Error,
        };
        // The varying part of a message must not make a group of its own.
        if let Some(group) = self.incident.clone().or(self.location.clone()) {
            let mut group = vec![Cow::Owned(group)];
            group.extend(self.task.clone().map(Cow::Owned));
            event.fingerprint = group.into();
        }
        event.message = Some(message);
        event.logger = Some("ichnaea".into());
        event.tags.insert("app".into(), app.name().into());
        let tags = [("task", self.task), ("incident", self.incident), ("location", self.location)];
        for (name, value) in tags {
            event.tags.extend(value.map(|value| (name.to_owned(), value)));
        }
        if self.suppressed > 0 {
            event.extra.insert("suppressed".into(), self.suppressed.into());
        }
        event.extra.extend(self.traceback.map(|text| ("traceback".to_owned(), text.into())));
        event
    }

    fn note(&mut self, field: &Field, text: impl FnOnce() -> String) {
        match field.name() {
            "message" => self.message = text(),
            "task" => self.task = Some(text()),
            "incident" => self.incident = Some(text()),
            "place" => self.location = Some(text()),
            "traceback" => self.traceback = Some(text()),
            name if ERROR_FIELDS.contains(&name) => self.error = Some(text()),
            // Whatever else the line has stays here.
            _ => {}
        }
    }
}

impl Visit for Facts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, || value.to_owned());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        // The log has left some out as well.
        if field.name() == "suppressed" {
            self.suppressed += value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.note(field, || format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_what_is_needed_and_nothing_else() {
        let facts = Facts {
            error: Some("no answer from 10.0.0.1".into()),
            task: Some("update_wifi".into()),
            incident: Some("backend_away".into()),
            location: Some("src/a.rs:1".into()),
            suppressed: 3,
            ..Facts::new(Level::Warning, "worker waits".into())
        };
        let event = serde_json::to_value(facts.event(App::Task)).unwrap();
        assert_eq!(event["message"], "worker waits: no answer from […]");
        assert_eq!(event["level"], "warning");
        assert_eq!(event["fingerprint"], serde_json::json!(["backend_away", "update_wifi"]));
        assert_eq!(
            event["tags"],
            serde_json::json!({
                "app": "taskapp", "task": "update_wifi", "incident": "backend_away",
                "location": "src/a.rs:1",
            })
        );
        assert_eq!(event["extra"], serde_json::json!({"suppressed": 3}));
        for absent in ["request", "user", "breadcrumbs", "exception", "modules"] {
            assert_eq!(event.get(absent), None, "{absent}");
        }
    }
}
