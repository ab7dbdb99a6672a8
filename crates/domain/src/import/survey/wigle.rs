//! The CSV of the WiGLE app and of the many tools that write the same: versions 1.4 and 1.6, as
//! <https://api.wigle.net/csvFormat.html> has them. The first line names app and device and is left
//! aside by whoever splits the lines.
//!
//! | Column | Taken as |
//! | --- | --- |
//! | `MAC` | address; of cells `OPERATOR_AREA_CELL`, the operator being MCC (3 digits) and MNC |
//! | `SSID` | only looked at for a wish to be left out: an empty one is a hidden network |
//! | `FirstSeen` | time of this sighting, UTC (older releases of the app wrote the time zone of the device, which nothing names) |
//! | `Channel`, `Frequency` | Wi-Fi only, 1 to 233 and 2400 to 7125 MHz; of cells it is an ARFCN |
//! | `RSSI` | dBm, below 0 |
//! | `CurrentLatitude`, `CurrentLongitude` | degrees |
//! | `AltitudeMeters`, `AccuracyMeters` | metres; an accuracy of 0 is an unknown one |
//! | `Type` | `WIFI`, `BT`, `BLE`, `GSM`, `WCDMA`, `LTE`, `NR` |
//!
//! `AuthMode`, `RCOIs` and `MfgrId` are not needed.

use super::columns::{Column, Header, Row};
use super::sighting::{Place, Seen, Sighting, Station};
use super::{ACCURACY_M, ALTITUDE_M, ANY};
use crate::import::Reason;
use crate::report::{Position, ReportedBlue, ReportedCell, ReportedWifi, is_opted_out};

/// Where the values stand.
#[derive(Debug)]
pub(super) struct Columns {
    mac: Column,
    ssid: Option<Column>,
    time: Column,
    channel: Option<Column>,
    frequency: Option<Column>,
    signal: Option<Column>,
    lat: Column,
    lon: Column,
    altitude: Option<Column>,
    accuracy: Option<Column>,
    kind: Column,
}

impl Columns {
    pub(super) fn find(header: &Header) -> Result<Self, Vec<&'static str>> {
        let [mac, time, lat, lon, kind] =
            header.all(["mac", "firstseen", "currentlatitude", "currentlongitude", "type"])?;
        Ok(Self {
            mac,
            ssid: header.column(&["ssid"]),
            time,
            channel: header.column(&["channel"]),
            frequency: header.column(&["frequency"]),
            signal: header.column(&["rssi"]),
            lat,
            lon,
            altitude: header.column(&["altitudemeters"]),
            accuracy: header.column(&["accuracymeters"]),
            kind,
        })
    }

    pub(super) fn read(&self, row: Row<'_>) -> Result<Seen, Reason> {
        let word = row.text(self.kind).unwrap_or_default().to_ascii_lowercase();
        let station = match word.as_str() {
            "wifi" => {
                if row.raw(self.ssid).is_some_and(is_opted_out) {
                    return Ok(Seen::OptedOut);
                }
                Station::Wifi(self.wifi(row))
            }
            "bt" | "ble" => Station::Blue(ReportedBlue {
                mac: row.text(self.mac).map(str::to_owned),
                signal: row.integer(self.signal, -127..=-1),
                ..ReportedBlue::default()
            }),
            "gsm" | "wcdma" | "umts" | "lte" | "nr" => Station::Cell(self.cell(row, &word)?),
            "cdma" => return Err(Reason::RadioUnsupported),
            "" => return Err(Reason::MissingValue),
            _ => return Err(Reason::UnknownKind),
        };
        let timestamp = row.moment(self.time)?;
        let position = Position {
            lat: row.number(self.lat, ANY),
            lon: row.number(self.lon, ANY),
            accuracy: row.number(self.accuracy, ACCURACY_M).filter(|&accuracy| accuracy > 0.0),
            altitude: row.number(self.altitude, ALTITUDE_M),
            ..Position::default()
        };
        Ok(Seen::Sighting(Box::new(Sighting { place: Place { timestamp, position }, station })))
    }

    fn wifi(&self, row: Row<'_>) -> ReportedWifi {
        ReportedWifi {
            mac: row.text(self.mac).map(str::to_owned),
            channel: row.integer(self.channel, 1..=233),
            frequency: row.integer(self.frequency, 2400..=7125),
            signal: row.integer(self.signal, -127..=-1),
            ..ReportedWifi::default()
        }
    }

    fn cell(&self, row: Row<'_>, radio: &str) -> Result<ReportedCell, Reason> {
        let radio = if radio == "umts" { "wcdma" } else { radio };
        let key = row.text(self.mac).and_then(cell_key).ok_or(Reason::BadCell)?;
        let [mcc, mnc, lac, cid] = key;
        Ok(ReportedCell {
            radio: Some(radio.to_owned()),
            mcc: Some(mcc),
            mnc: Some(mnc),
            lac: Some(lac),
            cid: Some(cid),
            signal: row.integer(self.signal, -156..=-25),
            ..ReportedCell::default()
        })
    }
}

/// Country, network, area and cell out of `310410_56967_4118917`.
fn cell_key(text: &str) -> Option<[i64; 4]> {
    let mut parts = text.split('_');
    let (operator, lac, cid) = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = parts.next().is_none() && (4..=6).contains(&operator.len());
    let (mcc, mnc) = operator.split_at_checked(3).filter(|_| is_whole)?;
    Some([number(mcc)?, number(mnc)?, number(lac)?, number(cid)?])
}

fn number(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}
