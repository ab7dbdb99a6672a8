//! What reports may say, in the three versions of the submit API; descriptions as in `requests.rs`.

use serde::Deserialize;
use utoipa::ToSchema;

use super::requests::BluetoothBeacon;

/// Reports in the newest form.
#[derive(ToSchema)]
pub struct SubmitV2 {
    /// What was seen, and where.
    pub items: Vec<ReportV2>,
}

/// Reports in the second form.
#[derive(ToSchema)]
pub struct SubmitV1 {
    /// What was seen, and where.
    pub items: Vec<ReportV1>,
}

/// Reports in the oldest form.
#[derive(ToSchema)]
pub struct SubmitV0 {
    /// What was seen, and where.
    pub items: Vec<ReportV0>,
}

/// What a device saw at one place. Networks that are hidden or opted out (`_nomap`, `_optout`) are
/// left out before anything is kept; a report of which nothing is left is dropped.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportV2 {
    /// Where.
    #[schema(nullable = false)]
    pub position: Option<ReportedPosition>,
    /// Cells.
    #[schema(nullable = false)]
    pub cell_towers: Option<Vec<ReportedCell>>,
    /// The rest. Members of a position count here where there is no `position`.
    #[serde(flatten)]
    pub rest: Report,
    /// The same.
    #[serde(flatten)]
    pub older: ReportedPosition,
}

/// The same in the second form: the position stands in the report itself.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportV1 {
    /// Cells.
    #[schema(nullable = false)]
    pub cell_towers: Option<Vec<ReportedCellV1>>,
    /// What the report says beside the position.
    #[serde(flatten)]
    pub rest: Report,
    /// Where.
    #[serde(flatten)]
    pub position: ReportedPosition,
}

/// What newer reports have in common.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When, milliseconds since 1970; now, if left out.
    #[schema(example = 1_405_602_028_568_i64)]
    pub timestamp: Option<i64>,
    /// Wi-Fi access points.
    #[schema(nullable = false)]
    pub wifi_access_points: Option<Vec<ReportedWifi>>,
    /// Bluetooth beacons.
    #[schema(nullable = false)]
    pub bluetooth_beacons: Option<Vec<BluetoothBeacon>>,
    /// Radio type of cells that do not say theirs: `gsm`, `wcdma`, `lte` or `nr`.
    pub radio_type: Option<String>,
    /// Name of the network operator.
    pub carrier: Option<String>,
    /// Country code of the device's own network.
    pub home_mobile_country_code: Option<i64>,
    /// Network code of the device's own network.
    pub home_mobile_network_code: Option<i64>,
}

/// Where a device was.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedPosition {
    /// Latitude, degrees.
    pub latitude: Option<f64>,
    /// Longitude, degrees.
    pub longitude: Option<f64>,
    /// Radius within which it is right, metres.
    pub accuracy: Option<f64>,
    /// Milliseconds between the position and what was seen.
    pub age: Option<i64>,
    /// Metres above the sea.
    pub altitude: Option<f64>,
    /// How right that is, metres.
    pub altitude_accuracy: Option<f64>,
    /// Direction of travel, degrees from north.
    pub heading: Option<f64>,
    /// Air pressure, hPa.
    pub pressure: Option<f64>,
    /// Speed, metres a second.
    pub speed: Option<f64>,
    /// How the position was found: `gnss`, `fused`, `fixed` or `query`; anything else counts as
    /// `gnss`.
    pub source: Option<String>,
}

/// A Wi-Fi access point.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedWifi {
    /// Its address (BSSID).
    #[schema(example = "02:1c:ac:00:00:01")]
    pub mac_address: Option<String>,
    /// Signal strength, dBm.
    pub signal_strength: Option<i64>,
    /// Milliseconds between the position and when it was seen.
    pub age: Option<i64>,
    /// Channel.
    pub channel: Option<i64>,
    /// Frequency, MHz.
    pub frequency: Option<i64>,
    /// Signal to noise ratio, dB.
    pub signal_to_noise_ratio: Option<i64>,
    /// Kind of Wi-Fi, such as `802.11n`.
    pub radio_type: Option<String>,
    /// Its name: an access point whose name is sent and empty, ends in `_nomap` or has `_optout` in it is
    /// left out. Never kept.
    pub ssid: Option<String>,
}

/// A cell.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedCell {
    /// What names and describes it.
    #[serde(flatten)]
    pub rest: CellReport,
    /// Physical identity of the cell (PSC or PCI).
    pub primary_scrambling_code: Option<i64>,
}

/// A cell in the second form.
#[derive(Deserialize, ToSchema)]
pub struct ReportedCellV1 {
    /// What names and describes it.
    #[serde(flatten)]
    pub rest: CellReport,
    /// Physical identity of the cell (PSC or PCI).
    pub psc: Option<i64>,
}

