//! `ichnaea export`: extracts of what is known, as files.

use std::path::PathBuf;

use anyhow::bail;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use clap::{Args, Subcommand, ValueEnum};
use ichnaea_domain::cell::Radio;
use ichnaea_domain::cell_file::{Edition, HEADER, Network, write_row};
use ichnaea_domain::geo::BoundingBox;
use ichnaea_domain::station::Shard;
use ichnaea_store::{Selection, Store};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::output::{Output, compression};
use super::print;
use crate::cell_export::GZIP_LEVEL;
use crate::cell_export::lines::LineFile;

/// Each network is read by itself; nobody needs more of them than there are.
const MAX_NETWORKS: usize = 1000;

/// Times within which few cells change, so that an index over times finds them faster.
const SHORT: TimeDelta = TimeDelta::hours(48);

/// What to export.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Writes cells with a position, in the form of the public file
    #[command(
        after_help = "Reads with the account in DB_READONLY_URI, all cells as one moment has \
        them, while the service goes on. The file has its name once it is complete; .gz and .zst \
        are compressed. Cells that came with an import whose licence does not allow it are left \
        out.\n\nEnds with status 0 when the file is complete, 1 when not.\n\n\
        Examples:\n  \
        ichnaea export cells -o cells.csv.gz\n  \
        ichnaea export cells --mcc 262 --radio lte,nr -o germany.csv.zst\n  \
        ichnaea export cells --mcc 310,311 --mnc 410 -o operator.csv\n  \
        ichnaea export cells --bbox 5.9,47.2,10.5,55.1 --since 2026-01-01 -o - | wc -l"
    )]
    Cells(Cells),
}

/// Which cells, and where to.
#[derive(Args, Debug)]
pub struct Cells {
    /// Only these radio types
    #[arg(long, value_delimiter = ',', value_enum)]
    radio: Vec<RadioName>,
    /// Only these countries, by their mobile country code
    #[arg(long, value_delimiter = ',', value_name = "MCC", value_parser = clap::value_parser!(u16).range(1..=999))]
    mcc: Vec<u16>,
    /// Only these operators of the countries, by their mobile network code
    #[arg(long, value_delimiter = ',', value_name = "MNC", requires = "mcc", value_parser = clap::value_parser!(u16).range(0..=999))]
    mnc: Vec<u16>,
    /// Only cells in this box: west, south, east and north edge in degrees; it may cross the
    /// antimeridian
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true, value_parser = parse_box)]
    bbox: Option<Edges>,
    /// Only cells that changed at this time or later: 2026-01-31 or 2026-01-31T12:00:00, UTC
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<NaiveDateTime>,
    /// Only cells that changed before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<NaiveDateTime>,
    /// Only cells that changed within a year, as the daily public file has them
    #[arg(long, conflicts_with = "since")]
    full: bool,
    /// Also cells of imports whose licence does not allow a file without conditions: see to it
    /// that whoever gets the file knows these
    #[arg(long)]
    include_restricted: bool,
    /// The form of the file
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// The file to write; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Say as JSON what was written; on standard error when the file goes to standard output
    #[arg(long)]
    json: bool,
}

/// The forms of a file.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum Format {
    /// The public file.
    Csv,
}

/// Radio types by name.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum RadioName {
    Gsm,
    #[value(alias = "wcdma")]
    Umts,
    Lte,
    Nr,
}

impl From<RadioName> for Radio {
    fn from(name: RadioName) -> Self {
        match name {
            RadioName::Gsm => Self::Gsm,
            RadioName::Umts => Self::Wcdma,
            RadioName::Lte => Self::Lte,
            RadioName::Nr => Self::Nr,
        }
    }
}

/// One box, or the two on both sides of the antimeridian.
#[derive(Clone, Debug, PartialEq)]
struct Edges(Vec<BoundingBox>);

fn parse_box(text: &str) -> Result<Edges, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let Ok(&[west, south, east, north]) = numbers.as_deref() else {
        return Err("four numbers are needed: west,south,east,north".to_owned());
    };
    let are_degrees = [west, east].iter().all(|lon| lon.abs() <= 180.0)
        && [south, north].iter().all(|lat| lat.abs() <= 90.0);
    if !are_degrees || south > north {
        return Err(
            "degrees are needed: west,south,east,north, the south below the north".to_owned()
        );
    }
    let edges = |min_lon, max_lon| BoundingBox { max_lat: north, min_lat: south, max_lon, min_lon };
    Ok(Edges(if west <= east {
        vec![edges(west, east)]
    } else {
        vec![edges(west, 180.0), edges(-180.0, east)]
    }))
}

fn parse_time(text: &str) -> Result<NaiveDateTime, String> {
    let text = text.trim_end_matches('Z');
    let forms = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"];
    let time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(NaiveDateTime::from);
    time.or_else(day)
        .ok_or_else(|| "2026-01-31 or 2026-01-31T12:00:00 is needed, in UTC".to_owned())
}

