//! Which cells a public file holds, and what it is called.

use chrono::{NaiveDateTime, TimeDelta, Timelike as _};
use serde::{Deserialize, Serialize};

use crate::cell::Radio;

/// How far a full file looks back, days.
const FULL_DAYS: i64 = 365;

/// How the time of a file stands in its name.
const TIME: &str = "%Y-%m-%dT%H%M%S";

/// What ends the name of a file.
const SUFFIX: &str = ".csv.gz";

/// What a public file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edition {
    /// The cells that changed within a year, once a day.
    Full,
    /// The cells that changed within an hour, every hour.
    Diff,
}

/// Which radio types a public file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Those that the original knew.
    Older,
    /// 5G NR.
    Nr,
}

/// The name of a public file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName {
    /// What it is about.
    pub edition: Edition,
    /// Which radio types it is of.
    pub family: Family,
    /// The end of the hour, or the beginning of the day on which it was made; UTC.
    pub time: NaiveDateTime,
}

impl Edition {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Full, Self::Diff];

    /// The time in the name of the file that is made now.
    #[must_use]
    pub fn time(self, now: NaiveDateTime) -> NaiveDateTime {
        let hour = match self {
            Self::Full => 0,
            Self::Diff => now.hour(),
        };
        now.date().and_hms_opt(hour, 0, 0).unwrap_or(now)
    }

    /// From when on, and before when, the cells in the file of this time have changed.
    #[must_use]
    pub fn window(self, time: NaiveDateTime) -> (NaiveDateTime, Option<NaiveDateTime>) {
        let before = |delta| time.checked_sub_signed(delta).unwrap_or(time);
        match self {
            Self::Full => (before(TimeDelta::days(FULL_DAYS)), None),
            Self::Diff => (before(TimeDelta::hours(1)), Some(time)),
        }
    }
}

impl Family {
    /// Both, in the order in which their files are made.
    pub const ALL: [Self; 2] = [Self::Older, Self::Nr];

    /// The radio types, in the order in which they stand in a file.
    #[must_use]
    pub const fn radios(self) -> &'static [Radio] {
        match self {
            Self::Older => &[Radio::Gsm, Radio::Wcdma, Radio::Lte],
            Self::Nr => &[Radio::Nr],
        }
    }

    /// What names begin with. Readers of the older files look for `full-` and `diff-`, so that
    /// must not be in the others.
    const fn prefix(self, edition: Edition) -> &'static str {
        match (self, edition) {
            (Self::Older, Edition::Full) => "MLS-full-cell-export-",
            (Self::Older, Edition::Diff) => "MLS-diff-cell-export-",
            (Self::Nr, Edition::Full) => "NR-cell-export-day-",
            (Self::Nr, Edition::Diff) => "NR-cell-export-hour-",
        }
    }
}

impl FileName {
    /// The file with this name; `None` for what is not made here.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let mut kinds = Edition::ALL
            .into_iter()
            .flat_map(|edition| Family::ALL.into_iter().map(move |family| (edition, family)));
        let (edition, family, rest) = kinds.find_map(|(edition, family)| {
            Some((edition, family, name.strip_prefix(family.prefix(edition))?))
        })?;
        let time = NaiveDateTime::parse_from_str(rest.strip_suffix(SUFFIX)?, TIME).ok()?;
        let parsed = Self { edition, family, time };
        // Numbers may be written in other ways too.
        (parsed.to_string() == name).then_some(parsed)
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { edition, family, time } = self;
        write!(f, "{}{}{SUFFIX}", family.prefix(*edition), time.format(TIME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    #[test]
    fn names_and_windows_are_those_of_the_original() {
        for (edition, now, name, since, until) in [
            (
                Edition::Full,
                "2026-07-01 12:34:56",
                "MLS-full-cell-export-2026-07-01T000000.csv.gz",
                "2025-07-01 00:00:00",
                None,
            ),
            (
                Edition::Diff,
                "2026-07-01 12:34:56",
                "MLS-diff-cell-export-2026-07-01T120000.csv.gz",
                "2026-07-01 11:00:00",
                Some("2026-07-01 12:00:00"),
            ),
            (
                Edition::Diff,
                "2026-01-01 00:00:00",
                "MLS-diff-cell-export-2026-01-01T000000.csv.gz",
                "2025-12-31 23:00:00",
                Some("2026-01-01 00:00:00"),
            ),
            (
                Edition::Full,
                "2024-12-31 23:59:59",
                "MLS-full-cell-export-2024-12-31T000000.csv.gz",
                "2024-01-01 00:00:00",
                None,
            ),
        ] {
            let time = edition.time(at(now));
            let file = FileName { edition, family: Family::Older, time };
            assert_eq!(file.to_string(), name);
            assert_eq!(FileName::parse(name), Some(file));
            assert_eq!(edition.window(time), (at(since), until.map(at)));
        }
    }

    #[test]
    fn files_of_5g_disturb_no_reader_of_the_others() {
        for edition in Edition::ALL {
            let time = at("2026-07-01 12:00:00");
            let file = FileName { edition, family: Family::Nr, time };
            let name = file.to_string();
            assert!(!name.contains("full-") && !name.contains("diff-") && !name.contains("MLS"));
            assert_eq!(FileName::parse(&name), Some(file));
        }
    }

    #[test]
    fn other_names_are_none_of_ours() {
        for name in [
            "",
            "index.json",
            "MLS-full-cell-export-2026-07-01T000000.csv",
            "MLS-full-cell-export-2026-07-01T000000.csv.gz.sha256",
            "MLS-full-cell-export-2026-13-01T000000.csv.gz",
            "MLS-full-cell-export-+2026-07-01T000000.csv.gz",
            "MLS-full-cell-export-2026-7-1T000000.csv.gz",
            "x-MLS-full-cell-export-2026-07-01T000000.csv.gz",
            "MLS-diff-cell-export-.csv.gz",
        ] {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
    }
}
