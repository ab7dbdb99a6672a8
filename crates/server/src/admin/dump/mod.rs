//! `ichnaea dump`: an installation in one file.

mod check;
mod output;
pub(crate) mod progress;
pub mod table;
mod whole;

use std::path::PathBuf;

use clap::Args;

pub(crate) use check::{check, input};
use output::Output;

use crate::config::Config;

/// What to dump, and where to.
#[derive(Args, Debug)]
pub struct Options {
    /// Write everything into this file, which must not exist yet; - is standard output
    #[arg(short, long, value_name = "FILE", required_unless_present_any = ["check", "filename"])]
    output: Option<PathBuf>,
    /// Read a dump to its end and say whether it is whole; - is standard input. Needs no database
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    check: Option<PathBuf>,
    /// Leave out API keys and export targets, which hold secrets
    #[arg(long, conflicts_with = "check")]
    without_keys: bool,
    /// Leave out what `ichnaea settings` shows; Redis is not asked then, and need not be there
    #[arg(long, conflicts_with = "check")]
    without_settings: bool,
    /// Print a summary as JSON; on standard error when the dump goes to standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(crate) table: table::Options,
}

/// How the command ends its help.
pub const HELP: &str = "Writes stations, areas, statistics, the coverage grid, API keys, export \
    targets and settings, as one moment had them, while the service goes on. What waits in queues \
    is not part of it; a warning says so. To move without loss: stop what takes reports in, run \
    `ichnaea pipeline drain` and `ichnaea task run update_statcounter`, then dump. Reads with the \
    account in DB_READONLY_URI.\n\n\
    The file holds API keys: it is made readable for its owner only. It is text, a JSON value in \
    each line, compressed: `zstd -dc FILE | less`. `ichnaea restore` reads it into any other \
    database.\n\n\
    Ends with status 1 when something failed, and leaves no file behind then.\n\n\
    Examples:\n  \
    ichnaea dump -o backup.zst\n  \
    ichnaea dump --check backup.zst\n  \
    ichnaea dump --datatype cell --filename cells.csv.gz\n  \
    ichnaea dump -o - | ssh other ichnaea restore -";

impl Options {
    /// Whether only a file is looked at.
    #[must_use]
    pub const fn needs_no_database(&self) -> bool {
        self.check.is_some()
    }
}

/// Looks at a dump; false when it is not whole.
pub async fn run_check(options: &Options) -> anyhow::Result<bool> {
    let Some(file) = &options.check else { return Ok(true) };
    check::run(file, options.json).await
}

/// Makes a dump; false when it was refused.
pub async fn run(config: &Config, options: &Options) -> anyhow::Result<bool> {
    let Some(output) = &options.output else { return Ok(true) };
    whole::run(config, options, &Output::of(output)).await
}
