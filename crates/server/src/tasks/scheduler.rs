//! Sends due tasks to the workers.
//!
//! Any number of schedulers may run; one holds a lease and is active, the others stand by and
//! take over when it is released or runs out. When each line was sent last is remembered, so that
//! an interval goes on where the one before left it, however often schedulers come and go; the very
//! first firing is one full interval after the start. A time of day that passed while nobody was
//! active is made up for, as long as its message would not have expired.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use croner::Cron;
use ichnaea_kv::Op;
use tracing::{debug, info, warn};

use super::message::{Message, send};
use super::waiting::Waiting;
use super::{PERIODIC, Periodic, When, map_line};
use crate::context::Context;
use crate::keys;
use crate::roles::Shutdown;
use crate::sentry::incident;

/// How long the lease outlives a scheduler that has died.
const LEASE: Duration = Duration::from_secs(15);
/// How often the lease is renewed, in milliseconds.
const RENEW_MS: i64 = 5_000;
/// How long giving up the lease may take at the end.
const RELEASE: Duration = Duration::from_secs(2);

/// One scheduler, active or standing by.
pub struct Scheduler {
    context: Arc<Context>,
    holder: String,
    state: State,
}

enum State {
    /// Just started.
    New,
    /// Another scheduler is active.
    StandingBy,
    /// This one is: the schedule, and when the lease is to be renewed next.
    Active { lines: Vec<Line>, renew_ms: i64 },
}

/// A line of the schedule and when it is due, milliseconds since 1970.
struct Line {
    periodic: Periodic,
    due_ms: i64,
}

impl Scheduler {
    /// A scheduler that has not tried for the lease yet.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, holder: uuid::Uuid::new_v4().to_string(), state: State::New }
    }

    /// Does what is due now and says how long nothing else will be.
    pub async fn step(&mut self) -> anyhow::Result<Duration> {
        let now_ms = self.context.clock.now_ms();
        if matches!(self.state, State::Active { renew_ms, .. } if renew_ms - now_ms > RENEW_MS) {
            warn!("the clock was set back, the schedule begins anew");
            self.state = State::New;
        }
        let is_held = matches!(self.state, State::Active { renew_ms, .. } if now_ms < renew_ms);
        if !is_held && !self.hold(now_ms).await? {
            return Ok(millis(RENEW_MS));
        }
        let State::Active { lines, renew_ms } = &mut self.state else { return Ok(LEASE) };
        let mut ops = Vec::new();
        let mut messages = Vec::new();
        for line in lines.iter().filter(|line| line.due_ms <= now_ms) {
            messages.extend(line.messages(now_ms));
            ops.push(line.remember());
        }
        if !messages.is_empty() {
            debug!(messages = messages.len(), "sending due tasks");
            ops.push(send(&messages));
            self.context.kv.apply(ops).await?;
            lines.iter_mut().filter(|line| line.due_ms <= now_ms).for_each(|l| l.advance(now_ms));
        }
        let next_ms = lines.iter().map(|line| line.due_ms).min().unwrap_or(*renew_ms);
        Ok(millis(next_ms.min(*renew_ms) - now_ms))
    }

    /// Gives the lease up.
    pub async fn release(&self) {
        if let State::Active { .. } = self.state
            && let Err(failure) = self.context.kv.release(keys::SCHEDULER, &self.holder).await
        {
            debug!(%failure, "the lease of the scheduler could not be released and will run out");
        }
    }

    /// Takes or renews the lease, and notes in the log when that changes something.
    async fn hold(&mut self, now_ms: i64) -> anyhow::Result<bool> {
        let is_held = self.context.kv.hold(keys::SCHEDULER, &self.holder, LEASE).await?;
        match (&mut self.state, is_held) {
            (State::Active { renew_ms, .. }, true) => *renew_ms = now_ms + RENEW_MS,
            (State::New | State::StandingBy, true) => {
                let lines = self.lines(now_ms).await?;
                info!(lines = lines.len(), "scheduler is active");
                self.state = State::Active { lines, renew_ms: now_ms + RENEW_MS };
            }
            (State::StandingBy, false) => {}
            (State::New | State::Active { .. }, false) => {
                info!("another scheduler is active, standing by");
                self.state = State::StandingBy;
            }
        }
        Ok(is_held)
    }

    /// The schedule of a scheduler that becomes active now.
    async fn lines(&self, now_ms: i64) -> anyhow::Result<Vec<Line>> {
        let has_bucket = self.context.config.asset_bucket.is_some();
        let lines = PERIODIC.into_iter().filter(|line| has_bucket || !line.task.needs_bucket());
        let map = self.context.config.map_interval.filter(|interval| !interval.is_zero());
        let lines: Vec<_> = lines.chain(map.map(map_line)).collect();
        let names: Vec<_> = lines.iter().map(|line| keys::last_sent(line.task.name())).collect();
        let sent = self.context.kv.get(&names).await?;
        let lines = lines.into_iter().zip(sent).map(|(periodic, sent)| {
            let sent_ms = sent.and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
            Line { periodic, due_ms: first_due(periodic, sent_ms, now_ms) }
        });
        Ok(lines.collect())
    }
}

