//! The contract on a Redis server, version 3.2 or later.
//!
//! A queue is a plain list of its own name, as in the original, whose processes may read and write
//! it at the same time. Unlike the original's, our pushes leave no expiry on a list: one that
//! expires takes accepted reports with it. Our bookkeeping stands beside the queues:
//!
//! | Key | Type | Content |
//! |---|---|---|
//! | `ichnaea:inflight:<queue>:<id>` | list | the items of a batch |
//! | `ichnaea:leases:<queue>` | sorted set | batch ids by deadline, milliseconds since 1970 |
//! | `ichnaea:pushed` | hash | queue to time of the last append, seconds since 1970 |
//! | `ichnaea:held:<name>` | string | holder of a named lease |
//!
//! Each changing verb is one script, which Redis runs without anything in between; only a plain append
//! is a transaction of three commands, which is as good and cheaper. A script names
//! in-flight lists whose ids it only learns while running, so all keys must live on one server.

mod address;
mod link;

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use link::{Link, Script};
use uuid::Uuid;

use crate::{
    Error, Facts, KeyValue, Op, Options, QueueState, Result, Taken, furthest_ms, millis, now_ms,
};

/// Life of a list in the original after an append, seconds: from what is left of it follows the
/// age, also when an operator shortened it by hand.
const LIST_TTL_S: i64 = 86_400;

/// Most items in one argument of a script, which passes them on to `RPUSH` at once; Lua's stack
/// holds some thousands.
const ITEMS_PER_CHUNK: usize = 500;

/// Items of more bytes than this are appended by a script, in chunks.
const PLAIN_BYTES: usize = 1 << 20;

/// Size at which an argument of items is closed; Redis refuses arguments beyond 512 MB.
const BYTES_PER_CHUNK: usize = 1 << 20;

const IN_FLIGHT: &str = "ichnaea:inflight:";
const LEASES: &str = "ichnaea:leases:";
const PUSHED: &str = "ichnaea:pushed";
const HELD: &str = "ichnaea:held:";

/// A Redis server.
pub(crate) struct Redis {
    link: Link,
    prefix: String,
    scripts: Scripts,
}

struct Scripts {
    apply: Script,
    take: Script,
    lease: Script,
    collect: Script,
    state: Script,
    hold: Script,
    release: Script,
}

/// Whether an address can be understood; the names of its options that mean nothing here.
pub(crate) fn check_address(uri: &str) -> Result<Vec<String>> {
    Ok(address::parse(uri)?.ignored)
}

