//! A report: where a device was, and the stations it saw there.
//!
//! These are the forms in which reports wait in queues, under the names the original gave their
//! members, so that its processes and ours can share the queues. Names of networks are never part
//! of what is written here. Where a report that somebody else queued has them, they are only looked
//! at to respect a wish to be left out, and forgotten.

mod extract;
mod networks;
#[cfg(test)]
mod tests;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

pub use extract::{Extracted, KindCounts};
pub use networks::{ReportedBlue, ReportedCell, ReportedWifi};

use crate::station::Source;
use crate::wire;

/// A report on its way to the targets that want it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueuedReport {
    /// The key it was sent with, as stored in the table of keys.
    #[serde(default, deserialize_with = "wire::text")]
    pub api_key: Option<String>,
    /// The report.
    pub report: Report,
    /// The class of source by which targets choose: the source of the position, `gnss` when none
    /// is stated, `query` for answers to position queries.
    #[serde(default, deserialize_with = "wire::text")]
    pub source: Option<String>,
}

impl QueuedReport {
    /// The class of source; a report without one is satellite based.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source.as_deref().unwrap_or(Source::Gnss.name())
    }
}

/// A report that nobody sent with a key, from the source of its position.
impl From<Report> for QueuedReport {
    fn from(report: Report) -> Self {
        let source = report.position.as_ref().and_then(|position| position.source);
        let source = Some(source.unwrap_or(Source::Gnss).name().to_owned());
        Self { api_key: None, report, source }
    }
}

/// A report on its way to one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExportedReport {
    /// The key it was sent with, as stored in the table of keys.
    #[serde(default, deserialize_with = "wire::text")]
    pub api_key: Option<String>,
    /// The report.
    pub report: Report,
}

impl From<QueuedReport> for ExportedReport {
    fn from(queued: QueuedReport) -> Self {
        Self { api_key: queued.api_key, report: queued.report }
    }
}

/// What one device saw at one moment.
///
/// Reading is lenient: an odd value is missing, an unknown member ignored.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Name of the network operator.
    #[serde(deserialize_with = "wire::text")]
    pub carrier: Option<String>,
    /// Country code of the subscription.
    #[serde(rename = "homeMobileCountryCode", deserialize_with = "wire::integer")]
    pub home_mcc: Option<i64>,
    /// Network code of the subscription.
    #[serde(rename = "homeMobileNetworkCode", deserialize_with = "wire::integer")]
    pub home_mnc: Option<i64>,
    /// When the device looked, milliseconds since 1970 UTC.
    #[serde(deserialize_with = "wire::integer")]
    pub timestamp: Option<i64>,
    /// Bluetooth beacons.
    #[serde(rename = "bluetoothBeacons", deserialize_with = "wire::list")]
    pub blue: Vec<ReportedBlue>,
    /// Wi-Fi access points.
    #[serde(rename = "wifiAccessPoints", deserialize_with = "networks::mapped_wifi")]
    pub wifi: Vec<ReportedWifi>,
    /// Cells.
    #[serde(rename = "cellTowers", deserialize_with = "wire::list")]
    pub cell: Vec<ReportedCell>,
    /// Which ways out a position query allowed; only reports made from queries have this.
    #[serde(deserialize_with = "wire::object")]
    pub fallbacks: Option<Fallbacks>,
    /// Where the device was.
    #[serde(deserialize_with = "wire::object")]
    pub position: Option<Position>,
}

/// Where a device was, how well it knows that, and how it moved.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Position {
    /// Degrees north.
    #[serde(rename = "latitude", deserialize_with = "wire::number")]
    pub lat: Option<f64>,
    /// Degrees east.
    #[serde(rename = "longitude", deserialize_with = "wire::number")]
    pub lon: Option<f64>,
    /// Radius of uncertainty, metres.
    #[serde(deserialize_with = "wire::number")]
    pub accuracy: Option<f64>,
    /// Milliseconds between the position and the timestamp of the report.
    #[serde(deserialize_with = "wire::integer")]
    pub age: Option<i64>,
    /// Metres above sea level.
    #[serde(deserialize_with = "wire::number")]
    pub altitude: Option<f64>,
    /// Uncertainty of the altitude, metres.
    #[serde(deserialize_with = "wire::number")]
    pub altitude_accuracy: Option<f64>,
    /// Direction of movement, degrees clockwise from north.
    #[serde(deserialize_with = "wire::number")]
    pub heading: Option<f64>,
    /// Air pressure, hPa.
    #[serde(deserialize_with = "wire::number")]
    pub pressure: Option<f64>,
    /// Metres per second.
    #[serde(deserialize_with = "wire::number")]
    pub speed: Option<f64>,
    /// What the position comes from; written by name.
    #[serde(deserialize_with = "wire::source")]
    pub source: Option<Source>,
}

/// Which ways out a position query allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fallbacks {
    /// May the address of the device be used?
    #[serde(deserialize_with = "wire::flag")]
    pub ipf: Option<bool>,
    /// May the area of a cell be used?
    #[serde(deserialize_with = "wire::flag")]
    pub lacf: Option<bool>,
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A submission always shows its three lists, a stored query only those it fills.
        let is_query = self.fallbacks.is_some();
        let mut map = serializer.serialize_map(None)?;
        wire::entry(&mut map, "carrier", self.carrier.as_ref())?;
        wire::entry(&mut map, "homeMobileCountryCode", self.home_mcc)?;
        wire::entry(&mut map, "homeMobileNetworkCode", self.home_mnc)?;
        wire::entry(&mut map, "timestamp", self.timestamp)?;
        let is_shown = |len: usize| len > 0 || !is_query;
        wire::entry(&mut map, "bluetoothBeacons", is_shown(self.blue.len()).then_some(&self.blue))?;
        wire::entry(&mut map, "wifiAccessPoints", is_shown(self.wifi.len()).then_some(&self.wifi))?;
        wire::entry(&mut map, "cellTowers", is_shown(self.cell.len()).then_some(&self.cell))?;
        wire::entry(&mut map, "fallbacks", self.fallbacks)?;
        wire::entry(&mut map, "position", self.position.as_ref())?;
        map.end()
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        wire::entry(&mut map, "latitude", self.lat)?;
        wire::entry(&mut map, "longitude", self.lon)?;
        wire::entry(&mut map, "accuracy", self.accuracy)?;
        wire::entry(&mut map, "age", self.age)?;
        wire::entry(&mut map, "altitude", self.altitude)?;
        wire::entry(&mut map, "altitudeAccuracy", self.altitude_accuracy)?;
        wire::entry(&mut map, "heading", self.heading)?;
        wire::entry(&mut map, "pressure", self.pressure)?;
        wire::entry(&mut map, "speed", self.speed)?;
        wire::entry(&mut map, "source", self.source.map(Source::name))?;
        map.end()
    }
}

impl Serialize for Fallbacks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        wire::entry(&mut map, "ipf", self.ipf)?;
        wire::entry(&mut map, "lacf", self.lacf)?;
        map.end()
    }
}

/// Has the owner of an access point asked, by its name, to be left out? Names that end in `_nomap`
/// or contain `_optout` say so in any case of letters, and so does a hidden name: sent, but empty.
#[must_use]
pub fn is_opted_out(ssid: &str) -> bool {
    let contains = |word: &[u8]| {
        ssid.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
    };
    let ending =
        ssid.len().checked_sub("_nomap".len()).and_then(|start| ssid.as_bytes().get(start..));
    ssid.trim_matches('\0').is_empty()
        || ending.is_some_and(|ending| ending.eq_ignore_ascii_case(b"_nomap"))
        || contains(b"_optout")
}