/// What newer reports say of a cell.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CellReport {
    /// `gsm`, `wcdma` (or `umts`), `lte` or `nr`, in any case.
    #[schema(example = "lte")]
    pub radio_type: Option<String>,
    /// Country code of the network (MCC).
    pub mobile_country_code: Option<i64>,
    /// Network code (MNC).
    pub mobile_network_code: Option<i64>,
    /// Location area code, or tracking area code for LTE and NR.
    pub location_area_code: Option<i64>,
    /// The same for NR, where the other is missing.
    pub tracking_area_code: Option<i64>,
    /// Cell identity.
    pub cell_id: Option<i64>,
    /// The same for NR, where the other is missing.
    pub new_radio_cell_id: Option<i64>,
    /// Milliseconds between the position and when it was seen.
    pub age: Option<i64>,
    /// Signal strength in arbitrary strength units.
    pub asu: Option<i64>,
    /// Is the device registered with it? 1 or 0.
    pub serving: Option<i64>,
    /// Signal strength, dBm.
    pub signal_strength: Option<i64>,
    /// Timing advance.
    pub timing_advance: Option<i64>,
}

/// What a device saw at one place, in the oldest form.
#[derive(ToSchema)]
pub struct ReportV0 {
    /// When, ISO 8601 in UTC; now, if left out.
    #[schema(example = "2014-07-17T13:40:28Z")]
    pub time: Option<String>,
    /// Latitude, degrees.
    pub lat: Option<f64>,
    /// Longitude, degrees.
    pub lon: Option<f64>,
    /// Radius within which the position is right, metres.
    pub accuracy: Option<f64>,
    /// Milliseconds between the position and what was seen.
    pub age: Option<i64>,
    /// Metres above the sea.
    pub altitude: Option<f64>,
    /// How right that is, metres.
    pub altitude_accuracy: Option<f64>,
    /// Direction of travel, degrees from north.
    pub heading: Option<f64>,
    /// Air pressure, hPa.
    pub pressure: Option<f64>,
    /// Speed, metres a second.
    pub speed: Option<f64>,
    /// How the position was found, as in newer reports.
    pub source: Option<String>,
    /// Radio type of cells that do not say theirs.
    pub radio: Option<String>,
    /// Wi-Fi access points.
    #[schema(nullable = false)]
    pub wifi: Option<Vec<WifiV0>>,
    /// Bluetooth beacons.
    #[schema(nullable = false)]
    pub blue: Option<Vec<BlueV0>>,
    /// Cells.
    #[schema(nullable = false)]
    pub cell: Option<Vec<CellV0>>,
}

/// A Wi-Fi access point in the oldest form.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WifiV0 {
    /// Its address (BSSID).
    pub key: Option<String>,
    /// Signal strength, dBm.
    pub signal: Option<i64>,
    /// Milliseconds between the position and when it was seen.
    pub age: Option<i64>,
    /// Channel.
    pub channel: Option<i64>,
    /// Frequency, MHz.
    pub frequency: Option<i64>,
    /// Signal to noise ratio, dB.
    pub signal_to_noise_ratio: Option<i64>,
    /// Kind of Wi-Fi.
    pub radio: Option<String>,
    /// Its name, as in newer reports.
    pub ssid: Option<String>,
}

/// A Bluetooth beacon in the oldest form.
#[derive(ToSchema)]
pub struct BlueV0 {
    /// Its address.
    pub key: Option<String>,
    /// Signal strength, dBm.
    pub signal: Option<i64>,
    /// Milliseconds between the position and when it was seen.
    pub age: Option<i64>,
    /// Its name.
    pub name: Option<String>,
}

/// A cell in the oldest form.
#[derive(Deserialize, ToSchema)]
pub struct CellV0 {
    /// Radio type, as in newer reports.
    pub radio: Option<String>,
    /// Country code of the network.
    pub mcc: Option<i64>,
    /// Network code.
    pub mnc: Option<i64>,
    /// Location area code, or tracking area code for LTE and NR.
    pub lac: Option<i64>,
    /// The same for NR, where the other is missing.
    #[serde(rename = "trackingAreaCode")]
    pub tac: Option<i64>,
    /// Cell identity.
    pub cid: Option<i64>,
    /// The same for NR, where the other is missing.
    #[serde(rename = "newRadioCellId")]
    pub nci: Option<i64>,
    /// Physical identity of the cell (PSC or PCI).
    pub psc: Option<i64>,
    /// Milliseconds between the position and when it was seen.
    pub age: Option<i64>,
    /// Signal strength in arbitrary strength units.
    pub asu: Option<i64>,
    /// Is the device registered with it? 1 or 0.
    pub serving: Option<i64>,
    /// Signal strength, dBm.
    pub signal: Option<i64>,
    /// Timing advance.
    pub ta: Option<i64>,
}
