use proptest::prelude::*;

use super::*;

fn code(text: &str) -> Option<RegionCode> {
    RegionCode::parse(text)
}

#[test]
fn positions_have_the_known_regions() {
    let regions = Regions::shared();
    for (lat, lon, expected) in [
        (-60.0, 11.0, None),
        (0.0, 0.0, None),
        (36.4173, 18.728, None),
        (48.3, -7.0, None),
        (51.5142, -0.0931, code("GB")),
        (50.1, 1.0, code("FR")),
        (31.522, 34.455, code("XW")),
        (60.1, 20.0, code("FI")),
        (36.13, -5.35, code("GI")),
        (42.4255, 3.3584, code("ES")),
        (43.73, 7.42, code("MC")),
        (49.7089, 6.0741, code("LU")),
        (65.0, 179.9, code("RU")),
        (65.0, -179.9, code("RU")),
        (49.45, -2.55, code("GG")),
        (-75.0, 20.0, code("AQ")),
        (78.2, 15.6, code("XR")),
        (16.25, -61.55, code("GP")),
        (12.15, -68.27, code("BQ")),
        (13.45, 144.8, code("GU")),
        (22.3, 114.17, code("HK")),
        (28.1, -15.4, code("ES")),
        (-7.95, -14.36, code("SH")),
        (44.95, 34.1, code("UA")),
    ] {
        assert_eq!(regions.region(lat, lon), expected, "{lat} {lon}");
    }
}

/// Where finer boundaries give another answer than the original's coarse shapes, it is the true
/// one.
#[test]
fn positions_close_to_a_border_have_the_region_they_are_in() {
    let regions = Regions::shared();
    for (lat, lon, actual, original) in [
        (41.9022, 12.4533, "VA", Some("IT")),
        (48.8656, 13.6781, "DE", Some("CZ")),
        (42.83256, 20.34221, "ME", Some("RS")),
        (46.213, 6.129, "CH", Some("FR")),
        (46.5743, 6.3532, "CH", Some("FR")),
        (-16.5, 180.0, "FJ", None),
    ] {
        assert_eq!(regions.region(lat, lon), code(actual), "{lat} {lon}");
        assert_ne!(Some(actual), original);
    }
}

#[test]
fn regions_reach_half_a_degree_beyond_their_boundary() {
    let regions = Regions::shared();
    let contains = |name: &str, lat, lon| regions.contains(code(name).unwrap(), lat, lon);
    for (lat, lon) in [(51.5142, -0.0931), (50.1, 1.0), (60.1, 20.0), (65.0, 179.9)] {
        assert!(regions.is_anywhere(lat, lon), "{lat} {lon}");
    }
    for (lat, lon) in [(0.0, 0.0), (36.4173, 18.728), (48.3, -7.0), (-60.0, 11.0)] {
        assert!(!regions.is_anywhere(lat, lon), "{lat} {lon}");
    }
    assert!(contains("FR", 51.0, 1.9));
    assert!(!contains("AX", 60.1, 20.0));
    for near in ["EG", "IL", "XW"] {
        assert!(contains(near, 31.522, 34.455), "{near}");
    }
    for near in ["ES", "GI"] {
        assert!(contains(near, 36.13, -5.35), "{near}");
    }
    assert!(contains("IT", 41.9022, 12.4533));
    assert!(!contains("DE", 51.5142, -0.0931));
}

#[test]
fn the_country_code_decides_for_a_cell_near_one_of_its_regions() {
    let regions = Regions::shared();
    for (lat, lon, mcc, expected) in [
        (46.213, 6.129, 228, code("CH")),
        (46.213, 6.129, 208, code("FR")),
        (31.522, 34.455, 425, code("XW")),
        (49.45, -2.55, 234, code("GG")),
        (51.5, -0.1, 310, None),
        (0.0, 0.0, 234, None),
        (51.5, -0.1, 1, None),
    ] {
        assert_eq!(regions.for_cell(lat, lon, mcc), expected, "{lat} {lon} {mcc}");
    }
}

#[test]
fn what_is_no_position_has_no_region() {
    let regions = Regions::shared();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 90.5, -1e300] {
        assert_eq!(regions.region(bad, 1.0), None);
        assert!(!regions.is_anywhere(bad, 1.0));
    }
    assert_eq!(regions.region(51.5, f64::NAN), None);
    assert_eq!(regions.region(51.5, f64::INFINITY), None);
}