impl Line {
    /// One message for every shard.
    fn messages(&self, now_ms: i64) -> Vec<Message> {
        let Periodic { task, expires, .. } = self.periodic;
        let shards = task.shards();
        if shards.is_empty() {
            return vec![Message::new(task, None, now_ms, expires)];
        }
        let message = |shard| Message::new(task, Some(shard), now_ms, expires);
        shards.into_iter().map(message).collect()
    }

    /// Remembers for the next scheduler which time was served.
    fn remember(&self) -> Op {
        Op::Set {
            key: keys::last_sent(self.periodic.task.name()),
            value: self.due_ms.to_string().into_bytes(),
            ttl: None,
        }
    }

    /// The next time after now. Ticks that were missed are not made up for one by one.
    fn advance(&mut self, now_ms: i64) {
        self.due_ms = match self.periodic.when {
            When::Every(interval) | When::Since(interval) => {
                let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
                let missed = (now_ms - self.due_ms) / interval_ms;
                self.due_ms + (missed + 1) * interval_ms
            }
            When::At(cron) => next_time(cron, now_ms),
        };
    }
}

/// When a line is due first, for a scheduler that becomes active now.
fn first_due(periodic: Periodic, sent_ms: Option<i64>, now_ms: i64) -> i64 {
    match periodic.when {
        When::Every(interval) | When::Since(interval) => {
            let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
            let next_ms = now_ms.saturating_add(interval_ms);
            // Never later than that, whatever a clock has said.
            let after = |sent_ms: i64| sent_ms.saturating_add(interval_ms).clamp(now_ms, next_ms);
            match (periodic.when, sent_ms) {
                (_, Some(sent_ms)) => after(sent_ms),
                (When::Since(_), None) => now_ms,
                (_, None) => next_ms,
            }
        }
        When::At(cron) => {
            let expires_ms = i64::try_from(periodic.expires.as_millis()).unwrap_or(i64::MAX);
            let missed = sent_ms.map(|sent_ms| next_time(cron, sent_ms));
            match missed.filter(|&due_ms| due_ms <= now_ms && now_ms - due_ms < expires_ms) {
                Some(due_ms) => due_ms,
                None => next_time(cron, now_ms),
            }
        }
    }
}

