//! The same pictures, made the plain way: all points in memory, every tile by itself.

use std::collections::{BTreeMap, BTreeSet};

use ichnaea_tiles::{Key, OVERVIEW, Picture, Tile, ZOOMS};
use proptest::prelude::*;

use crate::draw_keys;

/// Pixels and the bits of their light.
type Light = BTreeMap<u32, u64>;

fn plain(keys: &[Key]) -> BTreeMap<Tile, Light> {
    let mut tiles = BTreeMap::new();
    for zoom in 0..ZOOMS {
        let tile_of = |key: &Key| {
            let number = |coordinate: u32| (u64::from(coordinate) >> (32 - u32::from(zoom))) as u32;
            Tile { zoom, x: number(key.x()), y: number(key.y()), is_double: false }
        };
        let names: BTreeSet<Tile> = keys.iter().map(tile_of).collect();
        for tile in names {
            let first = keys.iter().position(|key| tile_of(key) == tile).unwrap();
            let end = keys.iter().rposition(|key| tile_of(key) == tile).unwrap() + 1;
            tiles.insert(tile, tile_light(keys, first, end, tile));
        }
    }
    if !keys.is_empty() {
        tiles.insert(OVERVIEW, tile_light(keys, 0, keys.len(), OVERVIEW));
    }
    tiles
}

fn tile_light(keys: &[Key], first: usize, end: usize, tile: Tile) -> Light {
    let side = f64::from(tile.side());
    let zoom = i32::from(tile.zoom);
    let step = 1 << (12 - zoom);
    let mut brightness = 0.0379;
    for _ in zoom..12 {
        brightness /= 0.874;
    }
    let width = 2_f64.powi(32 - zoom);
    let mut image = BTreeMap::new();
    let mut splat = |x: f64, y: f64, brightness: f64| {
        let (u, v) = (x - x.floor(), y - y.floor());
        for (column, row, share) in [
            (x.floor(), y.floor(), (1.0 - u, 1.0 - v)),
            (x.floor() + 1.0, y.floor(), (u, 1.0 - v)),
            (x.floor(), y.floor() + 1.0, (1.0 - u, v)),
            (x.floor() + 1.0, y.floor() + 1.0, (u, v)),
        ] {
            let inside = 0.0..side;
            if inside.contains(&column) && inside.contains(&row) {
                let pixel = row as u32 * tile.side() + column as u32;
                *image.entry(pixel).or_insert(0.0) += brightness * share.0 * share.1;
            }
        }
    };
    let mut record = first.div_ceil(step) * step;
    while record < end {
        let x = (f64::from(keys[record].x()) - f64::from(tile.x) * width) / width * side;
        let y = (f64::from(keys[record].y()) - f64::from(tile.y) * width) / width * side;
        if tile.is_double {
            let kernel = [
                [0.0; 5],
                [0.0, 52.0 / 325.0, 192.0 / 325.0, 52.0 / 325.0, 0.0],
                [0.0, 192.0 / 325.0, 324.0 / 325.0, 192.0 / 325.0, 0.0],
                [0.0, 52.0 / 325.0, 192.0 / 325.0, 52.0 / 325.0, 0.0],
                [0.0; 5],
            ];
            for (j, row) in kernel.iter().enumerate() {
                for (i, share) in row.iter().enumerate() {
                    splat(x - 2.5 + i as f64, y - 2.5 + j as f64, brightness * share);
                }
            }
        } else {
            splat(x - 0.5, y - 0.5, brightness);
        }
        record += step;
    }
    let lit = image.into_iter().filter(|(_, light)| *light > 0.0);
    lit.map(|(pixel, light): (u32, f64)| (pixel, light.to_bits())).collect()
}

fn assert_same(keys: &[Key]) {
    let mut pictures = BTreeMap::new();
    for Picture { tile, dots } in draw_keys(keys) {
        let count = dots.len();
        let light: Light = dots.iter().map(|dot| (dot.pixel, dot.light.to_bits())).collect();
        assert_eq!(light.len(), count, "{tile}: each pixel once");
        assert_eq!(pictures.insert(tile, light), None, "{tile}: each tile once");
    }
    assert_eq!(pictures, plain(keys));
}

/// Points in towns of different sizes, and some in the countryside.
fn points(most: usize) -> impl Strategy<Value = Vec<(f64, f64)>> {
    let town = (-80.0..80.0_f64, -179.0..179.0_f64, 0.0001..0.5_f64);
    let places = proptest::collection::vec((-1.0..1.0_f64, -1.0..1.0_f64), 1..most);
    let towns = proptest::collection::vec((town, places), 0..4);
    let lonely = proptest::collection::vec((-86.0..86.0_f64, -181.0..181.0_f64), 0..20);
    (towns, lonely).prop_map(|(towns, lonely)| {
        let houses = towns.into_iter().flat_map(|((lat, lon, size), places)| {
            places.into_iter().map(move |(y, x)| (lat + y * size, lon + x * size))
        });
        houses.chain(lonely).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn one_pass_draws_the_same_to_the_last_bit(points in points(300)) {
        let mut keys: Vec<Key> =
            points.iter().filter_map(|&(lat, lon)| Key::at(lat, lon)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_same(&keys);
    }
}

#[test]
fn enough_points_for_the_lowest_zooms_are_drawn_the_same_to_the_last_bit() {
    // A grid over most of the world: four points are drawn at zoom 0.
    let grid = (0..130).flat_map(|row| (0..130).map(move |column| (row, column)));
    let points = grid.map(|(row, column)| {
        (f64::from(row) * 1.3 - 84.0, f64::from(column) * 2.7 - 175.0 + f64::from(row) / 100.0)
    });
    let mut keys: Vec<Key> = points.filter_map(|(lat, lon)| Key::at(lat, lon)).collect();
    keys.sort_unstable();
    keys.dedup();
    assert!(keys.len() > 4 * 4096);
    let world = draw_keys(&keys);
    let drawn = world.iter().find(|picture| picture.tile == OVERVIEW).unwrap().dots.len();
    assert!(drawn > 4 * 9, "{drawn}");
    let few: Vec<Key> = keys.iter().copied().step_by(40).collect();
    assert_same(&few);
}
