//! Pictures as files: what comes out when they are read again.

use ichnaea_tiles::{Dot, Level, OVERVIEW, Picture, Tile, png};
use png_reader::Read;
use proptest::prelude::*;

use crate::draw;

mod png_reader {
    use png::{ColorType, Decoder, Transformations};

    /// A file that was read.
    pub struct Read {
        pub side: u32,
        pub bits: u8,
        pub colours: usize,
        /// Red, green, blue, opacity, row by row.
        pub rgba: Vec<[u8; 4]>,
    }

    pub fn read(file: &[u8]) -> Read {
        let mut decoder = Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(Transformations::EXPAND | Transformations::ALPHA);
        let mut reader = decoder.read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.color_type, info.width), (ColorType::Indexed, info.height));
        let (side, bits) = (info.width, info.bit_depth as u8);
        let colours = info.palette.as_ref().map_or(0, |palette| palette.len() / 3);
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        let rgba = bytes.chunks_exact(4).map(|pixel| pixel.try_into().unwrap()).collect();
        Read { side, bits, colours, rgba }
    }
}

const TILE: Tile = Tile { zoom: 5, x: 3, y: 4, is_double: false };

/// The colours of a picture before they become few.
fn raw(picture: &Picture) -> Vec<[u8; 4]> {
    let side = picture.tile.side() as usize;
    let mut raw = vec![[0; 4]; side * side];
    for dot in &picture.dots {
        raw[dot.pixel as usize] = Level::of(dot.light).rgba();
    }
    raw
}

/// The mean difference of a channel.
fn difference(read: &Read, raw: &[[u8; 4]]) -> f64 {
    assert_eq!(read.rgba.len(), raw.len());
    let channels = read.rgba.iter().flatten().zip(raw.iter().flatten());
    let sum: u64 = channels.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / (raw.len() * 4) as f64
}

/// A picture whose pixels have these numbers of levels, one after the other from the first pixel.
fn striped(tile: Tile, levels: u32) -> Picture {
    let dot = |pixel| {
        let place = f64::from(pixel % levels + 1) / f64::from(levels);
        Dot { pixel, light: place * place }
    };
    Picture { tile, dots: (0..tile.side() * tile.side() / 2).map(dot).collect() }
}

#[test]
fn few_colours_come_back_as_they_were_in_as_few_bits_as_they_need() {
    for tile in [TILE, OVERVIEW] {
        for (levels, bits) in [(1, 1), (2, 2), (3, 2), (4, 4), (15, 4)] {
            let picture = striped(tile, levels);
            let read = png_reader::read(&png(&picture).unwrap());
            assert_eq!((read.side, read.bits), (tile.side(), bits), "{levels}");
            assert_eq!(read.colours, levels as usize + 1);
            assert!(read.rgba == raw(&picture), "{levels}");
        }
    }
}

#[test]
fn a_tile_without_dots_is_a_small_transparent_file() {
    let file = png(&Picture { tile: TILE, dots: Vec::new() }).unwrap();
    let read = png_reader::read(&file);
    assert_eq!((read.side, read.bits, read.colours), (256, 1, 1));
    assert!(read.rgba.iter().all(|pixel| *pixel == [0; 4]));
    assert!(file.len() < 1000, "{}", file.len());
}

#[test]
fn a_tile_full_of_light_has_no_transparent_colour() {
    let dots = (0..65_536).map(|pixel| Dot { pixel, light: 4.0 }).collect();
    let read = png_reader::read(&png(&Picture { tile: TILE, dots }).unwrap());
    assert_eq!(read.colours, 1);
    assert!(read.rgba.iter().all(|pixel| *pixel == [255; 4]));
}

#[test]
fn many_colours_become_sixteen_that_look_alike() {
    let picture = striped(TILE, 510);
    let read = png_reader::read(&png(&picture).unwrap());
    assert_eq!((read.bits, read.colours), (4, 16));
    let raw = raw(&picture);
    // Parts of 34 levels: 8.5 on average, in one channel of the four or in up to two.
    let difference = difference(&read, &raw);
    assert!(difference < 2.0, "{difference}");
    let clear =
        |pixels: &[[u8; 4]]| -> Vec<bool> { pixels.iter().map(|pixel| pixel[3] == 0).collect() };
    assert!(clear(&read.rgba) == clear(&raw), "what is transparent stays so, and nothing else is");
}

/// A town as it is on the map: dense in its middle.
fn town() -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24) - 0.5
    };
    for _ in 0..60_000 {
        let spread = draw() * draw() * 0.5;
        points.push((48.2 + draw() * spread, 16.37 + draw() * spread * 1.5));
    }
    points
}

#[test]
fn tiles_of_a_town_are_hard_to_tell_from_the_raw_ones() {
    for picture in draw(&town()) {
        let file = png(&picture).unwrap();
        assert_eq!(file, png(&picture).unwrap(), "the same picture, the same bytes");
        let read = png_reader::read(&file);
        assert!(read.colours <= 16);
        let difference = difference(&read, &raw(&picture));
        assert!(difference < 0.5, "{}: {difference}", picture.tile);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_picture_is_a_file_in_which_each_pixel_is_near_what_it_was(
        dots in proptest::collection::btree_map(0..65_536_u32, 0.0001..2.0_f64, 0..2000),
    ) {
        let dots = dots.into_iter().map(|(pixel, light)| Dot { pixel, light }).collect();
        let picture = Picture { tile: TILE, dots };
        let read = png_reader::read(&png(&picture).unwrap());
        for (read, raw) in read.rgba.iter().zip(raw(&picture)) {
            prop_assert_eq!(read[3] == 0, raw[3] == 0);
            for (a, b) in read.iter().zip(raw).take(if raw[3] == 0 { 0 } else { 4 }) {
                prop_assert!(a.abs_diff(b) <= 60, "{:?} {:?}", read, raw);
            }
        }
    }
}
