//! The worker: takes task messages and runs them.
//!
//! A message is finished before its task runs, since losing one costs no more than an interval;
//! the data it stands for is safe in its queue. While a backend is away the worker pauses, and
//! goes on by itself when it is back.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use super::message::{Message, send};
use super::waiting::Waiting;
use super::{EXPORT_EXPIRES, Outcome, Run, Task, batch};
use crate::api::facts::FieldDoc;
use crate::context::Context;
use crate::logging::{CANONICAL, Fields};
use crate::roles::Shutdown;
use crate::sentry::incident;
use crate::{fault, keys};

/// Pauses between looks into an empty message queue.
const MIN_IDLE: Duration = Duration::from_millis(50);
const MAX_IDLE: Duration = Duration::from_millis(500);
/// How long a message that is being taken is waited for at the end.
const LAST_MESSAGE: Duration = Duration::from_secs(2);
/// How long giving back unfinished batches may take at the end.
const GIVE_BACK: Duration = Duration::from_secs(5);
/// A message that was taken by a worker that then died is taken again after this long.
const MESSAGE_LEASE: Duration = Duration::from_secs(10);

/// Runs tasks until shutdown.
pub async fn run(context: Arc<Context>, mut shutdown: Shutdown) -> anyhow::Result<()> {
    if !check_schema(&context, &mut shutdown).await? {
        return Ok(());
    }
    let worker = Worker::new(context);
    info!(concurrency = worker.run.context.config.worker_concurrency, "worker is ready");
    worker.work(&mut shutdown).await;
    Ok(())
}

