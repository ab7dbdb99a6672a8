//! Cell areas: the aggregate of all positioned cells with one radio, mcc, mnc and lac.
//!
//! An area is computed anew from its cells whenever one of them has changed. It answers queries
//! about cells that are not known themselves.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, NaiveDateTime};

use crate::cell::AreaKey;
use crate::geo::{self, Position};
use crate::region::Regions;
use crate::station::{RegionCode, Station};

/// One row of the table of cell areas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellArea {
    /// Mean latitude of the cells, degrees.
    pub lat: Option<f64>,
    /// Mean longitude of the cells, degrees.
    pub lon: Option<f64>,
    /// When the area was first computed, UTC.
    pub created: Option<NaiveDateTime>,
    /// When the area was last computed, UTC.
    pub modified: Option<NaiveDateTime>,
    /// Metres from the centre to the farthest corner of the cells' joint box.
    pub radius_m: Option<u32>,
    /// Region most cells are in.
    pub region: Option<RegionCode>,
    /// Mean radius of the cells, metres.
    pub avg_cell_radius_m: Option<u32>,
    /// Number of cells with a position.
    pub num_cells: Option<u32>,
    /// Newest day on which one of the cells was seen.
    pub last_seen: Option<NaiveDate>,
}

/// What happens to an area, with the row to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It becomes known.
    Insert(CellArea),
    /// It is computed anew.
    Update(CellArea),
    /// None of its cells has a position any more.
    Delete,
    /// There is nothing to write.
    Nothing,
}

/// The rows to write, in order of first appearance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// Areas that have no row yet.
    pub insert: Vec<(AreaKey, CellArea)>,
    /// Areas whose row changes.
    pub update: Vec<(AreaKey, CellArea)>,
    /// Areas that are gone.
    pub delete: Vec<AreaKey>,
}

/// Decides about an area from the rows of its cells; `old` is its own row, if there is one. Cells
/// without a position do not count.
#[must_use]
pub fn decide(
    old: Option<&CellArea>,
    cells: &[Station],
    key: &AreaKey,
    regions: &Regions,
    now: NaiveDateTime,
) -> Decision {
    let cells: Vec<(Position, &Station)> =
        cells.iter().filter_map(|cell| Some((cell.position()?, cell))).collect();
    if cells.is_empty() {
        return if old.is_some() { Decision::Delete } else { Decision::Nothing };
    }
    let count = cells.len() as f64;
    let lat = cells.iter().map(|((lat, _), _)| lat).sum::<f64>() / count;
    let lon = cells.iter().map(|((_, lon), _)| lon).sum::<f64>() / count;
    let area = CellArea {
        lat: Some(lat),
        lon: Some(lon),
        created: old.map_or(Some(now), |old| old.created),
        modified: Some(now),
        radius_m: Some(radius_m((lat, lon), &cells)),
        region: region((lat, lon), &cells, key.mcc, regions),
        avg_cell_radius_m: Some(mean_radius_m(&cells)),
        num_cells: Some(u32::try_from(cells.len()).unwrap_or(u32::MAX)),
        last_seen: cells.iter().filter_map(|(_, cell)| cell.last_seen).max(),
    };
    if old.is_some() { Decision::Update(area) } else { Decision::Insert(area) }
}

/// Decides about several areas, each once; `found` holds the rows of those that are known, `cells`
/// the rows of their cells.
#[must_use]
#[expect(clippy::implicit_hasher, reason = "callers use the default hasher")]
pub fn decide_all(
    found: &HashMap<AreaKey, CellArea>,
    cells: &HashMap<AreaKey, Vec<Station>>,
    areas: &[AreaKey],
    regions: &Regions,
    now: NaiveDateTime,
) -> Decided {
    let mut decided = Decided::default();
    let mut seen = HashSet::with_capacity(areas.len());
    for &key in areas.iter().filter(|&&key| seen.insert(key)) {
        let cells = cells.get(&key).map(Vec::as_slice).unwrap_or_default();
        match decide(found.get(&key), cells, &key, regions, now) {
            Decision::Insert(area) => decided.insert.push((key, area)),
            Decision::Update(area) => decided.update.push((key, area)),
            Decision::Delete => decided.delete.push(key),
            Decision::Nothing => {}
        }
    }
    decided
}

/// Metres from the centre to the farthest corner of the joint box of all cells; 0 when no cell has
/// a box.
fn radius_m(center: Position, cells: &[(Position, &Station)]) -> u32 {
    let lats: Vec<f64> =
        cells.iter().flat_map(|(_, cell)| [cell.max_lat, cell.min_lat]).flatten().collect();
    let lons: Vec<f64> =
        cells.iter().flat_map(|(_, cell)| [cell.max_lon, cell.min_lon]).flatten().collect();
    if lats.is_empty() || lons.is_empty() {
        return 0;
    }
    let bounds = geo::BoundingBox {
        max_lat: lats.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        min_lat: lats.iter().copied().fold(f64::INFINITY, f64::min),
        max_lon: lons.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        min_lon: lons.iter().copied().fold(f64::INFINITY, f64::min),
    };
    geo::circle_radius_m(center, &bounds)
}

/// Mean of the known radii in whole metres, half to even; 0 when none is known.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean of u32 values is one"
)]
fn mean_radius_m(cells: &[(Position, &Station)]) -> u32 {
    let radii: Vec<f64> =
        cells.iter().filter_map(|(_, cell)| cell.radius_m).map(f64::from).collect();
    let mean = radii.iter().sum::<f64>() / radii.len().max(1) as f64;
    mean.round_ties_even() as u32
}

/// The region most cells are in, where "no region" has a vote like any other. Of equals, the one
/// that the country code and the centre of the area speak for; if they speak for none, the first
/// of the alphabet.
fn region(
    (lat, lon): Position,
    cells: &[(Position, &Station)],
    mcc: u16,
    regions: &Regions,
) -> Option<RegionCode> {
    let mut votes: HashMap<Option<RegionCode>, usize> = HashMap::new();
    for (_, cell) in cells {
        *votes.entry(cell.region).or_default() += 1;
    }
    let most = votes.values().copied().max()?;
    let mut leaders: Vec<Option<RegionCode>> =
        votes.into_iter().filter(|&(_, count)| count == most).map(|(code, _)| code).collect();
    leaders.sort_unstable();
    match leaders.as_slice() {
        [only] => *only,
        equals => regions.for_cell(lat, lon, mcc).or_else(|| equals.first().copied().flatten()),
    }
}

#[cfg(test)]
mod tests;
