//! `ichnaea doctor`: looks at everything an installation needs, and says what to do about what is
//! missing.
//!
//! Each check gathers a few values (`gather.rs`), and a rule judges them (`judge.rs`, with `judge/`).
//! All checks run at the same time and each is bounded, so the answer is there within seconds
//! whatever is away.

mod finding;
mod gather;
mod judge;

use std::io::IsTerminal as _;

use clap::Args;
pub use finding::{Finding, Verdict};

use super::{print, print_json};
use crate::config::Config;

/// How the findings are shown.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Print the findings as a JSON array of objects with `check`, `verdict`, `what` and `remedy`
    #[arg(long)]
    json: bool,
    /// Leave out what is in order
    #[arg(long)]
    problems: bool,
}

/// Looks at everything; false when something is wrong that keeps the service from working.
pub async fn run(config: &Config, options: Options) -> anyhow::Result<bool> {
    let mut findings = gather::everything(config).await;
    let worst = findings.iter().map(|finding| finding.verdict).max();
    if options.problems {
        findings.retain(|finding| finding.verdict >= Verdict::Warning);
    }
    if options.json {
        print_json(&findings)?;
    } else {
        let is_terminal = std::io::stdout().is_terminal();
        for line in findings.iter().flat_map(|finding| finding.lines(is_terminal)) {
            print(line);
        }
        print(finding::summary(worst));
    }
    Ok(worst.is_none_or(|worst| worst < Verdict::Error))
}
