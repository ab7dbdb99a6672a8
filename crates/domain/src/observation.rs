//! An observation: one station, what a device measured of it, and where the device was.
//!
//! Every value in it is plausible by the ranges below and those of [`crate::reading`]. How much an
//! observation says about the place of its station is its weight: little when the device did not
//! know its own position well, moved fast or looked at another moment, much when the signal was
//! strong.

mod queued;

pub use queued::QueuedObservation;

use crate::cell::Radio;
use crate::geo;
use crate::reading;
use crate::report::Position;
use crate::station::{Kind, Source, StationKey};

/// One sighting of one station.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// The station.
    pub key: StationKey,
    /// What was measured of it.
    pub reading: Reading,
    /// Where the device was.
    pub fix: Fix,
}

/// What a device measured of a station; what the kind of station does not have is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Milliseconds from the fix to the sighting; negative when the sighting was later.
    pub age_ms: Option<i32>,
    /// Signal strength, dBm.
    pub signal_dbm: Option<i16>,
    /// Wi-Fi channel.
    pub channel: Option<u16>,
    /// Wi-Fi centre frequency, MHz.
    pub frequency_mhz: Option<u16>,
    /// Wi-Fi signal-to-noise ratio, dB.
    pub snr_db: Option<i16>,
    /// Scrambling code or physical cell id.
    pub psc: Option<u16>,
    /// Arbitrary strength unit of a cell.
    pub asu: Option<i16>,
    /// Timing advance of a cell.
    pub ta: Option<u16>,
}

/// Where and how fast a device was, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fix {
    /// Degrees north, within [`geo::MAX_LAT`].
    pub lat: f64,
    /// Degrees east, −180 to 180.
    pub lon: f64,
    /// Radius of uncertainty, up to 1000 km.
    pub accuracy_m: Option<f64>,
    /// Height above sea level, from the deepest trench to the edge of space.
    pub altitude_m: Option<f64>,
    /// Uncertainty of the altitude, at most that whole range.
    pub altitude_accuracy_m: Option<f64>,
    /// Direction of movement, clockwise from north, 0 to 360.
    pub heading_deg: Option<f64>,
    /// Air pressure, 100 to 1200.
    pub pressure_hpa: Option<f64>,
    /// Speed, 0 to 300 metres per second.
    pub speed_mps: Option<f64>,
    /// What the position comes from.
    pub source: Option<Source>,
    /// Moment of the fix, milliseconds since 1970 UTC, 13 digits.
    pub timestamp_ms: Option<i64>,
}

impl Fix {
    /// Checks a position as it was sent. Without coordinates on the map there is none; any other
    /// implausible value is missing.
    #[must_use]
    pub fn checked(position: &Position, timestamp_ms: Option<i64>) -> Option<Self> {
        let within = |value: Option<f64>, min: f64, max: f64| {
            value.filter(|value| (min..=max).contains(value))
        };
        Some(Self {
            lat: within(position.lat, -geo::MAX_LAT, geo::MAX_LAT)?,
            lon: within(position.lon, -geo::MAX_LON, geo::MAX_LON)?,
            accuracy_m: within(position.accuracy, 0.0, 1_000_000.0),
            altitude_m: within(position.altitude, -10_911.0, 100_000.0),
            altitude_accuracy_m: within(position.altitude_accuracy, 0.0, 110_911.0),
            heading_deg: within(position.heading, 0.0, 360.0),
            pressure_hpa: within(position.pressure, 100.0, 1200.0),
            speed_mps: within(position.speed, 0.0, 300.0),
            source: position.source,
            timestamp_ms: timestamp_ms
                .filter(|time| (1_000_000_000_000..=10_000_000_000_000).contains(time)),
        })
    }
}

impl Reading {
    /// Checks what was measured of a Bluetooth beacon.
    pub(crate) fn blue(age: Option<i64>, signal: Option<i64>) -> Self {
        Self {
            age_ms: age.and_then(reading::age),
            signal_dbm: signal.and_then(reading::blue_signal),
            ..Self::default()
        }
    }

