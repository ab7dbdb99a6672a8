//! Hands arrived reports to the export targets that want them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use ichnaea_domain::export::ExportConfig;
use ichnaea_domain::report::{ExportedReport, QueuedReport};
use ichnaea_kv::queue::{DataQueue, is_ready};
use ichnaea_kv::{Op, Taken};
use tracing::warn;

use super::batch::{Done, GivingUp, decode_all, work_on};
use super::message::{Message, send};
use super::run::REPORTS_AT_ONCE;
use super::tally::Tally;
use super::{EXPORT_EXPIRES, Outcome, Run, Task, export, export_reports};
use crate::{fault, keys};

/// Reports kept for a target that nothing here takes reports for; the oldest go first.
const UNCLAIMED_KEPT: usize = 100_000;

/// Distributes one batch, then asks for the export of every queue that is ready, even when no
/// report arrived: a queue becomes ready by age too.
pub async fn run(run: &Run) -> anyhow::Result<Outcome> {
    let configs = run.context.writer.export_configs().await?;
    let mut outcome = distribute(run, &configs).await?;
    fault::point("incoming_before_export");
    outcome.count("exports", request_exports(run, &configs).await?);
    Ok(outcome)
}

/// Distributes one batch, a part at a time.
pub async fn distribute(run: &Run, configs: &[ExportConfig]) -> anyhow::Result<Outcome> {
    let queue = keys::incoming();
    let mut outcome = Outcome::default();
    let mut left = queue.batch;
    while left > 0 {
        let at_once = left.min(REPORTS_AT_ONCE);
        let work = |taken| std::future::ready(decide(&queue, taken, configs));
        let worked = work_on(run, &queue.name, at_once, GivingUp::AfterTries, work).await?;
        let Some(worked) = worked else { break };
        outcome.add(worked);
        left -= at_once;
    }
    if !outcome.is_idle() {
        outcome.is_ready = run.is_ready(&queue).await?;
    }
    Ok(outcome)
}

fn decide(queue: &DataQueue, taken: Taken, configs: &[ExportConfig]) -> anyhow::Result<Done> {
    let (reports, dead) = decode_all(taken.items, |item| queue.decode(item));
    let mut outcome = Outcome::of(reports.len());
    outcome.count("reports", reports.len() as u64);
    let ops = pushes(reports, configs)?;
    fault::point("incoming_decided");
    Ok(Done { ops, dead, outcome, tally: Tally::Nothing })
}

/// Appends every report to the queue of every target that wants it.
///
/// Reports of one API key and source stay together and in order, as the original has it. The names
/// of access points and whatever else is no part of a report end here.
fn pushes(reports: Vec<QueuedReport>, configs: &[ExportConfig]) -> anyhow::Result<Vec<Op>> {
    let form = keys::export("", 0);
    let mut queues: BTreeMap<String, (bool, Vec<Vec<u8>>)> = BTreeMap::new();
    for Group { api_key, source, reports } in grouped(reports) {
        let is_wanting = |config: &&ExportConfig| config.wants(api_key.as_deref(), &source);
        let items = form.encode(&reports).map_err(anyhow::Error::msg)?;
        for config in configs.iter().filter(is_wanting) {
            let name = config.queue(&source, api_key.as_deref());
            let is_claimed = config.target().is_some();
            let (_, waiting) = queues.entry(name).or_insert((is_claimed, Vec::new()));
            waiting.extend(items.iter().cloned());
        }
    }
    let push = |(queue, (is_claimed, items))| {
        if is_claimed {
            Op::Push { queue, items }
        } else {
            Op::PushBounded { queue, items, keep: UNCLAIMED_KEPT }
        }
    };
    Ok(queues.into_iter().map(push).collect())
}

/// Reports of one API key and source, in order.
struct Group {
    api_key: Option<String>,
    source: String,
    reports: Vec<ExportedReport>,
}

/// All groups, in order of first appearance.
fn grouped(reports: Vec<QueuedReport>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<(Option<String>, String), usize> = HashMap::new();
    for report in reports {
        let (api_key, source) = (report.api_key.clone(), report.source().to_owned());
        let place = *places.entry((api_key.clone(), source.clone())).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.reports.push(report.into()),
            None => groups.push(Group { api_key, source, reports: vec![report.into()] }),
        }
    }
    groups
}

