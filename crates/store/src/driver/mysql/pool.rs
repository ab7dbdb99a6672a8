//! Connections that are kept for the next call.
//!
//! The driver has a pool too, but there a connection whose answer never comes stays counted until
//! it does, so a server that stalls leaves a pool that never recovers. Here a connection that did
//! not answer in time is closed at once and its place is free.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Failure;
use crate::error::Error;

/// Connections are replaced after this time, so that a changed address of the server or an account
/// that was withdrawn takes effect.
const LIFETIME: Duration = Duration::from_hours(1);

/// A connection that was idle for longer is asked for a sign of life before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// How long closing a connection politely may take.
const GOODBYE: Duration = Duration::from_millis(500);

#[derive(Clone)]
pub(super) struct Pool(Arc<Mutex<Arc<Shared>>>);

/// The connections since the pool last started over.
struct Shared {
    options: Opts,
    max_connections: usize,
    places: Arc<Semaphore>,
    /// Most recently used last.
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    conn: Conn,
    opened: Instant,
    /// Since when it is idle; `None` when it is to be tested whatever the time.
    since: Option<Instant>,
}

impl Pool {
    pub(super) fn new(options: Opts, max_connections: usize) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(Shared::new(options, max_connections)))))
    }

    pub(super) fn options(&self) -> Opts {
        self.shared().options.clone()
    }

    /// Forgets all connections: those in use are closed when their call ends, and whoever waits for
    /// one is told at once that there is none.
    pub(super) fn start_over(&self) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.places.close();
        *current = Arc::new(Shared::new(current.options.clone(), current.max_connections));
    }

    /// Takes leave of the server on every idle connection, and lets nobody have one any more. A server
    /// that does not answer costs half a second.
    pub(super) async fn close(&self) {
        let shared = self.shared();
        shared.places.close();
        let idle = std::mem::take(&mut *shared.idle());
        let mut goodbyes = JoinSet::new();
        for Idle { conn, .. } in idle {
            goodbyes.spawn(tokio::time::timeout(GOODBYE, conn.disconnect()));
        }
        goodbyes.join_all().await;
    }

    fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a free place and gets a connection that was alive a moment ago.
    pub(super) async fn get(&self) -> Result<Lease, Failure> {
        let shared = self.shared();
        let place = Arc::clone(&shared.places).acquire_owned().await;
        let place = place.map_err(|_| {
            Failure::Ours(Error::unavailable("the connections were given up meanwhile"))
        })?;
        while let Some(Idle { conn, opened, since }) = shared.pop() {
            let mut lease = Lease::new(Arc::clone(&shared), conn, opened);
            let is_trusted = since.is_some_and(|since| since.elapsed() < TRUSTED_IDLE);
            let is_young = opened.elapsed() < LIFETIME;
            if is_young && (is_trusted || lease.conn().ping().await.is_ok()) {
                lease.place = Some(place);
                return Ok(lease);
            }
            lease.discard();
        }
        let conn = Conn::new(shared.options.clone()).await?;
        let mut lease = Lease::new(shared, conn, Instant::now());
        lease.place = Some(place);
        Ok(lease)
    }
}

impl Shared {
    fn new(options: Opts, max_connections: usize) -> Self {
        let places = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
        Self { options, max_connections, places, idle: Mutex::default() }
    }

    fn pop(&self) -> Option<Idle> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in use. Its place in the pool is free again when this is gone.
pub(super) struct Lease {
    conn: Conn,
    opened: Instant,
    pool: Arc<Shared>,
    place: Option<OwnedSemaphorePermit>,
}

impl Lease {
    const fn new(pool: Arc<Shared>, conn: Conn, opened: Instant) -> Self {
        Self { conn, opened, pool, place: None }
    }

    pub(super) const fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    /// Gives the connection back; everything asked on it was answered.
    pub(super) fn keep(self) {
        if self.pool.places.is_closed() {
            return self.discard();
        }
        let Self { conn, opened, pool, place } = self;
        pool.idle().push(Idle { conn, opened, since: Some(Instant::now()) });
        drop(place);
    }

    /// Closes the connection, whatever state it is in. The others were opened to the same server
    /// and may be just as dead, so they are tested before their next use.
    pub(super) fn discard(self) {
        let Self { conn, pool, place, .. } = self;
        for other in pool.idle().iter_mut() {
            other.since = None;
        }
        drop(place);
        tokio::spawn(async move {
            // Dropping the unfinished goodbye closes the socket.
            let _ = tokio::time::timeout(GOODBYE, conn.disconnect()).await;
        });
    }
}
