//! The public files of cells: made, put into the bucket or folder, and listed there.
//!
//! A file is written to a temporary one first and goes out as a whole, so a failure leaves what
//! was there. Only then is it named in the list, which is always made from what is there.

mod index;
pub mod lines;

use std::io::Write as _;

use anyhow::Context as _;
use bytes::Bytes;
use chrono::{NaiveDateTime, TimeDelta};
use ichnaea_domain::cell::Radio;
use ichnaea_domain::cell_file::index::Entry;
use ichnaea_domain::cell_file::{Edition, Family, FileName, HEADER, PublicCell, write_row};
use ichnaea_domain::station::Shard;
use ichnaea_store::Selection;
use tempfile::NamedTempFile;

use crate::context::Context;
use crate::objects::{Meta, Object, Objects};
use crate::turn::Turn;
use crate::{fault, keys};
use lines::{Compression, LineFile, Written};

/// What the keys of all public files begin with.
pub const PREFIX: &str = "export";

/// The level at which the original compresses public files.
pub const GZIP_LEVEL: u32 = 5;

/// How many hours are made up for when hourly files could not be put where they belong.
const MADE_UP_HOURS: i64 = 24;

const CELLS: Meta = Meta {
    content_type: Some("application/gzip"),
    content_encoding: None,
    cache_control: Some("max-age=3600, public"),
};
const CHECKSUM: Meta = Meta { content_type: Some("text/plain; charset=utf-8"), ..CELLS };

/// What was put out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Files of cells.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// A full file of an earlier day is the newest one: the one of today could not be made.
    pub is_full_overdue: bool,
}

/// Makes the files of an edition that are due now. `None`: another worker is at it.
pub async fn run(
    ctx: &Context,
    edition: Edition,
    objects: &Objects,
) -> anyhow::Result<Option<Exported>> {
    let Some(turn) = Turn::take(&ctx.kv, &keys::cell_export(edition)).await? else {
        return Ok(None);
    };
    let exported = make_due(ctx, edition, objects).await;
    turn.end().await;
    exported.map(Some)
}

async fn make_due(ctx: &Context, edition: Edition, objects: &Objects) -> anyhow::Result<Exported> {
    let now = ctx.clock.now();
    let there = objects.list(PREFIX).await?;
    let index = index::read(objects).await?;
    // Where the list says nothing, what is there is believed to be whole.
    let newest = |edition| {
        let listed = index.as_ref().and_then(|index| index.newest(edition));
        listed.or_else(|| newest(&there, edition))
    };
    let mut written = Vec::new();
    let mut outcome = Ok(());
    for time in due(edition, newest(edition), edition.time(now)) {
        match make(ctx, edition, time, objects).await {
            Ok(entries) => written.extend(entries),
            Err(failure) => {
                outcome = Err(failure);
                break;
            }
        }
    }
    if !written.is_empty() {
        index::update(ctx, objects, &written).await?;
    }
    outcome?;
    let is_full_overdue = newest(Edition::Full).is_some_and(|full| is_overdue(full, now));
    let rows = written.iter().filter_map(|entry| entry.rows).sum();
    Ok(Exported { files: written.len() as u64, rows, is_full_overdue })
}

/// The time of the newest file of an edition that is there.
fn newest(there: &[Object], edition: Edition) -> Option<NaiveDateTime> {
    let files = there.iter().filter_map(|object| FileName::parse(name_of(&object.key)?));
    files.filter(|file| file.edition == edition).map(|file| file.time).max()
}

/// The name of what lies directly beside the list.
fn name_of(key: &str) -> Option<&str> {
    let name = key.strip_prefix(PREFIX)?.strip_prefix('/')?;
    (!name.contains('/')).then_some(name)
}

/// Which files are to be made now: that of this time, and hourly ones that are missing since the
/// newest there is.
fn due(edition: Edition, newest: Option<NaiveDateTime>, time: NaiveDateTime) -> Vec<NaiveDateTime> {
    let mut due = vec![time];
    if let (Edition::Diff, Some(newest)) = (edition, newest) {
        let earlier = (1..MADE_UP_HOURS)
            .filter_map(|hours| time.checked_sub_signed(TimeDelta::hours(hours)))
            .take_while(|missing| *missing > newest);
        due.extend(earlier);
        due.sort_unstable();
    }
    due
}

/// Whether the full file of today is missing well after it should have been made.
fn is_overdue(full: NaiveDateTime, now: NaiveDateTime) -> bool {
    full.date() < now.date() && now - Edition::Full.time(now) >= TimeDelta::hours(1)
}

