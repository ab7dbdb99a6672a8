//! Reports how much waits, and lets the rate controller follow it.

use std::collections::{BTreeMap, BTreeSet};

use ichnaea_domain::datamap::Quadrant;
use ichnaea_domain::export::{ExportConfig, Schema};
use ichnaea_domain::rate_control::{self, Controller, Loaded, Parameter, Step};
use ichnaea_domain::station::{Kind, Shard};
use ichnaea_kv::Op;
use tracing::warn;

use super::{Outcome, Run, export};
use crate::context::Context;
use crate::keys;
use crate::metrics::{QueueType, RateControl};

/// Loads the controller, reports the queues and the transaction history, and does one step when
/// the controller is on.
pub async fn run(run: &Run) -> anyhow::Result<Outcome> {
    let ctx = &run.context;
    let loaded = load(ctx).await?;
    let mut outcome = Outcome::default();
    let backlog = report_queues(ctx, &mut outcome).await?;
    let history = ctx.writer.transaction_history_length().await?;
    if let Some(length) = history {
        ctx.metrics.trx_history_length(length);
    }
    let mut rate = loaded.sample_rate;
    if let Some(controller) = loaded.controller {
        let step = controller.step(backlog, history, ctx.clock.now_ms() as f64 / 1000.0);
        ctx.kv.apply(sets(step.writes())).await?;
        outcome.count("rate_changed", u64::from(step.rate.to_bits() != rate.to_bits()));
        rate = step.rate;
        report_step(ctx, &controller, &step, history.is_some());
    }
    ctx.metrics.rate_control_locate(rate);
    Ok(outcome)
}

/// Reads the controller and writes back what counts where a text is missing or wrong.
async fn load(ctx: &Context) -> anyhow::Result<Loaded> {
    let names = Parameter::ALL.map(Parameter::name).into_iter().chain([rate_control::STATE]);
    let names: Vec<&'static str> = names.collect();
    let raw: Vec<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
    let values = ctx.kv.get(&raw).await?;
    let texts: BTreeMap<&str, Vec<u8>> =
        names.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect();
    let text = |key: &str| texts.get(key).map(Vec::as_slice);
    let mut loaded = rate_control::load(text);
    for warning in &loaded.warnings {
        let rate_control::Warning { key, found, wanted, now } = warning;
        warn!(key, found, wanted, now, "a setting of the rate controller cannot be used");
    }
    // Not again every minute: what is there already stays.
    loaded.writes.retain(|(key, new)| text(key) != Some(new.as_bytes()));
    if !loaded.writes.is_empty() {
        ctx.kv.apply(sets(loaded.writes.clone())).await?;
    }
    Ok(loaded)
}

