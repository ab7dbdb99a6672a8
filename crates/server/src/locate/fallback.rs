//! Asking an outside provider: cache, rate limit, call, cache.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::locate::{Fallback, PositionResult, Query, ResultSource};
use ichnaea_kv::Op;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use super::provider::{Answer, Position, Schema};
use super::provider_cache::{self, Cached};
use super::trace::{Provider, Trace};
use crate::context::Context;
use crate::http::outside;
use crate::keys;
use crate::logging::warn_seldom;
use crate::metrics::CacheStatus;
use crate::sentry::incident;

/// Bound on connecting, and on each wait for more of an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bound on a whole call.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest answer of a provider that is read, bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Score of a provider's position, and of one that it calls a fallback itself.
const SCORE: f64 = 10.0;
const LACF_SCORE: f64 = 5.0;

/// The client for all outside services: compiled-in root certificates, one redirect at most.
pub fn http_client() -> anyhow::Result<Client> {
    outside::client_builder()?
        .connect_timeout(TIMEOUT)
        .read_timeout(TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(Policy::limited(1))
        .pool_max_idle_per_host(20)
        .build()
        .context("HTTP client not usable")
}

/// May this query of this key go to the provider? Areas alone are not worth a call.
#[must_use]
pub fn may_ask(key: &ApiKey, query: &Query) -> bool {
    key.may_use_fallback()
        && !(query.blue.is_empty() && query.cells.is_empty() && query.wifi.is_empty())
}

/// The provider's position. Whatever fails on the way costs only this answer.
pub async fn ask(
    ctx: &Context,
    key: &ApiKey,
    query: &Query,
    trace: &mut Trace,
) -> Option<PositionResult> {
    let schema = Schema::parse(key.fallback_schema.as_deref())?;
    let ttl = key.fallback_cache_expire.and_then(|seconds| u64::try_from(seconds).ok());
    let ttl = ttl.filter(|seconds| *seconds > 0).map(Duration::from_secs);
    let keys = if ctx.config.shares_provider_answers {
        provider_cache::keys(schema, query)
    } else {
        provider_cache::query_key(schema, query).map(|key| vec![key])
    };
    let cached = keys.zip(ttl);
    let (cache, known) = match &cached {
        Some((keys, _)) => look_up(ctx, keys).await,
        None => (CacheStatus::Bypassed, None),
    };
    let name = key.fallback_name.clone().unwrap_or_default();
    let provider = trace.provider.insert(Provider { name, cache, lookup: None });
    if let Some(answer) = known {
        return result(&answer);
    }
    if !is_within_rate(ctx, key).await {
        return None;
    }
    let answer = call(ctx, schema, key.fallback_url.as_deref()?, query, provider).await?;
    if let Some((keys, ttl)) = cached {
        let write = provider_cache::write(keys, &answer, ttl);
        if let Err(missed) = ctx.breakers.keyvalue.ask(ctx.kv.apply(write)).await {
            missed.log(incident::PROVIDER_CACHE, "provider answer not cached");
        }
    }
    result(&answer)
}

async fn look_up(ctx: &Context, keys: &[Vec<u8>]) -> (CacheStatus, Option<Answer>) {
    match ctx.breakers.keyvalue.ask(ctx.kv.get(keys)).await {
        Ok(values) => match provider_cache::read(&values) {
            Some(Cached::Hit(answer)) => (CacheStatus::Hit, Some(answer)),
            Some(Cached::Miss) => (CacheStatus::Miss, None),
            Some(Cached::Inconsistent) => (CacheStatus::Inconsistent, None),
            None => (CacheStatus::Failure, None),
        },
        Err(missed) => {
            missed.log(incident::PROVIDER_CACHE, "provider cache not read");
            (CacheStatus::Failure, None)
        }
    }
}

/// Counts the call; a store that is away means no call, since nobody would count it.
async fn is_within_rate(ctx: &Context, key: &ApiKey) -> bool {
    let limit = i64::from(key.fallback_ratelimit.unwrap_or(0));
    if limit == 0 {
        return true;
    }
    let interval = i64::from(key.fallback_ratelimit_interval.unwrap_or(1).max(1));
    let name = key.fallback_name.as_deref().unwrap_or_default();
    let slot = ctx.clock.now().and_utc().timestamp().div_euclid(interval);
    let ttl = Duration::from_secs(interval.unsigned_abs().saturating_mul(5));
    let counter = keys::fallback_rate_limit(name, slot);
    let count = vec![Op::Count { key: counter, by: 1, ttl: Some(ttl) }];
    match ctx.breakers.keyvalue.ask(ctx.kv.apply(count)).await {
        Ok(counts) => counts.first().is_some_and(|count| *count <= limit),
        Err(missed) => {
            missed.log(
                incident::PROVIDER_CACHE,
                "provider rate limit not checked, provider not asked",
            );
            false
        }
    }
}

/// `None`: no usable answer, which is not remembered.
async fn call(
    ctx: &Context,
    schema: Schema,
    url: &str,
    query: &Query,
    provider: &mut Provider,
) -> Option<Answer> {
    let (url, body) = schema.call(url, query)?;
    match exchange(&ctx.http, schema, (&url, &body), provider).await {
        Ok(answer) => Some(answer),
        Err(reason) => {
            warn_seldom!(
                incident = incident::PROVIDER,
                provider = schema.name(),
                reason,
                "provider gave no answer"
            );
            None
        }
    }
}

/// Asks once, and reads the answer; or why there is none that can be used.
async fn exchange(
    http: &Client,
    schema: Schema,
    (url, body): (&str, &serde_json::Value),
    provider: &mut Provider,
) -> Result<Answer, String> {
    let started = Instant::now();
    let send = || http.post(url).json(body).send();
    let response = match send().await {
        // Nothing was sent yet, so a second try asks nothing twice.
        Err(error) if error.is_connect() => send().await,
        other => other,
    };
    let mut response = response.map_err(|error| error.without_url().to_string())?;
    let status = response.status();
    provider.lookup = Some((status.as_u16(), started.elapsed()));
    if status == StatusCode::NOT_FOUND {
        return Ok(Answer::NotFound);
    }
    if status.as_u16() >= 400 {
        return Err(format!("status {}", status.as_u16()));
    }
    let mut text = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| error.without_url().to_string())?
    {
        if text.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err("answer too large".to_owned());
        }
        text.extend_from_slice(&chunk);
    }
    let answer = std::str::from_utf8(&text).ok().and_then(|text| schema.answer(text));
    answer.ok_or_else(|| "answer not understood".to_owned())
}