/// Waits for the database; fails when its tables are older than this program. False when the wait
/// was ended by a shutdown.
async fn check_schema(context: &Context, shutdown: &mut Shutdown) -> anyhow::Result<bool> {
    let mut waiting = Waiting::default();
    loop {
        let pending = tokio::select! {
            pending = context.writer.pending_migrations() => pending,
            () = shutdown.requested() => return Ok(false),
        };
        match pending {
            Ok(pending) if pending.is_empty() => return Ok(true),
            Ok(pending) => bail!(
                "the database lacks the migrations {}; run `ichnaea alembic upgrade head` first",
                pending.join(", ")
            ),
            Err(failure) => {
                let failure = anyhow::Error::from(failure);
                // An account that is refused may be made at any time, by a migration for instance.
                if !batch::is_unavailable(&failure) && context.writer.ping().await.is_ok() {
                    return Err(failure.context("the schema of the database could not be checked"));
                }
                if waiting.is_to_be_noted(Instant::now()) {
                    warn!(
                        incident = incident::BACKEND_AWAY,
                        "worker waits for the database: {failure:#}"
                    );
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(waiting.next_pause()) => {}
            () = shutdown.requested() => return Ok(false),
        }
    }
}

struct Worker {
    run: Run,
    /// What runs now; a second message for it is dropped, since running tasks go on while their
    /// queue is ready.
    running: Mutex<HashSet<(Task, Option<String>)>>,
    /// Why a task found a backend away, until somebody has looked into it.
    outage: Mutex<Option<String>>,
    /// Tasks that fail though both backends answer.
    refused: Mutex<Waiting>,
}

impl Worker {
    fn new(context: Arc<Context>) -> Arc<Self> {
        Arc::new(Self {
            run: Run::new(context),
            running: Mutex::default(),
            outage: Mutex::default(),
            refused: Mutex::default(),
        })
    }

    async fn work(self: &Arc<Self>, shutdown: &mut Shutdown) {
        let slots = Arc::new(Semaphore::new(self.run.context.config.worker_concurrency));
        let mut tasks = JoinSet::new();
        let mut long = JoinSet::new();
        let mut idle = MIN_IDLE;
        loop {
            note_panics(&mut tasks);
            note_panics(&mut long);
            let slot = tokio::select! {
                biased;
                () = shutdown.requested() => break,
                slot = Arc::clone(&slots).acquire_owned() => slot,
            };
            let Ok(slot) = slot else { break };
            if let Some(why) = self.take_outage() {
                if !self.wait_for_backends(&why, shutdown).await {
                    break;
                }
                continue;
            }
            let mut message = std::pin::pin!(self.next_message());
            let message = tokio::select! {
                message = &mut message => message,
                // What was taken is still worked on, unless Redis hangs.
                () = shutdown.requested() => match tokio::time::timeout(LAST_MESSAGE, message).await {
                    Ok(message) => message,
                    Err(_) => break,
                },
            };
            match message {
                Ok(Some(message)) => {
                    idle = MIN_IDLE;
                    // What takes very long takes no place away from the others.
                    if message.task.is_long() {
                        self.start(&mut long, message, None);
                    } else {
                        self.start(&mut tasks, message, Some(slot));
                    }
                }
                Ok(None) => {
                    drop(slot);
                    tokio::select! {
                        () = tokio::time::sleep(idle) => {}
                        () = shutdown.requested() => break,
                    }
                    idle = (idle * 2).min(MAX_IDLE);
                }
                Err(failure) => self.report_outage(format!("{failure:#}")),
            }
        }
        // Nothing is waited for that the next run makes good.
        long.shutdown().await;
        self.stop(tasks).await;
    }

    /// The next message that has not expired.
    async fn next_message(&self) -> anyhow::Result<Option<Message>> {
        let context = &self.run.context;
        let Some(taken) = context.kv.take(keys::TASKS, 1, MESSAGE_LEASE).await? else {
            return Ok(None);
        };
        fault::point("task_taken");
        context.kv.finish(keys::TASKS, &taken.id, Vec::new()).await?;
        fault::point("task_finished");
        let now_ms = context.clock.now_ms();
        let message = taken.items.first().and_then(|item| Message::decode(item));
        if message.is_none() {
            warn!("a message for no task of this release was dropped");
        }
        Ok(message.filter(|message| !message.has_expired(now_ms)))
    }

    fn start(
        self: &Arc<Self>,
        tasks: &mut JoinSet<()>,
        message: Message,
        slot: Option<OwnedSemaphorePermit>,
    ) {
        let what = (message.task, message.argument);
        if !lock(&self.running).insert(what.clone()) {
            debug!(task = what.0.name(), shard = what.1, "runs already");
            return;
        }
        let worker = Arc::clone(self);
        tasks.spawn(async move {
            let running = Running { worker: &worker, what };
            let is_ready = worker.execute(running.what.0, running.what.1.as_deref()).await;
            let what = running.what.clone();
            drop(running);
            if is_ready {
                worker.send_again(what).await;
            }
            drop(slot);
        });
    }

    /// Runs one task and writes its line into the log; whether it should run again.
    async fn execute(&self, task: Task, shard: Option<&str>) -> bool {
        let start = Instant::now();
        let result = super::run(&self.run, task, shard).await;
        let duration_s = start.elapsed().as_secs_f64();
        match result {
            Ok(outcome) => {
                log(task, shard, &outcome, duration_s);
                outcome.is_ready
            }
            Err(failure) if self.is_outage(&failure).await => {
                let (task, outcome) = (task.name(), "away");
                debug!(task, shard, duration_s, outcome, "task stopped: {failure:#}");
                self.report_outage(format!("{failure:#}"));
                false
            }
            Err(failure) => {
                let (task, duration_s) = (task.name(), (duration_s * 1000.0).round() / 1000.0);
                let (outcome, error) = ("failed", format!("{failure:#}"));
                error!(target: CANONICAL, task, shard, duration_s, outcome, error, "{task} failed");
                false
            }
        }
    }

    /// Lets a task that still has work queue up behind the others.
    async fn send_again(&self, (task, argument): (Task, Option<String>)) {
        let now_ms = self.run.context.clock.now_ms();
        let message = Message::new(task, argument, now_ms, EXPORT_EXPIRES);
        if let Err(failure) = self.run.context.kv.apply(vec![send(&[message])]).await {
            self.report_outage(failure.to_string());
        }
    }

    /// Is this how an outage shows? A database that lets nobody in is one, whatever it calls it.
    async fn is_outage(&self, failure: &anyhow::Error) -> bool {
        batch::is_unavailable(failure) || self.run.context.writer.ping().await.is_err()
    }

    fn report_outage(&self, why: String) {
        lock(&self.outage).get_or_insert(why);
    }

    fn take_outage(&self) -> Option<String> {
        lock(&self.outage).take()
    }

    /// Waits until both backends answer. False when the wait was ended by a shutdown.
    async fn wait_for_backends(&self, why: &str, shutdown: &mut Shutdown) -> bool {
        let context = &self.run.context;
        let mut waiting = Waiting::default();
        loop {
            let both = async { tokio::join!(context.writer.ping(), context.kv.ping()) };
            let (database, kv) = tokio::select! {
                both = both => both,
                () = shutdown.requested() => return false,
            };
            if database.is_ok() && kv.is_ok() {
                if waiting.has_begun() {
                    info!("worker goes on");
                }
                // A database that is read-only, for instance: it answers, and no task gets anywhere.
                if !waiting.has_begun() && lock(&self.refused).is_to_be_noted(Instant::now()) {
                    warn!(incident = incident::BACKEND_AWAY, "a task was given back: {why}");
                }
                // What was noted meanwhile is over as well.
                self.take_outage();
                return true;
            }
            if waiting.is_to_be_noted(Instant::now()) {
                warn!(incident = incident::BACKEND_AWAY, "worker waits for its backends: {why}");
            }
            tokio::select! {
                () = tokio::time::sleep(waiting.next_pause()) => {}
                () = shutdown.requested() => return false,
            }
        }
    }

    /// Lets running tasks finish, and gives back what does not finish in time.
    async fn stop(&self, mut tasks: JoinSet<()>) {
        let running = tasks.len();
        if running > 0 {
            info!(running, "worker finishes what it has begun");
        }
        let all_done = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.run.context.config.grace, all_done).await.is_err() {
            tasks.shutdown().await;
        }
        if tokio::time::timeout(GIVE_BACK, give_back(&self.run)).await.is_err() {
            warn!("batches that could not be given back return when their lease runs out");
        }
    }
}

/// Gives back every batch that is still held.
pub async fn give_back(run: &Run) {
    for (queue, id) in run.held.list() {
        match run.context.kv.put_back(&queue, &id).await {
            Ok(_) => info!(queue, "a batch was given back unfinished"),
            Err(failure) => warn!(queue, "a batch returns when its lease runs out: {failure}"),
        }
    }
}

/// Removes its entry even when the task panics.
struct Running<'a> {
    worker: &'a Worker,
    what: (Task, Option<String>),
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        lock(&self.worker.running).remove(&self.what);
    }
}

