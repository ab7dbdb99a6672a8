//! How events get to Sentry: a thread of its own with a short queue.
//!
//! Whoever has something to report puts it into the queue and goes on; when the queue is full, or
//! Sentry asked for a pause, the event is dropped. The thread does not need the rest of the process
//! to be well: it works while everything else is stuck, and after the end of the roles.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::sentry::types::Dsn;
use ::sentry::{Envelope, Transport};
use anyhow::Context as _;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};

/// Events that may wait.
const MAX_WAITING: usize = 50;
/// Bound on sending one.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The pause that Sentry means when it asks for one without saying how long.
const PAUSE: Duration = Duration::from_mins(1);

/// The queue and what is known of its other end.
#[derive(Default)]
struct State {
    waiting: VecDeque<Envelope>,
    /// One is being sent.
    is_busy: bool,
    /// What came of the last one.
    last: Option<Result<(), String>>,
}

/// The way to one project of one Sentry.
pub(super) struct Delivery {
    state: Arc<(Mutex<State>, Condvar)>,
}

/// Where events go.
struct Target {
    http: reqwest::Client,
    url: String,
    auth: String,
}

impl Delivery {
    /// Starts the thread. Nothing is connected yet.
    pub(super) fn start(dsn: &Dsn) -> anyhow::Result<Self> {
        let target = Target {
            http: crate::locate::fallback::http_client()?,
            url: dsn.envelope_api_url().to_string(),
            auth: dsn.to_auth(Some(concat!("ichnaea/", env!("CARGO_PKG_VERSION")))).to_string(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let shared = Arc::clone(&state);
        std::thread::Builder::new()
            .name("sentry".to_owned())
            .spawn(move || runtime.block_on(work(&shared, &target)))
            .context("cannot start the thread that reports to Sentry")?;
        Ok(Self { state })
    }

    /// Waits until everything was sent or given up; false when that took too long.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        let (state, changed) = &*self.state;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_pending = |state: &mut State| state.is_busy || !state.waiting.is_empty();
        let (_state, waited) = changed
            .wait_timeout_while(state, patience, is_pending)
            .unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    /// What came of the last event that was sent.
    pub(super) fn last(&self) -> Option<Result<(), String>> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner).last.clone()
    }
}

impl Transport for Delivery {
    fn send_envelope(&self, envelope: Envelope) {
        let (state, changed) = &*self.state;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.waiting.len() < MAX_WAITING {
            state.waiting.push_back(envelope);
            changed.notify_all();
        }
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.wait(timeout)
    }

    fn shutdown(&self, timeout: Duration) -> bool {
        self.wait(timeout)
    }
}

/// Sends what waits, for ever.
async fn work((state, changed): &(Mutex<State>, Condvar), target: &Target) {
    let mut silent_until: Option<Instant> = None;
    loop {
        let envelope = {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let mut state = changed
                .wait_while(state, |state| state.waiting.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            state.is_busy = true;
            state.waiting.pop_front()
        };
        let result = match (envelope, silent_until) {
            (None, _) => Ok(()),
            (Some(_), Some(until)) if Instant::now() < until => {
                Err("Sentry asked for a pause".to_owned())
            }
            (Some(envelope), _) => target.send(&envelope).await.map_err(|refusal| {
                silent_until = refusal.pause.map(|pause| Instant::now() + pause);
                refusal.why
            }),
        };
        if let Err(why) = &result {
            // Less than a warning, which could be reported in turn.
            tracing::debug!("an event was not reported: {why}");
        }
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_busy = false;
        state.last = Some(result);
        changed.notify_all();
    }
}

/// Why an event was not taken, and for how long no other will be.
struct Refusal {
    why: String,
    pause: Option<Duration>,
}

impl Target {
    async fn send(&self, envelope: &Envelope) -> Result<(), Refusal> {
        let refused = |why: String| Refusal { why, pause: None };
        let mut body = Vec::new();
        envelope.to_writer(&mut body).map_err(|error| refused(error.to_string()))?;
        let request = self
            .http
            .post(&self.url)
            .timeout(TIMEOUT)
            .header("X-Sentry-Auth", &self.auth)
            .header(CONTENT_TYPE, "application/x-sentry-envelope")
            .body(body);
        let response =
            request.send().await.map_err(|error| refused(error.without_url().to_string()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let pause = seconds.and_then(|text| text.parse().ok()).map_or(PAUSE, Duration::from_secs);
        let pause = (status == StatusCode::TOO_MANY_REQUESTS).then_some(pause);
        Err(Refusal { why: format!("Sentry answered {status}"), pause })
    }
}
