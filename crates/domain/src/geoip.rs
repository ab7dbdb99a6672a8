//! What an address database says about a client, and how far it can be trusted.
//!
//! Reading the database is the server's work; here a row of it becomes a position with a radius
//! and a score that can compete with positions from stations.

mod precision;

use crate::region::Regions;
use crate::station::RegionCode;

/// Radius of a region that is not on the map, metres.
const UNKNOWN_REGION_RADIUS_M: f64 = 5_000_000.0;
/// Radius of a first-level subdivision, metres.
const SUBDIVISION_RADIUS_M: f64 = 400_000.0;
/// Radius of a city, metres.
const CITY_RADIUS_M: f64 = 25_000.0;
/// Score of a city where nothing better is known about the region.
const CITY_SCORE: f64 = 0.3;
/// Score of a whole region: it is large, but mostly right.
const REGION_SCORE: f64 = 0.9;

/// What a city database has about an address.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoIpRecord {
    /// ISO 3166-1 code of the country.
    pub country: String,
    /// `GeoNames` id of the city, when the row is that precise.
    pub city_geoname_id: Option<u32>,
    /// Does the row name a state or province?
    pub has_subdivision: bool,
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Radius the database claims, kilometres.
    pub accuracy_radius_km: Option<u32>,
}

/// Where a client is according to its address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeoIp {
    /// Latitude, degrees, seven decimals.
    pub lat: f64,
    /// Longitude, degrees, seven decimals.
    pub lon: f64,
    /// The region.
    pub region: RegionCode,
    /// Accuracy of the position, metres.
    pub radius_m: f64,
    /// Size of the region, metres.
    pub region_radius_m: f64,
    /// Weight against other results, 0.3 to 0.9.
    pub score: f64,
}

impl GeoIp {
    /// Rates a row of the database. `None` when it is no use: a country nobody can name, or a
    /// position that is none. Latitude and longitude both 0 is how databases say "unknown".
    #[must_use]
    pub fn from_record(record: &GeoIpRecord, regions: &Regions) -> Option<Self> {
        let (lat, lon) = (record.lat, record.lon);
        let is_position = (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon);
        if !is_position || (lat == 0.0 && lon == 0.0) {
            return None;
        }
        let region = region_of(&record.country)?;
        regions.name(region)?;

        let region_radius_m = regions.radius_m(region).unwrap_or(UNKNOWN_REGION_RADIUS_M);
        let claimed_m =
            record.accuracy_radius_km.filter(|&km| km > 0).map(|km| f64::from(km) * 1000.0);
        let subdivision_m = record.has_subdivision.then(|| subdivision_radius_m(region));
        let city_m = record.city_geoname_id.map(city_radius_m);
        let radius_m = [claimed_m, subdivision_m, city_m]
            .into_iter()
            .flatten()
            .fold(region_radius_m, f64::min);
        let score = record.city_geoname_id.map_or(REGION_SCORE, |_| city_score(region));
        Some(Self {
            lat: crate::geo::round7(lat),
            lon: crate::geo::round7(lon),
            region,
            radius_m,
            region_radius_m,
            score,
        })
    }
}

/// The region of an ISO country code. Some dependent territories are not told apart here.
fn region_of(country: &str) -> Option<RegionCode> {
    match country.to_ascii_uppercase().as_str() {
        "AX" => RegionCode::parse("FI"),
        "PS" => RegionCode::parse("XW"),
        "SJ" => RegionCode::parse("XR"),
        "UM" => RegionCode::parse("US"),
        code => RegionCode::parse(code),
    }
}

fn subdivision_radius_m(region: RegionCode) -> f64 {
    precision::SUBDIVISION_RADII_M
        .iter()
        .find(|(code, _)| RegionCode::new(*code) == region)
        .map_or(SUBDIVISION_RADIUS_M, |&(_, radius_m)| radius_m)
}

fn city_radius_m(geoname_id: u32) -> f64 {
    precision::CITY_RADII_M
        .iter()
        .find(|&&(id, _)| id == geoname_id)
        .map_or(CITY_RADIUS_M, |&(_, radius_m)| radius_m)
}

