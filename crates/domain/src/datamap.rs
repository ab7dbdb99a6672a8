//! The coverage grid: cells of a thousandth of a degree in which something was reported.

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
        let [a, b, c, d] = self.lat.wrapping_add(90_000).to_be_bytes();
        let [e, f, g, h] = self.lon.wrapping_add(180_000).to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }

    /// The cell with this key; `None` when it is not 8 bytes or off the globe.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, d, e, f, g, h] = bytes else { return None };
        let lat = i32::from_be_bytes([a, b, c, d]).checked_sub(90_000)?;
        let lon = i32::from_be_bytes([e, f, g, h]).checked_sub(180_000)?;
        (lat.abs() <= 90_000 && lon.abs() <= 180_000).then_some(Self { lat, lon })
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
