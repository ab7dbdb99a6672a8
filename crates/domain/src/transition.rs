//! What a batch of observations does to a station.
//!
//! A station that stands still is refined by each batch. One that is seen where it cannot be has
//! moved and loses its position for a while; only when nothing was heard of it for a year is it
//! believed to have a new place. Devices that know where they are (`gnss`) outrank answers to
//! position queries: those may give a station its first position or refine one that comes from
//! queries too, but never shift one that was measured.

mod all;
mod batch;
#[cfg(test)]
mod tests;

use chrono::{Days, NaiveDate, NaiveDateTime};

pub use all::{Counts, Decided, decide_all, keys};
pub use batch::{Basis, Batch, Spread};

use crate::geo::{self, BoundingBox, Position};
use crate::region::Regions;
use crate::score;
use crate::station::{Kind, Station, StationKey};

/// Weight up to which the old position counts against a batch, so that a well-known station can
/// still drift.
const MAX_OLD_WEIGHT: f64 = 10_000.0;
/// Largest sum of weights that is kept.
const MAX_WEIGHT: f64 = 1e9;
/// Days without a change after which a station may have a new place.
const OLD_DAYS: Days = Days::new(365);
/// Largest number of blocks that is kept; the column is one byte wide.
const MAX_BLOCKS: u32 = 255;

/// What happens to a station, with the row to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It becomes known, with a position.
    New(Station),
    /// It becomes known as one that moves, without a position.
    NewBlocked(Station),
    /// It was seen where it is; only the day of that is written.
    Confirm(Station),
    /// Its position is refined, or it gets one.
    Change(Station),
    /// Its position is given up for that of the batch.
    Replace(Station),
    /// It loses its position.
    Block(Station),
    /// There is nothing to write.
    Nothing,
    /// It is blocked, the batch is ignored.
    Dropped,
}

/// How a station stands to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StationState {
    Unknown,
    Blocked,
    WithoutPosition,
    AgreesGnss,
    AgreesQuery,
    DisagreesRecent,
    DisagreesOld,
}

impl StationState {
    fn of(station: Option<&Station>, batch: &Batch, kind: Kind, today: NaiveDate) -> Self {
        let Some(station) = station else { return Self::Unknown };
        if score::is_blocked(station, today) {
            return Self::Blocked;
        }
        let Some(position) = station.position() else { return Self::WithoutPosition };
        if batch.is_within(position, kind.max_distance_m()) {
            return match Basis::of(station.source) {
                Basis::Gnss => Self::AgreesGnss,
                Basis::Query => Self::AgreesQuery,
            };
        }
        let old = today.checked_sub_days(OLD_DAYS).unwrap_or(NaiveDate::MIN);
        match station.modified {
            Some(modified) if modified.date() < old => Self::DisagreesOld,
            Some(_) | None => Self::DisagreesRecent,
        }
    }
}

/// Decides what a batch does to its station; `station` is the row as it is now, if there is one.
#[must_use]
#[expect(clippy::match_same_arms, reason = "the match is the table, state by state")]
pub fn decide(
    station: Option<&Station>,
    batch: &Batch,
    key: &StationKey,
    regions: &Regions,
    now: NaiveDateTime,
) -> Decision {
    use Basis::{Gnss, Query};
    use Decision::{Block, Change, Dropped, New, NewBlocked, Nothing, Replace};
    use Spread::{Consistent, Inconsistent};
    use StationState::{
        AgreesGnss, AgreesQuery, Blocked, DisagreesOld, DisagreesRecent, Unknown, WithoutPosition,
    };

    let kind = key.kind();
    let state = StationState::of(station, batch, kind, now.date());
    let rows = Rows { batch, regions, now };
    let unknown = Station::default();
    let old = station.unwrap_or(&unknown);
    match (state, batch.basis(), batch.spread(kind)) {
        (Unknown, Gnss | Query, Consistent) => New(rows.first()),
        (Unknown, Gnss | Query, Inconsistent) => NewBlocked(rows.first_blocked()),

        (Blocked, Gnss | Query, Consistent | Inconsistent) => Dropped,

        (WithoutPosition, Gnss | Query, Consistent) => Change(rows.changed(old)),
        (WithoutPosition, Gnss | Query, Inconsistent) => Nothing,

        (AgreesGnss, Gnss, Consistent) => Change(rows.changed(old)),
        (AgreesGnss, Query, Consistent) => rows.confirm(old),
        (AgreesGnss, Gnss | Query, Inconsistent) => Block(rows.blocked(old)),

        (AgreesQuery, Gnss, Consistent) => Replace(rows.replaced(old)),
        (AgreesQuery, Query, Consistent) => Change(rows.changed(old)),
        (AgreesQuery, Gnss | Query, Inconsistent) => Block(rows.blocked(old)),

        (DisagreesRecent, Gnss | Query, Consistent | Inconsistent) => Block(rows.blocked(old)),

        (DisagreesOld, Gnss | Query, Consistent) => Replace(rows.replaced(old)),
        (DisagreesOld, Gnss | Query, Inconsistent) => Block(rows.blocked(old)),
    }
}

