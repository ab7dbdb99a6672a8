//! Where invented people have been: streets that lead out of a city in bends.

use std::collections::BTreeSet;

use ichnaea_domain::datamap::Grid;
use ichnaea_domain::geo::{self, Position};

/// Streets of a city, at the same angle from each other.
const STREETS: u8 = 9;
/// Points of a street, which reaches about 25 kilometres.
const POINTS: u8 = 180;
/// Metres from one point to the next; a grid cell is a little smaller.
const STEP_M: f64 = 140.0;
/// How far a street bends to either side, degrees.
const BEND_DEG: f64 = 35.0;
/// Points from one bend to the next.
const BEND_POINTS: f64 = 9.0;

/// The grid cells along the streets of a city; `turn` (degrees) makes each city look different.
pub fn grids(center: Position, turn: f64) -> BTreeSet<Grid> {
    let mut grids = BTreeSet::new();
    for street in 0..STREETS {
        let out = turn + 360.0 / f64::from(STREETS) * f64::from(street);
        let mut here = center;
        for point in 0..POINTS {
            grids.insert(Grid::at(here.0, here.1));
            let phase = f64::from(point) / BEND_POINTS + f64::from(street);
            let bearing = out + BEND_DEG * phase.sin();
            here = geo::destination(here, bearing, STEP_M).unwrap_or(here);
        }
    }
    grids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streets_lead_from_the_centre_to_all_sides() {
        let grids = grids((51.5, 0.0), 0.0);
        assert!(grids.contains(&Grid::at(51.5, 0.0)));
        assert!(grids.len() > 1200, "{}", grids.len());
        for (lat, lon) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
            let is_there = |grid: &&Grid| (grid.lat - 51_500) * lat > 50 && grid.lon * lon > 50;
            assert!(grids.iter().any(|grid| is_there(&grid)), "{lat} {lon}");
        }
    }
}
