//! Files that say where stations are.
//!
//! First the whole file is read, checked and sorted; nothing is written but rejected rows. Then its
//! stations are merged into the tables in the order of their keys, transaction by transaction. After
//! each, the areas of its cells are asked for; at the end they are computed, and the import is noted
//! as finished. A run that is stopped in between leaves an import that is not finished: the same file
//! again asks for all its areas, since some may never have been asked for.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use ichnaea_domain::cell::AreaKey;
use ichnaea_domain::import::cell_csv::{self, Rules};
use ichnaea_domain::import::{BYTE_ORDER_MARK, Reason};
use ichnaea_domain::station::{Shard, Station, StationKey};
use ichnaea_store::{ImportEnd, Merge, Merged, NewImport, Store};
use tokio::sync::mpsc;

use super::aggregate::{Group, Reader, group};
use super::progress::{Progress, Unit};
use super::rejects::Rejects;
use super::sort::{Merger, Sorter};
use super::source::{Line, Source};
use super::summary::Summary;
use super::{Job, areas, finished};
use crate::admin::warn;
use crate::fault;

/// How far ahead of us the clock of whoever made a file may be.
const CLOCK_SKEW_S: i64 = 24 * 3600;

/// How many rows are read between two looks at the progress.
const LOOK_EVERY: u64 = 4096;

/// How long a database that is away or busy is waited for.
const PATIENCE: Duration = Duration::from_mins(2);

/// A file that was read.
struct Read {
    reader: Reader,
    rows: Merger,
    good: u64,
    digest: String,
    size: u64,
    rejects: Rejects,
    summary: Summary,
}

/// Imports a file.
pub(super) async fn import(
    job: Job,
    source: Source,
    rejects: Rejects,
) -> anyhow::Result<(Summary, Rejects)> {
    let started = Instant::now();
    let context = job.context.clone();
    let (job, read) = tokio::task::spawn_blocking(move || {
        let read = read(&job, source, rejects);
        read.map(|read| (job, read))
    })
    .await??;
    let Read { reader, rows, good, digest, size, rejects, mut summary } = read;
    if job.options.dry_run {
        write(&job, None, reader, rows, good, &mut summary).await?;
        summary.rows_took(started.elapsed());
        summary.took(started.elapsed());
        return Ok((summary, rejects));
    }
    if !job.options.again
        && let Some(summary) = finished(&context, &digest, &job.name).await?
    {
        return Ok((summary, rejects));
    }
    let file = NewImport {
        digest,
        size,
        name: job.name.clone(),
        format: job.format.name().to_owned(),
        source: job.origin.source.clone(),
        licence: job.origin.licence.clone(),
        is_public: job.origin.is_public,
        started: context.clock.now(),
    };
    let begun = context.writer.begin_import(&file).await?;
    fault::point("merge_begun");
    summary.import = Some(begun.id);
    summary.is_resumed = begun.is_resumed;
    let merge = Merge {
        import: begun.id,
        is_restricted: !job.origin.is_public,
        overwrites: reader.overwrites(),
    };
    write(&job, Some((merge, begun.is_resumed)), reader, rows, good, &mut summary)
        .await
        .context("the import is not finished; the same command goes on with it")?;
    summary.rows_took(started.elapsed());
    fault::point("merge_written");
    summary.areas = areas::compute(&context).await?;
    ensure!(summary.adds_up(), "the counts do not add up: {summary:?}");
    summary.took(started.elapsed());
    let end = ImportEnd {
        finished: context.clock.now(),
        records: summary.rows,
        rejected: summary.rejected,
        outcome: serde_json::to_string(&summary)?,
    };
    fault::point("merge_computed");
    context.writer.finish_import(begun.id, &end).await?;
    Ok((summary, rejects))
}

/// Reads, checks and sorts the rows.
fn read(job: &Job, mut source: Source, mut rejects: Rejects) -> anyhow::Result<Read> {
    let now_s = job.context.clock.now().and_utc().timestamp();
    let rules = Rules {
        newest_s: if job.is_as_original { i64::MAX } else { now_s + CLOCK_SKEW_S },
        empty_unit_is_zero: job.is_as_original,
    };
    let mut reader = Reader::new(job.format, rules, job.context.regions)
        .context("its rows do not say where stations are")?;
    let folder = job.options.temp.clone().unwrap_or_else(std::env::temp_dir);
    let mut sorter = Sorter::new(&folder);
    let mut summary = Summary {
        file: job.name.clone(),
        format: job.format.name(),
        source: job.origin.source.clone(),
        licence: job.origin.licence.clone(),
        is_public: job.origin.is_public,
        is_dry_run: job.options.dry_run,
        ..Summary::default()
    };
    let mut progress = Progress::new("reading", Unit::Bytes, source.size);
    let mut line = Vec::new();
    let mut number = 0_u64;
    let mut is_first = true;
    loop {
        let kind = source.blocks().line(&mut line);
        if kind == Line::End {
            break;
        }
        number += 1;
        if number.is_multiple_of(LOOK_EVERY) {
            progress.at(source.meter.read());
        }
        let mut row = line.as_slice();
        if number == 1 {
            row = row.strip_prefix(BYTE_ORDER_MARK).unwrap_or(row);
        }
        if row.trim_ascii().is_empty() {
            continue;
        }
        if std::mem::take(&mut is_first) {
            if reader.header(row) {
                if job.is_as_original && row != cell_csv::HEADER.as_bytes() {
                    warn(format!("Expected header row, got data: {}", row.escape_ascii()));
                }
                continue;
            }
            if job.is_as_original {
                warn(format!("Expected header row, got data: {}", row.escape_ascii()));
            }
        }
        summary.rows += 1;
        let packed = match kind {
            Line::Long => Err(Reason::LongLine),
            Line::CutOff => Err(Reason::CutOff),
            Line::Whole | Line::End => reader.row(row),
        };
        match packed {
            Ok(packed) => sorter.push(packed.key, packed.modified, &packed.payload)?,
            Err(reason) => {
                summary.reject(reason);
                rejects.row(number, reason, row)?;
            }
        }
    }
    drop(progress);
    rejects.finish()?;
    if let Some(failure) = source.blocks().failure() {
        ensure!(summary.rows > 0, "the file cannot be read: {failure}");
        summary.cut_off = Some(failure.to_string());
    }
    let meter = source.meter.clone();
    let digest = source.digest();
    Ok(Read {
        good: sorter.rows(),
        rows: sorter.finish()?,
        reader,
        digest,
        size: meter.read(),
        rejects,
        summary,
    })
}