/// Asks the provider of a key once, past cache and rate limit; what it said, or why it said nothing.
pub async fn probe(http: &Client, key: &ApiKey, query: &Query) -> Result<String, String> {
    let url = key.fallback_url.as_deref().filter(|url| !url.is_empty());
    let url = url.ok_or("fallback_url is not set")?;
    let schema = Schema::parse(key.fallback_schema.as_deref())
        .ok_or("fallback_schema is not one of the formats that are spoken here")?;
    let (url, body) = schema.call(url, query).ok_or("fallback_url has no token behind a #")?;
    let mut provider = Provider { name: String::new(), cache: CacheStatus::Bypassed, lookup: None };
    let answer = exchange(http, schema, (&url, &body), &mut provider).await?;
    let (status, took) = provider.lookup.unwrap_or_default();
    let what = match answer {
        Answer::NotFound => "it knows no position for this query".to_owned(),
        Answer::Found(Position { lat, lon, accuracy_m, .. }) => {
            format!("position {lat}, {lon}, accuracy {accuracy_m} m")
        }
    };
    Ok(format!("status {status} after {} ms: {what}", took.as_millis()))
}

fn result(answer: &Answer) -> Option<PositionResult> {
    match answer {
        Answer::NotFound => None,
        Answer::Found(Position { lat, lon, accuracy_m, is_lacf }) => {
            let score = if *is_lacf { LACF_SCORE } else { SCORE };
            let source = ResultSource::Provider;
            let result = PositionResult::new(*lat, *lon, *accuracy_m, score, source);
            Some(PositionResult { fallback: is_lacf.then_some(Fallback::Lacf), ..result })
        }
    }
}
