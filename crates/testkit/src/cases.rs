//! The recorded cases: their types and how they are read.
//!
//! `conformance/README.md` explains the form.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{Days, NaiveDateTime};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// Rows by table, each row an object of columns.
pub type Tables = BTreeMap<String, Vec<Row>>;

/// One row: values by column; binary columns as hex text.
pub type Row = serde_json::Map<String, Value>;

/// Where the cases are.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance")
}

/// Reads one file of the folder.
///
/// # Panics
///
/// When the file is not there or does not have this form.
#[must_use]
pub fn read_json<T: DeserializeOwned>(name: &str) -> T {
    parse(name, &read_text(name))
}

#[expect(clippy::panic, reason = "broken test data fails the test")]
fn read_text(name: &str) -> String {
    let path = folder().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[expect(clippy::panic, reason = "broken test data fails the test")]
fn parse<T: DeserializeOwned>(name: &str, text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The request cases of one family, for example `geolocate`.
#[must_use]
pub fn requests(family: &str) -> Vec<RequestCase> {
    read_json(&format!("cases/{family}.json"))
}

/// The pipeline cases, with their dates filled in.
#[must_use]
pub fn pipeline(placeholders: &Placeholders) -> Vec<PipelineCase> {
    let name = "cases/pipeline.json";
    parse(name, &placeholders.fill_dates(&read_text(name)))
}

/// The cases about files that leave and enter.
#[must_use]
pub fn exports() -> Vec<ExportCase> {
    read_json("cases/exports.json")
}

/// The rows the request cases rely on, with all placeholders filled in.
#[must_use]
pub fn fixture(placeholders: &Placeholders) -> Tables {
    parse("fixture.json", &placeholders.fill(&read_text("fixture.json")))
}

/// A request and the answer of the original.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestCase {
    /// Short name, unique among all cases.
    pub id: String,
    /// What the case shows.
    pub description: String,
    /// What is sent.
    pub request: Request,
    /// What comes back.
    pub response: Response,
    /// Where the bodies need not be equal.
    #[serde(default)]
    pub compare: Rules,
    /// Requests to send first; their answers do not matter.
    #[serde(default)]
    pub before: Vec<Request>,
    /// Why the answer is an accident of the original.
    pub quirk: Option<String>,
    /// The reports as they wait in the incoming queue.
    pub queued: Option<Vec<Value>>,
    /// What the outside provider answers.
    pub provider: Option<ProviderAnswer>,
    /// What the outside provider has to receive from the request itself.
    #[serde(default)]
    pub provider_requests: Vec<ProviderRequest>,
    /// How many requests it receives from those sent first.
    #[serde(default)]
    pub provider_requests_before: usize,
}

/// A request exactly as it goes over the wire.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// For example `POST`.
    pub method: String,
    /// Begins with a slash.
    pub path: String,
    /// Parameters, not yet percent-encoded.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Query string to be sent as it is.
    pub raw_query: Option<String>,
    /// Headers beside `Host` and `Content-Length`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// JSON to send, character by character as it stands in the file.
    body: Option<Box<RawValue>>,
    /// Text to send.
    body_text: Option<String>,
    /// Bytes to send.
    body_base64: Option<String>,
}

impl Request {
    /// Path and query string.
    #[must_use]
    pub fn target(&self) -> String {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let query = self.raw_query.clone().unwrap_or_else(|| {
            let pairs = self.query.iter();
            let pairs = pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
            pairs.collect::<Vec<_>>().join("&")
        });
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    /// The body; `None` is a request without one, `POST` and the like with length 0.
    ///
    /// # Panics
    ///
    /// When a body is not the base 64 it is said to be.
    #[must_use]
    #[expect(clippy::expect_used, reason = "broken test data fails the test")]
    pub fn body(&self) -> Option<Vec<u8>> {
        if let Some(json) = &self.body {
            return Some(json.get().as_bytes().to_vec());
        }
        if let Some(text) = &self.body_text {
            return Some(text.as_bytes().to_vec());
        }
        let encoded = self.body_base64.as_ref();
        encoded.map(|text| BASE64.decode(text).expect("base 64"))
    }
}

/// The answer of the original.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers by lower-case name; `None` for one that must be absent.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// JSON body.
    #[serde(default, deserialize_with = "present")]
    pub body: Option<Value>,
    /// Text body.
    pub body_text: Option<String>,
    /// Members and types of a JSON body.
    pub body_shape: Option<Value>,
}

