//! Points in the order of their keys, each once, however many there are.
//!
//! They are sorted in memory, part by part, and each part but the last of many goes to a file without a
//! name, which is gone with whoever has it open: points must not be left behind. So any number of points
//! takes the memory of one part.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use ichnaea_tiles::Key;

/// Points of a part: 32 MiB in memory, 24 MiB in a file.
pub const PART: usize = 4 << 20;

/// How much of each part is read at a time, bytes. A billion cells make 1500 parts.
const READ: usize = 32 << 10;

/// Gathers points.
pub struct Points {
    folder: PathBuf,
    part: usize,
    keys: Vec<Key>,
    files: Vec<Part>,
}

impl Points {
    /// None yet; files are made in this folder when there are more than so many.
    #[must_use]
    pub fn new(folder: &Path, part: usize) -> Self {
        Self { folder: folder.to_owned(), part: part.max(1), keys: Vec::new(), files: Vec::new() }
    }

    /// One more. It fails when no file can be written.
    pub fn push(&mut self, key: Key) -> io::Result<()> {
        if self.keys.len() >= self.part {
            self.write()?;
        }
        self.keys.push(key);
        Ok(())
    }

    /// What is left is sorted.
    #[must_use]
    pub fn sorted(mut self) -> Sorted {
        self.sort();
        let mut parts = self.files;
        parts.push(Part::Memory(self.keys.into_iter()));
        Sorted { parts, next: BinaryHeap::new(), last: None }
    }

    fn sort(&mut self) {
        self.keys.sort_unstable();
        self.keys.dedup();
    }

    fn write(&mut self) -> io::Result<()> {
        self.sort();
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        for key in &self.keys {
            file.write_all(&key.to_bytes())?;
        }
        let mut file = file.into_inner()?;
        file.rewind()?;
        let keys = self.keys.len();
        self.files.push(Part::File { file: BufReader::with_capacity(READ, file), keys });
        self.keys.clear();
        Ok(())
    }
}

/// A part that is sorted.
enum Part {
    Memory(std::vec::IntoIter<Key>),
    File { file: BufReader<File>, keys: usize },
}

impl Part {
    fn next(&mut self) -> io::Result<Option<Key>> {
        match self {
            Self::Memory(keys) => Ok(keys.next()),
            Self::File { keys: 0, .. } => Ok(None),
            Self::File { file, keys } => {
                let mut bytes = [0; 6];
                file.read_exact(&mut bytes)?;
                *keys -= 1;
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
    /// Reads the first point of each part, before the first one is asked for.
    pub fn open(&mut self) -> io::Result<()> {
        self.next.reserve(self.parts.len());
        for (number, part) in self.parts.iter_mut().enumerate() {
            if let Some(key) = part.next()? {
                self.next.push(Reverse((key, number)));
            }
        }
        Ok(())
    }

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
            let mut sorted = points.sorted();
            sorted.open().unwrap();
            let found: Vec<Key> = sorted.map(Result::unwrap).collect();
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
