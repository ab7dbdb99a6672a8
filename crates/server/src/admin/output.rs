//! Files that commands write: there as a whole, or not at all.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use crate::cell_export::lines::Compression;

/// Where a command writes to.
pub(crate) enum Output {
    /// Standard output.
    Standard,
    /// A file that has its name once it is complete.
    File {
        /// What is written meanwhile, in the same folder.
        temporary: NamedTempFile,
        /// The name.
        path: PathBuf,
    },
}

impl Output {
    /// Begins a file; `-` is standard output.
    pub(crate) fn begin(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Standard);
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let temporary = tempfile::Builder::new()
            .prefix(".ichnaea-")
            // As for any new file, the mask of the process takes rights away.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        Ok(Self::File { temporary, path: path.to_owned() })
    }

    /// What to write to.
    pub(crate) fn target(&self) -> anyhow::Result<Box<dyn Write + Send>> {
        Ok(match self {
            Self::Standard => Box::new(io::stdout()),
            Self::File { temporary, .. } => Box::new(temporary.reopen()?),
        })
    }

    /// Gives the file its name, in place of one that may be there.
    pub(crate) fn complete(self) -> anyhow::Result<()> {
        if let Self::File { temporary, path } = self {
            temporary.as_file().sync_all()?;
            temporary.persist(&path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Gives the file its name; false when there is one with this name.
    pub(crate) fn complete_new(self) -> anyhow::Result<bool> {
        if let Self::File { temporary, path } = self {
            temporary.as_file().sync_all()?;
            match temporary.persist_noclobber(&path) {
                Err(failure) if failure.error.kind() == io::ErrorKind::AlreadyExists => {
                    return Ok(false);
                }
                persisted => {
                    persisted.with_context(|| format!("cannot write {}", path.display()))?
                }
            };
        }
        Ok(true)
    }
}

/// How a file with this name is compressed.
pub(crate) fn compression(path: &Path, gzip_level: u32) -> Compression {
    match path.extension().and_then(|end| end.to_str()) {
        Some("gz") => Compression::Gzip(gzip_level),
        Some("zst") => Compression::Zstd,
        _ => Compression::None,
    }
}
