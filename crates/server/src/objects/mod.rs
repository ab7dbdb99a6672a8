//! Buckets and folders by their address: public files, backups of observations.
//!
//! One way to write, read and list for S3 and the many servers that speak its protocol, for Google
//! Cloud Storage, for Azure and for a folder of this machine. Every call ends: one that is not
//! answered in time is [`Error::Unavailable`]. What has been written is there as a whole or not at
//! all, also when the process or the machine dies in between.

mod error;
mod open;
mod place;
mod settings;
mod transport;
mod upload;
mod walk;

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ObjectStore, ObjectStoreExt as _, PutOptions, PutPayload,
};

pub use error::{Error, Refusal, Why};
pub use place::{Place, without_scheme};
pub use settings::{Aws, Azure, Google, ObjectSettings};
pub use walk::Listed;

use transport::Heard;

/// The answer of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// The largest object that [`Objects::get`] reads into memory, bytes.
const MAX_IN_MEMORY: u64 = 64 << 20;
/// The most objects that are listed.
const MAX_LISTED: usize = 100_000;
/// The longest a list may take; somebody may be waiting for it.
const LIST_TIMEOUT: Duration = Duration::from_secs(20);

/// A bucket or a folder, or a part of one.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// What stands before every key.
    prefix: Path,
    /// How it is called in messages; without secrets.
    name: Arc<str>,
    /// What an operator has to look at when it refuses.
    advice: &'static str,
    /// A folder keeps no content types.
    is_folder: bool,
    timeout: Duration,
}

/// What is kept beside the bytes of an object. A folder keeps none of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The media type.
    pub content_type: Option<&'static str>,
    /// `gzip` when the bytes are to be unpacked by whoever fetches them.
    pub content_encoding: Option<&'static str>,
    /// How long caches may keep it.
    pub cache_control: Option<&'static str>,
}

/// One object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The key, without what stands before all keys of this place.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When it was written.
    pub modified: DateTime<Utc>,
}

impl Objects {
    /// Opens a bucket or folder: `s3://BUCKET[/PREFIX]`, `gs://…`, `az://…`, `file:///DIR` or the
    /// path of a folder. Nothing is asked of it yet, so this succeeds while it is away; an error is
    /// about the address or the settings.
    pub fn open(uri: &str, settings: &ObjectSettings) -> Result<Self> {
        let place = Place::parse(uri).map_err(Error::Broken)?;
        open::open(&place, settings)
    }

    /// How it is called in messages: without secrets.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a folder of this machine.
    #[must_use]
    pub const fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// Writes an object, in place of one that may be there.
    pub async fn put(&self, key: &str, body: Bytes, meta: &Meta) -> Result<()> {
        let path = self.path(key)?;
        let options = PutOptions { attributes: self.attributes(meta), ..PutOptions::default() };
        let write = self.store.put_opts(&path, PutPayload::from(body), options);
        self.within(self.timeout, "writing", write).await.map(drop).map_err(Error::of_the_place)
    }

    /// Writes an object from a file of any size, part by part.
    pub async fn put_file(&self, key: &str, file: &FilePath, meta: &Meta) -> Result<()> {
        upload::upload(self, key, file, meta).await
    }

    /// The objects whose keys begin with these parts (whole names between slashes), by key. None
    /// when the folder does not exist (yet), or the bucket is empty.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let path = self.path(prefix)?;
        let found = self.store.list(Some(&path)).try_fold(Vec::new(), |mut found, object| {
            let is_room = found.len() < MAX_LISTED;
            found.extend(is_room.then_some(object));
            std::future::ready(Ok(found))
        });
        let found = self.within(LIST_TIMEOUT.min(self.timeout), "listing", found).await;
        let found = found.map_err(Error::of_the_place)?;
        if found.len() >= MAX_LISTED {
            let name = &self.name;
            return Err(Error::Broken(format!("{name}: more than {MAX_LISTED} objects")));
        }
        let mut found: Vec<Object> = found
            .into_iter()
            .filter_map(|object| {
                let key = self.key_of(&object.location)?;
                Some(Object { key, size: object.size, modified: object.last_modified })
            })
            .collect();
        found.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(found)
    }

    /// The bytes of an object that fits into memory.
    pub async fn get(&self, key: &str) -> Result<Bytes> {
        let path = self.path(key)?;
        let read = async {
            let found = self.store.get(&path).await?;
            if found.meta.size > MAX_IN_MEMORY { Ok(None) } else { found.bytes().await.map(Some) }
        };
        let bytes = self.within(self.timeout, "reading", read).await?;
        bytes.ok_or_else(|| {
            Error::Broken(format!("{}: {key} has more than {MAX_IN_MEMORY} bytes", self.name))
        })
    }

    /// The size of an object and its bytes, piece by piece. The wait for each piece is bounded.
    pub async fn get_stream(
        &self,
        key: &str,
    ) -> Result<(u64, impl Stream<Item = Result<Bytes>> + Send + use<>)> {
        let path = self.path(key)?;
        let found = self.within(self.timeout, "reading", self.store.get(&path)).await?;
        let size = found.meta.size;
        let place = self.clone();
        let pieces = found.into_stream();
        Ok((size, pieces.map_err(move |failure| place.failed("reading", &failure, Heard::Nothing))))
    }

    /// Removes an object; one that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let path = self.path(key)?;
        match self.within(self.timeout, "deleting", self.store.delete(&path)).await {
            Err(Error::NotFound(_)) => Ok(()),
            outcome => outcome,
        }
    }

    /// The full key.
    fn path(&self, key: &str) -> Result<Path> {
        let broken = |why| Error::Broken(format!("{}: no key of an object: {why}", self.name));
        let key = Path::parse(key).map_err(|failure| broken(failure.to_string()))?;
        Ok(key.parts().fold(self.prefix.clone(), |path, part| {
            // Through the parts, which are not encoded anew.
            path.parts().chain(std::iter::once(part)).collect()
        }))
    }

    /// The key in a full key; `None` where that is of another place.
    fn key_of(&self, path: &Path) -> Option<String> {
        let mut parts = path.prefix_match(&self.prefix)?;
        let first = parts.next()?.as_ref().to_owned();
        Some(parts.fold(first, |key, part| key + "/" + part.as_ref()))
    }

    fn attributes(&self, meta: &Meta) -> Attributes {
        if self.is_folder {
            return Attributes::new();
        }
        let all = [
            (Attribute::ContentType, meta.content_type),
            (Attribute::ContentEncoding, meta.content_encoding),
            (Attribute::CacheControl, meta.cache_control),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Waits for a call, `timeout` at most.
    async fn within<T>(
        &self,
        timeout: Duration,
        doing: &'static str,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T> {
        let (outcome, heard) = transport::listening(tokio::time::timeout(timeout, call)).await;
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(failure)) => Err(self.failed(doing, &failure, heard)),
            Err(_) => Err(Error::Unavailable(format!(
                "{}: no answer within {} s while {doing}",
                self.name,
                timeout.as_secs()
            ))),
        }
    }

    fn failed(&self, doing: &str, failure: &object_store::Error, heard: Heard) -> Error {
        error::classify(&self.name, self.advice, doing, failure, heard)
    }
}
