//! The key of a point: where it is on the map, in an order in which neighbours stay together.

use std::f64::consts::PI;

/// The latitude at which the square map ends, north and south, as the original has it.
const EDGE: f64 = 85.0511;

/// Bits of a coordinate: 13 of the deepest tiles, and 8 that tell 256 places in each apart. One
/// step is about 19 m at the equator.
const BITS: u32 = 21;

/// A point on the map, cut to 21 bits of each coordinate. The bits alternate, that of the way south
/// before that of the way east, so what begins with the same 2·z bits lies in the same tile of zoom
/// z, and keys in their order visit one tile of each zoom after the other (Z-order).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u64);

impl Key {
    /// The point at a latitude and longitude in degrees, in the spherical Mercator projection.
    /// `None` beyond 85.0511° north or south, and for a longitude that is not between ±180°.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the fraction is to be cut off; both are within 32 bits"
    )]
    pub fn at(lat: f64, lon: f64) -> Option<Self> {
        if !(lat.abs() <= EDGE && lon.abs() < 180.0) {
            return None;
        }
        let world = f64::from(u32::MAX) + 1.0;
        let x = world * ((lon + 180.0) / 360.0);
        let radians = lat * PI / 180.0;
        let y = world * (1.0 - (radians.tan() + 1.0 / radians.cos()).ln() / PI) / 2.0;
        Some(Self::of(x as u32, y as u32))
    }

    /// The point at whole coordinates, of which 2³² are the width of the world: from the west and
    /// from the north.
    const fn of(x: u32, y: u32) -> Self {
        Self(spread(y >> (32 - BITS)) << 1 | spread(x >> (32 - BITS)))
    }

    /// How far east it is; the low 11 bits are 0.
    #[must_use]
    pub const fn x(self) -> u32 {
        gather(self.0) << (32 - BITS)
    }

    /// How far south it is; the low 11 bits are 0.
    #[must_use]
    pub const fn y(self) -> u32 {
        gather(self.0 >> 1) << (32 - BITS)
    }

    /// What it has in common with all points of the same tile.
    pub(crate) const fn prefix(self, zoom: u8) -> u64 {
        self.0 >> (2 * (BITS - zoom as u32))
    }

    /// Six bytes that are in the same order; the last 6 bits are 0.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 6] {
        let [_, _, bytes @ ..] = (self.0 << (48 - 2 * BITS)).to_be_bytes();
        bytes
    }

    /// The point with these bytes; the last 6 bits are left out.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 6]) -> Self {
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(&bytes);
        Self(u64::from_be_bytes(wide) >> (48 - 2 * BITS))
    }
}

/// Puts a 0 before each of 21 bits.
const fn spread(bits: u32) -> u64 {
    let mut bits = bits as u64;
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

/// Every second bit, from the lowest on.
#[expect(clippy::cast_possible_truncation, reason = "32 bits are left")]
const fn gather(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    bits = (bits | bits >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    bits = (bits | bits >> 4) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits >> 8) & 0x0000_ffff_0000_ffff;
    (bits | bits >> 16) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(lat: f64, lon: f64) -> Option<u64> {
        let bytes = Key::at(lat, lon)?.to_bytes();
        Some(bytes.iter().fold(0, |record, byte| record << 8 | u64::from(*byte)))
    }

    #[test]
    fn points_have_the_records_of_the_original() {
        for (lat, lon, x, y, expected) in [
            (51.5008, -0.0995, 2_146_296_566, 1_428_312_744, 0x3777_5c59_7600),
            (51.500, -0.100, 2_146_290_601, 1_428_328_076, 0x3777_5c59_d0c0),
            (-33.868, 151.209, 3_951_477_286, 2_577_365_099, 0xd6c7_c2be_7a80),
        ] {
            assert_eq!(record(lat, lon), Some(expected));
            assert_eq!(Key::of(x, y), Key::at(lat, lon).unwrap());
        }
        assert_eq!(record(85.0511, 179.9999), Some(0x5555_5555_55c0));
        assert_eq!(record(-85.0511, -179.9999), Some(0xaaaa_aaaa_aa00));
    }

    #[test]
    fn what_is_not_on_the_map_has_no_key() {
        for (lat, lon) in [
            (85.0512, 0.0),
            (-85.0512, 0.0),
            (90.0, 0.0),
            (0.0, 180.0),
            (0.0, -180.0),
            (0.0, 200.0),
            (f64::NAN, 0.0),
            (0.0, f64::NAN),
            (f64::INFINITY, f64::NEG_INFINITY),
        ] {
            assert_eq!(Key::at(lat, lon), None, "{lat} {lon}");
        }
        // Adding 180 makes 360 of it.
        assert!(Key::at(0.0, 180.0_f64.next_down()).is_some());
    }

    proptest! {
        #[test]
        fn coordinates_and_bytes_come_back(x: u32, y: u32) {
            let key = Key::of(x, y);
            prop_assert_eq!((key.x(), key.y()), (x >> 11 << 11, y >> 11 << 11));
            prop_assert_eq!(Key::from_bytes(key.to_bytes()), key);
        }

        #[test]
        fn bytes_are_in_the_order_of_keys(a: (u32, u32), b: (u32, u32)) {
            let (a, b) = (Key::of(a.0, a.1), Key::of(b.0, b.1));
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        }

        #[test]
        fn a_prefix_is_a_tile(x: u32, y: u32, zoom in 0..12_u8) {
            let key = Key::of(x, y);
            let shift = 32 - u32::from(zoom);
            let tile = |value: u32| value.checked_shr(shift).unwrap_or(0);
            let corner = Key::of(
                tile(x).checked_shl(shift).unwrap_or(0),
                tile(y).checked_shl(shift).unwrap_or(0),
            );
            prop_assert_eq!(key.prefix(zoom), corner.prefix(zoom));
            prop_assert!(corner <= key);
        }
    }
}
