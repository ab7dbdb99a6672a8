//! The outline of a hexagon as `GeoJSON` has it.

use h3o::{CellIndex, LatLng};

/// Longitudes and latitudes in degrees, counterclockwise; the last is the first again.
pub type Ring = Vec<[f64; 2]>;

/// The antimeridian.
const EDGE: f64 = 180.0;

/// The outline of a hexagon: one ring, or two when it lies on the antimeridian, where `GeoJSON` wants it
/// cut (RFC 7946, 3.1.9).
#[must_use]
pub fn outline(cell: CellIndex) -> Vec<Ring> {
    let center = LatLng::from(cell).lng();
    // As one piece, perhaps reaching beyond the antimeridian.
    let corners: Vec<[f64; 2]> = cell
        .boundary()
        .iter()
        .map(|corner| {
            let offset = (corner.lng() - center + 540.0).rem_euclid(360.0) - 180.0;
            [center + offset, corner.lat()]
        })
        .collect();
    for (edge, shift) in [(EDGE, -2.0 * EDGE), (-EDGE, 2.0 * EDGE)] {
        let is_beyond = |lon: f64| lon.abs() > EDGE && (lon > 0.0) == (edge > 0.0);
        if corners.iter().any(|corner| is_beyond(corner[0])) {
            let here = clipped(&corners, edge, |lon| !is_beyond(lon));
            let mut beyond = clipped(&corners, edge, is_beyond);
            for corner in &mut beyond {
                corner[0] += shift;
            }
            return [here, beyond].into_iter().filter(|part| part.len() > 2).map(ring).collect();
        }
    }
    vec![ring(corners)]
}

/// The part of a convex outline on one side of a meridian.
fn clipped(corners: &[[f64; 2]], edge: f64, is_in: impl Fn(f64) -> bool) -> Vec<[f64; 2]> {
    let mut part = Vec::with_capacity(corners.len() + 2);
    for (index, &[lon, lat]) in corners.iter().enumerate() {
        let [next_lon, next_lat] = corners[(index + 1) % corners.len()];
        if is_in(lon) {
            part.push([lon, lat]);
        }
        if is_in(lon) != is_in(next_lon) {
            let share = (edge - lon) / (next_lon - lon);
            part.push([edge, lat + share * (next_lat - lat)]);
        }
    }
    part
}

/// Closes an outline, with a metre as the finest that is told.
fn ring(corners: Vec<[f64; 2]>) -> Ring {
    let rounded = |angle: f64| (angle * 1e5).round() / 1e5;
    let mut ring: Ring = corners.into_iter().map(|corner| corner.map(rounded)).collect();
    ring.extend(ring.first().copied());
    ring
}