impl Cells {
    /// What to read.
    fn selection(&self, now: NaiveDateTime) -> anyhow::Result<Selection> {
        let mut radios: Vec<Radio> = self.radio.iter().map(|name| (*name).into()).collect();
        if radios.is_empty() {
            radios = Radio::ALL.to_vec();
        }
        radios.sort_unstable();
        radios.dedup();
        let mut networks: Vec<Network> = match self.mnc.as_slice() {
            [] => self.mcc.iter().map(|&mcc| Network { mcc, mnc: None }).collect(),
            mncs => {
                let of = |&mcc| mncs.iter().map(move |&mnc| Network { mcc, mnc: Some(mnc) });
                self.mcc.iter().flat_map(of).collect()
            }
        };
        networks.sort_unstable();
        networks.dedup();
        if networks.len() > MAX_NETWORKS {
            bail!("{} networks are too many, {MAX_NETWORKS} may be named", networks.len());
        }
        let year = Edition::Full.window(Edition::Full.time(now)).0;
        let since = if self.full { Some(year) } else { self.since };
        let is_short = since.is_some_and(|since| self.until.unwrap_or(now) - since <= SHORT);
        Ok(Selection {
            shards: radios.into_iter().map(Shard::Cell).collect(),
            is_positioned: true,
            since,
            until: self.until,
            is_short_time: is_short && networks.is_empty(),
            within: self.bbox.clone().map(|edges| edges.0).unwrap_or_default(),
            networks,
            is_public: !self.include_restricted,
        })
    }
}

/// Runs the command; false when the file is not complete.
pub async fn run(store: &Store, command: &Command, now: NaiveDateTime) -> anyhow::Result<bool> {
    let Command::Cells(cells) = command;
    let Format::Csv = cells.format;
    let selection = cells.selection(now)?;
    let output = Output::begin(&cells.output)?;
    let mut snapshot = store.selected_cells(&selection).await?;
    let compression = compression(&cells.output, GZIP_LEVEL);
    let file = LineFile::begin(output.target()?, compression, HEADER.to_vec(), write_row);
    let bar = bar();
    while let Some(page) = snapshot.next().await {
        let page = page?;
        bar.inc(page.rows.len() as u64);
        if !file.push(page.rows).await {
            break;
        }
    }
    bar.finish_and_clear();
    let written = match file.finish().await {
        Ok(written) => written,
        // Whoever reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let is_file = matches!(output, Output::File { .. });
    output.complete()?;
    if cells.json {
        let summary = json!({
            "rows": written.rows, "bytes": written.bytes, "sha256": written.sha256,
        });
        if is_file {
            print(summary);
        } else {
            report(summary);
        }
    } else if is_file {
        print(format!("{} cells in {}", written.rows, cells.output.display()));
    }
    Ok(true)
}

/// Beside the file, which may be on standard output.
fn report(line: impl std::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Draws on standard error, and nothing where that is no terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} cells, {per_sec}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        cells: Cells,
    }

    fn selection(line: &str) -> Option<Selection> {
        let words = ["export"].into_iter().chain(line.split_whitespace()).chain(["-o", "-"]);
        let line = Line::try_parse_from(words).ok()?;
        line.cells.selection(parse_time("2026-07-01T12:34:56").unwrap()).ok()
    }

    #[test]
    fn options_say_what_to_read() {
        let all = selection("").unwrap();
        assert_eq!(all.shards, Radio::ALL.map(Shard::Cell));
        assert!(all.is_positioned && all.is_public && all.networks.is_empty());
        assert_eq!((all.since, all.until, all.is_short_time), (None, None, false));
        let one =
            selection("--radio nr,lte,lte --mcc 310,262 --mnc 1,0 --since 2026-07-01").unwrap();
        assert_eq!(one.shards, [Radio::Lte, Radio::Nr].map(Shard::Cell));
        let network = |mcc, mnc| Network { mcc, mnc: Some(mnc) };
        assert_eq!(
            one.networks,
            [network(262, 0), network(262, 1), network(310, 0), network(310, 1)]
        );
        assert_eq!(one.since, parse_time("2026-07-01 00:00:00").ok());
        assert!(!one.is_short_time);
        assert!(selection("--since 2026-06-30").unwrap().is_short_time);
        assert!(!selection("--since 2026-06-01").unwrap().is_short_time);
        assert_eq!(selection("--full").unwrap().since, parse_time("2025-07-01").ok());
        assert!(!selection("--include-restricted").unwrap().is_public);
        assert_eq!(selection("--radio wcdma").unwrap().shards, [Shard::Cell(Radio::Wcdma)]);
        let around = selection("--bbox -0.5,51,0.5,52").unwrap().within;
        let edges =
            |min_lon, max_lon| BoundingBox { min_lat: 51.0, max_lat: 52.0, min_lon, max_lon };
        assert_eq!(around, [edges(-0.5, 0.5)]);
        let across = selection("--bbox=179,51,-179,52").unwrap().within;
        assert_eq!(across, [edges(179.0, 180.0), edges(-180.0, -179.0)]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "--radio cdma",
            "--mcc 0",
            "--mcc 1000",
            "--mnc 1",
            "--mcc 262 --mnc 1000",
            "--bbox 1,2,3",
            "--bbox 1,3,2,2",
            "--bbox nan,0,1,1",
            "--bbox 0,0,181,1",
            "--since yesterday",
            "--since 2026-02-30",
            "--full --since 2026-01-01",
            "--format xml",
        ] {
            assert!(selection(line).is_none(), "{line}");
        }
        let many: Vec<String> = (1..=999).map(|number| number.to_string()).collect();
        let many = many.join(",");
        assert!(selection(&format!("--mcc {many}")).is_some());
        assert!(selection(&format!("--mcc {many} --mnc 1,2")).is_none());
    }
}
