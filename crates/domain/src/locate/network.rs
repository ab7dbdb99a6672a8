//! Stations of a query that were found, with all that a position is computed from.

use std::collections::HashMap;

use chrono::NaiveDateTime;

use super::Found;
use super::result::{NetworkKey, UsedNetwork};
use crate::geo::{MAX_LON, Position, distance_m};
use crate::score::{is_blocked, station_score};
use crate::station::{RegionCode, Shard, Station, StationKey};

/// Age from which on a reading counts less, ms.
const FULL_WEIGHT_AGE_MS: f64 = 2000.0;
/// Age of the freshest readings and of those that do not say, ms.
const MIN_AGE_MS: i32 = 1000;

/// A station of a query that was found.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub key: StationKey,
    pub position: Position,
    pub radius_m: Option<u32>,
    pub region: Option<RegionCode>,
    /// Milliseconds, 1000 or more.
    pub age_ms: i32,
    /// dBm, below 0.
    pub signal: i16,
    pub score: f64,
    pub is_seen_today: bool,
}

impl Network {
    /// How much age and signal count: falls with the age beyond two seconds and with the square of
    /// the signal, whose number grows with the distance.
    pub fn reading_weight(&self) -> f64 {
        let signal = f64::from(self.signal);
        let age_factor = (FULL_WEIGHT_AGE_MS / f64::from(self.age_ms)).sqrt().min(1.0);
        age_factor / (signal * signal)
    }

    pub fn used(&self) -> UsedNetwork {
        UsedNetwork { key: NetworkKey::Station(self.key), is_seen_today: self.is_seen_today }
    }
}

/// A station that a query asks for.
pub(super) struct Wanted {
    pub key: StationKey,
    pub age: Option<i32>,
    pub signal: Option<i16>,
    /// What a missing signal counts as, dBm.
    pub weakest_signal: i16,
}

/// Those of the wanted stations that were found with a position and are not blocked. They are in
/// the order of the database: by shard, as the query first mentions them, then by key.
pub(super) fn networks(
    wanted: impl Iterator<Item = Wanted>,
    found: &Found,
    now: NaiveDateTime,
) -> Vec<Network> {
    let mut shards: HashMap<Shard, usize> = HashMap::new();
    let mut networks: Vec<(usize, Network)> = Vec::new();
    for wanted in wanted {
        let next = shards.len();
        let place = *shards.entry(wanted.key.shard()).or_insert(next);
        networks.extend(network(&wanted, found, now).map(|network| (place, network)));
    }
    networks.sort_unstable_by_key(|(place, network)| (*place, network.key));
    networks.into_iter().map(|(_, network)| network).collect()
}

fn network(wanted: &Wanted, found: &Found, now: NaiveDateTime) -> Option<Network> {
    let (station, position) = usable(&wanted.key, found, now)?;
    Some(Network {
        key: wanted.key,
        position,
        radius_m: station.radius_m,
        region: station.region,
        age_ms: wanted.age.map_or(MIN_AGE_MS, |age| age.saturating_abs().max(MIN_AGE_MS)),
        // No device measures 0 dBm; it is what some send when they do not know.
        signal: wanted.signal.filter(|&signal| signal != 0).unwrap_or(wanted.weakest_signal),
        score: station_score(station, now),
        is_seen_today: station.last_seen.is_some_and(|day| day >= now.date()),
    })
}

/// A station that was found with a position and is not blocked.
fn usable<'f>(
    key: &StationKey,
    found: &'f Found,
    now: NaiveDateTime,
) -> Option<(&'f Station, Position)> {
    let station = found.stations.get(key)?;
    let position = station.position().filter(|&position| is_position(position))?;
    (!is_blocked(station, now.date())).then_some((station, position))
}

/// Can the station be a part of an answer?
pub(super) fn is_known(key: &StationKey, found: &Found, now: NaiveDateTime) -> bool {
    usable(key, found, now).is_some()
}

