//! Counts the stations of every region.

use ichnaea_kv::Op;

use super::{Outcome, Run};
use crate::{fault, keys};

/// Replaces the regional statistics. With no station anywhere the last ones stay: an empty
/// database is more likely half loaded than true.
pub async fn run(run: &Run) -> anyhow::Result<Outcome> {
    let store = &run.context.writer;
    let totals = store.region_totals().await?;
    fault::point("region_gathered");
    if totals.is_empty() {
        return Ok(Outcome::default());
    }
    store.replace_region_stats(&totals).await?;
    fault::point("region_replaced");
    let cached = keys::STATS_REGIONS_CACHE.as_bytes().to_vec();
    run.context.kv.apply(vec![Op::Delete { key: cached }]).await?;
    let mut outcome = Outcome::of(totals.len());
    outcome.count("regions", totals.len() as u64);
    Ok(outcome)
}
