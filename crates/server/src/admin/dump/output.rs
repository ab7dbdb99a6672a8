//! Where a dump goes: a file that is there when it is whole, or standard output.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;

/// Where a dump is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// A new file.
    File(PathBuf),
}

impl Output {
    /// Reads an argument; `-` is standard output.
    pub fn of(argument: &Path) -> Self {
        if argument == Path::new("-") { Self::Stdout } else { Self::File(argument.to_owned()) }
    }

    /// Opens it; nothing has its name before it is whole.
    pub fn open(&self) -> anyhow::Result<Opened> {
        match self {
            Self::Stdout => {
                if io::stdout().is_terminal() {
                    bail!("a dump is not text for a terminal: give a file, or a pipe behind -o -");
                }
                Ok(Opened::Stdout)
            }
            Self::File(path) => {
                if path.symlink_metadata().is_ok() {
                    bail!("{} exists already", path.display());
                }
                let folder = match path.parent() {
                    Some(folder) if folder != Path::new("") => folder,
                    _ => Path::new("."),
                };
                // Readable for its owner only.
                let file = tempfile::Builder::new()
                    .prefix(".ichnaea-dump-")
                    .tempfile_in(folder)
                    .with_context(|| format!("cannot write in {}", folder.display()))?;
                Ok(Opened::File { file, path: path.clone() })
            }
        }
    }
}

/// A dump that is being written. Dropped before [`Opened::keep`], there is no file.
#[derive(Debug)]
pub enum Opened {
    /// Standard output.
    Stdout,
    /// A file without its name.
    File {
        /// The file.
        file: NamedTempFile,
        /// Its name, once it is whole.
        path: PathBuf,
    },
}

impl Opened {
    /// What to write to, on whatever thread.
    pub fn target(&self) -> anyhow::Result<Box<dyn Write + Send>> {
        Ok(match self {
            Self::Stdout => Box::new(io::stdout()),
            Self::File { file, .. } => Box::new(file.reopen()?),
        })
    }

    /// The dump is whole: makes sure that it is on the disk and gives it its name.
    pub fn keep(self) -> anyhow::Result<()> {
        let Self::File { file, path } = self else { return Ok(()) };
        let shown = path.display();
        file.as_file().sync_all().with_context(|| format!("cannot write {shown}"))?;
        file.persist_noclobber(&path).with_context(|| format!("cannot make {shown}"))?;
        // The name is there after a power cut, too.
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = std::fs::File::open(folder.unwrap_or_else(|| Path::new(".")));
        folder.and_then(|folder| folder.sync_all()).context("cannot write the folder")
    }
}