pub(super) fn is_position((lat, lon): Position) -> bool {
    (-90.0..=90.0).contains(&lat) && (-MAX_LON..=MAX_LON).contains(&lon)
}

/// The mean of the positions, weighted by score and reading.
pub(super) fn weighted_mean(networks: &[Network]) -> Position {
    let weights: Vec<f64> =
        networks.iter().map(|network| network.score * network.reading_weight()).collect();
    let total = sum(&weights);
    let mean = |angle: fn(Position) -> f64| {
        let weighted = networks.iter().zip(&weights).map(|(n, weight)| angle(n.position) * weight);
        weighted.sum::<f64>() / total
    };
    (mean(|at| at.0), mean(|at| at.1))
}

/// The sum of scores.
pub(super) fn score(networks: &[Network]) -> f64 {
    let scores: Vec<f64> = networks.iter().map(|network| network.score).collect();
    sum(&scores)
}

/// Within how many metres of a position 95 % of the stations are.
pub(super) fn spread_m(at: Position, networks: &[Network]) -> f64 {
    percentile_95(networks.iter().map(|network| distance_m(at, network.position)).collect())
}

/// The 95th percentile, between the two neighbours in proportion.
fn percentile_95(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let place = values.len().saturating_sub(1) as f64 * 0.95;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let index = place as usize;
    let (Some(&low), high) = (values.get(index), values.get(index + 1)) else { return 0.0 };
    let (high, share) = (*high.unwrap_or(&low), place - index as f64);
    // Two ways to say the same, each exact at its own end.
    if share >= 0.5 { high - (high - low) * (1.0 - share) } else { low + (high - low) * share }
}

/// Adds in the order of `NumPy`, whose sums the original's answers come from: from eight values on,
/// each eighth one into an accumulator of its own.
fn sum(values: &[f64]) -> f64 {
    let (blocks, rest) = values.as_chunks::<8>();
    let Some((first, blocks)) = blocks.split_first() else {
        return values.iter().fold(0.0, |sum, value| sum + value);
    };
    let mut lanes = *first;
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    // Neighbours first, then pairs, then halves.
    let pairs = [0, 2, 4, 6].map(|i| lanes[i] + lanes[i + 1]);
    let start = (pairs[0] + pairs[1]) + (pairs[2] + pairs[3]);
    rest.iter().fold(start, |sum, value| sum + value)
}

/// Moves the western ones of positions on both sides of the antimeridian a full turn east, so that
/// means and differences of their longitudes make sense.
pub(super) fn join_across_antimeridian(networks: &mut [Network]) {
    let lons = || networks.iter().map(|network| network.position.1);
    let (west, east) = (lons().fold(MAX_LON, f64::min), lons().fold(-MAX_LON, f64::max));
    if east - west > MAX_LON {
        for network in networks.iter_mut().filter(|network| network.position.1 < 0.0) {
            network.position.1 += 2.0 * MAX_LON;
        }
    }
}

/// Brings a position computed from such longitudes back onto the map.
pub(super) fn back_on_map((lat, lon): Position) -> Position {
    (lat, if lon > MAX_LON { lon - 2.0 * MAX_LON } else { lon })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_known_ones() {
        for (values, expected) in [
            (vec![10.0, 20.0], 19.5),
            (vec![30.0, 10.0, 20.0], 29.0),
            (vec![1.0, 2.0, 3.0, 4.0], 3.849_999_999_999_999_6),
            (vec![0.0, 0.0, 100.0], 89.999_999_999_999_99),
            (vec![5.0], 5.0),
            ((1..=20).map(f64::from).collect(), 19.05),
            (vec![], 0.0),
        ] {
            assert_eq!(
                percentile_95(values.clone()).to_bits(),
                f64::to_bits(expected),
                "{values:?}"
            );
        }
    }

    #[test]
    fn sums_have_every_value_once() {
        for len in 0..40u32 {
            let values: Vec<f64> = (1..=len).map(f64::from).collect();
            assert_eq!(sum(&values).to_bits(), f64::from(len * (len + 1) / 2).to_bits(), "{len}");
        }
    }
}
