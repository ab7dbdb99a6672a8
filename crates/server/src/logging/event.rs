//! What an event says: its message and its fields.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};

use super::fields::Fields;

/// An event taken apart.
#[derive(Default)]
pub struct Parts {
    /// The message.
    pub message: String,
    /// The fields.
    pub fields: Fields,
    /// What it carries as its field `fields`: members of a JSON object, see [`Fields`].
    pub more: String,
}

impl Parts {
    /// Takes an event apart.
    pub fn of(event: &tracing::Event<'_>) -> Self {
        let mut parts = Self::default();
        event.record(&mut parts);
        parts
    }

    /// All fields as one JSON object.
    pub fn object(&self) -> String {
        let mut json = String::with_capacity(self.more.len() + self.fields.members().len() + 4);
        json.push('{');
        self.append_to(&mut json);
        json.push('}');
        json
    }

    /// Appends all fields to a JSON object that is open.
    pub fn append_to(&self, json: &mut String) {
        for members in [self.fields.members(), &self.more] {
            if !members.is_empty() {
                if !json.ends_with('{') {
                    json.push_str(", ");
                }
                json.push_str(members);
            }
        }
    }
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            "fields" => self.more.push_str(value),
            name => self.fields.text(name, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.number(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.number(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.flag(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is no number.
        if value.is_finite() {
            self.fields.raw(field.name(), &crate::json::float(value));
        } else {
            self.fields.text(field.name(), &value.to_string());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => {
                self.message.reserve(64);
                let _ = write!(self.message, "{value:?}");
            }
            name => self.fields.text(name, &format!("{value:?}")),
        }
    }
}