/// The fields of the line of a task.
pub const TASK_FIELDS: &[FieldDoc] = &[
    ("task", "text", "always"),
    ("shard", "text", "the task has shards, or is for one export target"),
    ("outcome", "text", "always: `done`, `idle` or `failed`"),
    ("duration_s", "number", "always: seconds with three decimals"),
    (
        "items",
        "number",
        "it did not fail: reports, observations, areas, grid cells or rows worked on",
    ),
    ("counts", "object", "it did not fail: what happened, by name; zero counts are left out"),
    ("error", "text", "it failed"),
];

/// One line for a task that has run; of interest to an operator only when it did something.
pub fn log(task: Task, shard: Option<&str>, outcome: &Outcome, duration_s: f64) {
    let has_done_nothing = outcome.counts.is_empty() && (outcome.items == 0 || task.is_monitor());
    let mut fields = Fields::default();
    let task = task.name();
    fields.text("task", task);
    if let Some(shard) = shard {
        fields.text("shard", shard);
    }
    fields.seconds("duration_s", duration_s);
    fields.number("items", outcome.items);
    fields.text("outcome", if has_done_nothing { "idle" } else { "done" });
    fields.raw("counts", &serde_json::to_string(&outcome.counts).unwrap_or_default());
    if has_done_nothing {
        debug!(target: CANONICAL, fields = fields.members(), "{task} had nothing to do");
    } else {
        info!(target: CANONICAL, fields = fields.members(), "{task} done");
    }
}

fn note_panics(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.try_join_next() {
        if let Err(failure) = ended
            && failure.is_panic()
        {
            error!("a task panicked; its batch returns when its lease runs out");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
