//! Fields of a record that are known at run time only: absent, null or a value.

use std::fmt;

use crate::api::quoted;
use crate::json;

/// The members of a JSON object, as they are added.
///
/// An event takes them as its field `fields`, `tracing::info!(fields = ?fields, …)`, and its line
/// has them among its other fields.
#[derive(Clone, Default)]
pub struct Fields(String);

impl Fields {
    /// Text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
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
        self.raw(name, &value.into().to_string());
    }

    /// A count of things in memory.
    pub fn count(&mut self, name: &str, value: usize) {
        self.raw(name, &value.to_string());
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// Seconds with three decimals.
    pub fn seconds(&mut self, name: &str, value: f64) {
        self.raw(name, &json::float((value * 1000.0).round() / 1000.0));
    }

    /// Anything that is JSON already.
    pub fn raw(&mut self, name: &str, json: &str) {
        if !self.0.is_empty() {
            self.0.push_str(", ");
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\": ");
        self.0.push_str(json);
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{{}}}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_json_whatever_is_in_them() {
        let mut fields = Fields::default();
        assert_eq!(format!("{fields:?}"), "{}");
        fields.text("a", "x\"\n\u{1b}é");
        fields.text_or_null("b", None);
        fields.number("c", -5_i64);
        fields.flag("d", true);
        fields.seconds("e", 0.012_345);
        fields.seconds("f", 2.0);
        assert_eq!(
            format!("{fields:?}"),
            r#"{"a": "x\"\n\u001b\u00e9", "b": null, "c": -5, "d": true, "e": 0.012, "f": 2.0}"#
        );
    }
}
