use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A station with what a device says about it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    lat: f64,
    lon: f64,
    signal: Option<i64>,
    age: Option<i64>,
    samples: u32,
}

fn seen(lat: f64, lon: f64, signal: i64) -> Seen {
    Seen { lat, lon, signal: Some(signal), age: None, samples: 64 }
}

fn aged(lat: f64, lon: f64, signal: i64, age: i64) -> Seen {
    Seen { age: Some(age), ..seen(lat, lon, signal) }
}

fn stations(key: fn(Mac) -> StationKey, networks: &[Seen]) -> Found {
    let stations = networks.iter().enumerate().map(|(i, seen)| {
        let samples = Some(seen.samples);
        (key(mac(i)), Station { samples, ..station(seen.lat, seen.lon) })
    });
    Found { stations: stations.collect(), ..Found::default() }
}

fn by_wifi(networks: &[Seen]) -> Vec<PositionResult> {
    let wifi = networks.iter().enumerate().map(|(i, seen)| wifi(i, seen.signal, seen.age));
    let query = locate(Request { wifi: wifi.collect(), ..request() });
    internal_positions(&query, &stations(StationKey::Wifi, networks), now())
}

fn by_blue(networks: &[Seen]) -> Vec<PositionResult> {
    let blue = networks.iter().enumerate().map(|(i, seen)| blue(i, seen.signal));
    let query = locate(Request { blue: blue.collect(), ..request() });
    internal_positions(&query, &stations(StationKey::Blue, networks), now())
}

#[track_caller]
fn assert_answer(results: &[PositionResult], expected: &[(f64, f64, f64, f64)]) {
    assert_eq!(results.len(), expected.len(), "{results:?}");
    for (result, &(lat, lon, accuracy_m, score)) in results.iter().zip(expected) {
        let position = (result.lat.to_bits(), result.lon.to_bits());
        assert_eq!(position, (lat.to_bits(), lon.to_bits()), "{result:?} {lat} {lon}");
        assert_near(result.accuracy_m, accuracy_m, 1e-6);
        assert_near(result.score, score, 1e-12);
    }
}

#[test]
fn scattered_access_points_are_solved_for() {
    let second = seen(51.5001, -0.1002, -60);
    let third = Seen { signal: None, ..seen(51.5002, -0.1, 0) };
    let pair = [seen(51.5, -0.1, -50), second];
    assert_answer(&by_wifi(&pair), &[(51.500_032_5, -0.100_066_3, 11.635_926_9, 12.0)]);
    assert_answer(
        &by_wifi(&[pair[0], pair[1], third]),
        &[(51.500_039_1, -0.100_062_3, 17.748_669_5, 18.0)],
    );
}

#[test]
fn access_points_in_a_line_answer_with_their_weighted_mean() {
    assert_answer(
        &by_wifi(&[seen(51.5, -0.1, -50), seen(51.5001, -0.1, -60)]),
        &[(51.500_041, -0.1, 10.0, 12.0)],
    );
    assert_answer(
        &by_wifi(&[
            seen(51.5, -0.1, -50),
            seen(51.5001, -0.1, -60),
            Seen { signal: None, ..seen(51.5002, -0.1, 0) },
        ]),
        &[(51.500_061_4, -0.1, 14.558_882_5, 18.0)],
    );
    assert_answer(&by_wifi(&[seen(51.5, -0.1, -60); 4]), &[(51.5, -0.1, 10.0, 24.0)]);
}

#[test]
fn older_readings_count_less_and_the_sign_of_an_age_does_not_matter() {
    let networks = [
        aged(51.5, -0.1, -60, 500),
        aged(51.5006, -0.1008, -70, 8000),
        aged(51.4995, -0.0991, -80, 16_000),
    ];
    let expected = [(51.500_052_4, -0.100_061_5, 89.633_073_7, 18.0)];
    assert_answer(&by_wifi(&networks), &expected);
    let negative = networks.map(|seen| Seen { age: seen.age.map(|age| -age), ..seen });
    assert_answer(&by_wifi(&negative), &expected);
}

