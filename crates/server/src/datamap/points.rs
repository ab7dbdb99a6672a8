//! Points in the order of their keys, each once, however many there are.
//!
//! They are sorted in memory, part by part, and each part but the last goes to a file without a name,
//! which is gone with whoever has it open: points must not be left behind. So any number of points takes
//! the memory of one part, and of one piece of each other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ichnaea_tiles::Key;

use crate::file_part::FilePart;

/// Points of a part: 32 MiB in memory, 24 MiB in a file.
pub const PART: usize = 4 << 20;

/// How much of each part is read at a time, bytes. A hundred million cells make 150 parts.
const READ: usize = 32 << 10;

/// Bytes of a point in the file.
const KEY: usize = 6;

/// Gathers points.
pub struct Points {
    folder: PathBuf,
    part: usize,
    keys: Vec<Key>,
    file: Option<BufWriter<File>>,
    /// Where in the file each part ends.
    ends: Vec<u64>,
}

impl Points {
    /// None yet; a file is made in this folder when there are more than so many.
    #[must_use]
    pub fn new(folder: &Path, part: usize) -> Self {
        let (folder, part) = (folder.to_owned(), part.max(1));
        Self { folder, part, keys: Vec::new(), file: None, ends: Vec::new() }
    }

    /// One more. It fails when the file cannot be written.
    pub fn push(&mut self, key: Key) -> io::Result<()> {
        if self.keys.len() >= self.part {
            self.write()?;
        }
        self.keys.push(key);
        Ok(())
    }

    /// Sorts what is left, and reads the first point of each part. It fails when the file cannot be
    /// written to its end or read.
    pub fn sorted(mut self) -> io::Result<Sorted> {
        self.sort();
        let mut parts = vec![Part::Memory(self.keys.into_iter())];
        if let Some(file) = self.file {
            let file = Arc::new(file.into_inner()?);
            let begins = std::iter::once(&0).chain(&self.ends);
            parts.extend(begins.zip(&self.ends).map(|(begin, end)| {
                let part = FilePart::new(Arc::clone(&file), *begin, *end);
                Part::File(BufReader::with_capacity(READ, part))
            }));
        }
        let mut next = BinaryHeap::with_capacity(parts.len());
        for (number, part) in parts.iter_mut().enumerate() {
            next.extend(part.next()?.map(|key| Reverse((key, number))));
        }
        Ok(Sorted { parts, next, last: None })
    }

    fn sort(&mut self) {
        self.keys.sort_unstable();
        self.keys.dedup();
    }

    fn write(&mut self) -> io::Result<()> {
        self.sort();
        let file = match &mut self.file {
            Some(file) => file,
            file => file.insert(BufWriter::new(tempfile::tempfile_in(&self.folder)?)),
        };
        for key in &self.keys {
            file.write_all(&key.to_bytes())?;
        }
        let bytes = (self.keys.len() * KEY) as u64;
        self.ends.push(self.ends.last().map_or(bytes, |end| end + bytes));
        self.keys.clear();
        Ok(())
    }
}

/// A part that is sorted.
enum Part {
    Memory(std::vec::IntoIter<Key>),
    File(BufReader<FilePart>),
}

impl Part {
    fn next(&mut self) -> io::Result<Option<Key>> {
        match self {
            Self::Memory(keys) => Ok(keys.next()),
            Self::File(file) if file.buffer().is_empty() && file.get_ref().is_at_end() => Ok(None),
            Self::File(file) => {
                let mut bytes = [0; KEY];
                file.read_exact(&mut bytes)?;
                Ok(Some(Key::from_bytes(bytes)))
            }
        }
    }
}

/// All points in their order.
pub struct Sorted {
    parts: Vec<Part>,
    /// The next one of each part, and which part that is.
    next: BinaryHeap<Reverse<(Key, usize)>>,
    last: Option<Key>,
}

impl Sorted {
    fn take(&mut self) -> io::Result<Option<Key>> {
        while let Some(mut first) = self.next.peek_mut() {
            let Reverse((key, number)) = *first;
            let following = match self.parts.get_mut(number) {
                Some(part) => part.next()?,
                None => None,
            };
            match following {
                Some(key) => *first = Reverse((key, number)),
                None => drop(PeekMut::pop(first)),
            }
            if self.last.replace(key) != Some(key) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }
}

impl Iterator for Sorted {
    type Item = io::Result<Key>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take().transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn points_come_in_order_and_once_whatever_the_size_of_parts(
            // Few enough that some come twice, in the same part and in others.
            points in proptest::collection::vec(0..150_u8, 0..400),
            part in 1..100_usize,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let keys = points.iter().map(|point| Key::at(1.0, f64::from(*point)).unwrap());
            let expected: BTreeSet<Key> = keys.clone().collect();
            let mut points = Points::new(folder.path(), part);
            for key in keys {
                points.push(key).unwrap();
            }
            let found: Vec<Key> = points.sorted().unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(found, Vec::from_iter(expected));
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let mut points = Points::new(Path::new("/nowhere/at/all"), 1);
        points.push(Key::at(1.0, 1.0).unwrap()).unwrap();
        assert!(points.push(Key::at(2.0, 1.0).unwrap()).is_err());
    }
}
