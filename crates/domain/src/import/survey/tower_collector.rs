//! The CSV of Tower Collector, one row a cell: its export, and the form it uploads to OpenCelliD,
//! which has some columns under other names.
//!
//! | Column | Taken as |
//! | --- | --- |
//! | `mcc`, `mnc`, `lac` (`tac`), `cell_id` (`cellid`), `psc` (`pci`) | the cell |
//! | `net_type` (`act`) | `GSM`, `UMTS`, `LTE`, `NR` and the names of their data services |
//! | `asu`, `dbm` | strength unit and dBm; `signal` is dBm below 0, else a strength unit |
//! | `ta` | timing advance |
//! | `lat`, `lon` | degrees |
//! | `accuracy` (`rating`), `altitude` | metres; an accuracy of 0 is an unknown one |
//! | `speed`, `bearing` (`direction`) | metres per second, degrees clockwise from north |
//! | `measured_at` | UTC |
//! | `neighboring` | `true`: not the cell the device was registered with |
//!
//! `device` and the further signal columns of newer releases are not needed.

use super::columns::{Column, Header, Row};
use super::sighting::{Place, Seen, Sighting, Station};
use super::{ACCURACY_M, ALTITUDE_M, ANY, HEADING_DEG, SPEED_MPS, radio};
use crate::import::Reason;
use crate::report::{Position, ReportedCell};

/// Where the values stand.
#[derive(Debug)]
pub(super) struct Columns {
    mcc: Column,
    mnc: Column,
    lac: Column,
    tac: Option<Column>,
    cid: Column,
    psc: [Option<Column>; 2],
    radio: Column,
    asu: Option<Column>,
    dbm: Option<Column>,
    signal: Option<Column>,
    ta: Option<Column>,
    lat: Column,
    lon: Column,
    accuracy: Option<Column>,
    altitude: Option<Column>,
    speed: Option<Column>,
    heading: Option<Column>,
    time: Column,
    neighboring: Option<Column>,
}

impl Columns {
    pub(super) fn find(header: &Header) -> Result<Self, Vec<&'static str>> {
        let [mcc, mnc, lac, lat, lon, time] =
            header.all(["mcc", "mnc", "lac", "lat", "lon", "measured_at"])?;
        let cid = header.column(&["cell_id", "cellid"]).ok_or_else(|| vec!["cell_id"])?;
        let radio = header.column(&["net_type", "act"]).ok_or_else(|| vec!["net_type"])?;
        Ok(Self {
            mcc,
            mnc,
            lac,
            tac: header.column(&["tac"]),
            cid,
            psc: [header.column(&["psc"]), header.column(&["pci"])],
            radio,
            asu: header.column(&["asu"]),
            dbm: header.column(&["dbm"]),
            signal: header.column(&["signal"]),
            ta: header.column(&["ta"]),
            lat,
            lon,
            accuracy: header.column(&["accuracy", "rating"]),
            altitude: header.column(&["altitude"]),
            speed: header.column(&["speed"]),
            heading: header.column(&["bearing", "direction"]),
            time,
            neighboring: header.column(&["neighboring"]),
        })
    }

    pub(super) fn read(&self, row: Row<'_>) -> Result<Seen, Reason> {
        let any = i64::MIN..=i64::MAX;
        let [psc, pci] = self.psc;
        let asu = row.integer(self.asu, 0..=127).or_else(|| row.integer(self.signal, 0..=127));
        let signal = -156..=-25;
        let cell = ReportedCell {
            radio: Some(radio(row.text(self.radio))?.to_owned()),
            mcc: row.integer(self.mcc, any.clone()),
            mnc: row.integer(self.mnc, any.clone()),
            lac: row.integer(self.lac, any.clone()).or_else(|| row.integer(self.tac, any.clone())),
            cid: row.integer(self.cid, any),
            age: None,
            asu,
            psc: row.integer(psc, 0..=1007).or_else(|| row.integer(pci, 0..=1007)),
            serving: row
                .text(self.neighboring)
                .map(|word| i64::from(!word.eq_ignore_ascii_case("true"))),
            signal: row
                .integer(self.dbm, signal.clone())
                .or_else(|| row.integer(self.signal, signal)),
            ta: row.integer(self.ta, 0..=1282),
        };
        let timestamp = row.moment(self.time)?;
        let position = Position {
            lat: row.number(self.lat, ANY),
            lon: row.number(self.lon, ANY),
            accuracy: row.number(self.accuracy, ACCURACY_M).filter(|&accuracy| accuracy > 0.0),
            altitude: row.number(self.altitude, ALTITUDE_M),
            heading: row.number(self.heading, HEADING_DEG),
            speed: row.number(self.speed, SPEED_MPS),
            ..Position::default()
        };
        let place = Place { timestamp, position };
        Ok(Seen::Sighting(Box::new(Sighting { place, station: Station::Cell(cell) })))
    }
}
