//! Targets that get nothing for a while: since when, why, and when they are tried again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ichnaea_domain::export::delivery::{self, LONGEST_REST};
use ichnaea_kv::{KeyValue, Op};
use serde::{Deserialize, Serialize};
use tracing::{debug, info, warn};

use super::Answer;
use crate::keys;
use crate::tasks::Run;
use crate::tasks::waiting::Waiting;

/// How long it is remembered that a target rests, when nobody tries it any more.
const TTL: Duration = Duration::from_hours(48);

/// A target that could not be delivered to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// When that began, milliseconds since 1970.
    pub since_ms: i64,
    /// When it is tried again, milliseconds since 1970.
    pub until_ms: i64,
    /// How often it was tried since.
    pub failures: u32,
    /// What the last try came to.
    pub why: String,
}

impl Rest {
    /// Whether the target is left alone now. A rest that would last longer than any was begun by a
    /// clock that was ahead, and is over.
    #[must_use]
    pub fn is_on(&self, now_ms: i64) -> bool {
        let left_ms = self.until_ms.saturating_sub(now_ms);
        u64::try_from(left_ms)
            .is_ok_and(|left_ms| left_ms > 0 && Duration::from_millis(left_ms) <= LONGEST_REST)
    }
}

/// What ends the rest of a target, together with a batch that was delivered.
pub(super) fn end(target: &str) -> Op {
    info!(export_config = target, "export target '{target}' takes reports again");
    lines().remove(target);
    Op::Delete { key: keys::export_rest(target).into_bytes() }
}

/// The rest of one target, if it has one.
pub async fn of(kv: &dyn KeyValue, target: &str) -> ichnaea_kv::Result<Option<Rest>> {
    let found = kv.get(&[keys::export_rest(target).into_bytes()]).await?;
    Ok(found.into_iter().next().flatten().and_then(|text| serde_json::from_slice(&text).ok()))
}

/// Those of these targets that have one, by name.
pub async fn of_these(
    kv: &dyn KeyValue,
    targets: impl Iterator<Item = &str>,
) -> ichnaea_kv::Result<BTreeMap<String, Rest>> {
    let targets: Vec<&str> = targets.collect();
    let raw: Vec<Vec<u8>> =
        targets.iter().map(|target| keys::export_rest(target).into_bytes()).collect();
    let rest = |(target, value): (&&str, Option<Vec<u8>>)| {
        Some(((*target).to_owned(), serde_json::from_slice(&value?).ok()?))
    };
    Ok(targets.iter().zip(kv.get(&raw).await?).filter_map(rest).collect())
}

/// All targets that rest or did so lately and were not delivered to since, by name.
pub async fn all(kv: &dyn KeyValue) -> ichnaea_kv::Result<BTreeMap<String, Rest>> {
    let names = kv.keys(keys::EXPORT_REST_PREFIX).await?;
    let raw: Vec<Vec<u8>> = names.iter().map(|name| name.clone().into_bytes()).collect();
    let rest = |(name, value): (&String, Option<Vec<u8>>)| {
        let target = name.strip_prefix(keys::EXPORT_REST_PREFIX)?.to_owned();
        Some((target, serde_json::from_slice(&value?).ok()?))
    };
    Ok(names.iter().zip(kv.get(&raw).await?).filter_map(rest).collect())
}

/// Whether this is the one who may try a target that is in trouble. Everybody else goes on with
/// something better than waiting for the same answer.
pub async fn may_try(run: &Run, target: &str, holder: &str) -> ichnaea_kv::Result<bool> {
    // A try that is killed frees the target a little later.
    let ttl = run.context.config.objects.timeout + Duration::from_secs(20);
    run.context.kv.hold(&keys::export_try(target), holder, ttl).await
}

/// Ends what [`may_try`] began.
pub async fn has_tried(run: &Run, target: &str, holder: &str) {
    if let Err(failure) = run.context.kv.release(&keys::export_try(target), holder).await {
        debug!(export_config = target, "the right to try was not given back: {failure}");
    }
}

/// Lets a target rest after a failure, longer each time, and says so once a minute.
pub(super) async fn begin(
    run: &Run,
    target: &str,
    before: Option<Rest>,
    answer: &Answer,
) -> ichnaea_kv::Result<()> {
    let now_ms = run.context.clock.now_ms();
    let failures = before.as_ref().map_or(0, |rest| rest.failures).saturating_add(1);
    let pause = delivery::rest(failures, answer.retry_after);
    let rest = Rest {
        since_ms: before.map_or(now_ms, |rest| rest.since_ms),
        until_ms: now_ms.saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)),
        failures,
        why: answer.why.clone(),
    };
    let value = serde_json::to_vec(&rest).unwrap_or_default();
    let set = Op::Set { key: keys::export_rest(target).into_bytes(), value, ttl: Some(TTL) };
    run.context.kv.apply(vec![set]).await?;
    if lines().entry(target.to_owned()).or_default().is_to_be_noted(Instant::now()) {
        let since_s = (now_ms - rest.since_ms) / 1000;
        warn!(
            export_config = target,
            since_s,
            again_in_s = pause.as_secs(),
            "export target '{target}' gets nothing, its reports wait: {}",
            rest.why
        );
    }
    Ok(())
}

/// When each target was last spoken of.
fn lines() -> std::sync::MutexGuard<'static, BTreeMap<String, Waiting>> {
    static LINES: Mutex<BTreeMap<String, Waiting>> = Mutex::new(BTreeMap::new());
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_ends_in_time_and_when_the_clock_by_which_it_began_was_ahead() {
        let hour_ms = 3_600_000;
        let rest = Rest { since_ms: 0, until_ms: 30 * hour_ms, failures: 1, why: String::new() };
        for (now_ms, is_on) in [
            (30 * hour_ms, false),
            (30 * hour_ms - 1, true),
            (29 * hour_ms, true),
            (29 * hour_ms - 1, false),
            (i64::MIN, false),
        ] {
            assert_eq!(rest.is_on(now_ms), is_on, "{now_ms}");
        }
    }
}