/// Stations of one table, in the order of their keys.
struct Chunk {
    shard: Option<Shard>,
    rows: Vec<(StationKey, Station)>,
    /// Rows that were left out for another one of the same station.
    duplicates: Vec<u128>,
}

/// Merges the rows into the tables, or finds out what would become of them.
async fn write(
    job: &Job,
    merge: Option<(Merge, bool)>,
    reader: Reader,
    rows: Merger,
    good: u64,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    let context = &job.context;
    let store = &context.writer;
    let (sender, mut receiver) = mpsc::channel(2);
    let (regions, size) = (context.regions, store.merge_size());
    let cutting = tokio::task::spawn_blocking(move || cut(reader, rows, size, &sender, regions));
    let mut progress = Progress::new("writing", Unit::Things("rows"), Some(good));
    let mut written = 0;
    let chunks = stream::poll_fn(move |waker| receiver.poll_recv(waker));
    let mut merged = chunks
        .map(async |chunk: Chunk| {
            let Chunk { shard, rows, duplicates } = chunk;
            let done = match shard {
                Some(shard) => {
                    let count = rows.len() as u64;
                    let group = Group::of(shard);
                    let merged = merge_chunk(store, shard, rows, merge).await?;
                    Some((group, count, merged))
                }
                None => None,
            };
            anyhow::Ok((done, duplicates))
        })
        .buffered(store.merge_width());
    while let Some((done, duplicates)) = merged.try_next().await? {
        for key in &duplicates {
            summary.duplicate(group(*key).context("the key of a row has no kind")?);
        }
        written += duplicates.len() as u64;
        if let Some((group, count, (merged, touched))) = done {
            fault::point("merge_committed");
            let committed = Instant::now();
            areas::request(context, &touched).await?;
            fault::point("merge_areas_asked");
            let pause = store.merge_pause().saturating_sub(committed.elapsed());
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            summary.merged(group, merged);
            written += count;
        }
        progress.at(written);
    }
    drop(merged);
    cutting.await?
}

/// Merges a chunk. A database that is away or busy is waited for.
async fn merge_chunk(
    store: &Store,
    shard: Shard,
    rows: Vec<(StationKey, Station)>,
    merge: Option<(Merge, bool)>,
) -> anyhow::Result<(Merged, Vec<AreaKey>)> {
    use ichnaea_store::Error;
    let Some((merge, is_resumed)) = merge else {
        let rows: Vec<_> = rows.iter().map(|(key, station)| (*key, station.modified)).collect();
        return Ok((store.preview_merge(shard, &rows).await?, Vec::new()));
    };
    let all_areas = if is_resumed { areas_of(&rows) } else { Vec::new() };
    let rows = std::sync::Arc::new(rows);
    let started = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        match store.merge_stations(shard, std::sync::Arc::clone(&rows), merge).await {
            Ok((merged, touched)) => {
                return Ok((merged, if is_resumed { all_areas } else { touched }));
            }
            Err(failure @ (Error::Unavailable(_) | Error::Busy(_) | Error::ReadOnly(_)))
                if started.elapsed() < PATIENCE =>
            {
                tracing::warn!("waiting for the database: {failure}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(10));
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

fn areas_of(rows: &[(StationKey, Station)]) -> Vec<AreaKey> {
    let mut areas: Vec<AreaKey> = rows
        .iter()
        .filter_map(|(key, _)| match key {
            StationKey::Cell(cell) => Some(cell.area),
            StationKey::Blue(_) | StationKey::Wifi(_) => None,
        })
        .collect();
    areas.dedup();
    areas
}

/// Cuts the rows into chunks for one transaction each, and finds out their regions.
fn cut(
    mut reader: Reader,
    mut rows: Merger,
    size: usize,
    sender: &mpsc::Sender<Chunk>,
    regions: &ichnaea_domain::region::Regions,
) -> anyhow::Result<()> {
    let mut chunk = Chunk { shard: None, rows: Vec::new(), duplicates: Vec::new() };
    loop {
        let next = rows.next()?;
        let next = match &next {
            Some(row) => Some(reader.station(row, regions).context("a row cannot be read again")?),
            None => None,
        };
        chunk.duplicates.append(&mut rows.duplicates);
        let shard = next.as_ref().map(|(key, _)| key.shard());
        let is_full = chunk.rows.len() >= size || chunk.duplicates.len() >= size;
        if is_full || shard.is_none() || (shard != chunk.shard && chunk.shard.is_some()) {
            let empty =
                Chunk { shard: None, rows: Vec::with_capacity(size), duplicates: Vec::new() };
            if sender.blocking_send(std::mem::replace(&mut chunk, empty)).is_err() {
                // The writing has failed, and says why.
                return Ok(());
            }
        }
        let Some(next) = next else { return Ok(()) };
        chunk.shard = shard;
        chunk.rows.push(next);
    }
}
