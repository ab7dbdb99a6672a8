//! How many processors this process may use.

use std::num::NonZero;

/// The processors this process may use, at least one: those it may run on, and no more than the
/// quotas of its control groups (both versions) come to, rounded down.
#[must_use]
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
