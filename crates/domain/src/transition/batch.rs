//! The observations of one station that are looked at together.

use crate::geo::{self, BoundingBox, Place, Position};
use crate::observation::Observation;
use crate::station::{Kind, Source};

/// What a position is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Devices that knew where they were, by whatever means.
    Gnss,
    /// Answers to position queries.
    Query,
}

impl Basis {
    /// The basis of a source; an unknown one counts as satellites.
    #[must_use]
    pub const fn of(source: Option<Source>) -> Self {
        match source {
            Some(Source::Query) => Self::Query,
            Some(Source::Gnss | Source::Fixed | Source::Fused) | None => Self::Gnss,
        }
    }

    /// The source that is stored for it.
    #[must_use]
    pub const fn source(self) -> Source {
        match self {
            Self::Gnss => Source::Gnss,
            Self::Query => Source::Query,
        }
    }
}

/// Can all observations of a batch be of one station in one place?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// They are close enough together.
    Consistent,
    /// They are too far apart.
    Inconsistent,
}

/// The observations of one station that count: those with a weight, and where any is satellite
/// based, only such.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    basis: Basis,
    positions: Vec<Position>,
    center: Position,
    bounds: BoundingBox,
    weight: f64,
    psc: Option<u16>,
}

impl Batch {
    /// The batch of these observations of one station; `None` when none has a weight.
    #[must_use]
    pub fn of(observations: &[&Observation]) -> Option<Self> {
        let weighty = observations.iter().map(|seen| (*seen, seen.weight()));
        let mut chosen: Vec<(&Observation, f64)> =
            weighty.filter(|(_, weight)| *weight > 0.0).collect();
        let is_measured = |seen: &Observation| Basis::of(seen.fix.source) == Basis::Gnss;
        let basis = if chosen.iter().any(|(seen, _)| is_measured(seen)) {
            chosen.retain(|(seen, _)| is_measured(seen));
            Basis::Gnss
        } else {
            Basis::Query
        };
        let points: Vec<(Position, f64)> =
            chosen.iter().map(|(seen, weight)| ((seen.fix.lat, seen.fix.lon), *weight)).collect();
        let &((lat, lon), _) = points.first()?;
        let mut bounds = BoundingBox { max_lat: lat, min_lat: lat, max_lon: lon, min_lon: lon };
        for &((lat, lon), _) in &points {
            widen(&mut bounds, Some(lat), Some(lon));
        }
        Some(Self {
            basis,
            center: mean(&points, &bounds),
            bounds,
            weight: points.iter().map(|(_, weight)| weight).sum(),
            psc: chosen.iter().rev().find_map(|(seen, _)| seen.reading.psc),
            positions: points.into_iter().map(|(position, _)| position).collect(),
        })
    }

    /// What the batch is built from.
    #[must_use]
    pub const fn basis(&self) -> Basis {
        self.basis
    }

    /// Can all observations be of one station of this kind? Their box may not be larger than such
    /// a station is visible far.
    #[must_use]
    pub fn spread(&self, kind: Kind) -> Spread {
        let south_west = (self.bounds.min_lat, self.bounds.min_lon);
        let north_east = (self.bounds.max_lat, self.bounds.max_lon);
        if geo::distance_m(south_west, north_east) <= kind.max_distance_m() {
            Spread::Consistent
        } else {
            Spread::Inconsistent
        }
    }

    /// Is every observation within so many metres of a position?
    #[must_use]
    pub fn is_within(&self, position: Position, limit_m: f64) -> bool {
        let place = Place::new(position);
        self.positions.iter().all(|&seen| place.distance_m(&Place::new(seen)) <= limit_m)
    }

    /// Weighted mean of the positions, as plain numbers: what was seen on both sides of the
    /// antimeridian ends up on the far side of the world, as in the original.
    #[must_use]
    pub const fn center(&self) -> Position {
        self.center
    }

    /// Box around the positions.
    #[must_use]
    pub const fn bounds(&self) -> BoundingBox {
        self.bounds
    }

    /// Number of observations.
    #[must_use]
    pub fn samples(&self) -> u32 {
        u32::try_from(self.positions.len()).unwrap_or(u32::MAX)
    }

    /// Sum of the weights.
    #[must_use]
    pub const fn weight(&self) -> f64 {
        self.weight
    }

    /// The last scrambling code that was seen.
    #[must_use]
    pub const fn psc(&self) -> Option<u16> {
        self.psc
    }
}

/// Weighted mean of positions. Rounding must not carry it out of the box around them.
pub(super) fn mean(points: &[(Position, f64)], bounds: &BoundingBox) -> Position {
    let total: f64 = points.iter().map(|(_, weight)| weight).sum();
    let lat: f64 = points.iter().map(|((lat, _), weight)| lat * weight).sum();
    let lon: f64 = points.iter().map(|((_, lon), weight)| lon * weight).sum();
    (
        (lat / total).max(bounds.min_lat).min(bounds.max_lat),
        (lon / total).max(bounds.min_lon).min(bounds.max_lon),
    )
}

/// Makes a box hold a point; a missing coordinate changes nothing.
pub(super) fn widen(bounds: &mut BoundingBox, lat: Option<f64>, lon: Option<f64>) {
    if let Some(lat) = lat {
        bounds.max_lat = bounds.max_lat.max(lat);
        bounds.min_lat = bounds.min_lat.min(lat);
    }
    if let Some(lon) = lon {
        bounds.max_lon = bounds.max_lon.max(lon);
        bounds.min_lon = bounds.min_lon.min(lon);
    }
}
