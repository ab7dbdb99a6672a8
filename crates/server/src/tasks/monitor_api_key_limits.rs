//! Reports how often each API key was used today.

use super::{Outcome, Run};
use crate::keys;

/// One amount for each key and path of the API that was used today.
pub async fn run(run: &Run) -> anyhow::Result<Outcome> {
    let ctx = &run.context;
    let today = ctx.clock.now().date();
    let mut names = ctx.kv.keys(keys::API_LIMIT_PREFIX).await?;
    names.retain(|name| keys::parse_api_limit(name).is_some_and(|(_, _, day)| day == today));
    let counters: Vec<Vec<u8>> = names.iter().map(|name| name.clone().into_bytes()).collect();
    let mut outcome = Outcome::default();
    for (name, value) in names.iter().zip(ctx.kv.get(&counters).await?) {
        // A counter may run out, or be something else, between the two looks.
        let count = value.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
        if let (Some((key, path, _)), Some(count)) = (keys::parse_api_limit(name), count) {
            ctx.metrics.api_limit(key, path, count);
            outcome.items += 1;
        }
    }
    Ok(outcome)
}
