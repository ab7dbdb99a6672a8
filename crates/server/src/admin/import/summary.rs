//! What became of the rows of a file.

use std::collections::BTreeMap;
use std::time::Duration;

use ichnaea_domain::import::Reason;
use ichnaea_store::Merged;
use serde::Serialize;

use super::aggregate::Group;
use super::survey::Counts;
use crate::admin::table;

/// The counts of one group of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Count {
    /// New stations.
    pub(super) added: u64,
    /// Stations that were known and older.
    pub(super) updated: u64,
    /// Stations that were known and as new or newer.
    pub(super) unchanged: u64,
    /// Rows about a station that another row of the file is about, and that is as new or newer.
    pub(super) duplicates: u64,
}

/// What became of the rows of a file. The numbers add up: rows are added, updated, unchanged,
/// duplicates, taken, opted out or rejected.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Summary {
    pub(super) file: String,
    /// The number of the import; none without one.
    pub(super) import: Option<u32>,
    pub(super) format: &'static str,
    pub(super) source: Option<String>,
    pub(super) licence: Option<String>,
    pub(super) is_public: bool,
    pub(super) is_dry_run: bool,
    /// An earlier run was interrupted, and this one went on.
    pub(super) is_resumed: bool,
    /// The file was imported before, at this time; nothing was done now.
    pub(super) imported_before: Option<String>,
    /// Why the file could not be read to its end.
    pub(super) cut_off: Option<String>,
    pub(super) rows: u64,
    pub(super) added: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: u64,
    /// Rows of observations that are part of a report.
    pub(super) taken: u64,
    /// Networks whose owners ask to be left out.
    pub(super) opted_out: u64,
    /// Reports that were made of the rows.
    pub(super) reports: u64,
    pub(super) by_group: BTreeMap<&'static str, Count>,
    pub(super) by_reason: BTreeMap<&'static str, u64>,
    /// Cell areas that were computed anew.
    pub(super) areas: u64,
    /// How long everything took.
    pub(super) seconds: f64,
    /// How long it took until all rows were in the tables, without areas and statistics.
    pub(super) rows_seconds: f64,
    /// Rows in that time.
    pub(super) rows_per_second: u64,
}

impl Summary {
    pub(super) fn merged(&mut self, group: Group, merged: Merged) {
        let count = self.by_group.entry(group.name()).or_default();
        count.added += merged.added;
        count.updated += merged.updated;
        count.unchanged += merged.unchanged;
        self.added += merged.added;
        self.updated += merged.updated;
        self.unchanged += merged.unchanged;
    }

    pub(super) fn duplicate(&mut self, group: Group) {
        self.by_group.entry(group.name()).or_default().duplicates += 1;
        self.duplicates += 1;
    }

    pub(super) fn reject(&mut self, reason: Reason) {
        *self.by_reason.entry(reason.name()).or_default() += 1;
        self.rejected += 1;
    }

    /// The counts of a log.
    pub(super) fn surveyed(&mut self, counts: &Counts) {
        self.rows = counts.rows();
        self.taken = counts.taken;
        self.opted_out = counts.opted_out;
        self.rejected = counts.rejects();
        self.reports = counts.reports;
        self.by_reason.clone_from(&counts.rejected);
    }

    /// Whether every row is accounted for.
    pub(super) const fn adds_up(&self) -> bool {
        self.rows == self.added + self.updated + self.unchanged + self.duplicates + self.rejected
    }

    /// Notes that all rows are where they belong.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "for the reader")]
    pub(super) fn rows_took(&mut self, time: Duration) {
        self.rows_seconds = rounded(time);
        self.rows_per_second = (self.rows as f64 / time.as_secs_f64().max(0.001)) as u64;
    }

    /// Notes that everything is done.
    pub(super) fn took(&mut self, time: Duration) {
        self.seconds = rounded(time);
    }

    /// What a person reads.
    pub(super) fn lines(&self) -> Vec<String> {
        if let Some(time) = &self.imported_before {
            return vec![format!(
                "{}: was imported at {time} UTC as import {}; --again does it once more",
                self.file,
                self.import.unwrap_or_default()
            )];
        }
        let mut lines = Vec::new();
        let what = match (self.is_dry_run, self.import) {
            (true, _) => "dry run, nothing was written".to_owned(),
            (false, import) => format!("import {}", import.unwrap_or_default()),
        };
        lines.push(format!("{}: {}, {what}", self.file, self.format));
        if self.is_resumed {
            lines.push("went on with an import that was interrupted".to_owned());
        }
        let mut rows =
            vec![["", "added", "updated", "unchanged", "duplicates"].map(str::to_owned).to_vec()];
        rows.extend(self.by_group.iter().map(|(name, count)| {
            let counts = [count.added, count.updated, count.unchanged, count.duplicates];
            std::iter::once((*name).to_owned())
                .chain(counts.iter().map(ToString::to_string))
                .collect()
        }));
        if rows.len() > 1 {
            lines.extend(table(&rows, "  "));
        }
        if self.reports > 0 || self.taken > 0 {
            lines.push(format!(
                "{} rows: {} in {} reports, {} opted out, {} rejected",
                self.rows, self.taken, self.reports, self.opted_out, self.rejected
            ));
        } else {
            lines.push(format!(
                "{} rows: {} added, {} updated, {} unchanged, {} duplicates, {} rejected",
                self.rows, self.added, self.updated, self.unchanged, self.duplicates, self.rejected
            ));
        }
        if self.reports > 0 && !self.is_dry_run {
            lines.push(
                "the reports wait in the queue until workers learn from them: `ichnaea pipeline \
                 status`"
                    .to_owned(),
            );
        }
        lines.extend(self.by_reason.iter().map(|(reason, count)| format!("  {reason}: {count}")));
        if let Some(why) = &self.cut_off {
            lines.push(format!("the file ends early: {why}; what was there was read"));
        }
        if self.areas > 0 {
            lines.push(format!("{} cell areas computed", self.areas));
        }
        lines.push(format!(
            "{:.1} s; the rows took {:.1} s, {} rows/s",
            self.seconds, self.rows_seconds, self.rows_per_second
        ));
        lines
    }
}

fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use ichnaea_domain::cell::Radio;

    use super::*;

    #[test]
    fn counts_add_up_in_all_three_ways() {
        let mut summary = Summary { rows: 12, ..Summary::default() };
        assert!(!summary.adds_up());
        let merged = Merged { added: 5, updated: 2, unchanged: 1 };
        summary.merged(Group::Cell(Radio::Gsm), merged);
        summary.duplicate(Group::Cell(Radio::Lte));
        for reason in [Reason::BadArea, Reason::BadArea, Reason::BadTime] {
            summary.reject(reason);
        }
        assert!(summary.adds_up());
        let lines = summary.lines();
        assert!(lines.contains(&"  bad_area: 2".to_owned()), "{lines:?}");
        assert!(
            lines.contains(&"gsm  5      2        1          0         ".to_owned()),
            "{lines:?}"
        );
        assert!(lines.iter().any(|line| {
            line.starts_with("12 rows: 5 added, 2 updated, 1 unchanged, 1 duplicates, 3 rejected")
        }));
    }
}
