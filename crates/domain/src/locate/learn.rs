//! What a position query teaches: the stations around a position that was found through others.

use std::collections::HashSet;

use super::Query;
use super::reading::{Blue, Cell, Wifi};
use super::result::{NetworkKey, PositionResult};
use crate::report::{Fallbacks, Position, Report, ReportedBlue, ReportedCell, ReportedWifi};
use crate::station::{Source, StationKey};

/// Does the query say anything new? Not without a position of our own, and not when that position
/// came from just the networks of the query and all of them were seen today already.
///
/// As areas count as networks of a query, but not of a position from cells, a query with a cell and
/// `lacf` is always worth it; so it is in the original, which knows no other way to keep cells
/// fresh.
#[must_use]
pub fn worth_learning(query: &Query, best: Option<&PositionResult>) -> bool {
    best.is_some_and(|best| {
        let confirmed = best.used.iter().filter(|used| used.is_seen_today).map(|used| used.key);
        let confirmed: HashSet<NetworkKey> = confirmed.collect();
        networks(query).collect::<HashSet<_>>() != confirmed
    })
}

/// The networks of a query that may be learned from.
fn networks(query: &Query) -> impl Iterator<Item = NetworkKey> {
    let blue = query.blue.iter().map(|blue| StationKey::Blue(blue.mac));
    let cells = query.cells.iter().map(|cell| StationKey::Cell(cell.key));
    let wifi = learnable_wifi(query).map(|wifi| StationKey::Wifi(wifi.mac));
    let areas = query.areas.iter().map(|area| NetworkKey::Area(area.key));
    blue.chain(cells).chain(wifi).map(NetworkKey::Station).chain(areas)
}

fn learnable_wifi(query: &Query) -> impl Iterator<Item = &Wifi> {
    query.wifi.iter().filter(|wifi| !wifi.is_opted_out)
}

/// The query as a report about its networks, at the position that our own stations gave.
#[must_use]
pub fn learned_report(query: &Query, position: &PositionResult) -> Report {
    Report {
        blue: query.blue.iter().map(reported_blue).collect(),
        wifi: learnable_wifi(query).map(reported_wifi).collect(),
        cell: query.cells.iter().map(reported_cell).collect(),
        fallbacks: Some(Fallbacks { ipf: Some(query.ipf), lacf: Some(query.lacf) }),
        position: Some(Position {
            lat: Some(position.lat),
            lon: Some(position.lon),
            accuracy: Some(position.accuracy_m),
            source: Some(Source::Query),
            ..Position::default()
        }),
        ..Report::default()
    }
}

fn reported_blue(blue: &Blue) -> ReportedBlue {
    ReportedBlue {
        mac: Some(blue.mac.to_string()),
        age: blue.age.map(Into::into),
        name: blue.name.clone(),
        signal: blue.signal.map(Into::into),
    }
}

fn reported_wifi(wifi: &Wifi) -> ReportedWifi {
    ReportedWifi {
        mac: Some(wifi.mac.to_string()),
        age: wifi.age.map(Into::into),
        channel: wifi.channel.map(Into::into),
        frequency: wifi.frequency.map(Into::into),
        radio: None,
        signal: wifi.signal.map(Into::into),
        snr: wifi.snr.map(Into::into),
    }
}

fn reported_cell(cell: &Cell) -> ReportedCell {
    ReportedCell {
        radio: Some(cell.key.area.radio.name().to_owned()),
        mcc: Some(cell.key.area.mcc.into()),
        mnc: Some(cell.key.area.mnc.into()),
        lac: Some(cell.key.area.lac.into()),
        // 36 bits at most.
        cid: Some(cell.key.cid.cast_signed()),
        age: cell.age.map(Into::into),
        psc: cell.psc.map(Into::into),
        signal: cell.signal.map(Into::into),
        ta: cell.ta.map(Into::into),
        ..ReportedCell::default()
    }
}
