//! Who gets which report, and in which queue it waits for that.

pub mod delivery;
mod place;

use std::collections::BTreeSet;

pub use place::{Keyed, Place};

use crate::api_key::is_well_formed;
use crate::station::Source;

/// One row of the table of export targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExportConfig {
    /// Name, also part of the queue name.
    pub name: String,
    /// Reports per batch; 0 means everything that waits.
    pub batch: Option<i32>,
    /// `dummy`, `geosubmit`, `internal` or `s3`; anything else collects without a consumer.
    pub schema: Option<String>,
    /// Where to send to.
    pub url: Option<String>,
    /// API keys whose reports are left out, comma separated.
    pub skip_keys: Option<String>,
    /// Report sources that are left out, comma separated.
    pub skip_sources: Option<String>,
}

/// How reports leave for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Counted and thrown away.
    Dummy,
    /// Posted to another instance of the service.
    Geosubmit,
    /// Learned from by this one.
    Internal,
    /// Put into a bucket or a folder.
    S3,
}

impl Schema {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Dummy, "dummy"),
        (Self::Geosubmit, "geosubmit"),
        (Self::Internal, "internal"),
        (Self::S3, "s3"),
    ];

    /// The schema with this exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(schema, _)| schema)
    }
}

impl ExportConfig {
    /// How reports leave; `None` when nothing here takes them.
    #[must_use]
    pub fn target(&self) -> Option<Schema> {
        self.schema.as_deref().and_then(Schema::from_name)
    }

    /// Does the target take reports of this key and source? Spelling counts; a report without a key
    /// cannot be left out by its key.
    #[must_use]
    pub fn wants(&self, api_key: Option<&str>, source: &str) -> bool {
        let is_listed = |list: &Option<String>, word: &str| {
            list.as_deref().is_some_and(|list| members(list).any(|member| member == word))
        };
        !api_key.is_some_and(|key| is_listed(&self.skip_keys, key))
            && !is_listed(&self.skip_sources, source)
    }

    /// Reports per batch; 0 takes everything that waits, as no number and nonsense do.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch.and_then(|batch| usize::try_from(batch).ok()).unwrap_or(0)
    }

    /// The queue for reports of this source and key. Buckets have one for each combination, so that
    /// both can be part of an object's name.
    #[must_use]
    pub fn queue(&self, source: &str, api_key: Option<&str>) -> String {
        match self.target() {
            Some(Schema::S3) => {
                format!("queue_export_{}:{source}:{}", self.name, api_key.unwrap_or("no_key"))
            }
            Some(Schema::Dummy | Schema::Geosubmit | Schema::Internal) | None => {
                format!("queue_export_{}", self.name)
            }
        }
    }

    /// Whether a queue is one of this target's.
    #[must_use]
    pub fn owns(&self, queue: &str) -> bool {
        match self.queue_prefix() {
            Some(prefix) => queue.starts_with(&prefix),
            None => queue == self.queue("", None),
        }
    }

    /// Source and API key of the reports in a queue of this target; `no_key` without a key.
    #[must_use]
    pub fn source_and_key<'a>(&self, queue: &'a str) -> Option<(&'a str, &'a str)> {
        let rest = queue.strip_prefix(&self.queue_prefix()?)?;
        let (source, api_key) = rest.split_once(':').unwrap_or((rest, ""));
        Some((source, if api_key.is_empty() { "no_key" } else { api_key }))
    }

    /// What the names of the target's queues begin with, when there is more than one.
    #[must_use]
    pub fn queue_prefix(&self) -> Option<String> {
        (self.target() == Some(Schema::S3)).then(|| format!("queue_export_{}:", self.name))
    }
}

/// Columns are this long at most, characters.
const MAX_NAME: usize = 40;
const MAX_URL: usize = 512;
const MAX_SKIP_KEYS: usize = 1024;
const MAX_SKIP_SOURCES: usize = 64;

/// Why a target cannot work as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The column.
    pub field: &'static str,
    /// What is wrong with it and what is allowed.
    pub what: String,
}

