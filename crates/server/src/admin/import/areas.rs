//! The areas of cells that an import wrote.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ichnaea_domain::cell::AreaKey;

use super::progress::{Progress, Unit};
use crate::context::Context;
use crate::keys;
use crate::tasks::{Run, Size, update_cellarea, update_statregion};

/// How many areas are computed in the first transaction, and in any.
const FIRST: usize = 20;
const MOST: usize = 1000;

/// How long one transaction should take: nobody who wants to write waits much longer, and the rows of
/// its cells do not need much memory, however many an area has.
const AIM: Duration = Duration::from_millis(200);

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
    let mut run = Run::new(Arc::clone(context));
    let mut at_once = FIRST;
    let mut computed = 0;
    for queue in keys::cell_areas() {
        let states = context.kv.queues(std::slice::from_ref(&queue.name)).await?;
        let waiting = states.first().map_or(0, |state| state.len);
        let mut progress = Progress::new("cell areas", Unit::Things("areas"), Some(waiting));
        let mut of_queue = 0;
        loop {
            run.size = Size::Items(at_once);
            let started = Instant::now();
            let outcome = update_cellarea::compute(&run, &queue).await?;
            at_once = next_size(at_once, started.elapsed());
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

/// How many areas to take next, after so many took so long.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped first")]
fn next_size(size: usize, took: Duration) -> usize {
    let fitting = size as f64 * AIM.as_secs_f64() / took.as_secs_f64().max(0.000_1);
    // Twice as many at most: the next areas may be larger ones.
    fitting.clamp(1.0, MOST.min(size * 2) as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_slowly_and_shrink_at_once() {
        for (size, took_ms, expected) in [
            (20, 1, 40),
            (20, 200, 20),
            (20, 400, 10),
            (800, 10, 1000),
            (1000, 60_000, 3),
            (1, 5000, 1),
        ] {
            assert_eq!(
                next_size(size, Duration::from_millis(took_ms)),
                expected,
                "{size} {took_ms}"
            );
        }
    }
}
