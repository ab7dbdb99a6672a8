//! The list of public files that lies beside them, for programs.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use super::{Edition, Family, FileName};
use crate::cell::Radio;

/// The form of the list; it changes when a reader of this one would no longer understand it.
pub const FORMAT: u32 = 1;

/// What the cells in the files may be used for: all that is under other terms is left out.
const LICENCE: &str = "CC0-1.0";

/// Where the cells in the files come from.
const SOURCES: &str = "observations sent to this service, and imports whose licence allows this";

/// The list of public files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// [`FORMAT`].
    pub format: u32,
    /// SPDX identifier.
    pub licence: String,
    /// One sentence about where the cells come from.
    pub sources: String,
    /// Full files, then hourly ones, each the newest first.
    pub files: Vec<Entry>,
}

/// One public file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, in the place where the list is.
    pub name: String,
    /// What it is about.
    pub kind: Edition,
    /// Names of the radio types in it.
    pub radios: Vec<RadioName>,
    /// The time in its name, RFC 3339 in UTC.
    pub time: String,
    /// How many cells are in it; not known of files that were found.
    pub rows: Option<u64>,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex; not known of files that were found.
    pub sha256: Option<String>,
}

/// A radio type by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RadioName {
    /// GSM.
    Gsm,
    /// UMTS, which is called WCDMA elsewhere.
    Umts,
    /// LTE.
    Lte,
    /// 5G NR.
    Nr,
}

impl From<&Radio> for RadioName {
    fn from(radio: &Radio) -> Self {
        match radio {
            Radio::Gsm => Self::Gsm,
            Radio::Wcdma => Self::Umts,
            Radio::Lte => Self::Lte,
            Radio::Nr => Self::Nr,
        }
    }
}

impl Entry {
    /// A file of which no more is known than can be seen.
    #[must_use]
    pub fn found(file: FileName, bytes: u64) -> Self {
        Self {
            name: file.to_string(),
            kind: file.edition,
            radios: file.family.radios().iter().map(Into::into).collect(),
            time: file.time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            rows: None,
            bytes,
            sha256: None,
        }
    }
}

impl Index {
    /// Reads a list; `None` for what is none, or is in another form.
    #[must_use]
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(json).ok().filter(|index| index.format == FORMAT)
    }

    /// The list of what is there now, by name and size. What was written just now is known best;
    /// of the rest the last list knows more than can be seen, as long as the size still fits.
    #[must_use]
    pub fn of<'a>(
        there: impl IntoIterator<Item = (&'a str, u64)>,
        written: &[Entry],
        last: Option<&Self>,
    ) -> Self {
        let known = last.into_iter().flat_map(|index| &index.files).chain(written);
        let known: BTreeMap<&str, &Entry> =
            known.map(|entry| (entry.name.as_str(), entry)).collect();
        let mut files: Vec<(FileName, Entry)> = there
            .into_iter()
            .filter_map(|(name, bytes)| {
                let file = FileName::parse(name)?;
                let entry = known.get(name).filter(|entry| entry.bytes == bytes);
                Some((
                    file,
                    entry.map_or_else(|| Entry::found(file, bytes), |&entry| entry.clone()),
                ))
            })
            .collect();
        let order = |file: &FileName| (file.edition, std::cmp::Reverse(file.time), file.family);
        files.sort_by_key(|(file, _)| order(file));
        Self {
            format: FORMAT,
            licence: LICENCE.to_owned(),
            sources: SOURCES.to_owned(),
            files: files.into_iter().map(|(_, entry)| entry).collect(),
        }
    }

    /// The newest time of an edition whose files were all made and listed: the one of 5G is made
    /// last.
    #[must_use]
    pub fn newest(&self, edition: Edition) -> Option<NaiveDateTime> {
        let made = self.files.iter().filter(|entry| entry.rows.is_some());
        let files = made.filter_map(|entry| FileName::parse(&entry.name));
        let last = files.filter(|file| file.edition == edition && file.family == Family::Nr);
        last.map(|file| file.time).max()
    }
}

