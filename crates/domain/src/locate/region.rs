//! Regions from stations and from country codes.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDateTime;

use super::mac::{blue_networks, wifi_networks};
use super::network::Network;
use super::result::{RegionResult, ResultSource};
use super::{Found, Query};
use crate::region::Regions;
use crate::score::area_score;
use crate::station::RegionCode;

type Scores = BTreeMap<RegionCode, f64>;

/// The regions that the stations of a query are in, each with the sum of their scores.
#[must_use]
pub fn internal_regions(
    query: &Query,
    found: &Found,
    regions: &Regions,
    now: NaiveDateTime,
) -> Vec<RegionResult> {
    [
        of_networks(&blue_networks(query, found, now)),
        of_networks(&wifi_networks(query, found, now)),
        of_cells(query, found, regions, now),
    ]
    .iter()
    .flatten()
    .filter_map(|(&region, &score)| {
        let accuracy_m = regions.radius_m(region)?;
        let source = ResultSource::Internal;
        Some(RegionResult { region, accuracy_m, score, source, fallback: None })
    })
    .collect()
}

fn of_networks(networks: &[Network]) -> Scores {
    let mut scores = Scores::new();
    for network in networks {
        if let Some(region) = network.region {
            *scores.entry(region).or_default() += network.score;
        }
    }
    scores
}

/// Every cell and every area votes for the regions of its country code; where these are several,
/// what is known about the area adds to one of them. The cells themselves are not looked at.
fn of_cells(query: &Query, found: &Found, regions: &Regions, now: NaiveDateTime) -> Scores {
    let mut scores = Scores::new();
    let mut ambiguous = HashSet::new();
    for area in query.cell_areas() {
        let candidates = regions.for_mcc(area.mcc);
        for &region in candidates {
            *scores.entry(region).or_default() += 1.0 / candidates.len() as f64;
        }
        if candidates.len() > 1 {
            ambiguous.insert(area);
        }
    }
    let mut ambiguous: Vec<_> = ambiguous.into_iter().collect();
    ambiguous.sort_unstable();
    for area in ambiguous.iter().filter_map(|key| found.areas.get(key)) {
        if let Some(score) = area.region.and_then(|region| scores.get_mut(&region)) {
            *score += area_score(area, now);
        }
    }
    scores
}