/// Reads a member that is there; `null` counts as there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Rules by JSON pointer, or for the whole body under the name `body`.
pub type Rules = BTreeMap<String, Rule>;

/// How a part of a body may differ.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Rule {
    /// A position at most this far from the recorded one.
    Distance {
        /// Metres.
        distance_m: f64,
    },
    /// A number at most this far from the recorded one.
    Abs {
        /// In the unit of the number.
        abs: f64,
    },
    /// One of the rules that have a name.
    Named {
        /// Which.
        rule: NamedRule,
    },
    /// A rule for the whole body.
    Whole(WholeRule),
}

/// Rules for a part of a body that have a name.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum NamedRule {
    /// Any text that is not empty.
    String,
    /// An object with the same members, whatever their values.
    Keys,
}

/// Rules for the whole body.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum WholeRule {
    /// The body is not looked at.
    Ignore,
    /// Only members and JSON types count.
    Shape,
}

/// What the outside provider answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderAnswer {
    /// Status code.
    pub status: u16,
    /// JSON body.
    pub body: Option<Value>,
    /// Text body.
    pub body_text: Option<String>,
}

/// What the outside provider has to receive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderRequest {
    /// Path and query string below its address.
    pub path: String,
    /// Headers by lower-case name; others may be there too.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// JSON body.
    pub body: Value,
}

/// A run of the data pipeline and the rows it leaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineCase {
    /// Short name, unique among all cases.
    pub id: String,
    /// What the case shows.
    pub description: String,
    /// Why the result is an accident of the original.
    pub quirk: Option<String>,
    /// Rows that are there before.
    #[serde(default)]
    pub given: Tables,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Rows at the end.
    pub expected_tables: Tables,
    /// Counters of today at the end.
    pub stat_counters: BTreeMap<String, i64>,
    /// How far rows may differ.
    pub compare: Tolerances,
}

/// One step of a pipeline case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What is done.
    #[serde(rename = "do")]
    pub action: Action,
    /// What is sent, for [`Action::Request`].
    pub request: Option<Request>,
    /// What comes back.
    pub response: Option<Response>,
    /// What is there after the step.
    pub expect: Option<Expectation>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Send a request.
    Request,
    /// Work until all queues are empty, except export queues below their batch size.
    Drain,
    /// Carry counters over into daily totals and recompute the totals of regions.
    UpdateStats,
    /// Remove what is too old.
    Cleanup,
}

/// What is there after a step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Rows.
    pub tables: Tables,
    /// Counters of today.
    pub stat_counters: BTreeMap<String, i64>,
    /// Reports that wait in the export queue.
    pub waiting_reports: Option<u64>,
}

/// A file that is written from rows, or rows that are read from a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportCase {
    /// Short name, unique among all cases.
    pub id: String,
    /// What the case shows.
    pub description: String,
    /// What is done.
    pub kind: ExportKind,
    /// The time at which it is done, UTC, for public files.
    clock: Option<String>,
    /// Which kind of stations is dumped.
    pub datatype: Option<String>,
    /// Centre of the box that is dumped.
    pub lat: Option<f64>,
    /// Centre of the box that is dumped.
    pub lon: Option<f64>,
    /// Distance of its edges, metres.
    pub radius: Option<f64>,
    /// The file that is imported.
    pub csv: Option<String>,
    /// Rows that are there before.
    pub given: Tables,
    /// What is there after.
    pub expected: ExportExpectation,
}

impl ExportCase {
    /// The time at which it is done, UTC.
    #[must_use]
    pub fn clock(&self) -> Option<NaiveDateTime> {
        NaiveDateTime::parse_from_str(self.clock.as_deref()?, "%Y-%m-%d %H:%M:%S").ok()
    }
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ExportKind {
    /// The public file of all cells is made.
    Full,
    /// The public file of an hour is made.
    Diff,
    /// The stations of a kind are dumped.
    Dump,
    /// A file of cells is imported.
    Import,
}

/// What is there after a file was written or read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportExpectation {
    /// The name of the object.
    pub object: Option<String>,
    /// Whether it is compressed.
    pub gzip: Option<bool>,
    /// What is in it.
    pub text: Option<String>,
    /// Whether the file is refused.
    pub refused: Option<bool>,
    /// Rows.
    pub tables: Option<Tables>,
    /// Keys of the areas that are to be computed again, hex.
    pub areas_queued: Option<Vec<String>>,
}

