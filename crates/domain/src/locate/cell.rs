//! Positions from cells and, when no cell is known, from cell areas.
//!
//! Cells reach far, so no cluster is formed by distance: the cells of one area belong together.

use chrono::NaiveDateTime;

use super::network::{
    Network, Wanted, back_on_map, is_position, join_across_antimeridian, networks, score, spread_m,
    weighted_mean,
};
use super::result::{Fallback, NetworkKey, PositionResult, ResultSource, UsedNetwork};
use super::{Found, Query};
use crate::area::CellArea;
use crate::cell::AreaKey;
use crate::geo::Position;
use crate::reading::weakest_signal;
use crate::score::area_score;
use crate::station::StationKey;

/// Best and worst accuracy that is claimed for a cell, metres.
const CELL_ACCURACY_M: (f64, f64) = (1_000.0, 50_000.0);
/// Best and worst accuracy that is claimed for a cell area, metres.
const AREA_ACCURACY_M: (f64, f64) = (50_000.0, 500_000.0);

/// One position for each area with known cells.
pub(super) fn cell_positions(
    query: &Query,
    found: &Found,
    now: NaiveDateTime,
) -> Vec<PositionResult> {
    let wanted = query.cells.iter().map(|cell| Wanted {
        key: StationKey::Cell(cell.key),
        age: cell.age,
        signal: cell.signal,
        weakest_signal: weakest_signal(cell.key.area.radio),
    });
    by_area(networks(wanted, found, now)).into_iter().map(position).collect()
}

/// Groups cells by area, in the order of their first cell. Cells are sorted by shard and key, so
/// those of one area are neighbours.
fn by_area(cells: Vec<Network>) -> Vec<Vec<Network>> {
    let mut groups: Vec<(Option<AreaKey>, Vec<Network>)> = Vec::new();
    for cell in cells {
        let area = match cell.key {
            StationKey::Cell(key) => Some(key.area),
            StationKey::Blue(_) | StationKey::Wifi(_) => None,
        };
        match groups.last_mut() {
            Some((last, group)) if *last == area => group.push(cell),
            _ => groups.push((area, vec![cell])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn position(mut cells: Vec<Network>) -> PositionResult {
    join_across_antimeridian(&mut cells);
    let (at, accuracy_m): (Position, f64) = match &cells[..] {
        [cell] => (cell.position, cell.radius_m.unwrap_or(0).into()),
        cells => {
            let mean = weighted_mean(cells);
            (mean, spread_m(mean, cells))
        }
    };
    let (lat, lon) = back_on_map(at);
    let accuracy_m = accuracy_m.clamp(CELL_ACCURACY_M.0, CELL_ACCURACY_M.1);
    PositionResult {
        used: cells.iter().map(Network::used).collect(),
        ..PositionResult::new(lat, lon, accuracy_m, score(&cells), ResultSource::Internal)
    }
}

/// The position of each known area.
pub(super) fn area_positions(
    query: &Query,
    found: &Found,
    now: NaiveDateTime,
) -> Vec<PositionResult> {
    let mut keys: Vec<AreaKey> = query.areas.iter().map(|area| area.key).collect();
    // The order of the database, where all areas are in one table.
    keys.sort_unstable();
    keys.into_iter().filter_map(|key| area_position(key, found, now)).collect()
}

fn usable_area(key: AreaKey, found: &Found) -> Option<(&CellArea, Position)> {
    let area = found.areas.get(&key)?;
    Some((area, area.lat.zip(area.lon).filter(|&position| is_position(position))?))
}

/// Can the area be an answer?
pub(super) fn is_known_area(key: AreaKey, found: &Found) -> bool {
    usable_area(key, found).is_some()
}

fn area_position(key: AreaKey, found: &Found, now: NaiveDateTime) -> Option<PositionResult> {
    let (area, (lat, lon)) = usable_area(key, found)?;
    let radius_m = f64::from(area.radius_m.unwrap_or(0));
    let accuracy_m = radius_m.clamp(AREA_ACCURACY_M.0, AREA_ACCURACY_M.1);
    let is_seen_today = area.last_seen.is_some_and(|day| day >= now.date());
    Some(PositionResult {
        fallback: Some(Fallback::Lacf),
        used: vec![UsedNetwork { key: NetworkKey::Area(key), is_seen_today }],
        ..PositionResult::new(lat, lon, accuracy_m, area_score(area, now), ResultSource::Internal)
    })
}
