//! Taking in reports.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use ichnaea_domain::api_key::{ApiKey, is_sampled};
use ichnaea_domain::report::{QueuedReport, Report};
use ichnaea_kv::Op;
use ichnaea_kv::queue::Packing;

use super::error::ApiError;
use super::facts::Facts;
use super::read;
use super::submit_request::{self, Version};
use crate::breaker::Missed;
use crate::context::Context;
use crate::fault;
use crate::http::body::Held;
use crate::http::{Web, json_answer};
use crate::keys;
use crate::metrics::Refusal;
use crate::sentry::incident;

/// A submission as it came.
pub struct Submission<'a> {
    /// The form of its reports.
    pub version: Version,
    /// The headers of the request.
    pub headers: &'a HeaderMap,
    /// The body.
    pub bytes: Bytes,
    /// The room that the body takes.
    pub held: Held,
}

/// Queues the reports of one submission; they are safe once this answers with success.
///
/// While too many reports wait nothing is even parsed: what is refused costs next to nothing.
pub async fn submit(
    web: &Web,
    key: &ApiKey,
    submission: Submission<'_>,
    facts: &mut Facts,
) -> Result<Response, ApiError> {
    let Submission { version, headers, bytes, mut held } = submission;
    let is_kept = is_sampled(key.submit_rate(), web.ctx.chance.draw());
    if is_kept && web.backlog.is_full() {
        facts.batch = Some(Err(Refusal::Backlog));
        return Err(ApiError::Unavailable);
    }
    let text = web.bodies.text(headers, bytes, &mut held)?;
    let now_ms = web.ctx.clock.now_ms();
    let reports = read(&text, |document| submit_request::read(document, version, now_ms))?;
    drop(text);
    if is_kept {
        let items: Vec<_> = reports.into_iter().map(|report| queued(key, report)).collect();
        let items = encode(&items, web.backlog.packing());
        let taken = take_in(web, items).await;
        facts.batch = Some(taken);
        taken.map_err(|_| ApiError::Unavailable)?;
    }
    Ok(match version {
        Version::V0 => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Version::V1 | Version::V2 => json_answer("{}"),
    })
}

/// Queues reports, if there are any.
async fn take_in(web: &Web, items: Result<Vec<Vec<u8>>, Missed<String>>) -> Result<(), Refusal> {
    let push = async {
        match items? {
            items if items.is_empty() => Ok(()),
            items => push(&web.ctx, items).await,
        }
    };
    push.await.map_err(|missed| {
        missed.log(incident::REPORTS_REFUSED, "reports not queued");
        Refusal::Unavailable
    })
}

fn queued(key: &ApiKey, report: Report) -> QueuedReport {
    QueuedReport { api_key: key.name().map(str::to_owned), ..report.into() }
}

fn encode(reports: &[QueuedReport], packing: Packing) -> Result<Vec<Vec<u8>>, Missed<String>> {
    keys::incoming().encode_packed(reports, packing).map_err(Missed::Failed)
}

/// Appends reports to the incoming queue, all or none. After a failure it is not known which, so
/// nobody here tries again: that could count them twice.
pub async fn queue(
    ctx: &Context,
    reports: &[QueuedReport],
    packing: Packing,
) -> Result<(), Missed<String>> {
    push(ctx, encode(reports, packing)?).await
}

async fn push(ctx: &Context, items: Vec<Vec<u8>>) -> Result<(), Missed<String>> {
    fault::point("submit_before_push");
    let op = Op::Push { queue: keys::incoming().name, items };
    let push = async { ctx.kv.apply(vec![op]).await.map_err(|error| error.to_string()) };
    ctx.breakers.keyvalue.ask(push).await?;
    fault::point("submit_after_push");
    Ok(())
}
