//! What is known about a request to the API when it has been answered.
//!
//! Filled along the way, whatever the answer becomes; turned into the fields of its log line and
//! into metrics afterwards.

use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::locate::{AccuracyClass, ResultSource};

use super::{ApiKind, Bound, Endpoint};
use crate::config::LogApiKeys;
use crate::locate::{Consulted, Trace};
use crate::logging::Fields;
use crate::metrics::{Metrics, Refusal};

/// A field of the log line of a request: its name, its type, and when it is there.
pub type FieldDoc = (&'static str, &'static str, &'static str);

/// Every field that only requests to the API have.
pub const FIELDS: &[FieldDoc] = &[
    (
        "api_key",
        "text",
        "always: the key as stored; `none` (not sent, malformed), `invalid` (unknown) or `unchecked` (see `LOG_API_KEYS`)",
    ),
    (
        "api_path",
        "text",
        "always: `v1.geolocate`, `v1.geolocate.explain`, `v1.country`, `v1.submit`, `v1.geosubmit`, `v2.geosubmit`",
    ),
    ("api_type", "text", "always: `locate`, `region`, `submit`"),
    ("api_key_allowed", "false", "the key is known and must not do this"),
    ("api_key_db_fail", "true", "the key could not be checked"),
    (
        "invalid_api_key",
        "text",
        "a malformed or unknown key was sent: its length, or the key itself (see `LOG_API_KEYS`)",
    ),
    (
        "api_key_count",
        "number",
        "requests with this key on this path today, where they are counted and the number is known",
    ),
    ("rate_quota", "number", "the key has a daily limit: the limit"),
    ("rate_remaining", "number", "the same: what is left of it"),
    ("rate_allowed", "flag", "the same: was this request within it?"),
    ("has_ip", "flag", "position and region queries: the client has an address"),
    ("has_geoip", "flag", "the same: the address is in the city database"),
    ("region", "text or null", "the same: the region of the address"),
    ("blue", "number", "the same: Bluetooth beacons as sent"),
    ("cell", "number", "the same: cells as sent"),
    ("wifi", "number", "the same: access points as sent"),
    ("blue_valid", "number", "the same: beacons left after validation"),
    ("cell_valid", "number", "the same: cells left after validation"),
    ("wifi_valid", "number", "the same: access points left after validation"),
    (
        "source_internal_accuracy",
        "text or null",
        "a known key, a query that can have a result, and our own stations were asked: class of what they gave",
    ),
    ("source_internal_accuracy_min", "text", "the same: class that was expected"),
    ("source_internal_status", "text", "the same: `hit` or `miss`"),
    ("source_geoip_accuracy", "text or null", "the same for the address"),
    ("source_geoip_accuracy_min", "text", "the same"),
    ("source_geoip_status", "text", "the same"),
    ("source_fallback_accuracy", "text or null", "the same for the outside provider"),
    ("source_fallback_accuracy_min", "text", "the same"),
    ("source_fallback_status", "text", "the same"),
    (
        "accuracy",
        "text",
        "a known key and a query that can have a result: class of the answer, `none` without one",
    ),
    ("accuracy_min", "text", "the same: class that was expected"),
    ("result_status", "text", "the same: `hit` or `miss`"),
    ("fallback_allowed", "flag", "the same: may the key use an outside provider?"),
    (
        "api_response_sig",
        "text",
        "a position was answered: 16 hex digits that are the same for the same answer to the same address and request",
    ),
];

/// What became of the key of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyFact {
    /// None was sent.
    #[default]
    None,
    /// What was sent is no key.
    Malformed(String),
    /// Not in the table.
    Unknown(String),
    /// Could not be looked up; what was sent.
    Unchecked(String),
    /// Known, and not allowed to do this.
    Forbidden(String),
    /// Known and allowed.
    Known(String),
}

/// What is known about one request to the API.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The entry point.
    pub endpoint: Endpoint,
    /// What became of its key.
    pub key: KeyFact,
    /// Requests with this key today, where they are counted and the number is known.
    pub count: Option<i64>,
    /// The daily limit of the key, when it has one and was counted.
    pub limit: Option<u32>,
    /// May the key use an outside provider?
    pub fallback_allowed: bool,
    /// Was there any text for the address of the client?
    pub has_client: bool,
    /// What happened to the query.
    pub trace: Option<Trace>,
    /// The bound that the client had reached, when the query was refused for it.
    pub refused: Option<Bound>,
    /// Were reports taken in? `None`: it did not come to that.
    pub batch: Option<Result<(), Refusal>>,
    /// What stands for the answer in the log.
    pub signature: Option<String>,
}

