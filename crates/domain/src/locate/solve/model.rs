//! The linear model of one round: a step towards the optimum that stays within a trusted radius.

use super::{Pair, multiply, norm};

/// Rounds of the search for the damping of one step.
const MAX_DAMPINGS: u32 = 10;

/// The linear model of the residuals around a point: the Jacobian as an upper triangle R after
/// Householder reflections, the steeper column first, and the residuals reflected alike.
pub(super) struct Model {
    /// Lengths of the columns, in the order of the unknowns.
    pub column_norms: Pair,
    /// Which unknown stands first.
    order: [usize; 2],
    r00: f64,
    r01: f64,
    r11: f64,
    reflected: Pair,
}

impl Model {
    pub fn new(columns: [Vec<f64>; 2], residuals: &[f64]) -> Self {
        let column_norms = [norm(&columns[0]), norm(&columns[1])];
        let order = if column_norms[1] > column_norms[0] { [1, 0] } else { [0, 1] };
        let [mut first, mut second] = columns;
        if order == [1, 0] {
            std::mem::swap(&mut first, &mut second);
        }
        let mut reflected = residuals.to_vec();
        let r00 = reflection(&mut first);
        reflect(&first, &mut second);
        reflect(&first, &mut reflected);
        let r11 = reflection(&mut second[1..]);
        reflect(&second[1..], &mut reflected[1..]);
        let r01 = second[0];
        let reflected = [reflected[0], reflected[1]];
        Self { column_norms, order, r00, r01, r11, reflected }
    }

    /// The largest cosine of an angle between the residuals and a column; 0 at the optimum.
    pub fn gradient(&self, size: f64) -> f64 {
        if size == 0.0 {
            return 0.0;
        }
        let [q0, q1] = [self.reflected[0] / size, self.reflected[1] / size];
        let sums = [self.r00 * q0, self.r01 * q0 + self.r11 * q1];
        let norms = self.ordered(self.column_norms);
        (0..2).filter(|&i| norms[i] != 0.0).map(|i| (sums[i] / norms[i]).abs()).fold(0.0, f64::max)
    }

    /// How a step changes the residuals, up to reflections.
    pub fn apply(&self, step: Pair) -> Pair {
        let [a, b] = self.ordered(step);
        [self.r00 * a + self.r01 * b, self.r11 * b]
    }

    /// Between the order of the unknowns and the order of the columns, either way.
    fn ordered(&self, [lat, lon]: Pair) -> Pair {
        if self.order == [0, 1] { [lat, lon] } else { [lon, lat] }
    }

    /// The step (to be subtracted) whose scaled size is about the radius, or smaller if the model
    /// has its optimum there. The damping that makes it so is searched for from the last one.
    pub fn step(&self, scale: Pair, radius: f64, damping: &mut f64) -> Pair {
        let scale = self.ordered(scale);
        let step = back_substitute(self.r00, self.r01, self.r11, self.reflected);
        let mut scaled = Scaled::new(scale, step);
        let mut excess = scaled.size - radius;
        if excess <= 0.1 * radius {
            *damping = 0.0;
            return self.ordered(step);
        }

        let is_full_rank = self.r00 != 0.0 && self.r11 != 0.0;
        let mut low = if is_full_rank {
            scaled.correction(scale, excess / radius, (self.r00, self.r01, self.r11))
        } else {
            0.0
        };
        let [q0, q1] = self.reflected;
        let gradient =
            norm(&[self.r00 * q0 / scale[0], (self.r01 * q0 + self.r11 * q1) / scale[1]]);
        let mut high = gradient / radius;
        if high == 0.0 {
            high = f64::MIN_POSITIVE / radius.min(0.1);
        }

        *damping = damping.max(low).min(high);
        if *damping == 0.0 {
            *damping = gradient / scaled.size;
        }
        let mut round = 0;
        loop {
            round += 1;
            if *damping == 0.0 {
                *damping = f64::MIN_POSITIVE.max(0.001 * high);
            }
            let damped = self.damped(multiply([damping.sqrt(); 2], scale));
            scaled = Scaled::new(scale, damped.step);
            let previous = excess;
            excess = scaled.size - radius;
            let is_hopeless = low == 0.0 && excess <= previous && previous < 0.0;
            if excess.abs() <= 0.1 * radius || is_hopeless || round == MAX_DAMPINGS {
                return self.ordered(damped.step);
            }
            let triangle = (damped.s00, damped.s01, damped.s11);
            let correction = scaled.correction(scale, excess / radius, triangle);
            if excess > 0.0 {
                low = low.max(*damping);
            } else if excess < 0.0 {
                high = high.min(*damping);
            }
            *damping = low.max(*damping + correction);
        }
    }

