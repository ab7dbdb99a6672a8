//! `ichnaea task`: runs a background task by hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Subcommand;

use super::{print, table};
use crate::context::Context;
use crate::tasks::message::{self, Message};
use crate::tasks::{self, Outcome, PERIODIC, Run, Task, When, runner};

/// What to do with tasks.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Lists all tasks with their shards and when they run by themselves
    List,
    /// Sends a task to the workers
    #[command(after_help = "Without --shard it is sent for every shard it has.\n\nExamples:\n  \
        ichnaea task send update_cellarea\n  \
        ichnaea task send update_wifi --shard 0")]
    Send {
        /// Name of the task
        #[arg(value_parser = task)]
        name: Task,
        /// One shard of it, or the export target of `export_reports`
        #[arg(long)]
        shard: Option<String>,
    },
    /// Runs a task now, in this process
    #[command(after_help = "A task takes one batch, and further ones while its queue is ready. \
        Without --shard it runs for every shard it has.\n\nExamples:\n  \
        ichnaea task run update_incoming\n  \
        ichnaea task run update_wifi --shard 0\n  \
        ichnaea task run export_reports --shard internal")]
    Run {
        /// Name of the task
        #[arg(value_parser = task)]
        name: Task,
        /// One shard of it, or the export target of `export_reports`
        #[arg(long)]
        shard: Option<String>,
    },
}

/// Prints the list of tasks.
pub fn list() {
    let row = |task: Task| {
        vec![task.name().to_owned(), when(task), task.shards().join(" "), task.summary().to_owned()]
    };
    let head = ["name", "runs (UTC)", "shards", "what it does"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(Task::ALL.into_iter().map(row)).collect();
    for line in table(&rows, "  ") {
        print(line.trim_end());
    }
}

fn when(task: Task) -> String {
    let line = PERIODIC.iter().find(|periodic| periodic.task == task);
    match line.map(|periodic| periodic.when) {
        Some(When::Every(interval) | When::Since(interval)) => {
            format!("every {} s", interval.as_secs())
        }
        Some(When::At(cron)) => {
            let mut words = cron.split(' ');
            match (words.next(), words.next()) {
                (Some(minute), Some(hour)) => format!("daily at {hour:0>2}:{minute:0>2}"),
                _ => cron.to_owned(),
            }
        }
        None if task == Task::RenderMap => "every MAP_INTERVAL s".to_owned(),
        None => "on demand".to_owned(),
    }
}

/// How long a message that was sent by hand may wait.
const EXPIRES: Duration = Duration::from_mins(5);

/// Sends a task to the workers, for one shard or for all it has.
pub async fn send(context: &Context, task: Task, shard: Option<String>) -> anyhow::Result<()> {
    let now_ms = context.clock.now_ms();
    let arguments = arguments(task, shard)?;
    let messages = arguments.into_iter().map(|one| Message::new(task, one, now_ms, EXPIRES));
    let messages: Vec<_> = messages.collect();
    context.kv.apply(vec![message::send(&messages)]).await?;
    print(format!("{task}: sent to the workers"));
    Ok(())
}

/// The shards that are meant.
fn arguments(task: Task, shard: Option<String>) -> anyhow::Result<Vec<Option<String>>> {
    let shards = task.shards();
    if let Some(shard) = &shard
        && !shards.contains(shard)
        && !matches!(task, Task::ExportReports | Task::SentryTest)
    {
        match shards.as_slice() {
            [] => bail!("{task} has no shards"),
            shards => bail!("{task} has no shard '{shard}'; it has {}", shards.join(", ")),
        }
    }
    Ok(match shard {
        None if !shards.is_empty() => shards.into_iter().map(Some).collect(),
        one => vec![one],
    })
}

/// Runs a task for one shard, or for all it has.
pub async fn run(context: Arc<Context>, task: Task, shard: Option<String>) -> anyhow::Result<()> {
    let arguments = arguments(task, shard)?;
    let run = Run::new(Arc::clone(&context));
    let mut total = Outcome::default();
    for argument in arguments {
        let start = Instant::now();
        let outcome = tasks::run(&run, task, argument.as_deref()).await?;
        runner::log(task, argument.as_deref(), &outcome, start.elapsed().as_secs_f64());
        total.add(outcome);
    }
    context.metrics.flush().await;
    print(describe(task.name(), &total));
    Ok(())
}

/// One line about what was done.
#[must_use]
pub fn describe(what: &str, outcome: &Outcome) -> String {
    if outcome.is_idle() {
        return format!("{what}: nothing to do");
    }
    let counts = outcome.counts.iter().map(|(name, by)| format!("{} {by}", name.replace('_', " ")));
    let counts: Vec<String> = counts.collect();
    let items = outcome.items;
    if counts.is_empty() {
        format!("{what}: {items} items")
    } else {
        format!("{what}: {items} items ({})", counts.join(", "))
    }
}

fn task(name: &str) -> Result<Task, String> {
    Task::from_name(name).ok_or_else(|| {
        let names = Task::ALL.map(Task::name).join(", ");
        format!("the tasks are {names}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        assert_eq!(when(Task::UpdateIncoming), "every 32 s");
        assert_eq!(when(Task::UpdateStatregion), "daily at 00:07");
        assert_eq!(when(Task::ExportReports), "on demand");
    }

    #[test]
    fn what_was_done_is_one_line() {
        let mut outcome = Outcome::default();
        assert_eq!(describe("update_wifi", &outcome), "update_wifi: nothing to do");
        outcome.items = 3;
        outcome.count("lock_errors", 1);
        outcome.count("new", 2);
        assert_eq!(
            describe("update_wifi", &outcome),
            "update_wifi: 3 items (lock errors 1, new 2)"
        );
    }
}
