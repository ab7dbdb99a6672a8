//! Learns stations from observations: one file for Bluetooth, cells and Wi-Fi.

use std::time::Duration;

use chrono::NaiveDate;
use ichnaea_domain::observation::{Observation, QueuedObservation};
use ichnaea_domain::station::{Kind, Shard};
use ichnaea_domain::stats::StatKey;
use ichnaea_domain::transition::{self, Counts};
use ichnaea_kv::queue::DataQueue;
use ichnaea_kv::{Op, Taken};
use ichnaea_store::{BatchRef, StationChanges};
use serde::{Deserialize, Serialize};

use super::batch::{Done, decode_all, noting_locks, work_through};
use super::tally::Tally;
use super::{Outcome, Run, update_cellarea};
use crate::{fault, keys};

/// How long a daily counter is kept after its last change: as long as nobody may be there to collect
/// it, or as far as a clock may be wrong. The original's two days lose what was counted before.
const COUNTER_TTL: Duration = Duration::from_hours(30 * 24);

/// What has to follow from a batch; kept with the rows it was applied to, in the same transaction.
#[derive(Serialize, Deserialize)]
struct Learned {
    /// What happened.
    counts: Counts,
    /// Names of the daily counters and what they grow by; these also when it is nothing.
    counters: [(String, u64); 2],
    /// Keys of the areas to compute again.
    areas: Vec<Vec<u8>>,
}

/// Applies one batch from the queue of a station table.
///
/// The key of an observation decides which table it goes to. Usually that is the table of the
/// queue; where another program chose a wrong queue, the observation is not lost.
pub async fn run(run: &Run, shard: Shard) -> anyhow::Result<Outcome> {
    let queue = keys::observations(shard);
    work_through(run, &queue, |taken| update(run, shard.kind(), &queue, taken)).await
}

async fn update(run: &Run, kind: Kind, queue: &DataQueue, taken: Taken) -> anyhow::Result<Done> {
    let now = run.context.clock.now();
    let batch = BatchRef { id: taken.id, queue: queue.name.clone(), now };
    let (observations, dead) = decode_all(taken.items, |item| decode(queue, kind, item));
    let mut outcome = Outcome::of(observations.len());
    let stations = transition::keys(&observations);
    if stations.is_empty() {
        return Ok(Done { dead, outcome, ..Done::default() });
    }
    let regions = run.context.regions;
    let applied = run.context.writer.update_stations(&batch, stations, move |found| {
        let decided = transition::decide_all(found, &observations, regions, now);
        let transition::Decided { insert, update, counts, areas } = decided;
        let areas = areas.iter().map(|area| area.encode().to_vec()).collect();
        let counters = counters(kind, now.date(), counts);
        let outcome = Learned { counts, counters, areas };
        StationChanges { insert, update, outcome }
    });
    let metrics = &run.context.metrics;
    let applied = noting_locks(applied, |errno| metrics.station_dberror(errno, kind)).await?;
    fault::point("station_committed");
    outcome.count("lock_errors", applied.lock_errors.len() as u64);
    outcome.count("repeated", u64::from(applied.repeated));
    let Learned { counts, counters, areas } = applied.outcome;
    outcome.count("observations", counts.obs);
    outcome.count("new", counts.new);
    outcome.count("confirmed", counts.confirm);
    outcome.count("blocked", counts.block);
    let tally = Tally::Stations { kind, counts };
    Ok(Done { ops: follow_up(counters, areas), dead, outcome, tally })
}

fn counters(kind: Kind, day: NaiveDate, counts: Counts) -> [(String, u64); 2] {
    [
        (keys::stat_counter(StatKey::observations(kind), day), counts.obs),
        (keys::stat_counter(StatKey::stations(kind), day), counts.new),
    ]
}

/// Counts, and asks for the areas to be computed again.
fn follow_up(counters: [(String, u64); 2], areas: Vec<Vec<u8>>) -> Vec<Op> {
    let count = |(key, by)| Op::Count {
        key,
        by: i64::try_from(by).unwrap_or(i64::MAX),
        ttl: Some(COUNTER_TTL),
    };
    let mut ops: Vec<Op> = counters.into_iter().map(count).collect();
    ops.extend(update_cellarea::request(areas));
    ops
}

fn decode(queue: &DataQueue, kind: Kind, item: &[u8]) -> Result<Observation, String> {
    let queued: QueuedObservation = queue.decode(item)?;
    queued.checked(kind).ok_or_else(|| "no usable station or position".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_areas_follow_in_one_step() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        let counts = Counts { obs: 3, ..Counts::default() };
        let count = |key: &str, by| Op::Count { key: key.into(), by, ttl: Some(COUNTER_TTL) };
        assert_eq!(
            follow_up(counters(Kind::Cell, day, counts), vec![vec![1; 7]]),
            [
                count("statcounter_cell_20260131", 3),
                count("statcounter_unique_cell_20260131", 0),
                Op::Push { queue: "update_cellarea".into(), items: vec![vec![1; 7]] },
            ]
        );
        assert_eq!(follow_up(counters(Kind::Wifi, day, counts), vec![]).len(), 2);
    }
}
