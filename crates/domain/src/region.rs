//! Regions: countries and dependent territories, by position, by mobile country code, by code.
//!
//! Boundaries come from OpenStreetMap (© OpenStreetMap contributors, Open Database Licence) in the compact raster
//! of the `country-boundaries` package. They include territorial waters and are exact to some
//! hundred metres; the original used coarser shapes widened by half a degree. To be as forgiving,
//! a position outside every region takes the nearest one within half a degree.

mod mcc;
mod names;

use std::f64::consts::TAU;
use std::sync::OnceLock;

use country_boundaries::{BOUNDARIES_ODBL_360X180, BoundingBox, CountryBoundaries, LatLon};

use crate::station::RegionCode;

/// How far around a position regions are still considered, degrees; nearest first.
const RINGS: [f64; 5] = [0.1, 0.2, 0.3, 0.4, 0.5];
/// Points that are looked at on each ring.
const POINTS_PER_RING: u8 = 16;
/// South of this latitude everything is Antarctica (Antarctic Treaty, article VI).
const ANTARCTIC_TREATY_LAT: f64 = -60.0;
const ANTARCTICA: RegionCode = RegionCode::new(*b"AQ");

/// Everything that is known about regions.
pub struct Regions {
    boundaries: CountryBoundaries,
    facts: &'static [names::Region],
    by_mcc: &'static [(u16, &'static [RegionCode])],
}