impl Redis {
    /// Prepares the use of the server at `uri`, which may be down.
    pub(crate) fn open(uri: &str, options: &Options) -> Result<Self> {
        let (link, prefix) = Link::open(uri, options)?;
        let scripts = Scripts {
            apply: Script::new(include_str!("redis/apply.lua")),
            take: Script::new(include_str!("redis/take.lua")),
            lease: Script::new(include_str!("redis/lease.lua")),
            collect: Script::new(include_str!("redis/collect.lua")),
            state: Script::new(include_str!("redis/state.lua")),
            hold: Script::new(include_str!("redis/hold.lua")),
            release: Script::new(include_str!("redis/release.lua")),
        };
        Ok(Self { link, prefix, scripts })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn bytes_key(&self, name: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), name].concat()
    }

    fn leases(&self, queue: &str) -> String {
        self.key(&format!("{LEASES}{queue}"))
    }

    /// What the names of the in-flight lists of a queue begin with; the batch id follows.
    fn in_flight_stem(&self, queue: &str) -> String {
        self.key(&format!("{IN_FLIGHT}{queue}:"))
    }

    /// Runs the script of changes. `None`: the batch is not in flight.
    async fn change(&self, batch: Option<(&str, &str)>, ops: Vec<Op>) -> Result<Option<Vec<i64>>> {
        let (queue, id) = batch.unwrap_or_default();
        let in_flight = format!("{}{id}", self.in_flight_stem(queue));
        let mut keys: Vec<Vec<u8>> =
            vec![self.key(PUSHED).into(), self.leases(queue).into(), in_flight.into()];
        let mut args =
            vec![id.into(), text(now_ms() / 1000), self.prefix.len().to_string().into_bytes()];
        for op in ops {
            let (name, verb, option, values) = match op {
                // Redis has no empty lists, and nothing to remember.
                Op::Push { items, .. } | Op::PushBounded { items, .. } if items.is_empty() => {
                    (Vec::new(), "nothing", Vec::new(), Vec::new())
                }
                Op::Push { queue, items } => {
                    (queue.into_bytes(), "push", Vec::new(), chunks(&items)?)
                }
                Op::PushBounded { queue, items, keep } => {
                    let keep = text(clamp(keep));
                    (queue.into_bytes(), "push", keep, chunks(&items)?)
                }
                Op::Count { key, by, ttl } => {
                    (key.into_bytes(), "count", expiry(ttl), vec![text(by)])
                }
                Op::AddUnique { key, member, ttl } => {
                    (key.into_bytes(), "unique", expiry(ttl), vec![member.into_bytes()])
                }
                Op::Set { key, value, ttl } => (key, "set", expiry(ttl), vec![value]),
                Op::Restore { items, .. } if items.is_empty() => {
                    (Vec::new(), "nothing", Vec::new(), Vec::new())
                }
                Op::Restore { queue, id, items } => {
                    let list = format!("{}{id}", self.in_flight_stem(&queue)).into_bytes();
                    let values = std::iter::once(list).chain(chunks(&items)?).collect();
                    (format!("{LEASES}{queue}").into_bytes(), "restore", id.into_bytes(), values)
                }
                Op::Delete { key } => (key, "delete", Vec::new(), Vec::new()),
            };
            keys.push(self.bytes_key(&name));
            args.extend([verb.into(), option, values.len().to_string().into_bytes()]);
            args.extend(values);
        }
        self.link.script(&self.scripts.apply, &keys, &args).await
    }

    /// Appends items without a script, which would take every item apart into strings of its own first:
    /// this is what each submission does. On a key that is no list the append fails, and the other two
    /// commands change nothing that matters.
    async fn push(&self, queue: &str, items: &[Vec<u8>]) -> Result<()> {
        let key = self.key(queue);
        let mut commands = redis::pipe();
        commands.atomic();
        commands.cmd("RPUSH").arg(&key).arg(items).ignore();
        commands.cmd("PERSIST").arg(&key).ignore();
        let pushed = commands.cmd("HSET").arg(self.key(PUSHED));
        pushed.arg(queue).arg(now_ms() / 1000).ignore();
        self.link.transaction(&commands).await
    }

    /// The names of all keys that begin with `prefix` and are text.
    async fn scan(&self, prefix: &str) -> Result<BTreeSet<String>> {
        let pattern = format!("{}*", escape(&self.key(prefix)));
        let mut found = BTreeSet::new();
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(1000);
            let (next, keys): (u64, Vec<Vec<u8>>) = self.link.repeat(&scan).await?;
            let names = keys.into_iter().filter_map(|key| String::from_utf8(key).ok());
            found.extend(names.filter_map(|key| Some(key.strip_prefix(&self.prefix)?.to_owned())));
            if next == 0 {
                return Ok(found);
            }
            cursor = next;
        }
    }

    async fn set_deadline(&self, queue: &str, id: &str, deadline_ms: i64) -> Result<bool> {
        let args = [id.into(), text(deadline_ms)];
        self.link.repeat_script(&self.scripts.lease, &[self.leases(queue)], &args).await
    }
}

#[async_trait]
impl KeyValue for Redis {
    async fn ping(&self) -> Result<()> {
        self.link.repeat(&redis::cmd("PING")).await
    }

