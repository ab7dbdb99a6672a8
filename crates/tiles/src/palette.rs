//! The few colours that stand for all colours of a tile.
//!
//! As colours lie on one line, the best choice can be computed: the line is cut into parts so that
//! the squares of all distances from a pixel to the mean of its part add up to as little as
//! possible.

use crate::ramp::{LEVELS, Level};

/// How many pixels have each level.
pub(crate) type Histogram = [u32; LEVELS];

/// At most 16 colours, in the order of their levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(crate) colours: Vec<Level>,
    /// Which of the colours stands for a level.
    pub(crate) stands_for: [u8; LEVELS],
}

/// Four bits for a pixel.
const MOST: usize = 16;

impl Palette {
    /// The best one. What is transparent stays so, and nothing else becomes transparent.
    pub(crate) fn of(pixels: &Histogram) -> Self {
        let mut palette = Self { colours: Vec::with_capacity(MOST), stands_for: [0; LEVELS] };
        if pixels[Level::TRANSPARENT.number()] > 0 {
            palette.colours.push(Level::TRANSPARENT);
        }
        let seen: Vec<usize> = (1..LEVELS).filter(|&level| pixels[level] > 0).collect();
        let line = Line::of(&seen, pixels);
        let mut start = 0;
        for end in line.cuts(MOST - palette.colours.len()) {
            for level in seen.get(start..end).unwrap_or_default() {
                palette.stands_for[*level] = u8::try_from(palette.colours.len()).unwrap_or(0);
            }
            palette.colours.push(Level::at(line.mean(start, end)));
            start = end;
        }
        palette
    }
}

/// Pixels up to each of the levels that are seen: how many, the sum of their levels, and that of
/// the squares. All are whole numbers that a double holds exactly.
struct Line {
    before: Vec<(f64, f64, f64)>,
}

impl Line {
    fn of(seen: &[usize], pixels: &Histogram) -> Self {
        let mut before = Vec::with_capacity(seen.len() + 1);
        let mut sums = (0.0, 0.0, 0.0);
        before.push(sums);
        for &level in seen {
            let (count, level) = (f64::from(pixels[level]), level as f64);
            sums = (sums.0 + count, sums.1 + count * level, sums.2 + count * level * level);
            before.push(sums);
        }
        Self { before }
    }

    fn between(&self, start: usize, end: usize) -> (f64, f64, f64) {
        let (from, to) = (self.before[start], self.before[end]);
        (to.0 - from.0, to.1 - from.1, to.2 - from.2)
    }

    /// The mean level of a part, rounded.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a mean of levels is one"
    )]
    fn mean(&self, start: usize, end: usize) -> usize {
        let (count, sum, _) = self.between(start, end);
        (sum / count).round() as usize
    }

    /// The squares of the distances from the mean of a part, added up.
    fn spread(&self, start: usize, end: usize) -> f64 {
        let (count, sum, squares) = self.between(start, end);
        squares - sum * sum / count
    }

    /// Where each of the parts ends, when there are at most so many.
    fn cuts(&self, parts: usize) -> Vec<usize> {
        let seen = self.before.len() - 1;
        if seen <= parts {
            return (1..=seen).collect();
        }
        // The best cost of what lies before each end, and with each further part where that begins.
        let mut best: Vec<f64> = (0..=seen).map(|end| self.spread(0, end.max(1))).collect();
        let mut begins = Vec::with_capacity(parts);
        for part in 1..parts {
            let mut layer = Layer {
                line: self,
                before: &best,
                best: vec![f64::INFINITY; seen + 1],
                begin: vec![0; seen + 1],
            };
            layer.fill(part + 1, seen, part, seen - 1);
            let Layer { best: next, begin, .. } = layer;
            best = next;
            begins.push(begin);
        }
        let mut cuts = vec![seen];
        for begin in begins.iter().rev() {
            cuts.extend(cuts.last().map(|&end| begin[end]));
        }
        cuts.reverse();
        cuts
    }
}

/// The best last part for each end, with one part more than before.
struct Layer<'a> {
    line: &'a Line,
    before: &'a [f64],
    best: Vec<f64>,
    begin: Vec<usize>,
}

