//! The stations of a report, with the names their members have in queues.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::is_opted_out;
use crate::wire;

/// One Bluetooth beacon in a report, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReportedBlue {
    /// Address, in whatever spelling.
    #[serde(rename = "macAddress", deserialize_with = "wire::text")]
    pub mac: Option<String>,
    /// Milliseconds between the sighting and the timestamp of the report.
    #[serde(deserialize_with = "wire::integer")]
    pub age: Option<i64>,
    /// Name the beacon announces.
    #[serde(deserialize_with = "wire::text")]
    pub name: Option<String>,
    /// Signal strength, dBm.
    #[serde(rename = "signalStrength", deserialize_with = "wire::integer")]
    pub signal: Option<i64>,
}

impl Serialize for ReportedBlue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        wire::entry(&mut map, "macAddress", self.mac.as_ref())?;
        wire::entry(&mut map, "age", self.age)?;
        wire::entry(&mut map, "name", self.name.as_ref())?;
        wire::entry(&mut map, "signalStrength", self.signal)?;
        map.end()
    }
}

/// One Wi-Fi access point in a report, as it was sent but for its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportedWifi {
    /// Address, in whatever spelling.
    pub mac: Option<String>,
    /// Milliseconds between the sighting and the timestamp of the report.
    pub age: Option<i64>,
    /// Channel number.
    pub channel: Option<i64>,
    /// Centre frequency, MHz.
    pub frequency: Option<i64>,
    /// Wi-Fi standard, such as `802.11n`.
    pub radio: Option<String>,
    /// Signal strength, dBm.
    pub signal: Option<i64>,
    /// Signal-to-noise ratio, dB.
    pub snr: Option<i64>,
}

impl Serialize for ReportedWifi {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        wire::entry(&mut map, "macAddress", self.mac.as_ref())?;
        wire::entry(&mut map, "age", self.age)?;
        wire::entry(&mut map, "channel", self.channel)?;
        wire::entry(&mut map, "frequency", self.frequency)?;
        wire::entry(&mut map, "radioType", self.radio.as_ref())?;
        wire::entry(&mut map, "signalStrength", self.signal)?;
        wire::entry(&mut map, "signalToNoiseRatio", self.snr)?;
        map.end()
    }
}

/// An access point as others queue it, with its name.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SentWifi {
    #[serde(rename = "macAddress", deserialize_with = "wire::text")]
    mac: Option<String>,
    #[serde(deserialize_with = "wire::integer")]
    age: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    channel: Option<i64>,
    #[serde(deserialize_with = "wire::integer")]
    frequency: Option<i64>,
    #[serde(rename = "radioType", deserialize_with = "wire::text")]
    radio: Option<String>,
    #[serde(rename = "signalStrength", deserialize_with = "wire::integer")]
    signal: Option<i64>,
    #[serde(rename = "signalToNoiseRatio", deserialize_with = "wire::integer")]
    snr: Option<i64>,
    #[serde(deserialize_with = "wire::text")]
    ssid: Option<String>,
}

/// Reads access points without those whose owners asked to be left out.
pub(super) fn mapped_wifi<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Vec<ReportedWifi>, D::Error> {
    let sent: Vec<SentWifi> = wire::list(input)?;
    let mapped = sent.into_iter().filter(|wifi| !wifi.ssid.as_deref().is_some_and(is_opted_out));
    let without_name = |wifi: SentWifi| ReportedWifi {
        mac: wifi.mac,
        age: wifi.age,
        channel: wifi.channel,
        frequency: wifi.frequency,
        radio: wifi.radio,
        signal: wifi.signal,
        snr: wifi.snr,
    };
    Ok(mapped.map(without_name).collect())
}

/// One cell in a report, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ReportedCell {
    /// Name of the radio type.
    #[serde(rename = "radioType", deserialize_with = "wire::text")]
    pub radio: Option<String>,
    /// Mobile country code.
    #[serde(rename = "mobileCountryCode", deserialize_with = "wire::integer")]
    pub mcc: Option<i64>,
    /// Mobile network code.
    #[serde(rename = "mobileNetworkCode", deserialize_with = "wire::integer")]
    pub mnc: Option<i64>,
    /// Location or tracking area code.
    #[serde(rename = "locationAreaCode", deserialize_with = "wire::integer")]
    pub lac: Option<i64>,
    /// Cell identity.
    #[serde(rename = "cellId", deserialize_with = "wire::integer")]
    pub cid: Option<i64>,
    /// Milliseconds between the sighting and the timestamp of the report.
    #[serde(deserialize_with = "wire::integer")]
    pub age: Option<i64>,
    /// Arbitrary strength unit.
    #[serde(deserialize_with = "wire::integer")]
    pub asu: Option<i64>,
    /// Primary scrambling code or physical cell id.
    #[serde(rename = "primaryScramblingCode", deserialize_with = "wire::integer")]
    pub psc: Option<i64>,
    /// 1 for the cell the device is registered with, 0 for a neighbour.
    #[serde(deserialize_with = "wire::integer")]
    pub serving: Option<i64>,
    /// Signal strength, dBm.
    #[serde(rename = "signalStrength", deserialize_with = "wire::integer")]
    pub signal: Option<i64>,
    /// Timing advance.
    #[serde(rename = "timingAdvance", deserialize_with = "wire::integer")]
    pub ta: Option<i64>,
}

impl Serialize for ReportedCell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        wire::entry(&mut map, "radioType", self.radio.as_ref())?;
        wire::entry(&mut map, "mobileCountryCode", self.mcc)?;
        wire::entry(&mut map, "mobileNetworkCode", self.mnc)?;
        wire::entry(&mut map, "locationAreaCode", self.lac)?;
        wire::entry(&mut map, "cellId", self.cid)?;
        wire::entry(&mut map, "age", self.age)?;
        wire::entry(&mut map, "asu", self.asu)?;
        wire::entry(&mut map, "primaryScramblingCode", self.psc)?;
        wire::entry(&mut map, "serving", self.serving)?;
        wire::entry(&mut map, "signalStrength", self.signal)?;
        wire::entry(&mut map, "timingAdvance", self.ta)?;
        map.end()
    }
}
