//! Positions that are asked for at the same moment are read together.
//!
//! A statement costs a server far more than one more key in it. So while a reading is under way, what
//! is asked for meanwhile waits and then becomes one reading of its own. Alone, a caller waits for
//! nobody; the more callers there are, the less each of them costs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ichnaea_domain::cell::AreaKey;
use ichnaea_domain::locate::Found;
use ichnaea_domain::station::StationKey;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::Store;
use crate::error::{Error, Result};

/// Readings under way at a time: enough to keep a server and ourselves busy, few enough to share. Measured
/// with 8 to 128 callers; one or two are better for single keys in memory, four or more for many on a disk.
const READINGS: usize = 3;

/// How long a caller waits for the readings of others before one more begins: when pages have to come
/// from a disk, they had better come side by side.
const PATIENCE: Duration = Duration::from_millis(5);

/// No reading takes in another caller once it has this many keys.
const ENOUGH_KEYS: usize = 500;

/// Where callers meet.
#[derive(Clone)]
pub(crate) struct Gathering {
    most_readings: usize,
    wait: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Asked>,
    readings: usize,
}

/// What one caller wants.
struct Asked {
    keys: Vec<StationKey>,
    areas: Vec<AreaKey>,
    answer: oneshot::Sender<Result<Found>>,
}

impl Gathering {
    /// A place for the callers of a server that has this many connections for us; none of them waits
    /// longer than `wait`.
    pub(crate) fn new(connections: usize, wait: Duration) -> Self {
        Self { most_readings: connections.max(1), wait, state: Arc::default() }
    }

    /// Reads what is stored about these stations and areas, alone or together with others.
    pub(crate) async fn read(
        &self,
        store: &Store,
        keys: &[StationKey],
        areas: &[AreaKey],
    ) -> Result<Found> {
        let (answer, mut answered) = oneshot::channel();
        let asked = Asked { keys: keys.to_vec(), areas: areas.to_vec(), answer };
        self.state().waiting.push(asked);
        self.begin(store, READINGS);
        let deadline = Instant::now() + self.wait;
        loop {
            let patience = deadline.min(Instant::now() + PATIENCE);
            match tokio::time::timeout_at(patience, &mut answered).await {
                Ok(found) => {
                    let stopped =
                        || Err(Error::unavailable("the reading of positions was stopped"));
                    return found.unwrap_or_else(|_| stopped());
                }
                Err(_) if Instant::now() < deadline => self.begin(store, self.most_readings),
                Err(_) => return Err(Error::unavailable("no answer in time")),
            }
        }
    }

    /// Begins a reading of what waits, unless as many as `limit` are under way.
    fn begin(&self, store: &Store, limit: usize) {
        let mut state = self.state();
        if state.waiting.is_empty() || state.readings >= limit.min(self.most_readings) {
            return;
        }
        state.readings += 1;
        drop(state);
        let (store, mut place) = (store.clone(), Place { gathering: self.clone(), is_taken: true });
        tokio::spawn(async move {
            while let Some(group) = place.next_group() {
                read(&store, group).await;
            }
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a reading among those under way; free again also when the runtime ends half-way.
struct Place {
    gathering: Gathering,
    is_taken: bool,
}

impl Place {
    /// The next callers to read for. When there are none the place is given up, in the same moment: who
    /// asks next finds it free.
    fn next_group(&mut self) -> Option<Vec<Asked>> {
        let mut state = self.gathering.state();
        state.waiting.retain(|asked| !asked.answer.is_closed());
        if state.waiting.is_empty() {
            state.readings -= 1;
            self.is_taken = false;
            return None;
        }
        let mut keys = 0;
        let is_enough = |asked: &Asked| {
            keys += asked.keys.len() + asked.areas.len();
            keys >= ENOUGH_KEYS
        };
        let last = state.waiting.iter().position(is_enough);
        let count = last.map_or(state.waiting.len(), |last| last + 1);
        Some(state.waiting.drain(..count).collect())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_taken {
            self.gathering.state().readings -= 1;
        }
    }
}

/// Reads for a group of callers, and hands each of them its part.
async fn read(store: &Store, mut group: Vec<Asked>) {
    if let [_] = group.as_slice()
        && let Some(Asked { keys, areas, answer }) = group.pop()
    {
        // Who went away since needs no answer; the same below.
        let _ = answer.send(store.read_stations(&keys, &areas).await);
        return;
    }
    let keys: Vec<_> = group.iter().flat_map(|asked| &asked.keys).copied().collect();
    let areas: Vec<_> = group.iter().flat_map(|asked| &asked.areas).copied().collect();
    let found = store.read_stations(&keys, &areas).await;
    for Asked { keys, areas, answer } in group {
        let _ = answer
            .send(found.as_ref().map(|found| part(found, &keys, &areas)).map_err(Error::clone));
    }
}

/// What of this is about these keys.
fn part(found: &Found, keys: &[StationKey], areas: &[AreaKey]) -> Found {
    let station = |key: &StationKey| Some((*key, found.stations.get(key)?.clone()));
    let area = |key: &AreaKey| Some((*key, found.areas.get(key)?.clone()));
    Found {
        stations: keys.iter().filter_map(station).collect(),
        areas: areas.iter().filter_map(area).collect(),
    }
}
