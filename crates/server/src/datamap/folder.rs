//! A folder that tiles are put into while others read it.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use ichnaea_tiles::sync::Comparison;

use super::TILES;

/// The end of the name of a file that is being written.
const PART: &str = ".part";

/// The folder `tiles` of another one. Nobody else puts anything there meanwhile.
pub struct Folder {
    tiles: PathBuf,
    /// Locked until it is closed, also by a kill.
    _lock: File,
}

impl Folder {
    /// Opens the folder with the folder `tiles`, or makes it. Fails while another run holds it.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let tiles = folder.join(TILES);
        let failed = || format!("{} cannot be written", tiles.display());
        std::fs::create_dir_all(&tiles).with_context(failed)?;
        let lock = File::open(&tiles).with_context(failed)?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                bail!("another run is putting tiles into {}", tiles.display())
            }
            // Where folders cannot be locked, nobody is kept from the mistake of running twice.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        Ok(Self { tiles, _lock: lock })
    }

    /// Tells all tiles that are there, and removes what a killed run has left half written.
    pub(super) fn list(&self, comparison: &mut Comparison) -> Result<()> {
        each_file(&self.tiles, &mut |name, path| {
            let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if file.starts_with('.') && file.ends_with(PART) {
                return std::fs::remove_file(path);
            }
            comparison.found(name, path.symlink_metadata()?.len(), None);
            Ok(())
        })
    }

    /// Whether a file has the content of a tile.
    pub(super) fn holds(&self, name: &str, tile: &Path) -> Result<bool> {
        Ok(std::fs::read(self.tiles.join(name))? == std::fs::read(tile)?)
    }

    /// Puts a file in place. `is_ours`: it may be moved, since nobody else needs it.
    pub(super) fn put(&self, name: &str, file: &Path, is_ours: bool) -> Result<()> {
        let place = self.tiles.join(name);
        make_parent(&place)?;
        if is_ours {
            match std::fs::rename(file, &place) {
                Err(failure) if failure.kind() == ErrorKind::CrossesDevices => {}
                moved => return moved,
            }
        }
        write(&place, &std::fs::read(file)?)
    }

    /// The same for bytes, as a whole or not at all.
    pub(super) fn put_bytes(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write(&self.tiles.join(name), bytes)
    }

    /// Removes a file, and the folders that are empty then. One that is not there is no error.
    pub(super) fn delete(&self, name: &str) -> Result<()> {
        let place = self.tiles.join(name);
        match std::fs::remove_file(&place) {
            Err(failure) if failure.kind() == ErrorKind::NotFound => {}
            removed => removed?,
        }
        for folder in place.ancestors().skip(1).take_while(|folder| **folder != self.tiles) {
            // Fails for those that are not empty.
            if std::fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Writes a file as a whole, or not at all.
fn write(place: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(place.file_name().unwrap_or_default());
    name.push(PART);
    let part = place.with_file_name(name);
    std::fs::write(&part, bytes)?;
    std::fs::rename(&part, place)
}

fn make_parent(place: &Path) -> Result<()> {
    place.parent().map_or(Ok(()), std::fs::create_dir_all)
}

/// All tiles below a folder with their names and sizes in bytes.
pub(super) fn tiles_in(folder: &Path) -> Result<Vec<(Box<str>, u64)>> {
    let mut tiles = Vec::new();
    each_file(folder, &mut |name, path| {
        if path.extension().is_some_and(|end| end == "png") {
            tiles.push((name.into(), path.symlink_metadata()?.len()));
        }
        Ok(())
    })?;
    Ok(tiles)
}

/// Every file below a folder, with its name there. Links are not followed; a name that is no text
/// is none of ours.
fn each_file(folder: &Path, tell: &mut impl FnMut(&str, &Path) -> Result<()>) -> Result<()> {
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, before)) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = format!("{before}{name}");
            if kind.is_dir() {
                folders.push((entry.path(), name + "/"));
            } else if kind.is_file() {
                tell(&name, &entry.path())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_writer_and_whole_files_only() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path()).unwrap();
        assert!(Folder::open(home.path()).is_err());
        let tile = home.path().join("tile");
        std::fs::write(&tile, "tile").unwrap();
        folder.put("3/4/5.png", &tile, false).unwrap();
        folder.put("3/4/6.png", &tile, true).unwrap();
        assert!(!tile.exists(), "moved");
        std::fs::write(home.path().join("tiles/3/4/.7.png.part"), "half").unwrap();
        std::fs::write(home.path().join("tiles/notes.txt"), "mine").unwrap();
        let mut comparison = Comparison::new(Vec::new());
        folder.list(&mut comparison).unwrap();
        let orphans = comparison.plan().deleted;
        assert_eq!(
            orphans.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            ["3/4/5.png", "3/4/6.png"]
        );
        for name in orphans {
            folder.delete(&name).unwrap();
            folder.delete(&name).unwrap();
        }
        let left: Vec<_> = std::fs::read_dir(home.path().join("tiles")).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        drop(folder);
        Folder::open(home.path()).unwrap();
    }

    #[test]
    fn the_same_content_is_the_same_tile() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path()).unwrap();
        let (one, other) = (home.path().join("one"), home.path().join("other"));
        std::fs::write(&one, "aa").unwrap();
        std::fs::write(&other, "ab").unwrap();
        folder.put("0/0/0.png", &one, false).unwrap();
        assert!(folder.holds("0/0/0.png", &one).unwrap());
        assert!(!folder.holds("0/0/0.png", &other).unwrap());
        assert_eq!(tiles_in(&home.path().join("tiles")).unwrap(), [("0/0/0.png".into(), 2)]);
    }
}
