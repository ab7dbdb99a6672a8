//! Distances, destinations and boxes on the WGS 84 ellipsoid.
//!
//! Positions are `(latitude, longitude)` in degrees, lengths are metres. Vincenty's iteration is
//! used rather than Karney's algorithm because its error, half a millimetre, is far below what a
//! station position is worth, and because positions computed by the original depend on it. Close
//! to the antipode, where the iteration does not converge, a sphere is good enough.

use std::f64::consts::PI;

/// Semi-major axis of WGS 84, km (NIMA TR8350.2).
const MAJOR_KM: f64 = 6378.137;
/// Semi-minor axis of WGS 84, km.
const MINOR_KM: f64 = 6_356.752_314_245;
/// Flattening of WGS 84: 1/298.257223563.
const FLATTENING: f64 = 0.003_352_810_664_747_480_5;
/// Mean earth radius of the haversine formula, km (IUGG mean radius R1).
const MEAN_RADIUS_KM: f64 = 6_371.009;
/// Change of an angle, in radians, that ends an iteration; 0.06 mm on the ground.
const CONVERGED: f64 = 1e-11;
/// Iterations after which an answer is no longer trusted.
const MAX_ITERATIONS: u32 = 25;

/// How far a distance is off at most, metres (Vincenty, 1975).
const VINCENTY_ERROR_M: f64 = 0.001;

/// The limit of latitudes, degrees: the square of the Web Mercator projection ends here.
pub const MAX_LAT: f64 = 85.051;
/// The limit of longitudes, degrees.
pub const MAX_LON: f64 = 180.0;

/// A latitude and longitude, degrees.
pub type Position = (f64, f64);

/// The distance of two positions in metres: the inverse formula of Vincenty (Survey Review 23,
/// 1975), or [`haversine_m`] where that does not converge. Not a number in, not a number out.
#[must_use]
pub fn distance_m(from: Position, to: Position) -> f64 {
    Place::new(from).distance_m(&Place::new(to))
}

/// A position prepared for many distances: half the work of one is done once for each place.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    position: Position,
    /// Longitude, radians.
    lon: f64,
    /// Sine and cosine of the reduced latitude.
    sin_u: f64,
    cos_u: f64,
}

impl Place {
    /// Prepares a position.
    #[must_use]
    pub fn new(position: Position) -> Self {
        let (sin_u, cos_u) = reduced_latitude(position.0);
        Self { position, lon: radians(position.1), sin_u, cos_u }
    }

    /// The same as [`distance_m`] of the two positions.
    #[must_use]
    pub fn distance_m(&self, to: &Self) -> f64 {
        self.vincenty_m(to).unwrap_or_else(|| haversine_m(self.position, to.position))
    }

    fn vincenty_m(&self, to: &Self) -> Option<f64> {
        let (sin_u1, cos_u1) = (self.sin_u, self.cos_u);
        let (sin_u2, cos_u2) = (to.sin_u, to.cos_u);
        let lon_difference = to.lon - self.lon;
        let mut lambda = lon_difference;
        for _ in 0..MAX_ITERATIONS {
            let (sin_lambda, cos_lambda) = lambda.sin_cos();
            let sin_sigma = ((cos_u2 * sin_lambda).powi(2)
                + (cos_u1 * sin_u2 - sin_u1 * cos_u2 * cos_lambda).powi(2))
            .sqrt();
            if sin_sigma == 0.0 {
                return Some(0.0);
            }
            let cos_sigma = sin_u1 * sin_u2 + cos_u1 * cos_u2 * cos_lambda;
            let sigma = sin_sigma.atan2(cos_sigma);
            let sin_alpha = cos_u1 * cos_u2 * sin_lambda / sin_sigma;
            let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
            // On the equator there is no vertex to measure from.
            let cos_2sm = if cos2_alpha == 0.0 {
                0.0
            } else {
                cos_sigma - 2.0 * sin_u1 * sin_u2 / cos2_alpha
            };

            let arc = Arc { sigma, sin_sigma, cos_sigma, cos_2sm };
            let previous = lambda;
            lambda = lon_difference + arc.longitude_correction(sin_alpha, cos2_alpha);
            if (lambda - previous).abs() <= CONVERGED {
                let (a, b) = series(cos2_alpha);
                return Some(1000.0 * MINOR_KM * a * (sigma - arc.correction(b)));
            }
        }
        None
    }
}

