//! What microG has learned, as its settings export it: `mcc,mnc,type,lac,cid,psc,lat,lon,alt` for
//! cells, `mac,lat,lon,alt` for access points. A row is no sighting but the middle of all of them:
//! it has no time, no signal and no accuracy, and counts as a position that was put together
//! (`fused`), with an accuracy by which it weighs less than a real sighting.
//!
//! `type` is the number or the name of a radio type; a `psc` of 0 is an unknown one. Names of
//! networks are not in the file; microG learns none that asks to be left out.

use super::columns::{Column, Header, Row};
use super::sighting::{Place, Seen, Sighting, Station};
use super::{ALTITUDE_M, ANY, radio};
use crate::import::Reason;
use crate::report::{Position, ReportedCell, ReportedWifi};
use crate::station::Source;

/// How far the middle of all sightings of an access point may be from it, metres: its reach.
const WIFI_ACCURACY_M: f64 = 100.0;
/// The same of a cell: the largest accuracy with which anything is learned about cells.
const CELL_ACCURACY_M: f64 = 1000.0;
/// The radio types in the order of their numbers.
const TYPES: [&str; 6] = ["CDMA", "GSM", "WCDMA", "LTE", "TDSCDMA", "NR"];

/// Where the values stand.
#[derive(Debug)]
pub(super) struct Columns {
    lat: Column,
    lon: Column,
    altitude: Column,
    station: Kind,
}

/// What the rows of the file are about.
#[derive(Debug)]
enum Kind {
    Wifi { mac: Column },
    Cell { mcc: Column, mnc: Column, kind: Column, lac: Column, cid: Column, psc: Column },
}

impl Columns {
    pub(super) fn find(header: &Header) -> Result<Self, Vec<&'static str>> {
        let [lat, lon, altitude] = header.all(["lat", "lon", "alt"])?;
        let station = if let Some(mac) = header.column(&["mac"]) {
            Kind::Wifi { mac }
        } else {
            let [mcc, mnc, kind, lac, cid, psc] =
                header.all(["mcc", "mnc", "type", "lac", "cid", "psc"])?;
            Kind::Cell { mcc, mnc, kind, lac, cid, psc }
        };
        Ok(Self { lat, lon, altitude, station })
    }

    pub(super) fn read(&self, row: Row<'_>) -> Result<Seen, Reason> {
        let (station, accuracy) = match self.station {
            Kind::Wifi { mac } => {
                let mac = row.text(mac).map(str::to_owned);
                let wifi = ReportedWifi { mac, ..ReportedWifi::default() };
                (Station::Wifi(wifi), WIFI_ACCURACY_M)
            }
            Kind::Cell { mcc, mnc, kind, lac, cid, psc } => {
                let word = row.text(kind).unwrap_or_default();
                let word = match word.parse::<usize>() {
                    Ok(number) => TYPES.get(number).copied().ok_or(Reason::RadioUnknown)?,
                    Err(_) => word,
                };
                let any = i64::MIN..=i64::MAX;
                let cell = ReportedCell {
                    radio: Some(radio(Some(word))?.to_owned()),
                    mcc: row.integer(mcc, any.clone()),
                    mnc: row.integer(mnc, any.clone()),
                    lac: row.integer(lac, any.clone()),
                    cid: row.integer(cid, any),
                    psc: row.integer(psc, 1..=1007),
                    ..ReportedCell::default()
                };
                (Station::Cell(cell), CELL_ACCURACY_M)
            }
        };
        let position = Position {
            lat: row.number(self.lat, ANY),
            lon: row.number(self.lon, ANY),
            accuracy: Some(accuracy),
            altitude: row.number(self.altitude, ALTITUDE_M),
            source: Some(Source::Fused),
            ..Position::default()
        };
        let place = Place { timestamp: None, position };
        Ok(Seen::Sighting(Box::new(Sighting { place, station })))
    }
}
