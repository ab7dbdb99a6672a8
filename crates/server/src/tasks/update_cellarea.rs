//! Computes cell areas whose cells have changed.

use ichnaea_domain::area;
use ichnaea_domain::cell::{AreaKey, Radio};
use ichnaea_kv::queue::DataQueue;
use ichnaea_kv::{Op, Taken};
use ichnaea_store::{AreaChanges, BatchRef};

use super::batch::{Done, decode_all, noting_locks, work_through};
use super::{Outcome, Run};
use crate::{fault, keys};

/// Asks for areas to be computed again, each by its key.
#[must_use]
pub fn request(areas: Vec<Vec<u8>>) -> Vec<Op> {
    let is_nr = |area: &Vec<u8>| AreaKey::decode(area).is_some_and(|key| key.radio == Radio::Nr);
    let (nr, others): (Vec<_>, Vec<_>) = areas.into_iter().partition(is_nr);
    let queues = [(keys::UPDATE_CELLAREA, others), (keys::UPDATE_CELLAREA_NR, nr)];
    let asked = queues.into_iter().filter(|(_, items)| !items.is_empty());
    asked.map(|(queue, items)| Op::Push { queue: queue.to_owned(), items }).collect()
}

/// Computes the areas of one batch of each queue.
pub async fn run(run: &Run) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut is_ready = false;
    for queue in keys::cell_areas() {
        outcome.add(compute(run, &queue).await?);
        is_ready |= outcome.is_ready;
    }
    Ok(Outcome { is_ready, ..outcome })
}

/// Computes the areas of one batch of a queue.
pub async fn compute(run: &Run, queue: &DataQueue) -> anyhow::Result<Outcome> {
    work_through(run, queue, |taken| update(run, queue, taken)).await
}

async fn update(run: &Run, queue: &DataQueue, taken: Taken) -> anyhow::Result<Done> {
    let now = run.context.clock.now();
    let batch = BatchRef { id: taken.id, queue: queue.name.clone(), now };
    let (areas, dead) = decode_all(taken.items, |item| {
        AreaKey::decode(item).ok_or_else(|| "not the key of a cell area".to_owned())
    });
    let mut outcome = Outcome::of(areas.len());
    if !areas.is_empty() {
        let regions = run.context.regions;
        let applied =
            run.context.writer.update_areas(&batch, areas.clone(), move |found, cells| {
                let decided = area::decide_all(found, cells, &areas, regions, now);
                let area::Decided { insert, update, delete } = decided;
                let counts = [insert.len(), update.len(), delete.len()];
                AreaChanges { insert, update, delete, outcome: counts }
            });
        let metrics = &run.context.metrics;
        let applied = noting_locks(applied, |errno| metrics.area_dberror(errno)).await?;
        fault::point("area_committed");
        let [new, changed, deleted] = applied.outcome;
        outcome.count("new", new as u64);
        outcome.count("changed", changed as u64);
        outcome.count("deleted", deleted as u64);
        outcome.count("lock_errors", applied.lock_errors.len() as u64);
    }
    Ok(Done { dead, outcome, ..Done::default() })
}
