//! Marks the cells of the coverage grid in which something was reported.

use ichnaea_domain::datamap::{self, Grid, Quadrant};
use ichnaea_kv::Taken;
use ichnaea_kv::queue::DataQueue;
use ichnaea_store::{BatchRef, DatamapChanges};

use super::batch::{Done, decode_all, noting_locks, work_through};
use super::{Outcome, Run};
use crate::{fault, keys};

/// Brings one batch of grid cells into the table of one quarter of the world.
pub async fn run(run: &Run, quadrant: Quadrant) -> anyhow::Result<Outcome> {
    let queue = keys::datamap(quadrant);
    work_through(run, &queue, |taken| update(run, &queue, taken)).await
}

async fn update(run: &Run, queue: &DataQueue, taken: Taken) -> anyhow::Result<Done> {
    let now = run.context.clock.now();
    let batch = BatchRef { id: taken.id, queue: queue.name.clone(), now };
    let (mut grids, dead) = decode_all(taken.items, |item| {
        Grid::decode(item).ok_or_else(|| "not the 8 bytes of a grid cell".to_owned())
    });
    let mut outcome = Outcome::of(grids.len());
    grids.sort_unstable();
    grids.dedup();
    if !grids.is_empty() {
        let (wanted, today) = (grids.clone(), now.date());
        let applied = run.context.writer.update_datamap(&batch, grids, move |found| {
            let datamap::Decided { insert, touch } = datamap::decide(found, &wanted, today);
            let counts = (insert.len() as u64, touch.len() as u64);
            DatamapChanges { insert, touch, today, outcome: counts }
        });
        let metrics = &run.context.metrics;
        let applied = noting_locks(applied, |errno| metrics.datamap_dberror(errno)).await?;
        fault::point("datamap_committed");
        let (inserted, touched) = applied.outcome;
        outcome.count("new", inserted);
        outcome.count("touched", touched);
        outcome.count("lock_errors", applied.lock_errors.len() as u64);
    }
    Ok(Done { dead, outcome, ..Done::default() })
}
