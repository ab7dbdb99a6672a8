//! The secret of installations that have none of their own to set.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::config::Config;

/// Puts the kept secret in the place of the default, where Redis is a file of this machine: who
/// starts from nothing need not think of one. It is made once, in a file beside that file.
pub fn settle(config: Config) -> anyhow::Result<Config> {
    match config.kept_secret() {
        None => Ok(config),
        Some(path) => Ok(Config { secret_key: kept(&path)?, ..config }),
    }
}

/// Reads the secret, or makes it.
fn kept(path: &Path) -> anyhow::Result<String> {
    let failed = || format!("the secret in {} cannot be read or made", path.display());
    match read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path).with_context(failed)?;
            // Another process may have been first.
            read(path).with_context(failed)
        }
        secret => secret.with_context(failed),
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let secret = std::fs::read_to_string(path)?.trim().to_owned();
    if secret.is_empty() { Err(ErrorKind::InvalidData.into()) } else { Ok(secret) }
}

/// Puts a complete file in place; one that is there already stays.
fn make(path: &Path) -> std::io::Result<()> {
    let secret = uuid::Uuid::new_v4().simple().to_string();
    let draft = PathBuf::from(format!("{}.{secret}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(file, "{secret}{}", uuid::Uuid::new_v4().simple())?;
    file.sync_all()?;
    let placed = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match placed {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret_key");
        let all: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| kept(&path).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all[0].len(), 64);
        assert!(all.iter().all(|secret| *secret == all[0]));
        assert_eq!(kept(&path).unwrap(), all[0]);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn an_empty_file_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret_key");
        std::fs::write(&path, "\n").unwrap();
        assert!(kept(&path).is_err());
    }
}
