//! What the answer of a target means for a batch, and how long a target that gets nothing rests.

use std::time::Duration;

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The target has it.
    Delivered,
    /// The target cannot take anything now; the same batch later.
    Later,
    /// The target takes nothing from us before somebody has put right an address or an account;
    /// the same batch later.
    Misconfigured,
    /// The target takes other batches, but not this one.
    Refused,
}

/// How often a target may refuse a batch before it becomes dead letters.
pub const MAX_REFUSALS: i64 = 3;

/// The longest rest there is, which a target can ask for.
pub const LONGEST_REST: Duration = Duration::from_hours(1);
/// The first rest of a target; each is twice as long as the one before.
const MIN_REST: Duration = Duration::from_secs(2);
/// The longest rest of our own choice: what is back again gets its reports within a minute or so.
const MAX_REST: Duration = Duration::from_mins(1);

/// What an HTTP status means. `reason` is the one in the body, in the form that this service and
/// Google's have.
///
/// A batch is only given up where the answer is about the batch. What is about the address or the
/// account would else turn everything that flows into dead letters until somebody notices.
#[must_use]
pub fn verdict(status: u16, reason: Option<&str>) -> Verdict {
    let is_about_key = matches!(reason, Some("keyInvalid" | "dailyLimitExceeded"));
    match status {
        200..=299 => Verdict::Delivered,
        408 | 423 | 425 | 429 | 500.. => Verdict::Later,
        400..=499 if is_about_key => Verdict::Misconfigured,
        // No redirect is followed: the address of the target is the operator's decision.
        0..=399 | 401..=405 | 407 | 410 | 411 | 414 | 421 | 426 | 431 | 451 => {
            Verdict::Misconfigured
        }
        _ => Verdict::Refused,
    }
}

/// How long a target rests after it could not be delivered to `failures` times in a row.
#[must_use]
pub fn rest(failures: u32, retry_after: Option<Duration>) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let own = (MIN_REST * (1 << doublings)).min(MAX_REST);
    retry_after.map_or(own, |asked| own.max(asked.min(LONGEST_REST)))
}

/// How long a refused batch stays away before it is tried again.
#[must_use]
pub fn pause_of_refused(refusals: i64) -> Duration {
    Duration::from_secs(1 << refusals.clamp(1, 5)) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_about_the_batch_is_held_against_it() {
        for (status, reason, expected) in [
            (200, None, Verdict::Delivered),
            (204, None, Verdict::Delivered),
            (302, None, Verdict::Misconfigured),
            (400, Some("parseError"), Verdict::Refused),
            (400, Some("keyInvalid"), Verdict::Misconfigured),
            (401, None, Verdict::Misconfigured),
            (403, Some("dailyLimitExceeded"), Verdict::Misconfigured),
            (404, None, Verdict::Misconfigured),
            (408, None, Verdict::Later),
            (409, None, Verdict::Refused),
            (413, None, Verdict::Refused),
            (422, None, Verdict::Refused),
            (429, None, Verdict::Later),
            (500, None, Verdict::Later),
            (503, None, Verdict::Later),
            (599, None, Verdict::Later),
        ] {
            assert_eq!(verdict(status, reason), expected, "{status} {reason:?}");
        }
    }

    #[test]
    fn rests_double_up_to_a_minute_or_what_is_asked_for() {
        let seconds =
            |failures, asked: Option<u64>| rest(failures, asked.map(Duration::from_secs)).as_secs();
        let own: Vec<u64> = (0..8).map(|failures| seconds(failures, None)).collect();
        assert_eq!(own, [2, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(seconds(u32::MAX, None), 60);
        assert_eq!(seconds(1, Some(30)), 30);
        assert_eq!(seconds(6, Some(30)), 60);
        assert_eq!(seconds(1, Some(1_000_000)), 3600);
    }

    #[test]
    fn a_refused_batch_comes_back_soon_but_not_at_once() {
        let pauses: Vec<u64> = (0..4).map(|count| pause_of_refused(count).as_secs()).collect();
        assert_eq!(pauses, [1, 1, 2, 4]);
    }
}
