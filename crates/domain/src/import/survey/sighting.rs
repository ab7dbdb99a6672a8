//! One station, seen once: what every row of a log comes to.

use crate::cell::Radio;
use crate::import::Reason;
use crate::mac::Mac;
use crate::observation::Fix;
use crate::reading;
use crate::region::Regions;
use crate::report::{Position, Report, ReportedBlue, ReportedCell, ReportedWifi};

/// The earliest moment that a log can be about, milliseconds since 1970: 13 digits, as reports
/// have it. Before it (9 September 2001) lie only clocks that were not set.
const EARLIEST_MS: i64 = 1_000_000_000_000;
/// How far the clock of a device may be ahead, milliseconds: a day, which is more than any zone
/// that was taken for UTC.
const AHEAD_MS: i64 = 24 * 3600 * 1000;

/// Where and when a device looked. Sightings with the same belong to one report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Milliseconds since 1970 UTC.
    pub timestamp: Option<i64>,
    /// Where the device was.
    pub position: Position,
}

/// A station as a report has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Station {
    /// A Bluetooth beacon.
    Blue(ReportedBlue),
    /// A cell.
    Cell(ReportedCell),
    /// An access point.
    Wifi(ReportedWifi),
}

/// One station, seen once.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// From where.
    pub place: Place,
    /// The station.
    pub station: Station,
}

/// What a reader found in a row, not checked yet.
#[derive(Debug)]
pub(super) enum Seen {
    /// A sighting.
    Sighting(Box<Sighting>),
    /// A network whose name asks to be left out.
    OptedOut,
}

impl Sighting {
    /// The sighting, if it can be learned from. Without a time it is from now.
    pub(super) fn checked(
        mut self: Box<Self>,
        now_ms: i64,
        regions: &Regions,
    ) -> Result<Box<Self>, Reason> {
        let is_known = match &self.station {
            Station::Blue(blue) => is_address(blue.mac.as_deref()),
            Station::Wifi(wifi) => is_address(wifi.mac.as_deref()),
            Station::Cell(cell) if cell.key(regions).is_some() => true,
            Station::Cell(cell) => return Err(why_no_cell(cell, regions)),
        };
        if !is_known {
            return Err(Reason::BadMac);
        }
        self.place.check(now_ms, regions)?;
        Ok(self)
    }
}

/// A whole report out of a log, without the stations nothing can be learned about; at least one has
/// to be left.
pub fn checked_report(report: Report, now_ms: i64, regions: &Regions) -> Result<Report, Reason> {
    let is_empty = |report: &Report| {
        report.blue.is_empty() && report.cell.is_empty() && report.wifi.is_empty()
    };
    if is_empty(&report) {
        return Err(Reason::NoStation);
    }
    let mut place =
        Place { timestamp: report.timestamp, position: report.position.unwrap_or_default() };
    place.check(now_ms, regions)?;
    let mut checked =
        Report { timestamp: place.timestamp, position: Some(place.position), ..report };
    checked.blue.retain(|blue| is_address(blue.mac.as_deref()));
    checked.wifi.retain(|wifi| is_address(wifi.mac.as_deref()));
    checked.cell.retain(|cell| cell.key(regions).is_some());
    if is_empty(&checked) { Err(Reason::NoStation) } else { Ok(checked) }
}

/// The first part of the identity of a cell that cannot be.
fn why_no_cell(cell: &ReportedCell, regions: &Regions) -> Reason {
    let Some(radio) = cell.radio.as_deref().and_then(Radio::from_name) else {
        return Reason::RadioUnknown;
    };
    let radio = reading::radio_of(radio, cell.cid);
    let is_mcc = |mcc| u16::try_from(mcc).is_ok_and(|mcc| regions.is_mcc(mcc));
    if !cell.mcc.is_some_and(is_mcc) {
        Reason::UnknownMcc
    } else if cell.mnc.and_then(reading::mnc).is_none() {
        Reason::BadMnc
    } else if cell.lac.and_then(|lac| reading::lac(radio, lac)).is_none() {
        Reason::BadArea
    } else {
        Reason::BadCell
    }
}

fn is_address(text: Option<&str>) -> bool {
    text.and_then(Mac::parse).is_some()
}

impl Place {
    /// Whether something can be learned from here. Without a time it is now.
    fn check(&mut self, now_ms: i64, regions: &Regions) -> Result<(), Reason> {
        let timestamp = *self.timestamp.get_or_insert(now_ms);
        if timestamp < EARLIEST_MS {
            return Err(Reason::BadTime);
        }
        if timestamp > now_ms.saturating_add(AHEAD_MS) {
            return Err(Reason::FutureTime);
        }
        match (self.position.lat, self.position.lon) {
            (None, _) | (_, None) => return Err(Reason::MissingValue),
            (Some(0.0), Some(0.0)) => return Err(Reason::NoPosition),
            _ => {}
        }
        Fix::checked(&self.position, Some(timestamp))
            .filter(|fix| regions.is_anywhere(fix.lat, fix.lon))
            .map(drop)
            .ok_or(Reason::BadPosition)
    }
}
