//! One emitted number, and its line in the DogStatsD protocol.

use std::fmt::Write as _;

use super::Definition;
use crate::json;

/// What all names begin with.
const PREFIX: &str = "location.";

/// An emitted number: a count, an amount, or milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Written without a decimal point.
    Whole(u64),
    /// Written with one, as short as it can be read back.
    Fraction(f64),
}

impl Number {
    /// As a floating-point number.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Fraction(number) => number,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Fraction(number) => json::float(number),
        }
    }
}

/// One emitted number with the values of its tags, in the order of the definition.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Which metric.
    pub definition: &'a Definition,
    /// The number.
    pub number: Number,
    /// The values of its tags; `None` where one is left out.
    pub tags: &'a [Option<&'a str>],
}

impl Record<'_> {
    /// The tags that are there, with their values.
    pub fn tags(&self) -> impl Iterator<Item = (&'static str, &str)> {
        debug_assert_eq!(self.tags.len(), self.definition.tags.len(), "{}", self.definition.name);
        let names = self.definition.tags.iter().map(|tag| tag.name);
        names.zip(self.tags).filter_map(|(name, value)| Some((name, (*value)?)))
    }

    /// The line of the DogStatsD protocol, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        let Definition { name, kind, .. } = self.definition;
        let mut line = String::with_capacity(128);
        let _ = write!(line, "{PREFIX}{name}:{}|{}", self.number.text(), kind.statsd());
        let tags = self.tag_text();
        if !tags.is_empty() {
            line.push_str("|#");
            line.push_str(&tags);
        }
        line
    }

    /// `tag:value,tag:value`
    pub(super) fn tag_text(&self) -> String {
        let mut text = String::with_capacity(96);
        for (name, value) in self.tags() {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(name);
            text.push(':');
            // Names in tables may hold anything; the marks of the protocol would break the line.
            text.extend(value.chars().map(|letter| match letter {
                ',' | '|' | '#' => '_',
                letter if letter.is_control() => '_',
                letter => letter,
            }));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::definition::{QUEUE, REQUEST, REQUEST_TIMING, TASK, TRX_HISTORY_LENGTH};

    fn line(definition: &Definition, number: Number, tags: &[Option<&str>]) -> String {
        Record { definition, number, tags }.line()
    }

    #[test]
    fn lines_are_those_of_the_original() {
        use Number::{Fraction, Whole};
        for (line, expected) in [
            (
                line(&REQUEST_TIMING, Whole(86), &[Some(".homepage"), Some("get")]),
                "location.request.timing:86|ms|#path:.homepage,method:get",
            ),
            (
                line(&REQUEST, Whole(1), &[Some(".homepage"), Some("get"), Some("200")]),
                "location.request:1|c|#path:.homepage,method:get,status:200",
            ),
            (
                line(&QUEUE, Whole(0), &[Some("update_wifi_f"), Some("data"), Some("wifi")]),
                "location.queue:0|g|#queue:update_wifi_f,queue_type:data,data_type:wifi",
            ),
            (
                line(&QUEUE, Whole(3), &[Some("celery_blue"), Some("task"), None]),
                "location.queue:3|g|#queue:celery_blue,queue_type:task",
            ),
            (line(&TRX_HISTORY_LENGTH, Whole(17), &[]), "location.trx_history.length:17|g"),
            (
                line(&TASK, Fraction(12.5), &[Some("update_wifi")]),
                "location.task:12.5|ms|#task:update_wifi",
            ),
            (
                line(&TASK, Fraction(100.0), &[Some("update_wifi")]),
                "location.task:100.0|ms|#task:update_wifi",
            ),
        ] {
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn a_tag_cannot_break_its_line() {
        let line = line(&TASK, Number::Whole(1), &[Some("a|c,b:c#d\ne")]);
        assert_eq!(line, "location.task:1|ms|#task:a_c_b:c_d_e");
    }
}
