use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Equal but for the last bits, which depend on the mathematics library.
#[track_caller]
fn assert_near(actual: f64, expected: f64) {
    let tolerance = expected.abs() * 1e-14;
    assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
}

#[test]
fn distances_are_the_known_ones() {
    for (from, to, metres, on_sphere) in [
        ((51.5, -0.1), (51.5, -0.1), 0.0, 0.0),
        ((51.5, -0.1), (51.5001, -0.1), 11.125_783_460_569_89, 11.119_508_372_788_27),
        ((51.5, -0.1), (51.5, -0.0999), 6.944_039_868_759_025, 6.922_056_714_045_131),
        ((51.5, -0.1), (51.5045, -0.1), 500.660_444_559_043_36, 500.377_876_758_880_35),
        ((0.0, 0.0), (1.0, 1.0), 156_899.568_281_353_33, 157_249.603_410_451_5),
        ((0.0, 0.0), (0.0, 1.0), 111_319.490_779_203_23, 111_195.083_724_191_41),
        ((0.0, 0.0), (1.0, 0.0), 110_574.388_557_956_96, 111_195.083_724_191_41),
        ((51.5142, -0.0931), (48.8566, 2.3522), 343_299.364_312_377_2, 342_939.396_643_523_6),
        (
            (44.033_706_5, -79.490_818_4),
            (44.034_939_6, -79.490_818_4),
            137.013_332_045_182_55,
            137.114_657_740_336,
        ),
        ((1.0, 179.9995), (1.0, -179.9995), 111.302_645_579_391_3, 111.178_148_174_210_26),
        ((90.0, 0.0), (-90.0, 0.0), 20_003_931.458_623_3, 20_015_115.070_354_454),
        ((0.0, 0.0), (0.5, 179.0), 19_902_751.032_615_196, 19_890_796.449_740_74),
        ((0.0, 0.0), (0.5, 179.7), 19_950_277.969_779_685, 19_950_277.969_779_685),
        ((0.0, 0.0), (0.0, 180.0), 20_015_115.070_354_454, 20_015_115.070_354_454),
        ((51.5, -0.1), (51.501, -0.1), 111.257_843_183_826_04, 111.195_083_723_932_26),
        ((51.5, -0.1), (51.5, -0.099), 69.440_516_485_730_33, 69.220_567_139_916_68),
        ((51.5, -0.1), (51.51, -0.09), 1_311.459_369_191_268_5, 1_309.762_656_563_824_7),
        ((0.0, 179.9), (0.0, -179.9), 22_263.898_155_840_187, 22_239.016_744_838_46),
        ((1.0, 1.0), (1.0, 1.1), 11_130.264_975_138_06, 11_117.814_817_005_68),
    ] {
        assert_near(distance_m(from, to), metres);
        assert_near(haversine_m(from, to), on_sphere);
    }
}

#[test]
fn a_full_turn_of_longitude_is_no_distance() {
    assert!(distance_m((1.0, -180.0), (1.0, 180.0)) < 1e-6);
}

#[test]
fn a_position_that_is_no_number_has_no_distance() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(distance_m((bad, 0.0), (1.0, 1.0)).is_nan());
        assert!(distance_m((1.0, 1.0), (1.0, bad)).is_nan());
        assert_eq!(destination((1.0, 1.0), 0.0, bad), None);
        assert_eq!(destination((bad, 1.0), 90.0, 10.0), None);
        assert_eq!(bounding_box((1.0, 1.0), bad), None);
    }
}

#[test]
fn destinations_are_the_known_ones() {
    for (from, bearing, metres, lat, lon) in [
        ((1.0, 1.0), 0.0, 1000.0, 1.009_043_666_859_173_1, 1.0),
        ((1.0, 1.0), 90.0, 1000.0, 0.999_999_987_625_098_5, 1.008_984_512_067_469_6),
        ((1.0, 1.0), 0.0, -1000.0, 0.990_956_332_640_575_5, 1.0),
        ((51.5, -0.1), 45.0, 1000.0, 51.506_355_122_951_746, -0.089_815_669_893_824_4),
    ] {
        let (actual_lat, actual_lon) = destination(from, bearing, metres).unwrap();
        assert_near(actual_lat, lat);
        assert_near(actual_lon, lon);
    }
}

#[test]
fn boxes_end_at_the_edges_of_the_map() {
    let london = (51.5, -0.1);
    assert_near(latitude_add(london, 500.0).unwrap(), 51.504_494_063_842_266);
    assert_near(longitude_add(london, 500.0).unwrap(), -0.092_799_592_765_424_78);
    assert_near(latitude_add((85.0, 0.0), 1_000_000.0).unwrap(), 85.051);
    assert_near(longitude_add((0.0, 179.0), 1_000_000.0).unwrap(), 180.0);

    let bounds = bounding_box(london, 500.0).unwrap();
    assert_near(bounds.max_lat, 51.504_494_063_842_266);
    assert_near(bounds.min_lat, 51.495_505_932_694_62);
    assert_near(bounds.max_lon, -0.092_799_592_765_424_78);
    assert_near(bounds.min_lon, -0.107_200_407_234_575_22);
    assert!(bounds.contains(london));
    assert!(!bounds.contains((51.5, 0.1)));
}

