//! Working on one batch of a data queue, so that nothing is lost and nothing applied twice.
//!
//! A batch is taken under a lease that is renewed while it is worked on, and finished in one
//! atomic step together with everything that follows from it. When the work fails the batch
//! returns to its queue under the same id: at once when a backend was away, after a growing pause
//! when the batch itself was the trouble. A batch that goes on failing ends among the dead
//! letters, where an operator finds it, instead of blocking its queue for ever.

use std::convert::Infallible;
use std::time::Duration;

use ichnaea_kv::queue::DataQueue;
use ichnaea_kv::{Op, Taken};
use ichnaea_store::Applied;
use serde::{Deserialize, Serialize};
use tracing::{debug, error, warn};

use super::letter::Letter;
use super::tally::Tally;
use super::{Outcome, Run};
use crate::{fault, keys};

/// Dead letters kept per queue; the oldest go first. Room for some hundred batches, so that
/// trouble which is not the fault of the batches can be put right before anything is lost.
const DEAD_LETTERS_KEPT: usize = 200_000;
/// A batch that was taken again this often without success is given up.
const MAX_TRIES: i64 = 8;
/// How long it is remembered that a batch was taken before.
const TRIES_TTL: Duration = Duration::from_hours(7 * 24);
/// The longest pause before a failed batch may be taken again.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The error of a row that another worker inserted first.
const DUPLICATE_KEY: u16 = 1062;

/// What work on a batch ends with.
#[derive(Default)]
pub struct Done {
    /// What follows from it, done in the same step as finishing the batch.
    pub ops: Vec<Op>,
    /// Items that could not be worked on.
    pub dead: Vec<Dead>,
    /// What happened.
    pub outcome: Outcome,
    /// What is measured once the batch is finished.
    pub tally: Tally,
}

/// Why an item became a dead letter. A closed list: it ends up in names of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The item does not have the form of its queue.
    Undecodable,
    /// Work on its batch failed again and again.
    FailedBatch,
    /// An export target refused its batch again and again.
    Refused,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Undecodable, Self::FailedBatch, Self::Refused];

    /// The name in counters and dead letters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::FailedBatch => "failed_batch",
            Self::Refused => "refused",
        }
    }
}

/// An item that could not be worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Why.
    pub reason: Reason,
    /// What exactly.
    pub detail: String,
    /// The item as it was in the queue.
    pub item: Vec<u8>,
    /// The batch that shared its fate, so that it can be worked on again as what it was.
    pub batch: Option<OfBatch>,
}

/// A batch that became dead letters as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfBatch {
    /// Its id.
    pub id: String,
    /// How many of its items became dead letters.
    pub items: usize,
}

/// Work on a batch is put off: nothing is wrong here, and it does not count as a try.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Postponed {
    /// How long the batch stays away; zero: until it is asked for.
    pub pause: Duration,
    /// Why.
    pub why: String,
}

/// Who decides that a batch is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivingUp {
    /// The number of tries: a batch that kills its worker or fails each time is stopped.
    AfterTries,
    /// The work itself. How often a worker ended meanwhile says nothing about the batch.
    ByWork,
}

/// Takes up to `max` items of a queue (0: all), lets `work` decide what follows from them, and
/// finishes the batch. `None` when nothing waited.
pub async fn work_on<F>(
    run: &Run,
    queue: &str,
    max: usize,
    giving_up: GivingUp,
    work: impl FnOnce(Taken) -> F,
) -> anyhow::Result<Option<Outcome>>
where
    F: Future<Output = anyhow::Result<Done>>,
{
    let (kv, lease) = (&run.context.kv, run.context.config.lease);
    let Some(taken) = kv.take(queue, max, lease).await? else { return Ok(None) };
    fault::point("batch_taken");
    let (id, again) = (taken.id.clone(), taken.again);
    run.held.add(queue, &id);
    let is_counted = again && giving_up == GivingUp::AfterTries;
    let tries = if is_counted { count_try(run, &id, 1).await? } else { 0 };
    fault::point("batch_counted");
    if tries > MAX_TRIES && is_hopeless(run, &id).await {
        return bury(run, queue, taken, tries).await.map(Some);
    }
    match while_renewing(run, queue, &id, work(taken)).await {
        Ok(done) => finish(run, queue, &id, is_counted, done).await.map(Some),
        Err(failure) => {
            give_back(run, queue, &id, tries, is_counted, &failure).await;
            Err(failure)
        }
    }
}