impl Regions {
    /// The regions, read once per process.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Regions> = OnceLock::new();
        SHARED.get_or_init(Self::load)
    }

    #[expect(clippy::expect_used, reason = "the data is compiled in; every test reads it")]
    fn load() -> Self {
        Self {
            boundaries: CountryBoundaries::from_reader(BOUNDARIES_ODBL_360X180)
                .expect("compiled-in boundaries are readable"),
            facts: &names::REGIONS,
            by_mcc: &mcc::MOBILE_COUNTRY_CODES,
        }
    }

    /// The region of a position in degrees: the smallest that holds it, else the nearest within
    /// half a degree. `None` on the high seas and for what is no position.
    #[must_use]
    pub fn region(&self, lat: f64, lon: f64) -> Option<RegionCode> {
        self.exact(lat, lon).or_else(|| {
            RINGS.into_iter().find_map(|radius| most_frequent(self.on_ring(lat, lon, radius)))
        })
    }

    /// Is the position in some region or within half a degree of one?
    #[must_use]
    pub fn is_anywhere(&self, lat: f64, lon: f64) -> bool {
        self.exact(lat, lon).is_some() || self.around(lat, lon).next().is_some()
    }

    /// Is the position in this region or within half a degree of it? Never true for an unknown
    /// code.
    #[must_use]
    pub fn contains(&self, code: RegionCode, lat: f64, lon: f64) -> bool {
        self.exact(lat, lon) == Some(code) || self.around(lat, lon).any(|near| near == code)
    }

    /// The regions that use a mobile country code; none for a code that is not accepted.
    #[must_use]
    pub fn for_mcc(&self, mcc: u16) -> &'static [RegionCode] {
        self.by_mcc
            .binary_search_by_key(&mcc, |&(mcc, _)| mcc)
            .map_or(&[], |index| self.by_mcc[index].1)
    }

    /// Is this a mobile country code that networks use?
    #[must_use]
    pub fn is_mcc(&self, mcc: u16) -> bool {
        !self.for_mcc(mcc).is_empty()
    }

    /// The region of a cell at a position. The country code decides when only one of its regions
    /// is near; otherwise it is no help and the position alone counts.
    #[must_use]
    pub fn for_cell(&self, lat: f64, lon: f64, mcc: u16) -> Option<RegionCode> {
        let of_mcc = self.for_mcc(mcc);
        // Whether others are near too makes no difference then, and finding out is slow.
        if let Some(exact) = self.exact(lat, lon).filter(|exact| of_mcc.contains(exact)) {
            return Some(exact);
        }
        if !self.may_be_near(of_mcc, lat, lon) {
            return None;
        }
        let mut near = of_mcc.iter().filter(|&&code| self.contains(code, lat, lon));
        match (near.next(), near.next()) {
            (first, None) => first.copied(),
            _ => self.region(lat, lon),
        }
    }

    /// The English short name of a region or other named place.
    #[must_use]
    pub fn name(&self, code: RegionCode) -> Option<&'static str> {
        self.facts_of(code).map(|region| region.name).or_else(|| {
            names::PLACES
                .binary_search_by_key(&code, |&(code, _)| code)
                .ok()
                .map(|index| names::PLACES[index].1)
        })
    }

    /// How far the farthest point of a region is from its middle, metres.
    #[must_use]
    pub fn radius_m(&self, code: RegionCode) -> Option<f64> {
        self.facts_of(code).map(|region| f64::from(region.radius_km) * 1000.0)
    }

    fn facts_of(&self, code: RegionCode) -> Option<&'static names::Region> {
        let index = self.facts.binary_search_by_key(&code, |region| region.code).ok()?;
        Some(&self.facts[index])
    }

    /// The region the position is in.
    fn exact(&self, lat: f64, lon: f64) -> Option<RegionCode> {
        let is_antarctic = (-90.0..ANTARCTIC_TREATY_LAT).contains(&lat) && lon.is_finite();
        self.within_boundary(lat, lon).or(is_antarctic.then_some(ANTARCTICA))
    }

    /// The smallest region whose boundary holds the position. Antarctica has none here.
    fn within_boundary(&self, lat: f64, lon: f64) -> Option<RegionCode> {
        let position = LatLon::new(lat, lon).ok()?;
        self.boundaries.ids(position).into_iter().find_map(|id| self.code_of(id))
    }

    /// Our code for an area of the boundaries. Most of the finer areas (states, provinces) have
    /// none; the country they belong to follows.
    fn code_of(&self, id: &str) -> Option<RegionCode> {
        let id = match id {
            // Åland has no code of its own here, and no mobile networks of its own.
            "AX" => "FI",
            // Gaza and the West Bank together.
            "PS" => "XW",
            // Svalbard and Jan Mayen.
            "SJ" | "NO-21" | "NO-22" => "XR",
            // The Crimea lies in two countries in these data; the ISO 3166-2 codes say which.
            "UA-40" | "UA-43" => "UA",
            "UM" => "US",
            "AC" | "TA" => "SH",
            "DG" => "IO",
            // Ceuta, Melilla and the Canary Islands.
            "EA" | "IC" => "ES",
            id => id,
        };
        RegionCode::parse(id).filter(|&code| self.facts_of(code).is_some())
    }

    /// Can any of these regions be within half a degree? Looks at whole squares of the raster, which
    /// is many times faster than at the points of the rings, and never wrongly says no.
    fn may_be_near(&self, codes: &[RegionCode], lat: f64, lon: f64) -> bool {
        const REACH: f64 = 0.51;
        if lat - REACH < ANTARCTIC_TREATY_LAT {
            return true;
        }
        let (south, north) = (lat - REACH, (lat + REACH).min(90.0));
        match BoundingBox::new(south, lon - REACH, north, lon + REACH) {
            Ok(bounds) => {
                let ids = self.boundaries.intersecting_ids(bounds);
                ids.into_iter().filter_map(|id| self.code_of(id)).any(|near| codes.contains(&near))
            }
            Err(_) => true,
        }
    }

    /// The regions at the points of all rings around a position.
    fn around(&self, lat: f64, lon: f64) -> impl Iterator<Item = RegionCode> {
        RINGS.into_iter().flat_map(move |radius| self.on_ring(lat, lon, radius))
    }

    /// The regions at the points of one ring, which is round in degrees, not on the ground: the
    /// original widens its shapes on a flat map.
    fn on_ring(&self, lat: f64, lon: f64, radius: f64) -> impl Iterator<Item = RegionCode> {
        (0..POINTS_PER_RING).filter_map(move |point| {
            let (sin, cos) = (TAU * f64::from(point) / f64::from(POINTS_PER_RING)).sin_cos();
            self.within_boundary(lat + radius * cos, lon + radius * sin)
        })
    }
}

/// The region with the most hits; the one met first when several have as many.
fn most_frequent(hits: impl Iterator<Item = RegionCode>) -> Option<RegionCode> {
    let mut counts: Vec<(RegionCode, u8)> = Vec::new();
    for hit in hits {
        match counts.iter_mut().find(|(code, _)| *code == hit) {
            Some((_, count)) => *count += 1,
            None => counts.push((hit, 1)),
        }
    }
    counts.into_iter().rev().max_by_key(|&(_, count)| count).map(|(code, _)| code)
}

#[cfg(test)]
mod tests;
