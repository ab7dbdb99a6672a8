//! Sends one batch of an export queue to its target.

use anyhow::bail;
use ichnaea_domain::export::{ExportConfig, Schema};
use uuid::Uuid;

use super::batch::{self, GivingUp, Postponed};
use super::export::{deliver, has_tried, learn_from, may_try, rest_of};
use super::run::REPORTS_AT_ONCE;
use super::{Outcome, Run, update_incoming};
use crate::keys;

/// Reports that are sent at once when a target wants "everything": what a service of this kind
/// takes in one request.
const SENT_AT_ONCE: usize = 1000;
/// The largest batch of a target; more than this has no place in memory.
const MAX_BATCH: usize = 100_000;

/// The name under which an outcome counts batches whose target could not be reached.
pub const UNREACHED: &str = "unreached";

/// Whether a target that rests is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resting {
    /// Yes.
    Respected,
    /// No: somebody wants to know now.
    Ended,
}

/// Exports one batch of the queue, or of each queue of the target, that `argument` names; without
/// one, of every target.
pub async fn run(run: &Run, argument: Option<&str>) -> anyhow::Result<Outcome> {
    let configs = run.context.writer.export_configs().await?;
    let is_meant = |config: &&ExportConfig| {
        argument.is_none_or(|name| name == config.name || config.owns(name))
    };
    let mut outcome = Outcome::default();
    let mut is_ready = false;
    let meant: Vec<&ExportConfig> = configs.iter().filter(is_meant).collect();
    if let (Some(name), []) = (argument, meant.as_slice()) {
        bail!("no export target is called {name}");
    }
    for config in meant {
        let queues = match argument.filter(|name| config.owns(name)) {
            Some(queue) => vec![queue.to_owned()],
            None => queues(run, std::slice::from_ref(config))
                .await?
                .into_iter()
                .map(|it| it.1)
                .collect(),
        };
        for queue in queues {
            outcome.add(export(run, config, &queue, Resting::Respected).await?);
            is_ready |= outcome.is_ready;
        }
    }
    Ok(Outcome { is_ready, ..outcome })
}

/// The queues of these targets, each with its target. Those of buckets are the ones that exist.
pub async fn queues<'a>(
    run: &Run,
    configs: &'a [ExportConfig],
) -> anyhow::Result<Vec<(&'a ExportConfig, String)>> {
    let has_many = |config: &ExportConfig| config.queue_prefix().is_some();
    let found = if configs.iter().any(has_many) {
        run.context.kv.queue_names(keys::EXPORT_PREFIX).await?
    } else {
        Vec::new()
    };
    let mut queues = Vec::new();
    for config in configs {
        if has_many(config) {
            let own = found.iter().filter(|queue| config.owns(queue));
            queues.extend(own.map(|queue| (config, queue.clone())));
        } else {
            queues.push((config, config.queue("", None)));
        }
    }
    Ok(queues)
}

/// Exports one batch of a queue of a target that can be exported to.
pub async fn export(
    run: &Run,
    config: &ExportConfig,
    queue: &str,
    resting: Resting,
) -> anyhow::Result<Outcome> {
    if !update_incoming::is_supported(config) {
        return Ok(Outcome::default());
    }
    let is_internal = config.target() == Some(Schema::Internal);
    let take = match config.batch_size() {
        // "Everything" is taken in parts, so that a backlog does not have to fit into memory.
        0 if !is_internal => SENT_AT_ONCE,
        // The batch says when it is worth starting; how much of ours we take then is our affair. Small batches
        // would pay for the way to the key-value store once for each report.
        batch if is_internal => batch.max(REPORTS_AT_ONCE),
        batch => batch.min(MAX_BATCH),
    };
    let worked = if is_internal {
        let work = |taken| learn_from(run, &config.name, taken);
        batch::work_on(run, queue, take, GivingUp::AfterTries, work).await
    } else {
        let rest = rest_of(&*run.context.kv, &config.name).await?;
        let now_ms = run.context.clock.now_ms();
        if resting == Resting::Respected && rest.as_ref().is_some_and(|rest| rest.is_on(now_ms)) {
            return Ok(Outcome::default());
        }
        let holder = rest.is_some().then(|| Uuid::new_v4().to_string());
        if let Some(holder) = &holder
            && !may_try(run, &config.name, holder).await?
        {
            return Ok(Outcome::default());
        }
        let work = |taken| deliver(run, config, queue, rest, taken);
        let worked = batch::work_on(run, queue, take, GivingUp::ByWork, work).await;
        if let Some(holder) = &holder {
            has_tried(run, &config.name, holder).await;
        }
        worked
    };
    let mut outcome = match worked {
        Ok(outcome) => outcome.unwrap_or_default(),
        Err(failure) => match failure.downcast_ref::<Postponed>() {
            // Said where it happened; it is no failure of the task.
            Some(postponed) => return Ok(not_now(postponed)),
            None => return Err(failure),
        },
    };
    if !outcome.is_idle() {
        outcome.is_ready = run.is_ready(&keys::export(queue, config.batch_size())).await?;
    }
    Ok(outcome)
}

fn not_now(postponed: &Postponed) -> Outcome {
    let mut outcome = Outcome::default();
    let what = if postponed.pause.is_zero() { UNREACHED } else { "refused" };
    outcome.count(what, 1);
    // A refused batch is not in the way of the next one.
    outcome.is_ready = !postponed.pause.is_zero();
    outcome
}
