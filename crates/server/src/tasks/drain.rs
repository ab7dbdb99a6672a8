//! Works until every queue is empty.
//!
//! Order matters for the result: all waiting reports become observations before any station is
//! updated, so that a station sees all its observations in as few updates as possible; areas
//! follow when all cells are done.

use std::collections::BTreeSet;
use std::time::Duration;

use ichnaea_domain::datamap::Quadrant;
use ichnaea_domain::export::ExportConfig;
use ichnaea_domain::station::Shard;
use ichnaea_kv::QueueState;
use ichnaea_kv::queue::DataQueue;
use tracing::error;

use super::export_reports::{Resting, UNREACHED};
use super::{
    Outcome, Run, Size, batch, export_reports, update_cellarea, update_datamap, update_incoming,
    update_station,
};
use crate::keys;

/// Batches that are taken as one: observations of a station that come in different steps write it once
/// for each. `docs/adr/0040-large-steps.md` has what it gains and the memory it takes.
const BATCHES: usize = 40;
/// Pauses while others hold batches.
const MIN_PAUSE: Duration = Duration::from_millis(20);
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// What a drain tells while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Some items of a stage were worked on.
    Worked {
        /// What is worked on.
        stage: &'static str,
        /// What was done.
        outcome: &'a Outcome,
        /// Items that still wait in this stage.
        left: u64,
    },
    /// Others hold batches of this stage; it goes on when these are finished or come back.
    Waiting {
        /// What is waited for.
        stage: &'static str,
        /// Items in the batches.
        items: u64,
    },
}

/// How far to drain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drain {
    /// Leaves export queues alone in which less than a batch waits.
    pub respects_batches: bool,
}

/// A queue and who works on it.
enum Work {
    Incoming,
    Export(ExportConfig, String),
    Station(Shard),
    Areas(DataQueue),
    Grid(Quadrant),
}

impl Drain {
    /// Works until nothing waits and nobody holds a batch. What was done in each stage.
    ///
    /// A failure that is not due to an absent backend does not end the drain: the batch comes back
    /// after a pause, and at last becomes dead letters.
    pub async fn run(
        self,
        run: &Run,
        mut tell: impl FnMut(Progress<'_>),
    ) -> anyhow::Result<Vec<(&'static str, Outcome)>> {
        let run = Run { size: Size::Batches(BATCHES), ..run.clone() };
        let mut done = Vec::new();
        for stage in STAGES {
            // Export queues come about in the stage before.
            let works = works_of(&run, stage).await?;
            done.push((stage, self.stage(&run, stage, &works, &mut tell).await?));
        }
        Ok(done)
    }

    async fn stage(
        self,
        run: &Run,
        stage: &'static str,
        works: &[Work],
        tell: &mut impl FnMut(Progress<'_>),
    ) -> anyhow::Result<Outcome> {
        let mut total = Outcome::default();
        let mut pause = MIN_PAUSE;
        // Queues whose target cannot be reached: they are left as they are.
        let mut left_alone = BTreeSet::new();
        loop {
            let mut worked = Outcome::default();
            for (work, _) in self.unfinished(run, works, &left_alone).await? {
                match work.run(run).await {
                    Ok(outcome) => {
                        if outcome.counts.contains_key(UNREACHED) {
                            left_alone.insert(work.queue().name);
                        }
                        worked.add(outcome);
                    }
                    Err(failure) if batch::is_unavailable(&failure) => return Err(failure),
                    Err(failure) => error!(stage, "a batch failed: {failure:#}"),
                }
            }
            let unfinished = self.unfinished(run, works, &left_alone).await?;
            let left = unfinished.iter().map(|(_, state)| state.len).sum();
            let items = unfinished.iter().map(|(_, state)| state.in_flight).sum();
            if worked.is_idle() {
                if unfinished.is_empty() {
                    return Ok(total);
                }
                tell(Progress::Waiting { stage, items });
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            } else {
                tell(Progress::Worked { stage, outcome: &worked, left });
                total.add(worked);
                pause = MIN_PAUSE;
            }
        }
    }

    /// The queues on which there is work, or of which somebody holds a batch.
    async fn unfinished<'a>(
        self,
        run: &Run,
        works: &'a [Work],
        left_alone: &BTreeSet<String>,
    ) -> anyhow::Result<Vec<(&'a Work, QueueState)>> {
        let queues: Vec<DataQueue> = works.iter().map(Work::queue).collect();
        let names: Vec<String> = queues.iter().map(|queue| queue.name.clone()).collect();
        let states = run.context.kv.queues(&names).await?;
        let is_unfinished = |work: &Work, queue: &DataQueue, state: &QueueState| {
            let may_wait = self.respects_batches && matches!(work, Work::Export(..));
            if left_alone.contains(&queue.name) {
                return false;
            }
            state.in_flight > 0 || if may_wait { queue.is_ready(state) } else { state.len > 0 }
        };
        let with_state = works.iter().zip(&queues).zip(states);
        Ok(with_state
            .filter(|((work, queue), state)| is_unfinished(work, queue, state))
            .map(|((work, _), state)| (work, state))
            .collect())
    }
}

/// The parts of the pipeline, each of which has to be empty before the next one begins.
const STAGES: [&str; 5] = ["reports", "exports", "observations", "areas", "grid cells"];

async fn works_of(run: &Run, stage: &str) -> anyhow::Result<Vec<Work>> {
    Ok(match stage {
        "reports" => vec![Work::Incoming],
        "exports" => {
            let mut configs = run.context.writer.export_configs().await?;
            configs.retain(update_incoming::is_supported);
            let queues = export_reports::queues(run, &configs).await?;
            queues.into_iter().map(|(config, queue)| Work::Export(config.clone(), queue)).collect()
        }
        "observations" => Shard::all().map(Work::Station).collect(),
        "areas" => keys::cell_areas().map(Work::Areas).into(),
        _ => Quadrant::ALL.map(Work::Grid).into(),
    })
}

impl Work {
    fn queue(&self) -> DataQueue {
        match self {
            Self::Incoming => keys::incoming(),
            Self::Export(config, queue) => keys::export(queue, config.batch_size()),
            Self::Station(shard) => keys::observations(*shard),
            Self::Areas(queue) => queue.clone(),
            Self::Grid(quadrant) => keys::datamap(*quadrant),
        }
    }

    async fn run(&self, run: &Run) -> anyhow::Result<Outcome> {
        match self {
            Self::Incoming => {
                let configs = run.context.writer.export_configs().await?;
                update_incoming::distribute(run, &configs).await
            }
            Self::Export(config, queue) => {
                export_reports::export(run, config, queue, Resting::Ended).await
            }
            Self::Station(shard) => update_station::run(run, *shard).await,
            Self::Areas(queue) => update_cellarea::compute(run, queue).await,
            Self::Grid(quadrant) => update_datamap::run(run, *quadrant).await,
        }
    }
}
