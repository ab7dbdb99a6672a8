//! How often events of one kind are sent.
//!
//! When the database is away, every request has the same to say. The first of a kind is sent, the
//! others are counted, and the next one that is sent tells how many there were.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;

/// At most one event of a kind in this time.
const WINDOW: Duration = Duration::from_secs(30);
/// Kinds that are told apart; further ones are not sent until others have been quiet for a while.
const MAX_KINDS: usize = 200;

/// The line of code an event comes from, and what it is about: the task, the incident.
pub(super) type Kind = (Identifier, String);

/// What was sent lately.
#[derive(Default)]
pub(super) struct Limit {
    kinds: HashMap<Kind, Window>,
}

struct Window {
    until: Instant,
    suppressed: u64,
}

impl Limit {
    /// Whether an event may be sent now; how many of its kind were not since the last one.
    pub(super) fn admit(&mut self, kind: Kind, now: Instant) -> Option<u64> {
        if let Some(window) = self.kinds.get_mut(&kind) {
            if now < window.until {
                window.suppressed += 1;
                return None;
            }
            window.until = now + WINDOW;
            return Some(std::mem::take(&mut window.suppressed));
        }
        if self.kinds.len() >= MAX_KINDS {
            self.kinds.retain(|_, window| now < window.until);
            if self.kinds.len() >= MAX_KINDS {
                return None;
            }
        }
        self.kinds.insert(kind, Window { until: now + WINDOW, suppressed: 0 });
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use tracing::Callsite as _;
    use tracing::callsite::DefaultCallsite;

    use super::*;

    fn kind(task: &str) -> Kind {
        static META: tracing::Metadata<'static> = tracing::metadata! {
            name: "test", target: "test", level: tracing::Level::WARN, fields: &[],
            callsite: &CALLSITE, kind: tracing::metadata::Kind::EVENT
        };
        static CALLSITE: DefaultCallsite = DefaultCallsite::new(&META);
        (CALLSITE.metadata().callsite(), task.to_owned())
    }

    #[test]
    fn one_of_a_kind_is_sent_and_the_next_tells_of_the_others() {
        let (mut limit, start) = (Limit::default(), Instant::now());
        assert_eq!(limit.admit(kind("a"), start), Some(0));
        for _ in 0..10_000 {
            assert_eq!(limit.admit(kind("a"), start + WINDOW / 2), None);
        }
        assert_eq!(limit.admit(kind("b"), start), Some(0));
        assert_eq!(limit.admit(kind("a"), start + WINDOW), Some(10_000));
        assert_eq!(limit.admit(kind("a"), start + WINDOW * 2), Some(0));
    }

    #[test]
    fn kinds_are_bounded() {
        let (mut limit, start) = (Limit::default(), Instant::now());
        for number in 0..MAX_KINDS {
            assert_eq!(limit.admit(kind(&number.to_string()), start), Some(0));
        }
        assert_eq!(limit.admit(kind("one more"), start), None);
        assert_eq!(limit.kinds.len(), MAX_KINDS);
        assert_eq!(limit.admit(kind("one more"), start + WINDOW), Some(0));
        assert_eq!(limit.kinds.len(), 1);
    }
}