impl Facts {
    /// Nothing but the entry point is known.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            key: KeyFact::None,
            count: None,
            limit: None,
            fallback_allowed: false,
            has_client: false,
            trace: None,
            refused: None,
            batch: None,
            signature: None,
        }
    }

    /// Notes today's count of a key.
    pub fn counted(&mut self, key: &ApiKey, count: Option<i64>) {
        self.count = count;
        self.limit = key.daily_limit().filter(|_| count.is_some());
    }

    fn known_key(&self) -> Option<&str> {
        match &self.key {
            KeyFact::Known(key) => Some(key),
            _ => None,
        }
    }

    /// The key and the query, when something is said about sources and results: a known key asks
    /// what can have an answer, and is not refused.
    fn rated(&self) -> Option<(&str, &Trace)> {
        let trace = self.trace.as_ref().filter(|trace| trace.expected > AccuracyClass::None)?;
        if self.refused.is_some() {
            return None;
        }
        Some((self.known_key()?, trace))
    }

    /// Adds the fields of the log line.
    pub fn log(&self, fields: &mut Fields, keys: LogApiKeys) {
        self.log_key(fields, keys);
        fields.text("api_path", self.endpoint.tag());
        fields.text("api_type", self.endpoint.kind().name());
        if let Some(count) = self.count {
            fields.number("api_key_count", count);
            if let Some(limit) = self.limit {
                fields.number("rate_quota", limit);
                fields.number("rate_remaining", (i64::from(limit) - count).max(0));
                fields.flag("rate_allowed", count <= i64::from(limit));
            }
        }
        if let Some(trace) = &self.trace {
            fields.flag("has_ip", self.has_client);
            fields.flag("has_geoip", trace.region.is_some());
            let region = trace.region.map(|region| region.to_string());
            fields.text_or_null("region", region.as_deref());
            for (name, count) in [
                ("blue", trace.sent.blue),
                ("cell", trace.sent.cell),
                ("wifi", trace.sent.wifi),
                ("blue_valid", trace.valid.blue),
                ("cell_valid", trace.valid.cell),
                ("wifi_valid", trace.valid.wifi),
            ] {
                fields.count(name, count);
            }
        }
        if let Some((_, trace)) = self.rated() {
            let expected = trace.expected.name();
            for (source, Consulted { found, is_hit }) in &trace.sources {
                let [accuracy, accuracy_min, status] = source_fields(*source);
                fields.text_or_null(accuracy, found.map(AccuracyClass::name));
                fields.text(accuracy_min, expected);
                fields.text(status, if *is_hit { "hit" } else { "miss" });
            }
            let class = trace.answer.map_or(AccuracyClass::None, |(class, _)| class);
            fields.text("accuracy", class.name());
            fields.text("accuracy_min", expected);
            fields.text("result_status", if trace.hit().is_some() { "hit" } else { "miss" });
            fields.flag("fallback_allowed", self.fallback_allowed);
        }
        if let Some(signature) = &self.signature {
            fields.text("api_response_sig", signature);
        }
    }

    /// The key in the log. What a stranger sent in its place may be somebody's secret.
    fn log_key(&self, fields: &mut Fields, keys: LogApiKeys) {
        let known = |key| if keys == LogApiKeys::None { "known" } else { key };
        match &self.key {
            KeyFact::None => fields.text("api_key", "none"),
            KeyFact::Malformed(text) | KeyFact::Unknown(text) => {
                let is_malformed = matches!(self.key, KeyFact::Malformed(_));
                fields.text("api_key", if is_malformed { "none" } else { "invalid" });
                if keys == LogApiKeys::All {
                    fields.text("invalid_api_key", text);
                } else {
                    let letters = text.chars().count();
                    fields.text("invalid_api_key", &format!("{letters} characters"));
                }
            }
            KeyFact::Unchecked(text) => {
                let key = if keys == LogApiKeys::All { text } else { "unchecked" };
                fields.text("api_key", key);
                fields.flag("api_key_db_fail", true);
            }
            KeyFact::Forbidden(key) => {
                fields.text("api_key", known(key));
                fields.flag("api_key_allowed", false);
            }
            KeyFact::Known(key) => fields.text("api_key", known(key)),
        }
    }

    /// Emits the metrics.
    pub fn emit(&self, metrics: &Metrics) {
        let kind = self.endpoint.kind();
        let key = match &self.key {
            KeyFact::None | KeyFact::Malformed(_) => Some("none"),
            KeyFact::Unknown(_) | KeyFact::Forbidden(_) => Some("invalid"),
            KeyFact::Known(key) => Some(key.as_str()),
            // Whose request it was is not known.
            KeyFact::Unchecked(_) => None,
        };
        if let Some(key) = key {
            metrics.api_request(kind, self.endpoint.tag(), key);
        }
        if let Some(bound) = self.refused {
            metrics.query_refuse(kind, bound);
        }
        if let Some((key, trace)) = self.rated() {
            self.emit_rated(metrics, kind, key, trace);
        }
        if let Some(provider) = self.trace.as_ref().and_then(|trace| trace.provider.as_ref()) {
            metrics.fallback_cache(&provider.name, provider.cache);
            if let Some((status, took)) = provider.lookup {
                metrics.fallback_lookup(&provider.name, status, took);
            }
        }
        match self.batch {
            Some(Ok(())) => metrics.batch_upload(self.known_key()),
            Some(Err(reason)) => metrics.batch_refuse(reason),
            None => {}
        }
    }

    fn emit_rated(&self, metrics: &Metrics, kind: ApiKind, key: &str, trace: &Trace) {
        let counts = [trace.sent.blue, trace.valid.cell, trace.sent.wifi];
        metrics.query(kind, key, trace.has_ip, counts);
        for (source, Consulted { is_hit, .. }) in &trace.sources {
            metrics.source(kind, key, *source, trace.expected, *is_hit);
        }
        metrics.result(kind, key, self.fallback_allowed, trace.expected, trace.hit());
    }
}

const fn source_fields(source: ResultSource) -> [&'static str; 3] {
    match source {
        ResultSource::Internal => {
            ["source_internal_accuracy", "source_internal_accuracy_min", "source_internal_status"]
        }
        ResultSource::GeoIp => {
            ["source_geoip_accuracy", "source_geoip_accuracy_min", "source_geoip_status"]
        }
        ResultSource::Provider => {
            ["source_fallback_accuracy", "source_fallback_accuracy_min", "source_fallback_status"]
        }
    }
}

#[cfg(test)]
#[path = "facts/tests.rs"]
mod tests;
