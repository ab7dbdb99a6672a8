//! What a row of an imported file does to a station.

use chrono::{DateTime, NaiveDateTime};

use super::cell_csv::CellRow;
use crate::region::Regions;
use crate::station::{Station, StationKey};

/// How much of a known station a newer row overwrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrites {
    /// What a public file of cells knows: position, radius, samples, both times and the scrambling
    /// code. Box, region, weight, source and blocks stay; a station without a box gets the point
    /// for one. A blocked station stays blocked for as long as it would have.
    Position,
    /// All columns: the row is one of a table like this.
    Everything,
}

/// What is to be done with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The station is new.
    Insert,
    /// The row is newer than what is known.
    Update,
    /// What is known is as new or newer.
    Keep,
}

/// Decides about a row that changed at `modified`. `known` is nothing for a new station, and the
/// time of its own last change for a known one.
#[must_use]
pub fn decide(known: Option<Option<NaiveDateTime>>, modified: Option<NaiveDateTime>) -> Verdict {
    match known {
        None => Verdict::Insert,
        // Of two without a time none is newer.
        Some(known) if known < modified => Verdict::Update,
        Some(_) => Verdict::Keep,
    }
}

/// The station that a row of a file of cells makes where none is known.
#[must_use]
pub fn station(row: &CellRow, regions: &Regions) -> (StationKey, Station) {
    let CellRow { key, lat, lon, .. } = *row;
    let station = Station {
        max_lat: Some(lat),
        min_lat: Some(lat),
        max_lon: Some(lon),
        min_lon: Some(lon),
        lat: Some(lat),
        lon: Some(lon),
        created: row.created_s.and_then(time),
        modified: time(row.modified_s),
        radius_m: row.radius_m,
        region: regions.for_cell(lat, lon, key.area.mcc),
        samples: row.samples,
        psc: row.psc,
        ..Station::default()
    };
    (StationKey::Cell(key), station)
}

/// What a known station becomes; the pure form of what the tables do.
#[must_use]
pub fn overwritten(known: &Station, row: &Station, overwrites: Overwrites) -> Station {
    match overwrites {
        Overwrites::Everything => row.clone(),
        Overwrites::Position => Station {
            lat: row.lat,
            lon: row.lon,
            radius_m: row.radius_m,
            samples: row.samples,
            created: row.created,
            modified: row.modified,
            psc: row.psc,
            max_lat: known.max_lat.or(row.max_lat),
            min_lat: known.min_lat.or(row.min_lat),
            max_lon: known.max_lon.or(row.max_lon),
            min_lon: known.min_lon.or(row.min_lon),
            ..known.clone()
        },
    }
}

pub(super) fn time(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<NaiveDateTime> {
        time(1_600_000_000 + second)
    }

    #[test]
    fn only_what_is_newer_is_written() {
        for (known, modified, expected) in [
            (None, at(0), Verdict::Insert),
            (None, None, Verdict::Insert),
            (Some(None), at(0), Verdict::Update),
            (Some(at(0)), at(1), Verdict::Update),
            (Some(at(1)), at(1), Verdict::Keep),
            (Some(at(2)), at(1), Verdict::Keep),
            (Some(at(2)), None, Verdict::Keep),
            (Some(None), None, Verdict::Keep),
        ] {
            assert_eq!(decide(known, modified), expected, "{known:?} {modified:?}");
        }
    }

    #[test]
    fn a_public_row_leaves_alone_what_it_knows_nothing_about() {
        let known = Station {
            max_lat: Some(51.6),
            weight: Some(3.0),
            block_count: Some(1),
            lat: Some(51.5),
            psc: Some(7),
            ..Station::default()
        };
        let row = Station {
            max_lat: Some(52.0),
            min_lat: Some(52.0),
            lat: Some(52.0),
            modified: at(0),
            ..Station::default()
        };
        let expected = Station {
            lat: Some(52.0),
            min_lat: Some(52.0),
            modified: at(0),
            psc: None,
            ..known.clone()
        };
        assert_eq!(overwritten(&known, &row, Overwrites::Position), expected);
        assert_eq!(overwritten(&known, &row, Overwrites::Everything), row);
    }
}
