//! A whole installation in one stream of lines: what `ichnaea dump` writes and `ichnaea restore`
//! reads. `docs/data.md` describes the format for people.
//!
//! Each line is a JSON value. First the [`Header`]; then for each table a [`TableHead`], its rows,
//! one list of values each, and a [`TableEnd`] with their number and digest; at last a
//! [`Trailer`], without which the dump is not whole. All of it is compressed with zstd; a reader
//! takes it uncompressed as well.

mod digest;
mod line;
mod reader;
mod writer;

use ichnaea_store::{Column, Kind};
use serde::{Deserialize, Serialize};

pub use digest::Digest;
pub use line::encode;
pub use reader::{Damage, Event, Reader, Row};
pub use writer::Writer;

/// What the first line of a dump says that it is.
pub const FORMAT: &str = "ichnaea dump";

/// The version of the format. A reader refuses any other.
pub const VERSION: u32 = 1;

/// The pseudo table with what `ichnaea settings` shows.
pub const SETTINGS: &str = "settings";

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// The release that made the dump.
    pub release: String,
    /// When its rows were like this, UTC.
    pub made: String,
    /// The database they come from, name and version.
    pub source: String,
    /// The original's revisions of its schema.
    pub schema: Vec<String>,
    /// Tables that were left out on purpose.
    #[serde(default)]
    pub without: Vec<String>,
}

/// Begins a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHead {
    /// Its name.
    pub table: String,
    /// Names and kinds of its columns, in the order in which rows have their values.
    pub columns: Vec<(String, String)>,
}

/// Ends a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEnd {
    /// How many rows it has.
    pub rows: u64,
    /// What they and the line that begins the table are.
    pub digest: Digest,
}

/// The last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trailer {
    /// How many tables there were, empty ones too.
    pub tables: u64,
    /// How many rows there were.
    pub total_rows: u64,
}

impl TableHead {
    /// A table with these columns.
    #[must_use]
    pub fn new(table: &str, columns: &[Column]) -> Self {
        let column = |column: &Column| (column.name.clone(), column.kind.name().to_owned());
        Self { table: table.to_owned(), columns: columns.iter().map(column).collect() }
    }

    /// The columns; `None` when one has a kind that this release does not know.
    #[must_use]
    pub fn columns(&self) -> Option<Vec<Column>> {
        let column = |(name, kind): &(String, String)| {
            let kind = Kind::ALL.into_iter().find(|one| one.name() == kind)?;
            Some(Column { name: name.clone(), kind })
        };
        self.columns.iter().map(column).collect()
    }
}
