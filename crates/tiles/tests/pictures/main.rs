//! Pictures as a whole: those the original makes, and those of a second, plain implementation.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the plain way to draw is to be easy to read"
)]

mod files;
mod original;
mod plain;

use std::convert::Infallible;

use ichnaea_tiles::{Key, Painter, Picture};

/// Everything that is drawn of these points, which may be in any order.
fn draw(points: &[(f64, f64)]) -> Vec<Picture> {
    let mut keys: Vec<Key> = points.iter().filter_map(|&(lat, lon)| Key::at(lat, lon)).collect();
    keys.sort_unstable();
    draw_keys(&keys)
}

fn draw_keys(keys: &[Key]) -> Vec<Picture> {
    let mut pictures = Vec::new();
    let mut keep = |picture| {
        pictures.push(picture);
        Ok::<(), Infallible>(())
    };
    let mut painter = Painter::new();
    for &key in keys {
        painter.paint(key, &mut keep).unwrap();
    }
    painter.finish(&mut keep).unwrap();
    pictures
}
