//! Removes what has become too old.

use chrono::{Days, NaiveDate};
use ichnaea_domain::datamap::{self, Quadrant};

use super::{Outcome, Run};

/// Days for which daily statistics are kept.
const STAT_DAYS: u64 = 730;
/// Days for which it is remembered that a batch was applied. A batch comes again after its lease
/// has run out, minutes at most; a week leaves room for a long outage.
const APPLIED_DAYS: u64 = 7;

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

/// Forgets batches that were applied more than a week ago.
pub async fn applied(run: &Run) -> anyhow::Result<Outcome> {
    let before = days_ago(run, APPLIED_DAYS).and_time(chrono::NaiveTime::MIN);
    Ok(removed(run.context.writer.cleanup_applied(before).await?))
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
