//! The public files of cells: which cells are in them, their names and their exact bytes.
//!
//! The older radio types share the files that the original published. 5G NR has files of its own
//! with the same columns, since readers of the others know three radio types and 16-bit areas.

mod edition;
pub(crate) mod field;
pub mod index;
mod row;

use chrono::NaiveDateTime;

pub use edition::{Edition, Family, FileName};
pub use row::{HEADER, write_row};

use crate::cell::{AreaKey, CellKey, KeyBytes, Radio};

/// What the public file says of one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublicCell {
    /// Which cell.
    pub key: CellKey,
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Scrambling code or physical cell id.
    pub psc: Option<u16>,
    /// Metres; 0 when not known.
    pub radius_m: u32,
    /// Number of observations; 0 when not known.
    pub samples: u32,
    /// When the cell was first seen, UTC.
    pub created: Option<NaiveDateTime>,
    /// When it was last changed, UTC.
    pub modified: Option<NaiveDateTime>,
}

/// A country's cells, or one operator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    /// Mobile country code.
    pub mcc: u16,
    /// Mobile network code; `None` for all of the country.
    pub mnc: Option<u16>,
}

impl Network {
    /// The smallest and the largest key that a cell of this network and radio type can have: keys
    /// begin with both numbers.
    #[must_use]
    pub fn keys(&self, radio: Radio) -> (KeyBytes, KeyBytes) {
        let (lac, cid) = match radio {
            Radio::Nr => (u32::MAX, u64::MAX),
            Radio::Gsm | Radio::Wcdma | Radio::Lte => (u32::from(u16::MAX), u64::from(u32::MAX)),
        };
        let key = |mnc, lac, cid| {
            CellKey { area: AreaKey { radio, mcc: self.mcc, mnc, lac }, cid }.encode()
        };
        (key(self.mnc.unwrap_or(0), 0, 0), key(self.mnc.unwrap_or(u16::MAX), lac, cid))
    }
}
