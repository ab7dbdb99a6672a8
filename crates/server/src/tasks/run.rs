//! What a task is run with, and what comes out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ichnaea_kv::queue::DataQueue;

use crate::context::Context;

/// Reports that are in memory at the same time: each becomes ten observations or more.
pub(super) const REPORTS_AT_ONCE: usize = 500;

/// What a task is run with.
#[derive(Clone)]
pub struct Run {
    /// The handles to everything outside.
    pub context: Arc<Context>,
    /// The batches that are held now.
    pub held: Arc<Held>,
    /// How much is taken at once.
    pub size: Size,
}

/// How much a task takes from its queue at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many batches of the queue as one. A station costs as much for one observation as for many, so
    /// that a queue in which much waits is worked off faster in large steps.
    Batches(usize),
    /// So many items.
    Items(usize),
}

impl Run {
    /// A run with the usual batches.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, held: Arc::default(), size: Size::Batches(1) }
    }

    /// How many items of a queue are taken at once.
    #[must_use]
    pub fn batch_of(&self, queue: &DataQueue) -> usize {
        match self.size {
            Size::Batches(batches) => queue.batch * batches,
            Size::Items(items) => items,
        }
    }

    /// Whether a queue should be worked on again at once.
    pub async fn is_ready(&self, queue: &DataQueue) -> anyhow::Result<bool> {
        let states = self.context.kv.queues(std::slice::from_ref(&queue.name)).await?;
        Ok(states.first().is_some_and(|state| ichnaea_kv::queue::is_ready(state, queue.batch)))
    }
}

/// The batches this process holds, so that a shutdown can give back what it could not finish.
#[derive(Debug, Default)]
pub struct Held(Mutex<BTreeMap<String, String>>);

impl Held {
    pub(super) fn add(&self, queue: &str, id: &str) {
        self.batches().insert(id.to_owned(), queue.to_owned());
    }

    pub(super) fn remove(&self, id: &str) {
        self.batches().remove(id);
    }

    /// Queue and id of every batch that is held.
    #[must_use]
    pub fn list(&self) -> Vec<(String, String)> {
        self.batches().iter().map(|(id, queue)| (queue.clone(), id.clone())).collect()
    }

    fn batches(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one run of a task did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Items worked on: reports, observations, areas, grid cells or rows.
    pub items: u64,
    /// What happened, by name; zero counts are left out.
    pub counts: BTreeMap<&'static str, u64>,
    /// Whether enough waits for another run at once.
    pub is_ready: bool,
}

impl Outcome {
    /// An outcome without counts.
    #[must_use]
    pub fn of(items: usize) -> Self {
        Self { items: items as u64, ..Self::default() }
    }

    /// Adds to one of the counts.
    pub fn count(&mut self, name: &'static str, by: u64) {
        if by > 0 {
            *self.counts.entry(name).or_default() += by;
        }
    }

    /// Adds what a later run did.
    pub fn add(&mut self, later: Self) {
        self.items += later.items;
        self.is_ready = later.is_ready;
        for (name, by) in later.counts {
            self.count(name, by);
        }
    }

    /// Whether anything was done at all.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.items == 0 && self.counts.is_empty()
    }
}
