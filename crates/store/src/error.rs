//! What can go wrong with the database, by what the caller can do about it.

use std::fmt;

/// The result of every call on the store.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call on the store failed. No variant ever carries a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another transaction held the rows each time; the same call may succeed later.
    #[error("database busy: {0}")]
    Busy(Conflicts),
    /// The server or file cannot be reached, or did not answer in time.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// The database was reached, but is not what it should be: a wrong account, an address that
    /// cannot be read, a statement it refused.
    #[error("database broken: {0}")]
    Broken(String),
    /// A table or column is not there, which a migration would add.
    #[error("database schema lacks something: {0}")]
    OldSchema(String),
    /// A write on a connection, an account or a file that only may read.
    #[error("database is read-only: {0}")]
    ReadOnly(String),
}

/// Why rows could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflicts {
    why: String,
    numbers: Vec<u16>,
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl From<String> for Conflicts {
    fn from(why: String) -> Self {
        Self { why, numbers: Vec::new() }
    }
}

impl Error {
    /// Database error numbers of all tries of a transaction that failed for conflicts, oldest
    /// first.
    #[must_use]
    pub fn lock_errors(&self) -> &[u16] {
        match self {
            Self::Busy(conflicts) => &conflicts.numbers,
            Self::Unavailable(_) | Self::Broken(_) | Self::OldSchema(_) | Self::ReadOnly(_) => &[],
        }
    }

    /// The error of a transaction, with the numbers of all its tries.
    pub(crate) fn after(mut self, numbers: Vec<u16>) -> Self {
        if let Self::Busy(conflicts) = &mut self {
            conflicts.numbers = numbers;
        }
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
    pub(crate) fn unavailable(why: impl ToString) -> Self {
        Self::Unavailable(why.to_string())
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
    pub(crate) fn broken(why: impl ToString) -> Self {
        Self::Broken(why.to_string())
    }
}
