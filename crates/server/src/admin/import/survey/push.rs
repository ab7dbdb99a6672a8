//! The way of reports from a file into the pipeline, each of them exactly once.
//!
//! How far a file has come is an item in a queue of its own. It is taken, and what finishes this
//! little batch are the next reports on their way and the item with the new number, in one atomic
//! step. So the number and the queue of reports never disagree, whatever is killed when; whoever
//! comes second, at the same time or later, finds the number and goes on from there.

use std::time::{Duration, Instant};

use anyhow::bail;
use ichnaea_domain::station::Shard;
use ichnaea_kv::{Error, Op};
use uuid::Uuid;

use super::Teller;
use crate::context::Context;
use crate::tasks::waiting::Waiting;
use crate::{fault, keys};

/// How long a run that was killed keeps the item from the next one. Between taking it and giving it
/// back lies one call.
const LEASE: Duration = Duration::from_secs(3);
/// How long beginning may take.
const START_LEASE: Duration = Duration::from_secs(10);
/// Between two looks at something that another has.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Between two looks at queues that are full.
const LOOK_AT_QUEUES: Duration = Duration::from_millis(500);
/// Between two lines about the same wait.
const TELL_EVERY: Duration = Duration::from_secs(30);
/// Most items that may wait: some minutes of work, and less memory than hurts anybody.
const MAX_WAITING: u64 = 200_000;

/// The item is gone. Whoever came to the end of the file first removes it.
#[derive(Debug, thiserror::Error)]
#[error("somebody removed the number of reports that are queued: {0}")]
pub struct Removed(String);

/// Queues the reports of one file.
pub struct Push<'c> {
    pub(super) context: &'c Context,
    /// Queue of the item that says how far the file has come.
    progress: String,
    /// Reports of the file that are known to be queued.
    queued: u64,
    /// Names of the queues whose lengths count, and from which length on.
    queues: Vec<(String, u64)>,
    limit: u64,
    pub(super) tell: &'c Teller<'c>,
}

impl<'c> Push<'c> {
    /// Finds out how far the file came before, or begins.
    pub async fn begin(
        context: &'c Context,
        progress: String,
        tell: &'c Teller<'c>,
    ) -> anyhow::Result<Self> {
        let observations = Shard::all().map(|shard| (keys::observations(shard).name, 1));
        let mut queues: Vec<(String, u64)> =
            std::iter::once((keys::UPDATE_INCOMING.to_owned(), 1)).chain(observations).collect();
        for config in context.writer.export_configs().await? {
            // Less than a batch may wait for an hour, and this would wait with it.
            queues.push((config.queue("", None), config.batch_size() as u64));
        }
        // Half of the room is left to submissions, which are refused when it is used up.
        let limit = match context.config.max_waiting_reports {
            0 => MAX_WAITING,
            reports => (reports / 2).clamp(1, MAX_WAITING),
        };
        let mut push = Self { context, progress, queued: 0, queues, limit, tell };
        loop {
            push.start().await?;
            fault::point("log_started");
            match push.look().await {
                // Whoever began before came to the end of the file just now.
                Err(failure) if failure.is::<Removed>() => {}
                queued => {
                    push.queued = queued?;
                    return Ok(push);
                }
            }
        }
    }

    /// How many reports of the file are queued already.
    #[must_use]
    pub const fn queued(&self) -> u64 {
        self.queued
    }

    /// Puts the item into its queue, unless it is there. Two that begin at once take turns.
    async fn start(&self) -> anyhow::Result<()> {
        let (kv, lease) = (&self.context.kv, keys::import_start(&self.progress));
        let holder = Uuid::now_v7().to_string();
        while !kv.hold(&lease, &holder, START_LEASE).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if !is_begun(self.context, &self.progress).await? {
            kv.apply(vec![self.item(0)]).await?;
            fault::point("log_begun");
        }
        Ok(kv.release(&lease, &holder).await?)
    }

    fn item(&self, queued: u64) -> Op {
        Op::Push { queue: self.progress.clone(), items: vec![queued.to_string().into_bytes()] }
    }