/// The rows a batch can lead to.
struct Rows<'a> {
    batch: &'a Batch,
    regions: &'a Regions,
    now: NaiveDateTime,
}

impl Rows<'_> {
    fn first(&self) -> Station {
        Station { created: Some(self.now), ..self.replaced(&Station::default()) }
    }

    fn first_blocked(&self) -> Station {
        self.blocked(&Station { created: Some(self.now), ..Station::default() })
    }

    /// The day is written once; a confirmation does not count as a change.
    fn confirm(&self, old: &Station) -> Decision {
        let today = Some(self.now.date());
        if old.last_seen >= today {
            return Decision::Nothing;
        }
        Decision::Confirm(Station { last_seen: today, ..old.clone() })
    }

    fn replaced(&self, old: &Station) -> Station {
        let batch = self.batch;
        let position = batch.center();
        let placed = self.placed(old, position, &batch.bounds());
        Station {
            region: self.regions.region(position.0, position.1),
            samples: Some(batch.samples()),
            weight: Some(batch.weight().min(MAX_WEIGHT)),
            ..placed
        }
    }

    fn changed(&self, old: &Station) -> Station {
        let batch = self.batch;
        let weight = batch.weight();
        let mut bounds = batch.bounds();
        batch::widen(&mut bounds, old.lat, old.lon);
        batch::widen(&mut bounds, old.max_lat, old.max_lon);
        batch::widen(&mut bounds, old.min_lat, old.min_lon);
        let total = old.weight.unwrap_or(0.0).max(0.0);
        let position = match old.position() {
            None => batch.center(),
            Some(position) => {
                let points = [(batch.center(), weight), (position, total.min(MAX_OLD_WEIGHT))];
                batch::mean(&points, &bounds)
            }
        };
        let kept = old.region.filter(|&code| self.regions.contains(code, position.0, position.1));
        Station {
            region: kept.or_else(|| self.regions.region(position.0, position.1)),
            samples: Some(old.samples.unwrap_or(0).saturating_add(batch.samples())),
            weight: Some((total + weight).min(MAX_WEIGHT)),
            ..self.placed(old, position, &bounds)
        }
    }

    /// What is written with any position. Blocks of the past are not forgotten.
    fn placed(&self, old: &Station, position: Position, bounds: &BoundingBox) -> Station {
        Station {
            lat: Some(position.0),
            lon: Some(position.1),
            max_lat: Some(bounds.max_lat),
            min_lat: Some(bounds.min_lat),
            max_lon: Some(bounds.max_lon),
            min_lon: Some(bounds.min_lon),
            radius_m: Some(geo::circle_radius_m(position, bounds)),
            source: Some(self.batch.basis().source()),
            modified: Some(self.now),
            last_seen: Some(self.now.date()),
            psc: self.batch.psc().or(old.psc),
            ..old.clone()
        }
    }

    fn blocked(&self, old: &Station) -> Station {
        let today = Some(self.now.date());
        let blocks = old.block_count.unwrap_or(0).saturating_add(1).min(MAX_BLOCKS);
        Station {
            created: old.created,
            modified: Some(self.now),
            region: old.region,
            block_first: old.block_first.or(today),
            block_last: today,
            block_count: Some(blocks),
            psc: self.batch.psc().or(old.psc),
            ..Station::default()
        }
    }
}