#[test]
fn tables_are_sorted_and_agree_with_each_other() {
    let regions = Regions::shared();
    assert!(names::REGIONS.is_sorted_by_key(|region| region.code));
    assert!(names::PLACES.is_sorted_by_key(|&(code, _)| code));
    assert!(mcc::MOBILE_COUNTRY_CODES.is_sorted_by_key(|&(mcc, _)| mcc));
    assert_eq!(names::REGIONS.len(), 247);
    for (mcc, codes) in mcc::MOBILE_COUNTRY_CODES {
        assert!(!codes.is_empty() && codes.is_sorted(), "{mcc}");
        assert!((1..=999).contains(&mcc));
        assert!(codes.iter().all(|&code| regions.radius_m(code).is_some()), "{mcc}");
    }
    let ambiguous = mcc::MOBILE_COUNTRY_CODES.iter().filter(|(_, codes)| codes.len() > 1);
    assert_eq!(ambiguous.count(), 18);
}

#[test]
fn names_and_sizes_are_known_by_code() {
    let regions = Regions::shared();
    for (text, name, radius_m) in [
        ("GB", Some("United Kingdom"), Some(543_000.0)),
        ("CI", Some("Côte d’Ivoire"), Some(466_000.0)),
        ("CD", Some("Congo (Kinshasa)"), Some(1_270_000.0)),
        ("XR", Some("Svalbard"), Some(270_000.0)),
        ("BV", Some("Bouvet Island"), None),
        ("gb", None, None),
        ("PS", None, None),
    ] {
        let code = code(text).unwrap();
        assert_eq!(regions.name(code), name);
        assert_eq!(regions.radius_m(code), radius_m);
    }
}

#[test]
fn country_codes_lead_to_regions() {
    let regions = Regions::shared();
    let of = |mcc| regions.for_mcc(mcc).iter().map(RegionCode::as_str).collect::<Vec<_>>();
    assert_eq!(of(234), ["GB", "GG", "IM", "JE"]);
    assert_eq!(of(244), ["FI"]);
    assert_eq!(of(425), ["IL", "XW"]);
    assert_eq!(of(995), ["IO"]);
    for mcc in [0, 1, 553, 901, 999, 1000, u16::MAX] {
        assert!(!regions.is_mcc(mcc), "{mcc}");
    }
}

/// Every region can be the answer to some position, so no area of the boundaries is misnamed.
#[test]
fn every_region_is_somewhere_on_the_map() {
    let regions = Regions::shared();
    let world = BoundingBox::new(-90.0, -180.0, 90.0, 179.999).unwrap();
    let mut found: Vec<RegionCode> = regions
        .boundaries
        .intersecting_ids(world)
        .into_iter()
        .filter_map(|id| regions.code_of(id))
        .chain([ANTARCTICA])
        .collect();
    found.sort_unstable();
    found.dedup();
    let all: Vec<RegionCode> = names::REGIONS.iter().map(|region| region.code).collect();
    assert_eq!(found, all);
}

proptest! {
    #[test]
    fn the_region_of_a_position_contains_it(lat in -90.0..90.0, lon in -180.0..180.0) {
        let regions = Regions::shared();
        let region = regions.region(lat, lon);
        prop_assert_eq!(region.is_some(), regions.is_anywhere(lat, lon));
        if let Some(region) = region {
            prop_assert!(regions.contains(region, lat, lon));
        }
    }
}

proptest! {
    /// The short cuts for cells change nothing.
    #[test]
    fn the_region_of_a_cell_is_what_the_slow_way_says(
        lat in -85.0..85.0_f64,
        lon in prop_oneof![-180.0..180.0_f64, 179.0..180.0_f64, -180.0..-179.0_f64, -10.0..40.0_f64],
        number in 0..mcc::MOBILE_COUNTRY_CODES.len(),
        is_here in any::<bool>(),
    ) {
        let regions = Regions::shared();
        let here = regions.region(lat, lon);
        let of_here = mcc::MOBILE_COUNTRY_CODES.iter().find(|(_, codes)| {
            here.is_some_and(|here| codes.contains(&here))
        });
        let (mcc, codes) = match of_here {
            Some(entry) if is_here => *entry,
            _ => mcc::MOBILE_COUNTRY_CODES[number],
        };
        let near: Vec<_> =
            codes.iter().filter(|&&code| regions.contains(code, lat, lon)).copied().collect();
        let slow = match near.as_slice() {
            [] => None,
            [only] => Some(*only),
            _ => here,
        };
        prop_assert_eq!(regions.for_cell(lat, lon, mcc), slow);
    }
}