/// Makes the files of one time, all of them from one moment's rows.
async fn make(
    ctx: &Context,
    edition: Edition,
    time: NaiveDateTime,
    objects: &Objects,
) -> anyhow::Result<Vec<Entry>> {
    let (since, until) = edition.window(time);
    let selection = Selection {
        shards: Radio::ALL.map(Shard::Cell).to_vec(),
        since: Some(since),
        until,
        is_short_time: edition == Edition::Diff,
        is_public: true,
        ..Selection::default()
    };
    let mut snapshot = ctx.writer.selected_cells(&selection).await?;
    let mut files = Family::ALL.map(|family| (family, None));
    for (_, file) in &mut files {
        *file = Some(TemporaryFile::begin()?);
    }
    while let Some(page) = snapshot.next().await {
        let page = page?;
        let shard = selection.shards.get(page.table);
        let family = files.iter().find(|(family, _)| {
            family.radios().iter().any(|radio| shard == Some(&Shard::Cell(*radio)))
        });
        if let Some((_, Some(file))) = family
            && !file.lines.push(page.rows).await
        {
            break;
        }
    }
    let mut entries = Vec::new();
    for (family, file) in files {
        let Some(file) = file else { continue };
        let (temporary, written) = file.finish().await?;
        fault::point("cells_written");
        let name = FileName { edition, family, time };
        put(objects, name, &temporary, &written).await?;
        entries.push(Entry {
            rows: Some(written.rows),
            sha256: Some(written.sha256),
            ..Entry::found(name, written.bytes)
        });
    }
    Ok(entries)
}

/// A file of cells that is being written.
struct TemporaryFile {
    file: NamedTempFile,
    lines: LineFile<PublicCell>,
}

impl TemporaryFile {
    fn begin() -> anyhow::Result<Self> {
        let file = tempfile::Builder::new()
            .prefix("ichnaea-export-")
            .tempfile()
            .context("no temporary file can be made for the export")?;
        let target = file.reopen().context("the temporary file of the export cannot be opened")?;
        let compression = Compression::Gzip(GZIP_LEVEL);
        Ok(Self { file, lines: LineFile::begin(target, compression, HEADER.to_vec(), write_row) })
    }

    async fn finish(self) -> anyhow::Result<(NamedTempFile, Written)> {
        let written = self.lines.finish().await;
        Ok((self.file, written.context("the temporary file of the export cannot be written")?))
    }
}

/// Puts a file where it belongs, and its checksum beside it.
async fn put(
    objects: &Objects,
    name: FileName,
    file: &NamedTempFile,
    written: &Written,
) -> anyhow::Result<()> {
    let key = format!("{PREFIX}/{name}");
    objects.put_file(&key, file.path(), &CELLS).await?;
    fault::point("cells_put");
    let mut line = Vec::new();
    // As `sha256sum --check` reads it.
    writeln!(line, "{}  {name}", written.sha256)?;
    objects.put(&format!("{key}.sha256"), Bytes::from(line), &CHECKSUM).await?;
    fault::point("cells_summed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(&format!("{text}:00"), "%Y-%m-%d %H:%M").unwrap()
    }

    #[test]
    fn hours_that_were_missed_are_made_up_for() {
        let noon = at("2026-07-01 12");
        let hours = |newest: Option<&str>| -> Vec<String> {
            let due = due(Edition::Diff, newest.map(at), noon);
            due.iter().map(|time| time.format("%d %H").to_string()).collect()
        };
        assert_eq!(hours(None), ["01 12"]);
        assert_eq!(hours(Some("2026-07-01 11")), ["01 12"]);
        assert_eq!(hours(Some("2026-07-01 12")), ["01 12"]);
        assert_eq!(hours(Some("2026-07-01 09")), ["01 10", "01 11", "01 12"]);
        assert_eq!(hours(Some("2025-07-01 09")).len(), 24);
        assert_eq!(due(Edition::Full, Some(at("2026-06-01 00")), noon), [noon]);
    }

    #[test]
    fn a_full_file_is_overdue_an_hour_after_midnight() {
        for (full, now, expected) in [
            ("2026-06-30 00", "2026-07-01 00", false),
            ("2026-06-30 00", "2026-07-01 01", true),
            ("2026-07-01 00", "2026-07-01 23", false),
            ("2026-06-01 00", "2026-07-01 12", true),
        ] {
            assert_eq!(is_overdue(at(full), at(now)), expected, "{full} {now}");
        }
    }

    #[test]
    fn only_what_lies_beside_the_list_is_counted() {
        for (key, name) in [
            ("export/a", Some("a")),
            ("export/old/a", None),
            ("exports/a", None),
            ("tiles/a", None),
            ("export", None),
        ] {
            assert_eq!(name_of(key), name, "{key}");
        }
    }
}
