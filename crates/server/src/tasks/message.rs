//! Task messages: how the scheduler tells the workers what to run.

use std::time::Duration;

use ichnaea_kv::Op;
use serde::{Deserialize, Serialize};

use super::Task;
use crate::keys;

/// One request to run a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What to run.
    pub task: Task,
    /// The shard, or the export queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// When it is too late to run it, milliseconds since 1970.
    pub expires_ms: i64,
}

impl Message {
    /// A message that may wait for `expires` from `now_ms`, milliseconds since 1970.
    #[must_use]
    pub fn new(task: Task, argument: Option<String>, now_ms: i64, expires: Duration) -> Self {
        let expires_ms = i64::try_from(expires.as_millis()).unwrap_or(i64::MAX);
        Self { task, argument, expires_ms: now_ms.saturating_add(expires_ms) }
    }

    /// Reads a message; `None` for anything else, such as that of a task of a newer release.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The bytes as they wait.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether it is too late.
    #[must_use]
    pub const fn has_expired(&self, now_ms: i64) -> bool {
        self.expires_ms < now_ms
    }
}

/// Messages that may wait. Without a worker they expire, but somebody has to remove them.
const WAITING_MESSAGES: usize = 5000;

/// Sends messages to the workers. When too many wait the oldest go: they have expired, or will be
/// sent again at the next tick.
#[must_use]
pub fn send(messages: &[Message]) -> Op {
    let items = messages.iter().map(Message::encode).collect();
    Op::PushBounded { queue: keys::TASKS.to_owned(), items, keep: WAITING_MESSAGES }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_back() {
        let argument = Some("f".to_owned());
        let message = Message::new(Task::UpdateWifi, argument, 1000, Duration::from_secs(30));
        assert_eq!(
            message.encode(),
            br#"{"task":"update_wifi","argument":"f","expires_ms":31000}"#
        );
        assert_eq!(Message::decode(&message.encode()), Some(message.clone()));
        assert!(!message.has_expired(31_000));
        assert!(message.has_expired(31_001));
    }

    #[test]
    fn anything_else_is_no_message() {
        for bytes in [&b""[..], b"{}", b"\xff", br#"{"task":"unknown","expires_ms":1}"#] {
            assert_eq!(Message::decode(bytes), None);
        }
    }
}
