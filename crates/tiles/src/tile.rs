//! Names of tiles.

use std::fmt;

/// How many zooms are drawn, from 0 on.
pub const ZOOMS: u8 = 12;

/// The whole world in double size.
pub const OVERVIEW: Tile = Tile { zoom: 0, x: 0, y: 0, is_double: true };

/// One tile; as text the name of its file without the ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// The world is 2^zoom tiles wide and high; below [`ZOOMS`].
    pub zoom: u8,
    /// Tiles to the west of it.
    pub x: u32,
    /// Tiles to the north of it.
    pub y: u32,
    /// Drawn with 512 pixels instead of 256.
    pub is_double: bool,
}

impl Tile {
    /// Pixels in a row or column.
    #[must_use]
    pub const fn side(self) -> u32 {
        if self.is_double { 512 } else { 256 }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zoom, x, y, is_double } = self;
        write!(f, "{zoom}/{x}/{y}{}", if *is_double { "@2x" } else { "" })
    }
}