impl ExportConfig {
    /// Everything that keeps the target from working, in the order of the columns.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let columns = [
            ("name", check_name(&self.name)),
            ("batch", self.check_batch()),
            ("schema", self.check_schema()),
            ("url", self.check_url()),
            ("skip_keys", check_set(self.skip_keys.as_deref(), MAX_SKIP_KEYS, check_key)),
            (
                "skip_sources",
                check_set(self.skip_sources.as_deref(), MAX_SKIP_SOURCES, check_source),
            ),
        ];
        let problem = |(field, result): (&'static str, Result<(), String>)| {
            result.err().map(|what| Problem { field, what })
        };
        columns.into_iter().filter_map(problem).collect()
    }

    fn check_batch(&self) -> Result<(), String> {
        match self.batch {
            Some(batch) if batch < 0 => Err(format!("{batch} is below 0; 0 means all that waits")),
            _ => Ok(()),
        }
    }

    fn check_schema(&self) -> Result<(), String> {
        let names = Schema::ALL.map(|(_, name)| name).join(", ");
        match (&self.schema, self.target()) {
            (_, Some(_)) => Ok(()),
            (Some(schema), None) => Err(format!("'{schema}' is not one of {names}")),
            (None, None) => Err(format!("not set; it is one of {names}")),
        }
    }

    fn check_url(&self) -> Result<(), String> {
        let url = self.url.as_deref().unwrap_or_default();
        if url.chars().count() > MAX_URL {
            return Err(format!("longer than {MAX_URL} characters"));
        }
        match self.target() {
            Some(Schema::Geosubmit) => {
                let host = ["http://", "https://"].iter().find_map(|head| url.strip_prefix(head));
                match host.and_then(|rest| rest.split(['/', '?', '#']).next()) {
                    Some(host) if !host.is_empty() && !url.contains(char::is_whitespace) => Ok(()),
                    _ => {
                        Err("geosubmit needs one such as https://HOST/v2/geosubmit?key=KEY".into())
                    }
                }
            }
            Some(Schema::S3) => Place::parse(url).map(drop),
            Some(Schema::Internal | Schema::Dummy) | None => Ok(()),
        }
    }
}

/// The name is a part of the queue's, in which colons separate; blanks only invite mistakes.
fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(format!("'{name}' is not made of 1 to {MAX_NAME} letters, digits, '-', '_' and '.'"))
}

fn check_set(
    text: Option<&str>,
    max: usize,
    check: fn(&str) -> Result<(), String>,
) -> Result<(), String> {
    let text = text.unwrap_or_default();
    if text.chars().count() > max {
        return Err(format!("longer than {max} characters"));
    }
    members(text).try_for_each(check)
}

fn check_key(word: &str) -> Result<(), String> {
    if is_well_formed(word) {
        return Ok(());
    }
    Err(format!("'{word}' is no API key; keys are separated by commas, without blanks"))
}

fn check_source(word: &str) -> Result<(), String> {
    if Source::from_name(word).is_some() {
        return Ok(());
    }
    Err(format!("'{word}' is not one of fixed, gnss, fused, query; separate them by commas"))
}

/// The words of a set column. They are separated by single commas; blanks belong to the word.
#[must_use]
pub fn parse_set(text: &str) -> BTreeSet<String> {
    members(text).map(str::to_owned).collect()
}

/// The text of a set column, in alphabetical order; `None` for an empty set.
#[must_use]
pub fn join_set(words: &BTreeSet<String>) -> Option<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| !w.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(","))
}

