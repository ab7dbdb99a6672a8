//! What is found while a log is read.

use std::collections::BTreeMap;
use std::io::Write;

use ichnaea_domain::import::Reason;
use serde::Serialize;

use super::Problem;

/// Numbers about one file. Every row, or report of a JSON file, is in exactly one of `taken`,
/// `opted_out` and `rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows that are part of a report.
    pub taken: u64,
    /// Reports.
    pub reports: u64,
    /// Networks whose owners ask to be left out.
    pub opted_out: u64,
    /// Rows nothing can be learned from, by the reason.
    pub rejected: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.taken + self.opted_out + self.rejects()
    }

    /// All rows nothing can be learned from.
    #[must_use]
    pub fn rejects(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// Counts, and keeps the rows nothing can be learned from where the user wants them.
#[derive(Default)]
pub struct Notes {
    /// The numbers so far.
    pub counts: Counts,
    /// Where the rows go, verbatim.
    pub rejects: Option<Box<dyn Write + Send>>,
}

impl Notes {
    /// Notes a row nothing can be learned from.
    pub fn reject(&mut self, line: u64, why: Reason, row: &[u8]) -> Result<(), Problem> {
        *self.counts.rejected.entry(why.name()).or_default() += 1;
        let Some(file) = &mut self.rejects else { return Ok(()) };
        let mut write = || {
            write!(file, "{line}\t{}\t", why.name())?;
            file.write_all(row)?;
            file.write_all(b"\n")
        };
        write().map_err(Problem::Rejects)
    }
}
