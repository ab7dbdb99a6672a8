//! One station, seen once: what every row of a log comes to.

use crate::mac::Mac;
use crate::observation::Fix;
use crate::region::Regions;
use crate::report::{Position, Report, ReportedBlue, ReportedCell, ReportedWifi};

/// The earliest moment that a log can be about, milliseconds since 1970: 13 digits, as reports
/// have it. Before it (9 September 2001) lie only clocks that were not set.
const EARLIEST_MS: i64 = 1_000_000_000_000;
/// How far the clock of a device may be ahead, milliseconds: a day, which is more than any zone
/// that was taken for UTC.
const AHEAD_MS: i64 = 24 * 3600 * 1000;

/// Why a row or item is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reject {
    /// It cannot be read at all: no JSON, or far too long.
    Unreadable,
    /// It has another number of cells than the header.
    Columns,
    /// A kind of station, or a radio type, that is not learned (CDMA, TD-SCDMA, NFC, unknown).
    Kind,
    /// No address, or a cell without a full identity in the possible ranges.
    Station,
    /// No coordinates, impossible ones, or far from any land.
    Position,
    /// A time that cannot be read or cannot be: before September 2001, or after tomorrow.
    Time,
    /// No station is left in it.
    Empty,
}

impl Reject {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::Unreadable,
        Self::Columns,
        Self::Kind,
        Self::Station,
        Self::Position,
        Self::Time,
        Self::Empty,
    ];

    /// The word for counts and reject files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Columns => "columns",
            Self::Kind => "kind",
            Self::Station => "station",
            Self::Position => "position",
            Self::Time => "time",
            Self::Empty => "empty",
        }
    }
}

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
    ) -> Result<Box<Self>, Reject> {
        let has_identity = match &self.station {
            Station::Blue(blue) => is_address(blue.mac.as_deref()),
            Station::Wifi(wifi) => is_address(wifi.mac.as_deref()),
            Station::Cell(cell) => cell.key(regions).is_some(),
        };
        if !has_identity {
            return Err(Reject::Station);
        }
        self.place.check(now_ms, regions)?;
        Ok(self)
    }
}

/// A whole report out of a log, without the stations nothing can be learned about; at least one has
/// to be left.
pub fn checked_report(report: Report, now_ms: i64, regions: &Regions) -> Result<Report, Reject> {
    let is_empty = |report: &Report| {
        report.blue.is_empty() && report.cell.is_empty() && report.wifi.is_empty()
    };
    if is_empty(&report) {
        return Err(Reject::Empty);
    }
    let mut place =
        Place { timestamp: report.timestamp, position: report.position.unwrap_or_default() };
    place.check(now_ms, regions)?;
    let mut checked =
        Report { timestamp: place.timestamp, position: Some(place.position), ..report };
    checked.blue.retain(|blue| is_address(blue.mac.as_deref()));
    checked.wifi.retain(|wifi| is_address(wifi.mac.as_deref()));
    checked.cell.retain(|cell| cell.key(regions).is_some());
    if is_empty(&checked) { Err(Reject::Station) } else { Ok(checked) }
}

fn is_address(text: Option<&str>) -> bool {
    text.and_then(Mac::parse).is_some()
}

impl Place {
    /// Whether something can be learned from here. Without a time it is now.
    fn check(&mut self, now_ms: i64, regions: &Regions) -> Result<(), Reject> {
        let timestamp = *self.timestamp.get_or_insert(now_ms);
        if !(EARLIEST_MS..=now_ms.saturating_add(AHEAD_MS)).contains(&timestamp) {
            return Err(Reject::Time);
        }
        Fix::checked(&self.position, Some(timestamp))
            .filter(|fix| regions.is_anywhere(fix.lat, fix.lon))
            .map(drop)
            .ok_or(Reject::Position)
    }
}
