//! What rows are, in one number, whatever their order.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The sum of the SHA-256 of every line, without its end, modulo 2²⁵⁶. Two databases that order text
/// differently have the same rows when they have the same sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// The most significant part first.
    parts: [u64; 4],
}

impl Digest {
    /// The digest of one line.
    #[must_use]
    pub fn of(line: &[u8]) -> Self {
        let hash = Sha256::digest(line);
        let mut parts = [0; 4];
        for (part, bytes) in parts.iter_mut().zip(hash.chunks_exact(8)) {
            *part = bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        }
        Self { parts }
    }

    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        let mut carry = false;
        for (part, more) in self.parts.iter_mut().zip(other.parts).rev() {
            let (sum, is_over) = part.overflowing_add(more);
            let (sum, is_over_by_carry) = sum.overflowing_add(carry.into());
            (*part, carry) = (sum, is_over || is_over_by_carry);
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| write!(f, "{part:016x}"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let text = String::deserialize(deserializer)?;
        // One spelling only, so that every damage is one.
        let is_hex =
            text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let mut parts = [0; 4];
        for (number, part) in parts.iter_mut().enumerate() {
            let digits = text.get(number * 16..(number + 1) * 16).filter(|_| is_hex);
            *part = digits
                .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                .ok_or_else(|| D::Error::custom("a digest has 64 hexadecimal digits"))?;
        }
        Ok(Self { parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_one_line_is_its_sha_256() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_string(), expected);
        let read: Digest = serde_json::from_str(&format!("\"{expected}\"")).unwrap();
        assert_eq!(read, Digest::of(b"abc"));
        for wrong in [
            "",
            "zz",
            &expected.to_uppercase(),
            &expected[1..],
            &format!("{expected}0"),
            &"é".repeat(32),
        ] {
            assert!(serde_json::from_str::<Digest>(&format!("\"{wrong}\"")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sums_carry_over_and_do_not_depend_on_the_order() {
        let (one, most) = (Digest { parts: [0, 0, 0, 1] }, Digest { parts: [u64::MAX; 4] });
        let sum = |parts: [Digest; 2]| {
            let mut sum = Digest::default();
            for part in parts {
                sum.add(part);
            }
            sum
        };
        assert_eq!(sum([one, most]), Digest::default());
        assert_eq!(sum([one, Digest { parts: [0, 0, 7, u64::MAX] }]).parts, [0, 0, 8, 0]);
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        assert_eq!(sum([a, b]), sum([b, a]));
        // Twice the same row is not the same as no row.
        assert_ne!(sum([a, a]), Digest::default());
    }
}
