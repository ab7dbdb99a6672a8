//! The coverage grid: cells of a thousandth of a degree in which something was reported.
//!
//! Only the day of the latest report is kept for a cell, and a cell nobody reported from for a year
//! is forgotten.

pub mod coverage;
mod scatter;

use std::collections::{HashMap, HashSet};

use chrono::{Days, NaiveDate};

pub use scatter::{age_months, scatter};

/// One cell of the coverage grid, scaled to thousandths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grid {
    /// Latitude in thousandths of a degree, −90000 to 90000.
    pub lat: i32,
    /// Longitude in thousandths of a degree, −180000 to 180000.
    pub lon: i32,
}

impl Grid {
    /// The cell that contains a position in degrees; rounds half to even.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "coordinates are bounded to ±180 degrees")]
    pub fn at(lat: f64, lon: f64) -> Self {
        let scale = |degrees: f64| (degrees * 1000.0).round_ties_even() as i32;
        Self { lat: scale(lat), lon: scale(lon) }
    }

    /// The primary key: latitude + 90000 and longitude + 180000, 4 bytes each, big endian.
    #[must_use]
    pub fn encode(self) -> [u8; 8] {
        let half = |value: i32| u64::from(value.cast_unsigned());
        let (lat, lon) = (self.lat.wrapping_add(90_000), self.lon.wrapping_add(180_000));
        (half(lat) << 32 | half(lon)).to_be_bytes()
    }

    /// The cell with this key; `None` when it is not 8 bytes or off the globe.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&lat, rest) = bytes.split_first_chunk()?;
        let lat = i32::from_be_bytes(lat).checked_sub(90_000)?;
        let lon = i32::from_be_bytes(rest.try_into().ok()?).checked_sub(180_000)?;
        // The least number has no absolute value.
        let is_on_globe = (-90_000..=90_000).contains(&lat) && (-180_000..=180_000).contains(&lon);
        is_on_globe.then_some(Self { lat, lon })
    }

    /// The quarter of the world whose table holds the cell. The dividing lines, 36° north and 5°
    /// east, balance the tables by amount of data.
    #[must_use]
    pub const fn quadrant(self) -> Quadrant {
        match (self.lat < 36_000, self.lon < 5_000) {
            (false, false) => Quadrant::Ne,
            (false, true) => Quadrant::Nw,
            (true, false) => Quadrant::Se,
            (true, true) => Quadrant::Sw,
        }
    }
}

/// One of the four tables of the coverage grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quadrant {
    /// North-east.
    Ne,
    /// North-west.
    Nw,
    /// South-east.
    Se,
    /// South-west.
    Sw,
}

impl Quadrant {
    /// All quadrants in the order in which they are reported.
    pub const ALL: [Self; 4] = [Self::Ne, Self::Nw, Self::Se, Self::Sw];

    /// The name that ends table and queue names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ne => "ne",
            Self::Nw => "nw",
            Self::Se => "se",
            Self::Sw => "sw",
        }
    }
}

/// What to do with the grid cells of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Cells that are new.
    pub insert: Vec<Grid>,
    /// Cells whose day becomes today.
    pub touch: Vec<Grid>,
}

/// Decides about cells in which something was reported; `found` holds the day of those that are
/// known. Any other day than today becomes today, even one in the future.
#[must_use]
#[expect(clippy::implicit_hasher, reason = "callers use the default hasher")]
pub fn decide(
    found: &HashMap<Grid, Option<NaiveDate>>,
    grids: &[Grid],
    today: NaiveDate,
) -> Decided {
    let mut decided = Decided::default();
    let mut seen = HashSet::with_capacity(grids.len());
    for &grid in grids.iter().filter(|&&grid| seen.insert(grid)) {
        match found.get(&grid) {
            None => decided.insert.push(grid),
            Some(&modified) if modified != Some(today) => decided.touch.push(grid),
            Some(_) => {}
        }
    }
    decided
}

