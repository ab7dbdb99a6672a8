//! Reports how many distinct addresses used each API key.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use ichnaea_kv::Op;

use super::{Outcome, Run};
use crate::api::ApiKind;
use crate::keys;
use crate::metrics::Interval;

/// The days before today that count for the last seven.
const DAYS_BEFORE: u64 = 6;
/// Days removed in one step.
const AT_ONCE: usize = 1000;

/// One amount for today and one for the last seven days, for each key and kind of API; removes
/// older days.
///
/// A day to come is one that a web process has begun a moment earlier: it is left alone and not
/// counted yet.
pub async fn run(run: &Run) -> anyhow::Result<Outcome> {
    let ctx = &run.context;
    let today = ctx.clock.now().date();
    let oldest = today.checked_sub_days(Days::new(DAYS_BEFORE)).unwrap_or(today);
    let mut weeks: BTreeMap<(&'static str, String), Week> = BTreeMap::new();
    let mut old = Vec::new();
    for name in ctx.kv.keys(keys::API_USER_PREFIX).await? {
        let Some((kind, key, day)) = keys::parse_api_user(&name) else { continue };
        if day < oldest {
            old.push(Op::Delete { key: name.into_bytes() });
        } else if day <= today {
            let week = weeks.entry((kind.name(), key.to_owned())).or_insert_with(|| Week::of(kind));
            week.days.push((day, name));
        }
    }
    let mut outcome = Outcome::default();
    outcome.count("removed", old.len() as u64);
    for some in old.chunks(AT_ONCE) {
        ctx.kv.apply(some.to_vec()).await?;
    }
    for ((_, key), Week { kind, days }) in weeks {
        let of_today: Vec<String> =
            days.iter().filter(|(day, _)| *day == today).map(|(_, name)| name.clone()).collect();
        if !of_today.is_empty() {
            let count = ctx.kv.unique_count(&of_today).await?;
            ctx.metrics.users(kind, &key, Interval::Day, count);
        }
        let of_week: Vec<String> = days.into_iter().map(|(_, name)| name).collect();
        let count = ctx.kv.unique_count(&of_week).await?;
        ctx.metrics.users(kind, &key, Interval::Week, count);
        outcome.items += 1;
    }
    Ok(outcome)
}

/// The days on which a key was used.
struct Week {
    kind: ApiKind,
    days: Vec<(NaiveDate, String)>,
}

impl Week {
    const fn of(kind: ApiKind) -> Self {
        Self { kind, days: Vec::new() }
    }
}
