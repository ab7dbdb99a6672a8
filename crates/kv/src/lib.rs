//! Queues with leases, counters, caches and named leases behind one contract.
//!
//! Two engines fulfil it: a Redis server, shared by many machines and, during a change-over, by
//! the processes of the original; and an embedded SQLite file, shared by the processes of one
//! machine. Nothing above this crate knows which one it talks to. Every clause in the
//! documentation of [`KeyValue`] is a case of `tests/contract.rs`, run on both engines.
//!
//! What lives here is mechanism only. Names of queues and keys, batch sizes, and what an item
//! means belong to the callers; [`queue`] holds the little that all data queues share.

mod embedded;
mod facts;
mod gzip;
pub mod queue;
mod redis;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
pub use facts::Facts;

/// The answer of a verb.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a verb failed, by what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The engine cannot be reached, did not answer in time, or cannot work just now. Trying
    /// again later may help. Whether a change that was asked for took place is not known.
    #[error("key-value store unavailable: {0}")]
    Unavailable(String),
    /// The address is wrong, or the engine was reached and refused: a value of the wrong kind, a
    /// damaged file. Trying again does not help, and nothing was changed.
    #[error("key-value store broken: {0}")]
    Broken(String),
}

/// Bounds on waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long to wait for a connection, in every call that needs a new one.
    pub connect_timeout: Duration,
    /// How long to wait for the answer to one request.
    pub response_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(2), response_timeout: Duration::from_secs(5) }
    }
}

/// One change; see [`KeyValue::apply`]. A time to live of zero means gone at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Appends items to a queue, keeps their order, and remembers when. An expiry somebody else
    /// put on the queue is removed. No items: nothing happens.
    Push {
        /// Name of the queue.
        queue: String,
        /// Any bytes, oldest first.
        items: Vec<Vec<u8>>,
    },
    /// Like [`Op::Push`], then drops the oldest waiting items until `keep` are left.
    PushBounded {
        /// Name of the queue.
        queue: String,
        /// Any bytes, oldest first.
        items: Vec<Vec<u8>>,
        /// Most items that stay.
        keep: usize,
    },
    /// Adds to a counter; a missing one is 0.
    Count {
        /// Name of the counter.
        key: String,
        /// What to add; may be negative.
        by: i64,
        /// New time to live; `None` leaves it as it is.
        ttl: Option<Duration>,
    },
    /// Adds a member to a set of which only the size can be asked.
    AddUnique {
        /// Name of the set.
        key: String,
        /// The member; it cannot be read back.
        member: String,
        /// New time to live; `None` leaves it as it is.
        ttl: Option<Duration>,
    },
    /// Writes a value over whatever the key held.
    Set {
        /// The key; any bytes.
        key: Vec<u8>,
        /// The value; any bytes.
        value: Vec<u8>,
        /// Time to live; `None` is for ever.
        ttl: Option<Duration>,
    },
    /// Puts a batch that was finished back in flight under its old id, to be taken at once. An
    /// error when a batch of this id is in flight. No items: nothing happens.
    Restore {
        /// Name of the queue.
        queue: String,
        /// The id it had.
        id: String,
        /// Any bytes, oldest first.
        items: Vec<Vec<u8>>,
    },
    /// Removes a value, a counter, a set, or the waiting items of a queue.
    Delete {
        /// The key; any bytes.
        key: Vec<u8>,
    },
}

/// A batch taken from a queue, under lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Unique over all batches and queues, a version 7 UUID as text. The same each time this batch
    /// is taken.
    pub id: String,
    /// The items, oldest first; the same each time this batch is taken.
    pub items: Vec<Vec<u8>>,
    /// The batch had been taken before, so some of its work may be done already.
    pub again: bool,
}

/// The state of a queue at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Items that wait.
    pub len: u64,
    /// Items in batches that were taken and not finished.
    pub in_flight: u64,
    /// Time since the last append; `None` when nothing waits, or when it is not known.
    pub age: Option<Duration>,
}

/// The contract of both engines.
///
/// Every verb that changes something is one atomic step and one round trip. What was acknowledged
/// survives a kill of any process, and a restart of the engine as far as its own durability goes
/// (always for SQLite; per `appendfsync` for Redis). A call whose future is dropped either took
/// place or did not. Every call ends within the time-outs of [`Options`].
///
/// A batch is in exactly one place at any time: waiting in its queue, or in flight under its id.
/// Only [`finish`](KeyValue::finish) makes it go away.
#[async_trait]
pub trait KeyValue: Send + Sync {
    /// Succeeds when the engine answers.
    async fn ping(&self) -> Result<()>;

    /// What an operator should know of the engine. For commands, not for requests.
    async fn facts(&self) -> Result<Facts>;

    /// Does all of `ops`, in order, or none of them. One result per op: the new value for
    /// [`Op::Count`], 0 for the others. A counter that does not hold a whole number is an error.
    async fn apply(&self, ops: Vec<Op>) -> Result<Vec<i64>>;

