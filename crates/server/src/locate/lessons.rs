//! Queries that are worth learning from, on their way to the queue of reports.
//!
//! No answer waits for this, and nobody was promised that it is kept: what came in while the last
//! lot was sent goes with the next one, and what is too much, or meets a store that is away or
//! full, is dropped.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ichnaea_domain::api_key::{ApiKey, is_sampled};
use ichnaea_domain::locate::{self, PositionResult, Query};
use ichnaea_domain::rate_control::sample_rate;
use ichnaea_domain::report::QueuedReport;
use ichnaea_domain::station::Source;
use tokio::sync::Notify;

use crate::api::{self, Backlog};
use crate::context::Context;
use crate::keys;
use crate::sentry::incident;

/// Most queries that wait to be sent: what a busy process gathers in a second.
const MAX_GATHERED: usize = 10_000;
/// Time between two lots. The first query after a pause is sent at once.
const PAUSE: Duration = Duration::from_millis(50);

/// Gathers, and sends in the background.
pub struct Lessons {
    shared: Arc<Shared>,
    sender: tokio::task::JoinHandle<()>,
}

struct Shared {
    ctx: Arc<Context>,
    backlog: Arc<Backlog>,
    gathered: Mutex<Vec<Lesson>>,
    some: Notify,
    /// Held while a lot is sent, so that a flush waits for the one that is under way.
    sending: tokio::sync::Mutex<()>,
}

/// A query with its answer, and whether it is kept.
struct Lesson {
    report: QueuedReport,
    /// Percentage of its key's queries to keep while all keys together keep all.
    key_rate: f64,
    /// Random, from 0 up to 1.
    draw: f64,
}

impl Lesson {
    fn is_kept(&self, global_rate: f64) -> bool {
        is_sampled(self.key_rate * global_rate / 100.0, self.draw)
    }
}

impl Lessons {
    /// Starts to send what is gathered.
    #[must_use]
    pub fn start(ctx: Arc<Context>, backlog: Arc<Backlog>) -> Self {
        let (gathered, some) = (Mutex::default(), Notify::new());
        let sending = tokio::sync::Mutex::default();
        let shared = Arc::new(Shared { ctx, backlog, gathered, some, sending });
        let sender = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    shared.some.notified().await;
                    shared.send().await;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        });
        Self { shared, sender }
    }

    /// Keeps a query that can confirm or teach something.
    pub fn learn(&self, key: &ApiKey, query: &Query, best: Option<&PositionResult>) {
        let Some(best) = best.filter(|best| locate::worth_learning(query, Some(best))) else {
            return;
        };
        let (key_rate, draw) = (key.locate_rate(100.0), self.shared.ctx.chance.draw());
        if !is_sampled(key_rate, draw) || self.shared.backlog.is_full() {
            return;
        }
        let mut gathered = self.shared.gathered();
        if gathered.len() >= MAX_GATHERED {
            return;
        }
        let report = QueuedReport {
            api_key: key.name().map(str::to_owned),
            report: locate::learned_report(query, best),
            source: Some(Source::Query.name().to_owned()),
        };
        gathered.push(Lesson { report, key_rate, draw });
        drop(gathered);
        self.shared.some.notify_one();
    }

    /// Waits until what is gathered now was sent.
    pub async fn flush(&self) {
        self.shared.send().await;
    }
}

impl Drop for Lessons {
    fn drop(&mut self) {
        self.sender.abort();
    }
}

impl Shared {
    fn gathered(&self) -> std::sync::MutexGuard<'_, Vec<Lesson>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self) {
        let _turn = self.sending.lock().await;
        let mut lessons = std::mem::take(&mut *self.gathered());
        if lessons.is_empty() {
            return;
        }
        let names = [keys::GLOBAL_LOCATE_SAMPLE_RATE.as_bytes().to_vec()];
        let global = match self.ctx.breakers.keyvalue.ask(self.ctx.kv.get(&names)).await {
            Ok(values) => sample_rate(values.into_iter().next().flatten().as_deref()),
            Err(missed) => {
                missed.log(incident::NOT_LEARNED, "queries not learned from");
                return;
            }
        };
        lessons.retain(|lesson| lesson.is_kept(global));
        let reports: Vec<_> = lessons.into_iter().map(|lesson| lesson.report).collect();
        if reports.is_empty() {
            return;
        }
        let packing = self.backlog.packing();
        if let Err(missed) = api::queue(&self.ctx, &reports, packing).await {
            missed.log(incident::NOT_LEARNED, "queries not learned from");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_kept_by_the_rates_of_its_key_and_of_all() {
        for (key_rate, global_rate, draw, expected) in [
            (100.0, 100.0, 0.999, true),
            (50.0, 100.0, 0.5, true),
            (50.0, 100.0, 0.51, false),
            (50.0, 50.0, 0.25, true),
            (50.0, 50.0, 0.26, false),
            (100.0, 0.0, 0.0, false),
        ] {
            let lesson = Lesson { report: QueuedReport::default(), key_rate, draw };
            assert_eq!(lesson.is_kept(global_rate), expected, "{key_rate} {global_rate} {draw}");
        }
    }
}
