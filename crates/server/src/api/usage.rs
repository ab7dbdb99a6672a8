//! Counting requests and users per key.
//!
//! A key with a daily limit is counted before its request goes on, since the count decides. All
//! others are gathered here and sent in batches, so that no answer waits for the key-value store.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use ichnaea_domain::api_key::ApiKey;
use ichnaea_kv::Op;

use super::Endpoint;
use crate::context::Context;
use crate::keys;
use crate::sentry::incident;

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
    shared: Arc<Shared>,
    flusher: tokio::task::JoinHandle<()>,
}

struct Shared {
    ctx: Arc<Context>,
    gathered: Mutex<Gathered>,
    /// Held while counts are sent, so that a flush waits for those that are under way.
    sending: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Gathered {
    requests: HashMap<String, i64>,
    users: HashSet<(String, String)>,
    totals: Totals,
}

/// What the key-value store has last said about the counters of today, for the log.
#[derive(Default)]
struct Totals {
    day: Option<NaiveDate>,
    counts: HashMap<String, i64>,
}

impl Gathered {
    /// Counts one request; today's total as far as it is known here.
    fn count(&mut self, counter: String, today: NaiveDate) -> Option<i64> {
        if self.totals.day != Some(today) {
            self.totals = Totals { day: Some(today), counts: HashMap::new() };
        }
        let total = self.totals.counts.get_mut(&counter).map(|total| {
            *total += 1;
            *total
        });
        *self.requests.entry(counter).or_default() += 1;
        total
    }

    /// Takes over what the key-value store says after it has counted; what came in meanwhile is on
    /// top of that.
    fn learn(&mut self, counters: Vec<String>, totals: &[i64]) {
        for (counter, total) in counters.into_iter().zip(totals) {
            let since = self.requests.get(&counter).copied().unwrap_or(0);
            self.totals.counts.insert(counter, total + since);
        }
    }
}

impl Usage {
    /// Starts to send what is gathered, once a second.
    #[must_use]
    pub fn start(ctx: Arc<Context>) -> Self {
        let (gathered, sending) = (Mutex::default(), tokio::sync::Mutex::default());
        let shared = Arc::new(Shared { ctx, gathered, sending });
        let flusher = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    tokio::time::sleep(FLUSH_EVERY).await;
                    shared.send().await;
                }
            }
        });
        Self { shared, flusher }
    }

    /// Waits until what is gathered now was sent.
    pub async fn flush(&self) {
        self.shared.send().await;
    }

    /// Counts one request and gives the key's total of today. `None` without a key, while the
    /// key-value store is away, and in the first second of a key without a limit.
    pub async fn count(
        &self,
        key: &ApiKey,
        endpoint: Endpoint,
        client: Option<IpAddr>,
    ) -> Option<i64> {
        let name = key.name()?;
        let ctx = &self.shared.ctx;
        let today = ctx.clock.now().date();
        let counter = keys::api_limit(name, endpoint.tag(), today);
        let users = user_key(endpoint, name, today);
        let client = client.map_or_else(|| "127.0.0.1".to_owned(), |address| address.to_string());
        if key.daily_limit().is_none() {
            let mut gathered = self.shared.gathered();
            if gathered.users.len() < MAX_GATHERED {
                gathered.users.insert((users, client));
            }
            return gathered.count(counter, today);
        }
        let ops = vec![
            Op::Count { key: counter, by: 1, ttl: Some(LIMIT_TTL) },
            Op::AddUnique { key: users, member: client, ttl: Some(USER_TTL) },
        ];
        match ctx.breakers.keyvalue.ask(ctx.kv.apply(ops)).await {
            Ok(results) => results.first().copied(),
            Err(missed) => {
                missed.log(incident::NOT_COUNTED, "daily limit not checked");
                None
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

impl Shared {
    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self) {
        let _turn = self.sending.lock().await;
        let keyvalue = &self.ctx.breakers.keyvalue;
        if keyvalue.is_away() {
            return; // they are gathered until it is back
        }
        let (requests, users) = {
            let mut gathered = self.gathered();
            (std::mem::take(&mut gathered.requests), std::mem::take(&mut gathered.users))
        };
        if requests.is_empty() {
            return;
        }
        let counters: Vec<_> = requests.keys().cloned().collect();
        let counts =
            requests.into_iter().map(|(key, by)| Op::Count { key, by, ttl: Some(LIMIT_TTL) });
        let users = users.into_iter().map(|(key, member)| Op::AddUnique {
            key,
            member,
            ttl: Some(USER_TTL),
        });
        let ops = counts.chain(users).collect();
        match keyvalue.ask(self.ctx.kv.apply(ops)).await {
            Ok(totals) => self.gathered().learn(counters, &totals),
            Err(missed) => missed.log(incident::NOT_COUNTED, "a second's request counts are lost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ichnaea_testkit::database::LockedFile;

    use super::*;

    #[test]
    fn the_total_of_a_day_is_what_the_store_said_and_what_came_since() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 1, day).unwrap();
        let counter = || "apilimit:test:v1.geolocate:20260101".to_owned();
        let mut gathered = Gathered::default();
        assert_eq!(gathered.count(counter(), day(1)), None);
        let sent = std::mem::take(&mut gathered.requests);
        assert_eq!(sent[&counter()], 1);
        // Comes in while the first one is being counted.
        assert_eq!(gathered.count(counter(), day(1)), None);
        gathered.learn(vec![counter()], &[41]);
        assert_eq!(gathered.count(counter(), day(1)), Some(43));
        assert_eq!(gathered.count(counter(), day(2)), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_flush_waits_for_what_is_being_sent() {
        let folder = tempfile::tempdir().unwrap();
        let ctx = Arc::new(Context::in_folder(folder.path()).await);
        let path = ctx.config.redis_uri.strip_prefix("sqlite:").unwrap();
        let usage = Usage::start(Arc::clone(&ctx));
        // Somebody else writes, so that the counts are taken and cannot be sent.
        let lock = LockedFile::new(std::path::Path::new(path));
        let key = ApiKey { valid_key: "test".to_owned(), ..ApiKey::anonymous() };
        usage.count(&key, Endpoint::Geolocate, None).await;
        while !usage.shared.gathered().requests.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut flush = Box::pin(usage.flush());
        let waited = tokio::time::timeout(Duration::from_millis(50), &mut flush).await;
        assert!(waited.is_err(), "it did not wait");
        drop(lock);
        flush.await;
        assert_eq!(ctx.kv.keys("apilimit:test:v1.geolocate:").await.unwrap().len(), 1);
    }
}