fn sets(writes: Vec<(&'static str, String)>) -> Vec<Op> {
    let set = |(key, text): (&str, String)| Op::Set {
        key: key.as_bytes().to_vec(),
        value: text.into_bytes(),
        ttl: None,
    };
    writes.into_iter().map(set).collect()
}

/// One amount for each queue; how many observations wait to be learned from.
///
/// A batch that a worker holds does not wait in its queue any more but is not done either: it is
/// part of the backlog. Otherwise a batch that fails again and again would look like progress.
async fn report_queues(ctx: &Context, outcome: &mut Outcome) -> anyhow::Result<u64> {
    let tasks: Vec<String> =
        keys::CELERY_QUEUES.into_iter().chain([keys::TASKS]).map(str::to_owned).collect();
    for (queue, state) in tasks.iter().zip(ctx.kv.queues(&tasks).await?) {
        ctx.metrics.queue(queue, QueueType::Task, None, state.len);
        outcome.items += 1;
    }
    let mut queues = fixed_queues();
    // Without the database, queues in which something waits are still found.
    let configs = ctx.writer.export_configs().await.unwrap_or_default();
    report_resting(ctx, &configs).await?;
    queues.extend(
        export_queues(ctx, &configs).await?.into_iter().map(|name| (DataType::Export, name)),
    );
    let names: Vec<String> = queues.iter().map(|(_, name)| name.clone()).collect();
    let mut backlog = 0;
    for ((data_type, queue), state) in queues.iter().zip(ctx.kv.queues(&names).await?) {
        ctx.metrics.queue(queue, QueueType::Data, Some(data_type.name()), state.len);
        ctx.metrics.queue_in_flight(queue, state.in_flight);
        outcome.items += 1;
        if let DataType::Observation(_) = data_type {
            backlog += state.len + state.in_flight;
        }
    }
    let lists = ctx.kv.queue_names(keys::DEAD_PREFIX).await?;
    for (list, state) in lists.iter().zip(ctx.kv.queues(&lists).await?) {
        let queue = list.strip_prefix(keys::DEAD_PREFIX).unwrap_or(list);
        ctx.metrics.queue_dead_letters(queue, state.len + state.in_flight);
    }
    Ok(backlog)
}

/// The queues of all export targets, empty ones too, and those of targets that are gone.
async fn export_queues(
    ctx: &Context,
    configs: &[ExportConfig],
) -> anyhow::Result<BTreeSet<String>> {
    let found = ctx.kv.queue_names(keys::EXPORT_PREFIX).await?;
    let single = configs.iter().filter(|config| config.queue_prefix().is_none());
    Ok(found.into_iter().chain(single.map(|config| config.queue("", None))).collect())
}

/// How long each target outside has taken nothing.
async fn report_resting(ctx: &Context, configs: &[ExportConfig]) -> anyhow::Result<()> {
    let names = configs.iter().map(|config| config.name.as_str());
    let resting = export::resting_of(&*ctx.kv, names).await?;
    let now_ms = ctx.clock.now_ms();
    let is_outside =
        |config: &&ExportConfig| matches!(config.target(), Some(Schema::Geosubmit | Schema::S3));
    for config in configs.iter().filter(is_outside) {
        let since_ms = resting.get(&config.name).map_or(now_ms, |rest| rest.since_ms);
        let seconds = u64::try_from((now_ms - since_ms) / 1000).unwrap_or(0);
        ctx.metrics.export_away(&config.name, seconds);
    }
    Ok(())
}

/// What waits in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DataType {
    Report,
    Observation(Kind),
    Area,
    Grid,
    Statistic,
    Export,
}

impl DataType {
    /// The name in metrics: the original's, and two of ours.
    const fn name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Observation(Kind::Blue) => "bluetooth",
            Self::Observation(Kind::Cell) => "cell",
            Self::Observation(Kind::Wifi) => "wifi",
            Self::Area => "cellarea",
            Self::Grid => "datamap",
            Self::Statistic => "stat",
            Self::Export => "export",
        }
    }
}

/// All data queues with a fixed name and what waits in them.
fn fixed_queues() -> Vec<(DataType, String)> {
    let of = |data_type| move |queue: ichnaea_kv::queue::DataQueue| (data_type, queue.name);
    let observations = Shard::all()
        .map(|shard| (DataType::Observation(shard.kind()), keys::observations(shard).name));
    std::iter::once(of(DataType::Report)(keys::incoming()))
        .chain(keys::cell_areas().map(of(DataType::Area)))
        .chain(observations)
        .chain(Quadrant::ALL.map(keys::datamap).map(of(DataType::Grid)))
        .chain([of(DataType::Statistic)(keys::stat_updates())])
        .collect()
}

fn report_step(ctx: &Context, controller: &Controller, step: &Step, knows_history: bool) {
    if knows_history {
        let Controller { trx_min, trx_max, .. } = *controller;
        ctx.metrics.trx_history_control(trx_min, trx_max, step.is_purging);
    }
    let state = step.state.as_ref();
    ctx.metrics.rate_control(&RateControl {
        target: controller.target as f64,
        kp: controller.kp,
        ki: controller.ki,
        kd: controller.kd,
        pterm: state.map_or(0.0, |state| state.p_term),
        iterm: state.map_or(0.0, |state| state.i_term),
        dterm: state.map_or(0.0, |state| state.d_term),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_queue_is_watched_once() {
        let watched: BTreeSet<_> = fixed_queues().into_iter().map(|(_, name)| name).collect();
        let all: BTreeSet<_> = keys::data_queues().into_iter().map(|queue| queue.name).collect();
        assert_eq!(watched, all);
        assert_eq!(fixed_queues().len(), all.len());
    }
}
