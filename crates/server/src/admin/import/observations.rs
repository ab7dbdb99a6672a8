//! Files that say what a device saw where: their rows become reports, which go through the pipeline.
//!
//! What `survey` reads is queued once per digest, whatever is interrupted, so the digest has to be
//! known first: a file is read twice, and standard input is put aside.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use ichnaea_store::{ImportEnd, ImportedFile, NewImport};
use serde_json::to_string;

use super::progress::{Progress, Unit};
use super::rejects::Rejects;
use super::source::{Meter, Source, digest_of};
use super::summary::Summary;
use super::survey::{self, Input, Log, Moment};
use super::{Job, finished};
use crate::admin::warn;
use crate::{fault, keys};

/// How archives begin.
const ZIP: &[u8] = b"PK\x03\x04";

/// Imports a file.
pub(super) async fn import(
    job: Job,
    source: Source,
    mut rejects: Rejects,
) -> anyhow::Result<(Summary, Rejects)> {
    let started = Instant::now();
    let context = job.context.clone();
    let format = job.format;
    let moment = Moment { now_ms: context.clock.now_ms(), regions: context.regions };
    let mut summary = Summary {
        file: job.name.clone(),
        format: format.name(),
        source: job.origin.source.clone(),
        licence: job.origin.licence.clone(),
        is_public: job.origin.is_public,
        is_dry_run: job.options.dry_run,
        ..Summary::default()
    };
    let folder = job.options.temp.clone().unwrap_or_else(std::env::temp_dir);
    let path = job.path.clone();
    let aside = tokio::task::spawn_blocking(move || Aside::put(&path, source, &folder)).await??;
    let writer = rejects.writer()?;
    let mut bar = Progress::new("reading", Unit::Bytes, aside.meter.as_ref().and(Some(aside.size)));
    let meter = aside.meter.clone();
    let looked = move || bar.at(meter.as_ref().map_or(0, |meter| meter.read()));
    if job.options.dry_run {
        let input = aside.input;
        let count = move || survey::count(format, input, moment, writer, looked);
        let counts = tokio::task::spawn_blocking(count).await??;
        summary.surveyed(&counts);
        summary.rows_took(started.elapsed());
        summary.took(started.elapsed());
        return Ok((summary, rejects));
    }
    if !job.options.again
        && let Some(summary) = finished(&context, &aside.digest, &job.name).await?
    {
        return Ok((summary, rejects));
    }
    let progress = keys::import_progress(format.name(), &aside.digest);
    let digest = aside.digest.clone();
    // Another import of the same file may have come to its end meanwhile.
    let is_done_by_another = async || {
        if job.options.again { Ok(None) } else { finished(&context, &digest, &job.name).await }
    };
    let is_known = match is_beginning_known(&job, &aside.digest, &progress).await {
        Ok(is_known) => is_known,
        Err(failure) if failure.is::<Lost>() => match is_done_by_another().await? {
            Some(summary) => return Ok((summary, rejects)),
            None => return Err(failure),
        },
        Err(failure) => return Err(failure),
    };
    // The number of queued reports is there before the import is, and goes after its end.
    let tell = |text: &str| warn(text);
    let push = survey::Push::begin(&context, progress.clone(), &tell).await?;
    if let Some(summary) = is_done_by_another().await? {
        survey::forget(&context, &progress).await?;
        return Ok((summary, rejects));
    }
    let file = NewImport {
        digest: aside.digest,
        size: aside.size,
        name: job.name.clone(),
        format: format.name().to_owned(),
        source: job.origin.source.clone(),
        licence: job.origin.licence.clone(),
        is_public: job.origin.is_public,
        started: context.clock.now(),
    };
    let begun = context.writer.begin_import(&file).await?;
    fault::point("log_noted");
    summary.import = Some(begun.id);
    summary.is_resumed = begun.is_resumed && is_known;
    let restricted_by = (!job.origin.is_public).then_some(begun.id);
    let log = Log { format, input: aside.input, rejects: writer, restricted_by };
    let counts = match survey::import(push, log, moment, looked).await {
        Ok(counts) => counts,
        Err(failure) => {
            if failure.is::<survey::Removed>()
                && let Some(summary) = is_done_by_another().await?
            {
                return Ok((summary, rejects));
            }
            let is_damaged = failure.is::<survey::Problem>();
            return Err(failure.context(if is_damaged {
                "the import is not finished; what stands before the damage is queued"
            } else {
                "the import is not finished; the same command goes on with it"
            }));
        }
    };
    summary.surveyed(&counts);
    summary.rows_took(started.elapsed());
    summary.took(started.elapsed());
    let end = ImportEnd {
        finished: context.clock.now(),
        records: summary.rows,
        rejected: summary.rejected,
        outcome: to_string(&summary)?,
    };
    context.writer.finish_import(begun.id, &end).await?;
    fault::point("log_finished");
    survey::forget(&context, &progress).await?;
    Ok((summary, rejects))
}

