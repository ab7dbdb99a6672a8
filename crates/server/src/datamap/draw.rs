//! From the grid to a folder of tiles.

use std::time::Instant;

use anyhow::Context as _;
use chrono::NaiveDate;
use ichnaea_domain::datamap::{Grid, Quadrant, age_months, scatter};
use ichnaea_store::Page;
use ichnaea_tiles::Key;

use super::points::{PART, Points};
use super::progress::{Progress, Step};
use super::render::render;
use super::work::WorkFolder;
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
    /// Always 0: sorted parts are merged while tiles are drawn.
    pub merge_duration_s: f64,
    /// Drawing and writing.
    pub render_duration_s: f64,
}

/// Draws all tiles into the folder for tiles, which is there, empty and of nothing else. Where
/// `row_count` is 0, nothing was drawn.
///
/// [`Progress::stop`] ends it early, with [`Stopped`](super::progress::Stopped) as the error; it is
/// to be awaited after that, too, so that nothing is written afterwards. What has been drawn until
/// then or until any other failure stays in the folder, and the file that was being written may be
/// there in part.
pub async fn draw(
    ctx: &Context,
    work: &WorkFolder,
    concurrency: usize,
    progress: &Progress,
) -> anyhow::Result<Drawn> {
    let mut drawn = Drawn::default();
    let started = Instant::now();
    let exported = tokio::select! {
        biased;
        stopped = progress.stopped() => return Err(stopped.into()),
        exported = export(ctx, work, progress) => exported?,
    };
    drawn.export_duration_s = started.elapsed().as_secs_f64();
    drawn.row_count = exported.tables.iter().sum();
    drawn.csv_count = exported.tables.iter().filter(|points| **points > 0).count() as u64;
    drawn.csv_converted_count = drawn.csv_count;
    drawn.quadtree_count = drawn.csv_count;
    if drawn.row_count == 0 {
        return Ok(drawn);
    }
    let (tiles, progress) = (work.tiles().to_owned(), progress.clone());
    on_thread(move || {
        let started = Instant::now();
        let points = exported.points.sorted().context("the points cannot be sorted")?;
        drawn.quadtree_duration_s = started.elapsed().as_secs_f64();
        let started = Instant::now();
        progress.begin(Step::Draw, Some(drawn.row_count));
        drawn.tile_count = render(points, &tiles, concurrency, &progress)?;
        drawn.render_duration_s = started.elapsed().as_secs_f64();
        Ok(drawn)
    })
    .await
}

struct Exported {
    points: Points,
    /// How many points each table has.
    tables: [u64; Quadrant::ALL.len()],
}

/// Makes points of the whole grid, as one moment had it.
async fn export(ctx: &Context, work: &WorkFolder, progress: &Progress) -> anyhow::Result<Exported> {
    let today = ctx.clock.now().date();
    let points = Points::new(work.path(), PART);
    let mut exported = Exported { points, tables: [0; Quadrant::ALL.len()] };
    let mut grid = ctx.reader.whole_datamap().await?;
    progress.begin(Step::Export, None);
    while let Some(page) = grid.next().await {
        let Page { table, rows } = page?;
        let read = rows.len() as u64;
        let made;
        (exported.points, made) = on_thread(move || {
            let mut points = exported.points;
            let made = add(&mut points, &rows, today).context("the points cannot be sorted")?;
            Ok((points, made))
        })
        .await?;
        if let Some(sum) = exported.tables.get_mut(table) {
            *sum += made;
        }
        progress.add(read, made);
    }
    Ok(exported)
}

/// Adds the points of these cells; how many there are. Those off the map count as well: they would
/// be lines of the original's files, too.
fn add(points: &mut Points, rows: &[(Grid, NaiveDate)], today: NaiveDate) -> std::io::Result<u64> {
    let mut made = 0;
    for &(grid, modified) in rows {
        for (lat, lon) in scatter(grid, age_months(modified, today)) {
            made += 1;
            if let Some(key) = Key::at(lat, lon) {
                points.push(key)?;
            }
        }
    }
    Ok(made)
}

/// Does something that takes long where nobody else waits for it.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("the work of a thread was given up")?
}
