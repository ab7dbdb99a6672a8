//! Coverage as data: the hexagons of the H3 grid in which something was reported within a year.
//!
//! It tells no more than the map shows. A hexagon is never smaller than a cell of the coverage grid,
//! and its age is a quarter of a year. What a box can cost is bounded before anything is read: the world
//! is cut into blocks of a quarter degree, and a box touches few of them.

mod area;
mod outline;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use h3o::{CellIndex, LatLng, Resolution};

pub use area::{Area, Unfit};
pub use outline::{Ring, outline};

use super::{Grid, Quadrant, oldest_kept};
use crate::geo::MAX_LAT;

/// Side of a block in thousandths of a degree. Divides the lines between the tables, so that each
/// block is in one table.
const BLOCK: i32 = 250;

/// The coarsest hexagons, about 250 km².
pub const COARSEST: Resolution = Resolution::Five;

/// The finest hexagons: 0.1 km², and 0.05 at the least. A grid cell has 0.012 km² at the equator;
/// the next finer hexagons would not be larger.
pub const FINEST: Resolution = Resolution::Nine;

/// A part of the world that is read and kept as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block {
    /// Quarter degrees north of the equator, of its southern edge.
    pub lat: i32,
    /// Quarter degrees east of Greenwich, of its western edge.
    pub lon: i32,
}

impl Block {
    /// The block that a grid cell is in.
    #[must_use]
    pub const fn of(grid: Grid) -> Self {
        Self { lat: grid.lat.div_euclid(BLOCK), lon: grid.lon.div_euclid(BLOCK) }
    }

    /// The table that holds its grid cells.
    #[must_use]
    pub const fn quadrant(self) -> Quadrant {
        self.corner().quadrant()
    }

    /// The first and the last possible grid cell of each latitude in it.
    pub fn rows(self) -> impl Iterator<Item = (Grid, Grid)> {
        let Grid { lat: south, lon: west } = self.corner();
        (south..south + BLOCK)
            .map(move |lat| (Grid { lat, lon: west }, Grid { lat, lon: west + BLOCK - 1 }))
    }

    const fn corner(self) -> Grid {
        Grid { lat: self.lat * BLOCK, lon: self.lon * BLOCK }
    }
}

/// A hexagon in which something was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    /// The hexagon.
    pub cell: CellIndex,
    /// The latest report is at most this many months old: 3, 6, 9 or 12.
    pub months: u8,
}

/// The hexagons of grid cells and the days they were last reported from, each once and in order.
#[must_use]
pub fn covered(
    rows: impl IntoIterator<Item = (Grid, NaiveDate)>,
    resolution: Resolution,
    today: NaiveDate,
) -> Vec<Covered> {
    let kept = rows.into_iter().filter(|(_, day)| *day >= oldest_kept(today));
    merged(kept.filter_map(|(grid, day)| {
        let cell = center(grid)?.to_cell(resolution);
        Some(Covered { cell, months: quarter(day, today) })
    }))
}

/// Hexagons from several blocks, each once and in order; the latest report counts.
#[must_use]
pub fn merged(cells: impl IntoIterator<Item = Covered>) -> Vec<Covered> {
    let mut youngest = BTreeMap::<CellIndex, u8>::new();
    for Covered { cell, months } in cells {
        let least = youngest.entry(cell).or_insert(months);
        *least = months.min(*least);
    }
    youngest.into_iter().map(|(cell, months)| Covered { cell, months }).collect()
}

/// The place a grid cell stands for; `None` where no report can come from.
fn center(grid: Grid) -> Option<LatLng> {
    let (lat, lon) = (f64::from(grid.lat) / 1000.0, f64::from(grid.lon) / 1000.0);
    LatLng::new(lat, lon).ok().filter(|_| lat.abs() <= MAX_LAT)
}

/// Age of a report in whole quarters of a year, as months; one of the future is new.
fn quarter(day: NaiveDate, today: NaiveDate) -> u8 {
    match today.signed_duration_since(day).num_days() {
        ..=91 => 3,
        92..=182 => 6,
        183..=274 => 9,
        _ => 12,
    }
}

/// Hexagons as they are kept: 8 bytes of index, big endian, and one of months each.
#[must_use]
pub fn encode(cells: &[Covered]) -> Vec<u8> {
    let bytes = |covered: &Covered| {
        let index = u64::from(covered.cell).to_be_bytes();
        index.into_iter().chain([covered.months])
    };
    cells.iter().flat_map(bytes).collect()
}

/// Reads what [`encode`] wrote; `None` when it is something else.
#[must_use]
pub fn decode(bytes: &[u8], resolution: Resolution) -> Option<Vec<Covered>> {
    let (cells, rest) = bytes.as_chunks::<9>();
    let covered = |bytes: &[u8; 9]| {
        let (index, months) = bytes.split_first_chunk()?;
        let cell = CellIndex::try_from(u64::from_be_bytes(*index)).ok()?;
        let months = *months.first()?;
        let is_good = cell.resolution() == resolution && matches!(months, 3 | 6 | 9 | 12);
        is_good.then_some(Covered { cell, months })
    };
    cells.iter().map(covered).collect::<Option<_>>().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests;
