//! The box that is asked for, and whether it can be answered.

use std::fmt;
use std::str::FromStr;

use h3o::{CellIndex, LatLng, Resolution};

use super::{BLOCK, Block, COARSEST, FINEST};

/// Blocks that a box may touch: four square degrees.
const MAX_BLOCKS: i64 = 64;

/// Hexagons a box may have room for; an answer of so many has about a megabyte.
const MAX_CELLS: f64 = 20_000.0;

/// Hexagons a box has room for at most when nobody says how fine they are to be.
const USUAL_CELLS: f64 = 5_000.0;

/// Square kilometres of a square degree at the equator.
const SQUARE_DEGREE_KM2: f64 = 12_364.0;

/// A box on the globe; one whose west is east of its east crosses the antimeridian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// Western edge, degrees, −180 to 180.
    pub west: f64,
    /// Southern edge, degrees, −90 to 90.
    pub south: f64,
    /// Eastern edge, degrees, −180 to 180.
    pub east: f64,
    /// Northern edge, degrees, −90 to 90.
    pub north: f64,
}

/// Why a box cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// These are not four numbers.
    Form,
    /// An edge is off the globe.
    OffGlobe,
    /// South is north of north.
    Swapped,
    /// It touches this many blocks.
    TooLarge(i64),
    /// Hexagons of this fineness do not exist here.
    Resolution,
    /// It has room for too many hexagons of this fineness; this one would do.
    TooFine(Resolution),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("four numbers are needed: west,south,east,north in degrees"),
            Self::OffGlobe => f.write_str(
                "west and east go from -180 to 180 degrees, south and north from -90 to 90",
            ),
            Self::Swapped => f.write_str("south is north of north"),
            Self::TooLarge(blocks) => write!(
                f,
                "touches {blocks} quarters of a degree squared, {MAX_BLOCKS} are the most: ask for \
                 smaller boxes"
            ),
            Self::Resolution => write!(f, "a whole number from {COARSEST} to {FINEST} is needed"),
            Self::TooFine(finest) => {
                write!(f, "too fine for a box of this size: {finest} is the finest")
            }
        }
    }
}

impl FromStr for Area {
    type Err = Unfit;

    /// Reads `west,south,east,north`.
    fn from_str(text: &str) -> Result<Self, Unfit> {
        let mut numbers = [0.0; 4];
        let mut parts = text.split(',');
        for number in &mut numbers {
            let part = parts.next().and_then(|part| part.trim().parse::<f64>().ok());
            *number = part.filter(|part| part.is_finite()).ok_or(Unfit::Form)?;
        }
        if parts.next().is_some() {
            return Err(Unfit::Form);
        }
        let [west, south, east, north] = numbers;
        let is_on_globe = [west, east].iter().all(|lon| lon.abs() <= 180.0)
            && [south, north].iter().all(|lat| lat.abs() <= 90.0);
        if !is_on_globe {
            return Err(Unfit::OffGlobe);
        }
        if south > north {
            return Err(Unfit::Swapped);
        }
        Ok(Self { west, south, east, north })
    }
}

impl Area {
    /// The blocks it touches; an error when they are too many.
    pub fn blocks(&self) -> Result<Vec<Block>, Unfit> {
        let rows = block_at(self.south)..=block_at(self.north);
        let columns: Vec<i32> =
            self.spans().flat_map(|(west, east)| block_at(west)..=block_at(east)).collect();
        let height = i64::from(rows.end() - rows.start()) + 1;
        let count = height * i64::try_from(columns.len()).unwrap_or(i64::MAX);
        if count > MAX_BLOCKS {
            return Err(Unfit::TooLarge(count));
        }
        Ok(rows.flat_map(|lat| columns.iter().map(move |&lon| Block { lat, lon })).collect())
    }

    /// How fine its hexagons are: as asked for, or as is usual for its size.
    pub fn resolution(&self, wanted: Option<u8>) -> Result<Resolution, Unfit> {
        let Some(wanted) = wanted else { return Ok(self.finest(USUAL_CELLS)) };
        let wanted = Resolution::try_from(wanted).map_err(|_| Unfit::Resolution)?;
        if !(COARSEST..=FINEST).contains(&wanted) {
            return Err(Unfit::Resolution);
        }
        let finest = self.finest(MAX_CELLS);
        if wanted > finest { Err(Unfit::TooFine(finest)) } else { Ok(wanted) }
    }

    /// Does a hexagon reach into the box? A little outside of it counts, too: its edges are not
    /// straight on a map.
    #[must_use]
    pub fn touches(&self, cell: CellIndex) -> bool {
        let center = LatLng::from(cell);
        if self.has(center.lat(), center.lng()) {
            return true;
        }
        let corners = cell.boundary();
        let reach = |of: fn(f64, f64) -> f64, pick: fn(&LatLng) -> f64, from: f64| {
            corners.iter().map(|corner| of(pick(corner), from).abs()).fold(0.0, f64::max) * 1.01
        };
        let up = reach(|lat, from| lat - from, |corner| corner.lat(), center.lat());
        let across = reach(turn, |corner| corner.lng(), center.lng());
        let is_level = center.lat() + up >= self.south && center.lat() - up <= self.north;
        is_level
            && self.spans().any(|(west, east)| {
                // The nearest longitude of the span, the short way around.
                let inside = (west..=east).contains(&center.lng());
                inside || [west, east].iter().any(|edge| turn(*edge, center.lng()).abs() <= across)
            })
    }

    fn has(&self, lat: f64, lon: f64) -> bool {
        (self.south..=self.north).contains(&lat)
            && self.spans().any(|(west, east)| (west..=east).contains(&lon))
    }

    /// Its longitudes, west to east.
    fn spans(&self) -> impl Iterator<Item = (f64, f64)> {
        let (first, second) = if self.west <= self.east {
            ((self.west, self.east), None)
        } else {
            ((self.west, 180.0), Some((-180.0, self.east)))
        };
        std::iter::once(first).chain(second)
    }

    /// The finest hexagons of which it has room for so many.
    fn finest(&self, cells: f64) -> Resolution {
        let width: f64 = self.spans().map(|(west, east)| east - west).sum();
        let nearest = if self.south <= 0.0 && self.north >= 0.0 {
            0.0
        } else {
            self.south.abs().min(self.north.abs())
        };
        let shrunk = nearest.to_radians().cos();
        let area_km2 = width * (self.north - self.south) * shrunk * SQUARE_DEGREE_KM2;
        let fits = |resolution: &Resolution| area_km2 <= cells * resolution.area_km2();
        Resolution::range(COARSEST, FINEST).filter(fits).max().unwrap_or(COARSEST)
    }
}

/// Degrees from one longitude to another, the short way around.
fn turn(lon: f64, from: f64) -> f64 {
    (lon - from + 540.0).rem_euclid(360.0) - 180.0
}

/// The row or column of blocks at an angle.
#[expect(clippy::cast_possible_truncation, reason = "an angle on the globe")]
fn block_at(degrees: f64) -> i32 {
    ((degrees * 1000.0).floor() as i32).div_euclid(BLOCK)
}