fn city_score(region: RegionCode) -> f64 {
    precision::CITY_SCORES
        .iter()
        .find(|(_, codes)| codes.iter().any(|&code| RegionCode::new(code) == region))
        .map_or(CITY_SCORE, |&(score, _)| score)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(country: &str) -> GeoIpRecord {
        GeoIpRecord {
            country: country.to_owned(),
            city_geoname_id: None,
            has_subdivision: false,
            lat: 10.0,
            lon: 20.0,
            accuracy_radius_km: None,
        }
    }

    fn rated(record: &GeoIpRecord) -> Option<GeoIp> {
        GeoIp::from_record(record, Regions::shared())
    }

    #[test]
    fn the_smallest_known_radius_counts_and_cities_score_by_region() {
        const NONE: Option<u32> = None;
        const OTHER: Option<u32> = Some(1);
        for (country, has_subdivision, city_geoname_id, claimed, radius, region_radius, score) in [
            ("GB", true, Some(2_643_743), Some(100), 40_000.0, 543_000.0, 0.8),
            ("GB", true, Some(2_643_743), Some(3), 3_000.0, 543_000.0, 0.8),
            ("BT", false, NONE, Some(534), 190_000.0, 190_000.0, 0.9),
            ("GI", false, NONE, Some(100), 3_000.0, 3_000.0, 0.9),
            ("CN", true, Some(2_038_180), Some(100), 25_000.0, 2_905_000.0, 0.6),
            ("US", true, Some(5_803_556), Some(22), 22_000.0, 2_971_000.0, 0.8),
            ("GB", true, Some(2_655_045), Some(100), 25_000.0, 543_000.0, 0.8),
            ("SE", true, Some(2_694_762), Some(76), 25_000.0, 789_000.0, 0.7),
            ("JP", false, NONE, Some(100), 100_000.0, 1_004_000.0, 0.9),
            ("US", false, NONE, Some(1000), 1_000_000.0, 2_971_000.0, 0.9),
            ("US", false, NONE, NONE, 2_971_000.0, 2_971_000.0, 0.9),
            ("US", false, NONE, Some(0), 2_971_000.0, 2_971_000.0, 0.9),
            ("US", false, NONE, Some(1100), 1_100_000.0, 2_971_000.0, 0.9),
            ("RU", false, NONE, Some(2100), 2_100_000.0, 4_262_000.0, 0.9),
            ("RU", true, NONE, Some(2100), 1_200_000.0, 4_262_000.0, 0.9),
            ("RU", true, OTHER, Some(26), 25_000.0, 4_262_000.0, 0.8),
            ("GB", false, Some(2_643_743), Some(1), 1_000.0, 543_000.0, 0.8),
            ("CN", true, Some(1_796_236), Some(500), 68_000.0, 2_905_000.0, 0.6),
            ("LI", false, OTHER, Some(26), 14_000.0, 14_000.0, 0.3),
            ("VA", true, OTHER, Some(100), 1_000.0, 1_000.0, 0.3),
            ("BV", false, NONE, Some(5100), 5_000_000.0, 5_000_000.0, 0.9),
            ("BV", false, OTHER, Some(10), 10_000.0, 5_000_000.0, 0.3),
        ] {
            let record = GeoIpRecord {
                city_geoname_id,
                has_subdivision,
                accuracy_radius_km: claimed,
                ..record(country)
            };
            let geoip = rated(&record).unwrap();
            let actual = (geoip.radius_m, geoip.region_radius_m, geoip.score);
            assert_eq!(actual, (radius, region_radius, score), "{record:?}");
        }
    }

    #[test]
    fn territories_without_a_code_of_their_own_take_another() {
        for (country, region) in
            [("AX", "FI"), ("PS", "XW"), ("SJ", "XR"), ("UM", "US"), ("gb", "GB"), ("BV", "BV")]
        {
            assert_eq!(
                rated(&record(country)).map(|geoip| geoip.region),
                RegionCode::parse(region),
                "{country}"
            );
        }
    }

    #[test]
    fn a_row_without_a_known_country_or_position_is_no_use() {
        for country in ["", "X", "ZZ", "GBR", "é"] {
            assert_eq!(rated(&record(country)), None, "{country}");
        }
        for (lat, lon) in [(0.0, 0.0), (f64::NAN, 1.0), (1.0, f64::INFINITY), (91.0, 0.0)] {
            assert_eq!(rated(&GeoIpRecord { lat, lon, ..record("GB") }), None, "{lat} {lon}");
        }
        for (lat, lon) in [(0.0, 10.0), (10.0, 0.0)] {
            assert!(rated(&GeoIpRecord { lat, lon, ..record("GB") }).is_some(), "{lat} {lon}");
        }
    }
}