    async fn facts(&self) -> Result<Facts> {
        let info: String = self.link.repeat(&redis::cmd("INFO")).await?;
        let (seconds, micros): (i64, i64) = self.link.repeat(&redis::cmd("TIME")).await?;
        Ok(Facts::of_redis(&info, seconds * 1000 + micros / 1000))
    }

    async fn apply(&self, ops: Vec<Op>) -> Result<Vec<i64>> {
        match ops.as_slice() {
            [] => return Ok(Vec::new()),
            [Op::Push { queue, items }] if !items.is_empty() && size(items) <= PLAIN_BYTES => {
                return self.push(queue, items).await.map(|()| vec![0]);
            }
            _ => {}
        }
        let results = self.change(None, ops).await?;
        results.ok_or_else(|| Error::Broken("the server gave no results".into()))
    }

    async fn take(&self, queue: &str, max: usize, lease: Duration) -> Result<Option<Taken>> {
        let id = Uuid::now_v7().to_string();
        let stem = self.in_flight_stem(queue);
        let keys = [self.key(queue), self.leases(queue), format!("{stem}{id}"), self.key(PUSHED)];
        let now_ms = now_ms();
        let args = [
            text(now_ms),
            text(now_ms + millis(lease)),
            max.to_string().into_bytes(),
            id.into_bytes(),
            stem.into_bytes(),
            queue.into(),
            text(furthest_ms(now_ms, lease)),
        ];
        let taken: Option<(String, bool, Vec<Vec<u8>>)> =
            self.link.script(&self.scripts.take, &keys, &args).await?;
        Ok(taken.map(|(id, again, items)| Taken { id, items, again }))
    }

    async fn renew(&self, queue: &str, id: &str, lease: Duration) -> Result<bool> {
        self.set_deadline(queue, id, now_ms() + millis(lease)).await
    }

    async fn put_back(&self, queue: &str, id: &str) -> Result<bool> {
        self.set_deadline(queue, id, 0).await
    }

    async fn finish(&self, queue: &str, id: &str, ops: Vec<Op>) -> Result<bool> {
        if id.is_empty() {
            return Ok(false);
        }
        Ok(self.change(Some((queue, id)), ops).await?.is_some())
    }

    async fn collect(&self, counters: &[String], queue: &str) -> Result<u64> {
        let mut keys = vec![self.key(queue), self.key(PUSHED)];
        keys.extend(counters.iter().map(|counter| self.key(counter)));
        let args = [text(now_ms() / 1000), self.prefix.len().to_string().into_bytes()];
        self.link.script(&self.scripts.collect, &keys, &args).await
    }

    async fn queues(&self, names: &[String]) -> Result<Vec<QueueState>> {
        let mut keys = vec![self.key(PUSHED)];
        let mut args = Vec::new();
        for name in names {
            keys.extend([self.key(name), self.leases(name)]);
            args.extend([name.clone().into_bytes(), self.in_flight_stem(name).into_bytes()]);
        }
        let states: Vec<(u64, i64, i64, u64)> =
            self.link.repeat_script(&self.scripts.state, &keys, &args).await?;
        let now_s = now_ms() / 1000;
        let state = |(len, ttl_s, pushed_s, in_flight)| QueueState {
            len,
            in_flight,
            age: if len == 0 { None } else { age(ttl_s, pushed_s, now_s) },
        };
        Ok(states.into_iter().map(state).collect())
    }

    async fn peek(&self, queue: &str, start: usize, count: usize) -> Result<Vec<Vec<u8>>> {
        if count == 0 {
            return Ok(Vec::new()); // to Redis, an end before the start may mean the whole list
        }
        let (start, last) = (clamp(start), clamp(start.saturating_add(count - 1)));
        let mut range = redis::cmd("LRANGE");
        range.arg(self.key(queue)).arg(start).arg(last);
        self.link.repeat(&range).await
    }