#[test]
fn scores_weigh_in_the_guess_but_not_in_the_solution() {
    let mut networks = [
        aged(51.5, -0.1, -60, 500),
        aged(51.5006, -0.1008, -70, 8000),
        aged(51.4995, -0.0991, -80, 16_000),
    ];
    for (seen, samples) in networks.iter_mut().zip([2, 64, 1024]) {
        seen.samples = samples;
    }
    assert_answer(&by_wifi(&networks), &[(51.500_052_1, -0.100_061_5, 89.615_614_8, 17.0)]);
}

#[test]
fn weak_scores_still_answer() {
    let ages = [Some(0), Some(8000), Some(16_000), None];
    let networks: Vec<Seen> = [-10, -40, -70, -100]
        .into_iter()
        .zip(ages)
        .zip([0.0, 1.0, 2.0, 3.0])
        .map(|((signal, age), i)| Seen {
            age,
            ..seen(51.5 + i * 0.0001, -0.1 + i * 0.000_12, signal)
        })
        .collect();
    let wifi = networks.iter().enumerate().map(|(i, seen)| wifi(i, seen.signal, seen.age));
    let query = locate(Request { wifi: wifi.collect(), ..request() });
    let mut found = stations(StationKey::Wifi, &networks);
    for station in found.stations.values_mut() {
        station.created = Some(now());
        station.samples = Some(1);
        station.radius_m = Some(0);
    }
    assert_answer(
        &internal_positions(&query, &found, now()),
        &[(51.500_000_9, -0.099_999_4, 39.507_531, 0.2)],
    );
}

#[test]
fn access_points_far_apart_answer_together_up_to_the_limit() {
    let near = [seen(51.5, -0.1, -50), seen(51.5044, -0.1, -60)];
    assert_answer(&by_wifi(&near), &[(51.501_803_3, -0.1, 284.491_899_8, 12.0)]);
    assert_answer(&by_wifi(&[seen(51.5, -0.1, -50), seen(51.5046, -0.1, -60)]), &[]);
    assert_answer(
        &by_wifi(&[51.5, 51.5026, 51.5054].map(|lat| seen(lat, -0.1, -60))),
        &[(51.501_3, -0.1, 144.635_230_5, 12.0)],
    );
    assert_answer(
        &by_wifi(&[51.5, 51.501, 51.504, 51.509, 52.0].map(|lat| seen(lat, -0.1, -60))),
        &[(51.501_666_7, -0.1, 252.184_539_1, 18.0)],
    );
}

#[test]
fn every_cluster_is_an_answer() {
    assert_answer(
        &by_wifi(&[
            seen(51.5, -0.1, -60),
            seen(52.5, 0.9, -65),
            seen(51.5001, -0.1003, -70),
            seen(52.5002, 0.9001, -75),
        ]),
        &[
            (51.500_034_9, -0.100_105_6, 14.970_776_4, 12.0),
            (52.500_073_8, 0.900_037_2, 14.369_802_1, 12.0),
        ],
    );
}

#[test]
fn large_clusters_answer_from_their_lowest_scores() {
    let networks: Vec<Seen> = (0..22u32)
        .map(|i| Seen {
            samples: 2 + i,
            ..seen(51.5 + f64::from(i) * 0.000_01, -0.1 + f64::from(i) * 0.000_012, -60)
        })
        .collect();
    assert_answer(
        &by_wifi(&networks),
        &[(51.500_094_3, -0.099_887_3, 13.098_718_7, 74.452_694_918_379_3)],
    );

    let networks: Vec<Seen> =
        (0..22).map(|i| seen(51.5 - f64::from(i) * 0.000_01, -0.1, -60)).collect();
    let results = by_wifi(&networks);
    assert_answer(&results, &[(51.499_885, -0.1, 10.569_493_9, 132.0)]);
    let used = results[0].used.iter().map(|used| used.key);
    assert!(used.eq((2..22).rev().map(|i| NetworkKey::Station(StationKey::Wifi(mac(i))))));
}

