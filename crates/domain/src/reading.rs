//! Which values of one reading are plausible, for reports and queries alike.
//!
//! A reading is what a device says about one station. Each function takes a number as it was sent
//! and gives it back in its own type, or `None` when no device can have measured it. Identities
//! out of range make a reading useless; anything else out of range is merely unknown.

use std::ops::RangeInclusive;

use crate::cell::Radio;

/// Milliseconds between the reading and its report; up to an hour either way.
#[must_use]
pub fn age(value: i64) -> Option<i32> {
    within(value, -3_600_000..=3_600_000)
}

/// Signal strength of a Wi-Fi access point, −100 to −10 dBm.
#[must_use]
pub fn wifi_signal(value: i64) -> Option<i16> {
    within(value, -100..=-10)
}

/// Signal strength of a Bluetooth beacon, −127 to 0 dBm.
#[must_use]
pub fn blue_signal(value: i64) -> Option<i16> {
    within(value, -127..=0)
}

/// Signal-to-noise ratio of a Wi-Fi access point, 1 to 100 dB.
#[must_use]
pub fn snr(value: i64) -> Option<i16> {
    within(value, 1..=100)
}

/// Wi-Fi channel number, 1 to 199.
#[must_use]
pub fn channel(value: i64) -> Option<u16> {
    within(value, 1..=199)
}

/// Wi-Fi frequency, 2400 to 5999 MHz.
#[must_use]
pub fn frequency(value: i64) -> Option<u16> {
    within(value, 2400..=5999)
}

/// Fills in a missing Wi-Fi channel from its centre frequency in MHz, or the other way round
/// (IEEE 802.11-2020, annex E). Two known values are left alone even if they contradict.
#[must_use]
pub fn complete_channel(
    channel: Option<u16>,
    frequency: Option<u16>,
) -> (Option<u16>, Option<u16>) {
    match (channel, frequency) {
        (Some(channel), None) => (Some(channel), frequency_of(channel)),
        (None, Some(frequency)) => (channel_of(frequency), Some(frequency)),
        both => both,
    }
}

fn frequency_of(channel: u16) -> Option<u16> {
    match channel {
        1..=13 => Some(2407 + 5 * channel),
        14 => Some(2484),
        15..=185 => Some(5000 + 5 * channel),
        186..=199 => Some(4000 + 5 * channel),
        _ => None,
    }
}

fn channel_of(frequency: u16) -> Option<u16> {
    match frequency {
        2412..=2472 => Some((frequency - 2407) / 5),
        2484 => Some(14),
        4915..=4995 => Some((frequency - 4000) / 5),
        5075..=5925 => Some((frequency - 5000) / 5),
        _ => None,
    }
}

/// Signal strength of a cell in dBm. For NR it is the synchronisation signal power (SS-RSRP),
/// reported from −156 to −31 dBm (3GPP TS 38.133, 10.1.6).
#[must_use]
pub fn cell_signal(radio: Radio, value: i64) -> Option<i16> {
    within(value, cell_signal_range(radio))
}

fn cell_signal_range(radio: Radio) -> RangeInclusive<i64> {
    match radio {
        Radio::Gsm => -113..=-51,
        Radio::Wcdma => -121..=-25,
        Radio::Lte => -140..=-43,
        Radio::Nr => -156..=-31,
    }
}

/// The weakest signal a cell of this radio type can report, dBm; a query without a signal
/// strength counts as this.
#[must_use]
pub const fn weakest_signal(radio: Radio) -> i16 {
    match radio {
        Radio::Gsm => -113,
        Radio::Wcdma => -121,
        Radio::Lte => -140,
        Radio::Nr => -156,
    }
}

/// What a submitted cell without a signal strength is taken for, dBm. NR has no history to take
/// a median from; its reference power is measured like that of LTE and gets the same value.
#[must_use]
pub const fn median_signal(radio: Radio) -> i16 {
    match radio {
        Radio::Gsm => -95,
        Radio::Wcdma => -100,
        Radio::Lte | Radio::Nr => -105,
    }
}

