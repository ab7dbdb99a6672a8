//! Getting a batch of reports to an export target.
//!
//! A batch is sent under its id, which stays the same whenever it is sent again, so that a target
//! can tell a repetition from something new. It is finished when the target has it, or when the
//! target has refused it again and again: then its reports are dead letters. A target that cannot
//! be reached, or that lets nobody in, rests for a while that grows; its reports wait.

mod body;
mod bucket;
mod geosubmit;
mod internal;
mod rest;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ichnaea_domain::export::delivery::{MAX_REFUSALS, Verdict, pause_of_refused};
use ichnaea_domain::export::{ExportConfig, Schema};
use ichnaea_domain::report::ExportedReport;
use ichnaea_kv::{Op, Taken};

pub use geosubmit::BATCH_HEADER;
pub(super) use internal::learn_from;
pub use rest::{Rest, all as resting, has_tried, may_try, of as rest_of, of_these as resting_of};

use super::batch::{Dead, Done, OfBatch, Postponed, Reason, decode_all};
use super::tally::Tally;
use super::{Outcome, Run};
use crate::{fault, keys};

/// Tries in a row before the target rests: what fails often works a moment later.
const TRIES: u32 = 3;
/// The pause after the first of them; the next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// After this long there is no further try in the row, so that a target that does not answer does
/// not hold a worker for minutes.
const MAX_ROW: Duration = Duration::from_secs(10);
/// How long it is remembered that a batch was refused.
const REFUSALS_TTL: Duration = Duration::from_hours(7 * 24);

/// What is sent.
struct Parcel<'a> {
    target: &'a ExportConfig,
    /// The queue it comes from.
    queue: &'a str,
    /// The id of the batch.
    id: &'a str,
    body: bytes::Bytes,
}

/// How one try ended.
struct Answer {
    verdict: Verdict,
    /// One line for the operator, without secrets.
    why: String,
    /// How long the target asked not to be asked.
    retry_after: Option<Duration>,
}

impl Answer {
    fn new(verdict: Verdict, why: impl Into<String>) -> Self {
        Self { verdict, why: why.into(), retry_after: None }
    }
}

/// A report that can be sent, with its bytes in the queue.
struct Readable {
    item: Vec<u8>,
    report: ExportedReport,
}

/// Sends one batch to a target outside; `rest` is what is known about its troubles.
pub(super) async fn deliver(
    run: &Run,
    target: &ExportConfig,
    queue: &str,
    rest: Option<Rest>,
    taken: Taken,
) -> anyhow::Result<Done> {
    let form = keys::export("", 0);
    let (reports, dead) = decode_all(taken.items, |item| {
        form.decode(item).map(|report| Readable { item: item.to_vec(), report })
    });
    let mut done = Done { dead, ..Done::default() };
    if reports.is_empty() {
        return Ok(done);
    }
    let (reports, body) = match target.target() {
        Some(Schema::Geosubmit) => body::packed(reports, geosubmit::GZIP_LEVEL).await?,
        Some(Schema::S3) => body::packed(reports, bucket::GZIP_LEVEL).await?,
        Some(Schema::Dummy | Schema::Internal) | None => (reports, bytes::Bytes::new()),
    };
    let parcel = Parcel { target, queue, id: &taken.id, body };
    let answer = send_in_a_row(run, &parcel).await;
    let refusals = keys::refusals(&taken.id);
    match answer.verdict {
        Verdict::Delivered => {
            fault::point("export_sent");
            done.outcome = Outcome::of(reports.len());
            done.outcome.count("reports", reports.len() as u64);
            done.tally = Tally::Exported { target: target.name.clone(), learned: BTreeMap::new() };
            if taken.again {
                done.ops.push(Op::Delete { key: refusals.into_bytes() });
            }
            if rest.is_some() {
                done.ops.push(rest::end(&target.name));
            }
            Ok(done)
        }
        Verdict::Refused => {
            let count = Op::Count { key: refusals.clone(), by: 1, ttl: Some(REFUSALS_TTL) };
            let count = run.context.kv.apply(vec![count]).await?.first().copied().unwrap_or(0);
            fault::point("export_refusal_counted");
            if count < MAX_REFUSALS {
                return Err(Postponed { pause: pause_of_refused(count), why: answer.why }.into());
            }
            done.outcome = Outcome::of(0);
            let of = OfBatch { id: taken.id, items: reports.len() };
            done.dead.extend(reports.into_iter().map(|readable| Dead {
                reason: Reason::Refused,
                detail: answer.why.clone(),
                item: readable.item,
                batch: Some(of.clone()),
            }));
            done.ops.push(Op::Delete { key: refusals.into_bytes() });
            Ok(done)
        }
        Verdict::Later | Verdict::Misconfigured => {
            rest::begin(run, &target.name, rest, &answer).await?;
            fault::point("export_rested");
            Err(Postponed { pause: Duration::ZERO, why: answer.why }.into())
        }
    }
}

/// Tries a few times, as long as it is quick and the target asks for nothing else.
async fn send_in_a_row(run: &Run, parcel: &Parcel<'_>) -> Answer {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        let answer = send(run, parcel).await;
        let is_worth_it = answer.verdict == Verdict::Later && answer.retry_after.is_none();
        if !is_worth_it || began.elapsed() + pause > MAX_ROW {
            return answer;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    send(run, parcel).await
}

async fn send(run: &Run, parcel: &Parcel<'_>) -> Answer {
    let began = Instant::now();
    let answer = match parcel.target.target() {
        Some(Schema::Geosubmit) => geosubmit::send(&run.context, parcel).await,
        Some(Schema::S3) => bucket::send(&run.context, parcel).await,
        Some(Schema::Dummy | Schema::Internal) | None => Answer::new(Verdict::Delivered, ""),
    };
    let is_sent = !matches!(parcel.target.target(), Some(Schema::Dummy));
    if answer.verdict == Verdict::Delivered && is_sent {
        run.context.metrics.export_upload_timing(&parcel.target.name, began.elapsed());
    }
    answer
}