#[test]
fn a_beacon_without_signal_counts_as_the_weakest() {
    let others = [seen(51.5001, -0.1002, -60), seen(51.500_15, -0.1001, -80)];
    for signal in [Some(0), Some(-127), None, Some(1)] {
        let first = Seen { signal, ..seen(51.5, -0.1, 0) };
        assert_answer(
            &by_blue(&[first, others[0], others[1]]),
            &[(51.500_107_8, -0.100_169_6, 15.798_700_8, 18.0)],
        );
    }
}

#[test]
fn blocked_stations_and_those_without_a_position_do_not_count() {
    let networks = [seen(51.5, -0.1, -50), seen(51.5001, -0.1002, -60)];
    let readings = vec![wifi(0, None, None), wifi(1, None, None)];
    let query = locate(Request { wifi: readings, ..request() });
    let spoil: [fn(&mut Station); 4] = [
        |station| station.lat = None,
        |station| station.lon = Some(f64::NAN),
        |station| station.block_last = Some(now().date()),
        |station| station.block_count = Some(1),
    ];
    for spoil in spoil {
        let mut found = stations(StationKey::Wifi, &networks);
        assert_eq!(internal_positions(&query, &found, now()).len(), 1);
        spoil(found.stations.get_mut(&StationKey::Wifi(mac(1))).unwrap());
        assert_eq!(internal_positions(&query, &found, now()), []);
    }
}

#[test]
fn a_cluster_across_the_antimeridian_answers_from_within() {
    let results = by_wifi(&[seen(-16.5, 179.9999, -60), seen(-16.5001, -179.9998, -60)]);
    assert_eq!(results.len(), 1);
    assert!(results[0].lon.abs() > 179.999, "{results:?}");
    assert!(results[0].accuracy_m < 40.0, "{results:?}");
}

proptest! {
    #[test]
    fn answers_are_within_bounds_and_close_to_their_stations(
        places in vec((-0.003..0.003f64, -0.003..0.003f64, -127i64..10, -40_000i64..40_000), 0..40),
        at in (-85.0..85.0f64, -179.9..179.9f64),
    ) {
        let networks: Vec<Seen> = places
            .iter()
            .map(|&(lat, lon, signal, age)| aged(at.0 + lat, at.1 + lon, signal, age))
            .collect();
        for (results, most) in [(by_wifi(&networks), 500.0), (by_blue(&networks), 50.0)] {
            for result in &results {
                prop_assert!((10.0..=most).contains(&result.accuracy_m));
                prop_assert!(result.score > 0.0);
                prop_assert!((result.lat - at.0).abs() < 0.01 && (result.lon - at.1).abs() < 0.01);
                prop_assert!(result.used.len() >= 2);
            }
            prop_assert_eq!(best_position(&results).is_some(), !results.is_empty());
        }
    }

    #[test]
    fn the_order_of_a_request_does_not_matter(
        places in vec((51.5..51.51, -0.1..-0.09, -90i64..-30), 2..12),
    ) {
        let networks: Vec<Seen> = places.iter().map(|p| seen(p.0, p.1, p.2)).collect();
        let found = stations(StationKey::Wifi, &networks);
        let mut readings: Vec<WifiReading> =
            networks.iter().enumerate().map(|(i, seen)| wifi(i, seen.signal, seen.age)).collect();
        let answer = |wifi: &[WifiReading]| {
            let query = locate(Request { wifi: wifi.to_vec(), ..request() });
            internal_positions(&query, &found, now())
        };
        let before = answer(&readings);
        readings.reverse();
        prop_assert_eq!(answer(&readings), before);
    }
}
