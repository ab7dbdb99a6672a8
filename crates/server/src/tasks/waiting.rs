//! Waiting for a backend that is away: pauses that grow, and a line in the log once a minute.

use std::time::{Duration, Instant};

/// The first pause; each is twice as long as the one before.
const MIN_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Time between two lines in the log about the same wait.
const NOTE_EVERY: Duration = Duration::from_mins(1);

/// One wait, from the first failure on.
#[derive(Debug, Default)]
pub struct Waiting {
    pause: Option<Duration>,
    noted: Option<Instant>,
}

impl Waiting {
    /// Was there a pause already?
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.pause.is_some()
    }

    /// Is this failure to be noted in the log? The first one is, and then one every minute.
    pub fn is_to_be_noted(&mut self, now: Instant) -> bool {
        let is_due = self.noted.is_none_or(|noted| now.duration_since(noted) >= NOTE_EVERY);
        if is_due {
            self.noted = Some(now);
        }
        is_due
    }

    /// How long to wait before the next try.
    pub fn next_pause(&mut self) -> Duration {
        let pause = self.pause.map_or(MIN_PAUSE, |pause| (pause * 2).min(MAX_PAUSE));
        self.pause = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let mut waiting = Waiting::default();
        assert!(!waiting.has_begun());
        let pauses: Vec<u128> = (0..8).map(|_| waiting.next_pause().as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert!(waiting.has_begun());
    }

    #[test]
    fn a_wait_is_noted_once_a_minute() {
        let mut waiting = Waiting::default();
        let begin = Instant::now();
        let noted: Vec<u64> = (0..240)
            .filter(|second| waiting.is_to_be_noted(begin + Duration::from_secs(*second)))
            .collect();
        assert_eq!(noted, [0, 60, 120, 180]);
    }
}
