//! Many objects at once: what is there, and whether it is what it should be.

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _, stream};
use object_store::{Attribute, GetOptions, ObjectMeta, ObjectStore as _, PutOptions, PutPayload};

use super::{Error, Meta, Objects, Result};

/// Under which name an object keeps the MD5 of its content.
const MD5: &str = "md5";

/// One object of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The key, without what stands before all keys of this place.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// What looks like the MD5 of its content. It is none where the bucket encrypts with keys of
    /// its own, so only a digest that is the same says anything.
    pub md5: Option<[u8; 16]>,
}

impl Objects {
    /// All objects whose keys begin with these parts, however many there are: page by page, the wait
    /// for each bounded. After an error nothing follows.
    pub fn walk(
        &self,
        prefix: &str,
    ) -> Result<impl Stream<Item = Result<Listed>> + Send + use<'_>> {
        let pages = self.store.list(Some(&self.path(prefix)?));
        Ok(stream::unfold(Some(pages), move |pages| async move {
            let mut pages = pages?;
            match self.within(self.timeout, "listing", pages.try_next()).await {
                Ok(None) => None,
                Ok(Some(object)) => Some((Ok(self.listed(&object)), Some(pages))),
                Err(failure) => Some((Err(failure.of_the_place()), None)),
            }
        })
        .try_filter_map(|listed| std::future::ready(Ok(listed))))
    }

    fn listed(&self, object: &ObjectMeta) -> Option<Listed> {
        let key = self.key_of(&object.location)?;
        let md5 = object.e_tag.as_deref().and_then(|tag| md5(tag.trim_matches('"')));
        Some(Listed { key, size: object.size, md5 })
    }

    /// Writes an object as [`put`](Self::put) does, and the MD5 of its content beside it.
    pub async fn put_summed(
        &self,
        key: &str,
        body: Bytes,
        meta: &Meta,
        digest: [u8; 16],
    ) -> Result<()> {
        let path = self.path(key)?;
        let mut attributes = self.attributes(meta);
        if !self.is_folder {
            attributes.insert(Attribute::Metadata(MD5.into()), hex(digest).into());
        }
        let options = PutOptions { attributes, ..PutOptions::default() };
        let write = self.store.put_opts(&path, PutPayload::from(body), options);
        self.within(self.timeout, "writing", write).await.map(drop).map_err(Error::of_the_place)
    }

    /// The MD5 that was written beside an object; `None` when there is no such object, or it was
    /// written by somebody else.
    pub async fn digest(&self, key: &str) -> Result<Option<[u8; 16]>> {
        let path = self.path(key)?;
        let head = self.store.get_opts(&path, GetOptions::new().with_head(true));
        match self.within(self.timeout, "looking at an object", head).await {
            Ok(found) => {
                let kept = found.attributes.get(&Attribute::Metadata(MD5.into()));
                Ok(kept.and_then(|text| md5(text.as_ref())))
            }
            Err(Error::NotFound(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether an object is there.
    pub async fn exists(&self, key: &str) -> Result<bool> {
        let path = self.path(key)?;
        let head = self.store.get_opts(&path, GetOptions::new().with_head(true));
        match self.within(self.timeout, "looking at an object", head).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// Reads 32 hexadecimal digits.
fn md5(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

fn hex(digest: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255];
        assert_eq!(hex(digest), "000102030405060708090a0b0c0d0eff");
        assert_eq!(md5(&hex(digest)), Some(digest));
        for tag in
            ["", "d41d8cd98f00b204e9800998ecf8427e-1", "+0000000000000000000000000000001", "0x8D"]
        {
            assert_eq!(md5(tag), None, "{tag}");
        }
    }
}
