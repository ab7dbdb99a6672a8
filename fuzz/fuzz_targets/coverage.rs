//! Any box that is asked for touches few blocks and gets hexagons of a fineness that there is, or says
//! why not; its own middle is inside. Hexagons that are kept are read back as the same bytes.
#![no_main]

use h3o::LatLng;
use ichnaea_domain::datamap::coverage::{
    Area, Block, COARSEST, FINEST, decode, encode, merged, outline,
};
use libfuzzer_sys::fuzz_target;

/// Two rows of blocks more than the box has room for would be a mistake.
const MAX_BLOCKS: usize = 64;
/// Grid cells of a block from south to north.
const ROWS: usize = 250;

fn asked(text: &str) {
    let (text, wanted) = text.split_once(';').unwrap_or((text, ""));
    let area: Area = match text.parse() {
        Ok(area) => area,
        Err(unfit) => return assert!(!unfit_text(unfit).is_empty()),
    };
    assert!(area.west.abs() <= 180.0 && area.east.abs() <= 180.0);
    assert!(-90.0 <= area.south && area.south <= area.north && area.north <= 90.0);
    let resolution = area.resolution(wanted.parse().ok());
    if let Ok(resolution) = resolution {
        assert!((COARSEST..=FINEST).contains(&resolution));
    }
    let Ok(blocks) = area.blocks() else { return };
    assert!((1..=MAX_BLOCKS).contains(&blocks.len()), "{} blocks", blocks.len());
    for block in &blocks {
        assert_eq!(block.rows().count(), ROWS);
        for (first, last) in block.rows() {
            assert_eq!((Block::of(first), Block::of(last)), (*block, *block));
            assert_eq!(first.quadrant(), block.quadrant());
        }
    }
    // Across the antimeridian the middle is on the other side of the globe.
    let (lat, lon) = (f64::midpoint(area.south, area.north), f64::midpoint(area.west, area.east));
    if let (true, Ok(resolution), Ok(middle)) =
        (area.west <= area.east, resolution, LatLng::new(lat, lon))
    {
        assert!(area.touches(middle.to_cell(resolution)), "{area:?} {lat} {lon}");
    }
}

fn unfit_text(unfit: impl std::fmt::Display) -> String {
    unfit.to_string()
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        asked(text);
    }
    for resolution in h3o::Resolution::range(COARSEST, FINEST) {
        let Some(cells) = decode(bytes, resolution) else { continue };
        assert_eq!(encode(&cells), bytes);
        let once = merged(cells.iter().copied());
        assert!(once.windows(2).all(|pair| pair[0].cell < pair[1].cell));
        for covered in once {
            assert_eq!(covered.cell.resolution(), resolution);
            for ring in outline(covered.cell) {
                assert_eq!(ring.first(), ring.last(), "a ring that is open");
            }
        }
    }
});
