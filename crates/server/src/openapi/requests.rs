//! What queries may say, as it is documented.
//!
//! The readers are lenient and written by hand (`api/locate_request.rs`), so these types are never
//! built: they are the description. A test compares their members with those that are read.

use serde::Deserialize;
use utoipa::ToSchema;

/// What a device sees around it. All members may be left out, others are ignored; whole numbers may
/// come as text.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct LocateRequest {
    /// Wi-Fi access points; two different ones are needed. Those whose name ends in `_nomap` are only
    /// looked up, never learned.
    #[schema(nullable = false)]
    pub wifi_access_points: Option<Vec<WifiAccessPoint>>,
    /// Bluetooth beacons; two different ones are needed.
    #[schema(nullable = false)]
    pub bluetooth_beacons: Option<Vec<BluetoothBeacon>>,
    /// Cells.
    #[schema(nullable = false)]
    pub cell_towers: Option<Vec<CellTower>>,
    /// Radio type of cells that do not say theirs.
    pub radio_type: Option<RadioType>,
    /// May the address of the client be used? Counts only without `fallbacks`.
    #[schema(default = true)]
    pub consider_ip: Option<bool>,
    /// What may be used when the stations lead to nothing.
    #[schema(nullable = false)]
    pub fallbacks: Option<Fallbacks>,
    /// Name of the network operator; not used.
    pub carrier: Option<String>,
    /// Country code of the device's own network; not used.
    pub home_mobile_country_code: Option<i64>,
    /// Network code of the device's own network; not used.
    pub home_mobile_network_code: Option<i64>,
}

/// What may be used when the stations lead to nothing.
#[derive(ToSchema)]
pub struct Fallbacks {
    /// The area of a cell.
    #[schema(default = true)]
    pub lacf: Option<bool>,
    /// The address of the client.
    #[schema(default = true)]
    pub ipf: Option<bool>,
}

/// A Wi-Fi access point. One without a valid address is ignored.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct WifiAccessPoint {
    /// Its address (BSSID): twelve hex digits, with `:`, `-`, `.` or nothing between them.
    #[schema(example = "02:1c:ac:00:00:01")]
    pub mac_address: Option<String>,
    /// Signal strength, dBm.
    pub signal_strength: Option<i64>,
    /// Milliseconds since it was seen.
    pub age: Option<i64>,
    /// Channel.
    pub channel: Option<i64>,
    /// Frequency, MHz.
    pub frequency: Option<i64>,
    /// Signal to noise ratio, dB.
    pub signal_to_noise_ratio: Option<i64>,
    /// Its name; looked at for `_nomap` and `_optout`, and forgotten.
    pub ssid: Option<String>,
}

/// A Bluetooth beacon. One without a valid address is ignored.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BluetoothBeacon {
    /// Its address, as that of an access point.
    #[schema(example = "02:1c:ac:00:00:0b")]
    pub mac_address: Option<String>,
    /// Signal strength, dBm.
    pub signal_strength: Option<i64>,
    /// Milliseconds since it was seen.
    pub age: Option<i64>,
    /// Its name.
    pub name: Option<String>,
}

/// A cell. One that is not complete counts as its area, or not at all.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CellTower {
    /// Radio type.
    pub radio_type: Option<RadioType>,
    /// Country code of the network (MCC).
    #[schema(example = 262)]
    pub mobile_country_code: Option<i64>,
    /// Network code (MNC).
    #[schema(example = 1)]
    pub mobile_network_code: Option<i64>,
    /// Location area code, or tracking area code for LTE (16 bit) and NR (24 bit).
    #[schema(example = 5126)]
    pub location_area_code: Option<i64>,
    /// The same for NR, where the other is missing.
    pub tracking_area_code: Option<i64>,
    /// Cell identity: 16 bit for GSM, 28 for WCDMA and LTE, 36 for NR.
    #[schema(example = 21_532_831)]
    pub cell_id: Option<i64>,
    /// The same for NR, where the other is missing.
    pub new_radio_cell_id: Option<i64>,
    /// Physical identity of the cell (PSC or PCI).
    pub primary_scrambling_code: Option<i64>,
    /// Not used.
    #[schema(deprecated)]
    pub psc: Option<i64>,
    /// Milliseconds since it was seen.
    pub age: Option<i64>,
    /// Signal strength, dBm.
    pub signal_strength: Option<i64>,
    /// Timing advance.
    pub timing_advance: Option<i64>,
}

/// A radio type. `umts` is another word for `wcdma`; of `cdma` no cells are known.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum RadioType {
    /// 2G
    Gsm,
    /// 3G
    Wcdma,
    /// 3G by its older name
    Umts,
    /// 4G
    Lte,
    /// 5G
    Nr,
    /// Another 2G and 3G
    Cdma,
}
