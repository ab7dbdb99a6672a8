//! The pictures of the data map: points in, tiles of zoom 0 to 11 out.
//!
//! A point becomes a [`Key`] that orders points so that every tile of every zoom is one run of them.
//! A [`Painter`] is given all keys in that order, once, and hands out a [`Picture`] whenever a tile
//! is complete, so that it never holds more than one tile of each zoom. [`png()`] makes a file of it, and
//! [`sync`] tells which files have to go where others are already.
//!
//! Floor 0: no input or output, no clock, no threads.

mod canvas;
mod file;
mod key;
mod paint;
mod palette;
mod ramp;
pub mod sync;
mod tile;

pub use canvas::Dot;
pub use file::{Error, png};
pub use key::Key;
pub use paint::{Painter, Picture};
pub use ramp::{LEVELS, Level};
pub use tile::{OVERVIEW, Tile, ZOOMS};
