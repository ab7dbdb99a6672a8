//! Saying the same thing once a second, not thousands of times.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

/// The least time between two records of one kind, milliseconds.
const PAUSE_MS: u64 = 1000;

/// What times are counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A record may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// How many were not since the last one, if any.
    pub suppressed: Option<u64>,
}

/// Lets one record of a kind pass each second and counts the others.
#[derive(Debug)]
pub struct Throttle {
    /// When the next record may pass, milliseconds since the start; 0 at first.
    next_ms: AtomicU64,
    suppressed: AtomicU64,
}

impl Throttle {
    /// Nothing passed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { next_ms: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// Whether a record may be written now.
    #[must_use]
    pub fn pass(&self) -> Option<Passed> {
        self.pass_at(u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn pass_at(&self, now_ms: u64) -> Option<Passed> {
        let next_ms = self.next_ms.load(Ordering::Relaxed);
        let is_first = now_ms >= next_ms
            && self
                .next_ms
                .compare_exchange(
                    next_ms,
                    now_ms.saturating_add(PAUSE_MS),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if is_first {
            let suppressed = self.suppressed.swap(0, Ordering::Relaxed);
            Some(Passed { suppressed: (suppressed > 0).then_some(suppressed) })
        } else {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

/// The throttles of kinds that have a name rather than a place in the code.
static NAMED: Mutex<BTreeMap<&'static str, Throttle>> = Mutex::new(BTreeMap::new());

/// [`Throttle::pass`] for records of a named kind.
#[must_use]
pub fn pass_seldom(kind: &'static str) -> Option<Passed> {
    NAMED.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default().pass()
}

/// A warning that may come with every request while a backend is away: written once a second, with
/// the number of those that were not.
macro_rules! warn_seldom {
    ($($record:tt)*) => {{
        static SELDOM: $crate::logging::Throttle = $crate::logging::Throttle::new();
        if let Some(passed) = SELDOM.pass() {
            tracing::warn!(suppressed = passed.suppressed, $($record)*);
        }
    }};
}
pub(crate) use warn_seldom;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_passes_a_second_and_says_how_many_did_not() {
        let throttle = Throttle::new();
        assert_eq!(throttle.pass_at(5), Some(Passed { suppressed: None }));
        for now_ms in [5, 6, 1004] {
            assert_eq!(throttle.pass_at(now_ms), None, "{now_ms}");
        }
        assert_eq!(throttle.pass_at(1005), Some(Passed { suppressed: Some(3) }));
        assert_eq!(throttle.pass_at(3000), Some(Passed { suppressed: None }));
    }

    #[test]
    fn of_many_threads_one_passes_and_none_is_forgotten() {
        let throttle = Throttle::new();
        let passed: Vec<Passed> = std::thread::scope(|scope| {
            let pass = || (0..1000).filter_map(|_| throttle.pass_at(7)).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(pass)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(passed.len(), 1);
        // The one that passes takes those with it that were suppressed before it looked.
        let later = throttle.pass_at(2000).unwrap();
        let told =
            passed.iter().chain([&later]).filter_map(|passed| passed.suppressed).sum::<u64>();
        assert_eq!(told, 3999);
    }
}
