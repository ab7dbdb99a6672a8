//! Makes the public files of cells.

use anyhow::bail;
use ichnaea_domain::cell_file::Edition;

use super::message::{Message, send};
use super::{Outcome, PERIODIC, Run, Task};
use crate::cell_export;
use crate::objects::{Objects, without_scheme};

/// Makes the files of an edition that are due, in the bucket that is given or else the one of the
/// settings.
pub async fn run(run: &Run, edition: Edition, bucket: Option<&str>) -> anyhow::Result<Outcome> {
    let ctx = &run.context;
    let uri = match (bucket, &ctx.config.asset_bucket) {
        (Some(bucket), _) => without_scheme(bucket).map_err(anyhow::Error::msg)?,
        (None, Some(uri)) => uri.clone(),
        (None, None) => bail!("ASSET_BUCKET is not set, so there is no place for public files"),
    };
    let objects = Objects::open(&uri, &ctx.config.objects)?;
    let Some(exported) = cell_export::run(ctx, edition, &objects).await? else {
        return Ok(Outcome::default());
    };
    // A file of the whole day is not waited for until the next night when its bucket was away.
    if edition == Edition::Diff && exported.is_full_overdue {
        let full = PERIODIC.iter().find(|line| line.task == Task::CellExportFull);
        if let Some(line) = full {
            let bucket = bucket.map(str::to_owned);
            let message = Message::new(line.task, bucket, ctx.clock.now_ms(), line.expires);
            ctx.kv.apply(vec![send(&[message])]).await?;
        }
    }
    let mut outcome = Outcome { items: exported.rows, ..Outcome::default() };
    outcome.count("files", exported.files);
    outcome.count("rows", exported.rows);
    Ok(outcome)
}