/// How far rows may differ.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerances {
    /// Coordinates, degrees.
    pub lat_lon_abs: f64,
    /// Weights, relative to the recorded one.
    pub weight_rel: f64,
    /// Radii, metres.
    pub radius_abs: f64,
}

/// What stands for times and addresses that are not known before the run.
#[derive(Clone, Debug)]
pub struct Placeholders {
    /// The time of the load, UTC.
    pub now: NaiveDateTime,
    /// Address of the provider double, without a slash at the end.
    pub provider: String,
}

impl Placeholders {
    /// Fills in everything.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let now = self.now.format("%Y-%m-%d %H:%M:%S").to_string();
        self.fill_dates(text).replace("{{now}}", &now).replace("{{provider}}", &self.provider)
    }

    /// Fills in the dates and times that are counted from the load; `{{now}}` stays, because an
    /// expected time may be a little later.
    #[must_use]
    pub fn fill_dates(&self, text: &str) -> String {
        let today = self.now.format("%Y-%m-%d").to_string();
        let text = text.replace("{{today}}", &today);
        let text = self.fill_ago(&text, "{{date_ago:", "%Y-%m-%d");
        self.fill_ago(&text, "{{days_ago:", "%Y-%m-%d %H:%M:%S")
    }

    #[expect(clippy::panic, reason = "broken test data fails the test")]
    fn fill_ago(&self, text: &str, opening: &str, format: &str) -> String {
        let mut parts = text.split(opening);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let filled = part.split_once("}}").and_then(|(days, rest)| {
                let days: i64 = days.parse().ok()?;
                let distance = Days::new(days.unsigned_abs());
                let time = if days < 0 {
                    self.now.checked_add_days(distance)
                } else {
                    self.now.checked_sub_days(distance)
                };
                Some((time?, rest))
            });
            let Some((time, rest)) = filled else { panic!("not a number of days: {opening}") };
            out.push_str(&time.format(format).to_string());
            out.push_str(rest);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders() -> Placeholders {
        let now = "2026-03-01T12:34:56".parse().unwrap();
        Placeholders { now, provider: "http://provider".to_owned() }
    }

    #[test]
    fn every_file_has_the_number_of_cases_it_should_have() {
        for (family, count) in [
            ("geolocate", 321),
            ("country", 184),
            ("submit", 117),
            ("monitoring", 34),
            ("provider", 43),
        ] {
            assert_eq!(requests(family).len(), count, "{family}");
        }
        assert_eq!(pipeline(&placeholders()).len(), 99);
    }

    #[test]
    fn placeholders_are_counted_from_the_load() {
        let text = "{{now}} {{today}} {{date_ago:1}} {{days_ago:-1}} {{date_ago:0}} {{provider}}/x";
        let filled = "2026-03-01 12:34:56 2026-03-01 2026-02-28 2026-03-02 12:34:56 2026-03-01 \
                      http://provider/x";
        assert_eq!(placeholders().fill(text), filled);
        let rows = serde_json::to_string(&fixture(&placeholders())).unwrap();
        assert!(!rows.contains("{{"), "a placeholder of the fixture is not known");
    }

    #[test]
    fn targets_and_bodies_are_what_the_case_says() {
        let request = |json: &str| serde_json::from_str::<Request>(json).unwrap();
        let plain = request(r#"{"method": "GET", "path": "/a", "query": {"key": "a b&é"}}"#);
        assert_eq!(plain.target(), "/a?key=a%20b%26%C3%A9");
        assert_eq!(plain.body(), None);
        let raw = request(
            r#"{"method": "GET", "path": "/a", "raw_query": "a;b=%FF", "body": {"n":  1e3}}"#,
        );
        assert_eq!(raw.target(), "/a?a;b=%FF");
        assert_eq!(raw.body().unwrap(), br#"{"n":  1e3}"#);
        let bytes = request(r#"{"method": "GET", "path": "/a", "body_base64": "/w=="}"#);
        assert_eq!(bytes.body().unwrap(), [0xff]);
    }
}