/// Works on one batch of a data queue and notes whether the queue is ready for another.
pub async fn work_through<F>(
    run: &Run,
    queue: &DataQueue,
    work: impl FnOnce(Taken) -> F,
) -> anyhow::Result<Outcome>
where
    F: Future<Output = anyhow::Result<Done>>,
{
    let Some(mut outcome) =
        work_on(run, &queue.name, run.batch_of(queue), GivingUp::AfterTries, work).await?
    else {
        return Ok(Outcome::default());
    };
    outcome.is_ready = run.is_ready(queue).await?;
    Ok(outcome)
}

/// Splits items into those that can be read and dead letters.
pub fn decode_all<T>(
    items: Vec<Vec<u8>>,
    decode: impl Fn(&[u8]) -> Result<T, String>,
) -> (Vec<T>, Vec<Dead>) {
    let mut read = Vec::with_capacity(items.len());
    let mut dead = Vec::new();
    for item in items {
        match decode(&item) {
            Ok(value) => read.push(value),
            Err(detail) => {
                dead.push(Dead { reason: Reason::Undecodable, detail, item, batch: None });
            }
        }
    }
    (read, dead)
}

/// Waits for a change of rows and tells `note` each error with which the database asked to try
/// again, also when it did so once too often.
pub async fn noting_locks<O>(
    change: impl Future<Output = ichnaea_store::Result<Applied<O>>>,
    note: impl Fn(u16),
) -> ichnaea_store::Result<Applied<O>> {
    let result = change.await;
    let numbers = match &result {
        Ok(applied) => applied.lock_errors.as_slice(),
        Err(failure) => failure.lock_errors(),
    };
    // Two workers that find the same new station are no trouble of the database.
    numbers.iter().filter(|&&number| number != DUPLICATE_KEY).for_each(|&number| note(number));
    result
}

/// Whether a failure says that a backend is away, rather than that something is wrong with what
/// was asked of it.
#[must_use]
pub fn is_unavailable(failure: &anyhow::Error) -> bool {
    use ichnaea_kv::Error as Kv;
    use ichnaea_store::Error as Store;
    failure.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(Kv::Unavailable(_)))
            || matches!(
                cause.downcast_ref(),
                Some(Store::Unavailable(_) | Store::Busy(_) | Store::ReadOnly(_))
            )
    })
}

/// Waits for the work, renewing the lease three times in its length.
async fn while_renewing<T>(run: &Run, queue: &str, id: &str, work: impl Future<Output = T>) -> T {
    let lease = run.context.config.lease;
    let renew = async || -> Infallible {
        loop {
            tokio::time::sleep(lease / 3).await;
            match run.context.kv.renew(queue, id, lease).await {
                Ok(true) => {}
                Ok(false) => debug!(queue, "a batch was finished by another worker"),
                // The lease may run out. Whoever takes the batch then finds it applied, or
                // applies it, and finishing it here does nothing.
                Err(failure) => debug!(queue, %failure, "a lease could not be renewed"),
            }
        }
    };
    tokio::select! {
        biased;
        result = work => result,
        never = renew() => match never {},
    }
}

