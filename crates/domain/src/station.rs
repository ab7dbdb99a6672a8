//! A station: what is known about one cell, Wi-Fi access point or Bluetooth beacon.

use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

use crate::cell::{CellKey, KeyBytes, Radio};
use crate::mac::{Mac, MacShard};

/// The three kinds of stations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Bluetooth beacons.
    Blue,
    /// Cells of a mobile network.
    Cell,
    /// Wi-Fi access points.
    Wifi,
}

impl Kind {
    /// All kinds, in the order in which reports are split.
    pub const ALL: [Self; 3] = [Self::Blue, Self::Cell, Self::Wifi];

    /// The name in counters, metrics and queue names: `blue`, `cell` or `wifi`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Cell => "cell",
            Self::Wifi => "wifi",
        }
    }

    /// How far apart sightings of one station of this kind can be, in metres, before it counts as
    /// moved.
    #[must_use]
    pub const fn max_distance_m(self) -> f64 {
        match self {
            Self::Blue => 100.0,
            Self::Wifi => 5_000.0,
            Self::Cell => 100_000.0,
        }
    }
}

/// The identity of a station of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StationKey {
    /// A Bluetooth beacon.
    Blue(Mac),
    /// A cell.
    Cell(CellKey),
    /// A Wi-Fi access point.
    Wifi(Mac),
}

impl StationKey {
    /// The kind of the station.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Blue(_) => Kind::Blue,
            Self::Cell(_) => Kind::Cell,
            Self::Wifi(_) => Kind::Wifi,
        }
    }

    /// The shard that holds the station.
    #[must_use]
    pub const fn shard(&self) -> Shard {
        match self {
            Self::Blue(mac) => Shard::Blue(mac.shard()),
            Self::Cell(cell) => Shard::Cell(cell.area.radio),
            Self::Wifi(mac) => Shard::Wifi(mac.shard()),
        }
    }

    /// The primary key in the station table.
    #[must_use]
    pub fn bytes(&self) -> KeyBytes {
        match self {
            Self::Blue(mac) | Self::Wifi(mac) => KeyBytes::from(mac),
            Self::Cell(cell) => cell.encode(),
        }
    }
}

/// One station table and its observation queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shard {
    /// `blue_shard_X`.
    Blue(MacShard),
    /// `cell_RADIO`.
    Cell(Radio),
    /// `wifi_shard_X`.
    Wifi(MacShard),
}

impl Shard {
    /// All shards: Bluetooth `0` to `f`, cells, Wi-Fi `0` to `f`.
    pub fn all() -> impl Iterator<Item = Self> {
        MacShard::all()
            .map(Self::Blue)
            .chain(Radio::ALL.into_iter().map(Self::Cell))
            .chain(MacShard::all().map(Self::Wifi))
    }

    /// The kind of stations in this shard.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Blue(_) => Kind::Blue,
            Self::Cell(_) => Kind::Cell,
            Self::Wifi(_) => Kind::Wifi,
        }
    }

    /// The name of the shard within its kind: a hex digit or a radio name.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Blue(shard) | Self::Wifi(shard) => shard.name().to_string(),
            Self::Cell(radio) => radio.name().to_owned(),
        }
    }

    /// The table that holds the stations.
    #[must_use]
    pub fn table(self) -> String {
        match self {
            Self::Blue(shard) => format!("blue_shard_{}", shard.name()),
            Self::Cell(radio) => format!("cell_{}", radio.name()),
            Self::Wifi(shard) => format!("wifi_shard_{}", shard.name()),
        }
    }
}

/// Where a position came from, with its code in the database and in queued observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum Source {
    /// An externally known, true position.
    Fixed = 0,
    /// Satellite based.
    Gnss = 3,
    /// Other sensors or an outside service.
    Fused = 6,
    /// The answer to a position query.
    Query = 9,
}

impl Source {
    const ALL: [Self; 4] = [Self::Fixed, Self::Gnss, Self::Fused, Self::Query];

    /// The source with this code.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|source| i64::from(source.code()) == code)
    }

    /// The source with this exact lower-case name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }

    /// The code in the database and in queued observations.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The lower-case name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Gnss => "gnss",
            Self::Fused => "fused",
            Self::Query => "query",
        }
    }
}

impl From<Source> for u8 {
    fn from(source: Source) -> Self {
        source.code()
    }
}

impl TryFrom<u8> for Source {
    type Error = String;

    fn try_from(code: u8) -> Result<Self, Self::Error> {
        Self::from_code(i64::from(code)).ok_or_else(|| format!("unknown source code {code}"))
    }
}

/// A two-letter region code: ISO 3166 with the additions XK, XR and XW.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegionCode([u8; 2]);

impl RegionCode {
    /// The code with these two ASCII bytes, as written in constant tables.
    #[must_use]
    pub const fn new(bytes: [u8; 2]) -> Self {
        Self(bytes)
    }

    /// Reads exactly two ASCII letters or digits; case is kept.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            &[a, b] if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric() => Some(Self([a, b])),
            _ => None,
        }
    }

    /// The two characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl std::fmt::Display for RegionCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for RegionCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One row of a station table. Every column is nullable there, so every field is optional here.
///
/// A station without `lat` and `lon` has no usable position: it was blocked, or never had one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Station {
    /// Northern edge of everything seen since the last replacement, degrees.
    pub max_lat: Option<f64>,
    /// Southern edge, degrees.
    pub min_lat: Option<f64>,
    /// Eastern edge, degrees.
    pub max_lon: Option<f64>,
    /// Western edge, degrees.
    pub min_lon: Option<f64>,
    /// Weighted mean latitude, degrees.
    pub lat: Option<f64>,
    /// Weighted mean longitude, degrees.
    pub lon: Option<f64>,
    /// When the station was first seen, UTC.
    pub created: Option<NaiveDateTime>,
    /// When position or block state last changed, UTC; a mere confirmation does not count.
    pub modified: Option<NaiveDateTime>,
    /// Metres from the position to the farthest corner of the box.
    pub radius_m: Option<u32>,
    /// Region of the position; kept when the station is blocked.
    pub region: Option<RegionCode>,
    /// Number of observations in the position.
    pub samples: Option<u32>,
    /// What the position is built from.
    pub source: Option<Source>,
    /// Sum of the observation weights.
    pub weight: Option<f64>,
    /// Last UTC day on which the station was seen where it is.
    pub last_seen: Option<NaiveDate>,
    /// Day of the first block ever.
    pub block_first: Option<NaiveDate>,
    /// Day of the latest block.
    pub block_last: Option<NaiveDate>,
    /// How often the station was blocked, 0 to 255.
    pub block_count: Option<u32>,
    /// Last known scrambling code or physical cell id; cells only.
    pub psc: Option<u16>,
}

impl Station {
    /// Latitude and longitude, when the station has a position.
    #[must_use]
    pub fn position(&self) -> Option<(f64, f64)> {
        self.lat.zip(self.lon)
    }
}
