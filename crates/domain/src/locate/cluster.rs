//! Which stations can be seen from one place: agglomerative clustering with complete linkage.

use crate::geo::{Place, Position, extent_m};

/// Groups positions so that no two in a group are farther apart than the limit, merging the
/// closest groups first. Positions that stay alone are left out. Groups are in the order of their
/// first member, members in the order given.
///
/// The algorithm is the nearest-neighbour chain (Müllner, "Modern hierarchical, agglomerative
/// clustering algorithms", 2011, figure 3). Among equal distances the order in which it walks and
/// merges shows in the result; it is that of `SciPy` here, as the original's answers follow it.
#[must_use]
pub fn clusters(positions: &[Position], limit_m: f64) -> Vec<Vec<usize>> {
    // Nearly every query is of one place; then it does not matter who is merged with whom first.
    if positions.len() > 1 && extent_m(positions) <= limit_m {
        return vec![(0..positions.len()).collect()];
    }
    let mut group_of: Vec<usize> = (0..positions.len()).collect();
    for (gone, kept, distance_m) in merges(positions) {
        if distance_m <= limit_m {
            let (gone, kept) = (group_of[gone], group_of[kept]);
            for group in group_of.iter_mut().filter(|group| **group == gone) {
                *group = kept;
            }
        }
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); positions.len()];
    for (member, &group) in group_of.iter().enumerate() {
        members[group].push(member);
    }
    members.retain(|members| members.len() > 1);
    members.sort_unstable_by_key(|members| members[0]);
    members
}

/// All merges down to one group, as they are found. A group goes by the number of one of its
/// members; after a merge the first number is gone, the second stands for both groups.
fn merges(positions: &[Position]) -> Vec<(usize, usize, f64)> {
    let mut distances = Distances::between(positions);
    let mut living: Vec<usize> = (0..positions.len()).collect();
    let mut chain: Vec<usize> = Vec::new();
    let mut merges = Vec::new();
    while living.len() > 1 {
        let end = chain.pop().unwrap_or(living[0]);
        let previous = chain.last().copied();
        let (nearest, distance_m) = nearest(&distances, &living, end, previous);
        if previous == Some(nearest) {
            chain.pop();
            let (gone, kept) = (end.min(nearest), end.max(nearest));
            living.retain(|&group| group != gone);
            for &group in living.iter().filter(|&&group| group != kept) {
                distances.set(
                    group,
                    kept,
                    distances.get(group, gone).max(distances.get(group, kept)),
                );
            }
            merges.push((gone, kept, distance_m));
        } else {
            chain.push(end);
            chain.push(nearest);
        }
    }
    merges
}

/// The living group nearest to one of them; the previous one of the chain wins a draw, then the
/// lowest number.
fn nearest(
    distances: &Distances,
    living: &[usize],
    end: usize,
    previous: Option<usize>,
) -> (usize, f64) {
    let start = previous.map(|group| (group, distances.get(end, group)));
    living
        .iter()
        .filter(|&&group| group != end)
        .fold(start, |best, &group| {
            let distance_m = distances.get(end, group);
            match best {
                Some((_, best_m)) if distance_m >= best_m => best,
                _ => Some((group, distance_m)),
            }
        })
        .unwrap_or((end, f64::INFINITY))
}

/// The distances of every pair, metres.
struct Distances {
    len: usize,
    metres: Vec<f64>,
}

impl Distances {
    fn between(positions: &[Position]) -> Self {
        let len = positions.len();
        let mut distances = Self { len, metres: vec![0.0; len * len] };
        let places: Vec<Place> = positions.iter().copied().map(Place::new).collect();
        for (i, from) in places.iter().enumerate() {
            for (j, to) in places.iter().enumerate().skip(i + 1) {
                distances.set(i, j, from.distance_m(to));
            }
        }
        distances
    }

    fn get(&self, i: usize, j: usize) -> f64 {
        self.metres[i * self.len + j]
    }

