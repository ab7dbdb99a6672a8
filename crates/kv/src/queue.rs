//! What all data queues share: how an item is written, and when a batch is ready.
//!
//! Items are read from and written for the original's processes too, so the encoding is theirs:
//! JSON, for reports inside gzip; area ids and grid cells as raw bytes.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use crate::gzip::Packing;
use crate::{QueueState, gzip};

/// Age from which a queue is ready however little waits in it; the original's.
pub const READY_AGE: Duration = Duration::from_hours(1);

/// How the items of a queue are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// JSON inside gzip.
    GzipJson,
    /// JSON.
    Json,
    /// Bytes as they are, of anything that serde sees as a list of bytes.
    Raw,
}

/// A data queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataQueue {
    /// Name of the list.
    pub name: String,
    /// How its items are written.
    pub codec: Codec,
    /// Most items in a batch, and the length from which it is ready.
    pub batch: usize,
}

impl DataQueue {
    /// The items for a push. An error only for what JSON cannot hold, like a map whose keys are
    /// no strings.
    pub fn encode<T: Serialize>(&self, items: &[T]) -> Result<Vec<Vec<u8>>, String> {
        self.encode_packed(items, Packing::Tight)
    }

    /// The items for a push, packed like this where they are packed at all. Whoever takes them need
    /// not know.
    pub fn encode_packed<T: Serialize>(
        &self,
        items: &[T],
        packing: Packing,
    ) -> Result<Vec<Vec<u8>>, String> {
        items.iter().map(|item| self.encode_one(item, packing)).collect()
    }

    fn encode_one(&self, item: &impl Serialize, packing: Packing) -> Result<Vec<u8>, String> {
        match self.codec {
            Codec::GzipJson => gzip::pack(&serde_json::to_vec(item).map_err(text)?, packing),
            Codec::Json => serde_json::to_vec(item).map_err(text),
            Codec::Raw => {
                let list = serde_json::to_value(item).map_err(text)?;
                serde_json::from_value(list).map_err(text)
            }
        }
    }

    /// The content of an item. The error says why it cannot be read.
    pub fn decode<T: DeserializeOwned>(&self, item: &[u8]) -> Result<T, String> {
        match self.codec {
            Codec::GzipJson => serde_json::from_slice(&gzip::unpack(item)?).map_err(text),
            Codec::Json => serde_json::from_slice(item).map_err(text),
            Codec::Raw => serde_json::from_value(Value::from(item)).map_err(text),
        }
    }

    /// True when a batch is worth working on: as much waits as fits, or something waits for an
    /// hour.
    #[must_use]
    pub fn is_ready(&self, state: &QueueState) -> bool {
        is_ready(state, self.batch)
    }
}

/// True when `batch` items wait, or some do and the last append was an hour ago.
#[must_use]
pub fn is_ready(state: &QueueState, batch: usize) -> bool {
    let is_full = usize::try_from(state.len).map_or(true, |len| len >= batch);
    state.len > 0 && (is_full || state.age.is_some_and(|age| age >= READY_AGE))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn text(error: impl ToString) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn queue(codec: Codec) -> DataQueue {
        DataQueue { name: "update_incoming".into(), codec, batch: 4 }
    }

    fn state(len: u64, age_s: Option<u64>) -> QueueState {
        QueueState { len, in_flight: 0, age: age_s.map(Duration::from_secs) }
    }

    #[test]
    fn a_queue_is_ready_by_length_or_by_age() {
        for (len, age_s, expected) in [
            (0, None, false),
            (0, Some(90_000), false),
            (1, None, false),
            (1, Some(0), false),
            (1, Some(3_599), false),
            (1, Some(3_600), true),
            (1, Some(86_399), true),
            (3, Some(10), false),
            (4, None, true),
            (5, Some(0), true),
        ] {
            let found = queue(Codec::Json).is_ready(&state(len, age_s));
            assert_eq!(found, expected, "{len} items, age {age_s:?}");
        }
        assert!(is_ready(&state(1, None), 0));
        assert!(!is_ready(&state(0, None), 0));
    }

    #[test]
    fn raw_items_are_the_bytes_themselves() {
        let item = [0_u8, 255, 10];
        assert_eq!(queue(Codec::Raw).encode(&[item]), Ok(vec![item.to_vec()]));
        assert_eq!(queue(Codec::Raw).decode::<[u8; 3]>(&item), Ok(item));
        assert!(queue(Codec::Raw).decode::<[u8; 2]>(&item).is_err());
        assert!(queue(Codec::Raw).encode(&["text"]).is_err());
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(text in ".*", number in any::<i64>()) {
            let item = (text, number, vec![None, Some(0.5)]);
            for codec in [Codec::GzipJson, Codec::Json] {
                let bytes = queue(codec).encode(std::slice::from_ref(&item)).unwrap();
                prop_assert_eq!(queue(codec).decode(&bytes[0]), Ok(item.clone()));
            }
        }

        #[test]
        fn any_bytes_decode_or_fail_without_a_panic(bytes: Vec<u8>) {
            for codec in [Codec::GzipJson, Codec::Json, Codec::Raw] {
                let _ = queue(codec).decode::<String>(&bytes);
            }
        }
    }
}
