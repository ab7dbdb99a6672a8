//! Whether tiles can be put into a bucket, before hours are spent on drawing them.

use bytes::Bytes;

use crate::objects::{Error, Meta, Objects, Place, Result, Why};

/// Writes an object, sees that it is there, and removes it again. The error is the reason, for people.
pub async fn can_be_written(objects: &Objects) -> std::result::Result<(), String> {
    match write(objects).await {
        Ok(true) => Ok(()),
        Ok(false) => Err("what was written is not kept".to_owned()),
        Err(Error::Refused(refusal)) => Err(match refusal.why {
            Why::Forbidden => "Access forbidden".to_owned(),
            Why::NoPlace => "Bucket does not exist".to_owned(),
            Why::NoAccount => "no credentials were given and this machine has none".to_owned(),
            Why::Other => refusal.to_string(),
        }),
        Err(failure) => Err(failure.to_string()),
    }
}

/// Whether an object was there after it was written, and not after it was removed.
async fn write(objects: &Objects) -> Result<bool> {
    let key = format!("test-{}", uuid::Uuid::new_v4());
    objects.put(&key, Bytes::from_static(b"write test"), &Meta::default()).await?;
    let was_there = objects.exists(&key).await;
    objects.delete(&key).await?;
    Ok(was_there? && !objects.exists(&key).await?)
}

/// How a bucket is called: its name, or the path of a folder.
#[must_use]
pub fn name(uri: &str) -> String {
    match Place::parse(uri) {
        Ok(Place::Bucket { bucket, .. }) => bucket,
        Ok(Place::Folder(folder)) => folder.display().to_string(),
        Err(_) => uri.to_owned(),
    }
}
