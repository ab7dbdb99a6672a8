//! The areas of cells that an import wrote.

use std::sync::Arc;

use ichnaea_domain::cell::AreaKey;

use super::progress::{Progress, Unit};
use crate::context::Context;
use crate::keys;
use crate::tasks::{Run, Size, update_cellarea, update_statregion};

/// How many areas are computed in one transaction: enough that what a batch costs by itself does not
/// count, and few enough that nobody waits for long.
const AT_ONCE: usize = 200;

/// Asks for areas to be computed again, by whoever comes first: this import at its end, or a worker.
pub(super) async fn request(context: &Context, areas: &[AreaKey]) -> anyhow::Result<()> {
    let keys: Vec<Vec<u8>> = areas.iter().map(|area| area.encode().to_vec()).collect();
    let ops = update_cellarea::request(keys);
    if !ops.is_empty() {
        context.kv.apply(ops).await?;
    }
    Ok(())
}

/// Computes what was asked for, and the statistics of regions after it. How many areas were computed
/// here; workers may have helped.
pub(super) async fn compute(context: &Arc<Context>) -> anyhow::Result<u64> {
    let run = Run { size: Size::Items(AT_ONCE), ..Run::new(Arc::clone(context)) };
    let mut computed = 0;
    for queue in keys::cell_areas() {
        let states = context.kv.queues(std::slice::from_ref(&queue.name)).await?;
        let waiting = states.first().map_or(0, |state| state.len);
        let mut progress = Progress::new("cell areas", Unit::Things("areas"), Some(waiting));
        let mut of_queue = 0;
        loop {
            let outcome = update_cellarea::compute(&run, &queue).await?;
            if outcome.is_idle() {
                break;
            }
            of_queue += outcome.items;
            progress.at(of_queue);
        }
        computed += of_queue;
    }
    update_statregion::run(&run).await?;
    Ok(computed)
}
