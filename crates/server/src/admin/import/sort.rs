//! Rows in the order of their keys, more than fit into memory.
//!
//! Sorted runs go to a file without a name and are merged as they are read back. Of rows with the
//! same key the newest is kept; of equals, the one that came first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::file_part::FilePart;

/// How much is held in memory: rows, and bytes in them.
const RUN_ROWS: usize = 500_000;
const RUN_BYTES: usize = 48 << 20;

/// How much of a run is read at once.
const BUFFER: usize = 64 * 1024;

/// One row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    /// What it is sorted by.
    pub(super) key: u128,
    /// When it changed; the largest wins.
    pub(super) modified: i64,
    /// The rest of it.
    pub(super) payload: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Entry {
    key: u128,
    modified: i64,
    start: u32,
    len: u32,
}

/// Takes rows in any order.
pub(super) struct Sorter {
    folder: PathBuf,
    entries: Vec<Entry>,
    payloads: Vec<u8>,
    file: Option<BufWriter<File>>,
    runs: Vec<(u64, u64)>,
    end: u64,
    rows: u64,
}

impl Sorter {
    /// A sorter that puts into this folder what it cannot hold.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            entries: Vec::new(),
            payloads: Vec::new(),
            file: None,
            runs: Vec::new(),
            end: 0,
            rows: 0,
        }
    }

    /// Takes a row.
    pub(super) fn push(&mut self, key: u128, modified: i64, payload: &[u8]) -> anyhow::Result<()> {
        if self.entries.len() >= RUN_ROWS || self.payloads.len() + payload.len() > RUN_BYTES {
            self.spill()?;
        }
        let start = u32::try_from(self.payloads.len())?;
        let len = u32::try_from(payload.len())?;
        self.payloads.extend_from_slice(payload);
        self.entries.push(Entry { key, modified, start, len });
        self.rows += 1;
        Ok(())
    }

    /// How many rows were taken.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    fn sort(&mut self) {
        self.entries.sort_by_key(|entry| (entry.key, Reverse(entry.modified)));
    }

    fn spill(&mut self) -> anyhow::Result<()> {
        self.sort();
        let why = || {
            format!(
                "cannot write to {}, where rows are sorted (about 80 bytes a row; \
                 --temp FOLDER names another place)",
                self.folder.display()
            )
        };
        if self.file.is_none() {
            let file = tempfile::tempfile_in(&self.folder).with_context(why)?;
            self.file = Some(BufWriter::with_capacity(1 << 20, file));
        }
        let start = self.end;
        if let Some(file) = &mut self.file {
            let mut write = || -> io::Result<u64> {
                let mut written = 0;
                for Entry { key, modified, start, len } in &self.entries {
                    file.write_all(&key.to_le_bytes())?;
                    file.write_all(&modified.to_le_bytes())?;
                    file.write_all(&len.to_le_bytes())?;
                    let payload = *start as usize..(*start + *len) as usize;
                    file.write_all(self.payloads.get(payload).unwrap_or_default())?;
                    written += 28 + u64::from(*len);
                }
                file.flush()?;
                Ok(written)
            };
            self.end += write().with_context(why)?;
        }
        self.runs.push((start, self.end));
        self.entries.clear();
        self.payloads.clear();
        Ok(())
    }

    /// Ends taking and begins giving.
    pub(super) fn finish(mut self) -> anyhow::Result<Merger> {
        if !self.runs.is_empty() {
            self.spill()?;
        }
        let mut merger = Merger {
            heap: BinaryHeap::new(),
            runs: Vec::new(),
            last: None,
            duplicates: Vec::new(),
        };
        if let Some(file) = self.file.take() {
            let file = Arc::new(file.into_inner().map_err(io::IntoInnerError::into_error)?);
            self.entries = Vec::new();
            self.payloads = Vec::new();
            for (at, end) in self.runs {
                let part = FilePart::new(Arc::clone(&file), at, end);
                merger.runs.push(Run::Spilled(BufReader::with_capacity(BUFFER, part)));
            }
        } else {
            self.sort();
            merger.runs.push(Run::Held { entries: self.entries, payloads: self.payloads, at: 0 });
        }
        for run in 0..merger.runs.len() {
            merger.advance(run)?;
        }
        Ok(merger)
    }
}