    fn set(&mut self, i: usize, j: usize, metres: f64) {
        self.metres[i * self.len + j] = metres;
        self.metres[j * self.len + i] = metres;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::geo::distance_m;

    fn along_a_meridian(lats: &[f64]) -> Vec<Position> {
        lats.iter().map(|&lat| (lat, -0.1)).collect()
    }

    #[test]
    fn groups_are_as_wide_as_the_limit_at_most() {
        for (lats, expected) in [
            (&[][..], vec![]),
            (&[51.5], vec![]),
            (&[51.5, 51.5044], vec![vec![0, 1]]),
            (&[51.5, 51.5046], vec![]),
            (&[51.5, 51.5026, 51.5054], vec![vec![0, 1]]),
            (&[51.5, 51.501, 51.504, 51.509, 52.0], vec![vec![0, 1, 2]]),
            (&[51.5; 4], vec![vec![0, 1, 2, 3]]),
            (&[51.5, 52.5, 51.5001, 52.5002], vec![vec![0, 2], vec![1, 3]]),
        ] {
            assert_eq!(clusters(&along_a_meridian(lats), 500.0), expected, "{lats:?}");
        }
    }

    #[test]
    fn equal_distances_are_merged_in_the_order_of_the_chain() {
        // Three in a row, equally far from their neighbours. The chain starts at the first, and
        // who was met before wins a draw.
        let (west, middle, east) = ((0.0, -0.001), (0.0, 0.0), (0.0, 0.001));
        assert_eq!(clusters(&[west, middle, east], 150.0), [vec![0, 1]]);
        assert_eq!(clusters(&[middle, east, west], 150.0), [vec![0, 1]]);
        assert_eq!(clusters(&[middle, west, east], 150.0), [vec![0, 1]]);
        assert_eq!(clusters(&[west, east, middle], 150.0), [vec![0, 2]]);
    }

    /// Up to thirty positions within a few hundred metres or within two kilometres.
    fn positions() -> impl Strategy<Value = Vec<Position>> {
        prop_oneof![
            vec((51.5..51.504, -0.1..-0.094), 0..30),
            vec((51.5..51.52, -0.1..-0.07), 0..30)
        ]
    }

    fn widest(positions: &[Position], members: &[usize]) -> f64 {
        let pairs = members.iter().flat_map(|i| members.iter().map(move |j| (*i, *j)));
        pairs.map(|(i, j)| distance_m(positions[i], positions[j])).fold(0.0, f64::max)
    }

    /// Merges the globally closest pair as long as there is one, by the definition.
    fn clusters_by_definition(positions: &[Position], limit_m: f64) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = (0..positions.len()).map(|i| vec![i]).collect();
        loop {
            let mut best = (limit_m, None);
            for i in 0..groups.len() {
                for j in i + 1..groups.len() {
                    let width = widest(positions, &[&groups[i][..], &groups[j][..]].concat());
                    if width <= best.0 {
                        best = (width, Some((i, j)));
                    }
                }
            }
            let Some((i, j)) = best.1 else { break };
            let gone = groups.remove(j);
            groups[i].extend(gone);
            groups[i].sort_unstable();
        }
        groups.retain(|group| group.len() > 1);
        groups.sort_unstable();
        groups
    }

    proptest! {
        #[test]
        fn grouping_agrees_with_the_definition(positions in positions()) {
            let found = clusters(&positions, 500.0);
            prop_assert_eq!(&found, &clusters_by_definition(&positions, 500.0));
        }

        #[test]
        fn grouping_agrees_with_an_independent_implementation(positions in positions()) {
            let mut condensed: Vec<f64> = (0..positions.len())
                .flat_map(|i| (i + 1..positions.len()).map(move |j| (i, j)))
                .map(|(i, j)| distance_m(positions[i], positions[j]))
                .collect();
            let tree = kodama::linkage(&mut condensed, positions.len(), kodama::Method::Complete);
            let mut expected: Vec<f64> = tree.steps().iter().map(|step| step.dissimilarity).collect();
            let mut heights: Vec<f64> = merges(&positions).iter().map(|merge| merge.2).collect();
            expected.sort_by(f64::total_cmp);
            heights.sort_by(f64::total_cmp);
            prop_assert_eq!(heights, expected);
        }

        #[test]
        fn no_group_is_wider_than_the_limit_even_among_equal_distances(
            grid in vec((0u8..6, 0u8..6), 0..40),
            limit_m in 50.0..600.0,
        ) {
            let positions: Vec<Position> = grid
                .iter()
                .map(|&(y, x)| (51.5 + f64::from(y) * 0.001, f64::from(x) * 0.001))
                .collect();
            let found = clusters(&positions, limit_m);
            let mut seen: Vec<usize> = found.concat();
            let total = seen.len();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), total);
            for members in &found {
                prop_assert!(members.len() > 1 && members.is_sorted());
                prop_assert!(widest(&positions, members) <= limit_m);
            }
            // No two groups that are left could have been one.
            for (i, a) in found.iter().enumerate() {
                for b in &found[i + 1..] {
                    prop_assert!(widest(&positions, &[&a[..], b].concat()) > limit_m);
                }
            }
        }

        #[test]
        fn the_order_of_stations_does_not_matter_without_equal_distances(positions in positions()) {
            let mut reversed = positions.clone();
            reversed.reverse();
            let last = positions.len().saturating_sub(1);
            let mut renumbered: Vec<Vec<usize>> = clusters(&reversed, 500.0)
                .iter()
                .map(|members| members.iter().rev().map(|member| last - member).collect())
                .collect();
            renumbered.sort_unstable();
            prop_assert_eq!(renumbered, clusters(&positions, 500.0));
        }
    }
}
