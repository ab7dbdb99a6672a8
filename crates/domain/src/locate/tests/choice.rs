use super::*;

fn result(lat: f64, lon: f64, accuracy_m: f64, score: f64) -> PositionResult {
    PositionResult::new(lat, lon, accuracy_m, score, ResultSource::Internal)
}

#[test]
fn the_best_supported_position_is_the_answer() {
    let london_area = result(51.5, -0.1, 100_000.0, 0.6);
    let london_cell = result(51.5002, -0.1, 10_000.0, 1.5);
    let thimphu_cell = result(27.5, 90.5, 2000.0, 2.0);
    let thimphu_wifi = result(27.7, 90.7, 500.0, 5.0);
    let geoip = result(51.5142, -0.0931, 40_000.0, 0.8);
    for (results, best) in [
        (vec![result(27.5002, 90.5, 1000.0, 0.5), thimphu_cell.clone()], Some(0)),
        (vec![london_area.clone(), thimphu_cell.clone()], Some(1)),
        (vec![london_area.clone(), london_cell.clone(), thimphu_cell.clone()], Some(1)),
        (vec![london_area, london_cell, thimphu_cell, thimphu_wifi.clone()], Some(3)),
        (vec![result(51.7, -0.1, 1000.0, 5.0), thimphu_wifi], Some(1)),
        (vec![result(51.5, -0.1, 10.0, 0.1), geoip.clone()], Some(0)),
        (vec![result(48.85, 2.35, 10.0, 0.1), geoip.clone()], Some(1)),
        (vec![result(48.85, 2.35, 10.0, 0.8), geoip.clone()], Some(0)),
        (vec![result(51.5, -0.1, 60_000.0, 9.0), geoip], Some(1)),
        (vec![result(1.0, 1.0, 10.0, 0.1), result(1.0, 1.0, 10.0, 0.2)], Some(1)),
        (vec![], None),
    ] {
        let expected = best.map(|best: usize| &results[best]);
        assert_eq!(best_position(&results), expected, "{results:?}");
    }
}

#[test]
fn results_support_each_other_within_one_and_a_half_times_the_accuracy() {
    let far = result(48.0, 2.0, 100.0, 1.5);
    for (lon, is_supported) in [(0.1, true), (0.12, false)] {
        let near = result(51.5, -0.1, 10.0, 1.0);
        let results = [near.clone(), result(51.5, lon, 10_000.0, 1.0), far.clone()];
        let best = best_position(&results);
        assert_eq!(best, Some(if is_supported { &near } else { &far }), "{lon}");
    }
}

#[test]
fn a_provider_is_not_asked_once_results_are_good_and_sure_enough() {
    let query = |has_wifi| {
        let wifi = if has_wifi { vec![wifi(0, None, None), wifi(1, None, None)] } else { vec![] };
        let cell = vec![cell(Radio::Gsm, 234, Some(5), Some(1))];
        locate(Request { cell, wifi, ..request() })
    };
    for (has_wifi, results, expected) in [
        (true, vec![result(1.0, 1.0, 500.0, 1.0)], true),
        (true, vec![result(1.0, 1.0, 500.0, 0.9)], false),
        (true, vec![result(1.0, 1.0, 500.1, 9.0)], false),
        (true, vec![result(1.0, 1.0, 400.0, 0.5), result(1.0, 1.0, 5000.0, 0.5)], true),
        (false, vec![result(1.0, 1.0, 50_000.0, 1.0)], true),
        (false, vec![result(1.0, 1.0, 50_000.1, 1.0)], false),
        (false, vec![], false),
    ] {
        assert_eq!(satisfies(&query(has_wifi), &results), expected, "{results:?}");
    }
}

#[test]
fn accuracies_have_classes() {
    for (accuracy_m, class) in [
        (0.0, AccuracyClass::High),
        (500.0, AccuracyClass::High),
        (500.1, AccuracyClass::Medium),
        (50_000.0, AccuracyClass::Medium),
        (50_000.1, AccuracyClass::Low),
        (40_000_000.0, AccuracyClass::Low),
        (40_000_001.0, AccuracyClass::None),
        (f64::NAN, AccuracyClass::None),
    ] {
        assert_eq!(AccuracyClass::of(accuracy_m), class, "{accuracy_m}");
    }
}
