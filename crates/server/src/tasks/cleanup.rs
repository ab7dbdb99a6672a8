//! Removes what has become too old.

use chrono::{Days, NaiveDate};
use ichnaea_domain::datamap::{self, Quadrant};

use super::{Outcome, Run};

/// Days for which daily statistics are kept.
const STAT_DAYS: u64 = 730;
/// Days for which it is remembered that a batch was applied. A batch comes again when a worker looks
/// after its lease has run out, however long none was there; what is in flight is not forgotten at
/// all. The week is for batches among the dead letters, and for a worker that hung.
const APPLIED_DAYS: u64 = 7;
/// More batches in flight than this are no ordinary day: then nothing is forgotten.
const MAX_IN_FLIGHT: usize = 10_000;

/// Removes daily statistics of more than two years ago.
pub async fn stat(run: &Run) -> anyhow::Result<Outcome> {
    let before = days_ago(run, STAT_DAYS);
    Ok(removed(run.context.writer.cleanup_stat(before).await?))
}

/// Removes grid cells in which nothing was reported for a year.
pub async fn datamap(run: &Run, quadrant: Quadrant) -> anyhow::Result<Outcome> {
    let before = datamap::oldest_kept(run.context.clock.now().date());
    Ok(removed(run.context.writer.cleanup_datamap(quadrant, before).await?))
}

/// Forgets batches that were applied more than a week ago and are not in flight.
pub async fn applied(run: &Run) -> anyhow::Result<Outcome> {
    let before = days_ago(run, APPLIED_DAYS).and_time(chrono::NaiveTime::MIN);
    let in_flight = run.context.kv.in_flight().await?;
    if in_flight.len() > MAX_IN_FLIGHT {
        return Ok(removed(0));
    }
    Ok(removed(run.context.writer.cleanup_applied(before, &in_flight).await?))
}

fn days_ago(run: &Run, days: u64) -> NaiveDate {
    let today = run.context.clock.now().date();
    today.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

fn removed(rows: u64) -> Outcome {
    let mut outcome = Outcome { items: rows, ..Outcome::default() };
    outcome.count("removed", rows);
    outcome
}