fn members(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(schema: &str) -> ExportConfig {
        ExportConfig {
            name: "backup".into(),
            schema: Some(schema.into()),
            skip_keys: Some("test,other".into()),
            skip_sources: Some("query".into()),
            ..ExportConfig::default()
        }
    }

    #[test]
    fn listed_keys_and_sources_are_left_out() {
        let config = config("dummy");
        for (api_key, source, wanted) in [
            (None, "gnss", true),
            (Some("third"), "gnss", true),
            (Some("TEST"), "gnss", true),
            (Some("test"), "gnss", false),
            (Some("other"), "gnss", false),
            (None, "query", false),
            (Some("third"), "query", false),
        ] {
            assert_eq!(config.wants(api_key, source), wanted, "{api_key:?} {source}");
        }
        assert!(ExportConfig::default().wants(Some("test"), "query"));
        let blank = ExportConfig { skip_keys: Some(String::new()), ..ExportConfig::default() };
        assert!(blank.wants(Some(""), ""));
    }

    #[test]
    fn only_buckets_have_a_queue_for_each_source_and_key() {
        for schema in ["dummy", "geosubmit", "internal", "unheard-of"] {
            assert_eq!(config(schema).queue("gnss", Some("k")), "queue_export_backup", "{schema}");
            assert_eq!(config(schema).queue_prefix(), None);
        }
        let bucket = config("s3");
        assert_eq!(bucket.queue("gnss", Some("k")), "queue_export_backup:gnss:k");
        assert_eq!(bucket.queue("query", None), "queue_export_backup:query:no_key");
        assert_eq!(bucket.queue_prefix().as_deref(), Some("queue_export_backup:"));
        for (queue, parts) in [
            ("queue_export_backup:gnss:k", Some(("gnss", "k"))),
            ("queue_export_backup:query:no_key", Some(("query", "no_key"))),
            ("queue_export_backup:gnss", Some(("gnss", "no_key"))),
            ("queue_export_backup2:gnss:k", None),
            ("queue_export_backup", None),
        ] {
            assert_eq!(bucket.source_and_key(queue), parts, "{queue}");
            assert_eq!(bucket.owns(queue), parts.is_some(), "{queue}");
        }
        assert!(config("dummy").owns("queue_export_backup"));
        assert!(!config("dummy").owns("queue_export_backup:gnss:k"));
    }

    #[test]
    fn a_batch_without_a_usable_number_takes_everything() {
        for (batch, size) in [(None, 0), (Some(0), 0), (Some(-5), 0), (Some(100), 100)] {
            assert_eq!(ExportConfig { batch, ..config("s3") }.batch_size(), size, "{batch:?}");
        }
    }

    #[test]
    fn set_columns_come_back_sorted_and_without_duplicates() {
        for (text, joined) in [
            ("", None),
            (",", None),
            ("b,a,b", Some("a,b")),
            ("a, b", Some(" b,a")),
            ("one", Some("one")),
        ] {
            assert_eq!(join_set(&parse_set(text)).as_deref(), joined, "{text:?}");
        }
    }

    fn fields(config: &ExportConfig) -> Vec<&'static str> {
        config.problems().into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn a_target_that_can_work_has_no_problems() {
        let https = "https://other.example:8443/v2/geosubmit?key=abcd";
        for (schema, url) in [
            ("internal", None),
            ("dummy", None),
            ("geosubmit", Some(https)),
            ("geosubmit", Some("http://[::1]/v2/geosubmit")),
            ("s3", Some("s3://bucket")),
            ("s3", Some("file:///srv/backup/{source}")),
            ("s3", Some("gs://bucket/a")),
            ("s3", Some("s3://bucket/backup/{source}/{api_key}/{year}/{month:02}/{day}")),
        ] {
            let url = url.map(str::to_owned);
            assert_eq!(fields(&ExportConfig { url, ..config(schema) }), [""; 0], "{schema}");
        }
    }

    #[test]
    fn every_problem_names_its_column() {
        let with_url =
            |schema: &str, url: &str| ExportConfig { url: Some(url.to_owned()), ..config(schema) };
        let internal = config("internal");
        for (broken, field) in [
            (ExportConfig { name: String::new(), ..internal.clone() }, "name"),
            (ExportConfig { name: "a:b".into(), ..internal.clone() }, "name"),
            (ExportConfig { name: "a".repeat(41), ..internal.clone() }, "name"),
            (ExportConfig { batch: Some(-1), ..internal.clone() }, "batch"),
            (config("Internal"), "schema"),
            (ExportConfig { schema: None, ..internal.clone() }, "schema"),
            (config("geosubmit"), "url"),
            (with_url("geosubmit", "other.example/v2/geosubmit"), "url"),
            (with_url("geosubmit", "https:///v2/geosubmit"), "url"),
            (with_url("geosubmit", "https://a b/"), "url"),
            (config("s3"), "url"),
            (with_url("s3", "https://bucket/backup"), "url"),
            (with_url("s3", "s3:///backup"), "url"),
            (with_url("s3", "s3://bucket/{hour}"), "url"),
            (with_url("s3", "s3://bucket/{year"), "url"),
            (with_url("s3", "s3://bucket/year}"), "url"),
            (with_url("s3", &format!("s3://bucket/{}", "a".repeat(512))), "url"),
            (
                ExportConfig { skip_keys: Some("test, other".into()), ..internal.clone() },
                "skip_keys",
            ),
            (
                ExportConfig { skip_keys: Some("test,".repeat(300)), ..internal.clone() },
                "skip_keys",
            ),
            (ExportConfig { skip_sources: Some("wifi".into()), ..internal }, "skip_sources"),
        ] {
            assert_eq!(fields(&broken), [field], "{broken:?}");
        }
    }
}
