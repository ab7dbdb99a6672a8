//! Reading a dump to its end.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::json;

use super::progress::Progress;
use crate::admin::{print, print_json, refuse};
use crate::backup::{Damage, Event, Header, Reader, TableEnd};

/// A table of a dump that was read.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Its name.
    pub table: String,
    /// How many rows it has, and what they are.
    #[serde(flatten)]
    pub end: TableEnd,
}

/// A file, or standard input for `-`.
pub fn input(file: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    Ok(Box::new(opened))
}

/// What a dump says of itself, and its tables.
pub type Content = (Header, Vec<Checked>);

/// Reads a dump to its end, on a thread of its own, so that this one still hears signals.
pub async fn check(input: Box<dyn Read + Send>) -> anyhow::Result<Result<Content, Damage>> {
    Ok(tokio::task::spawn_blocking(move || read(input)).await?)
}

fn read(input: impl Read + Send) -> Result<Content, Damage> {
    let mut reader = Reader::begin(input)?;
    let progress = Progress::begin("checking", None);
    let (mut tables, mut name, mut rows) = (Vec::new(), String::new(), 0);
    while let Some(event) = reader.read()? {
        match event {
            Event::Table(head, _) => name = head.table,
            Event::Rows(some) => {
                rows += some.len() as u64;
                progress.rows(rows);
            }
            Event::End(end) => {
                tables.push(Checked { table: std::mem::take(&mut name), end });
                progress.tables(tables.len());
            }
            Event::Done(_) => {}
        }
    }
    Ok((reader.header().clone(), tables))
}

/// Says whether a dump is whole.
pub(super) async fn run(file: &Path, as_json: bool) -> anyhow::Result<bool> {
    let started = Instant::now();
    let (header, tables) = match check(input(file)?).await? {
        Ok(found) => found,
        Err(damage) => return Ok(refuse(as_json, damage)),
    };
    let rows: u64 = tables.iter().map(|table| table.end.rows).sum();
    if as_json {
        let seconds = started.elapsed().as_secs_f64();
        print_json(&json!({"header": header, "tables": tables, "rows": rows, "seconds": seconds}))?;
        return Ok(true);
    }
    let Header { release, made, source, .. } = header;
    print(format!("Made {made} by release {release} from {source}."));
    print(format!("The dump is whole: {rows} rows of {} tables.", tables.len()));
    Ok(true)
}
