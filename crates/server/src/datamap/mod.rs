//! The data map: drawn from the grid cells, and brought to where browsers find its tiles.

pub mod draw;
pub mod progress;

/// Where the web role has the tiles of a folder.
pub const PATH: &str = "/static/datamap/";
