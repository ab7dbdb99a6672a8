//! Positions from Bluetooth beacons and Wi-Fi access points.
//!
//! Stations that can be seen from one place form a cluster, and each cluster gives a result: where
//! the weighted distances to its stations are smallest. Several clusters mean that a station moved
//! without our knowledge; which of them is right is decided among the results.

use std::cmp::Ordering;

use chrono::NaiveDateTime;

use super::cluster::clusters;
use super::network::{
    Network, Wanted, back_on_map, join_across_antimeridian, networks, score, spread_m,
    weighted_mean,
};
use super::result::{PositionResult, ResultSource};
use super::solve::{Anchor, solve};
use super::{Found, Query};
use crate::geo::Position;
use crate::station::StationKey;

/// How stations of one kind give a position.
pub(super) struct Rules {
    /// How far apart two stations of a cluster can be, metres.
    cluster_limit_m: f64,
    /// Stations of a cluster that the position is computed from.
    sample: usize,
    /// Best accuracy that is claimed, metres.
    min_accuracy_m: f64,
    /// Worst accuracy that is claimed, metres.
    max_accuracy_m: f64,
    /// What a missing signal counts as, dBm.
    weakest_signal: i16,
}

const BLUE: Rules = Rules {
    cluster_limit_m: 100.0,
    sample: 10,
    min_accuracy_m: 10.0,
    max_accuracy_m: 50.0,
    weakest_signal: -127,
};

const WIFI: Rules = Rules {
    cluster_limit_m: 500.0,
    sample: 20,
    min_accuracy_m: 10.0,
    max_accuracy_m: 500.0,
    weakest_signal: -100,
};

/// The beacons of a query that were found.
pub(super) fn blue_networks(query: &Query, found: &Found, now: NaiveDateTime) -> Vec<Network> {
    let wanted = query.blue.iter().map(|blue| Wanted {
        key: StationKey::Blue(blue.mac),
        age: blue.age,
        signal: blue.signal,
        weakest_signal: BLUE.weakest_signal,
    });
    networks(wanted, found, now)
}

/// The access points of a query that were found.
pub(super) fn wifi_networks(query: &Query, found: &Found, now: NaiveDateTime) -> Vec<Network> {
    let wanted = query.wifi.iter().map(|wifi| Wanted {
        key: StationKey::Wifi(wifi.mac),
        age: wifi.age,
        signal: wifi.signal,
        weakest_signal: WIFI.weakest_signal,
    });
    networks(wanted, found, now)
}

/// One position for each cluster of beacons.
pub(super) fn blue_positions(
    query: &Query,
    found: &Found,
    now: NaiveDateTime,
) -> Vec<PositionResult> {
    positions(&BLUE, &blue_networks(query, found, now))
}

/// One position for each cluster of access points.
pub(super) fn wifi_positions(
    query: &Query,
    found: &Found,
    now: NaiveDateTime,
) -> Vec<PositionResult> {
    positions(&WIFI, &wifi_networks(query, found, now))
}

fn positions(rules: &Rules, networks: &[Network]) -> Vec<PositionResult> {
    let places: Vec<Position> = networks.iter().map(|network| network.position).collect();
    clusters(&places, rules.cluster_limit_m)
        .into_iter()
        .map(|members| members.into_iter().map(|member| networks[member].clone()).collect())
        .map(|cluster| position(rules, cluster))
        .collect()
}

fn position(rules: &Rules, mut cluster: Vec<Network>) -> PositionResult {
    // The lowest scores come first, and a large cluster is cut to them. That looks upside down,
    // but is what the original answers from.
    cluster.sort_unstable_by(by_score);
    let score = score(&cluster);
    let mut sample = cluster;
    sample.truncate(rules.sample);
    join_across_antimeridian(&mut sample);

    let guess = weighted_mean(&sample);
    let anchors: Vec<Anchor> = sample
        .iter()
        .map(|network| Anchor::new(network.position, network.reading_weight()))
        .collect();
    let at = solve(&anchors, guess).unwrap_or(guess);
    let accuracy_m = spread_m(at, &sample).max(rules.min_accuracy_m).min(rules.max_accuracy_m);
    let (lat, lon) = back_on_map(at);
    PositionResult {
        used: sample.iter().map(Network::used).collect(),
        ..PositionResult::new(lat, lon, accuracy_m, score, ResultSource::Internal)
    }
}

/// Ascending by score; among equals by everything else, so that the order is always the same.
fn by_score(a: &Network, b: &Network) -> Ordering {
    let radius = |network: &Network| network.radius_m.filter(|&radius| radius > 0).unwrap_or(10);
    a.score
        .total_cmp(&b.score)
        .then(a.position.0.total_cmp(&b.position.0))
        .then(a.position.1.total_cmp(&b.position.1))
        .then(radius(a).cmp(&radius(b)))
        .then(a.age_ms.cmp(&b.age_ms))
        .then(a.signal.cmp(&b.signal))
        .then(a.key.cmp(&b.key))
}
