//! Where tiles are drawn, before anybody sees them.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use super::TILES;

/// What the names of such folders begin with: hidden where they lie among files of others.
const PREFIX: &str = ".ichnaea-map-";

/// A folder that is gone when this is dropped. One that was left by a kill is removed by the next run
/// at the same place.
pub struct WorkFolder {
    tiles: PathBuf,
    // In this order: first the folder goes, then its lock.
    folder: TempDir,
    _lock: Option<File>,
}

impl WorkFolder {
    /// Makes one in this folder, so that tiles can be moved to others in there, or where temporary
    /// files are.
    pub fn make(parent: Option<&Path>) -> anyhow::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        let made = match parent {
            Some(parent) => {
                std::fs::create_dir_all(parent).and_then(|()| builder.tempdir_in(parent))
            }
            None => builder.tempdir(),
        };
        let folder = made.context("no folder can be made to draw the tiles in")?;
        let lock = lock(folder.path());
        if let Some(parent) = folder.path().parent() {
            remove_stale(parent, folder.path());
        }
        let tiles = folder.path().join(TILES);
        std::fs::create_dir(&tiles).context("no folder can be made to draw the tiles in")?;
        Ok(Self { tiles, folder, _lock: lock })
    }

    /// All of it.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder for the tiles.
    #[must_use]
    pub fn tiles(&self) -> &Path {
        &self.tiles
    }

    /// Removes it without holding up anybody.
    pub async fn remove(self) {
        // Fails when something is written there still; the next run removes it then.
        let _ = tokio::task::spawn_blocking(move || self.folder.close()).await;
    }
}

/// Locks a folder as long as the file is open; a kill ends that, too.
fn lock(folder: &Path) -> Option<File> {
    let file = File::open(folder).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

/// Removes the folders of runs that are no more: those that nobody has locked.
fn remove_stale(parent: &Path, own: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_one = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && path != own;
        if is_one && lock(&path).is_some() {
            match std::fs::remove_dir_all(&path) {
                Ok(()) => tracing::info!("removed what a run before this one has left"),
                Err(failure) => tracing::debug!(%failure, "a folder of an earlier run stays"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_has_left_is_removed_and_that_of_a_running_one_is_not() {
        let home = tempfile::tempdir().unwrap();
        let dead = home.path().join(".ichnaea-map-dead/tiles/0");
        std::fs::create_dir_all(&dead).unwrap();
        std::fs::write(dead.join("0.png"), "half").unwrap();
        let running = WorkFolder::make(Some(home.path())).unwrap();
        assert!(!dead.exists());
        let other = WorkFolder::make(Some(home.path())).unwrap();
        assert!(running.tiles().is_dir() && other.tiles().is_dir());
        drop((running, other));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