async fn finish(
    run: &Run,
    queue: &str,
    id: &str,
    is_counted: bool,
    done: Done,
) -> anyhow::Result<Outcome> {
    let Done { mut ops, dead, mut outcome, tally } = done;
    outcome.count("dead", dead.len() as u64);
    ops.extend(dead_letters(queue, &dead, &run.context.clock.now().to_string()));
    if is_counted {
        ops.push(Op::Delete { key: keys::tries(id).into_bytes() });
    }
    fault::point("batch_worked");
    let is_first = run.context.kv.finish(queue, id, ops).await?;
    fault::point("batch_finished");
    run.held.remove(id);
    if is_first {
        tally.emit(&run.context.metrics);
        measure_dead(run, queue, &dead);
    } else {
        debug!(queue, "a batch had been finished by another worker");
    }
    if !dead.is_empty() {
        note_dead(queue, &dead);
    }
    Ok(outcome)
}

/// Lets the batch return to its queue. A failure here is no more than noted: the lease runs out.
async fn give_back(
    run: &Run,
    queue: &str,
    id: &str,
    tries: i64,
    is_counted: bool,
    failure: &anyhow::Error,
) {
    fault::point("batch_before_give_back");
    let postponed = failure.downcast_ref::<Postponed>();
    let given_back = if let Some(Postponed { pause, .. }) = postponed {
        run.context.kv.renew(queue, id, *pause).await
    } else if is_unavailable(failure) || !has_right_schema(run).await {
        // Not the fault of the batch: this try does not count. Neither is a database that lets nobody
        // in or has lost its tables; the batch must not be given up when that is put right.
        let uncounted = if is_counted { count_try(run, id, -1).await.map(drop) } else { Ok(()) };
        if let Err(failure) = uncounted {
            debug!(queue, %failure, "a try could not be uncounted");
        }
        run.context.kv.put_back(queue, id).await
    } else {
        run.context.kv.renew(queue, id, pause(tries)).await
    };
    fault::point("batch_given_back");
    match given_back {
        Ok(_) => run.held.remove(id),
        Err(failure) => debug!(queue, %failure, "a batch could not be given back"),
    }
}

/// How long a batch that has failed `tries` times before stays away.
fn pause(tries: i64) -> Duration {
    let doublings = u32::try_from(tries.clamp(0, 16)).unwrap_or(0);
    Duration::from_secs(1 << doublings).min(MAX_PAUSE)
}

/// Whether the database is as this release needs it. When not, that is why a batch fails.
async fn has_right_schema(run: &Run) -> bool {
    run.context.writer.pending_migrations().await.is_ok_and(|pending| pending.is_empty())
}

/// Whether it is the batch that makes work on it fail. One that was applied only has to be finished:
/// as dead letters its items would be sent again some day, when nobody remembers that they were.
async fn is_hopeless(run: &Run, id: &str) -> bool {
    has_right_schema(run).await && matches!(run.context.writer.is_applied(id).await, Ok(false))
}

/// Gives a batch up: all of it becomes dead letters.
async fn bury(run: &Run, queue: &str, taken: Taken, tries: i64) -> anyhow::Result<Outcome> {
    let id = taken.id;
    let detail = format!("work on batch {id} failed");
    let batch = Some(OfBatch { id: id.clone(), items: taken.items.len() });
    let into_dead = |item| Dead {
        reason: Reason::FailedBatch,
        detail: detail.clone(),
        item,
        batch: batch.clone(),
    };
    let dead: Vec<Dead> = taken.items.into_iter().map(into_dead).collect();
    let mut ops = dead_letters(queue, &dead, &run.context.clock.now().to_string());
    ops.push(Op::Delete { key: keys::tries(&id).into_bytes() });
    fault::point("batch_before_bury");
    let is_first = run.context.kv.finish(queue, &id, ops).await?;
    fault::point("batch_buried");
    run.held.remove(&id);
    if is_first {
        measure_dead(run, queue, &dead);
    }
    error!(
        queue,
        batch = id,
        items = dead.len(),
        tries,
        "a batch was given up; its items are dead letters now"
    );
    let mut outcome = Outcome::of(0);
    outcome.count("dead", dead.len() as u64);
    Ok(outcome)
}

