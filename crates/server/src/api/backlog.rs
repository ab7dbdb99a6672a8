//! Refusing reports while too many wait.
//!
//! A queue that only grows takes the key-value store down, and position queries with it. The
//! length is looked at once a second, so that no submission pays for it. Reports are packed tightly
//! only when many wait: as long as workers keep up, a report is there for moments, and packing it
//! would be the most expensive thing that is done to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ichnaea_kv::queue::Packing;

use crate::context::Context;
use crate::keys;
use crate::sentry::incident;

const LOOK_EVERY: Duration = Duration::from_secs(1);
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
    /// Starts to look at the queue of incoming reports.
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
    let queues = [keys::UPDATE_INCOMING.to_owned()];
    loop {
        // A store that is away answers the submissions itself.
        if let Ok(states) = ctx.breakers.keyvalue.ask(ctx.kv.queues(&queues)).await {
            let waiting: u64 = states.iter().map(|state| state.len).sum();
            state.is_high.store(waiting >= LOOSE, Ordering::Relaxed);
            let full = limit > 0 && waiting >= limit;
            if full != state.is_full.swap(full, Ordering::Relaxed) {
                tracing::warn!(
                    incident = incident::REPORTS_REFUSED,
                    waiting,
                    limit,
                    full,
                    "submissions are refused while full"
                );
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