/// Which of these files are older than so many days. The newest full file stays, however old.
#[must_use]
pub fn expired<'a>(
    there: impl IntoIterator<Item = &'a str>,
    now: NaiveDateTime,
    keep_days: u32,
) -> Vec<FileName> {
    let files: Vec<FileName> = there.into_iter().filter_map(FileName::parse).collect();
    let is_full = |file: &&FileName| file.edition == Edition::Full;
    let newest = files.iter().filter(is_full).map(|file| file.time).max();
    let Some(limit) = now.checked_sub_signed(TimeDelta::days(keep_days.into())) else {
        return Vec::new();
    };
    let is_expired = |file: &FileName| {
        file.time < limit && !(file.edition == Edition::Full && Some(file.time) == newest)
    };
    files.into_iter().filter(is_expired).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "MLS-full-cell-export-2026-07-01T000000.csv.gz";
    const OLDER: &str = "MLS-full-cell-export-2026-06-30T000000.csv.gz";
    const DIFF: &str = "MLS-diff-cell-export-2026-07-01T120000.csv.gz";
    const NR: &str = "NR-cell-export-hour-2026-07-01T120000.csv.gz";

    fn entry(name: &str, bytes: u64, rows: u64) -> Entry {
        let found = Entry::found(FileName::parse(name).unwrap(), bytes);
        Entry { rows: Some(rows), sha256: Some("00".to_owned()), ..found }
    }

    fn names(index: &Index) -> Vec<(&str, Option<u64>)> {
        index.files.iter().map(|entry| (entry.name.as_str(), entry.rows)).collect()
    }

    #[test]
    fn the_list_is_of_what_is_there_and_remembers_what_it_knew() {
        let last =
            Index::of([(OLDER, 5), (DIFF, 7)], &[entry(OLDER, 5, 1), entry(DIFF, 7, 2)], None);
        assert_eq!(names(&last), [(OLDER, Some(1)), (DIFF, Some(2))]);
        let there = [("index.json", 9), (NR, 4), (DIFF, 8), (OLDER, 5), (FULL, 6)];
        let now = Index::of(there, &[entry(NR, 4, 3)], Some(&last));
        // The full file was found, and the hourly one has another size than what was written.
        assert_eq!(names(&now), [(FULL, None), (OLDER, Some(1)), (DIFF, None), (NR, Some(3))]);
        // What is gone is not in the list, written or not.
        let later = Index::of([(FULL, 6)], &[entry(OLDER, 5, 1)], Some(&now));
        assert_eq!(names(&later), [(FULL, None)]);
        // Only what was made and listed to its end counts.
        assert_eq!(now.newest(Edition::Diff), Some(FileName::parse(DIFF).unwrap().time));
        assert_eq!(last.newest(Edition::Diff), None);
        assert_eq!(now.newest(Edition::Full), None);
    }

    #[test]
    fn a_list_is_read_back_and_anything_else_is_none() {
        let index = Index::of([(FULL, 6)], &[entry(FULL, 6, 10)], None);
        let json = serde_json::to_value(&index).unwrap();
        assert_eq!(Index::parse(json.to_string().as_bytes()), Some(index));
        assert_eq!(
            json["files"][0],
            serde_json::json!({
                "name": FULL, "kind": "full", "radios": ["gsm", "umts", "lte"],
                "time": "2026-07-01T00:00:00Z", "rows": 10, "bytes": 6, "sha256": "00",
            })
        );
        let newer = json.to_string().replace("\"format\":1", "\"format\":2");
        for other in [newer.as_str(), "", "{}", "[1]", "{\"format\":1}"] {
            assert_eq!(Index::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn old_files_expire_but_never_the_newest_full_one() {
        let at = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
        let there = [FULL, OLDER, DIFF, NR, "index.json", "notes.txt"];
        let expired = |now: &str, keep| -> Vec<String> {
            expired(there, at(now), keep).iter().map(ToString::to_string).collect()
        };
        assert_eq!(expired("2026-07-01 12:00:00", 1), [OLDER]);
        assert_eq!(expired("2026-07-01 12:00:00", 2), [""; 0]);
        assert_eq!(expired("2027-07-01 12:00:00", 30), [OLDER, DIFF, NR]);
        assert_eq!(expired("2026-07-01 12:00:00", u32::MAX), [""; 0]);
    }
}