/// Whether an earlier run left word how far it came. An earlier run that did not, because the
/// key-value store was emptied meanwhile, is not gone on with: nobody knows which of its reports
/// are queued. With `--again` all of them are.
async fn is_beginning_known(job: &Job, digest: &str, progress: &str) -> anyhow::Result<bool> {
    let imports = job.context.writer.imports_of(digest).await?;
    let is_open = |import: &ImportedFile| {
        import.finished.is_none() && import.file.format == job.format.name()
    };
    let is_interrupted = imports.iter().any(is_open);
    fault::point("log_looked_up");
    if job.options.again && !is_interrupted {
        // Left by a run that was killed after its end.
        survey::forget(&job.context, progress).await?;
    }
    let is_known = survey::is_begun(&job.context, progress).await?;
    ensure!(is_known || !is_interrupted || job.options.again, Lost);
    Ok(is_known)
}

/// Why an import does not go on with an earlier one.
#[derive(Debug, thiserror::Error)]
#[error(
    "an earlier import of this file was interrupted, and how far it came is lost with the contents \
     of the key-value store; --again queues all of it"
)]
struct Lost;

/// A file that can be read again, and its digest.
struct Aside {
    input: Input,
    digest: String,
    /// Bytes of the file as it was given.
    size: u64,
    /// How many of them are read; not known of archives and of what was put aside unpacked.
    meter: Option<Arc<Meter>>,
}

impl Aside {
    fn put(
        path: &std::path::Path,
        source: Source,
        folder: &std::path::Path,
    ) -> anyhow::Result<Self> {
        if path.as_os_str() != "-" {
            drop(source);
            let digest = digest_of(path).context("the file cannot be read")?;
            let mut file = File::open(path)?;
            let size = file.metadata()?.len();
            let is_archive = begins_with_zip(&mut file)?;
            if is_archive {
                return Ok(Self { input: Input::Archive(file), digest, size, meter: None });
            }
            let bytes = Source::open(path)?.into_bytes();
            let meter = Some(bytes.meter());
            return Ok(Self { input: Input::Stream(Box::new(bytes)), digest, size, meter });
        }
        let why = || format!("standard input cannot be put aside in {}", folder.display());
        let mut file = tempfile::tempfile_in(folder).with_context(why)?;
        let mut bytes = source.into_bytes();
        io::copy(&mut bytes, &mut file).with_context(why)?;
        let size = bytes.meter().read();
        let digest = bytes.digest();
        file.seek(SeekFrom::Start(0))?;
        let is_archive = begins_with_zip(&mut file)?;
        let input = if is_archive { Input::Archive(file) } else { Input::Stream(Box::new(file)) };
        Ok(Self { input, digest, size, meter: None })
    }
}

fn begins_with_zip(file: &mut File) -> io::Result<bool> {
    let mut head = Vec::new();
    io::Read::by_ref(file).take(ZIP.len() as u64).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(head == ZIP)
}
