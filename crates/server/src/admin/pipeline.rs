//! `ichnaea pipeline`: what waits between a report and the tables, and working it off.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use clap::Subcommand;
use ichnaea_kv::KeyValue;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::task::describe;
use super::{dead_letters, print, print_json, table};
use crate::context::Context;
use crate::keys;
use crate::roles::signals::Signals;
use crate::seen::{self, Kind, Sign};
use crate::tasks::drain::{Drain, Progress};
use crate::tasks::export::{self, Rest};
use crate::tasks::{Run, runner};

/// What to do with the pipeline.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Works until every queue is empty, whatever the batch sizes and ages
    #[command(after_help = "Reports first, then stations, then cell areas, then the coverage \
        grid. May be interrupted and repeated: nothing is lost and nothing is applied twice. \
        Batches that a running worker holds are waited for; those of one that died come back \
        after LEASE_SECONDS.")]
    Drain {
        /// Leave export queues alone in which less than a batch waits
        #[arg(long)]
        respect_batches: bool,
    },
    /// Lists what could not be worked on, puts it back or throws it away
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Shows queues, batches in flight, dead letters, and which workers and schedulers are there
    Status {
        /// Print everything as JSON, empty queues too
        #[arg(long)]
        json: bool,
    },
}

/// Runs one of the commands; false when nothing was meant.
pub async fn run(
    context: Arc<Context>,
    command: Command,
    signals: &mut Signals,
) -> anyhow::Result<bool> {
    match command {
        Command::Drain { respect_batches } => {
            drain(context, respect_batches, signals).await?;
            Ok(true)
        }
        Command::DeadLetters(command) => tokio::select! {
            done = dead_letters::run(&*context.kv, context.config.lease, command) => done,
            stop = signals.stop() => Err(anyhow::anyhow!("interrupted by {}", stop.name())),
        },
        Command::Status { json } => {
            let status = Status::gather(&*context.kv).await?;
            if json {
                print_json(&status)?;
            } else {
                status.lines().iter().for_each(print);
            }
            Ok(true)
        }
    }
}

/// Drains, with a bar on a terminal and plain lines elsewhere. An interrupt gives back what is
/// held.
async fn drain(
    context: Arc<Context>,
    respects_batches: bool,
    signals: &mut Signals,
) -> anyhow::Result<()> {
    let run = Run::new(Arc::clone(&context));
    let bar = Bar::new();
    let drain = Drain { respects_batches };
    let result = tokio::select! {
        result = drain.run(&run, |progress| bar.show(&progress)) => result,
        stop = signals.stop() => Err(anyhow::anyhow!("interrupted by {}", stop.name())),
    };
    bar.clear();
    if result.is_err() {
        runner::give_back(&run).await;
    }
    context.metrics.flush().await;
    for (stage, outcome) in result? {
        print(describe(stage, &outcome));
    }
    Ok(())
}

struct Bar(ProgressBar);

impl Bar {
    /// Draws on standard error, and nothing where that is no terminal.
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg:14} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, progress: &Progress<'_>) {
        let bar = &self.0;
        match *progress {
            Progress::Worked { stage, outcome, left } => {
                if bar.message() != stage {
                    bar.reset();
                    bar.set_message(stage);
                }
                bar.inc(outcome.items);
                bar.set_length(bar.position() + left);
            }
            Progress::Waiting { stage, items } => {
                let message = format!("{stage}: waiting for {items} items that others hold");
                if bar.message() != message {
                    if bar.is_hidden() {
                        print(&message);
                    }
                    bar.set_message(message);
                }
            }
        }
    }

    fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// Everything between a report and the tables.
#[derive(Debug, Serialize)]
pub struct Status {
    pub(super) queues: Vec<Queue>,
    pub(super) dead_letters: Vec<DeadLetters>,
    /// Export targets that get nothing at the moment.
    pub(super) resting: BTreeMap<String, Rest>,
    pub(super) seen: Vec<Sign>,
}

#[derive(Debug, Serialize)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) waiting: u64,
    pub(super) in_flight: u64,
    pub(super) age_s: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct DeadLetters {
    pub(super) queue: String,
    pub(super) kept: u64,
    counts: BTreeMap<String, u64>,
}