/// A line for each reason.
fn note_dead(queue: &str, dead: &[Dead]) {
    for reason in Reason::ALL {
        let mut of_reason = dead.iter().filter(|dead| dead.reason == reason);
        let Some(first) = of_reason.next() else { continue };
        let (items, detail) = (1 + of_reason.count(), first.detail.as_str());
        if let (Reason::Refused, Some(batch)) = (reason, &first.batch) {
            let batch = batch.id.as_str();
            warn!(
                queue,
                items,
                batch,
                "a target refuses a batch; its reports are dead letters now: {detail}"
            );
        } else {
            warn!(queue, items, detail, "items could not be read and are dead letters now");
        }
    }
}

fn measure_dead(run: &Run, queue: &str, dead: &[Dead]) {
    for reason in Reason::ALL {
        let letters = dead.iter().filter(|dead| dead.reason == reason).count();
        run.context.metrics.dead_letter(queue, reason, letters as u64);
    }
}

async fn count_try(run: &Run, id: &str, by: i64) -> ichnaea_kv::Result<i64> {
    let count = Op::Count { key: keys::tries(id), by, ttl: Some(TRIES_TTL) };
    Ok(run.context.kv.apply(vec![count]).await?.first().copied().unwrap_or(0))
}

/// Keeps and counts dead letters.
fn dead_letters(queue: &str, dead: &[Dead], time: &str) -> Vec<Op> {
    if dead.is_empty() {
        return Vec::new();
    }
    let letter = |dead: &Dead| Letter::new(dead, time).encode();
    let keep = Op::PushBounded {
        queue: keys::dead_letters(queue),
        items: dead.iter().map(letter).collect(),
        keep: DEAD_LETTERS_KEPT,
    };
    let count = |reason: Reason| {
        let by = dead.iter().filter(|dead| dead.reason == reason).count();
        let key = keys::dead_count(queue, reason.name());
        (by > 0).then(|| Op::Count { key, by: i64::try_from(by).unwrap_or(i64::MAX), ttl: None })
    };
    std::iter::once(keep).chain(Reason::ALL.into_iter().filter_map(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_after_a_failure_grows_to_a_bound() {
        let pauses = [0, 1, 2, 3, 4, 5, 8, i64::MAX].map(|tries| pause(tries).as_secs());
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn what_is_away_is_told_from_what_is_wrong() {
        use anyhow::Context as _;
        let away = Err::<(), _>(ichnaea_store::Error::Unavailable("x".into())).context("more");
        assert!(is_unavailable(&away.unwrap_err()));
        let away = anyhow::Error::from(ichnaea_kv::Error::Unavailable("x".into()));
        assert!(is_unavailable(&away));
        assert!(!is_unavailable(&ichnaea_store::Error::Broken("x".into()).into()));
        assert!(!is_unavailable(&anyhow::anyhow!("x")));
    }

    #[test]
    fn dead_letters_are_kept_and_counted_by_reason() {
        let dead = |reason, item: &[u8]| Dead {
            reason,
            detail: "d".into(),
            item: item.to_vec(),
            batch: None,
        };
        let dead = [dead(Reason::Undecodable, b"\xff"), dead(Reason::Undecodable, b"b")];
        let ops = dead_letters("update_wifi_0", &dead, "2026-01-31 12:00:00");
        let letter = |item: &str| {
            format!(
                r#"{{"reason":"undecodable","detail":"d","time":"2026-01-31 12:00:00","item":"{item}"}}"#
            )
            .into_bytes()
        };
        let expected = vec![
            Op::PushBounded {
                queue: "ichnaea:dead:update_wifi_0".into(),
                items: vec![letter("/w=="), letter("Yg==")],
                keep: DEAD_LETTERS_KEPT,
            },
            Op::Count {
                key: "ichnaea:dead_count:update_wifi_0:undecodable".into(),
                by: 2,
                ttl: None,
            },
        ];
        assert_eq!(ops, expected);
        assert_eq!(dead_letters("update_wifi_0", &[], ""), []);
    }
}
