//! Cells and cell areas: radio types, identities and their binary keys.
//!
//! The keys of GSM, WCDMA and LTE are 11 and 7 bytes, as existing databases hold them. 5G NR has
//! wider numbers (TAC 24 bit, NCI 36 bit), so its keys are 17 and 9 bytes, in tables of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The radio access technology of a cell, with the code it has in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[repr(u8)]
pub enum Radio {
    /// GSM, GPRS and EDGE.
    Gsm = 0,
    /// UMTS and the HSPA family.
    Wcdma = 2,
    /// LTE.
    Lte = 3,
    /// 5G New Radio.
    Nr = 5,
}

impl Radio {
    /// All radio types, in the order in which shards are reported and exported.
    pub const ALL: [Self; 4] = [Self::Gsm, Self::Wcdma, Self::Lte, Self::Nr];

    /// The radio type with this database code; `None` for CDMA (1) and anything unknown.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Gsm),
            2 => Some(Self::Wcdma),
            3 => Some(Self::Lte),
            5 => Some(Self::Nr),
            _ => None,
        }
    }

    /// The radio type with this exact lower-case name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|radio| radio.name() == name)
    }

    /// The code in the database and in the first byte of a key.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The lower-case name used in requests, reports, table and queue names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm => "gsm",
            Self::Wcdma => "wcdma",
            Self::Lte => "lte",
            Self::Nr => "nr",
        }
    }

    /// The largest area code (LAC or TAC) a cell of this radio type can have.
    /// 65534 and 65535 are reserved in the 16-bit field, 2^24 − 2 and 2^24 − 1 in the 24-bit
    /// field (3GPP TS 23.003, sections 4.1 and 19.4.2.3).
    #[must_use]
    pub const fn max_lac(self) -> u32 {
        match self {
            Self::Nr => 0xFF_FFFD,
            Self::Gsm | Self::Wcdma | Self::Lte => 65_533,
        }
    }

    /// The largest cell identity: 28 bits, and 36 bits for NR (3GPP TS 38.413, 9.3.1.7).
    #[must_use]
    pub const fn max_cid(self) -> u64 {
        match self {
            Self::Nr => (1 << 36) - 1,
            Self::Gsm | Self::Wcdma | Self::Lte => (1 << 28) - 1,
        }
    }

    /// The largest scrambling code or physical cell id.
    #[must_use]
    pub const fn max_psc(self) -> u16 {
        match self {
            Self::Gsm | Self::Wcdma => 511,
            Self::Lte => 503,
            Self::Nr => 1007,
        }
    }
}

impl From<Radio> for u8 {
    fn from(radio: Radio) -> Self {
        radio.code()
    }
}

impl TryFrom<u8> for Radio {
    type Error = UnknownRadio;

    fn try_from(code: u8) -> Result<Self, Self::Error> {
        Self::from_code(code).ok_or(UnknownRadio(code))
    }
}

impl fmt::Display for Radio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A radio code that no station table exists for.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownRadio(pub u8);

impl fmt::Display for UnknownRadio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown radio code {}", self.0)
    }
}

impl std::error::Error for UnknownRadio {}

/// Which cells share a location or tracking area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AreaKey {
    /// Radio type.
    pub radio: Radio,
    /// Mobile country code.
    pub mcc: u16,
    /// Mobile network code, 0 to 999.
    pub mnc: u16,
    /// Location area code, or tracking area code for LTE (16 bit) and NR (24 bit).
    pub lac: u32,
}

/// The identity of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellKey {
    /// The area the cell belongs to.
    pub area: AreaKey,
    /// Cell identity: up to 28 bits, 36 bits for NR.
    pub cid: u64,
}

impl AreaKey {
    /// Big-endian key: radio 1, mcc 2, mnc 2, lac 2 bytes; NR has 4 bytes of tac.
    #[must_use]
    pub fn encode(&self) -> KeyBytes {
        let mut key = KeyBytes::default();
        key.push(&[self.radio.code()]);
        key.push(&self.mcc.to_be_bytes());
        key.push(&self.mnc.to_be_bytes());
        match self.radio {
            Radio::Nr => key.push(&self.lac.to_be_bytes()),
            Radio::Gsm | Radio::Wcdma | Radio::Lte => key.push(&self.lac.to_be_bytes()[2..]),
        }
        key
    }

