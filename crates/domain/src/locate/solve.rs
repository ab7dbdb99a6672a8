//! The position that fits the distances to several stations best.
//!
//! A Levenberg-Marquardt search with forward differences in two unknowns, latitude and longitude
//! in degrees (Moré, "The Levenberg-Marquardt algorithm: implementation and theory", 1978). Steps,
//! scaling and stopping rules are those of MINPACK's `lmdif` as `SciPy` calls it, because answers
//! show them: the tolerance is relative to latitude and longitude themselves, so the search often
//! stops some metres short of the optimum, and for stations in a straight line where it began. A
//! better optimiser would answer differently from the original.

mod model;

use self::model::Model;
use crate::geo::{Place, Position};

/// Relative tolerance of the sum of squares and of the solution.
const TOLERANCE: f64 = 1.490_12e-8;
/// Square root of the machine precision: the relative step of the forward differences.
const DIFFERENCE_STEP: f64 = 1.490_116_119_384_765_6e-8;
/// The first step is at most so many times the scaled starting point.
const FIRST_STEP: f64 = 100.0;
/// Computations of the residuals after which the search is given up.
const MAX_EVALUATIONS: u32 = 600;

/// A station, and how much its distance matters.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    place: Place,
    weight: f64,
}

impl Anchor {
    /// A station at a position; the weight, above 0, multiplies its distance.
    #[must_use]
    pub fn new(position: Position, weight: f64) -> Self {
        Self { place: Place::new(position), weight }
    }
}

/// Two numbers, one per unknown.
type Pair = [f64; 2];

/// Searches from a guess for the position with the smallest sum of squared, weighted distances.
/// `None` when the search does not come to an end.
#[must_use]
pub fn solve(anchors: &[Anchor], guess: Position) -> Option<Position> {
    let start = [guess.0, guess.1];
    let residuals = residuals(anchors, start);
    let mut search = Search {
        size: norm(&residuals),
        at: start,
        residuals,
        evaluations: 1,
        scale: [0.0; 2],
        scaled_at: 0.0,
        radius: 0.0,
        damping: 0.0,
    };
    if !search.size.is_finite() {
        return None;
    }
    for round in 0.. {
        if let Some(end) = search.round(anchors, round == 0) {
            return end.map(|[lat, lon]| (lat, lon));
        }
    }
    None
}

/// The state of a search.
struct Search {
    /// The best point so far, with its residuals and their norm.
    at: Pair,
    residuals: Vec<f64>,
    size: f64,
    /// How often the residuals were computed.
    evaluations: u32,
    /// Steepness of each unknown, the largest so far.
    scale: Pair,
    /// Scaled distance of the point from the origin.
    scaled_at: f64,
    /// How far the model is trusted, in scaled units.
    radius: f64,
    /// The Levenberg-Marquardt parameter.
    damping: f64,
}

/// How a search ended: with a point, or in vain.
type End = Option<Pair>;

impl Search {
    /// Makes a linear model and takes a step that gets closer with it, if there is one.
    fn round(&mut self, anchors: &[Anchor], is_first: bool) -> Option<End> {
        let model = Model::new(differences(anchors, self.at, &self.residuals), &self.residuals);
        self.evaluations += 2;
        let steepness = model.column_norms;
        if is_first {
            self.scale = steepness.map(|norm| if norm == 0.0 { 1.0 } else { norm });
            self.scaled_at = norm(&multiply(self.scale, self.at));
            self.radius =
                if self.scaled_at == 0.0 { FIRST_STEP } else { FIRST_STEP * self.scaled_at };
        }
        let gradient = model.gradient(self.size);
        if gradient <= 0.0 {
            return Some(Some(self.at));
        }
        self.scale = [self.scale[0].max(steepness[0]), self.scale[1].max(steepness[1])];
        loop {
            let step = model.step(self.scale, self.radius, &mut self.damping);
            let step_size = norm(&multiply(self.scale, step));
            if is_first {
                self.radius = self.radius.min(step_size);
            }
            let next = [self.at[0] - step[0], self.at[1] - step[1]];
            let next_residuals = residuals(anchors, next);
            let next_size = norm(&next_residuals);
            self.evaluations += 1;
            if !next_size.is_finite() {
                return Some(None);
            }

            let outcome = Outcome::new(self, next_size, norm(&model.apply(step)), step_size);
            self.adjust(&outcome);
            if outcome.is_success {
                self.at = next;
                self.scaled_at = norm(&multiply(self.scale, self.at));
                self.residuals = next_residuals;
                self.size = next_size;
            }
            if let Some(end) = self.end(&outcome, gradient) {
                return Some(end);
            }
            if outcome.is_success {
                return None;
            }
        }
    }

    /// Trusts the model more or less after a step.
    fn adjust(&mut self, outcome: &Outcome) {
        let Outcome { actual, slope, ratio, step_size, next_size, .. } = *outcome;
        if ratio <= 0.25 {
            let shrink = if actual >= 0.0 { 0.5 } else { 0.5 * slope / (slope + 0.5 * actual) };
            let shrink = if 0.1 * next_size >= self.size { 0.1 } else { shrink.max(0.1) };
            self.radius = shrink * self.radius.min(step_size / 0.1);
            self.damping /= shrink;
        } else if self.damping == 0.0 || ratio >= 0.75 {
            self.radius = step_size / 0.5;
            self.damping *= 0.5;
        }
    }

