//! Counting requests and users per key.
//!
//! A key with a daily limit is counted before its request goes on, since the count decides. All
//! others are gathered here and sent in batches, so that no answer waits for the key-value store.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
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
/// Addresses that are gathered between two flushes; what is beyond is not counted.
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

/// Requests since they were last sent, by key.
#[derive(Default)]
struct Gathered {
    keys: HashMap<String, Vec<Tally>>,
    /// Addresses in all tallies.
    clients: usize,
}

/// What came in for one key at one entry point on one day.
struct Tally {
    endpoint: Endpoint,
    day: NaiveDate,
    requests: i64,
    clients: HashSet<IpAddr>,
    /// All requests of the day, for the log: what the key-value store has last said, and what came since.
    total: Option<i64>,
}

/// A tally on its way, and whose it is.
struct Sent {
    key: String,
    endpoint: Endpoint,
    day: NaiveDate,
    requests: i64,
    clients: HashSet<IpAddr>,
}

impl Gathered {
    /// Counts one request; the day's total as far as it is known here.
    fn count(
        &mut self,
        key: &str,
        endpoint: Endpoint,
        day: NaiveDate,
        client: IpAddr,
    ) -> Option<i64> {
        let tallies = match self.keys.get_mut(key) {
            Some(tallies) => tallies,
            None => self.keys.entry(key.to_owned()).or_default(),
        };
        let is_this = |tally: &Tally| (tally.endpoint, tally.day) == (endpoint, day);
        let place = tallies.iter().position(is_this).unwrap_or_else(|| {
            let (clients, total) = (HashSet::new(), None);
            tallies.push(Tally { endpoint, day, requests: 0, clients, total });
            tallies.len() - 1
        });
        let tally = &mut tallies[place];
        tally.requests += 1;
        if self.clients < MAX_GATHERED && tally.clients.insert(client) {
            self.clients += 1;
        }
        tally.total = tally.total.map(|total| total + 1);
        tally.total
    }

    /// Takes out what came in; the totals of `today` stay.
    fn take(&mut self, today: NaiveDate) -> Vec<Sent> {
        self.clients = 0;
        let mut taken = Vec::new();
        self.keys.retain(|key, tallies| {
            for tally in tallies.iter_mut().filter(|tally| tally.requests > 0) {
                taken.push(Sent {
                    key: key.clone(),
                    endpoint: tally.endpoint,
                    day: tally.day,
                    requests: std::mem::take(&mut tally.requests),
                    clients: std::mem::take(&mut tally.clients),
                });
            }
            tallies.retain(|tally| tally.day == today);
            !tallies.is_empty()
        });
        taken
    }

    /// Takes over what the key-value store says after it has counted; what came in meanwhile is on
    /// top of that.
    fn learn(&mut self, sent: &[Sent], totals: &[i64]) {
        for (Sent { key, endpoint, day, .. }, total) in sent.iter().zip(totals) {
            let tallies = self.keys.get_mut(key).into_iter().flatten();
            let is_this = |tally: &&mut Tally| (tally.endpoint, tally.day) == (*endpoint, *day);
            for tally in tallies.filter(is_this) {
                tally.total = Some(total + tally.requests);
            }
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
        let client = client.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        if key.daily_limit().is_none() {
            return self.shared.gathered().count(name, endpoint, today, client);
        }
        let ops = vec![count_op(name, endpoint, today, 1), user_op(name, endpoint, today, client)];
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

fn count_op(key: &str, endpoint: Endpoint, day: NaiveDate, by: i64) -> Op {
    Op::Count { key: keys::api_limit(key, endpoint.tag(), day), by, ttl: Some(LIMIT_TTL) }
}

fn user_op(key: &str, endpoint: Endpoint, day: NaiveDate, client: IpAddr) -> Op {
    let users = keys::api_user(endpoint.kind().name(), key, day);
    Op::AddUnique { key: users, member: client.to_string(), ttl: Some(USER_TTL) }
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
        let sent = self.gathered().take(self.ctx.clock.now().date());
        if sent.is_empty() {
            return;
        }
        let counts = sent.iter().map(|one| count_op(&one.key, one.endpoint, one.day, one.requests));
        let users = sent.iter().flat_map(|one| {
            one.clients.iter().map(|client| user_op(&one.key, one.endpoint, one.day, *client))
        });
        let ops = counts.chain(users).collect();
        match keyvalue.ask(self.ctx.kv.apply(ops)).await {
            Ok(totals) => self.gathered().learn(&sent, &totals),
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
        let mut gathered = Gathered::default();
        let count = |gathered: &mut Gathered, on| {
            gathered.count("test", Endpoint::Geolocate, day(on), IpAddr::V4(Ipv4Addr::LOCALHOST))
        };
        assert_eq!(count(&mut gathered, 1), None);
        let sent = gathered.take(day(1));
        assert_eq!((sent[0].requests, sent[0].clients.len()), (1, 1));
        // Comes in while the first one is being counted.
        assert_eq!(count(&mut gathered, 1), None);
        gathered.learn(&sent, &[41]);
        assert_eq!(count(&mut gathered, 1), Some(43));
        // Around midnight there are two days at a time, each with its own requests.
        assert_eq!(count(&mut gathered, 2), None);
        let mut sent: Vec<_> =
            gathered.take(day(2)).iter().map(|one| (one.day, one.requests)).collect();
        sent.sort_unstable();
        assert_eq!(sent, [(day(1), 2), (day(2), 1)]);
        assert!(gathered.take(day(2)).is_empty());
        assert_eq!(count(&mut gathered, 1), None, "the total of a day that is over was kept");
    }

    #[test]
    fn addresses_beyond_the_bound_are_not_gathered() {
        let today = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let mut gathered = Gathered::default();
        for number in 0..=u32::try_from(MAX_GATHERED).unwrap() {
            let client = IpAddr::V4(Ipv4Addr::from(number));
            gathered.count("test", Endpoint::SubmitV2, today, client);
        }
        let sent = gathered.take(today);
        assert_eq!(sent[0].clients.len(), MAX_GATHERED);
        assert_eq!(usize::try_from(sent[0].requests).unwrap(), MAX_GATHERED + 1);
        // There is room again.
        gathered.count("test", Endpoint::SubmitV2, today, IpAddr::V4(Ipv4Addr::LOCALHOST));
        assert_eq!(gathered.take(today)[0].clients.len(), 1);
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
        while usage.shared.gathered().keys.values().flatten().any(|tally| tally.requests > 0) {
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
