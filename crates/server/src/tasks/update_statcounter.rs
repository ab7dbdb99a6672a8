//! Carries the daily counters over into the table of daily totals.
//!
//! The counters are emptied into a queue in one step and brought into the table from there, so
//! that an amount that was read is added once, whatever happens in between.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use ichnaea_domain::stats::{self, StatKey};
use ichnaea_kv::Taken;
use ichnaea_store::{BatchRef, StatChanges};

use super::batch::{Done, GivingUp, decode_all, work_on};
use super::{Outcome, Run};
use crate::{fault, keys};

/// Batches in one run: what was collected now, and what workers that died have left.
const MAX_BATCHES: usize = 20;

/// Collects the counters of yesterday, today and any forgotten day, and adds them to the totals.
///
/// The totals of yesterday and today are written even when nothing was counted, so that there is a
/// row for every day.
pub async fn run(run: &Run) -> anyhow::Result<Outcome> {
    let today = run.context.clock.now().date();
    let kv = &run.context.kv;
    kv.collect(&counters(run, today).await?, keys::UPDATE_STAT).await?;
    fault::point("stat_collected");
    let mut outcome = Outcome::default();
    let mut has_run = false;
    for _ in 0..MAX_BATCHES {
        let work = |taken| update(run, taken);
        let Some(done) = work_on(run, keys::UPDATE_STAT, 0, GivingUp::AfterTries, work).await?
        else {
            break;
        };
        outcome.add(done);
        has_run = true;
    }
    if !has_run {
        apply(run, uuid::Uuid::now_v7().to_string(), HashMap::new(), &mut outcome).await?;
    }
    Ok(outcome)
}

/// The counters that have to be collected. Those of a day to come wait until then.
async fn counters(run: &Run, today: NaiveDate) -> anyhow::Result<Vec<String>> {
    let yesterday = today.checked_sub_days(Days::new(1)).unwrap_or(today);
    let regular = [yesterday, today]
        .into_iter()
        .flat_map(|day| StatKey::ALL.into_iter().map(move |key| keys::stat_counter(key, day)));
    let found = run.context.kv.keys(keys::STAT_COUNTER_PREFIX).await?;
    let is_forgotten =
        |name: &String| keys::parse_stat_counter(name).is_some_and(|(_, day)| day < yesterday);
    Ok(found.into_iter().filter(is_forgotten).chain(regular).collect())
}

async fn update(run: &Run, taken: Taken) -> anyhow::Result<Done> {
    let (amounts, dead) = decode_all(taken.items, parse);
    let mut outcome = Outcome::of(amounts.len());
    let mut sums: HashMap<(StatKey, NaiveDate), i64> = HashMap::new();
    for (key, amount) in amounts {
        let sum = sums.entry(key).or_default();
        *sum = sum.saturating_add(amount);
    }
    apply(run, taken.id, sums, &mut outcome).await?;
    Ok(Done { dead, outcome, ..Done::default() })
}

async fn apply(
    run: &Run,
    id: String,
    sums: HashMap<(StatKey, NaiveDate), i64>,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let now = run.context.clock.now();
    let today = now.date();
    let batch = BatchRef { id, queue: keys::UPDATE_STAT.to_owned(), now };
    let applied = run
        .context
        .writer
        .update_stats(&batch, today, move |found| {
            let stats::Decided { insert, update } = stats::decide(found, &sums, today);
            let rows = (insert.len() + update.len()) as u64;
            StatChanges { insert, update, outcome: rows }
        })
        .await?;
    fault::point("stat_committed");
    outcome.count("rows", applied.outcome);
    outcome.count("lock_errors", applied.lock_errors.len() as u64);
    Ok(())
}

/// Reads `NAME VALUE`.
pub fn parse(item: &[u8]) -> Result<((StatKey, NaiveDate), i64), String> {
    let parse = || {
        let (name, value) = std::str::from_utf8(item).ok()?.split_once(' ')?;
        Some((keys::parse_stat_counter(name)?, value.parse().ok()?))
    };
    parse().ok_or_else(|| "not the name and value of a daily counter".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collected_counters_are_read() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        assert_eq!(
            parse(b"statcounter_unique_wifi_20260131 12"),
            Ok(((StatKey::UniqueWifi, day), 12))
        );
        assert_eq!(parse(b"statcounter_cell_20260131 -3"), Ok(((StatKey::Cell, day), -3)));
        for item in [&b""[..], b"statcounter_cell_20260131", b"x 1", b"\xff 1"] {
            assert!(parse(item).is_err());
        }
    }
}