/// The first day that is still kept; cells last reported from before it are forgotten.
#[must_use]
pub fn oldest_kept(today: NaiveDate) -> NaiveDate {
    today.checked_sub_days(Days::new(365)).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_have_the_recorded_cells_tables_and_keys() {
        for (lat, lon, scaled, quadrant, key) in [
            (0.0, 0.0, (0, 0), "sw", 0x0001_5f90_0002_bf20),
            (51.5, -0.1, (51_500, -100), "nw", 0x0002_28bc_0002_bebc),
            (52.52, 13.405, (52_520, 13_405), "ne", 0x0002_2cb8_0002_f37d),
            (-33.868, 151.209, (-33_868, 151_209), "se", 0x0000_db44_0005_0dc9),
            (1.234_567, 2.345_678, (1235, 2346), "sw", 0x0001_6463_0002_c84a),
            (37.7749, -122.4194, (37_775, -122_419), "nw", 0x0001_f31f_0000_e0ed),
            (36.0, 5.0, (36_000, 5000), "ne", 0x0001_ec30_0002_d2a8),
            (35.9995, 4.9995, (36_000, 5000), "ne", 0x0001_ec30_0002_d2a8),
            (35.9994, 4.9994, (35_999, 4999), "sw", 0x0001_ec2f_0002_d2a7),
            (0.0005, 0.0015, (0, 2), "sw", 0x0001_5f90_0002_bf22),
            (-0.0005, -0.0015, (0, -2), "sw", 0x0001_5f90_0002_bf1e),
            (0.0025, 0.0035, (2, 4), "sw", 0x0001_5f92_0002_bf24),
            (1.0005, 2.6755, (1000, 2676), "sw", 0x0001_6378_0002_c994),
            (85.051, 180.0, (85_051, 180_000), "ne", 0x0002_abcb_0005_7e40),
            (-85.051, -180.0, (-85_051, -180_000), "sw", 0x0000_1355_0000_0000),
        ] {
            let grid = Grid::at(lat, lon);
            assert_eq!((grid.lat, grid.lon), scaled, "{lat} {lon}");
            assert_eq!(grid.quadrant().name(), quadrant, "{lat} {lon}");
            assert_eq!(u64::from_be_bytes(grid.encode()), key, "{lat} {lon}");
            assert_eq!(Grid::decode(&grid.encode()), Some(grid));
        }
    }

    #[test]
    fn keys_far_off_the_globe_do_not_decode() {
        for least_or_most in [i32::MIN, i32::MAX, -90_001, 90_001] {
            let grid = Grid { lat: least_or_most, lon: 0 };
            assert_eq!(Grid::decode(&grid.encode()), None, "{least_or_most} north");
        }
        for least_or_most in [i32::MIN, i32::MAX, -180_001, 180_001] {
            let grid = Grid { lat: 0, lon: least_or_most };
            assert_eq!(Grid::decode(&grid.encode()), None, "{least_or_most} east");
        }
    }

    #[test]
    fn a_cell_is_inserted_once_or_touched_once_a_day() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let grid = |lat| Grid { lat, lon: 0 };
        let found = HashMap::from([
            (grid(1), Some(today)),
            (grid(2), Some(today.pred_opt().unwrap())),
            (grid(3), Some(today.succ_opt().unwrap())),
            (grid(4), None),
        ]);
        let grids = [5, 1, 2, 3, 4, 5, 2].map(grid);
        assert_eq!(
            decide(&found, &grids, today),
            Decided { insert: vec![grid(5)], touch: vec![grid(2), grid(3), grid(4)] }
        );
    }

    #[test]
    fn a_year_is_kept() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        assert_eq!(Some(oldest_kept(today)), NaiveDate::from_ymd_opt(2025, 11, 22));
        assert_eq!(oldest_kept(NaiveDate::MIN), NaiveDate::MIN);
    }

    proptest! {
        #[test]
        fn keys_of_cells_come_back(lat in -90_000..=90_000, lon in -180_000..=180_000) {
            let grid = Grid { lat, lon };
            prop_assert_eq!(Grid::decode(&grid.encode()), Some(grid));
        }

        #[test]
        fn keys_off_the_globe_do_not_decode(key in any::<[u8; 8]>(), short in 0_usize..8) {
            let grid = Grid::decode(&key);
            prop_assert!(grid.is_none_or(|grid| grid.encode() == key));
            prop_assert_eq!(Grid::decode(&key[..short]), None);
        }

        #[test]
        fn dots_lie_in_their_cell(
            lat in -90_000..=90_000, lon in -180_000..=180_000, age in -5_i64..20,
        ) {
            for (dot_lat, dot_lon) in scatter(Grid { lat, lon }, age) {
                prop_assert!((0.0..1.0).contains(&(dot_lat * 1000.0 - f64::from(lat) + 1e-9)));
                prop_assert!((0.0..1.0).contains(&(dot_lon * 1000.0 - f64::from(lon) + 1e-9)));
            }
        }
    }
}
