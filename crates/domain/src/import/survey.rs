//! Logs of survey apps: what a device saw, where and when, one file for each form.
//!
//! The readers take the cells of one row, by the names in the header, so that the order of columns
//! does not matter and unknown ones are no harm. What they give is what a device would have sent:
//! a [`Report`](crate::report::Report), with the names of networks already gone.

mod columns;
mod gather;
pub mod json;
mod microg;
mod neo_stumbler;
mod sighting;
mod time;
mod tower_collector;
mod wigle;

use std::ops::RangeInclusive;

pub use columns::{Header, Row};
pub use gather::{Gatherer, Merged, merge};
pub use sighting::{Place, Sighting, Station, checked_report};

use self::sighting::Seen;
use super::{Format, Reason};
use crate::region::Regions;

/// Coordinates, degrees; whether they are on the map is checked with everything else.
const ANY: RangeInclusive<f64> = f64::MIN..=f64::MAX;
/// Radius of uncertainty, metres. These ranges are those of [`Fix`](crate::observation::Fix).
const ACCURACY_M: RangeInclusive<f64> = 0.0..=1_000_000.0;
/// Height above sea level, metres.
const ALTITUDE_M: RangeInclusive<f64> = -10_911.0..=100_000.0;
/// Uncertainty of the height, metres.
const ALTITUDE_ACCURACY_M: RangeInclusive<f64> = 0.0..=110_911.0;
/// Direction of movement, degrees clockwise from north.
const HEADING_DEG: RangeInclusive<f64> = 0.0..=360.0;
/// Air pressure, hPa.
const PRESSURE_HPA: RangeInclusive<f64> = 100.0..=1200.0;
/// Speed, metres per second.
const SPEED_MPS: RangeInclusive<f64> = 0.0..=300.0;
/// Milliseconds between a sighting or a fix and its report.
const AGE_MS: RangeInclusive<i64> = -3_600_000..=3_600_000;

/// The name of a radio type, from the names that apps give it and its data services.
fn radio(word: Option<&str>) -> Result<&'static str, Reason> {
    match word.unwrap_or_default().to_ascii_lowercase().as_str() {
        "gsm" | "gprs" | "edge" => Ok("gsm"),
        "wcdma" | "umts" | "hspa" | "hspa+" | "hspap" | "hsdpa" | "hsupa" => Ok("wcdma"),
        "lte" | "lte-a" => Ok("lte"),
        "nr" => Ok("nr"),
        "cdma" | "tdscdma" | "td-scdma" | "iden" => Err(Reason::RadioUnsupported),
        "" => Err(Reason::RadioMissing),
        _ => Err(Reason::RadioUnknown),
    }
}

/// A form of log in which every row is one sighting of one station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// WiGLE, versions 1.4 and 1.6.
    Wigle,
    /// One file out of the export of NeoStumbler.
    NeoStumbler,
    /// Tower Collector.
    TowerCollector,
    /// What microG has learned about cells or access points.
    Microg,
}

/// How an archive begins.
const ZIP: &[u8] = b"PK\x03\x04";
/// How the line about app and device begins in WiGLE files.
pub const WIGLE_DEVICE: &[u8] = b"WigleWifi-";

/// The format of a log, from the beginning of the file and its first line that is not empty.
pub(super) fn detect(head: &[u8], line: &[u8]) -> Option<Format> {
    if head.starts_with(ZIP) {
        return Some(Format::NeoStumbler);
    }
    if line.starts_with(WIGLE_DEVICE) {
        return Some(Format::Wigle);
    }
    if line.trim_ascii_start().starts_with(b"{") || line.trim_ascii_start().starts_with(b"[") {
        // Lines by themselves have a whole document in the first of them and something after it.
        let start = head.windows(line.len()).position(|part| part == line)?;
        let rest = head.get(start + line.len()..)?;
        let is_whole = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
        let has_more = !rest.trim_ascii().is_empty();
        let format = if is_whole && has_more { Format::GeosubmitLines } else { Format::Geosubmit };
        return Some(format);
    }
    let text = String::from_utf8_lossy(line);
    let names = text.split(',').map(|name| name.trim().trim_matches('"'));
    Some(match Rows::form(&Header::new(names))? {
        Form::Wigle => Format::Wigle,
        Form::NeoStumbler => Format::NeoStumbler,
        Form::TowerCollector => Format::TowerCollector,
        Form::Microg => Format::Microg,
    })
}

/// What a row is good for.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A sighting.
    Seen(Box<Sighting>),
    /// The owner of the network asks to be left out.
    OptedOut,
}

/// Reads the rows of one file.
#[derive(Debug)]
pub struct Rows {
    columns: Columns,
    width: usize,
}

/// Where each form has its values.
#[derive(Debug)]
enum Columns {
    Wigle(wigle::Columns),
    NeoStumbler(neo_stumbler::Columns),
    TowerCollector(tower_collector::Columns),
    Microg(microg::Columns),
}

impl Rows {
    /// Finds the columns by the header; `Err` names those that are missing.
    pub fn open(form: Form, header: &Header) -> Result<Self, Vec<&'static str>> {
        let columns = match form {
            Form::Wigle => Columns::Wigle(wigle::Columns::find(header)?),
            Form::NeoStumbler => Columns::NeoStumbler(neo_stumbler::Columns::find(header)?),
            Form::TowerCollector => {
                Columns::TowerCollector(tower_collector::Columns::find(header)?)
            }
            Form::Microg => Columns::Microg(microg::Columns::find(header)?),
        };
        Ok(Self { columns, width: header.width() })
    }

    /// The form whose header this is.
    #[must_use]
    pub fn form(header: &Header) -> Option<Form> {
        let forms = [Form::Wigle, Form::NeoStumbler, Form::TowerCollector, Form::Microg];
        forms.into_iter().find(|&form| Self::open(form, header).is_ok())
    }

    /// Reads one row. `now_ms` is the time of a sighting without one, and no sighting can be later
    /// than a day after it.
    pub fn read(&self, row: Row<'_>, now_ms: i64, regions: &Regions) -> Result<Read, Reason> {
        row.fits(self.width)?;
        let seen = match &self.columns {
            Columns::Wigle(columns) => columns.read(row)?,
            Columns::NeoStumbler(columns) => columns.read(row)?,
            Columns::TowerCollector(columns) => columns.read(row)?,
            Columns::Microg(columns) => columns.read(row)?,
        };
        match seen {
            Seen::Sighting(sighting) => Ok(Read::Seen(sighting.checked(now_ms, regions)?)),
            Seen::OptedOut => Ok(Read::OptedOut),
        }
    }
}

#[cfg(test)]
mod tests;