    fn end(&self, outcome: &Outcome, gradient: f64) -> Option<End> {
        let is_done = |limit: f64| outcome.is_flat(limit) || self.radius <= limit * self.scaled_at;
        if is_done(TOLERANCE) {
            return Some(Some(self.at));
        }
        let has_stalled = is_done(f64::EPSILON) || gradient <= f64::EPSILON;
        (has_stalled || self.evaluations >= MAX_EVALUATIONS).then_some(None)
    }
}

/// What a step achieved and what the model had promised, relative to the residuals before it.
struct Outcome {
    actual: f64,
    predicted: f64,
    slope: f64,
    ratio: f64,
    step_size: f64,
    next_size: f64,
    is_success: bool,
}

impl Outcome {
    fn new(before: &Search, next_size: f64, change: f64, step_size: f64) -> Self {
        let actual = if 0.1 * next_size < before.size {
            1.0 - (next_size / before.size).powi(2)
        } else {
            -1.0
        };
        let along = change / before.size;
        let damped = before.damping.sqrt() * step_size / before.size;
        let predicted = along * along + damped * damped / 0.5;
        let slope = -(along * along + damped * damped);
        let ratio = if predicted == 0.0 { 0.0 } else { actual / predicted };
        Self { actual, predicted, slope, ratio, step_size, next_size, is_success: ratio >= 1e-4 }
    }

    /// Is there nothing to gain any more, in fact and by promise?
    fn is_flat(&self, limit: f64) -> bool {
        self.actual.abs() <= limit && self.predicted <= limit && self.ratio <= 2.0
    }
}

fn residuals(anchors: &[Anchor], at: Pair) -> Vec<f64> {
    let at = Place::new((at[0], at[1]));
    anchors.iter().map(|anchor| anchor.place.distance_m(&at) * anchor.weight).collect()
}

/// The columns of the Jacobian matrix, by forward differences.
fn differences(anchors: &[Anchor], at: Pair, residuals: &[f64]) -> [Vec<f64>; 2] {
    [0, 1].map(|unknown| {
        let step = DIFFERENCE_STEP * at[unknown].abs();
        let step = if step == 0.0 { DIFFERENCE_STEP } else { step };
        let mut moved = at;
        moved[unknown] += step;
        let moved = self::residuals(anchors, moved);
        moved.iter().zip(residuals).map(|(moved, here)| (moved - here) / step).collect()
    })
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn multiply([a, b]: Pair, [x, y]: Pair) -> Pair {
    [a * x, b * y]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Anchors with the weights of Wi-Fi readings: position, signal (dBm), age (ms).
    fn anchors(readings: &[(f64, f64, f64, f64)]) -> Vec<Anchor> {
        let anchor = |&(lat, lon, signal, age): &(f64, f64, f64, f64)| {
            Anchor::new((lat, lon), (2000.0 / age).sqrt().min(1.0) / (signal * signal))
        };
        readings.iter().map(anchor).collect()
    }

    #[test]
    fn searches_end_where_those_of_the_original_do() {
        let pair = [(51.5, -0.1, -50.0, 1000.0), (51.5001, -0.1002, -60.0, 1000.0)];
        let three = [pair[0], pair[1], (51.5002, -0.1, -100.0, 1000.0)];
        let aged = [
            (51.5, -0.1, -60.0, 1000.0),
            (51.5006, -0.1008, -70.0, 8000.0),
            (51.4995, -0.0991, -80.0, 16_000.0),
        ];
        for (readings, guess, expected) in [
            (
                &pair[..],
                (51.500_040_983_606_56, -0.100_081_967_213_114_76),
                (51.500_032_511_966_616, -0.100_066_305_148_947_78),
            ),
            (
                &three,
                (51.500_061_428_571_435, -0.100_071_428_571_428_58),
                (51.500_039_084_514_25, -0.100_062_312_304_760_19),
            ),
            (
                &aged,
                (51.500_077_237_691_05, -0.100_073_355_655_108_68),
                (51.500_052_355_862_685, -0.100_061_492_827_060_32),
            ),
            (
                &aged,
                (51.500_063_179_563_895, -0.099_994_877_785_760_15),
                (51.500_052_071_537_375, -0.100_061_478_340_467_1),
            ),
        ] {
            let (lat, lon) = solve(&anchors(readings), guess).unwrap();
            let error = (lat - expected.0).abs().max((lon - expected.1).abs());
            assert!(error < 1e-12, "{lat} {lon} is not {expected:?}");
        }
    }

    #[test]
    fn searches_along_a_line_end_where_they_start() {
        let readings = [(51.5, -0.1, -50.0, 1000.0), (51.5001, -0.1, -60.0, 1000.0)];
        let guess = (51.500_040_983_606_56, -0.1);
        assert_eq!(solve(&anchors(&readings), guess), Some(guess));
        let same = [(51.5, -0.1, -60.0, 1000.0); 4];
        assert_eq!(solve(&anchors(&same), (51.5, -0.1)), Some((51.5, -0.1)));
    }

    #[test]
    fn searches_that_lead_nowhere_are_given_up() {
        let readings = [(51.5, -0.1, -50.0, 1000.0), (51.5001, -0.1, -60.0, 1000.0)];
        assert_eq!(solve(&anchors(&readings), (f64::NAN, -0.1)), None);
        assert_eq!(solve(&anchors(&readings), (51.5, f64::INFINITY)), None);
        let odd = Anchor::new((51.5, -0.1), f64::NAN);
        assert_eq!(solve(&[odd, odd], (51.5, -0.1)), None);
    }
}