impl Layer<'_> {
    /// Fills in the ends from `first` to `last`. The last part of a longer line never begins
    /// earlier, so the middle one says where the others have to look.
    fn fill(&mut self, first: usize, last: usize, low: usize, high: usize) {
        if first > last {
            return;
        }
        let end = usize::midpoint(first, last);
        for begin in low..=high.min(end - 1) {
            let cost = self.before[begin] + self.line.spread(begin, end);
            if cost < self.best[end] {
                (self.best[end], self.begin[end]) = (cost, begin);
            }
        }
        let begin = self.begin[end];
        self.fill(first, end - 1, low, begin);
        self.fill(end + 1, last, begin, high);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(pixels: &[(usize, u32)]) -> Histogram {
        let mut histogram = [0; LEVELS];
        for &(level, count) in pixels {
            histogram[level] += count;
        }
        histogram
    }

    /// Squares of distances from every pixel to the mean of the part it is in.
    fn cost(line: &Line, cuts: &[usize]) -> f64 {
        let starts = std::iter::once(&0).chain(cuts);
        starts.zip(cuts).map(|(start, end)| line.spread(*start, *end)).sum()
    }

    /// The best of all ways to cut, tried one after the other.
    fn cheapest(line: &Line, start: usize, parts: usize) -> f64 {
        let seen = line.before.len() - 1;
        if parts == 1 {
            return line.spread(start, seen);
        }
        (start + 1..=seen + 1 - parts)
            .map(|end| line.spread(start, end) + cheapest(line, end, parts - 1))
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn few_colours_stay_as_they_are() {
        let few: Vec<(usize, u32)> = (0..16).map(|number| (number * 30, 1000)).collect();
        let palette = Palette::of(&histogram(&few));
        let levels: Vec<usize> = palette.colours.iter().map(|colour| colour.number()).collect();
        assert_eq!(levels, few.iter().map(|(level, _)| *level).collect::<Vec<_>>());
        for (place, (level, _)) in few.iter().enumerate() {
            assert_eq!(usize::from(palette.stands_for[*level]), place);
        }
        assert_eq!(Palette::of(&histogram(&[(0, 65_536)])).colours, [Level::TRANSPARENT]);
        assert_eq!(Palette::of(&[0; LEVELS]).colours, []);
    }

    #[test]
    fn of_many_colours_the_transparent_one_stays_and_others_are_shared() {
        let palette = Palette::of(&[100; LEVELS]);
        assert_eq!(palette.colours.len(), 16);
        assert_eq!(palette.colours[0], Level::TRANSPARENT);
        // Fifteen parts of 34 levels each.
        for level in 1..LEVELS {
            assert_eq!(usize::from(palette.stands_for[level]), 1 + (level - 1) / 34, "{level}");
        }
        let full =
            Palette::of(&histogram(&(1..LEVELS).map(|level| (level, 1)).collect::<Vec<_>>()));
        assert_eq!(full.colours.len(), 16);
        assert!(full.colours[0] > Level::TRANSPARENT);
    }

    proptest! {
        #[test]
        fn no_other_way_to_cut_is_better(
            pixels in proptest::collection::vec((1..LEVELS, 1..5000_u32), 1..14),
            parts in 1..6_usize,
        ) {
            let pixels = histogram(&pixels);
            let seen: Vec<usize> = (1..LEVELS).filter(|&level| pixels[level] > 0).collect();
            let line = Line::of(&seen, &pixels);
            let cuts = line.cuts(parts);
            prop_assert_eq!(cuts.len(), parts.min(seen.len()));
            prop_assert_eq!(cuts.last(), Some(&seen.len()));
            prop_assert!(cuts.is_sorted_by(|a, b| a < b));
            let (found, best) = (cost(&line, &cuts), cheapest(&line, 0, cuts.len()));
            prop_assert!((found - best).abs() <= 1e-6 * best.max(1.0), "{} {}", found, best);
        }

        #[test]
        fn colours_are_in_order_and_stand_for_their_neighbours(
            pixels in proptest::collection::vec((0..LEVELS, 1..5000_u32), 1..400),
        ) {
            let pixels = histogram(&pixels);
            let palette = Palette::of(&pixels);
            prop_assert!(palette.colours.len() <= 16);
            prop_assert!(palette.colours.is_sorted_by(|a, b| a < b));
            let seen = (0..LEVELS).filter(|&level| pixels[level] > 0);
            let colours: Vec<u8> = seen.clone().map(|level| palette.stands_for[level]).collect();
            prop_assert!(colours.is_sorted());
            for level in seen {
                let colour = palette.colours[usize::from(palette.stands_for[level])];
                prop_assert_eq!(level == 0, colour == Level::TRANSPARENT);
            }
        }
    }
}
