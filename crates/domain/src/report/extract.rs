//! What can be learned from a report: one observation for each station it saw.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Position, Report, ReportedBlue, ReportedCell, ReportedWifi};
use crate::cell::{AreaKey, CellKey, Radio};
use crate::mac::Mac;
use crate::observation::{Fix, Observation, Reading};
use crate::reading;
use crate::region::Regions;
use crate::station::{Kind, StationKey};

/// A number for each kind of station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCounts {
    /// Bluetooth beacons.
    pub blue: u64,
    /// Cells.
    pub cell: u64,
    /// Wi-Fi access points.
    pub wifi: u64,
}

impl KindCounts {
    /// The number for a kind.
    #[must_use]
    pub const fn of(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Blue => self.blue,
            Kind::Cell => self.cell,
            Kind::Wifi => self.wifi,
        }
    }

    /// Counts so many more of a kind.
    pub const fn add(&mut self, kind: Kind, more: u64) {
        let count = match kind {
            Kind::Blue => &mut self.blue,
            Kind::Cell => &mut self.cell,
            Kind::Wifi => &mut self.wifi,
        };
        *count = count.saturating_add(more);
    }
}

/// What a report is good for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Extracted {
    /// One observation for each station: Bluetooth, cells, Wi-Fi, each in order of appearance.
    pub observations: Vec<Observation>,
    /// Stations without a usable identity. Not counted in a report without a usable position.
    pub malformed: KindCounts,
    /// Latitude and longitude for the coverage grid, when there is an observation.
    pub position: Option<(f64, f64)>,
    /// Does the report mention any station, usable or not?
    pub has_networks: bool,
}

impl Report {
    /// Everything to learn from the report. Nothing, when its position is unusable or not near any
    /// region of the world.
    #[must_use]
    pub fn observations(&self, regions: &Regions) -> Extracted {
        let has_networks = !(self.blue.is_empty() && self.cell.is_empty() && self.wifi.is_empty());
        let nothing = Extracted { has_networks, ..Extracted::default() };
        let Some(fix) = self.fix().filter(|fix| regions.is_anywhere(fix.lat, fix.lon)) else {
            return nothing;
        };
        let mut collected = Collected::default();
        for blue in &self.blue {
            collected.add(Kind::Blue, fix, self.blue(blue));
        }
        for cell in &self.cell {
            collected.add(Kind::Cell, fix, self.cell(cell, regions));
        }
        for wifi in &self.wifi {
            collected.add(Kind::Wifi, fix, self.wifi(wifi));
        }
        let position = (!collected.observations.is_empty()).then_some((fix.lat, fix.lon));
        Extracted {
            observations: collected.observations,
            malformed: collected.malformed,
            position,
            ..nothing
        }
    }

    /// The checked position, dated to the moment of the fix.
    fn fix(&self) -> Option<Fix> {
        let taken = self.timestamp.map(|time| time.saturating_sub(self.fix_age()));
        Fix::checked(self.position.as_ref()?, taken)
    }

    /// Milliseconds from the fix to the timestamp of the report.
    fn fix_age(&self) -> i64 {
        self.position.as_ref().and_then(|position: &Position| position.age).unwrap_or(0)
    }

    /// Age of a sighting relative to the fix. A sighting without an age is as old as the report.
    fn age(&self, age: Option<i64>) -> Option<i64> {
        match self.fix_age() {
            0 => age,
            fix_age => Some(age.unwrap_or(0).saturating_sub(fix_age)),
        }
    }

    fn blue(&self, blue: &ReportedBlue) -> Option<(StationKey, Reading)> {
        let mac = Mac::parse(blue.mac.as_deref()?)?;
        Some((StationKey::Blue(mac), Reading::blue(self.age(blue.age), blue.signal)))
    }

    fn wifi(&self, wifi: &ReportedWifi) -> Option<(StationKey, Reading)> {
        let mac = Mac::parse(wifi.mac.as_deref()?)?;
        let age = self.age(wifi.age);
        let reading = Reading::wifi(age, wifi.channel, wifi.frequency, wifi.signal, wifi.snr);
        Some((StationKey::Wifi(mac), reading))
    }

    fn cell(&self, cell: &ReportedCell, regions: &Regions) -> Option<(StationKey, Reading)> {
        let key = cell.key(regions)?;
        let radio = key.area.radio;
        let (asu, signal) = unswapped(cell.asu, cell.signal);
        let age = self.age(cell.age);
        Some((StationKey::Cell(key), Reading::cell(radio, age, asu, cell.psc, signal, cell.ta)))
    }
}

impl ReportedCell {
    /// Which cell this is; `None` when any part of its identity is missing or cannot be.
    #[must_use]
    pub fn key(&self, regions: &Regions) -> Option<CellKey> {
        let radio = reading::radio_of(Radio::from_name(self.radio.as_deref()?)?, self.cid);
        let area = AreaKey {
            radio,
            mcc: u16::try_from(self.mcc?).ok().filter(|&mcc| regions.is_mcc(mcc))?,
            mnc: reading::mnc(self.mnc?)?,
            lac: reading::lac(radio, self.lac?)?,
        };
        Some(CellKey { area, cid: reading::cid(radio, self.cid?)? })
    }
}

/// Some phones report the signal strength, a negative number, as strength unit.
fn unswapped(asu: Option<i64>, signal: Option<i64>) -> (Option<i64>, Option<i64>) {
    match (asu, signal) {
        (Some(asu), None | Some(0..)) if asu < -5 => (None, Some(asu)),
        both => both,
    }
}

/// The observations of a report so far, at most one for a station.
#[derive(Default)]
struct Collected {
    observations: Vec<Observation>,
    places: HashMap<StationKey, usize>,
    malformed: KindCounts,
}

impl Collected {
    fn add(&mut self, kind: Kind, fix: Fix, station: Option<(StationKey, Reading)>) {
        let Some((key, reading)) = station else {
            self.malformed.add(kind, 1);
            return;
        };
        match self.places.entry(key) {
            Entry::Vacant(place) => {
                place.insert(self.observations.len());
                self.observations.push(Observation { key, reading, fix });
            }
            Entry::Occupied(place) => {
                if let Some(earlier) = self.observations.get_mut(*place.get())
                    && !is_better(kind, &earlier.reading, &reading)
                {
                    earlier.reading = reading;
                }
            }
        }
    }
}

/// Is the earlier of two sightings of one station to be kept? One aspect in which it is better is
/// enough, whatever the others say; a missing value never decides.
fn is_better(kind: Kind, earlier: &Reading, later: &Reading) -> bool {
    let is_stronger = is_above(earlier.signal_dbm, later.signal_dbm);
    let is_nearer_in_time = is_above(later.age_ms, earlier.age_ms);
    match kind {
        Kind::Blue => is_stronger || is_nearer_in_time,
        Kind::Wifi => is_stronger || is_nearer_in_time || is_above(earlier.snr_db, later.snr_db),
        Kind::Cell => {
            is_stronger
                || is_nearer_in_time
                || is_above(later.ta, earlier.ta)
                || is_above(earlier.asu, later.asu)
        }
    }
}

fn is_above<T: PartialOrd>(value: Option<T>, other: Option<T>) -> bool {
    value.zip(other).is_some_and(|(value, other)| value > other)
}
