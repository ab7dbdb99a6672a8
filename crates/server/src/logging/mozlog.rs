//! Lines in the form of the original: MozLog 2.0, one JSON object each.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::event::Parts;
use super::logger;
use crate::api::{quote, quoted};
use crate::clock::Clock;

/// Writes MozLog.
pub struct MozLog {
    clock: Clock,
    /// What is the same in every line, before its severity and after it.
    same: [String; 2],
}

impl MozLog {
    /// For this process.
    pub fn new() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self { clock: Clock::default(), same: same(host.trim(), std::process::id()) }
    }

    fn line(&self, level: Level, target: &str, parts: &Parts) -> String {
        // As long as the line of a request is.
        let mut line = String::with_capacity(1024);
        line.push_str("{\"Timestamp\": ");
        line.push_str(itoa::Buffer::new().format(self.clock.now_ns()));
        line.push_str(", \"Type\": ");
        quote(&mut line, &logger(target));
        let [before, after] = &self.same;
        line.push_str(before);
        line.push_str(severity(level));
        line.push_str(after);
        let message = parts.message.as_str();
        // The original leaves out what looks like a rendered structure.
        let is_structure = message.starts_with('{') && message.ends_with('}');
        if !message.is_empty() && !is_structure {
            line.push_str("\"msg\": ");
            quote(&mut line, message);
        }
        parts.append_to(&mut line);
        line.push_str("}}\n");
        line
    }
}

/// The members around the severity.
fn same(host: &str, pid: u32) -> [String; 2] {
    let host = quoted(host);
    let before = format!(
        ", \"Logger\": \"ichnaea\", \"Hostname\": {host}, \"EnvVersion\": \"2.0\", \"Severity\": ",
    );
    [before, format!(", \"Pid\": {pid}, \"Fields\": {{")]
}

/// Numbers as syslog has them.
const fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    }
}

impl<S, N> FormatEvent<S, N> for MozLog
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        writer.write_str(&self.line(*metadata.level(), metadata.target(), &Parts::of(event)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn mozlog() -> MozLog {
        MozLog { clock: Clock::Fixed(Arc::new(1_488_799_800_123.into())), same: same("web-1", 7) }
    }

    fn parts(message: &str, more: &str) -> Parts {
        Parts { message: message.to_owned(), more: more.to_owned(), ..Parts::default() }
    }

    #[test]
    fn the_envelope_has_its_members_in_order() {
        let parts = parts("GET / - 200", "\"http_status\": 200");
        assert_eq!(
            mozlog().line(Level::INFO, "canonical-log-line", &parts),
            "{\"Timestamp\": 1488799800123000000, \"Type\": \"canonical-log-line\", \
             \"Logger\": \"ichnaea\", \"Hostname\": \"web-1\", \"EnvVersion\": \"2.0\", \
             \"Severity\": 6, \"Pid\": 7, \
             \"Fields\": {\"msg\": \"GET / - 200\", \"http_status\": 200}}\n"
        );
    }

    #[test]
    fn a_message_without_text_of_its_own_is_left_out() {
        for (message, fields) in [
            ("", "\"Fields\": {}}\n"),
            ("{\"a\": 1}", "\"Fields\": {}}\n"),
            ("{a", "\"Fields\": {\"msg\": \"{a\"}}\n"),
        ] {
            let line = mozlog().line(Level::WARN, "x", &parts(message, ""));
            assert!(line.ends_with(fields), "{line}");
        }
    }

    #[test]
    fn no_text_breaks_a_line() {
        let hostile = "a\nb\r\u{1b}[31m\u{85}\u{2028}é\"\\";
        let mut parts = parts(hostile, "");
        parts.fields.text("path", hostile);
        let line = mozlog().line(Level::ERROR, hostile, &parts);
        assert!(line.trim_end_matches('\n').bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        let record: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(record["Fields"]["msg"], hostile);
        assert_eq!(record["Fields"]["path"], hostile);
        assert_eq!(record["Severity"], 3);
    }
}
