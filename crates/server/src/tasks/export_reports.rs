//! Sends one batch of an export queue to its target.
//!
//! The target `internal` is this service itself: a report becomes one observation for each
//! station it saw, in the queue of that station's table, and a mark on the coverage grid.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use ichnaea_domain::datamap::{Grid, Quadrant};
use ichnaea_domain::export::{ExportConfig, Schema};
use ichnaea_domain::observation::Observation;
use ichnaea_domain::region::Regions;
use ichnaea_domain::report::ExportedReport;
use ichnaea_domain::station::{Kind, Shard};
use ichnaea_kv::{Op, Taken};

use super::batch::{Done, decode_all, work_through};
use super::run::LARGE_BATCH;
use super::tally::{Learned, Tally};
use super::{Outcome, Run, update_incoming};
use crate::{fault, keys};

/// What came out of reports, by the API key they were sent with.
type ByKey = BTreeMap<Option<String>, Learned>;

/// Reports that become observations in one step at least, when they wait. Small batches would pay
/// for the way to the key-value store once for each report.
const INTERNAL_BATCH: usize = 1000;

/// Exports one batch of the queue, or of the target, that `argument` names; without one, of every
/// target.
pub async fn run(run: &Run, argument: Option<&str>) -> anyhow::Result<Outcome> {
    let configs = run.context.writer.export_configs().await?;
    let is_meant = |config: &&ExportConfig| {
        argument.is_none_or(|name| name == config.name || name == config.queue("", None))
    };
    let mut outcome = Outcome::default();
    let mut is_ready = false;
    let meant: Vec<&ExportConfig> = configs.iter().filter(is_meant).collect();
    if let (Some(name), []) = (argument, meant.as_slice()) {
        bail!("no export target is called {name}");
    }
    for config in meant {
        outcome.add(export(run, config).await?);
        is_ready |= outcome.is_ready;
    }
    Ok(Outcome { is_ready, ..outcome })
}

/// Exports one batch of a target that can be exported to.
pub async fn export(run: &Run, config: &ExportConfig) -> anyhow::Result<Outcome> {
    if !update_incoming::is_supported(config) {
        return Ok(Outcome::default());
    }
    let queue = config.queue("", None);
    let is_internal = config.target() == Some(Schema::Internal);
    let take = match config.batch_size() {
        // "Everything" is taken in parts, so that a backlog does not have to fit into memory.
        0 => LARGE_BATCH,
        // The batch says when it is worth starting; how much of ours we take then is our affair.
        batch if is_internal => batch.max(INTERNAL_BATCH),
        batch => batch,
    };
    let target = config.name.as_str();
    let work = |taken| work(run, target, is_internal, taken);
    let mut outcome = work_through(run, &keys::export(&queue, take), work).await?;
    if outcome.items > 0 {
        outcome.is_ready = run.is_ready(&keys::export(&queue, config.batch_size())).await?;
    }
    Ok(outcome)
}

async fn work(run: &Run, target: &str, is_internal: bool, taken: Taken) -> anyhow::Result<Done> {
    let target = target.to_owned();
    if !is_internal {
        let outcome = Outcome::of(taken.items.len());
        let tally = Tally::Exported { target, learned: BTreeMap::new() };
        return Ok(Done { outcome, tally, ..Done::default() });
    }
    let queue = keys::export("", 0);
    let (reports, dead) = decode_all(taken.items, |item| queue.decode(item));
    let (ops, learned) = learn(&reports, run.context.regions)?;
    let outcome = outcome(reports.len(), &learned);
    let tally = Tally::Exported { target, learned: with_known_keys(run, learned).await };
    fault::point("export_decided");
    Ok(Done { ops, dead, outcome, tally })
}

/// Counts what came from keys that do not exist (any more) as if it came without a key: dashboards
/// would else fill with whatever was sent as a key while keys could not be checked.
async fn with_known_keys(run: &Run, learned: ByKey) -> ByKey {
    if !run.context.metrics.is_on() {
        return learned;
    }
    let mut known = ByKey::new();
    for (key, learned) in learned {
        let key = match key {
            None => None,
            // The batch goes on without the database: only the tag of a number depends on it.
            Some(key) => match run.context.writer.api_key(&key).await {
                Ok(Some(_)) => Some(key),
                Ok(None) | Err(_) => None,
            },
        };
        known.entry(key).or_default().add(&learned);
    }
    known
}

/// The observations of reports, for the queues of their station tables, and the grid cells they
/// were made in.
fn learn(reports: &[ExportedReport], regions: &Regions) -> anyhow::Result<(Vec<Op>, ByKey)> {
    let mut observations: BTreeMap<Shard, Vec<Observation>> = BTreeMap::new();
    let mut grids: BTreeMap<Quadrant, BTreeSet<Grid>> = BTreeMap::new();
    let mut by_key = ByKey::new();
    for exported in reports {
        let extracted = exported.report.observations(regions);
        let mut learned = Learned { malformed: extracted.malformed, ..Learned::default() };
        if extracted.has_networks {
            learned.reports = 1;
            learned.dropped = u64::from(extracted.observations.is_empty());
        }
        if let Some((lat, lon)) = extracted.position {
            let grid = Grid::at(lat, lon);
            grids.entry(grid.quadrant()).or_default().insert(grid);
        }
        for observation in extracted.observations {
            learned.observations.add(observation.key.kind(), 1);
            observations.entry(observation.key.shard()).or_default().push(observation);
        }
        match by_key.get_mut(&exported.api_key) {
            Some(sum) => sum.add(&learned),
            None => drop(by_key.insert(exported.api_key.clone(), learned)),
        }
    }
    let mut ops = Vec::new();
    for (shard, observations) in observations {
        let queue = keys::observations(shard);
        let items = queue.encode(&observations).map_err(anyhow::Error::msg)?;
        ops.push(Op::Push { queue: queue.name, items });
    }
    for (quadrant, grids) in grids {
        let items = grids.into_iter().map(|grid| grid.encode().to_vec()).collect();
        ops.push(Op::Push { queue: keys::datamap(quadrant).name, items });
    }
    Ok((ops, by_key))
}

/// The sum over all keys, for the log.
fn outcome(reports: usize, by_key: &ByKey) -> Outcome {
    let mut outcome = Outcome::of(reports);
    for learned in by_key.values() {
        outcome.count("reports", learned.reports);
        outcome.count("reports_dropped", learned.dropped);
        for kind in Kind::ALL {
            outcome.count(kind.name(), learned.observations.of(kind));
            outcome.count(malformed(kind), learned.malformed.of(kind));
        }
    }
    outcome
}

const fn malformed(kind: Kind) -> &'static str {
    match kind {
        Kind::Blue => "blue_malformed",
        Kind::Cell => "cell_malformed",
        Kind::Wifi => "wifi_malformed",
    }
}
