//! Remembering what a provider said about single stations.

use std::time::Duration;

use ichnaea_domain::geo::distance_m;
use ichnaea_domain::locate::Query;
use ichnaea_domain::station::Kind;
use ichnaea_kv::Op;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::provider::{Answer, Position, Schema};
use crate::keys;

/// Networks above which a query is too particular to be asked again.
const MAX_NETWORKS: usize = 19;
/// Positions that agree to this many decimal places are one.
const PLACES: f64 = 1000.0;

/// A cached answer as it is stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Position { lat: f64, lon: f64, accuracy: f64, fallback: Option<String> },
    NotFound(NotFound),
}

#[derive(Debug, Serialize, Deserialize)]
enum NotFound {
    #[serde(rename = "404")]
    Code,
}

/// What the cache says about a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Cached {
    /// All it knows agrees.
    Hit(Answer),
    /// It knows nothing.
    Miss,
    /// It knows several things that cannot all be true.
    Inconsistent,
}

/// The keys under which answers to a query are kept; `None`: the query is not of a kind that is
/// cached. That are one cell, or some Wi-Fi networks, or some beacons, and nothing else.
#[must_use]
pub fn keys(schema: Schema, query: &Query) -> Option<Vec<Vec<u8>>> {
    let key = |kind, raw_id: &[u8]| keys::fallback_cache(schema.name(), kind, raw_id);
    let cacheable = 2..=MAX_NETWORKS;
    match (query.blue.len(), query.cells.len(), query.wifi.len()) {
        (0, 1, 0) => {
            let cells = query.cells.iter();
            Some(cells.map(|network| key(Kind::Cell, &network.key.encode())).collect())
        }
        (0, 0, count) if cacheable.contains(&count) => {
            let networks = query.wifi.iter();
            Some(networks.map(|network| key(Kind::Wifi, network.mac.bytes())).collect())
        }
        (count, 0, 0) if cacheable.contains(&count) => {
            let networks = query.blue.iter();
            Some(networks.map(|network| key(Kind::Blue, network.mac.bytes())).collect())
        }
        _ => None,
    }
}

/// The one key under which the answer to exactly this query is kept. With keys of single stations,
/// who asks for a station of others among many of another place makes the provider's answer theirs.
#[must_use]
pub fn query_key(schema: Schema, query: &Query) -> Option<Vec<u8>> {
    let mut keys = keys(schema, query)?;
    keys.sort_unstable();
    Some(keys::fallback_query_cache(schema.name(), &Sha256::digest(keys.concat())))
}

/// What the stored values mean together. `None`: one of them is not readable.
#[must_use]
pub fn read(values: &[Option<Vec<u8>>]) -> Option<Cached> {
    let mut positions = Vec::new();
    let mut knows_nothing = false;
    for value in values.iter().flatten() {
        match serde_json::from_slice(value).ok()? {
            Stored::NotFound(_) => knows_nothing = true,
            Stored::Position { lat, lon, accuracy, fallback } => positions.push(Position {
                lat,
                lon,
                accuracy_m: accuracy,
                is_lacf: fallback.as_deref() == Some("lacf"),
            }),
        }
    }
    let Some(first) = positions.first() else {
        let answer = Cached::Hit(Answer::NotFound);
        return Some(if knows_nothing { answer } else { Cached::Miss });
    };
    let place = |position: &Position| {
        let round = |degrees: f64| (degrees * PLACES).round_ties_even();
        (round(position.lat), round(position.lon), position.is_lacf)
    };
    if knows_nothing || positions.iter().any(|position| place(position) != place(first)) {
        return Some(Cached::Inconsistent);
    }
    let count = positions.len() as f64;
    let lat = positions.iter().map(|position| position.lat).sum::<f64>() / count;
    let lon = positions.iter().map(|position| position.lon).sum::<f64>() / count;
    let reach = |position: &Position| {
        distance_m((lat, lon), (position.lat, position.lon)) + position.accuracy_m
    };
    let accuracy_m = positions.iter().map(reach).fold(0.0, f64::max);
    let accuracy_m = (accuracy_m * 1000.0).round_ties_even() / 1000.0;
    // Sums of huge numbers are none, and there is no JSON for that.
    let is_number = [lat, lon, accuracy_m].into_iter().all(f64::is_finite);
    let position = Position { lat, lon, accuracy_m, is_lacf: first.is_lacf };
    is_number.then_some(Cached::Hit(Answer::Found(position)))
}