/// Arbitrary strength unit of a cell, the raw scale a modem reports.
#[must_use]
pub fn asu(radio: Radio, value: i64) -> Option<i16> {
    let range = match radio {
        Radio::Gsm => 0..=31,
        Radio::Wcdma => -5..=91,
        Radio::Lte => 0..=97,
        Radio::Nr => 0..=126,
    };
    within(value, range)
}

/// The signal strength in dBm that an arbitrary strength unit stands for (3GPP TS 27.007, 8.5 and
/// 8.69).
#[must_use]
pub const fn signal_from_asu(radio: Radio, asu: i16) -> i16 {
    match radio {
        Radio::Gsm => asu.saturating_mul(2).saturating_sub(113),
        Radio::Wcdma => asu.saturating_sub(116),
        Radio::Lte => asu.saturating_sub(140),
        // The top step is open: −31 dBm or more.
        Radio::Nr if asu > 125 => -31,
        Radio::Nr => asu.saturating_sub(156),
    }
}

/// Timing advance in the steps of the radio type; WCDMA has none. NR: 3GPP TS 38.213, 4.2.
#[must_use]
pub fn timing_advance(radio: Radio, value: i64) -> Option<u16> {
    match radio {
        Radio::Gsm | Radio::Lte => within(value, 0..=63),
        Radio::Wcdma => None,
        Radio::Nr => within(value, 0..=3846),
    }
}

/// Primary scrambling code, or physical cell id for LTE and NR.
#[must_use]
pub fn psc(radio: Radio, value: i64) -> Option<u16> {
    within(value, 0..=i64::from(radio.max_psc()))
}

/// Mobile network code, 0 to 999.
#[must_use]
pub fn mnc(value: i64) -> Option<u16> {
    within(value, 0..=999)
}

/// Location or tracking area code; 0 and the two highest values are reserved.
#[must_use]
pub fn lac(radio: Radio, value: i64) -> Option<u32> {
    within(value, 1..=i64::from(radio.max_lac()))
}

/// Cell identity, without the reserved 0.
#[must_use]
pub fn cid(radio: Radio, value: i64) -> Option<u64> {
    u64::try_from(value).ok().filter(|cid| (1..=radio.max_cid()).contains(cid))
}

/// The radio type a cell really has: cell ids above 16 bits do not exist in GSM, phones that send
/// them are on WCDMA.
#[must_use]
pub fn radio_of(radio: Radio, cid: Option<i64>) -> Radio {
    match (radio, cid) {
        (Radio::Gsm, Some(cid)) if cid > 65_535 => Radio::Wcdma,
        _ => radio,
    }
}

