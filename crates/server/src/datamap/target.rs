//! What tiles are put into: a bucket, or a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use ichnaea_tiles::sync::{Comparison, Digest};
use md5::{Digest as _, Md5};

use super::folder::Folder;
use super::{STATUS, TILES};
use crate::objects::{Meta, ObjectSettings, Objects, Place};

const TILE: Meta = Meta {
    content_type: Some("image/png"),
    content_encoding: None,
    cache_control: Some("max-age=3600, public"),
};
const DATE: Meta = Meta { content_type: Some("application/json"), ..TILE };

/// A bucket or a folder; their tiles are below `tiles/`.
#[derive(Clone)]
pub enum Target {
    /// A bucket.
    Bucket(Objects),
    /// A folder of this machine.
    Folder(Arc<Folder>),
}

/// Tiles that were drawn.
#[derive(Clone, Debug)]
pub struct Source {
    /// The folder they are in.
    pub tiles: PathBuf,
    /// Whether they may be moved out of it.
    pub is_ours: bool,
}

impl Target {
    /// Opens the place with this address.
    pub fn open(uri: &str, settings: &ObjectSettings) -> anyhow::Result<Self> {
        match Place::parse(uri).map_err(anyhow::Error::msg)? {
            Place::Folder(folder) => Self::folder(&folder),
            Place::Bucket { .. } => Ok(Self::Bucket(Objects::open(uri, settings)?)),
        }
    }

    /// Opens a folder.
    pub fn folder(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self::Folder(Arc::new(Folder::open(folder)?)))
    }

    /// Tells everything that is there; an error says nothing about what is not.
    pub(super) async fn list(&self, mut comparison: Comparison) -> anyhow::Result<Comparison> {
        match self {
            Self::Bucket(objects) => {
                let mut walk = std::pin::pin!(objects.walk(TILES)?);
                while let Some(listed) = walk.try_next().await? {
                    if let Some(name) = listed.key.strip_prefix("tiles/") {
                        comparison.found(name, listed.size, listed.md5);
                    }
                }
                Ok(comparison)
            }
            Self::Folder(folder) => {
                let folder = Arc::clone(folder);
                blocking(move || folder.list(&mut comparison).map(|()| comparison)).await
            }
        }
    }

    /// Whether what is there is the tile; `listed` is the digest that came with the list.
    pub(super) async fn holds(
        &self,
        name: &str,
        listed: Option<Digest>,
        source: &Source,
    ) -> anyhow::Result<bool> {
        let file = source.tiles.join(name);
        match self {
            Self::Bucket(objects) => {
                let digest = digest(&read(&file).await?);
                // The ETag of an encrypted object looks like one and is none; what was written
                // beside it is.
                Ok(listed == Some(digest) || objects.digest(&key(name)).await? == Some(digest))
            }
            Self::Folder(folder) => {
                let (folder, name) = (Arc::clone(folder), name.to_owned());
                blocking(move || folder.holds(&name, &file)).await
            }
        }
    }

    /// Puts a tile in place.
    pub(super) async fn put(&self, name: &str, source: &Source) -> anyhow::Result<()> {
        let file = source.tiles.join(name);
        match self {
            Self::Bucket(objects) => {
                let body = read(&file).await?;
                let digest = digest(&body);
                Ok(objects.put_summed(&key(name), body, &TILE, digest).await?)
            }
            Self::Folder(folder) => {
                let (folder, name, is_ours) = (Arc::clone(folder), name.to_owned(), source.is_ours);
                blocking(move || folder.put(&name, &file, is_ours)).await
            }
        }
    }

    /// Removes a tile; one that is not there is no error.
    pub(super) async fn delete(&self, name: &str) -> anyhow::Result<()> {
        match self {
            Self::Bucket(objects) => Ok(objects.delete(&key(name)).await?),
            Self::Folder(folder) => {
                let (folder, name) = (Arc::clone(folder), name.to_owned());
                blocking(move || folder.delete(&name)).await
            }
        }
    }

    /// Says beside the tiles how old they are.
    pub(super) async fn put_status(&self, json: String) -> anyhow::Result<()> {
        match self {
            Self::Bucket(objects) => Ok(objects.put(&key(STATUS), json.into(), &DATE).await?),
            Self::Folder(folder) => {
                let folder = Arc::clone(folder);
                blocking(move || folder.put_bytes(STATUS, json.as_bytes())).await
            }
        }
    }
}

fn key(name: &str) -> String {
    format!("{TILES}/{name}")
}

async fn read(file: &Path) -> anyhow::Result<Bytes> {
    let read = tokio::fs::read(file).await;
    Ok(read.with_context(|| format!("{} cannot be read", file.display()))?.into())
}

fn digest(bytes: &[u8]) -> Digest {
    Md5::digest(bytes).into()
}

/// Does something with files where nobody else waits for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    Ok(tokio::task::spawn_blocking(work).await.context("work on files was given up")??)
}
