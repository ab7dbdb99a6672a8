//! Fields of a record that are known at run time only: absent, null or a value.

use std::fmt::Write as _;
use std::time::Duration;

use crate::api::quote;

/// Bytes that the members of a request take.
const USUAL: usize = 768;

/// The members of a JSON object, as they are added.
///
/// An event takes them as its field `fields`, `tracing::info!(fields = fields.members(), …)`, and its
/// line has them among its other fields.
#[derive(Clone, Default)]
pub struct Fields(String);

impl Fields {
    /// Text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        quote(&mut self.0, value);
    }

    /// Text or null.
    pub fn text_or_null(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// A whole number.
    pub fn number(&mut self, name: &str, value: impl Into<i128>) {
        self.whole(name, value.into());
    }

    /// A count of things in memory.
    pub fn count(&mut self, name: &str, value: usize) {
        self.whole(name, value);
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// Seconds with at most three decimals and at least one, as the original writes numbers.
    pub fn seconds(&mut self, name: &str, value: f64) {
        let value = Duration::try_from_secs_f64(value).unwrap_or_default();
        let rounded_ms = (value.as_micros() + 500) / 1000;
        let (whole, ms) = (rounded_ms / 1000, rounded_ms % 1000);
        self.name(name);
        let _ = match (ms % 100, ms % 10) {
            (0, _) => write!(self.0, "{whole}.{}", ms / 100),
            (_, 0) => write!(self.0, "{whole}.{:02}", ms / 10),
            _ => write!(self.0, "{whole}.{ms:03}"),
        };
    }

    /// Anything that is JSON already.
    pub fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.push_str(json);
    }

    /// The members as a JSON object.
    #[must_use]
    pub fn object(&self) -> String {
        ["{", &self.0, "}"].concat()
    }

    /// The members, without the braces around them.
    #[must_use]
    pub fn members(&self) -> &str {
        &self.0
    }

    fn whole(&mut self, name: &str, value: impl itoa::Integer) {
        self.raw(name, itoa::Buffer::new().format(value));
    }

    fn name(&mut self, name: &str) {
        if self.0.is_empty() {
            self.0.reserve(USUAL);
        }
        self.0.push_str(if self.0.is_empty() { "\"" } else { ", \"" });
        self.0.push_str(name);
        self.0.push_str("\": ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_json_whatever_is_in_them() {
        let mut fields = Fields::default();
        assert_eq!(fields.object(), "{}");
        fields.text("a", "x\"\n\u{1b}é");
        fields.text_or_null("b", None);
        fields.number("c", -5_i64);
        fields.flag("d", true);
        fields.seconds("e", 0.012_345);
        fields.seconds("f", 2.0);
        assert_eq!(
            fields.object(),
            r#"{"a": "x\"\n\u001b\u00e9", "b": null, "c": -5, "d": true, "e": 0.012, "f": 2.0}"#
        );
    }

    #[test]
    fn seconds_are_written_as_short_as_they_are() {
        for (micros, expected) in [
            (0, "0.0"),
            (499, "0.0"),
            (500, "0.001"),
            (10_000, "0.01"),
            (99_500, "0.1"),
            (120_400, "0.12"),
            (999_600, "1.0"),
            (61_005_000, "61.005"),
        ] {
            let mut fields = Fields::default();
            fields.seconds("s", Duration::from_micros(micros).as_secs_f64());
            assert_eq!(fields.members(), format!("\"s\": {expected}"));
        }
    }
}