    async fn get(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut get = redis::cmd("MGET");
        for key in keys {
            get.arg(self.bytes_key(key));
        }
        self.link.repeat(&get).await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let mut found = self.scan(prefix).await?;
        found.retain(|name| !is_bookkeeping(name));
        Ok(found.into_iter().collect())
    }

    async fn queue_names(&self, prefix: &str) -> Result<Vec<String>> {
        let mut found = self.scan(prefix).await?;
        found.retain(|name| !is_bookkeeping(name));
        let leases = self.scan(&format!("{LEASES}{prefix}")).await?;
        found.extend(leases.iter().filter_map(|name| Some(name.strip_prefix(LEASES)?.to_owned())));
        Ok(found.into_iter().collect())
    }

    async fn in_flight(&self) -> Result<Vec<String>> {
        let mut ids = BTreeSet::new();
        for leases in self.scan(LEASES).await? {
            let mut all = redis::cmd("ZRANGE");
            all.arg(self.key(&leases)).arg(0).arg(-1);
            ids.extend(self.link.repeat::<Vec<String>>(&all).await?);
        }
        Ok(ids.into_iter().collect())
    }

    async fn unique_count(&self, keys: &[String]) -> Result<u64> {
        if keys.is_empty() {
            return Ok(0);
        }
        let mut count = redis::cmd("PFCOUNT");
        for key in keys {
            count.arg(self.key(key));
        }
        self.link.repeat(&count).await
    }

    async fn hold(&self, name: &str, holder: &str, ttl: Duration) -> Result<bool> {
        let key = self.key(&format!("{HELD}{name}"));
        let args = [holder.into(), text(millis(ttl))];
        self.link.repeat_script(&self.scripts.hold, &[key], &args).await
    }

    async fn release(&self, name: &str, holder: &str) -> Result<()> {
        let key = self.key(&format!("{HELD}{name}"));
        self.link.repeat_script(&self.scripts.release, &[key], &[holder.into()]).await
    }
}

/// As far as Redis counts.
fn clamp(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn text(number: i64) -> Vec<u8> {
    number.to_string().into_bytes()
}

fn size(items: &[Vec<u8>]) -> usize {
    items.iter().map(Vec::len).sum()
}

fn expiry(ttl: Option<Duration>) -> Vec<u8> {
    ttl.map(|ttl| text(millis(ttl))).unwrap_or_default()
}

/// Packs items, each led by its length in four bytes, into arguments that a script can unpack and
/// pass on one by one.
fn chunks(items: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let mut chunks = Vec::with_capacity(items.len() / ITEMS_PER_CHUNK + 1);
    let (mut chunk, mut count) = (Vec::new(), 0);
    for item in items {
        let len = u32::try_from(item.len())
            .map_err(|_| Error::Broken("an item has more than 4 GiB".into()))?;
        chunk.extend(len.to_be_bytes());
        chunk.extend(item);
        count += 1;
        if count == ITEMS_PER_CHUNK || chunk.len() >= BYTES_PER_CHUNK {
            chunks.push(std::mem::take(&mut chunk));
            count = 0;
        }
    }
    if count > 0 {
        chunks.push(chunk);
    }
    Ok(chunks)
}

/// Time since the last append, from the time to live of the list if it has one (the original sets
/// it with every append), else from what our own append noted (-1: nothing).
fn age(ttl_s: i64, pushed_s: i64, now_s: i64) -> Option<Duration> {
    let age_s = match (ttl_s, pushed_s) {
        (0.., _) => LIST_TTL_S - ttl_s,
        (_, 0..) => now_s - pushed_s,
        _ => return None,
    };
    Some(Duration::from_secs(u64::try_from(age_s).unwrap_or(0)))
}

/// The text as a glob pattern that matches only itself.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut pattern, character| {
        if matches!(character, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
        pattern
    })
}

fn is_bookkeeping(name: &str) -> bool {
    name == PUSHED || [IN_FLIGHT, LEASES, HELD].iter().any(|stem| name.starts_with(stem))
}
