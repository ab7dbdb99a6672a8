//! Reports on their way into the tables.

use std::collections::BTreeMap;

use ichnaea_server::keys;
use ichnaea_server::tasks::drain::Drain;
use ichnaea_server::tasks::{self, Run, Task};
use ichnaea_testkit::cases::{
    self, Action, PipelineCase, Placeholders, Rules, Step, Tables, Tolerances,
};
use ichnaea_testkit::compare::{self, TimeSpan};
use serde_json::json;

use crate::request::NO_PROVIDER;
use crate::support::app::{App, Setting};
use crate::verdict::Verdicts;

/// The queue of the one export target.
const EXPORT_QUEUE: &str = "queue_export_internal";

/// All cases, each with empty tables.
pub async fn pipeline(setting: Setting<'_>) {
    let mut app = App::start_in(setting, NO_PROVIDER).await;
    let placeholders = Placeholders { now: app.now, provider: NO_PROVIDER.to_owned() };
    let mut verdicts = Verdicts::new("pipeline", setting);
    for case in cases::pipeline(&placeholders) {
        let differences = run_case(&mut app, &case).await;
        verdicts.add(&case.id, differences);
    }
    app.stop().await;
    verdicts.conclude();
}

async fn run_case(app: &mut App, case: &PipelineCase) -> Vec<String> {
    app.database.clear().await;
    app.clear_keyvalue().await;
    let mut given = case.given.clone();
    given.entry("export_config".to_owned()).or_insert_with(default_target);
    app.database.load(&given).await;

    let mut differences = Vec::new();
    for (index, step) in case.steps.iter().enumerate() {
        let step = run_step(app, step, &case.compare).await;
        differences.extend(step.into_iter().map(|text| format!("step {index}: {text}")));
    }
    let end = state(app, &case.expected_tables, &case.stat_counters, &case.compare).await;
    differences.extend(end);
    differences
}

/// The export target of cases without one of their own.
fn default_target() -> Vec<cases::Row> {
    let target = json!({
        "name": "internal", "batch": 1, "schema": "internal", "url": null, "skip_keys": null,
        "skip_sources": null,
    });
    target.as_object().cloned().into_iter().collect()
}

async fn run_step(app: &mut App, step: &Step, tolerances: &Tolerances) -> Vec<String> {
    let run = Run::new(app.context.clone());
    let mut differences = Vec::new();
    match step.action {
        Action::Request => {
            let request = step.request.as_ref().expect("a request to send");
            let answer = app.send(request).await;
            let expected = step.response.as_ref().expect("a response to expect");
            differences.extend(compare::response(expected, &Rules::new(), &answer));
        }
        Action::Drain => {
            app.settle().await;
            let drained = Drain { respects_batches: true }.run(&run, |_| {}).await;
            differences.extend(drained.err().map(|error| format!("drain: {error:#}")));
        }
        Action::UpdateStats => {
            for task in [Task::UpdateStatcounter, Task::UpdateStatregion] {
                differences.extend(run_task(&run, task).await);
            }
        }
        Action::Cleanup => {
            for task in [Task::CleanupStat, Task::CleanupDatamap] {
                differences.extend(run_task(&run, task).await);
            }
        }
    }
    if let Some(expected) = &step.expect {
        differences.extend(state(app, &expected.tables, &expected.stat_counters, tolerances).await);
        if let Some(reports) = expected.waiting_reports {
            let waiting = app.context.kv.queues(&[EXPORT_QUEUE.to_owned()]).await;
            let waiting = waiting.expect("the queue")[0].len;
            if waiting != reports {
                differences.push(format!("{waiting} waiting reports for {reports}"));
            }
        }
    }
    differences
}

/// Runs a task in every shard it has.
async fn run_task(run: &Run, task: Task) -> Vec<String> {
    let mut shards: Vec<_> = task.shards().into_iter().map(Some).collect();
    if shards.is_empty() {
        shards.push(None);
    }
    let mut failures = Vec::new();
    for shard in shards {
        let outcome = tasks::run_once(run, task, shard.as_deref()).await;
        failures.extend(outcome.err().map(|error| format!("{task}: {error:#}")));
    }
    failures
}

async fn state(
    app: &mut App,
    expected: &Tables,
    counters: &BTreeMap<String, i64>,
    tolerances: &Tolerances,
) -> Vec<String> {
    let span = TimeSpan { from: app.now, to: app.now };
    let found = app.database.read().await;
    let mut differences = compare::tables(expected, &found, tolerances, &span);
    differences.extend(compare::counters(counters, &stat_counters(app).await));
    differences
}

/// Counters that have not been carried over, by name; those of other days with their day.
async fn stat_counters(app: &App) -> BTreeMap<String, i64> {
    let names = app.context.kv.keys(keys::STAT_COUNTER_PREFIX).await.expect("counters");
    let raw: Vec<_> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
    let values = app.context.kv.get(&raw).await.expect("counters");
    let pairs = names.iter().zip(values).map(|(name, value)| {
        let (key, day) = keys::parse_stat_counter(name).expect("a counter of a day");
        let value = value.and_then(|text| String::from_utf8(text).ok()?.parse().ok()).unwrap_or(0);
        let is_today = day == app.now.date();
        (if is_today { key.name().to_owned() } else { format!("{} of {day}", key.name()) }, value)
    });
    pairs.collect()
}
