//! Which stations of a query are known, for those who want to understand an answer.
//!
//! Only what the query itself may look for is told: a Wi-Fi access point or Bluetooth beacon that is
//! alone in it is not looked for, so nothing is told of it either. Never told are positions and times
//! of single stations.

use chrono::NaiveDateTime;

use super::cell::is_known_area;
use super::network::is_known;
use super::{Found, Query};
use crate::cell::{AreaKey, CellKey};
use crate::mac::Mac;
use crate::station::StationKey;

/// A station or area, and whether it is known: stored with a position, and not ignored for moving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<K> {
    /// Its identity.
    pub key: K,
    /// Is it known?
    pub is_known: bool,
}

/// The stations and areas that a query looked for, each kind in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// Wi-Fi access points.
    pub wifi: Vec<Known<Mac>>,
    /// Bluetooth beacons.
    pub blue: Vec<Known<Mac>>,
    /// Cells.
    pub cells: Vec<Known<CellKey>>,
    /// Cell areas; none unless the request allows them as an answer.
    pub areas: Vec<Known<AreaKey>>,
}

/// Says which stations of a query are known.
#[must_use]
pub fn explain(query: &Query, found: &Found, now: NaiveDateTime) -> Explanation {
    let station = |key| is_known(&key, found, now);
    let mac = |key, of: fn(Mac) -> StationKey| Known { key, is_known: station(of(key)) };
    let cell = |key| Known { key, is_known: station(StationKey::Cell(key)) };
    let area = |key| Known { key, is_known: is_known_area(key, found) };
    Explanation {
        wifi: query.wifi.iter().map(|wifi| mac(wifi.mac, StationKey::Wifi)).collect(),
        blue: query.blue.iter().map(|blue| mac(blue.mac, StationKey::Blue)).collect(),
        cells: query.cells.iter().map(|seen| cell(seen.key)).collect(),
        areas: query.areas.iter().map(|seen| area(seen.key)).collect(),
    }
}
