//! Lines for people.

use std::fmt::{self, Write};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::event::Parts;
use super::{CANONICAL, logger};
use crate::clock::Clock;

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const BLUE_BOLD: &str = "\x1b[34m\x1b[1m";
const MAGENTA: &str = "\x1b[35m";
const CYAN: &str = "\x1b[36m";

/// The original's lines for development: time, level, message, logger, fields.
#[derive(Default)]
pub struct Development {
    clock: Clock,
}

/// Shorter lines, without what the message of a request says already.
#[derive(Default)]
pub struct Terminal {
    clock: Clock,
}

/// Puts a colour around text, where there are colours.
struct Paint(bool);

impl Paint {
    fn with(&self, colour: &str, text: &str) -> String {
        if self.0 { format!("{colour}{text}{RESET}") } else { text.to_owned() }
    }
}

impl Development {
    fn line(&self, paint: &Paint, level: Level, target: &str, parts: &Parts) -> String {
        let time = self.clock.instant().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
        let level_text = format!("{:<9}", name(level));
        let message = format!("{:<30}", visible(&parts.message));
        let mut line = format!(
            "{} [{}] {} [{}]",
            paint.with(DIM, &time),
            paint.with(colour(level), &level_text),
            paint.with(BOLD, &message),
            paint.with(BLUE_BOLD, &logger(target)),
        );
        for (name, value) in members(parts) {
            let (name, value) = (paint.with(CYAN, &name), paint.with(MAGENTA, &value));
            let _ = write!(line, " {name}={value}");
        }
        line.push('\n');
        line
    }
}

impl Terminal {
    fn line(&self, paint: &Paint, level: Level, target: &str, parts: &Parts) -> String {
        let time = self.clock.instant().format("%H:%M:%S%.3f").to_string();
        let level_text = format!("{:>5}", level.as_str());
        let mut line = format!(
            "{} {} {}",
            paint.with(DIM, &time),
            paint.with(colour(level), &level_text),
            visible(&parts.message)
        );
        for (name, value) in members(parts) {
            if target == CANONICAL && name.starts_with("http_") {
                continue;
            }
            let _ = write!(line, " {}", paint.with(DIM, &format!("{name}={value}")));
        }
        line.push('\n');
        line
    }
}

/// The fields by name, each value as one would write it.
fn members(parts: &Parts) -> Vec<(String, String)> {
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&parts.object()).unwrap_or_default();
    let mut members: Vec<_> = object
        .into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => (name, visible(&text)),
            value => (name, value.to_string()),
        })
        .collect();
    members.sort();
    members
}

/// Text in which nothing can break the line or move the cursor.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

const fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => RED,
        Level::WARN => YELLOW,
        Level::INFO | Level::DEBUG | Level::TRACE => GREEN,
    }
}

/// Both formats are written alike.
macro_rules! formats_events {
    ($($format:ident),*) => {$(
        impl<S, N> FormatEvent<S, N> for $format
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
                let (paint, metadata) = (Paint(writer.has_ansi_escapes()), event.metadata());
                let (level, target) = (*metadata.level(), metadata.target());
                writer.write_str(&self.line(&paint, level, target, &Parts::of(event)))
            }
        }
    )*};
}

formats_events!(Development, Terminal);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn parts() -> Parts {
        let more = "\"http_path\": \"/\", \"http_status\": 200, \"region\": null";
        let message = "GET / - 200".to_owned();
        Parts { message, more: more.to_owned(), ..Parts::default() }
    }

    fn clock() -> Clock {
        Clock::Fixed(Arc::new(1_488_799_800_123.into()))
    }

    #[test]
    fn development_lines_have_padded_columns_and_sorted_fields() {
        let format = Development { clock: clock() };
        assert_eq!(
            format.line(&Paint(false), Level::INFO, CANONICAL, &parts()),
            "2017-03-06T11:30:00.123000Z [info     ] GET / - 200                    \
             [canonical-log-line] http_path=/ http_status=200 region=null\n"
        );
    }

    #[test]
    fn development_lines_are_coloured() {
        let format = Development { clock: clock() };
        let parts = Parts { more: "\"a\": 1".to_owned(), message: "m".into(), ..Parts::default() };
        assert_eq!(
            format.line(&Paint(true), Level::INFO, "x", &parts),
            format!(
                "\x1b[2m2017-03-06T11:30:00.123000Z\x1b[0m [\x1b[32minfo     \x1b[0m] \
                 \x1b[1m{:<30}\x1b[0m [\x1b[34m\x1b[1mx\x1b[0m] \
                 \x1b[36ma\x1b[0m=\x1b[35m1\x1b[0m\n",
                "m"
            )
        );
    }

    #[test]
    fn on_a_terminal_a_request_is_said_once() {
        let format = Terminal { clock: clock() };
        assert_eq!(
            format.line(&Paint(false), Level::INFO, CANONICAL, &parts()),
            "11:30:00.123  INFO GET / - 200 region=null\n"
        );
    }

    #[test]
    fn no_text_breaks_a_line_or_paints_it() {
        let hostile = "a\nb\r\u{1b}[31m\u{9b}1m\u{2028}";
        let mut parts = Parts { message: hostile.to_owned(), ..Parts::default() };
        parts.fields.text("path", hostile);
        for line in [
            Development { clock: clock() }.line(&Paint(false), Level::INFO, "x", &parts),
            Terminal { clock: clock() }.line(&Paint(false), Level::INFO, "x", &parts),
        ] {
            let line = line.strip_suffix('\n').unwrap();
            assert!(!line.contains(|letter: char| letter.is_control()), "{line:?}");
        }
    }
}
