//! The export of NeoStumbler: a zip with `wifis.csv`, `cells.csv` and `beacons.csv`, those that would
//! be empty left out. Every row is one station with the report it belongs to: reports have no number
//! of their own, but time and position are the same in all their rows.
//!
//! | Column | Taken as |
//! | --- | --- |
//! | `timestamp` | time of the report, milliseconds since 1970, cut to seconds |
//! | `latitude`, `longitude`, `locationAccuracy`, `altitude`, `altitudeAccuracy` | degrees, metres |
//! | `speed`, `pressure` | metres per second, hPa |
//! | `locationAge`, `wifiScanAge`, `cellScanAge`, `bluetoothScanAge` | milliseconds before the report |
//! | `macAddress`, `signalStrength`, `asu` | address, dBm, strength unit |
//! | `ssid` | only looked at for a wish to be left out |
//! | `radioType`, `mcc`, `mnc`, `lac`, `cellId`, `psc` | the cell |
//!
//! `arfcn`, `beaconType`, `id1`, `id2` and `id3` are not needed.

use super::columns::{Column, Header, Row};
use super::radio;
use super::sighting::{Place, Seen, Sighting, Station};
use super::{ACCURACY_M, AGE_MS, ALTITUDE_ACCURACY_M, ALTITUDE_M, ANY, PRESSURE_HPA, SPEED_MPS};
use crate::import::Reason;
use crate::report::{Position, ReportedBlue, ReportedCell, ReportedWifi, is_opted_out};

/// Where the values stand.
#[derive(Debug)]
pub(super) struct Columns {
    timestamp: Column,
    lat: Column,
    lon: Column,
    accuracy: Option<Column>,
    altitude: Option<Column>,
    altitude_accuracy: Option<Column>,
    position_age: Option<Column>,
    speed: Option<Column>,
    pressure: Option<Column>,
    signal: Option<Column>,
    station: Kind,
}

/// What the rows of the file are about.
#[derive(Debug)]
enum Kind {
    Blue { mac: Column, age: Option<Column> },
    Wifi { mac: Column, age: Option<Column>, ssid: Option<Column> },
    Cell(Cell),
}

#[derive(Debug)]
struct Cell {
    radio: Column,
    mcc: Column,
    mnc: Column,
    lac: Column,
    cid: Column,
    psc: Option<Column>,
    asu: Option<Column>,
    age: Option<Column>,
}

impl Kind {
    fn find(header: &Header) -> Result<Self, Vec<&'static str>> {
        if header.column(&["cellid"]).is_some() {
            let [radio, mcc, mnc, lac, cid] =
                header.all(["radiotype", "mcc", "mnc", "lac", "cellid"])?;
            return Ok(Self::Cell(Cell {
                radio,
                mcc,
                mnc,
                lac,
                cid,
                psc: header.column(&["psc"]),
                asu: header.column(&["asu"]),
                age: header.column(&["cellscanage"]),
            }));
        }
        let [mac] = header.all(["macaddress"])?;
        let (wifi_age, ssid) = (header.column(&["wifiscanage"]), header.column(&["ssid"]));
        let blue_age = header.column(&["bluetoothscanage"]);
        match (wifi_age, ssid, blue_age) {
            (None, None, None) => Err(vec!["wifiscanage"]),
            (None, None, age) => Ok(Self::Blue { mac, age }),
            (age, ssid, _) => Ok(Self::Wifi { mac, age, ssid }),
        }
    }
}

impl Columns {
    pub(super) fn find(header: &Header) -> Result<Self, Vec<&'static str>> {
        let [timestamp, lat, lon] = header.all(["timestamp", "latitude", "longitude"])?;
        Ok(Self {
            timestamp,
            lat,
            lon,
            accuracy: header.column(&["locationaccuracy"]),
            altitude: header.column(&["altitude"]),
            altitude_accuracy: header.column(&["altitudeaccuracy"]),
            position_age: header.column(&["locationage"]),
            speed: header.column(&["speed"]),
            pressure: header.column(&["pressure"]),
            signal: header.column(&["signalstrength"]),
            station: Kind::find(header)?,
        })
    }

    pub(super) fn read(&self, row: Row<'_>) -> Result<Seen, Reason> {
        let signal = row.integer(self.signal, -156..=0);
        let mac = |column| row.text(column).map(str::to_owned);
        let station = match &self.station {
            Kind::Blue { mac: column, age } => Station::Blue(ReportedBlue {
                mac: mac(*column),
                age: row.integer(*age, AGE_MS),
                signal,
                name: None,
            }),
            Kind::Wifi { mac: column, age, ssid } => {
                if row.raw(*ssid).is_some_and(is_opted_out) {
                    return Ok(Seen::OptedOut);
                }
                Station::Wifi(ReportedWifi {
                    mac: mac(*column),
                    age: row.integer(*age, AGE_MS),
                    signal,
                    ..ReportedWifi::default()
                })
            }
            Kind::Cell(cell) => Station::Cell(cell.read(row, signal)?),
        };
        let timestamp = row.moment(self.timestamp)?;
        let position = Position {
            lat: row.number(self.lat, ANY),
            lon: row.number(self.lon, ANY),
            accuracy: row.number(self.accuracy, ACCURACY_M),
            age: row.integer(self.position_age, AGE_MS),
            altitude: row.number(self.altitude, ALTITUDE_M),
            altitude_accuracy: row.number(self.altitude_accuracy, ALTITUDE_ACCURACY_M),
            pressure: row.number(self.pressure, PRESSURE_HPA),
            speed: row.number(self.speed, SPEED_MPS),
            ..Position::default()
        };
        Ok(Seen::Sighting(Box::new(Sighting { place: Place { timestamp, position }, station })))
    }
}

impl Cell {
    fn read(&self, row: Row<'_>, signal: Option<i64>) -> Result<ReportedCell, Reason> {
        let any = i64::MIN..=i64::MAX;
        Ok(ReportedCell {
            radio: Some(radio(row.text(self.radio))?.to_owned()),
            mcc: row.integer(self.mcc, any.clone()),
            mnc: row.integer(self.mnc, any.clone()),
            lac: row.integer(self.lac, any.clone()),
            cid: row.integer(self.cid, any),
            age: row.integer(self.age, AGE_MS),
            asu: row.integer(self.asu, 0..=127),
            psc: row.integer(self.psc, 0..=1007),
            serving: None,
            signal,
            ta: None,
        })
    }
}
