//! The API key of a request: found, checked, counted.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ichnaea_domain::api_key::{ApiKey, is_well_formed};

use crate::context::Context;

use crate::sentry::incident;

/// Keys that are remembered at the same time.
const MAX_KEYS: usize = 500;
/// How long a look-up is remembered, also one that found nothing. The original spreads this over
/// its processes by up to 30 s either way; one process needs no spread.
const REMEMBERED: Duration = Duration::from_mins(5);

/// What is known about the key of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyState {
    /// None was sent, or one that cannot be a key.
    None,
    /// Well formed, but not in the table.
    Unknown,
    /// In the table.
    Known(ApiKey),
    /// The table cannot be read: the request goes on without checks.
    Unchecked,
}

/// Look-ups of the last five minutes.
#[derive(Default)]
pub struct KeyCache {
    entries: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    key: Option<ApiKey>,
    until: Instant,
}

impl KeyCache {
    /// The state of the key with this text. A database that is away costs the check, not the
    /// request, and is not remembered.
    pub async fn state(&self, ctx: &Context, text: Option<&str>) -> KeyState {
        let Some(text) = text.filter(|text| is_well_formed(text)) else { return KeyState::None };
        if let Some(state) = self.remembered(text) {
            return state;
        }
        match ctx.breakers.database.ask(ctx.reader.api_key(text)).await {
            Ok(found) => {
                self.remember(text, found.clone());
                found.map_or(KeyState::Unknown, KeyState::Known)
            }
            Err(missed) => {
                missed.log(incident::KEY_NOT_CHECKED, "API key not checked");
                KeyState::Unchecked
            }
        }
    }

    fn remembered(&self, text: &str) -> Option<KeyState> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(text).filter(|entry| entry.until > Instant::now())?;
        Some(entry.key.clone().map_or(KeyState::Unknown, KeyState::Known))
    }

    fn remember(&self, text: &str, key: Option<ApiKey>) {
        let now = Instant::now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_KEYS {
            entries.retain(|_, entry| entry.until > now);
        }
        if entries.len() >= MAX_KEYS {
            // Made-up keys must not push out the real ones.
            entries.retain(|_, entry| entry.key.is_some());
        }
        if entries.len() < MAX_KEYS {
            entries.insert(text.to_owned(), Entry { key, until: now + REMEMBERED });
        }
    }
}
