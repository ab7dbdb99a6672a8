//! Observations in the queues of the station tables.
//!
//! The payload does not say which kind of station it is about; the name of the queue does.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::{Fix, Observation, Reading};
use crate::cell::{AreaKey, CellKey, Radio};
use crate::mac::Mac;
use crate::reading;
use crate::report::Position;
use crate::station::{Kind, Source, StationKey};
use crate::wire;

impl Serialize for Observation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.key {
            StationKey::Blue(mac) | StationKey::Wifi(mac) => map.serialize_entry("mac", mac)?,
            StationKey::Cell(CellKey { area, cid }) => {
                map.serialize_entry("radio", &area.radio)?;
                map.serialize_entry("mcc", &area.mcc)?;
                map.serialize_entry("mnc", &area.mnc)?;
                map.serialize_entry("lac", &area.lac)?;
                map.serialize_entry("cid", cid)?;
            }
        }
        let reading = &self.reading;
        wire::entry(&mut map, "psc", reading.psc)?;
        wire::entry(&mut map, "age", reading.age_ms)?;
        wire::entry(&mut map, "channel", reading.channel)?;
        wire::entry(&mut map, "frequency", reading.frequency_mhz)?;
        wire::entry(&mut map, "asu", reading.asu)?;
        wire::entry(&mut map, "signal", reading.signal_dbm)?;
        wire::entry(&mut map, "snr", reading.snr_db)?;
        wire::entry(&mut map, "ta", reading.ta)?;
        let fix = &self.fix;
        map.serialize_entry("lat", &fix.lat)?;
        map.serialize_entry("lon", &fix.lon)?;
        wire::entry(&mut map, "accuracy", fix.accuracy_m)?;
        wire::entry(&mut map, "altitude", fix.altitude_m)?;
        wire::entry(&mut map, "altitude_accuracy", fix.altitude_accuracy_m)?;
        wire::entry(&mut map, "heading", fix.heading_deg)?;
        wire::entry(&mut map, "pressure", fix.pressure_hpa)?;
        wire::entry(&mut map, "speed", fix.speed_mps)?;
        wire::entry(&mut map, "source", fix.source)?;
        wire::entry(&mut map, "timestamp", fix.timestamp_ms)?;
        map.end()
    }
}

/// An observation as it was found in a queue, not checked yet.
///
/// Reading is lenient: an odd value is missing, an unknown member ignored.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct QueuedObservation {
    #[serde(deserialize_with = "wire::text")]
    mac: Option<String>,
    #[serde(deserialize_with = "wire::integer")]
    radio: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    mcc: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    mnc: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    lac: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    cid: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    psc: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    age: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    channel: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    frequency: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    asu: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    signal: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    snr: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    ta: Option<i64>,
    #[serde(deserialize_with = "wire::number")]
    lat: Option<f64>,
    #[serde(deserialize_with = "wire::number")]
    lon: Option<f64>,
    #[serde(deserialize_with = "wire::number")]
    accuracy: Option<f64>,
    #[serde(deserialize_with = "wire::number")]
    altitude: Option<f64>,
    #[serde(deserialize_with = "wire::number")]
    altitude_accuracy: Option<f64>,
    #[serde(deserialize_with = "wire::number")]
    heading: Option<f64>,
    #[serde(deserialize_with = "wire::number")]
    pressure: Option<f64>,
    #[serde(deserialize_with = "wire::number")]
    speed: Option<f64>,
    #[serde(deserialize_with = "wire::source")]
    source: Option<Source>,
    #[serde(deserialize_with = "wire::integer")]
    timestamp: Option<i64>,
}

impl QueuedObservation {
    /// The observation, read from a queue of this kind; `None` when it names no station or no
    /// place.
    #[must_use]
    pub fn checked(&self, kind: Kind) -> Option<Observation> {
        let (key, reading) = match kind {
            Kind::Blue => (StationKey::Blue(self.mac()?), Reading::blue(self.age, self.signal)),
            Kind::Wifi => {
                let reading =
                    Reading::wifi(self.age, self.channel, self.frequency, self.signal, self.snr);
                (StationKey::Wifi(self.mac()?), reading)
            }
            Kind::Cell => {
                let cell = self.cell()?;
                let reading = Reading::cell(
                    cell.area.radio,
                    self.age,
                    self.asu,
                    self.psc,
                    self.signal,
                    self.ta,
                );
                (StationKey::Cell(cell), reading)
            }
        };
        let position = Position {
            lat: self.lat,
            lon: self.lon,
            accuracy: self.accuracy,
            age: None,
            altitude: self.altitude,
            altitude_accuracy: self.altitude_accuracy,
            heading: self.heading,
            pressure: self.pressure,
            speed: self.speed,
            source: self.source,
        };
        Some(Observation { key, reading, fix: Fix::checked(&position, self.timestamp)? })
    }

    fn mac(&self) -> Option<Mac> {
        Mac::parse(self.mac.as_deref()?)
    }

    fn cell(&self) -> Option<CellKey> {
        let radio = Radio::from_code(u8::try_from(self.radio?).ok()?)?;
        let area = AreaKey {
            radio,
            mcc: u16::try_from(self.mcc?).ok().filter(|&mcc| mcc <= 999)?,
            mnc: reading::mnc(self.mnc?)?,
            lac: reading::lac(radio, self.lac?)?,
        };
        Some(CellKey { area, cid: reading::cid(radio, self.cid?)? })
    }
}
