//! What holds for any batch.

use proptest::prelude::*;

use super::*;

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let one = (-0.03..0.03, -0.03..0.03, 0.0..210.0, -100_i16..=-10, 0_usize..4).prop_map(
        |(lat, lon, accuracy, signal, source)| {
            let sources = [Some(Source::Gnss), Some(Source::Query), Some(Source::Fixed), None];
            let seen = measured(seen(wifi(), lat, lon), Some(accuracy), None, None, Some(signal));
            from(sources[source], seen)
        },
    );
    prop::collection::vec(one, 1..12)
}

/// Stations that were last changed before now, so that a change by the batch can be told.
fn stations() -> impl Strategy<Value = Option<Station>> {
    let position = prop::option::of((-0.03..0.03, -0.03..0.03));
    let station = (position, 0.0..20_000.0, any::<u32>(), 1_u32..600, any::<bool>()).prop_map(
        |(position, weight, samples, age, is_query)| Station {
            lat: position.map(|(lat, _)| P.0 + lat),
            lon: position.map(|(_, lon)| P.1 + lon),
            weight: Some(weight),
            samples: Some(samples),
            modified: now().checked_sub_days(Days::new(age.into())),
            source: is_query.then_some(Source::Query),
            ..row()
        },
    );
    prop::option::of(station)
}

fn is_near(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

proptest! {
    #[test]
    fn a_row_is_either_whole_or_without_a_position(
        station in stations(), batch in observations(),
    ) {
        let decided = run(wifi(), station.as_ref(), &batch);
        for (_, row) in decided.insert.iter().chain(&decided.update) {
            let Some((lat, lon)) = row.position() else {
                prop_assert_eq!(
                    (row.lat, row.lon, row.max_lat, row.min_lat, row.max_lon, row.min_lon),
                    (None, None, None, None, None, None)
                );
                prop_assert_eq!(
                    (row.radius_m, row.samples, row.weight, row.source, row.last_seen),
                    (None, None, None, None, None)
                );
                prop_assert_eq!(row.block_last, Some(now().date()));
                continue;
            };
            prop_assert_eq!(row.last_seen, Some(now().date()));
            if row.modified == Some(now()) {
                prop_assert!(row.min_lat <= Some(lat) && Some(lat) <= row.max_lat);
                prop_assert!(row.min_lon <= Some(lon) && Some(lon) <= row.max_lon);
                prop_assert!(row.radius_m.is_some() && row.region.is_some());
                prop_assert!(row.weight.is_some_and(|weight| weight > 0.0 && weight <= 1e9));
            }
        }
    }

    #[test]
    fn samples_add_up(station in stations(), batch in observations()) {
        let decided = run(wifi(), station.as_ref(), &batch);
        let counted = batch.iter().filter(|seen| seen.weight() > 0.0).count() as u64;
        prop_assert_eq!(decided.counts.obs, counted);
        let used = batch.iter().filter(|seen| seen.weight() > 0.0 && !seen.is_query_based()).count();
        let used = if used > 0 { used as u64 } else { counted };
        let before = station.map_or(0, |station| u64::from(station.samples.unwrap_or(0)));
        let kept = [used, before, (before + used).min(u64::from(u32::MAX))];
        for (_, row) in decided.insert.iter().chain(&decided.update) {
            prop_assert!(row.samples.is_none_or(|samples| kept.contains(&u64::from(samples))));
        }
    }

    #[test]
    fn the_order_of_a_batch_does_not_matter(
        station in stations(), batch in observations(), rotation in 0_usize..12,
    ) {
        let mut other = batch.clone();
        other.rotate_left(rotation % batch.len());
        other.reverse();
        let rows = |batch: &[Observation]| {
            let decided = run(wifi(), station.as_ref(), batch);
            (decided.counts, decided.insert.into_iter().chain(decided.update).next())
        };
        let ((counts, row), (other_counts, other_row)) = (rows(&batch), rows(&other));
        prop_assert_eq!(counts, other_counts);
        prop_assert_eq!(row.is_some(), other_row.is_some());
        if let (Some((_, row)), Some((_, other))) = (row, other_row) {
            prop_assert!(is_near(row.lat, other.lat) && is_near(row.lon, other.lon));
            prop_assert!(is_near(row.weight, other.weight));
            let like = Station {
                lat: row.lat,
                lon: row.lon,
                weight: row.weight,
                radius_m: row.radius_m,
                ..other.clone()
            };
            prop_assert_eq!(&row, &like);
            prop_assert!(row.radius_m.unwrap_or(0).abs_diff(other.radius_m.unwrap_or(0)) <= 1);
        }
    }
}
