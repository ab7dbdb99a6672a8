//! Refusing reports while too many wait.
//!
//! A queue that only grows takes the key-value store down, and position queries with it. The
//! length is looked at once a second, so that no submission pays for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::context::Context;
use crate::keys;
use crate::sentry::incident;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whether more reports may be taken in.
pub struct Backlog {
    is_full: Arc<AtomicBool>,
    watcher: tokio::task::JoinHandle<()>,
}

impl Backlog {
    /// Starts to look at the queue of incoming reports.
    #[must_use]
    pub fn start(ctx: Arc<Context>) -> Self {
        let is_full = Arc::new(AtomicBool::new(false));
        let watcher = tokio::spawn(watch(ctx, Arc::clone(&is_full)));
        Self { is_full, watcher }
    }

    /// Do too many reports wait already?
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

async fn watch(ctx: Arc<Context>, is_full: Arc<AtomicBool>) {
    let limit = ctx.config.max_waiting_reports;
    if limit == 0 {
        return;
    }
    let queues = [keys::UPDATE_INCOMING.to_owned()];
    loop {
        // A store that is away answers the submissions itself.
        if let Ok(states) = ctx.breakers.keyvalue.ask(ctx.kv.queues(&queues)).await {
            let waiting: u64 = states.iter().map(|state| state.len).sum();
            let full = waiting >= limit;
            if full != is_full.swap(full, Ordering::Relaxed) {
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