/// The distance of two positions in metres on a sphere; never fails, up to 0.6 % off.
#[must_use]
pub fn haversine_m(from: Position, to: Position) -> f64 {
    let (lat1, lat2) = (radians(from.0), radians(to.0));
    let lat = (radians(to.0 - from.0) / 2.0).sin();
    let lon = (radians(to.1 - from.1) / 2.0).sin();
    let chord = (lat * lat + lat1.cos() * lat2.cos() * (lon * lon)).sqrt();
    // Rounding can take it past 1; what is not a number has to stay so, which `min` would not do.
    let chord = if chord > 1.0 { 1.0 } else { chord };
    2000.0 * MEAN_RADIUS_KM * chord.asin()
}

/// Where one arrives from a position after a distance (negative: backwards) in the direction of a
/// bearing, degrees clockwise from north: the direct formula of Vincenty. The longitude may leave
/// ±180. `None` when the iteration does not converge or a value is not finite.
#[must_use]
pub fn destination(from: Position, bearing: f64, distance_m: f64) -> Option<Position> {
    let (sin_u1, cos_u1) = reduced_latitude(from.0);
    let (sin_alpha1, cos_alpha1) = radians(bearing).sin_cos();
    let sigma1 = (sin_u1 / cos_u1).atan2(cos_alpha1);
    let sin_alpha = cos_u1 * sin_alpha1;
    let cos2_alpha = 1.0 - sin_alpha * sin_alpha;
    let (a, b) = series(cos2_alpha);
    let start = distance_m / 1000.0 / (MINOR_KM * a);

    let arc_of = |sigma: f64| {
        let (sin_sigma, cos_sigma) = sigma.sin_cos();
        Arc { sigma, sin_sigma, cos_sigma, cos_2sm: (2.0 * sigma1 + sigma).cos() }
    };
    let mut sigma = start;
    for _ in 0..MAX_ITERATIONS {
        let previous = sigma;
        sigma = start + arc_of(previous).correction(b);
        if (sigma - previous).abs() <= CONVERGED {
            let arc = arc_of(sigma);
            let Arc { sin_sigma, cos_sigma, .. } = arc;
            let across = sin_u1 * sin_sigma - cos_u1 * cos_sigma * cos_alpha1;
            let lat = (sin_u1 * cos_sigma + cos_u1 * sin_sigma * cos_alpha1)
                .atan2((1.0 - FLATTENING) * sin_alpha.hypot(across));
            let lambda = (sin_sigma * sin_alpha1)
                .atan2(cos_u1 * cos_sigma - sin_u1 * sin_sigma * cos_alpha1);
            let lon = lambda - arc.longitude_correction(sin_alpha, cos2_alpha);
            return Some((lat.to_degrees(), from.1 + lon.to_degrees()));
        }
    }
    None
}

/// Multiplies before it divides, unlike [`f64::to_radians`]: the last bit of it is a nanometre, and
/// the position solver takes differences that small.
fn radians(degrees: f64) -> f64 {
    degrees * PI / 180.0
}

/// Sine and cosine of the latitude on the auxiliary sphere.
fn reduced_latitude(lat: f64) -> (f64, f64) {
    ((1.0 - FLATTENING) * radians(lat).tan()).atan().sin_cos()
}

/// Vincenty's A and B, which stretch arc length on the sphere to the ellipsoid.
fn series(cos2_alpha: f64) -> (f64, f64) {
    let minor2 = MINOR_KM * MINOR_KM;
    let u2 = cos2_alpha * (MAJOR_KM * MAJOR_KM - minor2) / minor2;
    let a = 1.0 + u2 / 16_384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)));
    let b = u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)));
    (a, b)
}

/// An arc on the auxiliary sphere: its angle and the cosine of twice the angle from the equator
/// to its middle.
#[derive(Clone, Copy)]
struct Arc {
    sigma: f64,
    sin_sigma: f64,
    cos_sigma: f64,
    cos_2sm: f64,
}

impl Arc {
    /// Vincenty's Δσ.
    fn correction(self, b: f64) -> f64 {
        let Self { sin_sigma, cos_sigma, cos_2sm, .. } = self;
        let cos2_2sm = cos_2sm * cos_2sm;
        b * sin_sigma
            * (cos_2sm
                + b / 4.0
                    * (cos_sigma * (-1.0 + 2.0 * cos2_2sm)
                        - b / 6.0
                            * cos_2sm
                            * (-3.0 + 4.0 * sin_sigma * sin_sigma)
                            * (-3.0 + 4.0 * cos2_2sm)))
    }

    /// How much the longitude on the sphere differs from that on the ellipsoid.
    fn longitude_correction(self, sin_alpha: f64, cos2_alpha: f64) -> f64 {
        let Self { sigma, sin_sigma, cos_sigma, cos_2sm } = self;
        let c = FLATTENING / 16.0 * cos2_alpha * (4.0 + FLATTENING * (4.0 - 3.0 * cos2_alpha));
        (1.0 - c)
            * FLATTENING
            * sin_alpha
            * (sigma + c * sin_sigma * (cos_2sm + c * cos_sigma * (-1.0 + 2.0 * cos_2sm * cos_2sm)))
    }
}

