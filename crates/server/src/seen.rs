//! Signs of life: which workers and schedulers were seen lately.
//!
//! Every worker and scheduler leaves one in the key-value store and renews it. One that dies stops
//! renewing, and its sign goes away by itself; one that ends takes its sign along.

use std::convert::Infallible;
use std::time::Duration;

use chrono::NaiveDateTime;
use ichnaea_kv::{KeyValue, Op};
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::context::Context;
use crate::{host, keys};

/// How often a sign is renewed.
const RENEW: Duration = Duration::from_secs(20);
/// How long a sign outlives its process: room for two renewals that fail.
const TTL: Duration = Duration::from_secs(65);

/// What leaves signs of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Runs tasks.
    Worker,
    /// Sends due tasks to the workers.
    Scheduler,
}

impl Kind {
    /// The name in keys and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
        }
    }
}

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// What left it.
    pub kind: Kind,
    /// The machine or container it runs on.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// Its release.
    pub version: String,
    /// When it started, UTC.
    #[serde(with = "time_text")]
    pub started: NaiveDateTime,
    /// When it was last seen, UTC by its own clock.
    #[serde(with = "time_text")]
    pub seen: NaiveDateTime,
    /// How many tasks it runs at the same time; a scheduler runs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<usize>,
}

/// Leaves signs of life for as long as the work goes on, and takes them away at its end.
///
/// A store that is away does not touch the work: the next sign is due soon.
pub async fn during<T>(context: &Context, kind: Kind, work: impl Future<Output = T>) -> T {
    let id = uuid::Uuid::new_v4().to_string();
    let now = context.clock.now();
    let mut sign = Sign {
        kind,
        host: host::name(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: now,
        seen: now,
        concurrency: (kind == Kind::Worker).then_some(context.config.worker_concurrency),
    };
    // In containers every process is number 1, so the key does not rely on it.
    let key = keys::seen(kind.name(), &sign.host, &id);
    let mut renew = async || -> Infallible {
        loop {
            sign.seen = context.clock.now();
            let value = serde_json::to_vec(&sign).unwrap_or_default();
            note(context, Op::Set { key: key.clone(), value, ttl: Some(TTL) }).await;
            tokio::time::sleep(RENEW).await;
        }
    };
    let result = tokio::select! {
        result = work => result,
        never = renew() => match never {},
    };
    note(context, Op::Delete { key }).await;
    result
}

async fn note(context: &Context, op: Op) {
    if let Err(failure) = context.kv.apply(vec![op]).await {
        debug!(%failure, "no sign of life could be left");
    }
}

/// Everybody who was seen lately, workers first.
pub async fn lately(kv: &dyn KeyValue) -> ichnaea_kv::Result<Vec<Sign>> {
    let names = kv.keys(keys::SEEN_PREFIX).await?;
    let names: Vec<Vec<u8>> = names.into_iter().map(String::into_bytes).collect();
    let values = kv.get(&names).await?;
    // What another release may write there is not ours to judge.
    let mut signs: Vec<Sign> = values
        .into_iter()
        .flatten()
        .filter_map(|json| serde_json::from_slice(&json).ok())
        .collect();
    signs.sort_by(|a, b| (a.kind, &a.host, a.started).cmp(&(b.kind, &b.host, b.started)));
    Ok(signs)
}

/// A time as people read it: `2026-01-31 12:00:00`.
mod time_text {
    use chrono::NaiveDateTime;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    const FORM: &str = "%Y-%m-%d %H:%M:%S";

    pub fn serialize<S: Serializer>(time: &NaiveDateTime, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&time.format(FORM))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveDateTime, D::Error> {
        let text = String::deserialize(from)?;
        NaiveDateTime::parse_from_str(&text, FORM).map_err(D::Error::custom)
    }
}
