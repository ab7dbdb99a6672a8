//! Draws the data map.

use anyhow::bail;

use super::{Outcome, Run};
use crate::config::processors;
use crate::context::Context;
use crate::datamap::date;
use crate::datamap::progress::Progress;
use crate::datamap::results::Results;
use crate::datamap::run::{Plan, run as run_plan};
use crate::keys;
use crate::turn::Turn;

/// Draws the map and brings it to the bucket, or to the folder that the web role serves. Nothing is
/// done while another worker is at it.
pub async fn run(run: &Run) -> anyhow::Result<Outcome> {
    let ctx = &run.context;
    let Some(turn) = Turn::take(&ctx.kv, keys::RENDER_MAP).await? else {
        return Ok(Outcome::default());
    };
    let drawn = draw(ctx).await;
    turn.end().await;
    drawn
}

/// Ends the work of threads, too, when the task is given up.
struct Guard(Progress);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.stop();
    }
}

async fn draw(ctx: &Context) -> anyhow::Result<Outcome> {
    let upload = date::bucket(&ctx.config);
    let plan = Plan {
        create: Some(ctx),
        output: upload.is_none().then(|| ctx.config.map_dir.clone()),
        upload: upload.map(str::to_owned),
        objects: ctx.config.objects.clone(),
        // The rest of the worker goes on meanwhile.
        concurrency: (processors() / 2).max(1),
        clock: &ctx.clock,
    };
    let guard = Guard(Progress::default());
    let mut results = Results::default();
    run_plan(&plan, &guard.0, &mut results).await?;
    let failed = results.failed();
    if failed > 0 {
        bail!("{failed} steps of the sync failed; the lines before this one say why");
    }
    let drawn = results.drawn.unwrap_or_default();
    let mut outcome = Outcome { items: drawn.row_count, ..Outcome::default() };
    outcome.count("tiles", drawn.tile_count);
    if let Some(synced) = results.synced {
        outcome.count("new", synced.tile_new);
        outcome.count("changed", synced.tile_changed);
        outcome.count("deleted", synced.tile_deleted);
        outcome.count("unchanged", synced.tiles_unchanged);
    }
    Ok(outcome)
}