impl Status {
    /// Asks the key-value store.
    pub async fn gather(kv: &dyn KeyValue) -> anyhow::Result<Self> {
        let mut names: Vec<String> =
            keys::data_queues().into_iter().map(|queue| queue.name).collect();
        names.splice(1..1, kv.queue_names(keys::EXPORT_PREFIX).await?);
        let states = kv.queues(&names).await?;
        let queues = names.into_iter().zip(states).map(|(name, state)| Queue {
            name,
            waiting: state.len,
            in_flight: state.in_flight,
            age_s: state.age.map(|age| age.as_secs()),
        });
        Ok(Self {
            queues: queues.collect(),
            dead_letters: kept_letters(kv).await?,
            resting: export::resting(kv).await?,
            seen: seen::lately(kv).await?,
        })
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let busy: Vec<_> =
            self.queues.iter().filter(|queue| queue.waiting + queue.in_flight > 0).collect();
        if busy.is_empty() {
            lines.push("All queues are empty.".to_owned());
        } else {
            let head = ["queue", "waiting", "in flight", "age (s)"].map(str::to_owned).to_vec();
            let row = |queue: &&Queue| {
                let age = queue.age_s.map_or_else(String::new, |age_s| age_s.to_string());
                let (waiting, in_flight) = (queue.waiting.to_string(), queue.in_flight.to_string());
                vec![queue.name.clone(), waiting, in_flight, age]
            };
            let rows: Vec<_> = std::iter::once(head).chain(busy.iter().map(row)).collect();
            lines.extend(table(&rows, "  "));
        }
        for DeadLetters { queue, kept, counts } in &self.dead_letters {
            let counts = counts.iter().map(|(reason, count)| format!("{reason} {count}"));
            let counts: Vec<String> = counts.collect();
            let counts = counts.join(", ");
            lines.push(format!("Dead letters of {queue}: {kept} kept; ever: {counts}"));
        }
        for (target, Rest { since_ms, failures, why, .. }) in &self.resting {
            let since = DateTime::from_timestamp_millis(*since_ms).unwrap_or_default().naive_utc();
            lines.push(format!(
                "Export target {target} gets nothing since {}, {failures} tries: {why}",
                since.format("%Y-%m-%d %H:%M:%S")
            ));
        }
        for kind in [Kind::Worker, Kind::Scheduler] {
            let of_kind: Vec<&Sign> = self.seen.iter().filter(|sign| sign.kind == kind).collect();
            if of_kind.is_empty() {
                lines.push(format!("No {} was seen in the last minute.", kind.name()));
            }
            lines.extend(of_kind.into_iter().map(describe_sign));
        }
        lines
    }
}

fn describe_sign(sign: &Sign) -> String {
    let Sign { kind, host, pid, version, started, seen, concurrency } = sign;
    let kind = kind.name();
    let concurrency = concurrency.map_or_else(String::new, |tasks| format!(", {tasks} at a time"));
    format!(
        "{kind} on {host}: process {pid}, release {version}{concurrency}, started {started}, seen {seen}"
    )
}

async fn kept_letters(kv: &dyn KeyValue) -> anyhow::Result<Vec<DeadLetters>> {
    let mut letters: BTreeMap<String, DeadLetters> = BTreeMap::new();
    let lists = kv.queue_names(keys::DEAD_PREFIX).await?;
    for (list, state) in lists.iter().zip(kv.queues(&lists).await?) {
        let queue = list.strip_prefix(keys::DEAD_PREFIX).unwrap_or(list).to_owned();
        of_queue(&mut letters, queue).kept = state.len + state.in_flight;
    }
    let counters = kv.keys(keys::DEAD_COUNT_PREFIX).await?;
    let names: Vec<Vec<u8>> = counters.iter().map(|name| name.clone().into_bytes()).collect();
    for (counter, value) in counters.iter().zip(kv.get(&names).await?) {
        let name = counter.strip_prefix(keys::DEAD_COUNT_PREFIX).unwrap_or(counter);
        let Some((queue, reason)) = name.rsplit_once(':') else { continue };
        let count = value.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
        let entry = of_queue(&mut letters, queue.to_owned());
        entry.counts.insert(reason.to_owned(), count.unwrap_or(0));
    }
    Ok(letters.into_values().collect())
}

fn of_queue(letters: &mut BTreeMap<String, DeadLetters>, queue: String) -> &mut DeadLetters {
    let empty =
        |queue: &String| DeadLetters { queue: queue.clone(), kept: 0, counts: BTreeMap::new() };
    letters.entry(queue).or_insert_with_key(empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_queues_are_left_out_of_the_table() {
        let queue = |name: &str, waiting, in_flight| Queue {
            name: name.into(),
            waiting,
            in_flight,
            age_s: Some(7),
        };
        let letters = DeadLetters {
            queue: "update_wifi_0".into(),
            kept: 2,
            counts: BTreeMap::from([("undecodable".to_owned(), 5)]),
        };
        let mut status = Status {
            queues: vec![queue("update_incoming", 3, 0), queue("update_cellarea", 0, 0)],
            dead_letters: vec![letters],
            resting: BTreeMap::from([(
                "partner".to_owned(),
                Rest {
                    since_ms: 1_769_860_800_000,
                    until_ms: 0,
                    failures: 3,
                    why: "partner.example answered 503".into(),
                },
            )]),
            seen: vec![Sign {
                kind: Kind::Worker,
                host: "box".into(),
                pid: 7,
                version: "0.1.0".into(),
                started: "2026-01-31T12:00:00".parse().unwrap(),
                seen: "2026-01-31T12:05:00".parse().unwrap(),
                concurrency: Some(4),
            }],
        };
        assert_eq!(
            status.lines(),
            [
                "queue            waiting  in flight  age (s)",
                "update_incoming  3        0          7      ",
                "Dead letters of update_wifi_0: 2 kept; ever: undecodable 5",
                "Export target partner gets nothing since 2026-01-31 12:00:00, 3 tries: \
                 partner.example answered 503",
                "worker on box: process 7, release 0.1.0, 4 at a time, started 2026-01-31 12:00:00, \
                 seen 2026-01-31 12:05:00",
                "No scheduler was seen in the last minute.",
            ]
        );
        status.queues.clear();
        assert_eq!(status.lines()[0], "All queues are empty.");
    }
}