enum Run {
    Held { entries: Vec<Entry>, payloads: Vec<u8>, at: usize },
    Spilled(BufReader<FilePart>),
}

impl Run {
    fn next(&mut self) -> io::Result<Option<Sorted>> {
        match self {
            Self::Held { entries, payloads, at } => {
                let Some(Entry { key, modified, start, len }) = entries.get(*at).copied() else {
                    return Ok(None);
                };
                *at += 1;
                let payload = payloads.get(start as usize..(start + len) as usize);
                let payload = payload.unwrap_or_default().to_vec();
                Ok(Some(Sorted { key, modified, payload }))
            }
            Self::Spilled(reader) => {
                let mut fixed = [0; 28];
                if reader.get_ref().is_at_end() && reader.buffer().is_empty() {
                    return Ok(None);
                }
                reader.read_exact(&mut fixed)?;
                let (key, rest) = fixed.split_at(16);
                let (modified, len) = rest.split_at(8);
                let key = u128::from_le_bytes(key.try_into().unwrap_or_default());
                let modified = i64::from_le_bytes(modified.try_into().unwrap_or_default());
                let len = u32::from_le_bytes(len.try_into().unwrap_or_default());
                let mut payload = vec![0; len as usize];
                reader.read_exact(&mut payload)?;
                Ok(Some(Sorted { key, modified, payload }))
            }
        }
    }
}

/// The next row of a run: its key, when it changed, which run, and the rest of it.
type Next = (u128, Reverse<i64>, usize, Vec<u8>);

/// Gives the rows in order, each key once.
pub(super) struct Merger {
    heap: BinaryHeap<Reverse<Next>>,
    runs: Vec<Run>,
    last: Option<u128>,
    /// Keys of the rows that were left out since it was last looked.
    pub(super) duplicates: Vec<u128>,
}

impl Merger {
    fn advance(&mut self, run: usize) -> io::Result<()> {
        if let Some(Sorted { key, modified, payload }) = match self.runs.get_mut(run) {
            Some(run) => run.next()?,
            None => None,
        } {
            self.heap.push(Reverse((key, Reverse(modified), run, payload)));
        }
        Ok(())
    }

    /// The next row.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Sorted>> {
        while let Some(Reverse((key, Reverse(modified), run, payload))) = self.heap.pop() {
            self.advance(run).context("rows that were put aside cannot be read again")?;
            if self.last == Some(key) {
                self.duplicates.push(key);
                continue;
            }
            self.last = Some(key);
            return Ok(Some(Sorted { key, modified, payload }));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn sorted(rows: &[(u128, i64)], run: usize) -> (Vec<Sorted>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path());
        for (number, (key, modified)) in rows.iter().enumerate() {
            if run > 0 && number % run == run - 1 {
                sorter.spill().unwrap();
            }
            sorter.push(*key, *modified, &number.to_le_bytes()).unwrap();
        }
        assert_eq!(sorter.rows(), rows.len() as u64);
        let mut merger = sorter.finish().unwrap();
        let mut found = Vec::new();
        while let Some(row) = merger.next().unwrap() {
            found.push(row);
        }
        (found, merger.duplicates.len())
    }

    proptest! {
        #[test]
        fn each_key_comes_once_in_order_with_its_newest_row(
            rows in proptest::collection::vec((0..40_u128, 0..4_i64), 0..200),
            run in 0..20_usize,
        ) {
            let mut expected = BTreeMap::<u128, (i64, usize)>::new();
            for (number, (key, modified)) in rows.iter().enumerate() {
                let best = expected.entry(*key).or_insert((*modified, number));
                if *modified > best.0 {
                    *best = (*modified, number);
                }
            }
            let (found, duplicates) = sorted(&rows, run);
            prop_assert_eq!(found.len() + duplicates, rows.len());
            let expected: Vec<Sorted> = expected.into_iter().map(|(key, (modified, number))| {
                Sorted { key, modified, payload: number.to_le_bytes().to_vec() }
            }).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_named() {
        let mut sorter = Sorter::new(Path::new("/no/such/folder"));
        sorter.push(1, 1, b"").unwrap();
        let failure = format!("{:#}", sorter.spill().unwrap_err());
        assert!(failure.contains("/no/such/folder") && failure.contains("--temp"), "{failure}");
    }
}
