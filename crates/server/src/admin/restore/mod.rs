//! `ichnaea restore`: a dump of an installation into an empty one.

mod apply;
mod plan;
mod target;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::dump::{check, input};
use super::{print, print_json, refuse, warn};
use crate::backup::{Header, Reader};
use crate::clock::Clock;
use crate::config::Config;
use target::Target;

/// What to restore.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Options {
    /// The dump; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Remove what is there first. At a terminal it asks for the name of the database
    #[arg(long)]
    replace: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Check the dump and the place it is to go to, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave out what `ichnaea settings` shows; Redis is not asked then, and need not be there
    #[arg(long)]
    without_settings: bool,
    /// Print a summary as JSON
    #[arg(long)]
    json: bool,
}

/// How the command ends its help.
pub const HELP: &str = "Makes the tables when they are not there, and refuses an installation in \
    which something is, unless --replace is given: two are never mixed. A file is checked to its \
    end before anything is changed. Afterwards all rows are read back and compared with the dump. \
    Uses the account in SQLALCHEMY_URL to make and empty tables and that in DB_READWRITE_URI for \
    rows.\n\n\
    Stop all roles on this database first: a worker or scheduler that was seen in the last minute \
    is a reason to refuse. A restore that was stopped leaves a half restored installation, which is \
    noted in the database; begin again with --replace.\n\n\
    Ends with status 1 when it was refused, failed, or something is not as in the dump.\n\n\
    Examples:\n  \
    ichnaea restore backup.zst\n  \
    ichnaea restore --dry-run backup.zst\n  \
    ichnaea dump -o - | DATA_DIR=/srv/ichnaea ichnaea restore -";

/// Restores a dump; false when it was refused, or when not all is there afterwards.
pub async fn run(config: &Config, options: &Options) -> anyhow::Result<bool> {
    let started = Instant::now();
    let as_json = options.json;
    let is_stream = !is_file(&options.file);
    // What can be read twice is known to be whole before anything is changed.
    if !is_stream || options.dry_run {
        match check(input(&options.file)?).await? {
            Ok((header, tables)) => {
                let rows: u64 = tables.iter().map(|table| table.end.rows).sum();
                if options.dry_run {
                    return dry_run(config, options, &header, rows, tables.len()).await;
                }
            }
            Err(damage) => return Ok(refuse(as_json, damage)),
        }
    }
    let source = input(&options.file)?;
    // A pipe may be silent for long.
    let reader = tokio::task::spawn_blocking(move || Reader::begin(source)).await?;
    let reader = match reader {
        Ok(reader) => reader,
        Err(damage) => return Ok(refuse(as_json, damage)),
    };
    let header = reader.header().clone();
    let target = Target::open(config, !options.without_settings).await?;
    target.migrate(config).await?;
    if let Some(why) = target.refusal(&header, options.replace).await? {
        return Ok(refuse(as_json, why));
    }
    if options.replace && !options.yes && !target.confirm(config)? {
        return Ok(refuse(as_json, "nothing was changed"));
    }
    let begun = Clock::default().now().format("%Y-%m-%dT%H:%M:%SZ");
    let said = format!("begun {begun} from the dump made {} of {}", header.made, header.source);
    let again = "the installation is half restored now: begin again with --replace";
    target.begin(&header, &said, options.replace).await?;
    let written = apply::run(&target, reader).await.context(again)?;
    let different = verify::run(&target, &written.tables).await.context(again)?;
    if !different.is_empty() {
        for difference in &different {
            warn(difference);
        }
        return Ok(refuse(as_json, format!("not all is as in the dump; {again}")));
    }
    target.end().await.context(again)?;
    let seconds = started.elapsed().as_secs_f64();
    let (rows, tables) = (written.rows(), written.tables.len());
    if as_json {
        let tables: Vec<_> = written
            .tables
            .iter()
            .map(|table| json!({"table": table.name(), "rows": table.rows}))
            .collect();
        print_json(&json!({"made": header.made, "source": header.source, "rows": rows,
            "tables": tables, "seconds": seconds, "verified": true}))?;
    } else {
        print(format!("Restored {rows} rows of {tables} tables in {seconds:.1} s."));
        print("Read back and compared with the dump row for row: all is there.");
    }
    Ok(true)
}

/// Says what a restore would do.
async fn dry_run(
    config: &Config,
    options: &Options,
    header: &Header,
    rows: u64,
    tables: usize,
) -> anyhow::Result<bool> {
    let target = Target::open(config, !options.without_settings).await?;
    let refusal = target.refusal(header, options.replace).await?;
    if options.json {
        print_json(&json!({"header": header, "rows": rows, "tables": tables,
            "refused": refusal}))?;
        return Ok(refusal.is_none());
    }
    let Header { release, made, source, .. } = header;
    print(format!("Made {made} by release {release} from {source}."));
    print(format!("The dump is whole: {rows} rows of {tables} tables."));
    if let Some(why) = refusal {
        return Ok(refuse(false, format!("It would be refused: {why}")));
    }
    print("It can be restored here.");
    Ok(true)
}

fn is_file(path: &Path) -> bool {
    path != Path::new("-") && path.metadata().is_ok_and(|found| found.is_file())
}