/// Sends a message for every export queue that is ready and whose target does not rest; their
/// number.
async fn request_exports(run: &Run, configs: &[ExportConfig]) -> anyhow::Result<u64> {
    let names = configs.iter().map(|config| config.name.as_str());
    let resting = export::resting_of(&*run.context.kv, names).await?;
    let now_ms = run.context.clock.now_ms();
    let may_be_asked = |config: &ExportConfig| {
        is_supported(config) && !resting.get(&config.name).is_some_and(|rest| rest.is_on(now_ms))
    };
    let mut queues = export_reports::queues(run, configs).await?;
    queues.retain(|(config, _)| may_be_asked(config));
    let names: Vec<String> = queues.iter().map(|(_, name)| name.clone()).collect();
    let states = run.context.kv.queues(&names).await?;
    let messages: Vec<Message> = queues
        .into_iter()
        .zip(&states)
        .filter(|((config, _), state)| {
            is_ready(state, config.batch_size()) || has_returned(state.in_flight)
        })
        .map(|((_, name), _)| Message::new(Task::ExportReports, Some(name), now_ms, EXPORT_EXPIRES))
        .collect();
    if !messages.is_empty() {
        run.context.kv.apply(vec![send(&messages)]).await?;
        fault::point("incoming_export_sent");
    }
    Ok(messages.len() as u64)
}

/// Whether a batch may have been left behind by a worker that died. Nothing waits in the queue
/// itself then, so the export has to look.
const fn has_returned(in_flight: u64) -> bool {
    in_flight > 0
}

/// Whether anybody takes reports for a target. The newest ones for others are kept.
#[must_use]
pub fn is_exported(config: &ExportConfig) -> bool {
    config.target().is_some()
}

/// As [`is_exported`], and says in the log once which target is not served.
#[must_use]
pub fn is_supported(config: &ExportConfig) -> bool {
    let is_exported = is_exported(config);
    if !is_exported {
        warn_once(&config.name, "no export target of this kind; its newest reports are kept");
    }
    is_exported
}

fn warn_once(name: &str, problem: &str) {
    static WARNED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut warned = WARNED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if warned.insert(name.to_owned()) {
        warn!(export_config = name, "{problem}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, schema: &str, skip_keys: &str, skip_sources: &str) -> ExportConfig {
        ExportConfig {
            name: name.into(),
            schema: Some(schema.into()),
            skip_keys: Some(skip_keys.into()),
            skip_sources: Some(skip_sources.into()),
            ..ExportConfig::default()
        }
    }

    fn report(api_key: Option<&str>, source: Option<&str>, timestamp: i64) -> QueuedReport {
        let mut report = QueuedReport {
            api_key: api_key.map(str::to_owned),
            source: source.map(str::to_owned),
            ..QueuedReport::default()
        };
        report.report.timestamp = Some(timestamp);
        report
    }

    /// Queue name, bound, and the timestamps of the reports in it.
    fn contents(ops: Vec<Op>) -> Vec<(String, Option<usize>, Vec<i64>)> {
        let queue = keys::export("", 0);
        let times = |items: Vec<Vec<u8>>| {
            let time = |item: &Vec<u8>| {
                queue.decode::<ExportedReport>(item).unwrap().report.timestamp.unwrap()
            };
            items.iter().map(time).collect()
        };
        ops.into_iter()
            .map(|op| match op {
                Op::Push { queue, items } => (queue, None, times(items)),
                Op::PushBounded { queue, items, keep } => (queue, Some(keep), times(items)),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn every_report_goes_to_every_target_that_wants_it() {
        let reports = vec![
            report(Some("test"), Some("gnss"), 1),
            report(None, Some("query"), 2),
            report(Some("test"), None, 3),
            report(None, None, 4),
        ];
        let configs = [
            config("internal", "internal", "", ""),
            config("partner", "geosubmit", "test", ""),
            config("backup", "s3", "", "query"),
            config("odd", "carrier-pigeon", "", ""),
            config("nothing", "dummy", "test", "gnss,query"),
        ];
        let expected = vec![
            ("queue_export_backup:gnss:no_key".to_owned(), None, vec![4]),
            ("queue_export_backup:gnss:test".to_owned(), None, vec![1, 3]),
            ("queue_export_internal".to_owned(), None, vec![1, 3, 2, 4]),
            ("queue_export_odd".to_owned(), Some(UNCLAIMED_KEPT), vec![1, 3, 2, 4]),
            ("queue_export_partner".to_owned(), None, vec![2, 4]),
        ];
        assert_eq!(contents(pushes(reports, &configs).unwrap()), expected);
    }

    #[test]
    fn without_a_target_nothing_is_kept() {
        assert_eq!(pushes(vec![report(None, None, 1)], &[]).unwrap(), []);
    }
}
