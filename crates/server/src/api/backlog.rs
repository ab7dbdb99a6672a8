//! Refusing reports while too many wait.
//!
//! A queue that only grows takes the key-value store down, and position queries with it. What waits
//! in all queues, and the room that the store takes, are looked at once a second, so that no
//! submission pays for it. What is behind the queue of reports counts too: workers that hand reports
//! on to a target that is away, or to queues nobody takes from, would hide that it fills up.
//!
//! Reports are packed tightly only when many wait: as long as workers keep up, a report is there for
//! moments, and packing it would be the most expensive thing that is done to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ichnaea_kv::queue::Packing;

use crate::context::Context;
use crate::keys;
use crate::sentry::incident;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many looks it takes until export queues are searched for again: a minute.
const LOOKS_FOR_EXPORTS: u64 = 60;
/// Reports that may wait as loosely packed as they are long: a gigabyte.
const LOOSE: u64 = 1_000_000;

/// Whether more reports may be taken in.
pub struct Backlog {
    state: Arc<State>,
    watcher: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct State {
    is_full: AtomicBool,
    is_high: AtomicBool,
}

impl Backlog {
    /// Starts to look at what waits.
    #[must_use]
    pub fn start(ctx: Arc<Context>) -> Self {
        let state = Arc::<State>::default();
        let watcher = tokio::spawn(watch(ctx, Arc::clone(&state)));
        Self { state, watcher }
    }

    /// Do too many reports wait already?
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.state.is_full.load(Ordering::Relaxed)
    }

    /// How reports are packed now.
    #[must_use]
    pub fn packing(&self) -> Packing {
        if self.state.is_high.load(Ordering::Relaxed) { Packing::Tight } else { Packing::Loose }
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

async fn watch(ctx: Arc<Context>, state: Arc<State>) {
    let limit = ctx.config.max_waiting_reports;
    let mut exports = Vec::new();
    for look in 0_u64.. {
        // Names of queues are expensive to find, and seldom new.
        if look.is_multiple_of(LOOKS_FOR_EXPORTS)
            && let Ok(names) =
                ctx.breakers.keyvalue.ask(ctx.kv.queue_names(keys::EXPORT_PREFIX)).await
        {
            exports = names;
        }
        // A store that is away answers the submissions itself.
        if let Ok((incoming, waiting)) = ctx.breakers.keyvalue.ask(waiting(&ctx, &exports)).await {
            state.is_high.store(incoming >= LOOSE, Ordering::Relaxed);
            let bytes = used_bytes(&ctx).await;
            let max_bytes = ctx.config.max_queue_bytes;
            let full = (limit > 0 && waiting >= limit) || (max_bytes > 0 && bytes >= max_bytes);
            if full != state.is_full.swap(full, Ordering::Relaxed) {
                tracing::warn!(
                    incident = incident::REPORTS_REFUSED,
                    waiting,
                    limit,
                    bytes,
                    max_bytes,
                    full,
                    "submissions are refused while full"
                );
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Reports that wait to be distributed, and items in all queues, being worked on or not.
async fn waiting(ctx: &Context, exports: &[String]) -> ichnaea_kv::Result<(u64, u64)> {
    let fixed = keys::data_queues().into_iter().map(|queue| queue.name);
    let names: Vec<String> = fixed.chain(exports.iter().cloned()).collect();
    let states = ctx.kv.queues(&names).await?;
    let of_name = |name| names.iter().position(|other| other == name).map(|place| states[place]);
    let incoming = of_name(keys::UPDATE_INCOMING).unwrap_or_default();
    Ok((incoming.len, states.iter().map(|state| state.len + state.in_flight).sum()))
}

/// Room that the store takes; 0 when nobody wants to know, or it does not tell.
async fn used_bytes(ctx: &Context) -> u64 {
    if ctx.config.max_queue_bytes == 0 {
        return 0;
    }
    let facts = ctx.breakers.keyvalue.ask(ctx.kv.facts()).await;
    facts.ok().and_then(|facts| facts.used_bytes).unwrap_or(0)
}
