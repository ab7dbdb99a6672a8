//! Who gets which report, and in which queue it waits for that.

use std::collections::BTreeSet;

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
    /// Put into a bucket.
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

    /// What the names of the target's queues begin with, when there is more than one.
    #[must_use]
    pub fn queue_prefix(&self) -> Option<String> {
        (self.target() == Some(Schema::S3)).then(|| format!("queue_export_{}:", self.name))
    }
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
}
