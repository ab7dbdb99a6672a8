//! Where the file of an open database is, and whether it still is there.
//!
//! SQLite goes on with a file that was deleted, moved or replaced while it is open, and what it then
//! writes is gone with the process. So whoever is about to write looks first.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A file by its path, and by what the path led to when it was opened.
pub(super) struct Place {
    path: PathBuf,
    file: (u64, u64),
}

/// What the path leads to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Now {
    /// The file that was opened.
    Same,
    /// Another file: it is to be opened in place of the old one.
    Other,
}

impl Place {
    /// The place of a file that was just opened.
    pub(super) fn of(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), file: identity(path)? })
    }

    /// Looks. A file that is gone is waited for: it is not for us to begin a new one beside the old.
    pub(super) fn look(&self) -> Result<Now> {
        Ok(if identity(&self.path)? == self.file { Now::Same } else { Now::Other })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn identity(path: &Path) -> Result<(u64, u64)> {
    match std::fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino())),
        Err(error) => Err(Error::Unavailable(format!("the file is not where it was: {error}"))),
    }
}
