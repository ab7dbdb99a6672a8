//! From the stations a device sees to its position or region.
//!
//! A [`Query`] says which stations and areas to read. What was [`Found`] gives results, to which the
//! address of the client and an outside provider may add theirs; the best of all is the answer.
//! Nothing here fails: a query that cannot be answered has no results.

mod cell;
mod cluster;
mod explain;
mod learn;
mod mac;
mod network;
mod query;
mod reading;
mod region;
mod request;
mod result;
mod solve;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono::NaiveDateTime;

pub use cluster::clusters;
pub use explain::{Explanation, Known, explain};
pub use learn::{learned_report, worth_learning};
pub use query::{Counts, MAX_NETWORKS, Query};
pub use reading::{Area, Blue, Cell, Wifi};
pub use region::internal_regions;
pub use request::{Api, BlueReading, CellReading, Client, Request, WifiReading};
pub use result::{
    AccuracyClass, Fallback, NetworkKey, PositionResult, RegionResult, ResultSource, UsedNetwork,
    best_position, best_region,
};
pub use solve::{Anchor, solve};

use crate::area::CellArea;
use crate::cell::AreaKey;
use crate::geoip::GeoIp;
use crate::station::{Station, StationKey};

/// What is stored about the stations and areas of a query.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The stations that exist.
    pub stations: HashMap<StationKey, Station>,
    /// The cell areas that exist.
    pub areas: HashMap<AreaKey, CellArea>,
}

/// The positions that our own stations give.
#[must_use]
pub fn internal_positions(query: &Query, found: &Found, now: NaiveDateTime) -> Vec<PositionResult> {
    let mut results = mac::blue_positions(query, found, now);
    results.extend(mac::wifi_positions(query, found, now));
    let cells = cell::cell_positions(query, found, now);
    if cells.is_empty() && query.lacf {
        results.extend(cell::area_positions(query, found, now));
    }
    results.extend(cells);
    results
}

/// The position that the address of the client gives, if the query allows to look at it.
#[must_use]
pub fn geoip_position(query: &Query) -> Option<PositionResult> {
    let geoip = usable_geoip(query)?;
    let GeoIp { lat, lon, radius_m, score, .. } = geoip;
    Some(PositionResult {
        fallback: geoip_fallback(query),
        ..PositionResult::new(lat, lon, radius_m, score, ResultSource::GeoIp)
    })
}

/// The region that the address of the client gives, if the query allows to look at it.
#[must_use]
pub fn geoip_region(query: &Query) -> Option<RegionResult> {
    let GeoIp { region, region_radius_m, score, .. } = usable_geoip(query)?;
    Some(RegionResult {
        region,
        accuracy_m: region_radius_m,
        score,
        source: ResultSource::GeoIp,
        fallback: geoip_fallback(query),
    })
}

fn usable_geoip(query: &Query) -> Option<GeoIp> {
    query.client.geoip.filter(|_| query.ipf)
}

/// A query without stations asks for nothing but the address; that is no fallback then.
fn geoip_fallback(query: &Query) -> Option<Fallback> {
    query.has_networks().then_some(Fallback::Ipf)
}

/// Are the results so far good enough not to ask an outside provider?
#[must_use]
pub fn satisfies(query: &Query, results: &[PositionResult]) -> bool {
    result::is_satisfying(results, query.expected_accuracy())
}
