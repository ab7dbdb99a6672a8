//! Readings that are valid, and which of two readings of one station counts.

use super::request::{BlueReading, CellReading, WifiReading};
use crate::cell::{AreaKey, CellKey};
use crate::mac::Mac;
use crate::reading as range;
use crate::region::Regions;

/// A Bluetooth beacon in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blue {
    /// Address.
    pub mac: Mac,
    /// Milliseconds since it was seen; negative: seen after the request's own time.
    pub age: Option<i32>,
    /// Signal strength, dBm.
    pub signal: Option<i16>,
    /// Name the beacon announces.
    pub name: Option<String>,
}

/// A Wi-Fi access point in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wifi {
    /// Address.
    pub mac: Mac,
    /// Milliseconds since it was seen.
    pub age: Option<i32>,
    /// Channel number.
    pub channel: Option<u16>,
    /// Frequency, MHz.
    pub frequency: Option<u16>,
    /// Signal strength, dBm.
    pub signal: Option<i16>,
    /// Signal-to-noise ratio, dB.
    pub snr: Option<i16>,
    /// Does its name ask not to be collected?
    pub is_opted_out: bool,
}

/// A cell in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Identity.
    pub key: CellKey,
    /// Primary scrambling code or physical cell id.
    pub psc: Option<u16>,
    /// Milliseconds since it was seen.
    pub age: Option<i32>,
    /// Signal strength, dBm.
    pub signal: Option<i16>,
    /// Timing advance.
    pub ta: Option<u16>,
}

/// A cell area in a query: what is left of a cell when its identity does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// Identity.
    pub key: AreaKey,
    /// Milliseconds since a cell of it was seen.
    pub age: Option<i32>,
    /// Signal strength of that cell, dBm.
    pub signal: Option<i16>,
    /// Timing advance of that cell.
    pub ta: Option<u16>,
}

impl Blue {
    pub(super) fn new(sent: BlueReading) -> Option<Self> {
        Some(Self {
            mac: Mac::parse(&sent.mac)?,
            age: sent.age.and_then(range::age),
            signal: sent.signal.and_then(range::blue_signal),
            name: sent.name,
        })
    }

    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        is_higher(self.signal, other.signal) || is_lower(self.age, other.age)
    }
}

impl Wifi {
    pub(super) fn new(sent: &WifiReading) -> Option<Self> {
        let (channel, frequency) = range::complete_channel(
            sent.channel.and_then(range::channel),
            sent.frequency.and_then(range::frequency),
        );
        Some(Self {
            mac: Mac::parse(&sent.mac)?,
            age: sent.age.and_then(range::age),
            channel,
            frequency,
            signal: sent.signal.and_then(range::wifi_signal),
            snr: sent.snr.and_then(range::snr),
            is_opted_out: sent.is_opted_out,
        })
    }

    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        is_higher(self.signal, other.signal)
            || is_higher(self.snr, other.snr)
            || is_lower(self.age, other.age)
    }
}

impl Cell {
    /// The cell of a reading. Its radio type may differ from that of [`Area::new`]: a GSM cell
    /// with a wide id is looked up as WCDMA, while its area stays GSM, as in the original.
    pub(super) fn new(sent: &CellReading) -> Option<Self> {
        let radio = range::radio_of(sent.radio?, sent.cid);
        let area = Area::new(&CellReading { radio: Some(radio), ..sent.clone() })?;
        Some(Self {
            key: CellKey { area: area.key, cid: range::cid(radio, sent.cid?)? },
            psc: sent.psc.and_then(|psc| range::psc(radio, psc)),
            age: area.age,
            signal: area.signal,
            ta: area.ta,
        })
    }

    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        is_lower(self.ta, other.ta)
            || is_higher(self.signal, other.signal)
            || is_lower(self.age, other.age)
    }
}

impl Area {
    pub(super) fn new(sent: &CellReading) -> Option<Self> {
        let radio = sent.radio?;
        let mcc = u16::try_from(sent.mcc?).ok().filter(|&mcc| Regions::shared().is_mcc(mcc))?;
        Some(Self {
            key: AreaKey {
                radio,
                mcc,
                mnc: range::mnc(sent.mnc?)?,
                lac: range::lac(radio, sent.lac?)?,
            },
            age: sent.age.and_then(range::age),
            signal: sent.signal.and_then(|signal| range::cell_signal(radio, signal)),
            ta: sent.ta.and_then(|ta| range::timing_advance(radio, ta)),
        })
    }

    pub(super) fn is_better_than(&self, other: &Self) -> bool {
        is_lower(self.ta, other.ta)
            || is_higher(self.signal, other.signal)
            || is_lower(self.age, other.age)
    }
}

/// Are both known and the first higher?
fn is_higher<T: PartialOrd>(a: Option<T>, b: Option<T>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a > b)
}

/// Are both known and the first lower?
fn is_lower<T: PartialOrd>(a: Option<T>, b: Option<T>) -> bool {
    is_higher(b, a)
}