    /// Takes the item: the id of the batch it is, and the number.
    async fn take(&self) -> anyhow::Result<(String, u64)> {
        loop {
            if let Some(taken) = self.context.kv.take(&self.progress, 0, LEASE).await? {
                let number = |item: &Vec<u8>| std::str::from_utf8(item).ok()?.parse().ok();
                let queued = taken.items.iter().filter_map(number).max().unwrap_or(0);
                return Ok((taken.id, queued));
            }
            if !is_begun(self.context, &self.progress).await? {
                bail!(Removed(self.progress.clone()));
            }
            // Somebody imports the same file just now, or was killed a moment ago.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self) -> anyhow::Result<u64> {
        loop {
            let (id, queued) = self.take().await?;
            if self.context.kv.finish(&self.progress, &id, vec![self.item(queued)]).await? {
                return Ok(queued);
            }
        }
    }

    /// Queues reports, of which the first is number `start` of the file (from 0): those among them
    /// that are not queued yet. Waits while too much waits, and while the store is away.
    pub async fn push(&mut self, start: u64, items: &[Vec<u8>]) -> anyhow::Result<()> {
        let end = start + items.len() as u64;
        let mut wait = Waiting::default();
        while self.queued < end {
            self.wait_for_room().await?;
            match self.push_rest(start, end, items).await {
                Ok(()) => {}
                Err(failure) if is_unavailable(&failure) => {
                    if wait.is_to_be_noted(Instant::now()) {
                        (self.tell)(&format!("waiting: {failure:#}"));
                    }
                    tokio::time::sleep(wait.next_pause()).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    async fn push_rest(&mut self, start: u64, end: u64, items: &[Vec<u8>]) -> anyhow::Result<()> {
        let (id, queued) = self.take().await?;
        fault::point("log_taken");
        let known = usize::try_from(queued.saturating_sub(start)).unwrap_or(usize::MAX);
        let rest = items.get(known..).unwrap_or_default().to_vec();
        let now = queued.max(end);
        let ops =
            vec![Op::Push { queue: keys::UPDATE_INCOMING.to_owned(), items: rest }, self.item(now)];
        // When it is not known whether this took place, the item tells the next time.
        if self.context.kv.finish(&self.progress, &id, ops).await? {
            fault::point("log_queued");
            self.queued = now;
        }
        Ok(())
    }

    /// Waits until less waits than may.
    async fn wait_for_room(&self) -> anyhow::Result<()> {
        let mut told: Option<Instant> = None;
        let names: Vec<String> = self.queues.iter().map(|(name, _)| name.clone()).collect();
        loop {
            let states = match self.context.kv.queues(&names).await {
                Ok(states) => states,
                // Whoever pushes next finds out how long that takes.
                Err(Error::Unavailable(_)) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let lengths = states.iter().map(|state| state.len).zip(&self.queues);
            let counted: Vec<(u64, &str)> = lengths
                .filter(|(len, (_, least))| len >= least)
                .map(|(len, (name, _))| (len, name.as_str()))
                .collect();
            let waiting: u64 = counted.iter().map(|(len, _)| len).sum();
            if waiting < self.limit {
                return Ok(());
            }
            if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                told = Some(Instant::now());
                let longest = counted.iter().max().map_or("", |(_, name)| name);
                (self.tell)(&format!(
                    "{waiting} items wait in the queues, most of them in {longest}, so this waits \
                     too; workers make room, or `ichnaea pipeline drain`"
                ));
            }
            tokio::time::sleep(LOOK_AT_QUEUES).await;
        }
    }
}

/// Is it known how far a file came?
pub async fn is_begun(context: &Context, progress: &str) -> anyhow::Result<bool> {
    let states = context.kv.queues(&[progress.to_owned()]).await?;
    Ok(states.iter().any(|state| state.len > 0 || state.in_flight > 0))
}

/// Forgets how far a file came: once it is noted elsewhere that all of it is queued, or when it is
/// to be queued once more.
pub async fn forget(context: &Context, progress: &str) -> anyhow::Result<()> {
    loop {
        match context.kv.take(progress, 0, LEASE).await? {
            Some(taken) => drop(context.kv.finish(progress, &taken.id, Vec::new()).await?),
            None if is_begun(context, progress).await? => {
                // A run that was killed has it, for a moment.
                tokio::time::sleep(LOOK_EVERY).await;
            }
            None => return Ok(()),
        }
    }
}

fn is_unavailable(failure: &anyhow::Error) -> bool {
    matches!(failure.downcast_ref(), Some(Error::Unavailable(_)))
}
