//! One run: drawn, and brought to where it belongs.

use std::path::PathBuf;

use anyhow::Context as _;

use super::TILES;
use super::draw::draw;
use super::progress::Progress;
use super::results::Results;
use super::sync::{Synced, sync};
use super::target::{Source, Target};
use super::work::WorkFolder;
use crate::clock::Clock;
use crate::context::Context;
use crate::fault;
use crate::objects::{ObjectSettings, Place};

/// What a run is to do.
pub struct Plan<'a> {
    /// Draw, from this database.
    pub create: Option<&'a Context>,
    /// The folder whose `tiles` is brought up to date, or uploaded when nothing is drawn.
    pub output: Option<PathBuf>,
    /// Address of the bucket or folder to upload to.
    pub upload: Option<String>,
    /// How that is reached.
    pub objects: ObjectSettings,
    /// Processors to use.
    pub concurrency: usize,
    /// Time.
    pub clock: &'a Clock,
}

/// Does it. `results` holds what was done, also when this fails or [`Progress::stop`] ends it.
///
/// Without any point to draw, or any tile to upload, nothing is put anywhere and nothing removed.
pub async fn run(
    plan: &Plan<'_>,
    progress: &Progress,
    results: &mut Results,
) -> anyhow::Result<()> {
    let Some(ctx) = plan.create else {
        let folder = plan.output.as_ref().context("no folder with tiles was given")?;
        return upload(
            plan,
            &Source { tiles: folder.join(TILES), is_ours: false },
            progress,
            results,
        )
        .await;
    };
    // Made where the tiles go to, so that they are moved there and not copied.
    let near = plan.output.clone().or_else(|| match Place::parse(plan.upload.as_deref()?) {
        Ok(Place::Folder(folder)) => Some(folder),
        _ => None,
    });
    let work = tokio::task::spawn_blocking(move || WorkFolder::make(near.as_deref())).await??;
    let done = draw_and_bring(plan, ctx, &work, progress, results).await;
    work.remove().await;
    done
}

async fn draw_and_bring(
    plan: &Plan<'_>,
    ctx: &Context,
    work: &WorkFolder,
    progress: &Progress,
    results: &mut Results,
) -> anyhow::Result<()> {
    let drawn = draw(ctx, work, plan.concurrency, progress).await?;
    results.drawn = Some(drawn);
    fault::point("map_drawn");
    if drawn.row_count == 0 {
        return Ok(());
    }
    let mut source = Source { tiles: work.tiles().to_owned(), is_ours: true };
    if let Some(folder) = &plan.output {
        let target = Target::folder(folder)?;
        bring(plan, &source, &target, progress, results).await?;
        source = Source { tiles: folder.join(TILES), is_ours: false };
    }
    upload(plan, &source, progress, results).await
}

/// The upload, when one was asked for.
async fn upload(
    plan: &Plan<'_>,
    source: &Source,
    progress: &Progress,
    results: &mut Results,
) -> anyhow::Result<()> {
    let Some(uri) = &plan.upload else { return Ok(()) };
    let target = Target::open(uri, &plan.objects)?;
    bring(plan, source, &target, progress, results).await
}

/// Brings tiles to a place and says there how old they are.
async fn bring(
    plan: &Plan<'_>,
    source: &Source,
    target: &Target,
    progress: &Progress,
    results: &mut Results,
) -> anyhow::Result<()> {
    let failed_before = results.failed();
    let mut synced = Synced::default();
    let done = sync(source, target, plan.concurrency, progress, &mut synced).await;
    synced.tile_failed += failed_before;
    results.synced = Some(synced);
    if !done? {
        tracing::warn!("there is no tile, so none is put anywhere and none removed");
        return Ok(());
    }
    fault::point("map_synced");
    target.put_status(results.status(plan.clock.now())).await?;
    fault::point("map_dated");
    Ok(())
}
