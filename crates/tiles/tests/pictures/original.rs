//! What the original's tools make of the same points, pixel by pixel.

use std::collections::BTreeMap;

use ichnaea_tiles::{Key, Level, Picture};

use crate::{draw, draw_keys};

const POINTS: [(f64, f64); 3] = [(51.5008, -0.0995), (51.500, -0.100), (-33.868, 151.209)];

type Pixels = BTreeMap<(u32, u32), [u8; 4]>;

/// The pixels of a tile that can be seen.
fn pixels(pictures: &[Picture], tile: &str) -> Pixels {
    let picture = pictures.iter().find(|picture| picture.tile.to_string() == tile).unwrap();
    let side = picture.tile.side();
    let pixel = |number: u32| (number % side, number / side);
    let dots = picture.dots.iter().map(|dot| (pixel(dot.pixel), Level::of(dot.light).rgba()));
    dots.filter(|(_, [.., opacity])| *opacity > 0).collect()
}

/// The original rounds twice in some places, so each channel may be off by one.
fn assert_alike(found: &Pixels, expected: &[(u32, u32, [u8; 4])]) {
    for &(x, y, rgba) in expected {
        let found = found.get(&(x, y)).unwrap_or_else(|| panic!("nothing at {x}, {y}"));
        let is_alike = found.iter().zip(rgba).all(|(a, b)| a.abs_diff(b) <= 1);
        assert!(is_alike, "{x}, {y}: {found:?} instead of {rgba:?}");
    }
}

const fn blue(x: u32, y: u32, opacity: u8) -> (u32, u32, [u8; 4]) {
    (x, y, [0, 136, 255, opacity])
}

#[test]
fn every_tile_with_a_point_is_there_once() {
    let pictures = draw(&POINTS);
    let names: Vec<String> = pictures.iter().map(|picture| picture.tile.to_string()).collect();
    let mut shallow: Vec<&str> = names.iter().map(String::as_str).collect();
    shallow.retain(|name| ["0/", "1/", "2/", "3/"].iter().any(|zoom| name.starts_with(zoom)));
    shallow.sort_unstable();
    let expected = ["0/0/0", "0/0/0@2x", "1/0/0", "1/1/1", "2/1/1", "2/3/2", "3/3/2", "3/7/4"];
    assert_eq!(shallow, expected);
    // Two of each zoom below the first, and the two of zoom 0.
    assert_eq!(names.len(), 2 * 11 + 2);
    assert_eq!(names.last().map(String::as_str), Some("0/0/0@2x"));
    assert_eq!(draw(&[]), []);
    assert_eq!(draw(&[(86.0, 0.0)]), []);
}

#[test]
fn a_few_points_have_the_pixels_of_the_original() {
    let pictures = draw(&POINTS);
    let expected = [blue(127, 84, 101), blue(128, 84, 88), blue(127, 85, 134), blue(128, 85, 116)];
    let found = pixels(&pictures, "0/0/0");
    assert_alike(&found, &expected);
    assert_eq!(found.len(), expected.len());

    let expected = [blue(110, 18, 75), blue(111, 18, 75)];
    let found = pixels(&pictures, "11/1023/681");
    assert_alike(&found, &expected);
    assert_eq!(found.len(), expected.len());

    let mut expected = Vec::new();
    for (y, row) in
        (168..).zip([[34, 70, 60, 25], [90, 162, 143, 67], [125, 193, 177, 93], [62, 128, 109, 46]])
    {
        expected.extend((254..).zip(row).map(|(x, opacity)| blue(x, y, opacity)));
    }
    let found = pixels(&pictures, "0/0/0@2x");
    assert_alike(&found, &expected);
    assert_eq!(found.len(), expected.len());

    // Only the first and the last of the three are drawn at zoom 11, and none but the first below.
    assert_eq!(pixels(&pictures, "11/1884/1228").len(), 4);
    assert_eq!(pixels(&pictures, "1/1/1").len(), 0);
}

/// A short way to the north-east.
fn line() -> Vec<Key> {
    let points = (0..60).map(|number| f64::from(number) * 1e-5);
    let mut keys: Vec<Key> = points.filter_map(|way| Key::at(51.5 + way, -0.1 + way)).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn many_points_in_one_place_become_white() {
    let found = pixels(&draw_keys(&line()), "11/1023/681");
    let expected = [
        blue(110, 18, 145),
        blue(111, 18, 135),
        blue(109, 19, 65),
        (110, 19, [147, 204, 255, 255]),
        blue(111, 19, 225),
        blue(109, 20, 99),
        (110, 20, [10, 140, 255, 255]),
        blue(111, 20, 37),
    ];
    assert_alike(&found, &expected);
    assert_eq!(found.len(), expected.len());

    let mut distinct = line();
    distinct.dedup();
    assert_eq!(distinct.len(), 9);
    let found = pixels(&draw_keys(&distinct), "11/1023/681");
    let expected = [
        blue(110, 18, 70),
        blue(111, 18, 59),
        blue(109, 19, 37),
        blue(110, 19, 165),
        blue(111, 19, 70),
        blue(109, 20, 37),
        blue(110, 20, 112),
    ];
    assert_alike(&found, &expected);
    assert_eq!(found.len(), expected.len());

    let found = pixels(&draw(&[(51.5, -0.1); 600]), "11/1023/681");
    let white = [255; 4];
    let expected =
        [(109, 19, [204, 231, 255, 255]), (110, 19, white), (109, 20, white), (110, 20, white)];
    assert_alike(&found, &expected);
    assert_eq!(found.len(), expected.len());
}
