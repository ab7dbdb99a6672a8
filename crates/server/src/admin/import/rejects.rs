//! The file of rows that could not be used.
//!
//! Each has a line: its number in the file, the reason, and the row as it was, between tabs. What
//! follows the second tab can be put right and imported again.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ichnaea_domain::import::Reason;

/// Where rejected rows go.
pub(super) struct Rejects {
    file: Option<(PathBuf, BufWriter<File>)>,
}

impl Rejects {
    /// A new file, in place of one that is there; nothing at all without a path.
    pub(super) fn create(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None }) };
        let file = File::create(path)
            .with_context(|| format!("cannot write rejected rows to {}", path.display()))?;
        Ok(Self { file: Some((path.to_owned(), BufWriter::new(file))) })
    }

    /// The file that is there, to be continued.
    pub(super) fn append(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None }) };
        let file = File::options()
            .append(true)
            .open(path)
            .with_context(|| format!("cannot write rejected rows to {}", path.display()))?;
        Ok(Self { file: Some((path.to_owned(), BufWriter::new(file))) })
    }

    /// Says which file the rows that follow are from.
    pub(super) fn file(&mut self, name: &str) -> anyhow::Result<()> {
        self.write(|file| writeln!(file, "# {name}"))
    }

    /// Keeps a row.
    pub(super) fn row(&mut self, number: u64, reason: Reason, row: &[u8]) -> anyhow::Result<()> {
        self.write(|file| {
            write!(file, "{number}\t{}\t", reason.name())?;
            file.write_all(row)?;
            file.write_all(b"\n")
        })
    }

    /// Another way to write to the same file, behind what was written so far.
    pub(super) fn writer(&mut self) -> anyhow::Result<Option<Box<dyn Write + Send>>> {
        self.finish()?;
        let Some((_, file)) = &self.file else { return Ok(None) };
        Ok(Some(Box::new(BufWriter::new(file.get_ref().try_clone()?))))
    }

    /// Makes sure that everything was written.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        self.write(BufWriter::flush)
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        write(file).with_context(|| {
            format!("cannot write rejected rows to {}; nothing was imported", path.display())
        })
    }
}