/// The latitude so many metres north (negative: south) of a position, at most ±[`MAX_LAT`].
#[must_use]
pub fn latitude_add(from: Position, distance_m: f64) -> Option<f64> {
    destination(from, 0.0, distance_m).map(|(lat, _)| lat.clamp(-MAX_LAT, MAX_LAT))
}

/// The longitude so many metres east (negative: west) of a position, at most ±[`MAX_LON`].
#[must_use]
pub fn longitude_add(from: Position, distance_m: f64) -> Option<f64> {
    destination(from, 90.0, distance_m).map(|(_, lon)| lon.clamp(-MAX_LON, MAX_LON))
}

/// A box of latitudes and longitudes, degrees. It never crosses the antimeridian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// Northern edge.
    pub max_lat: f64,
    /// Southern edge.
    pub min_lat: f64,
    /// Eastern edge.
    pub max_lon: f64,
    /// Western edge.
    pub min_lon: f64,
}

impl BoundingBox {
    /// The four corners.
    #[must_use]
    pub const fn corners(&self) -> [Position; 4] {
        [
            (self.max_lat, self.max_lon),
            (self.max_lat, self.min_lon),
            (self.min_lat, self.max_lon),
            (self.min_lat, self.min_lon),
        ]
    }

    /// Is the position in the box or on its edge?
    #[must_use]
    pub fn contains(&self, (lat, lon): Position) -> bool {
        (self.min_lat..=self.max_lat).contains(&lat) && (self.min_lon..=self.max_lon).contains(&lon)
    }
}

/// The box whose edges are so many metres away from a position; `None` for a position or distance
/// that is not finite or too large to work with.
#[must_use]
pub fn bounding_box(center: Position, distance_m: f64) -> Option<BoundingBox> {
    Some(BoundingBox {
        max_lat: latitude_add(center, distance_m)?,
        min_lat: latitude_add(center, -distance_m)?,
        max_lon: longitude_add(center, distance_m)?,
        min_lon: longitude_add(center, -distance_m)?,
    })
}

/// The largest distance from a position to any of the others, metres; 0 without any.
#[must_use]
pub fn max_distance_m(from: Position, others: impl IntoIterator<Item = Position>) -> f64 {
    let from = Place::new(from);
    others.into_iter().map(|to| from.distance_m(&Place::new(to))).fold(0.0, f64::max)
}

/// A length that [`distance_m`] of no two of the positions is above, metres: far quicker than all distances, and not
/// much more than the largest when they are close together.
#[must_use]
pub fn extent_m(positions: &[Position]) -> f64 {
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    let [(south, north), (west, east)] =
        [|at: &Position| at.0, |at: &Position| at.1].map(|angle| {
            let angles = positions.iter().map(angle);
            angles.fold(none, |(low, high), angle| (low.min(angle), high.max(angle)))
        });
    // As long as the straight line on a chart would be if the earth were curved everywhere as at the poles, where
    // it is flattest; the shortest way is no longer.
    let polar_radius_m = 1000.0 * MAJOR_KM * MAJOR_KM / MINOR_KM;
    let widest = if south <= 0.0 && north >= 0.0 { 0.0 } else { south.abs().min(north.abs()) };
    let (up, across) = (radians(north - south), radians(east - west) * radians(widest).cos());
    polar_radius_m * up.hypot(across) + VINCENTY_ERROR_M
}

/// The radius of the circle around a position that holds a whole box: whole metres, half to even.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a distance is not negative and at most half the equator"
)]
pub fn circle_radius_m(center: Position, bounds: &BoundingBox) -> u32 {
    max_distance_m(center, bounds.corners()).round_ties_even() as u32
}

/// Rounds to seven decimals, the precision of answers: a centimetre in degrees. The exact value of
/// the double is rounded, half to even, which multiplying and dividing would not give.
#[must_use]
pub fn round7(value: f64) -> f64 {
    /// Beyond this doubles are not dense enough for seven decimals after all whole numbers to be exact.
    const LARGE: f64 = 1e8;
    if value.is_nan() || value.abs() >= LARGE {
        return format!("{value:.7}").parse().unwrap_or(value);
    }
    let scaled = value * 1e7;
    let whole = scaled.round_ties_even();
    // What is above `whole`, with what the multiplication has lost.
    let rest = (scaled - whole) + value.mul_add(1e7, -scaled);
    let whole = if rest.abs() > 0.5 { whole + rest.signum() } else { whole };
    whole / 1e7
}

#[cfg(test)]
mod tests;
