//! Imports of logs: what survey apps wrote becomes reports, which go through the pipeline like
//! submitted ones.
//!
//! A thread reads, checks and packs; the rest restricts and queues. Nothing here grows with the
//! file, and reading it again gives the same reports in the same order, which is what makes an
//! interrupted import go on where it was.

mod csv;
mod json;
mod lines;
mod notes;
mod push;
mod zip;

use std::fs::File;
use std::io::{self, BufReader, Read, Write};

use ichnaea_domain::cell::CellKey;
use ichnaea_domain::import::Format;
use ichnaea_domain::import::survey::Form;
use ichnaea_domain::region::Regions;
use ichnaea_domain::report::{QueuedReport, Report};
use tokio::sync::mpsc;

pub use notes::{Counts, Notes};
pub use push::{Push, Removed, forget, is_begun};

use self::csv::Csv;
use self::json::Json;
use self::zip::Zip;
use crate::{fault, keys};

/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;
/// Reports that are queued in one step.
const CHUNK: usize = 500;
/// Chunks that may be ready before they are queued.
const READY: usize = 2;

/// Why a file cannot be read, or no further.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file, or what it is packed in.
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
    /// No header, or not with all columns.
    #[error("no line with the names of all columns: missing {}", names(.0))]
    Header(Vec<&'static str>),
    /// The same of a file in an archive.
    #[error("{} has no line with the names of all columns: missing {}", .0, names(.1))]
    MemberHeader(String, Vec<&'static str>),
    /// An archive of something else.
    #[error("{0} is not read out of archives: unpack it first")]
    Archive(&'static str),
    /// A format that is no log.
    #[error("{0} is no format of a log")]
    NoLog(&'static str),
    /// The archive.
    #[error("the archive {0}")]
    Zip(String),
    /// The file for rows that are left out.
    #[error("the file of rejects cannot be written: {0}")]
    Rejects(io::Error),
}

fn names(missing: &[&str]) -> String {
    if missing.is_empty() { "everything".to_owned() } else { missing.join(", ") }
}

/// What reports are checked against.
#[derive(Clone, Copy)]
pub struct Moment {
    /// The time of this run, milliseconds since 1970.
    pub now_ms: i64,
    /// Shapes and country codes.
    pub regions: &'static Regions,
}

/// A log that is read.
trait Reports: Send {
    /// The next report; `None` at the end.
    fn next(&mut self, notes: &mut Notes) -> Result<Option<Report>, Problem>;
}

/// Where the bytes of a log come from.
pub enum Input {
    /// Unpacked, from front to end.
    Stream(Box<dyn Read + Send>),
    /// An archive.
    Archive(File),
}

fn open(format: Format, input: Input, moment: Moment) -> Result<Box<dyn Reports>, Problem> {
    let input = match input {
        Input::Stream(input) => input,
        Input::Archive(file) if format == Format::NeoStumbler => {
            return Ok(Box::new(Zip::open(&file, moment)?));
        }
        Input::Archive(_) => return Err(Problem::Archive(format.name())),
    };
    let form = match format {
        Format::Geosubmit => return Ok(Box::new(Json::new(false, input, moment))),
        Format::GeosubmitLines => return Ok(Box::new(Json::new(true, input, moment))),
        Format::Wigle => Form::Wigle,
        Format::NeoStumbler => Form::NeoStumbler,
        Format::TowerCollector => Form::TowerCollector,
        Format::Microg => Form::Microg,
        Format::Cells | Format::CellDump | Format::WifiDump | Format::BlueDump => {
            return Err(Problem::NoLog(format.name()));
        }
    };
    Ok(Box::new(Csv::open(form, BufReader::with_capacity(BUFFER, input), moment)?))
}

/// Reads a whole log and does nothing with it; `looked` is called now and then.
pub fn count(
    format: Format,
    input: Input,
    moment: Moment,
    rejects: Option<Box<dyn Write + Send>>,
    mut looked: impl FnMut(),
) -> Result<Counts, Problem> {
    let mut notes = Notes { rejects, ..Notes::default() };
    let mut log = open(format, input, moment)?;
    while log.next(&mut notes)?.is_some() {
        notes.counts.reports += 1;
        if notes.counts.reports.is_multiple_of(CHUNK as u64) {
            looked();
        }
    }
    finished(notes)
}

fn finished(mut notes: Notes) -> Result<Counts, Problem> {
    if let Some(file) = &mut notes.rejects {
        file.flush().map_err(Problem::Rejects)?;
    }
    Ok(notes.counts)
}

/// Tells the user something while the import goes on.
pub type Teller<'a> = dyn Fn(&str) + Send + Sync + 'a;

/// A log that is imported.
pub struct Log {
    /// How it is written.
    pub format: Format,
    /// Its bytes.
    pub input: Input,
    /// Where rows go that nothing can be learned from.
    pub rejects: Option<Box<dyn Write + Send>>,
    /// The number under which its cells are kept out of public files; `None` when they need not be.
    pub restricted_by: Option<u32>,
}

/// Reports on their way, ready to be queued.
struct Chunk {
    /// Number of the first report in the file, from 0.
    start: u64,
    items: Vec<Vec<u8>>,
    /// The cells among what they saw, when these are restricted.
    cells: Vec<CellKey>,
}

/// Queues all reports of a log that are not queued yet; `looked` is called after every chunk.
pub async fn import(
    mut push: Push<'_>,
    log: Log,
    moment: Moment,
    mut looked: impl FnMut(),
) -> anyhow::Result<Counts> {
    let Push { context, tell, .. } = push;
    let restricted_by = log.restricted_by;
    if push.queued() > 0 {
        tell(&format!("{} reports of it are queued already; going on after them", push.queued()));
    }
    let (sender, mut chunks) = mpsc::channel(READY);
    let skipped = push.queued();
    let reader = tokio::task::spawn_blocking(move || read(log, moment, skipped, &sender));
    while let Some(Chunk { start, items, cells }) = chunks.recv().await {
        if let Some(import) = restricted_by {
            context.writer.restrict_cells(import, &cells).await?;
            fault::point("log_restricted");
        }
        push.push(start, &items).await?;
        looked();
    }
    let counts = reader.await??;
    fault::point("log_all_queued");
    Ok(counts)
}

/// Reads a log and hands its reports over in chunks, without the first `skipped` ones. Ends early
/// when nobody takes them any more.
fn read(
    log: Log,
    moment: Moment,
    skipped: u64,
    chunks: &mpsc::Sender<Chunk>,
) -> anyhow::Result<Counts> {
    let is_restricted = log.restricted_by.is_some();
    let mut notes = Notes { rejects: log.rejects, ..Notes::default() };
    let mut reports = open(log.format, log.input, moment)?;
    let queue = keys::incoming();
    let new = |start| Chunk { start, items: Vec::with_capacity(CHUNK), cells: Vec::new() };
    let mut chunk = new(skipped);
    let ended = loop {
        let report = match reports.next(&mut notes) {
            Ok(Some(report)) => report,
            Ok(None) => break Ok(()),
            Err(problem) => break Err(problem),
        };
        notes.counts.reports += 1;
        if notes.counts.reports <= skipped {
            continue;
        }
        if is_restricted {
            let keys = report.cell.iter().filter_map(|cell| cell.key(moment.regions));
            chunk.cells.extend(keys);
        }
        let queued = QueuedReport::from(report);
        let items = queue.encode(std::slice::from_ref(&queued)).map_err(anyhow::Error::msg)?;
        chunk.items.extend(items);
        if chunk.items.len() == CHUNK {
            let next = new(notes.counts.reports);
            if chunks.blocking_send(std::mem::replace(&mut chunk, next)).is_err() {
                return Ok(notes.counts);
            }
        }
    };
    // What stands before damage is good.
    if !chunk.items.is_empty() {
        let _ = chunks.blocking_send(chunk);
    }
    ended?;
    Ok(finished(notes)?)
}

#[cfg(test)]
mod tests;