    /// Takes a batch from `queue` and keeps it from others for the length of `lease`.
    ///
    /// First a batch whose lease has run out or that was put back, with its old id and items; else
    /// the oldest `max` items that wait (0: all), as a new batch. `None` when there is neither.
    /// A lease that ends later than two minutes and twice `lease` from now has run out as well: the
    /// clock by which it was taken was wrong. What stays behind in the queue loses an expiry, if it
    /// had one, but not its age.
    async fn take(&self, queue: &str, max: usize, lease: Duration) -> Result<Option<Taken>>;

    /// Sets the lease of a batch anew, from now. False when there is no such batch any more.
    async fn renew(&self, queue: &str, id: &str, lease: Duration) -> Result<bool>;

    /// Ends the lease of a batch now, so that it may be taken again at once. False when there is
    /// no such batch any more.
    async fn put_back(&self, queue: &str, id: &str) -> Result<bool>;

    /// Removes a batch and does `ops`, as in [`apply`](KeyValue::apply), in one step. False, and
    /// nothing is done, when the batch is gone because it was finished before.
    async fn finish(&self, queue: &str, id: &str, ops: Vec<Op>) -> Result<bool>;

    /// Sets each counter that is not zero to zero and appends `KEY VALUE` to `queue` for it, in
    /// the order given. The number of items appended. Missing counters, and values that are not
    /// whole numbers, are left alone; expiries stay.
    async fn collect(&self, counters: &[String], queue: &str) -> Result<u64>;

    /// The states of these queues, in the same order, all at one instant.
    async fn queues(&self, names: &[String]) -> Result<Vec<QueueState>>;

    /// Up to `count` waiting items, leaving out the `start` oldest, without taking them.
    async fn peek(&self, queue: &str, start: usize, count: usize) -> Result<Vec<Vec<u8>>>;

    /// The values of these keys, in the same order; counters as decimal text. `None` where there
    /// is none or its time to live is over.
    async fn get(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>>;

    /// The names of values, counters, sets and non-empty queues that begin with `prefix`, sorted.
    /// Keys that are not text are left out. Looks at every key there is: for operators and
    /// periodic tasks, not for requests.
    async fn keys(&self, prefix: &str) -> Result<Vec<String>>;

    /// The names of queues that begin with `prefix` in which something waits or is in flight,
    /// sorted. On Redis other keys that begin so may be among them. As expensive as
    /// [`keys`](KeyValue::keys).
    async fn queue_names(&self, prefix: &str) -> Result<Vec<String>>;

    /// The ids of all batches in flight, of every queue, sorted. As expensive as
    /// [`keys`](KeyValue::keys).
    async fn in_flight(&self) -> Result<Vec<String>>;

    /// The size of the union of these sets; exact on SQLite, within about 2 % on Redis.
    async fn unique_count(&self, keys: &[String]) -> Result<u64>;

    /// Takes or renews the lease called `name` for `holder`. False when somebody else has it.
    async fn hold(&self, name: &str, holder: &str, ttl: Duration) -> Result<bool>;

    /// Gives the lease called `name` up, if `holder` has it.
    async fn release(&self, name: &str, holder: &str) -> Result<()>;
}

/// Opens the engine that `uri` names.
///
/// - `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS, with the options of
///   `redis/address.rs`. `?prefix=xyz` puts `xyz` before every key. The server may be down: the first call connects, and so does the first call
///   after it went away.
/// - `sqlite:PATH`, created when missing; `sqlite::memory:` for one that goes away at the end.
pub async fn open(uri: &str, options: &Options) -> Result<Arc<dyn KeyValue>> {
    match uri.split_once(':') {
        Some(("redis" | "rediss", _)) => Ok(Arc::new(redis::Redis::open(uri, options)?)),
        Some(("sqlite", path)) => Ok(Arc::new(embedded::Embedded::open(path, options).await?)),
        _ => Err(unknown_scheme()),
    }
}

/// Whether an address can be understood; says which of its options mean nothing here. Errors show
/// nothing of the address.
pub fn check_address(uri: &str) -> Result<Vec<String>> {
    match uri.split_once(':') {
        Some(("redis" | "rediss", _)) => redis::check_address(uri),
        Some(("sqlite", path)) if !path.is_empty() => Ok(Vec::new()),
        Some(("sqlite", _)) => Err(Error::Broken("the address names no file".into())),
        _ => Err(unknown_scheme()),
    }
}

fn unknown_scheme() -> Error {
    Error::Broken("the address begins with none of redis:, rediss:, sqlite:".into())
}

/// Milliseconds since 1970, by the clock of this machine, which all leases and expiries are about.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the clock")]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// Any deadline may be as far ahead as this, however short one's own leases are.
const CREDIBLE: Duration = Duration::from_mins(2);

/// The furthest deadline to believe, for somebody who takes leases of this length. One further ahead
/// was set by a clock that was wrong; otherwise what a worker held that died then would be gone for
/// as long. Taking over from somebody who lives costs work done twice and nothing else.
fn furthest_ms(now_ms: i64, lease: Duration) -> i64 {
    now_ms + (millis(lease) * 2).max(millis(CREDIBLE))
}

/// A length of time in milliseconds, at most some hundred years, so that sums stay in range.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).min(1 << 44)
}
