//! Addresses of buckets and folders.

use std::path::PathBuf;

/// Where objects are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A bucket.
    Bucket {
        /// Whose.
        service: Service,
        /// Its name; for Azure that of the container.
        bucket: String,
        /// What stands before every key; may be empty.
        prefix: String,
    },
    /// A folder of this machine.
    Folder(PathBuf),
}

/// Who keeps a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3, or a server that speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl Service {
    const ALL: [(Self, &'static str); 3] =
        [(Self::S3, "s3"), (Self::Google, "gs"), (Self::Azure, "az")];

    /// The scheme of its addresses.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        Self::ALL.into_iter().find(|(known, _)| *known == self).map_or("", |(_, scheme)| scheme)
    }
}

impl Place {
    /// Reads an address; the error says what is allowed.
    pub fn parse(uri: &str) -> Result<Self, String> {
        let allowed = "allowed are s3://BUCKET, gs://BUCKET, az://CONTAINER, each with /PREFIX or \
            without, and file:///FOLDER";
        let Some((scheme, rest)) = uri.split_once("://") else {
            if uri.is_empty() {
                return Err(format!("an empty address; {allowed}"));
            }
            let folder = std::path::absolute(uri).map_err(|error| format!("{uri}: {error}"))?;
            return Ok(Self::Folder(folder));
        };
        if scheme == "file" {
            // `file://host/…` would be a folder of another machine.
            return match rest.strip_prefix('/') {
                Some(_) => Ok(Self::Folder(PathBuf::from(rest))),
                None => Err(format!("{uri}: a folder needs three slashes: file:///FOLDER")),
            };
        }
        let known = Service::ALL.into_iter().find(|(_, known)| *known == scheme);
        let Some((service, _)) = known else { return Err(format!("{scheme}://…: {allowed}")) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if bucket.is_empty() || !bucket.bytes().all(is_plain) {
            return Err(format!("'{bucket}' is no name of a bucket; {allowed}"));
        }
        let prefix = prefix.trim_matches('/').to_owned();
        Ok(Self::Bucket { service, bucket: bucket.to_owned(), prefix })
    }
}

/// The address of what an operator gave as a bucket: a plain name is one of S3, as the original
/// has it, with or without slashes around it.
pub fn without_scheme(text: &str) -> Result<String, String> {
    if text.contains("://") || text.starts_with('.') {
        return Place::parse(text).map(|_| text.to_owned());
    }
    let name = text.trim_matches('/');
    if name.contains('/') {
        return Err(format!("'{text}' may be a folder, file://{text}, or a bucket, s3://{name}"));
    }
    let uri = format!("s3://{name}");
    Place::parse(&uri).map(|_| uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(service: Service, bucket: &str, prefix: &str) -> Place {
        Place::Bucket { service, bucket: bucket.into(), prefix: prefix.into() }
    }

    #[test]
    fn the_scheme_says_who_keeps_the_objects() {
        for (uri, place) in [
            ("s3://tiles", bucket(Service::S3, "tiles", "")),
            ("s3://my.tiles_1/a/b/", bucket(Service::S3, "my.tiles_1", "a/b")),
            ("gs://tiles/", bucket(Service::Google, "tiles", "")),
            ("az://tiles/a", bucket(Service::Azure, "tiles", "a")),
            ("file:///srv/public files/", Place::Folder("/srv/public files/".into())),
            ("/srv/public", Place::Folder("/srv/public".into())),
        ] {
            assert_eq!(Place::parse(uri), Ok(place), "{uri}");
        }
    }

    #[test]
    fn what_is_no_address_says_what_is() {
        for uri in ["", "s3://", "s3:///a", "s3://a b", "s3://user@host/x", "ftp://a", "file://a/b"]
        {
            assert!(Place::parse(uri).unwrap_err().contains("file:///"), "{uri}");
        }
    }

    #[test]
    fn a_plain_name_is_a_bucket_of_s3() {
        for (text, uri) in [
            ("tiles", "s3://tiles"),
            ("/tiles/", "s3://tiles"),
            ("gs://tiles/a", "gs://tiles/a"),
            ("file:///srv/public", "file:///srv/public"),
            ("./public", "./public"),
        ] {
            assert_eq!(without_scheme(text).as_deref(), Ok(uri), "{text}");
        }
        assert!(without_scheme("/srv/public").unwrap_err().contains("file:///srv/public"));
        for text in ["a b", "ftp://x", "/"] {
            assert!(without_scheme(text).is_err(), "{text}");
        }
    }
}