/// The first time a cron line names after this one; never, when it names none.
fn next_time(cron: &str, after_ms: i64) -> i64 {
    let next = || {
        let after: DateTime<Utc> = DateTime::from_timestamp_millis(after_ms)?;
        let cron: Cron = cron.parse().ok()?;
        cron.find_next_occurrence(&after, false).ok()
    };
    next().map_or(i64::MAX, |time| time.timestamp_millis())
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// The role: runs until shutdown, whatever happens to the key-value store.
pub async fn run(context: Arc<Context>, mut shutdown: Shutdown) -> anyhow::Result<()> {
    let mut scheduler = Scheduler::new(context);
    let mut waiting = Waiting::default();
    loop {
        let step = tokio::select! {
            step = scheduler.step() => step,
            () = shutdown.requested() => break,
        };
        let pause = match step {
            Ok(pause) => {
                if waiting.has_begun() {
                    info!("scheduler goes on");
                    waiting = Waiting::default();
                }
                pause
            }
            Err(failure) => {
                if waiting.is_to_be_noted(Instant::now()) {
                    warn!(
                        incident = incident::BACKEND_AWAY,
                        "scheduler waits for the key-value store: {failure:#}"
                    );
                }
                waiting.next_pause()
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.requested() => break,
        }
    }
    if tokio::time::timeout(RELEASE, scheduler.release()).await.is_err() {
        debug!("the lease of the scheduler was not released in time and will run out");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::Task;

    /// 2026-01-31 00:00 UTC.
    const MIDNIGHT_MS: i64 = 1_769_817_600_000;
    const MINUTE_MS: i64 = 60_000;

    fn line(task: Task) -> Periodic {
        PERIODIC.into_iter().find(|line| line.task == task).unwrap()
    }

    #[test]
    fn an_interval_is_due_one_interval_after_the_start_and_keeps_its_period() {
        let periodic = line(Task::UpdateIncoming);
        assert_eq!(first_due(periodic, Some(-20_000), 1000), 12_000);
        assert_eq!(first_due(periodic, Some(-40_000), 1000), 1000);
        assert_eq!(first_due(periodic, Some(i64::MAX), 1000), 33_000);
        let mut line = Line { periodic, due_ms: first_due(periodic, None, 1000) };
        assert_eq!(line.due_ms, 33_000);
        line.advance(33_100);
        assert_eq!(line.due_ms, 65_000);
        line.advance(65_000 + 10 * 32_000 + 5);
        assert_eq!(line.due_ms, 65_000 + 11 * 32_000);
    }

    #[test]
    fn a_time_of_day_is_in_utc() {
        let periodic = line(Task::UpdateStatregion);
        let due_ms = first_due(periodic, None, MIDNIGHT_MS);
        assert_eq!(due_ms, MIDNIGHT_MS + 7 * MINUTE_MS);
        let mut line = Line { periodic, due_ms };
        line.advance(due_ms);
        assert_eq!(line.due_ms, MIDNIGHT_MS + (24 * 60 + 7) * MINUTE_MS);
        assert_eq!(line.messages(due_ms).len(), 1);
    }

    #[test]
    fn a_time_of_day_nobody_was_active_at_is_made_up_for() {
        let periodic = line(Task::UpdateStatregion);
        let due_ms = MIDNIGHT_MS + 7 * MINUTE_MS;
        let sent_ms = Some(due_ms - 24 * 60 * MINUTE_MS);
        assert_eq!(first_due(periodic, sent_ms, due_ms + MINUTE_MS), due_ms);
        let tomorrow_ms = due_ms + 24 * 60 * MINUTE_MS;
        assert_eq!(first_due(periodic, sent_ms, due_ms + 301 * MINUTE_MS), tomorrow_ms);
        assert_eq!(first_due(periodic, Some(due_ms), due_ms + MINUTE_MS), tomorrow_ms);
        assert_eq!(first_due(periodic, None, due_ms + MINUTE_MS), tomorrow_ms);
    }

    #[test]
    fn a_long_interval_goes_on_when_another_scheduler_takes_over() {
        let periodic = map_line(Duration::from_hours(1));
        let first = |sent_ms| first_due(periodic, sent_ms, MIDNIGHT_MS);
        assert_eq!(first(None), MIDNIGHT_MS);
        assert_eq!(first(Some(MIDNIGHT_MS - 20 * MINUTE_MS)), MIDNIGHT_MS + 40 * MINUTE_MS);
        assert_eq!(first(Some(MIDNIGHT_MS - 600 * MINUTE_MS)), MIDNIGHT_MS);
        assert_eq!(first(Some(i64::MAX)), MIDNIGHT_MS + 60 * MINUTE_MS);
        let mut line = Line { periodic, due_ms: MIDNIGHT_MS };
        line.advance(MIDNIGHT_MS + 1);
        assert_eq!(line.due_ms, MIDNIGHT_MS + 60 * MINUTE_MS);
    }

    #[test]
    fn every_cron_line_can_be_read() {
        for periodic in PERIODIC {
            if let When::At(cron) = periodic.when {
                assert!(next_time(cron, MIDNIGHT_MS) < MIDNIGHT_MS + 24 * 60 * MINUTE_MS);
            }
        }
        assert_eq!(next_time("nonsense", 0), i64::MAX);
    }

    #[test]
    fn every_shard_gets_a_message() {
        let line = Line { periodic: line(Task::UpdateWifi), due_ms: 0 };
        let messages = line.messages(1000);
        assert_eq!(messages.len(), 16);
        assert!(messages.iter().all(|message| message.expires_ms == 31_000));
    }
}