    /// The area with this key; `None` when the length or the radio code is wrong.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&code, rest) = bytes.split_first()?;
        let radio = Radio::from_code(code)?;
        let (mcc, rest) = rest.split_at_checked(2)?;
        let (mnc, lac) = rest.split_at_checked(2)?;
        let lac = match (radio, lac) {
            (Radio::Nr, &[a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
            (Radio::Gsm | Radio::Wcdma | Radio::Lte, &[a, b]) => u32::from_be_bytes([0, 0, a, b]),
            _ => return None,
        };
        Some(Self {
            radio,
            mcc: u16::from_be_bytes([mcc[0], mcc[1]]),
            mnc: u16::from_be_bytes([mnc[0], mnc[1]]),
            lac,
        })
    }
}

impl CellKey {
    /// The area key followed by the cell identity: 4 bytes, 8 for NR.
    #[must_use]
    pub fn encode(&self) -> KeyBytes {
        let mut key = self.area.encode();
        match self.area.radio {
            Radio::Nr => key.push(&self.cid.to_be_bytes()),
            Radio::Gsm | Radio::Wcdma | Radio::Lte => key.push(&self.cid.to_be_bytes()[4..]),
        }
        key
    }

    /// The cell with this key; `None` when the length or the radio code is wrong.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let cid_len = match Radio::from_code(*bytes.first()?)? {
            Radio::Nr => 8,
            Radio::Gsm | Radio::Wcdma | Radio::Lte => 4,
        };
        let (area, cid) = bytes.split_at_checked(bytes.len().checked_sub(cid_len)?)?;
        let cid = cid.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        Some(Self { area: AreaKey::decode(area)?, cid })
    }
}

/// The binary key of a station, an area or a grid cell, up to 17 bytes, without an allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyBytes {
    bytes: [u8; 17],
    len: u8,
}

impl KeyBytes {
    fn push(&mut self, part: &[u8]) {
        for &byte in part {
            if let Some(slot) = self.bytes.get_mut(usize::from(self.len)) {
                *slot = byte;
                self.len += 1;
            }
        }
    }

    /// Upper-case hex digits, as SQL literals and logs show keys.
    #[must_use]
    pub fn hex(&self) -> String {
        use std::fmt::Write as _;
        self.iter().fold(String::with_capacity(34), |mut text, byte| {
            let _ = write!(text, "{byte:02X}");
            text
        })
    }
}

impl From<&crate::mac::Mac> for KeyBytes {
    fn from(mac: &crate::mac::Mac) -> Self {
        let mut key = Self::default();
        key.push(mac.bytes());
        key
    }
}

impl From<crate::datamap::Grid> for KeyBytes {
    fn from(grid: crate::datamap::Grid) -> Self {
        let mut key = Self::default();
        key.push(&grid.encode());
        key
    }
}

impl std::ops::Deref for KeyBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(radio: Radio, mcc: u16, mnc: u16, lac: u32, cid: u64) -> CellKey {
        CellKey { area: AreaKey { radio, mcc, mnc, lac }, cid }
    }

    #[test]
    fn cell_keys_are_the_recorded_bytes() {
        for (key, hex) in [
            (cell(Radio::Gsm, 310, 0, 1, 1), "0001360000000100000001"),
            (cell(Radio::Gsm, 262, 1, 5432, 23456), "0001060001153800005BA0"),
            (cell(Radio::Wcdma, 202, 1, 2120, 12842), "0200CA000108480000322A"),
            (cell(Radio::Wcdma, 310, 1, 12, 0), "0201360001000C00000000"),
            (cell(Radio::Lte, 234, 30, 60000, 268_435_455), "0300EA001EEA600FFFFFFF"),
            (cell(Radio::Gsm, 234, 30, 5, 7), "0000EA001E000500000007"),
            (cell(Radio::Lte, 310, 410, 65533, 268_435_455), "030136019AFFFD0FFFFFFF"),
            (cell(Radio::Wcdma, 65535, 65535, 65535, 4_294_967_295), "02FFFFFFFFFFFFFFFFFFFF"),
            (
                cell(Radio::Nr, 262, 2, 0xAB_CDEF, 0xF_1234_5678),
                "050106000200ABCDEF0000000F12345678",
            ),
        ] {
            assert_eq!(key.encode().hex(), hex);
            assert_eq!(CellKey::decode(&key.encode()), Some(key));
            assert_eq!(AreaKey::decode(&key.area.encode()), Some(key.area));
            assert!(hex.starts_with(&key.area.encode().hex()));
        }
    }

    #[test]
    fn keys_of_a_wrong_length_or_radio_do_not_decode() {
        for bytes in [&[][..], &[0], &[1, 0, 1, 0, 1, 0, 1], &[0, 1, 2, 3, 4, 5], &[5; 7], &[0; 9]]
        {
            assert_eq!(AreaKey::decode(bytes), None, "{bytes:?}");
        }
        for bytes in [&[][..], &[0, 0, 0], &[0; 7], &[5; 11], &[9; 11]] {
            assert_eq!(CellKey::decode(bytes), None, "{bytes:?}");
        }
    }
}
