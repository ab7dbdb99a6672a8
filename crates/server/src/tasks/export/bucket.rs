//! Keeping a batch in a bucket or folder.

use chrono::{DateTime, NaiveDate};
use ichnaea_domain::export::delivery::Verdict;
use ichnaea_domain::export::{Keyed, Place};
use uuid::Uuid;

use super::{Answer, Parcel};
use crate::context::Context;
use crate::metrics::UploadStatus;
use crate::objects::{Error, Meta, Objects};

/// The original's.
pub(super) const GZIP_LEVEL: u32 = 7;

const META: Meta = Meta {
    content_type: Some("application/json"),
    content_encoding: Some("gzip"),
    cache_control: None,
};

pub(super) async fn send(context: &Context, parcel: &Parcel<'_>) -> Answer {
    let stored = store(context, parcel).await;
    let status = if stored.is_ok() { UploadStatus::Success } else { UploadStatus::Failure };
    context.metrics.export_upload(&parcel.target.name, status);
    match stored {
        Ok(()) => Answer::new(Verdict::Delivered, ""),
        // Whatever a bucket says is about the bucket: no batch is held responsible for it.
        Err(Error::Unavailable(why)) => Answer::new(Verdict::Later, why),
        Err(failure) => Answer::new(Verdict::Misconfigured, failure.to_string()),
    }
}

async fn store(context: &Context, parcel: &Parcel<'_>) -> Result<(), Error> {
    let Parcel { target, queue, id, body } = parcel;
    let url = target.url.as_deref().unwrap_or_default();
    let place = Place::parse(url).map_err(|why| Error::Broken(format!("its url: {why}")))?;
    let (source, api_key) = target.source_and_key(queue).unwrap_or(("gnss", "no_key"));
    let (id, day) = identity(id, context.clock.now().date());
    let key = place.key(&Keyed { source, api_key, day, id: &id });
    let objects = Objects::open(&place.root, &context.config.objects)?;
    objects.put(&key, body.clone(), &META).await
}

/// The name of an object and the day in its key. Both follow from the id of the batch, so that a
/// batch that is sent again, on whatever day, writes the same object.
fn identity(id: &str, today: NaiveDate) -> (String, NaiveDate) {
    let Ok(uuid) = Uuid::parse_str(id) else { return (id.replace('-', ""), today) };
    let time = uuid.get_timestamp().and_then(|time| {
        let (seconds, _) = time.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
    });
    (uuid.simple().to_string(), time.map_or(today, |time| time.date_naive()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_and_the_day_of_an_object_follow_from_the_batch() {
        let today = NaiveDate::from_ymd_opt(2030, 1, 1).unwrap();
        // 2026-01-31 23:59:59.999 UTC.
        let id = "019c167f-cbff-7abc-8def-0123456789ab";
        let (name, day) = identity(id, today);
        assert_eq!(name, "019c167fcbff7abc8def0123456789ab");
        assert_eq!(day, NaiveDate::from_ymd_opt(2026, 1, 31).unwrap());
        assert_eq!(identity("no uuid", today), ("no uuid".to_owned(), today));
    }
}
