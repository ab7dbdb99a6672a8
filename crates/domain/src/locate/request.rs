//! A position or region request as it came in.

use crate::cell::Radio;
use crate::geoip::GeoIp;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// A position.
    Locate,
    /// A region.
    Region,
}

/// What a device says about its surroundings. Types are right, values may be anything.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Bluetooth beacons it sees.
    pub blue: Vec<BlueReading>,
    /// Cells it sees.
    pub cell: Vec<CellReading>,
    /// Wi-Fi access points it sees.
    pub wifi: Vec<WifiReading>,
    /// May the area of a cell be the answer when no cell is known?
    pub lacf: bool,
    /// May the address of the client be used?
    pub ipf: bool,
}

/// What is known about the client apart from its request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client {
    /// Is there a valid address?
    pub has_ip: bool,
    /// What the address database says about it.
    pub geoip: Option<GeoIp>,
}

/// A Bluetooth beacon as it was sent.
#[derive(Clone, Debug, Default)]
pub struct BlueReading {
    /// Address, in whatever spelling.
    pub mac: String,
    /// Milliseconds since it was seen.
    pub age: Option<i64>,
    /// Signal strength, dBm.
    pub signal: Option<i64>,
    /// Name the beacon announces.
    pub name: Option<String>,
}

/// A Wi-Fi access point as it was sent, without its name, which is never kept.
#[derive(Clone, Debug, Default)]
pub struct WifiReading {
    /// Address, in whatever spelling.
    pub mac: String,
    /// Milliseconds since it was seen.
    pub age: Option<i64>,
    /// Channel number.
    pub channel: Option<i64>,
    /// Frequency, MHz.
    pub frequency: Option<i64>,
    /// Signal strength, dBm.
    pub signal: Option<i64>,
    /// Signal-to-noise ratio, dB.
    pub snr: Option<i64>,
    /// Does its name ask not to be collected? It may help to answer, but is not learned from.
    pub is_opted_out: bool,
}

/// A cell as it was sent.
#[derive(Clone, Debug, Default)]
pub struct CellReading {
    /// Radio type; `None` when it is missing or there are no tables for it.
    pub radio: Option<Radio>,
    /// Mobile country code.
    pub mcc: Option<i64>,
    /// Mobile network code.
    pub mnc: Option<i64>,
    /// Location or tracking area code.
    pub lac: Option<i64>,
    /// Cell identity.
    pub cid: Option<i64>,
    /// Primary scrambling code or physical cell id.
    pub psc: Option<i64>,
    /// Milliseconds since it was seen.
    pub age: Option<i64>,
    /// Signal strength, dBm.
    pub signal: Option<i64>,
    /// Timing advance.
    pub ta: Option<i64>,
}
