//! Files that were imported: what they were, where they came from, and how far they got.

use std::sync::Arc;

use chrono::NaiveDateTime;

use crate::Store;
use crate::driver::{Read, Row, Statement, Write};
use crate::error::{Error, Result};

/// What is known about a file before its first row is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// SHA-256 of the bytes of the file as they were given, compressed or not; hex digits.
    pub digest: String,
    /// Number of those bytes.
    pub size: u64,
    /// The name the file was given by; up to 255 characters are kept.
    pub name: String,
    /// The format it was read as.
    pub format: String,
    /// Where it comes from.
    pub source: Option<String>,
    /// The licence of its rows, by its SPDX identifier where there is one.
    pub licence: Option<String>,
    /// Whether the rows may be in a file that is given to everybody without conditions.
    pub is_public: bool,
    /// The current time, UTC.
    pub started: NaiveDateTime,
}

/// An import that was begun, and perhaps finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// Its number.
    pub id: u32,
    /// What was known before.
    pub file: NewImport,
    /// When its last row was written; `None` while it runs and after it was interrupted.
    pub finished: Option<NaiveDateTime>,
    /// How many rows or observations the file had.
    pub records: Option<u64>,
    /// How many of them could not be used.
    pub rejected: Option<u64>,
    /// The summary, as JSON.
    pub outcome: Option<String>,
}

/// What [`Store::begin_import`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The number of the import.
    pub id: u32,
    /// An earlier run of the same file was interrupted; this one goes on under its number.
    pub is_resumed: bool,
}

/// What is said about a finished import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportEnd {
    /// The current time, UTC.
    pub finished: NaiveDateTime,
    /// How many rows or observations the file had.
    pub records: u64,
    /// How many of them could not be used.
    pub rejected: u64,
    /// The summary, as JSON.
    pub outcome: String,
}

const COLUMNS: &str = "id, digest, size, name, format, source, licence, is_public, started, \
                       finished, records, rejected, outcome";

/// How many imports are listed at most, the newest ones.
const LISTED: u32 = 1000;

/// As wide as the columns are.
const NAME_LEN: usize = 255;
const WORD_LEN: usize = 64;

impl Store {
    /// The imports, the newest first; at most a thousand.
    pub async fn imported_files(&self) -> Result<Vec<ImportedFile>> {
        let text = format!("SELECT {COLUMNS} FROM imported_file ORDER BY id DESC LIMIT {LISTED}");
        Ok(self.driver.query(Statement::plain(text)).await?.iter().filter_map(imported).collect())
    }

    /// The imports of a file with this digest, the newest first.
    pub async fn imports_of(&self, digest: &str) -> Result<Vec<ImportedFile>> {
        let text = format!(
            "SELECT {COLUMNS} FROM imported_file WHERE digest = ? ORDER BY id DESC LIMIT {LISTED}"
        );
        let rows = self.driver.query(Statement::new(text, vec![digest.into()])).await?;
        Ok(rows.iter().filter_map(imported).collect())
    }

    /// Whether a file of this many bytes was imported to its end: only then is it worth computing
    /// the digest of a file before it is read.
    pub async fn has_import_of_size(&self, size: u64) -> Result<bool> {
        let text = "SELECT id FROM imported_file WHERE size = ? AND finished IS NOT NULL LIMIT 1";
        let rows = self.driver.query(Statement::new(text, vec![size.into()])).await?;
        Ok(!rows.is_empty())
    }

    /// Notes that a file is being imported. An import of the same file, in the same way, that was
    /// interrupted goes on under the number it has.
    pub async fn begin_import(&self, file: &NewImport) -> Result<Begun> {
        self.must_be_writable()?;
        let earlier = "SELECT id FROM imported_file WHERE digest = ? AND format = ? \
                       AND is_public = ? AND finished IS NULL ORDER BY id";
        let parameters =
            vec![file.digest.as_str().into(), file.format.as_str().into(), file.is_public.into()];
        let reads = vec![
            Read::Locking(Statement::new(earlier, parameters)),
            Read::Plain(Statement::plain("SELECT COALESCE(MAX(id), 0) FROM imported_file")),
        ];
        let file = file.clone();
        let rule = move |found: &[Vec<Row>]| {
            let first = |read: usize| found.get(read).and_then(|rows| rows.first()?.int::<u32>(0));
            if let Some(id) = first(0) {
                return Ok((Vec::new(), Begun { id, is_resumed: true }));
            }
            let id = first(1)
                .and_then(|last| last.checked_add(1))
                .ok_or_else(|| Error::broken("the table imported_file cannot be read"))?;
            Ok((vec![Write::Statement(insert(id, &file))], Begun { id, is_resumed: false }))
        };
        Ok(self.driver.transaction(reads, Arc::new(rule)).await?.value)
    }

    /// Notes that all rows of a file are written. Doing so twice does no harm.
    pub async fn finish_import(&self, id: u32, end: &ImportEnd) -> Result<()> {
        self.must_be_writable()?;
        let text = "UPDATE imported_file SET finished = ?, records = ?, rejected = ?, outcome = ? \
                    WHERE id = ?";
        let parameters = vec![
            end.finished.into(),
            end.records.into(),
            end.rejected.into(),
            end.outcome.as_str().into(),
            id.into(),
        ];
        self.driver.execute(Statement::new(text, parameters)).await.map(drop)
    }
}

fn insert(id: u32, file: &NewImport) -> Statement {
    let text = "INSERT INTO imported_file (id, digest, size, name, format, source, licence, \
                is_public, started) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let word = |word: &Option<String>| word.as_deref().map(|word| cut(word, WORD_LEN));
    let parameters = vec![
        id.into(),
        file.digest.as_str().into(),
        file.size.into(),
        cut(&file.name, NAME_LEN).into(),
        cut(&file.format, WORD_LEN / 2).into(),
        word(&file.source).into(),
        word(&file.licence).into(),
        file.is_public.into(),
        file.started.into(),
    ];
    Statement::new(text, parameters)
}

/// At most so many characters, without those that the tables of a server cannot hold.
fn cut(text: &str, len: usize) -> String {
    let is_held = |letter: &char| u32::from(*letter) <= 0xFFFF;
    text.chars().map(|letter| if is_held(&letter) { letter } else { '?' }).take(len).collect()
}

fn imported(row: &Row) -> Option<ImportedFile> {
    let file = NewImport {
        digest: row.text(1).unwrap_or_default(),
        size: row.int(2).unwrap_or_default(),
        name: row.text(3)?,
        format: row.text(4)?,
        source: row.text(5),
        licence: row.text(6),
        is_public: row.int::<u8>(7)? != 0,
        started: row.date_time(8)?,
    };
    Some(ImportedFile {
        id: row.int(0)?,
        file,
        finished: row.date_time(9),
        records: row.int(10),
        rejected: row.int(11),
        outcome: row.text(12),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_what_the_columns_hold() {
        assert_eq!(cut("zellen-é.csv.gz", 8), "zellen-é");
        assert_eq!(cut("a😀b", 64), "a?b");
    }
}
