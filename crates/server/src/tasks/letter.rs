//! Dead letters as they are kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::batch::{Dead, OfBatch};

/// An item that could not be worked on, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The kind of trouble, as in the counters.
    pub reason: String,
    /// What exactly.
    pub detail: String,
    /// When, UTC.
    pub time: String,
    /// The item in base64.
    item: String,
    /// The batch it was part of, when all of that became dead letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch: Option<String>,
    /// How many items of that batch did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<usize>,
}

impl Letter {
    /// The letter of an item.
    #[must_use]
    pub fn new(dead: &Dead, time: &str) -> Self {
        Self {
            reason: dead.reason.name().to_owned(),
            detail: dead.detail.clone(),
            time: time.to_owned(),
            item: STANDARD.encode(&dead.item),
            batch: dead.batch.as_ref().map(|batch| batch.id.clone()),
            of: dead.batch.as_ref().map(|batch| batch.items),
        }
    }

    /// The bytes that are kept.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a letter; `None` for anything else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The item as it was in its queue.
    #[must_use]
    pub fn item(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.item).ok()
    }

    /// The batch that became dead letters together with it.
    #[must_use]
    pub fn batch(&self) -> Option<OfBatch> {
        Some(OfBatch { id: self.batch.clone()?, items: self.of? })
    }
}