    /// The optimum of the model when each unknown is also pulled to where it is: Givens rotations
    /// take the diagonal of the pull into the triangle.
    fn damped(&self, pull: Pair) -> Damped {
        let [mut q0, mut q1] = self.reflected;
        let (mut s00, mut s01, mut s11) = (self.r00, self.r01, self.r11);
        let (mut rest, mut rest_q) = (0.0, 0.0);
        if pull[0] != 0.0 {
            let turn = Rotation::eliminating(s00, pull[0]);
            (s00, _) = turn.apply(s00, pull[0]);
            (q0, rest_q) = turn.apply(q0, 0.0);
            (s01, rest) = turn.apply(s01, 0.0);
        }
        for (below, below_q) in [(rest, rest_q), (pull[1], 0.0)] {
            if below != 0.0 {
                let turn = Rotation::eliminating(s11, below);
                (s11, _) = turn.apply(s11, below);
                (q1, _) = turn.apply(q1, below_q);
            }
        }
        Damped { s00, s01, s11, step: back_substitute(s00, s01, s11, [q0, q1]) }
    }
}

/// A step in scaled units.
struct Scaled {
    step: Pair,
    size: f64,
}

impl Scaled {
    fn new(scale: Pair, step: Pair) -> Self {
        let step = multiply(scale, step);
        Self { step, size: norm(&step) }
    }

    /// Newton's correction of the damping for a step that is too long by this share of the radius.
    fn correction(&self, scale: Pair, excess: f64, (s00, s01, s11): (f64, f64, f64)) -> f64 {
        let direction = multiply(scale, self.step.map(|part| part / self.size));
        let w0 = direction[0] / s00;
        let w1 = (direction[1] - s01 * w0) / s11;
        let slope = norm(&[w0, w1]);
        excess / slope / slope
    }
}

/// A damped optimum, with the triangle it was found from.
struct Damped {
    s00: f64,
    s01: f64,
    s11: f64,
    step: Pair,
}

/// A plane rotation.
struct Rotation {
    cos: f64,
    sin: f64,
}

impl Rotation {
    /// The rotation that turns `(a, b)` into `(r, 0)`.
    fn eliminating(a: f64, b: f64) -> Self {
        if a.abs() < b.abs() {
            let cot = a / b;
            let sin = 0.5 / (0.25 + 0.25 * (cot * cot)).sqrt();
            Self { cos: sin * cot, sin }
        } else {
            let tan = b / a;
            let cos = 0.5 / (0.25 + 0.25 * (tan * tan)).sqrt();
            Self { cos, sin: cos * tan }
        }
    }

    fn apply(&self, a: f64, b: f64) -> (f64, f64) {
        (self.cos * a + self.sin * b, -self.sin * a + self.cos * b)
    }
}

/// Solves an upper triangle of two rows; an unknown without a pivot stays 0.
fn back_substitute(r00: f64, r01: f64, r11: f64, [q0, q1]: Pair) -> Pair {
    if r00 == 0.0 {
        return [0.0, 0.0];
    }
    let second = if r11 == 0.0 { 0.0 } else { q1 / r11 };
    [(q0 - r01 * second) / r00, second]
}

/// Turns a column into the vector of the Householder reflection that leaves only its first entry,
/// and gives that entry.
fn reflection(column: &mut [f64]) -> f64 {
    let size = norm(column);
    if size == 0.0 {
        return 0.0;
    }
    let size = if column[0] < 0.0 { -size } else { size };
    for entry in column.iter_mut() {
        *entry /= size;
    }
    column[0] += 1.0;
    -size
}

/// Applies the reflection of a vector to a column.
fn reflect(vector: &[f64], column: &mut [f64]) {
    if vector[0] == 0.0 {
        return;
    }
    let product: f64 = vector.iter().zip(column.iter()).map(|(v, c)| v * c).sum();
    let factor = product / vector[0];
    for (entry, v) in column.iter_mut().zip(vector) {
        *entry -= factor * v;
    }
}
