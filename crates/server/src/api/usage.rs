//! Counting requests and users per key.
//!
//! A key with a daily limit is counted before its request goes on, since the count decides. All
//! others are gathered here and sent in batches, so that no answer waits for the key-value store.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use ichnaea_domain::api_key::ApiKey;
use ichnaea_kv::Op;

use super::Endpoint;
use crate::context::Context;
use crate::keys;

/// Counters live a little longer than the day they count.
const LIMIT_TTL: Duration = Duration::from_hours(25);
/// Users are counted over a week.
const USER_TTL: Duration = Duration::from_hours(8 * 24);
/// How often gathered counts are sent.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Distinct users that are gathered between two flushes; what is beyond is not counted.
const MAX_GATHERED: usize = 100_000;

/// Counts on their way to the key-value store.
pub struct Usage {
    ctx: Arc<Context>,
    gathered: Arc<Mutex<Gathered>>,
    flusher: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Gathered {
    requests: HashMap<String, i64>,
    users: HashSet<(String, String)>,
}

impl Usage {
    /// Starts to send what is gathered, once a second.
    #[must_use]
    pub fn start(ctx: Arc<Context>) -> Self {
        let gathered = Arc::new(Mutex::new(Gathered::default()));
        let flusher = tokio::spawn({
            let (ctx, gathered) = (Arc::clone(&ctx), Arc::clone(&gathered));
            async move {
                loop {
                    tokio::time::sleep(FLUSH_EVERY).await;
                    send(&ctx, &gathered).await;
                }
            }
        });
        Self { ctx, gathered, flusher }
    }

    /// Sends what is gathered now.
    pub async fn flush(&self) {
        send(&self.ctx, &self.gathered).await;
    }

    /// Counts one request; true when the key's daily limit is exceeded by it. A key-value store
    /// that is away means no limit.
    pub async fn is_over_limit(
        &self,
        key: &ApiKey,
        endpoint: Endpoint,
        client: Option<IpAddr>,
    ) -> bool {
        let Some(name) = key.name() else { return false };
        let today = self.ctx.clock.now().date();
        let counter = keys::api_limit(name, endpoint.tag(), today);
        let users = user_key(endpoint, name, today);
        let client = client.map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string());
        if key.daily_limit().is_none() {
            let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
            *gathered.requests.entry(counter).or_default() += 1;
            if gathered.users.len() < MAX_GATHERED {
                gathered.users.insert((users, client));
            }
            return false;
        }
        let ops = vec![
            Op::Count { key: counter, by: 1, ttl: Some(LIMIT_TTL) },
            Op::AddUnique { key: users, member: client, ttl: Some(USER_TTL) },
        ];
        match self.ctx.breakers.keyvalue.ask(self.ctx.kv.apply(ops)).await {
            Ok(results) => results.first().is_some_and(|&count| key.is_over_limit(count)),
            Err(missed) => {
                missed.log("daily limit not checked");
                false
            }
        }
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        self.flusher.abort();
    }
}

fn user_key(endpoint: Endpoint, key: &str, today: NaiveDate) -> String {
    keys::api_user(endpoint.kind().name(), key, today)
}

async fn send(ctx: &Context, gathered: &Mutex<Gathered>) {
    if ctx.breakers.keyvalue.is_away() {
        return; // they are gathered until it is back
    }
    let taken = {
        let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *gathered)
    };
    if taken.requests.is_empty() {
        return;
    }
    let counts =
        taken.requests.into_iter().map(|(key, by)| Op::Count { key, by, ttl: Some(LIMIT_TTL) });
    let users = taken.users.into_iter().map(|(key, member)| Op::AddUnique {
        key,
        member,
        ttl: Some(USER_TTL),
    });
    let ops = counts.chain(users).collect();
    if let Err(missed) = ctx.breakers.keyvalue.ask(ctx.kv.apply(ops)).await {
        missed.log("a second's request counts are lost");
    }
}