/// The writes that keep an answer for every network of the query.
#[must_use]
pub fn write(keys: Vec<Vec<u8>>, answer: &Answer, ttl: Duration) -> Vec<Op> {
    let stored = match answer {
        Answer::NotFound => Stored::NotFound(NotFound::Code),
        Answer::Found(position) => Stored::Position {
            lat: position.lat,
            lon: position.lon,
            accuracy: position.accuracy_m,
            fallback: position.is_lacf.then(|| "lacf".to_owned()),
        },
    };
    let Ok(value) = serde_json::to_vec(&stored) else { return Vec::new() };
    let set = |key| Op::Set { key, value: value.clone(), ttl: Some(ttl) };
    keys.into_iter().map(set).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(lat: f64, lon: f64, accuracy_m: f64) -> Answer {
        Answer::Found(Position { lat, lon, accuracy_m, is_lacf: false })
    }

    #[test]
    fn what_is_written_is_read() {
        for answer in [Answer::NotFound, position(51.5, -0.1, 12.5)] {
            let ops = write(vec![b"a".to_vec()], &answer, Duration::from_secs(1));
            let [Op::Set { value, .. }] = ops.as_slice() else { panic!("{ops:?}") };
            assert_eq!(read(&[Some(value.clone()), None]), Some(Cached::Hit(answer)));
        }
    }

    #[test]
    fn values_as_the_original_writes_them_are_read() {
        assert_eq!(read(&[Some(b"\"404\"".to_vec())]), Some(Cached::Hit(Answer::NotFound)));
        let near = [
            Some(br#"{"lat": 51.5, "lon": -0.1, "accuracy": 100, "fallback": null}"#.to_vec()),
            Some(br#"{"lat": 51.5001, "lon": -0.1, "accuracy": 200.0, "fallback": null}"#.to_vec()),
        ];
        let Some(Cached::Hit(Answer::Found(mean))) = read(&near) else { panic!("no hit") };
        assert!((mean.lat - 51.50005).abs() < 1e-9 && (mean.lon + 0.1).abs() < 1e-9);
        assert!((mean.accuracy_m - 205.563).abs() < 1e-9);
    }

    #[test]
    fn values_that_contradict_each_other_are_no_answer() {
        let here =
            Some(br#"{"lat": 51.5, "lon": -0.1, "accuracy": 100, "fallback": null}"#.to_vec());
        let there =
            Some(br#"{"lat": 51.5, "lon": 20.0, "accuracy": 100, "fallback": null}"#.to_vec());
        let area =
            Some(br#"{"lat": 51.5, "lon": -0.1, "accuracy": 100, "fallback": "lacf"}"#.to_vec());
        for other in [there, area, Some(b"\"404\"".to_vec())] {
            assert_eq!(read(&[here.clone(), other]), Some(Cached::Inconsistent));
        }
        assert_eq!(read(&[None, None]), Some(Cached::Miss));
        assert_eq!(read(&[here, Some(b"broken".to_vec())]), None);
    }

    #[test]
    fn numbers_that_are_too_large_to_be_added_up_are_not_readable() {
        for value in [
            r#"{"lat": 1e308, "lon": -0.1, "accuracy": 100, "fallback": null}"#,
            r#"{"lat": 51.5, "lon": -0.1, "accuracy": 1e306, "fallback": null}"#,
        ] {
            let value = Some(value.as_bytes().to_vec());
            assert_eq!(read(&[value.clone(), value]), None);
        }
    }
}
