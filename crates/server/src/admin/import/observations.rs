//! Files that say what a device saw where: their rows become reports, which go through the pipeline.
//!
//! What `survey` reads is queued once per digest, whatever is interrupted, so the digest has to be
//! known first: a file is read twice, and standard input is put aside.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::time::Instant;

use anyhow::Context as _;
use ichnaea_store::{ImportEnd, NewImport};
use serde_json::to_string;

use super::rejects::Rejects;
use super::source::{Source, digest_of};
use super::summary::Summary;
use super::survey::{self, Input, Log, Moment};
use super::{Job, finished};
use crate::admin::warn;
use crate::fault;

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
    let counts = if job.options.dry_run {
        tokio::task::spawn_blocking(move || survey::count(format, aside.input, moment, writer))
            .await??
    } else {
        if !job.options.again
            && let Some(summary) = finished(&context, &aside.digest, &job.name).await?
        {
            return Ok((summary, rejects));
        }
        let file = NewImport {
            digest: aside.digest.clone(),
            size: aside.size,
            name: job.name.clone(),
            format: format.name().to_owned(),
            source: job.origin.source.clone(),
            licence: job.origin.licence.clone(),
            is_public: job.origin.is_public,
            started: context.clock.now(),
        };
        let begun = context.writer.begin_import(&file).await?;
        fault::point("import_begun");
        summary.import = Some(begun.id);
        summary.is_resumed = begun.is_resumed;
        let log = Log {
            format,
            input: aside.input,
            rejects: writer,
            digest: aside.digest,
            restricted_by: (!job.origin.is_public).then_some(begun.id),
        };
        survey::import(&context, log, &|text| warn(text))
            .await
            .context("the import is not finished; the same command goes on with it")?
    };
    summary.surveyed(&counts);
    summary.took(started.elapsed().as_secs_f64());
    if let Some(import) = summary.import {
        let end = ImportEnd {
            finished: context.clock.now(),
            records: summary.rows,
            rejected: summary.rejected,
            outcome: to_string(&summary)?,
        };
        context.writer.finish_import(import, &end).await?;
    }
    Ok((summary, rejects))
}

/// A file that can be read again, and its digest.
struct Aside {
    input: Input,
    digest: String,
    size: u64,
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
            let input = if is_archive {
                Input::Archive(file)
            } else {
                Input::Stream(Box::new(Source::open(path)?.into_bytes()))
            };
            return Ok(Self { input, digest, size });
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
        Ok(Self { input, digest, size })
    }
}

fn begins_with_zip(file: &mut File) -> io::Result<bool> {
    let mut head = Vec::new();
    io::Read::by_ref(file).take(ZIP.len() as u64).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(head == ZIP)
}