fn within<T: TryFrom<i64>>(value: i64, range: RangeInclusive<i64>) -> Option<T> {
    if range.contains(&value) { T::try_from(value).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_at_the_limits_are_kept_and_beyond_them_unknown() {
        type Check = (&'static str, fn(i64) -> Option<i64>, i64, i64);
        let checks: [Check; 23] = [
            ("age", |v| age(v).map(Into::into), -3_600_000, 3_600_000),
            ("wifi signal", |v| wifi_signal(v).map(Into::into), -100, -10),
            ("blue signal", |v| blue_signal(v).map(Into::into), -127, 0),
            ("snr", |v| snr(v).map(Into::into), 1, 100),
            ("channel", |v| channel(v).map(Into::into), 1, 199),
            ("frequency", |v| frequency(v).map(Into::into), 2400, 5999),
            ("gsm signal", |v| cell_signal(Radio::Gsm, v).map(Into::into), -113, -51),
            ("wcdma signal", |v| cell_signal(Radio::Wcdma, v).map(Into::into), -121, -25),
            ("lte signal", |v| cell_signal(Radio::Lte, v).map(Into::into), -140, -43),
            ("nr signal", |v| cell_signal(Radio::Nr, v).map(Into::into), -156, -31),
            ("gsm asu", |v| asu(Radio::Gsm, v).map(Into::into), 0, 31),
            ("wcdma asu", |v| asu(Radio::Wcdma, v).map(Into::into), -5, 91),
            ("lte asu", |v| asu(Radio::Lte, v).map(Into::into), 0, 97),
            ("nr asu", |v| asu(Radio::Nr, v).map(Into::into), 0, 126),
            ("gsm ta", |v| timing_advance(Radio::Gsm, v).map(Into::into), 0, 63),
            ("nr ta", |v| timing_advance(Radio::Nr, v).map(Into::into), 0, 3846),
            ("lte psc", |v| psc(Radio::Lte, v).map(Into::into), 0, 503),
            ("nr psc", |v| psc(Radio::Nr, v).map(Into::into), 0, 1007),
            ("mnc", |v| mnc(v).map(Into::into), 0, 999),
            ("lte tac", |v| lac(Radio::Lte, v).map(Into::into), 1, 65_533),
            ("nr tac", |v| lac(Radio::Nr, v).map(Into::into), 1, (1 << 24) - 3),
            ("gsm cid", |v| cid(Radio::Gsm, v).map(u64::cast_signed), 1, (1 << 28) - 1),
            ("nr nci", |v| cid(Radio::Nr, v).map(u64::cast_signed), 1, (1 << 36) - 1),
        ];
        for (name, check, low, high) in checks {
            assert_eq!(check(low), Some(low), "{name}");
            assert_eq!(check(high), Some(high), "{name}");
            for outside in [low - 1, high + 1, i64::MIN, i64::MAX] {
                assert_eq!(check(outside), None, "{name} {outside}");
            }
        }
        assert_eq!(timing_advance(Radio::Wcdma, 5), None);
    }

    #[test]
    fn channel_and_frequency_complete_each_other() {
        for (channel, frequency) in
            [(1, 2412), (13, 2472), (14, 2484), (15, 5075), (36, 5180), (165, 5825), (185, 5925)]
        {
            let both = (Some(channel), Some(frequency));
            assert_eq!(complete_channel(Some(channel), None), both);
            assert_eq!(complete_channel(None, Some(frequency)), both);
        }
        for (channel, frequency) in [(186, 4930), (196, 4980), (199, 4995)] {
            assert_eq!(complete_channel(Some(channel), None), (Some(channel), Some(frequency)));
        }
        for (frequency, channel) in [
            (2411, None),
            (2414, Some(1)),
            (2437, Some(6)),
            (2473, None),
            (2485, None),
            (4914, None),
            (4915, Some(183)),
            (4995, Some(199)),
            (4996, None),
            (5074, None),
            (5170, Some(34)),
            (5926, None),
        ] {
            assert_eq!(complete_channel(None, Some(frequency)), (channel, Some(frequency)));
        }
        assert_eq!(complete_channel(Some(6), Some(5180)), (Some(6), Some(5180)));
        assert_eq!(complete_channel(None, None), (None, None));
    }

    #[test]
    fn strength_units_stand_for_a_signal_within_the_limits() {
        for (radio, asu, signal) in [
            (Radio::Gsm, 0, -113),
            (Radio::Gsm, 31, -51),
            (Radio::Wcdma, -5, -121),
            (Radio::Wcdma, 91, -25),
            (Radio::Lte, 0, -140),
            (Radio::Lte, 97, -43),
            (Radio::Nr, 0, -156),
            (Radio::Nr, 125, -31),
            (Radio::Nr, 126, -31),
        ] {
            assert_eq!(signal_from_asu(radio, asu), signal, "{radio} {asu}");
            assert_eq!(cell_signal(radio, signal.into()), Some(signal), "{radio} {asu}");
        }
        for radio in Radio::ALL {
            for signal in [weakest_signal(radio), median_signal(radio)] {
                assert_eq!(cell_signal(radio, signal.into()), Some(signal));
            }
        }
    }

    #[test]
    fn a_wide_cell_id_makes_gsm_wcdma() {
        assert_eq!(radio_of(Radio::Gsm, Some(65_535)), Radio::Gsm);
        assert_eq!(radio_of(Radio::Gsm, Some(65_536)), Radio::Wcdma);
        assert_eq!(radio_of(Radio::Gsm, None), Radio::Gsm);
        assert_eq!(radio_of(Radio::Lte, Some(65_536)), Radio::Lte);
    }
}
