//! Taking in reports.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
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
use crate::http::{Web, json_answer};
use crate::keys;
use crate::metrics::Refusal;
use crate::sentry::incident;

/// Queues the reports of one submission; they are safe once this answers with success.
pub async fn submit(
    web: &Web,
    key: &ApiKey,
    version: Version,
    text: &str,
    facts: &mut Facts,
) -> Result<Response, ApiError> {
    let ctx = &web.ctx;
    let now_ms = ctx.clock.now_ms();
    let reports = read(text, |document| submit_request::read(document, version, now_ms))?;
    if is_sampled(key.submit_rate(), ctx.chance.draw()) {
        let taken = take_in(web, key, reports).await;
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

/// Queues reports, unless there are too many already.
async fn take_in(web: &Web, key: &ApiKey, reports: Vec<Report>) -> Result<(), Refusal> {
    if reports.is_empty() {
        return Ok(());
    }
    if web.backlog.is_full() {
        return Err(Refusal::Backlog);
    }
    let items: Vec<_> = reports.into_iter().map(|report| queued(key, report)).collect();
    queue(&web.ctx, &items, web.backlog.packing()).await.map_err(|missed| {
        missed.log(incident::REPORTS_REFUSED, "reports not queued");
        Refusal::Unavailable
    })
}

fn queued(key: &ApiKey, report: Report) -> QueuedReport {
    QueuedReport { api_key: key.name().map(str::to_owned), ..report.into() }
}

/// Appends reports to the incoming queue, all or none. After a failure it is not known which, so
/// nobody here tries again: that could count them twice.
pub async fn queue(
    ctx: &Context,
    reports: &[QueuedReport],
    packing: Packing,
) -> Result<(), Missed<String>> {
    let queue = keys::incoming();
    let items = queue.encode_packed(reports, packing).map_err(Missed::Failed)?;
    fault::point("submit_before_push");
    let op = Op::Push { queue: queue.name, items };
    let push = async { ctx.kv.apply(vec![op]).await.map_err(|error| error.to_string()) };
    ctx.breakers.keyvalue.ask(push).await?;
    fault::point("submit_after_push");
    Ok(())
}
