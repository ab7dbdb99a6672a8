//! Daily totals and regional figures.

use crate::station::{Kind, RegionCode};

/// What a row of the statistics table counts, with its code there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum StatKey {
    /// Cell observations.
    Cell = 1,
    /// Cells.
    UniqueCell = 2,
    /// Wi-Fi observations.
    Wifi = 3,
    /// Wi-Fi access points.
    UniqueWifi = 4,
    /// Bluetooth observations.
    Blue = 8,
    /// Bluetooth beacons.
    UniqueBlue = 9,
}

impl StatKey {
    /// All keys in use, by code. Codes 0, 5, 6 and 7 of older releases are ignored where found.
    pub const ALL: [Self; 6] =
        [Self::Cell, Self::UniqueCell, Self::Wifi, Self::UniqueWifi, Self::Blue, Self::UniqueBlue];

    /// The code in the database.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The key with this code.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|key| i64::from(key.code()) == code)
    }

    /// The name in the names of daily counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::UniqueCell => "unique_cell",
            Self::Wifi => "wifi",
            Self::UniqueWifi => "unique_wifi",
            Self::Blue => "blue",
            Self::UniqueBlue => "unique_blue",
        }
    }

    /// The key that counts observations of this kind.
    #[must_use]
    pub const fn observations(kind: Kind) -> Self {
        match kind {
            Kind::Blue => Self::Blue,
            Kind::Cell => Self::Cell,
            Kind::Wifi => Self::Wifi,
        }
    }

    /// The key that counts stations of this kind.
    #[must_use]
    pub const fn stations(kind: Kind) -> Self {
        match kind {
            Kind::Blue => Self::UniqueBlue,
            Kind::Cell => Self::UniqueCell,
            Kind::Wifi => Self::UniqueWifi,
        }
    }
}

/// How many stations of each type a region has; one row of the regional statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionStat {
    /// The region.
    pub region: RegionCode,
    /// GSM cells.
    pub gsm: u64,
    /// WCDMA cells.
    pub wcdma: u64,
    /// LTE cells.
    pub lte: u64,
    /// 5G NR cells.
    pub nr: u64,
    /// Bluetooth beacons.
    pub blue: u64,
    /// Wi-Fi access points.
    pub wifi: u64,
}
