//! Columns by their names, and the values of their cells.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::time;
use crate::import::Reason;
use crate::wire;

/// The names of all columns of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    names: Vec<String>,
}

impl Header {
    /// Takes the names as they stand in the file; case, blanks around and a byte order mark are of
    /// no account.
    #[must_use]
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let plain = |name: &str| name.trim_start_matches('\u{feff}').trim().to_ascii_lowercase();
        Self { names: names.into_iter().map(plain).collect() }
    }

    /// How many columns there are.
    #[must_use]
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The first column that has one of these names, in lower case.
    pub(super) fn column(&self, names: &[&str]) -> Option<Column> {
        let of = |name: &&str| self.names.iter().position(|known| known == name);
        names.iter().find_map(of).map(Column)
    }

    /// The columns with these names, or the names that are missing.
    pub(super) fn all<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[Column; N], Vec<&'static str>> {
        let found = names.map(|name| self.column(&[name]));
        let pairs = names.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<&'static str> = pairs.map(|(name, _)| *name).collect();
        if missing.is_empty() {
            Ok(found.map(|column| column.unwrap_or(Column(0))))
        } else {
            Err(missing)
        }
    }
}

/// The place of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Column(usize);

/// The cells of one row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r>(&'r [Cow<'r, str>]);

impl<'r> Row<'r> {
    /// A row with these cells.
    #[must_use]
    pub const fn new(cells: &'r [Cow<'r, str>]) -> Self {
        Self(cells)
    }

    /// As many cells as columns; what stands beyond has to be empty.
    pub(super) fn fits(self, width: usize) -> Result<(), Reason> {
        if self.0.len() < width {
            Err(Reason::ShortRow)
        } else if self.0.iter().skip(width).any(|cell| !cell.trim().is_empty()) {
            Err(Reason::LongRow)
        } else {
            Ok(())
        }
    }

    /// The cell as it is.
    pub(super) fn raw(self, column: impl Into<Option<Column>>) -> Option<&'r str> {
        let Column(at) = column.into()?;
        self.0.get(at).map(AsRef::as_ref)
    }

    /// The cell without blanks around; `None` when nothing is left.
    pub(super) fn text(self, column: impl Into<Option<Column>>) -> Option<&'r str> {
        self.raw(column).map(str::trim).filter(|text| !text.is_empty())
    }

    /// A whole number in a range; a fraction is cut off. Anything else is missing.
    pub(super) fn integer(
        self,
        column: impl Into<Option<Column>>,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let text = self.text(column)?;
        let value = match text.parse() {
            Ok(value) => value,
            Err(_) => wire::whole(text.parse().ok()?)?,
        };
        range.contains(&value).then_some(value)
    }

    /// A moment in milliseconds since 1970; `None` when the cell is empty.
    pub(super) fn moment(self, column: impl Into<Option<Column>>) -> Result<Option<i64>, Reason> {
        let milliseconds = |text| time::milliseconds(text).ok_or(Reason::BadTime);
        self.text(column).map(milliseconds).transpose()
    }

    /// A number in a range. Anything else is missing.
    pub(super) fn number(
        self,
        column: impl Into<Option<Column>>,
        range: RangeInclusive<f64>,
    ) -> Option<f64> {
        self.text(column)?.parse().ok().filter(|value| range.contains(value))
    }
}
