//! What went wrong with a bucket or folder, by what the caller can do.

use std::error::Error as StdError;
use std::io::ErrorKind;

use object_store::client::HttpError;

use super::transport::Heard;

/// Why a call failed. Each is one line that names the place, and never a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not answer, or not now. Trying again later may help. Whether something was written
    /// is not known.
    #[error("{0}")]
    Unavailable(String),
    /// It does not let us: a wrong account, missing rights, no such bucket. Trying again helps when
    /// somebody has put that right.
    #[error("{0}")]
    Refused(Refusal),
    /// There is no such object.
    #[error("{0}")]
    NotFound(String),
    /// What was asked for cannot be: a wrong address, a key that cannot be one.
    #[error("{0}")]
    Broken(String),
}

/// What it says, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What an operator has to put right.
    pub why: Why,
    line: String,
}

/// Why a place lets us do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The account is wrong, or may not do this.
    Forbidden,
    /// There is no such bucket.
    NoPlace,
    /// No account was given and the machine has none.
    NoAccount,
    /// The line says it.
    Other,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line)
    }
}

fn refused(why: Why, line: String) -> Error {
    Error::Refused(Refusal { why, line })
}

impl Error {
    /// The same for a call that is not about one object: what is missing is the place.
    pub(super) fn of_the_place(self) -> Self {
        match self {
            Self::NotFound(line) => refused(Why::NoPlace, line),
            other => other,
        }
    }
}

/// What a failure means.
pub(super) fn classify(
    name: &str,
    advice: &str,
    doing: &str,
    failure: &object_store::Error,
    heard: Heard,
) -> Error {
    match heard {
        Heard::NoAccount => {
            let line = format!("{name}: no account to use while {doing}; look at {advice}");
            refused(Why::NoAccount, line)
        }
        Heard::Answer { status, code } => answered(name, advice, doing, status, code.as_deref()),
        Heard::Nothing => unanswered(name, advice, doing, failure),
    }
}

/// What the answer of a server means.
fn answered(name: &str, advice: &str, doing: &str, status: u16, code: Option<&str>) -> Error {
    let answer = code.map_or_else(|| status.to_string(), |code| format!("{status} {code}"));
    let is_place = matches!(code, Some("NoSuchBucket" | "ContainerNotFound" | "NoSuchUpload"));
    match status {
        404 if is_place => refused(
            Why::NoPlace,
            format!(
                "{name}: no such bucket ({answer}) while {doing}; look at its name and {advice}"
            ),
        ),
        404 => Error::NotFound(format!("{name}: not found ({answer}) while {doing}")),
        408 | 429 | 500.. => {
            Error::Unavailable(format!("{name}: not available now ({answer}) while {doing}"))
        }
        401 | 403 => refused(
            Why::Forbidden,
            format!("{name}: access denied ({answer}) while {doing}; look at {advice}"),
        ),
        300..=399 => refused(
            Why::Other,
            format!(
                "{name}: kept elsewhere ({answer}) while {doing}; look at the region and {advice}"
            ),
        ),
        _ => refused(
            Why::Other,
            format!("{name}: refused ({answer}) while {doing}; look at {advice}"),
        ),
    }
}

/// What it means that there was no answer, or that no server was asked.
fn unanswered(name: &str, advice: &str, doing: &str, failure: &object_store::Error) -> Error {
    if let Some(http) = find::<HttpError>(failure) {
        let why = innermost(http);
        return Error::Unavailable(format!("{name}: no answer while {doing}: {why}"));
    }
    if let Some(io) = find::<std::io::Error>(failure) {
        let line = format!("{name}: {doing} failed: {io}");
        return match io.kind() {
            ErrorKind::NotFound => Error::NotFound(line),
            ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory => refused(Why::Other, format!("{line}; look at {advice}")),
            ErrorKind::InvalidFilename => Error::Broken(line),
            _ => Error::Unavailable(line),
        };
    }
    match failure {
        object_store::Error::NotFound { .. } => {
            Error::NotFound(format!("{name}: not found while {doing}"))
        }
        _ => Error::Broken(format!("{name}: {doing} failed; look at {advice}")),
    }
}

/// The first cause of this type.
fn find<'a, T: StdError + 'static>(failure: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut cause = Some(failure);
    while let Some(failure) = cause {
        if let Some(found) = failure.downcast_ref() {
            return Some(found);
        }
        cause = failure.source();
    }
    None
}

/// The text of the last cause: the others repeat where it happened.
fn innermost(failure: &(dyn StdError + 'static)) -> String {
    let mut last = failure;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "s3://tiles";
    const ADVICE: &str = "AWS_ACCESS_KEY_ID";

    #[test]
    fn an_answer_is_told_apart_by_what_can_be_done() {
        let of = |status, code| answered(NAME, ADVICE, "writing", status, code);
        for (status, code) in [(500, None), (503, Some("SlowDown")), (429, None), (408, None)] {
            assert!(matches!(of(status, code), Error::Unavailable(_)), "{status}");
        }
        for (status, code) in [
            (301, Some("PermanentRedirect")),
            (400, Some("ExpiredToken")),
            (401, None),
            (403, Some("AccessDenied")),
            (404, Some("NoSuchBucket")),
            (404, Some("ContainerNotFound")),
        ] {
            assert!(matches!(of(status, code), Error::Refused(_)), "{status}");
        }
        assert!(matches!(of(404, Some("NoSuchKey")), Error::NotFound(_)));
        assert!(matches!(of(404, None), Error::NotFound(_)));
        assert!(matches!(of(404, None).of_the_place(), Error::Refused(_)));
    }

    #[test]
    fn a_line_names_the_place_the_answer_and_what_to_look_at() {
        let line = answered(NAME, ADVICE, "writing", 403, Some("InvalidAccessKeyId")).to_string();
        assert_eq!(
            line,
            "s3://tiles: access denied (403 InvalidAccessKeyId) while writing; look at \
             AWS_ACCESS_KEY_ID"
        );
    }

    #[test]
    fn what_a_folder_says_is_told_apart_too() {
        let of = |kind: ErrorKind| {
            let source = Box::new(std::io::Error::from(kind));
            let failure = object_store::Error::Generic { store: "LocalFileSystem", source };
            unanswered("/srv", "its rights", "writing", &failure)
        };
        assert!(matches!(of(ErrorKind::StorageFull), Error::Unavailable(_)));
        assert!(matches!(of(ErrorKind::PermissionDenied), Error::Refused(_)));
        assert!(matches!(of(ErrorKind::NotFound), Error::NotFound(_)));
        assert!(matches!(of(ErrorKind::InvalidFilename), Error::Broken(_)));
    }
}