#[test]
fn circle_radii_are_the_known_ones() {
    for (center, max_lat, max_lon, min_lat, min_lon, radius_m) in [
        ((51.5, -0.1), 51.5009, -0.0986, 51.4991, -0.1014, 140),
        ((1.0, 1.0), 1.1, 1.1, 0.9, 0.9, 15_689),
        ((51.49996, -0.10004), 51.5001, -0.0998, 51.4997, -0.1004, 38),
        ((51.5, -0.1), 51.5, -0.1, 51.5, -0.1, 0),
        ((51.51, -0.12), 51.53, -0.08, 51.49, -0.16, 3_559),
        ((0.0, 0.0), 0.1, 0.1, -0.1, -0.1, 15_690),
        ((51.50025, -0.1), 51.501, -0.1, 51.5, -0.1, 83),
        ((51.5, -0.1), f64::NAN, -0.1, 51.5, f64::NAN, 0),
    ] {
        let bounds = BoundingBox { max_lat, min_lat, max_lon, min_lon };
        assert_eq!(circle_radius_m(center, &bounds), radius_m, "{center:?}");
    }
}

#[test]
fn seven_decimals_remain_of_the_exact_value() {
    for (value, rounded) in [
        (51.500_032_511_966_616, 51.500_032_5),
        // A little less than the decimal text says, so it rounds down; then two true ties.
        (0.000_000_05, 0.0),
        (0.003_906_25, 0.003_906_2),
        (0.011_718_75, 0.011_718_8),
        (10.0, 10.0),
        (-0.100_000_049_999, -0.1),
        (50_000.000_000_049, 50_000.0),
        (1e300, 1e300),
    ] {
        assert_eq!(round7(value).to_bits(), f64::to_bits(rounded), "{value}");
    }
    assert!(round7(f64::NAN).is_nan());
}

/// Brings a longitude into −180 to below 180 degrees.
fn wrapped(lon: f64) -> f64 {
    (lon + MAX_LON).rem_euclid(360.0) - MAX_LON
}

fn positions() -> impl Strategy<Value = Position> {
    (-85.0..85.0, -180.0..180.0)
}

proptest! {
    #[test]
    fn distance_agrees_with_an_independent_solution(
        from in positions(),
        delta in (-60.0..60.0, -90.0..90.0),
    ) {
        let delta: Position = delta;
        let to = ((from.0 + delta.0).clamp(-85.0, 85.0), wrapped(from.1 + delta.1));
        let exact: f64 = Geodesic::wgs84().inverse(from.0, from.1, to.0, to.1);
        let actual = distance_m(from, to);
        prop_assert!((actual - exact).abs() < 0.001, "{} {}", actual, exact);
        prop_assert!((actual - distance_m(to, from)).abs() < 1e-6);
    }

    #[test]
    fn no_two_are_farther_apart_than_the_extent_which_is_tight_close_by(
        from in (-90.0..90.0_f64, -180.0..180.0_f64),
        size in prop_oneof![Just(0.001), Just(0.01), Just(5.0), Just(90.0)],
        others in vec((-1.0..1.0_f64, -1.0..1.0_f64), 1..10),
    ) {
        let near = |(up, right): Position| {
            ((from.0 + up * size).clamp(-90.0, 90.0), (from.1 + right * size).clamp(-180.0, 180.0))
        };
        let all: Vec<Position> = others.into_iter().map(near).chain([from]).collect();
        let extent_m = extent_m(&all);
        for (i, a) in all.iter().enumerate() {
            for b in &all[i..] {
                prop_assert!(distance_m(*a, *b) <= extent_m, "{:?} {:?} {}", a, b, extent_m);
            }
        }
        if size < 0.1 && from.0.abs() < 85.0 {
            let ends = |angle: fn(&Position) -> f64| {
                let angles = || all.iter().map(angle);
                (angles().fold(f64::MAX, f64::min), angles().fold(f64::MIN, f64::max))
            };
            let ((south, north), (west, east)) = (ends(|at| at.0), ends(|at| at.1));
            prop_assert!(extent_m < 1.02 * distance_m((south, west), (north, east)) + 0.01);
        }
    }

    #[test]
    fn rounding_agrees_with_the_decimal_text(
        value in prop_oneof![
            -180.0..180.0_f64,
            -1e9..1e9_f64,
            // On and beside the middle between two decimals.
            ((-2_000_000_000..2_000_000_000_i64), -2..3_i64).prop_map(|(number, ulps)| {
                let middle = (number as f64 + 0.5) / 1e7;
                f64::from_bits(middle.to_bits().wrapping_add_signed(ulps))
            }),
            // Sums of powers of two, which can lie there exactly.
            (-40_000..40_000_i32).prop_map(|number| f64::from(number) / 256.0),
        ],
    ) {
        let text: f64 = format!("{value:.7}").parse().unwrap();
        prop_assert_eq!(round7(value).to_bits(), text.to_bits(), "{}", value);
    }

    #[test]
    fn destination_agrees_with_an_independent_solution(
        from in positions(),
        bearing in 0.0..360.0,
        metres in -1_000_000.0..1_000_000.0,
    ) {
        let (lat, lon) = destination(from, bearing, metres).unwrap();
        let (exact_lat, exact_lon): Position =
            Geodesic::wgs84().direct(from.0, from.1, bearing, metres);
        prop_assert!((lat - exact_lat).abs() < 1e-8);
        let lon_error = wrapped(lon - exact_lon);
        prop_assert!(lon_error.abs() * exact_lat.to_radians().cos() < 1e-8);
    }

    #[test]
    fn distance_is_bounded_for_any_positions(from in positions(), to in positions()) {
        let metres = distance_m(from, to);
        prop_assert!((0.0..=20_038_000.0).contains(&metres));
    }
}
