//! Brings tiles to a bucket or folder: what is new or changed is put there, what has no tile any more
//! is removed, the rest is left alone.

use std::time::Instant;

use anyhow::Context as _;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use ichnaea_tiles::sync::{Comparison, Plan, Step};
use tracing::error;

use super::folder::tiles_in;
use super::progress::{self, Progress};
use super::target::{Source, Target};
use crate::fault;

/// What became of tiles.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Synced {
    /// How long it took, seconds.
    pub sync_duration_s: f64,
    /// Tiles that were there already.
    pub tiles_unchanged: u64,
    /// Tiles put where there was none.
    pub tile_new: u64,
    /// Tiles put in the place of others.
    pub tile_changed: u64,
    /// Tiles removed.
    pub tile_deleted: u64,
    /// Steps that failed: a tile each, or up to a hundred that were to be removed.
    pub tile_failed: u64,
}

/// Brings the tiles of a folder to a target. `synced` holds what was done also when this fails: the
/// target could not be listed, then nothing was done at all, or the run was stopped. False when
/// there is no tile: then nothing is removed either.
pub async fn sync(
    source: &Source,
    target: &Target,
    concurrency: usize,
    progress: &Progress,
    synced: &mut Synced,
) -> anyhow::Result<bool> {
    let started = Instant::now();
    // Twice as many at a time as processors, since most of it is waiting.
    let at_once = concurrency.saturating_mul(2).max(1);
    // In a box, which settles that it may go from thread to thread.
    let work = work(source, target, at_once, progress, &mut *synced).boxed();
    let done = tokio::select! {
        biased;
        stopped = progress.stopped() => Err(stopped.into()),
        done = work => done,
    };
    synced.sync_duration_s = started.elapsed().as_secs_f64();
    done
}

async fn work(
    source: &Source,
    target: &Target,
    at_once: usize,
    progress: &Progress,
    synced: &mut Synced,
) -> anyhow::Result<bool> {
    let folder = source.tiles.clone();
    let tiles = tokio::task::spawn_blocking(move || tiles_in(&folder)).await??;
    if tiles.is_empty() {
        return Ok(false);
    }
    let plan = plan(Comparison::new(tiles), source, target, at_once).await?;
    fault::point("map_listed");
    synced.tiles_unchanged = plan.unchanged;
    progress.begin(progress::Step::Sync, Some(plan.len() as u64));
    let mut steps = stream::iter(plan.into_steps())
        .map(|step| take(step, source, target))
        .buffer_unordered(at_once);
    while let Some(taken) = steps.next().await {
        progress.add(taken.new + taken.changed + taken.deleted, 0);
        synced.tile_new += taken.new;
        synced.tile_changed += taken.changed;
        synced.tile_deleted += taken.deleted;
        if let Err(failure) = taken.outcome {
            error!("Exception while syncing: {failure:#}");
            synced.tile_failed += 1;
        }
    }
    Ok(true)
}

async fn plan(
    tiles: Comparison,
    source: &Source,
    target: &Target,
    at_once: usize,
) -> anyhow::Result<Plan> {
    let mut comparison = target.list(tiles).await?;
    let questions: Vec<(usize, Box<str>, _)> =
        comparison.questions().map(|it| (it.number, it.name.into(), it.digest)).collect();
    let answers = stream::iter(questions).map(|(number, name, digest)| async move {
        // What cannot be looked at is put again; when that fails, too, it is told.
        (number, target.holds(&name, digest, source).await.unwrap_or(false))
    });
    let answers: Vec<(usize, bool)> = answers.buffer_unordered(at_once).collect().await;
    for (number, is_same) in answers {
        comparison.answer(number, is_same);
    }
    Ok(comparison.plan())
}

/// What one step did.
struct Taken {
    new: u64,
    changed: u64,
    deleted: u64,
    outcome: anyhow::Result<()>,
}

async fn take(step: Step, source: &Source, target: &Target) -> Taken {
    match step {
        Step::Add(name) => {
            let outcome = target.put(&name, source).await.with_context(|| name.to_string());
            fault::point("map_tile_put");
            Taken { new: u64::from(outcome.is_ok()), changed: 0, deleted: 0, outcome }
        }
        Step::Replace(name) => {
            let outcome = target.put(&name, source).await.with_context(|| name.to_string());
            fault::point("map_tile_replaced");
            Taken { new: 0, changed: u64::from(outcome.is_ok()), deleted: 0, outcome }
        }
        Step::Delete(names) => {
            let (mut deleted, mut outcome) = (0, Ok(()));
            for name in names {
                match target.delete(&name).await.with_context(|| name.to_string()) {
                    Ok(()) => deleted += 1,
                    Err(failure) => outcome = outcome.and(Err(failure)),
                }
                fault::point("map_tile_deleted");
            }
            Taken { new: 0, changed: 0, deleted, outcome }
        }
    }
}
