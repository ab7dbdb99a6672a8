//! What everything taken from a queue at once does to a station table.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::{Batch, Decision, decide};
use crate::cell::AreaKey;
use crate::observation::Observation;
use crate::region::Regions;
use crate::station::{Station, StationKey};

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Observations with a weight, whether or not they changed anything.
    pub obs: u64,
    /// Stations that became known, with a position or blocked.
    pub new: u64,
    /// Stations seen where they are: confirmed, changed or replaced.
    pub confirm: u64,
    /// Stations that were blocked, new or known ones.
    pub block: u64,
}

/// The rows to write and what follows from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// Stations that have no row yet, in order of first appearance.
    pub insert: Vec<(StationKey, Station)>,
    /// Stations whose row changes, in order of first appearance.
    pub update: Vec<(StationKey, Station)>,
    /// What happened how often.
    pub counts: Counts,
    /// Cell areas to compute again, each once.
    pub areas: Vec<AreaKey>,
}

/// The stations that observations with a weight are about, in order of first appearance: those
/// whose rows [`decide_all`] has to know.
#[must_use]
pub fn keys(observations: &[Observation]) -> Vec<StationKey> {
    grouped(observations).into_iter().map(|(key, _)| key).collect()
}

/// Decides about all stations that were observed; `found` holds the rows of those that are known.
#[must_use]
#[expect(clippy::implicit_hasher, reason = "callers use the default hasher")]
pub fn decide_all(
    found: &HashMap<StationKey, Station>,
    observations: &[Observation],
    regions: &Regions,
    now: NaiveDateTime,
) -> Decided {
    let mut decided = Decided::default();
    let mut areas = HashSet::new();
    for (key, seen) in grouped(observations) {
        let Some(batch) = Batch::of(&seen) else { continue };
        let decision = decide(found.get(&key), &batch, &key, regions, now);
        decided.counts.obs += seen.len() as u64;
        if decision.moves_area()
            && let StationKey::Cell(cell) = key
            && areas.insert(cell.area)
        {
            decided.areas.push(cell.area);
        }
        decided.apply(key, decision);
    }
    decided
}

impl Decision {
    /// Can the area of the cell look different now?
    const fn moves_area(&self) -> bool {
        match self {
            Self::New(_)
            | Self::NewBlocked(_)
            | Self::Change(_)
            | Self::Replace(_)
            | Self::Block(_) => true,
            Self::Confirm(_) | Self::Nothing | Self::Dropped => false,
        }
    }
}

impl Decided {
    fn apply(&mut self, key: StationKey, decision: Decision) {
        let counts = &mut self.counts;
        match decision {
            Decision::New(station) => {
                counts.new += 1;
                self.insert.push((key, station));
            }
            Decision::NewBlocked(station) => {
                counts.new += 1;
                counts.block += 1;
                self.insert.push((key, station));
            }
            Decision::Confirm(station) | Decision::Change(station) | Decision::Replace(station) => {
                counts.confirm += 1;
                self.update.push((key, station));
            }
            Decision::Block(station) => {
                counts.block += 1;
                self.update.push((key, station));
            }
            Decision::Nothing | Decision::Dropped => {}
        }
    }
}

/// Observations with a weight by station, in order of first appearance.
fn grouped(observations: &[Observation]) -> Vec<(StationKey, Vec<&Observation>)> {
    let mut places = HashMap::with_capacity(observations.len());
    let mut groups: Vec<(StationKey, Vec<&Observation>)> = Vec::new();
    for seen in observations.iter().filter(|seen| seen.weight() > 0.0) {
        let place = *places.entry(seen.key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(seen),
            None => groups.push((seen.key, vec![seen])),
        }
    }
    groups
}
