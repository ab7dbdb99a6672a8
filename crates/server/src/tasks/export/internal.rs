//! The target that is this service itself: a report becomes one observation for each station it
//! saw, in the queue of that station's table, and a mark on the coverage grid.

use std::collections::{BTreeMap, BTreeSet};

use ichnaea_domain::datamap::{Grid, Quadrant};
use ichnaea_domain::observation::Observation;
use ichnaea_domain::region::Regions;
use ichnaea_domain::report::ExportedReport;
use ichnaea_domain::station::{Kind, Shard};
use ichnaea_kv::{Op, Taken};

use crate::tasks::batch::{Done, decode_all};
use crate::tasks::tally::{Learned, Tally};
use crate::tasks::{Outcome, Run};
use crate::{fault, keys};

/// What came out of reports, by the API key they were sent with.
type ByKey = BTreeMap<Option<String>, Learned>;

/// Turns a batch of reports into observations.
pub(in crate::tasks) async fn learn_from(
    run: &Run,
    target: &str,
    taken: Taken,
) -> anyhow::Result<Done> {
    let queue = keys::export("", 0);
    let (reports, dead) = decode_all(taken.items, |item| queue.decode(item));
    let (ops, learned) = learn(&reports, run.context.regions)?;
    let outcome = outcome(reports.len(), &learned);
    let target = target.to_owned();
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
