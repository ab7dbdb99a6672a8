//! Time and chance: the only place that reads the clock or draws random numbers for a rule.
//!
//! Rules get both as arguments, so a test can fix them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, Utc};

/// Where the time comes from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The clock of the machine.
    #[default]
    System,
    /// Milliseconds since 1970 that a test sets.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// Now in UTC, cut to whole seconds as the database keeps it.
    #[must_use]
    pub fn now(&self) -> NaiveDateTime {
        self.instant().naive_utc().trunc_subsecs(0)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.instant().timestamp_millis()
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub fn now_ns(&self) -> i64 {
        self.instant().timestamp_nanos_opt().unwrap_or_default()
    }

    /// Now in UTC, as precise as it is known.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn instant(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Fixed(ms) => {
                DateTime::from_timestamp_millis(ms.load(Ordering::Relaxed)).unwrap_or_default()
            }
        }
    }
}

/// Where the draws of sampling come from.
#[derive(Clone, Copy, Debug, Default)]
pub enum Chance {
    /// The random source of the machine.
    #[default]
    System,
    /// Every draw gives this number.
    Fixed(f64),
}

impl Chance {
    /// A number in 0 ≤ x < 1.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that draws")]
    pub fn draw(self) -> f64 {
        match self {
            Self::System => rand::random(),
            Self::Fixed(number) => number,
        }
    }
}