    /// Checks what was measured of an access point; channel and frequency complete each other.
    pub(crate) fn wifi(
        age: Option<i64>,
        channel: Option<i64>,
        frequency: Option<i64>,
        signal: Option<i64>,
        snr: Option<i64>,
    ) -> Self {
        let (channel, frequency_mhz) = reading::complete_channel(
            channel.and_then(reading::channel),
            frequency.and_then(reading::frequency),
        );
        Self {
            age_ms: age.and_then(reading::age),
            signal_dbm: signal.and_then(reading::wifi_signal),
            snr_db: snr.and_then(reading::snr),
            channel,
            frequency_mhz,
            ..Self::default()
        }
    }

    /// Checks what was measured of a cell; the strength unit stands in for a missing signal.
    pub(crate) fn cell(
        radio: Radio,
        age: Option<i64>,
        asu: Option<i64>,
        psc: Option<i64>,
        signal: Option<i64>,
        ta: Option<i64>,
    ) -> Self {
        let asu = asu.and_then(|asu| reading::asu(radio, asu));
        let signal = signal.and_then(|signal| reading::cell_signal(radio, signal));
        Self {
            age_ms: age.and_then(reading::age),
            signal_dbm: signal.or_else(|| asu.map(|asu| reading::signal_from_asu(radio, asu))),
            psc: psc.and_then(|psc| reading::psc(radio, psc)),
            asu,
            ta: ta.and_then(|ta| reading::timing_advance(radio, ta)),
            ..Self::default()
        }
    }
}

impl Observation {
    /// How much the observation counts: 1 for a typical one, 0 when it is useless.
    #[must_use]
    pub fn weight(&self) -> f64 {
        let weight = accuracy_weight(self.key.kind(), self.fix.accuracy_m)
            * age_weight(self.reading.age_ms)
            * speed_weight(self.fix.speed_mps)
            * signal_weight(&self.key, self.reading.signal_dbm);
        if weight.is_finite() { weight } else { 0.0 }
    }

    /// Is it made from the answer to a position query, rather than from a device that knew where
    /// it was?
    #[must_use]
    pub fn is_query_based(&self) -> bool {
        self.fix.source == Some(Source::Query)
    }
}

/// Halves with four times the uncertainty. A device that is less certain than the kind's stations
/// are visible far says nothing.
fn accuracy_weight(kind: Kind, accuracy_m: Option<f64>) -> f64 {
    let limit = match kind {
        Kind::Blue => 100.0,
        Kind::Wifi => 200.0,
        Kind::Cell => 1000.0,
    };
    let accuracy = size_or(accuracy_m, 10.0);
    if accuracy > limit { 0.0 } else { (10.0 / accuracy.max(10.0)).sqrt() }
}

/// Halves with four times the age from two seconds on; nothing counts beyond twenty.
fn age_weight(age_ms: Option<i32>) -> f64 {
    let age = size_or(age_ms.map(f64::from), 2000.0);
    if age > 20_000.0 { 0.0 } else { (2000.0 / age.max(2000.0)).sqrt() }
}

/// Halves with four times the speed from 5 m/s (a bicycle) on; nothing counts beyond 50 m/s.
fn speed_weight(speed_mps: Option<f64>) -> f64 {
    let speed = size_or(speed_mps, 1.0);
    if speed > 50.0 { 0.0 } else { (5.0 / speed.max(1.0)).sqrt().min(1.0) }
}

/// Grows with the fourth power of the signal strength, 1 at the usual strength of the radio type.
/// Bluetooth reaches so short that strength does not matter.
fn signal_weight(key: &StationKey, signal_dbm: Option<i16>) -> f64 {
    let (offset, usual) = match key {
        StationKey::Blue(_) => return 1.0,
        StationKey::Wifi(_) => (-20.0, -80),
        StationKey::Cell(cell) => {
            let radio = cell.area.radio;
            let offset = match radio {
                Radio::Gsm => -5.0,
                Radio::Wcdma => 0.0,
                Radio::Lte | Radio::Nr => 5.0,
            };
            (offset, reading::median_signal(radio))
        }
    };
    let strength = f64::from(signal_dbm.unwrap_or(usual)) + offset;
    (1.0 / (strength * strength) * 10_000.0).powi(2)
}

/// The absolute value, or a default when it is missing or zero.
fn size_or(value: Option<f64>, default: f64) -> f64 {
    value.map(f64::abs).filter(|&value| value != 0.0).unwrap_or(default)
}

#[cfg(test)]
mod tests;
