//! A validated request: which stations to look for, and how good an answer can be expected.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use super::reading::{Area, Blue, Cell, Wifi};
use super::request::{Api, Client, Request};
use super::result::AccuracyClass;
use crate::cell::AreaKey;
use crate::station::StationKey;

/// Stations of one kind that are looked for at most, so that no request can cost seconds; those
/// with the strongest signals when a request has more. No device sees as many at once.
pub const MAX_NETWORKS: usize = 500;
/// Bluetooth beacons or Wi-Fi access points a query needs. One alone could be followed around by
/// anyone who knows its address.
const MIN_NETWORKS: usize = 2;

/// How many stations of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bluetooth beacons.
    pub blue: usize,
    /// Cells.
    pub cell: usize,
    /// Wi-Fi access points.
    pub wifi: usize,
}

/// A request whose stations are valid and different from each other.
#[derive(Clone, Debug)]
pub struct Query {
    /// What is asked for.
    pub api: Api,
    /// Bluetooth beacons: none or at least two.
    pub blue: Vec<Blue>,
    /// Cells.
    pub cells: Vec<Cell>,
    /// Cell areas; none unless the request allows them as an answer.
    pub areas: Vec<Area>,
    /// Wi-Fi access points: none or at least two.
    pub wifi: Vec<Wifi>,
    /// May the area of a cell be the answer?
    pub lacf: bool,
    /// May the address of the client be used?
    pub ipf: bool,
    /// The client.
    pub client: Client,
    /// Stations in the request as sent.
    pub sent: Counts,
    /// Valid and different stations, before [`MAX_NETWORKS`] applies.
    pub valid: Counts,
}

impl Query {
    /// Keeps of a request what can be used. A station that is not valid disappears, and of several
    /// readings of one station the better one counts.
    #[must_use]
    pub fn new(api: Api, request: Request, client: Client) -> Self {
        let Request { blue, cell, wifi, lacf, ipf } = request;
        let sent = Counts { blue: blue.len(), cell: cell.len(), wifi: wifi.len() };

        let areas = cell.iter().filter(|_| lacf).filter_map(Area::new);
        let areas = distinct(areas, |area| area.key, Area::is_better_than);
        let cells = distinct(cell.iter().filter_map(Cell::new), |c| c.key, Cell::is_better_than);
        let blue =
            distinct(blue.into_iter().filter_map(Blue::new), |b| b.mac, Blue::is_better_than);
        let wifi = distinct_wifi(wifi.iter().filter_map(Wifi::new));

        let blue = if blue.len() < MIN_NETWORKS { Vec::new() } else { blue };
        let wifi = if wifi.len() < MIN_NETWORKS { Vec::new() } else { wifi };
        let valid = Counts { blue: blue.len(), cell: cells.len(), wifi: wifi.len() };
        Self {
            api,
            blue: strongest(blue, |blue| blue.signal),
            cells: strongest(cells, |cell| cell.signal),
            areas: strongest(areas, |area| area.signal),
            wifi: strongest(wifi, |wifi| wifi.signal),
            lacf,
            ipf,
            client,
            sent,
            valid,
        }
    }

    /// Is there any valid station or area?
    #[must_use]
    pub fn has_networks(&self) -> bool {
        !(self.blue.is_empty()
            && self.cells.is_empty()
            && self.areas.is_empty()
            && self.wifi.is_empty())
    }

    /// The stations to read for an answer. Regions are not looked up by cell.
    #[must_use]
    pub fn station_keys(&self) -> Vec<StationKey> {
        let blue = self.blue.iter().map(|blue| StationKey::Blue(blue.mac));
        let cells = self.cells.iter().map(|cell| StationKey::Cell(cell.key));
        let wifi = self.wifi.iter().map(|wifi| StationKey::Wifi(wifi.mac));
        match self.api {
            Api::Locate => blue.chain(cells).chain(wifi).collect(),
            Api::Region => blue.chain(wifi).collect(),
        }
    }

    /// The cell areas to read for an answer, each once.
    #[must_use]
    pub fn area_keys(&self) -> Vec<AreaKey> {
        let mut keys: Vec<AreaKey> = match self.api {
            Api::Locate => self.areas.iter().map(|area| area.key).collect(),
            Api::Region => self.cell_areas().collect(),
        };
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The areas of all cells, then all areas: with `lacf` most areas come twice.
    pub(super) fn cell_areas(&self) -> impl Iterator<Item = AreaKey> {
        let cells = self.cells.iter().map(|cell| cell.key.area);
        cells.chain(self.areas.iter().map(|area| area.key))
    }

    /// The best class of accuracy an answer could have.
    #[must_use]
    pub fn expected_accuracy(&self) -> AccuracyClass {
        let has_macs = !self.blue.is_empty() || !self.wifi.is_empty();
        let has_cells = !self.cells.is_empty();
        match self.api {
            Api::Locate if has_macs => AccuracyClass::High,
            Api::Locate if has_cells => AccuracyClass::Medium,
            Api::Region if has_macs || has_cells => AccuracyClass::Low,
            _ if !self.areas.is_empty() || (self.ipf && self.client.has_ip) => AccuracyClass::Low,
            _ => AccuracyClass::None,
        }
    }
}

/// Keeps one reading of each station, in the place of its first. An earlier reading stays when it
/// is better in any respect, otherwise the later one replaces it, as in the original.
fn distinct<T, K: Eq + Hash>(
    readings: impl Iterator<Item = T>,
    key: impl Fn(&T) -> K,
    is_better: impl Fn(&T, &T) -> bool,
) -> Vec<T> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut kept: Vec<T> = Vec::new();
    for reading in readings {
        let place = *places.entry(key(&reading)).or_insert(kept.len());
        match kept.get_mut(place) {
            None => kept.push(reading),
            Some(earlier) if is_better(earlier, &reading) => {}
            Some(earlier) => *earlier = reading,
        }
    }
    kept
}

/// Like [`distinct`]; an access point is opted out when any of its readings says so.
fn distinct_wifi(readings: impl Iterator<Item = Wifi>) -> Vec<Wifi> {
    let mut opted_out = std::collections::HashSet::new();
    let readings = readings.inspect(|wifi| {
        if wifi.is_opted_out {
            opted_out.insert(wifi.mac);
        }
    });
    let mut kept = distinct(readings, |wifi| wifi.mac, Wifi::is_better_than);
    for wifi in &mut kept {
        wifi.is_opted_out = opted_out.contains(&wifi.mac);
    }
    kept
}

/// The strongest [`MAX_NETWORKS`], in the order they had.
fn strongest<T>(networks: Vec<T>, signal: impl Fn(&T) -> Option<i16>) -> Vec<T> {
    if networks.len() <= MAX_NETWORKS {
        return networks;
    }
    let mut numbered: Vec<(usize, T)> = networks.into_iter().enumerate().collect();
    numbered.sort_by_key(|(_, network)| Reverse(signal(network)));
    numbered.truncate(MAX_NETWORKS);
    numbered.sort_unstable_by_key(|&(place, _)| place);
    numbered.into_iter().map(|(_, network)| network).collect()
}
