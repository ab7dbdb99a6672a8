//! The address of a Wi-Fi access point or a Bluetooth beacon.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Addresses that never name one real station: all zero, broadcast, and the documentation
/// multicast address that test tools send.
const REJECTED: [[u8; 6]; 3] = [[0x00; 6], [0xff; 6], [0x01, 0x00, 0x5e, 0x90, 0x10, 0x00]];

/// A 48-bit MAC address; 6 bytes in the database, 12 lower-case hex digits in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac([u8; 6]);

impl Mac {
    /// The address with these six bytes, without the checks of [`Mac::parse`].
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// Reads an address as devices spell it: any of `:`, `-`, `.` or nothing between the digits,
    /// upper or lower case.
    ///
    /// `None` for anything that is not exactly twelve hex digits and for the three addresses that
    /// never name a station. Locally administered addresses are accepted: real access points use
    /// them for their second and third network.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = [0u8; 12];
        let mut len = 0;
        for byte in text.bytes() {
            if matches!(byte, b':' | b'-' | b'.') {
                continue;
            }
            let slot = digits.get_mut(len)?;
            *slot = hex_digit(byte)?;
            len += 1;
        }
        if len != digits.len() {
            return None;
        }
        let mut bytes = [0u8; 6];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        (!REJECTED.contains(&bytes)).then_some(Self(bytes))
    }

    /// The six bytes, most significant first.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 6] {
        &self.0
    }

    /// Which of the 16 station tables and queues holds this address: the fifth hex digit.
    #[must_use]
    pub const fn shard(&self) -> MacShard {
        MacShard(self.0[2] >> 4)
    }
}

/// Digits of an address as it is written.
const DIGITS: usize = 12;

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.digits(&mut [0; DIGITS]))
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.digits(&mut [0; DIGITS]))
    }
}

impl Mac {
    /// The digits, written into a place for them: each observation in a queue has them.
    fn digits(self, text: &mut [u8; DIGITS]) -> &str {
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
        }
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a station address"))
    }
}

/// The value of one ASCII hex digit, 0 to 15.
fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// One of the 16 shards of Wi-Fi and Bluetooth stations, 0 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacShard(u8);

impl MacShard {
    /// All shards in the order in which they are reported and exported: `0` to `f`.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..16).map(Self)
    }

    /// The shard with this name, one lower-case hex digit.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.as_bytes() {
            [digit @ (b'0'..=b'9' | b'a'..=b'f')] => hex_digit(*digit).map(Self),
            _ => None,
        }
    }

    /// The name as it ends table and queue names: `0` to `9`, `a` to `f`.
    #[must_use]
    pub fn name(self) -> char {
        char::from_digit(u32::from(self.0), 16).unwrap_or('0')
    }

    /// The number of the shard, 0 to 15.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_spelling_reads_as_one_address() {
        let plain = Mac::parse("94b40f010d01");
        assert!(plain.is_some());
        for text in ["94:B4:0F:01:0D:01", "94-b4-0f-01-0d-01", "94b4.0f01.0d01", "94B40F010D01"] {
            assert_eq!(Mac::parse(text), plain, "{text}");
        }
        assert_eq!(plain.map(|mac| mac.to_string()).as_deref(), Some("94b40f010d01"));
    }

    #[test]
    fn what_is_not_a_station_address_is_refused() {
        for text in [
            "",
            "94b40f010d0",
            "94b40f010d011",
            "94b40f010d0g",
            " 94b40f010d01",
            "94_b4_0f_01_0d_01",
            "000000000000",
            "FF:FF:FF:FF:FF:FF",
            "01-00-5e-90-10-00",
            "０１２３４５６７８９ａｂ",
        ] {
            assert_eq!(Mac::parse(text), None, "{text:?}");
        }
        assert!(Mac::parse("020000000000").is_some());
    }

    #[test]
    fn the_fifth_digit_selects_the_shard() {
        for (text, shard) in [
            ("94b40f010d01", '0'),
            ("001b774954fd", '7'),
            ("0000f0123456", 'f'),
            ("111101123456", '0'),
            ("ff23456789ab", '4'),
        ] {
            assert_eq!(Mac::parse(text).map(|mac| mac.shard().name()), Some(shard), "{text}");
        }
        let names: String = MacShard::all().map(MacShard::name).collect();
        assert_eq!(names, "0123456789abcdef");
        assert_eq!(MacShard::parse("A"), None);
        assert_eq!(MacShard::parse("a").map(MacShard::index), Some(10));
    }
}
