//! `ichnaea config`: every setting, its value and where it comes from.

use std::process::ExitCode;

use clap::Args;

use super::{print, print_json};
use crate::config::{Embedded, Settings, show};

/// How to show the settings.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
    /// Print the documentation of all settings instead (docs/configuration.md)
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

/// Shows the settings; the status says whether they can be used.
pub fn run(settings: &Settings, options: Options) -> anyhow::Result<ExitCode> {
    if options.markdown {
        print(show::markdown().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    // Nothing has to be there to look at the settings.
    let (config, problems) = match settings.resolve(Embedded::Create) {
        Ok(config) => (Some(config), Vec::new()),
        Err(problems) => (None, problems),
    };
    let shown = show::all(settings, config.as_ref());
    if options.json {
        print_json(&serde_json::json!({
            "settings": shown,
            "problems": problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "warnings": config.as_ref().map(|config| &config.warnings),
        }))?;
    } else {
        show::lines(&shown).iter().for_each(print);
    }
    for warning in config.iter().flat_map(|config| &config.warnings) {
        crate::cli::complain(warning);
    }
    Ok(crate::cli::refuse_settings(&problems))
}
