//! What an operator can set, how it is written, and which values are possible.

/// A setting of the rate controller, as it is kept in the key-value store: one text each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Parameter {
    /// Percentage of position queries to learn from.
    SampleRate,
    /// Whether the controller sets the sample rate.
    Enabled,
    /// Wanted backlog of observations.
    Target,
    /// Proportional gain.
    Kp,
    /// Integral gain.
    Ki,
    /// Derivative gain.
    Kd,
    /// Whether everything waits for the database to purge old row versions.
    TrxPurging,
    /// Transaction history below which storing goes on.
    TrxMin,
    /// Transaction history above which storing pauses.
    TrxMax,
}

/// Which values a parameter can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Any number that is finite.
    Finite,
    /// 0 or 1.
    Switch,
    /// A whole number from this one on.
    Whole(u64),
    /// A number from 0 on.
    NotNegative,
}

impl Range {
    /// The range in words, for messages.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Finite => "a number",
            Self::Switch => "0 or 1",
            Self::Whole(0) => "a whole number, 0 or more",
            Self::Whole(_) => "a whole number, 1 or more",
            Self::NotNegative => "a number, 0 or more",
        }
    }

    /// The number a text stands for, when it is one of the range.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Number> {
        let text = text.trim();
        match self {
            Self::Finite => real(text).map(Number::Real),
            Self::Switch => whole(text).filter(|&number| number <= 1).map(Number::Whole),
            Self::Whole(least) => whole(text).filter(|&number| number >= least).map(Number::Whole),
            Self::NotNegative => real(text).filter(|&number| number >= 0.0).map(Number::Real),
        }
    }
}

/// The value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Of a switch or a whole number.
    Whole(u64),
    /// Of the others.
    Real(f64),
}

impl Number {
    /// The value as a whole number; fractions are cut off.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "out of range saturates"
    )]
    pub const fn whole(self) -> u64 {
        match self {
            Self::Whole(number) => number,
            Self::Real(number) => number as u64,
        }
    }

    /// The value as a real number.
    #[must_use]
    pub const fn real(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Real(number) => number,
        }
    }
}

impl Parameter {
    /// All parameters, in the order in which they are checked.
    pub const ALL: [Self; 9] = [
        Self::SampleRate,
        Self::Enabled,
        Self::Target,
        Self::Kp,
        Self::Ki,
        Self::Kd,
        Self::TrxPurging,
        Self::TrxMin,
        Self::TrxMax,
    ];

    /// The key it is kept under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SampleRate => "global_locate_sample_rate",
            Self::Enabled => "rate_controller_enabled",
            Self::Target => "rate_controller_target",
            Self::Kp => "rate_controller_kp",
            Self::Ki => "rate_controller_ki",
            Self::Kd => "rate_controller_kd",
            Self::TrxPurging => "rate_controller_trx_purging",
            Self::TrxMin => "rate_controller_trx_min",
            Self::TrxMax => "rate_controller_trx_max",
        }
    }

    /// The parameter that is kept under this key.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|parameter| parameter.name() == name)
    }

    /// The text that counts where there is none, or none that can be used.
    #[must_use]
    pub const fn default_text(self) -> &'static str {
        match self {
            Self::SampleRate => "100.0",
            Self::Kp => "8",
            Self::TrxMin => "1000",
            Self::TrxMax => "1000000",
            Self::Enabled | Self::Target | Self::Ki | Self::Kd | Self::TrxPurging => "0",
        }
    }

    /// Which values are possible. The upper bound of the transaction history also has to be above
    /// the lower one, and a target of 0 is only possible while the controller is off.
    #[must_use]
    pub const fn range(self) -> Range {
        match self {
            Self::SampleRate => Range::Finite,
            Self::Enabled | Self::TrxPurging => Range::Switch,
            Self::Target => Range::Whole(0),
            Self::Kp | Self::Ki | Self::Kd => Range::NotNegative,
            Self::TrxMin | Self::TrxMax => Range::Whole(1),
        }
    }

    /// What it does, in one line.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::SampleRate => "percentage of position queries that are learned from",
            Self::Enabled => "1: the controller sets the sample rate once a minute",
            Self::Target => "wanted backlog of observations; needed when the controller is on",
            Self::Kp => "how strongly the controller answers to the distance from the target",
            Self::Ki => "how strongly it answers to a distance that lasts",
            Self::Kd => "how strongly it answers to a backlog that changes",
            Self::TrxPurging => "1: nothing is learned until the database has purged its history",
            Self::TrxMin => "transaction history below which learning goes on",
            Self::TrxMax => "transaction history above which learning pauses",
        }
    }
}

/// A whole number. A leading plus and zeros are a number too, a fraction or a word is not.
fn whole(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// A finite number.
fn real(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_a_name_of_its_own_and_a_default_in_its_range() {
        for parameter in Parameter::ALL {
            assert_eq!(Parameter::from_name(parameter.name()), Some(parameter));
            assert!(parameter.range().read(parameter.default_text()).is_some(), "{parameter:?}");
        }
        assert_eq!(Parameter::from_name("rate_controller_state"), None);
    }

    #[test]
    fn a_text_is_read_when_it_is_in_the_range() {
        for (range, good, bad) in [
            (Range::Finite, &["0", "-5", "250.5", " 1e3 "][..], &["", "x", "inf", "nan"][..]),
            (Range::Switch, &["0", "1", " 1\n"], &["2", "-1", "true", "1.0", ""]),
            (Range::Whole(0), &["0", "+5", "007"], &["-1", "1.5", "true", "1e3", "1_000"]),
            (Range::Whole(1), &["1", "1000"], &["0", "-1"]),
            (Range::NotNegative, &["0", "8", "0.25", "1e-3"], &["-1", "-0.5", "inf", "NaN", ""]),
        ] {
            for text in good {
                assert!(range.read(text).is_some(), "{range:?} {text:?}");
            }
            for text in bad {
                assert_eq!(range.read(text), None, "{range:?} {text:?}");
            }
        }
        assert_eq!(Range::NotNegative.read("0.25"), Some(Number::Real(0.25)));
        assert_eq!(Range::Whole(0).read("1000").map(Number::real), Some(1000.0));
    }
}
