//! Passing a batch on to another instance of the service, or to whatever takes the same form.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ichnaea_domain::export::delivery::{Verdict, verdict};
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use serde::Deserialize;

use super::{Answer, Parcel};
use crate::context::Context;
use crate::metrics::UploadStatus;

/// The header with the id of the batch, the same whenever the batch is sent again.
pub const BATCH_HEADER: &str = "x-ichnaea-batch";

/// The original's.
pub(super) const GZIP_LEVEL: u32 = 5;
/// As much of an answer is read, bytes.
const MAX_ANSWER: usize = 4096;
/// As much of a message in an answer is shown, characters.
const MAX_SHOWN: usize = 120;

/// An error in the form of this service.
#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: Problem,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    message: String,
    errors: Vec<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

pub(super) async fn send(context: &Context, parcel: &Parcel<'_>) -> Answer {
    let Some(url) = parcel.target.url.as_deref().and_then(|url| url.parse::<reqwest::Url>().ok())
    else {
        return Answer::new(Verdict::Misconfigured, "its url is no address of HTTP");
    };
    // Without the path and the query, which may have a key.
    let host = url.host_str().unwrap_or_default().to_owned();
    let request = context
        .delivery
        .post(url)
        .header(CONTENT_ENCODING, "gzip")
        .header(CONTENT_TYPE, "application/json")
        .header(BATCH_HEADER, parcel.id)
        .body(parcel.body.clone());
    let response = match request.send().await {
        Ok(response) => response,
        Err(failure) if failure.is_builder() => {
            return Answer::new(Verdict::Misconfigured, "its url is no address of HTTP");
        }
        Err(failure) => {
            let why = if failure.is_timeout() {
                format!("no answer within {} s", context.config.objects.timeout.as_secs())
            } else {
                innermost(&failure)
            };
            return Answer::new(Verdict::Later, format!("{host}: {why}"));
        }
    };
    let status = response.status().as_u16();
    context.metrics.export_upload(&parcel.target.name, UploadStatus::Http(status));
    let retry_after = retry_after(&response, context.clock.instant());
    let body = if response.status().is_success() { Body::default() } else { body(response).await };
    let reason = body.error.errors.first().map(|error| error.reason.as_str());
    let message: String =
        body.error.message.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect();
    let said = if message.is_empty() { String::new() } else { format!(" ({message})") };
    Answer {
        verdict: verdict(status, reason),
        why: format!("{host} answered {status}{said}"),
        retry_after,
    }
}

/// How long the target asks not to be asked; it may say so with a number or a date.
fn retry_after(response: &Response, now: DateTime<Utc>) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    date.signed_duration_since(now).to_std().ok()
}

/// The beginning of an answer, where it is an error in our form.
async fn body(mut response: Response) -> Body {
    let mut bytes = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_ANSWER {
            return Body::default();
        }
    }
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// The last cause: the first has the whole address in it.
fn innermost(failure: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = failure;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if std::ptr::addr_eq(cause, failure) { "no connection".to_owned() } else { cause.to_string() }
}
