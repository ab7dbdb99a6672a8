//! Telling a backend that hangs from one that works, so that requests do not wait for it in turn.
//!
//! A request asks the database and the key-value store through a [`Breaker`]. As long as they work
//! that costs next to nothing. When an answer fails or is long in coming, a probe asks for a sign of
//! life. If there is none, the backend is *away*: the requests that wait are let go, those that
//! come are not kept waiting at all, and the probe goes on until there is one. Only the probe
//! decides, since one statement that is slow or refused says little about all others. Both changes
//! are in the log, once.
//!
//! Workers, schedulers and commands do not ask through it: they have time.

use std::cell::Cell;
use std::fmt::Display;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ichnaea_kv::KeyValue;
use ichnaea_store::Store;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use crate::logging;
use crate::sentry::incident;

/// An answer that takes longer is a reason to ask for a sign of life.
const SUSPICIOUS: Duration = Duration::from_millis(300);
/// How long a sign of life may take.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// Pause between two probes of a backend that is away.
const PROBE_EVERY: Duration = Duration::from_millis(300);

tokio::task_local! {
    /// How long the request of this task may still wait for backends.
    static PATIENCE: Cell<Duration>;
}

/// Runs a request that waits for this long at most for all its answers from backends together.
pub async fn with_patience<F: Future>(patience: Duration, request: F) -> F::Output {
    PATIENCE.scope(Cell::new(patience), request).await
}

/// One breaker for each backend.
#[derive(Clone)]
pub struct Breakers {
    /// In front of the database that requests read.
    pub database: Breaker,
    /// In front of queues, counters and caches.
    pub keyvalue: Breaker,
}

impl Breakers {
    /// Breakers in front of these two.
    #[must_use]
    pub fn new(database: &Store, keyvalue: &Arc<dyn KeyValue>) -> Self {
        Self {
            database: Breaker::new(Backend::Database(database.clone())),
            keyvalue: Breaker::new(Backend::KeyValue(Arc::clone(keyvalue))),
        }
    }

    /// Looks, without waiting, whether both are there; the log tells when one is not.
    pub fn look(&self) {
        self.database.suspect();
        self.keyvalue.suspect();
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missed<E> {
    /// The backend is away: it was not asked, or not waited for any longer.
    #[error("the backend is away")]
    Away,
    /// This request has waited for backends as long as a request may.
    #[error("no answer in the time of a request")]
    Late,
    /// The backend, or the way to it, failed.
    #[error("{0}")]
    Failed(E),
}

impl<E: Display> Missed<E> {
    /// Writes into the log what there was no answer for, unless the outage is there already.
    /// `incident` is one of [`crate::sentry::incident`].
    pub fn log(&self, incident: &'static str, consequence: &'static str) {
        match self {
            Self::Away => debug!("{consequence}: {self}"),
            Self::Late | Self::Failed(_) => {
                if let Some(passed) = logging::pass_seldom(consequence) {
                    warn!(incident, suppressed = passed.suppressed, "{consequence}: {self}");
                }
            }
        }
    }
}

/// Stands between requests and one backend; cheap to clone.
#[derive(Clone)]
pub struct Breaker(Arc<Shared>);

struct Shared {
    backend: Backend,
    is_away: watch::Sender<bool>,
    is_probed: AtomicBool,
}

enum Backend {
    Database(Store),
    KeyValue(Arc<dyn KeyValue>),
}

impl Breaker {
    fn new(backend: Backend) -> Self {
        let (is_away, is_probed) = (watch::Sender::new(false), AtomicBool::new(false));
        Self(Arc::new(Shared { backend, is_away, is_probed }))
    }

    /// Is the backend known to be away?
    #[must_use]
    pub fn is_away(&self) -> bool {
        *self.0.is_away.borrow()
    }

    /// Waits for the answer of the backend, as long as that makes sense. When it does not, the call
    /// is dropped; whether what it asked for took place is then not known.
    pub async fn ask<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Missed<E>> {
        if self.is_away() {
            return Err(Missed::Away);
        }
        let started = Instant::now();
        let patience = PATIENCE.try_with(Cell::get).unwrap_or(Duration::MAX);
        let answer = self.wait(pin!(call), patience).await;
        if matches!(answer, Err(Missed::Failed(_))) {
            self.suspect();
        }
        // Fails outside of a request, where nobody counts.
        let left = patience.saturating_sub(started.elapsed());
        let _ = PATIENCE.try_with(|patience| patience.set(left));
        answer
    }

    async fn wait<T, E>(
        &self,
        mut call: Pin<&mut impl Future<Output = Result<T, E>>>,
        patience: Duration,
    ) -> Result<T, Missed<E>> {
        if let Ok(answer) = timeout(SUSPICIOUS.min(patience), &mut call).await {
            return answer.map_err(Missed::Failed);
        }
        self.suspect();
        let mut is_away = self.0.is_away.subscribe();
        tokio::select! {
            biased;
            answer = call => answer.map_err(Missed::Failed),
            _ = is_away.wait_for(|is_away| *is_away) => Err(Missed::Away),
            () = tokio::time::sleep(patience.saturating_sub(SUSPICIOUS)) => Err(Missed::Late),
        }
    }

    /// Starts the probe, unless it runs.
    fn suspect(&self) {
        if !self.0.is_probed.swap(true, Ordering::AcqRel) {
            tokio::spawn(probe(Arc::clone(&self.0)));
        }
    }
}

/// Asks for a sign of life until there is one, and says so when it is not the first.
async fn probe(shared: Arc<Shared>) {
    let backend = &shared.backend;
    let mut away_since = None;
    while let Err(why) = backend.sign_of_life().await {
        if away_since.is_none() {
            away_since = Some(Instant::now());
            let name = backend.name();
            warn!(incident = incident::BACKEND_AWAY, backend = name, "{name} is away: {why}");
            shared.is_away.send_replace(true);
        }
        backend.start_over();
        tokio::time::sleep(PROBE_EVERY).await;
    }
    if let Some(since) = away_since {
        info!(away_s = since.elapsed().as_secs(), "{} is back", backend.name());
        shared.is_away.send_replace(false);
    }
    shared.is_probed.store(false, Ordering::Release);
}

impl Backend {
    const fn name(&self) -> &'static str {
        match self {
            Self::Database(_) => "the database",
            Self::KeyValue(_) => "the key-value store",
        }
    }

    async fn sign_of_life(&self) -> Result<(), String> {
        let ping = async {
            match self {
                Self::Database(store) => store.ping().await.map_err(|error| error.to_string()),
                Self::KeyValue(kv) => kv.ping().await.map_err(|error| error.to_string()),
            }
        };
        let silence = || Err(format!("no sign of life within {SIGN_OF_LIFE:?}"));
        timeout(SIGN_OF_LIFE, ping).await.unwrap_or_else(|_| silence())
    }

    /// Lets go of connections on which nothing came; the key-value store sees to that itself.
    fn start_over(&self) {
        if let Self::Database(store) = self {
            store.start_over();
        }
    }
}
