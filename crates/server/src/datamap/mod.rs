//! The data map: drawn from the grid cells, and brought to where browsers find its tiles.
//!
//! [`run`] is the whole of it. Tiles are drawn into a folder of their own ([`work`]), compared with
//! what is in the bucket or folder they are for ([`target`]) and put there one by one ([`sync`]), so
//! that a reader never sees a half tile and a run that was killed is made good by the next.

pub mod check;
pub mod date;
pub mod draw;
pub mod folder;
pub mod points;
pub mod progress;
pub mod render;
pub mod results;
pub mod run;
pub mod sync;
pub mod target;
pub mod work;

/// Where the web role has the tiles of a folder.
pub const PATH: &str = "/static/datamap/";
/// What all keys of tiles begin with, and the folder they are in.
pub const TILES: &str = "tiles";
/// Beside the tiles: when they were brought there.
pub const STATUS: &str = "data.json";
