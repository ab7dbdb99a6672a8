//! Writing an object from a file, with one part of it in memory.

use std::fs::File;
use std::io::Read as _;
use std::path::Path as FilePath;

use bytes::Bytes;
use object_store::{ObjectStore as _, PutMultipartOptions, PutPayload};

use super::{Error, Meta, Objects, Result};

/// The size of a part, bytes: what even a slow line carries within the time of one request. S3
/// wants 5 MiB at least.
const PART: u64 = 8 << 20;
/// S3 takes 10,000 parts.
const MAX_PARTS: u64 = 10_000;

pub(super) async fn upload(
    objects: &Objects,
    key: &str,
    file: &FilePath,
    meta: &Meta,
) -> Result<()> {
    let mut file = Parts::open(file).await?;
    let first = file.next().await?;
    if file.is_at_end() {
        return objects.put(key, first, meta).await;
    }
    let path = objects.path(key)?;
    let attributes = objects.attributes(meta);
    let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
    let begin = objects.store.put_multipart_opts(&path, options);
    let within = objects.timeout;
    let upload = objects.within(within, "beginning to write", begin).await;
    let mut upload = upload.map_err(Error::of_the_place)?;

    let mut part = first;
    let written = loop {
        let write = upload.put_part(PutPayload::from(part));
        if let Err(failure) = objects.within(within, "writing a part", write).await {
            break Err(failure);
        }
        if file.is_at_end() {
            break objects.within(within, "ending to write", upload.complete()).await;
        }
        match file.next().await {
            Ok(next) => part = next,
            Err(failure) => break Err(failure),
        }
    };
    if let Err(failure) = written {
        // Parts that nobody asks for cost money; when this fails too, the bucket's own rules
        // for uploads that were not ended remove them.
        let _ = objects.within(within, "giving up to write", upload.abort()).await;
        return Err(failure.of_the_place());
    }
    Ok(())
}

/// A file that is read part by part.
struct Parts {
    file: Option<File>,
    name: String,
    left: u64,
    part: u64,
}

impl Parts {
    async fn open(path: &FilePath) -> Result<Self> {
        let (name, path) = (path.display().to_string(), path.to_owned());
        let opened = tokio::task::spawn_blocking(move || {
            let file = File::open(path)?;
            let len = file.metadata()?.len();
            Ok((file, len))
        });
        let opened = opened.await.unwrap_or_else(|failure| Err(std::io::Error::other(failure)));
        let (file, left) = opened.map_err(|failure| unreadable(&name, &failure))?;
        Ok(Self { file: Some(file), name, left, part: PART.max(left.div_ceil(MAX_PARTS)) })
    }

    const fn is_at_end(&self) -> bool {
        self.left == 0
    }

    async fn next(&mut self) -> Result<Bytes> {
        let len = self.part.min(self.left);
        self.left -= len;
        let Some(mut file) = self.file.take() else { return Ok(Bytes::new()) };
        let read = tokio::task::spawn_blocking(move || {
            let mut part = vec![0; usize::try_from(len).map_err(std::io::Error::other)?];
            file.read_exact(&mut part)?;
            Ok((file, part))
        });
        let read = read.await.unwrap_or_else(|failure| Err(std::io::Error::other(failure)));
        let (file, part) = read.map_err(|failure| unreadable(&self.name, &failure))?;
        self.file = Some(file);
        Ok(part.into())
    }
}

fn unreadable(name: &str, failure: &std::io::Error) -> Error {
    Error::Broken(format!("{name} cannot be read: {failure}"))
}
