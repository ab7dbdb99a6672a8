//! What tests share: the recorded cases and how to compare with them, doubles of what is outside,
//! databases and servers to throw away.
//!
//! Only tests depend on this crate, so a broken input may panic here.

pub mod buckets;
pub mod cases;
pub mod compare;
pub mod database;
pub mod fixture;
pub mod geoip;
pub mod keyvalue;
pub mod original;
pub mod provider;
pub mod proxy;
pub mod receiver;
pub mod sentry;
pub mod servers;

/// Where a test keeps its data: every one runs on both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// SQLite files of its own.
    Embedded,
    /// A MariaDB or Redis server, with a database or key prefix of its own.
    Server,
}

impl Backend {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Embedded, Self::Server];
}
