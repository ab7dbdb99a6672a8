//! `ichnaea datamap`, and the roles `map` and `local_map`: draws the data map and brings it to where
//! browsers find it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use tracing::error;

use crate::clock::Clock;
use crate::config::{Config, processors};
use crate::context::Context;
use crate::datamap::TILES;
use crate::datamap::check::{can_be_written, name};
use crate::datamap::progress::Progress;
use crate::datamap::results::{Asked, End, Results, log};
use crate::datamap::run::{Plan, run as run_plan};
use crate::objects::Objects;
use crate::roles::signals::Signals;

/// What the help of the command says at its end.
pub const HELP: &str = "Draws a picture of every place in which something was reported during the \
    last year, zoom 0 to 11, and brings the tiles to a bucket (--upload), a folder (--output), or \
    both. Only what is new or has changed is put there; tiles of places that are no longer known are \
    removed; whatever else lies there stays. A run may be ended at any time, the next one makes it \
    good.\n\n\
    Workers do this by themselves when MAP_INTERVAL is set. The database is only read, Redis is not \
    asked.\n\n\
    Exit status: 0 done, also when there is nothing to draw; 1 failed, also when single tiles could \
    not be put; 2 wrong usage; 78 configuration that cannot be used; 130 and 143 ended by a signal.\n\n\
    Examples:\n  \
    ichnaea datamap --create --upload                  what the role `map` does\n  \
    ichnaea datamap --create --output /srv/map         tiles in /srv/map/tiles\n  \
    ichnaea datamap --upload --output /srv/map         uploads those\n  \
    ichnaea datamap --create --upload --concurrency 1  leaves the other processors alone";

/// What to do.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Log everything, in lines for people
    #[arg(short, long)]
    verbose: bool,
    /// Draw the tiles
    #[arg(long)]
    create: bool,
    /// Bring the tiles to `ASSET_BUCKET`
    #[arg(long)]
    upload: bool,
    /// Processors to use [default: all that this process may use]
    #[arg(long, value_name = "N", value_parser = concurrency)]
    concurrency: Option<usize>,
    /// Folder whose `tiles` is brought up to date, or uploaded when nothing is drawn
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Options {
    /// What the role `map` does.
    #[must_use]
    pub fn map() -> Self {
        Self { create: true, upload: true, ..Self::default() }
    }

    /// What the role `local_map` does.
    #[must_use]
    pub fn local_map(folder: PathBuf) -> Self {
        Self { create: true, output: Some(folder), ..Self::default() }
    }

    /// Whether everything is to be logged, for people.
    #[must_use]
    pub const fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether there is anything to do.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.create && !self.upload
    }

    /// Whether the database is needed.
    #[must_use]
    pub const fn draws(&self) -> bool {
        self.create
    }

    /// Says in the log what does not fit together; whether all does.
    #[must_use]
    pub fn fit(&self) -> bool {
        match &self.output {
            None if self.create && !self.upload => {
                error!("--create without --upload needs --output: where the tiles are to stay");
                false
            }
            None if !self.create => {
                error!("--upload without --create needs --output: where the tiles are");
                false
            }
            Some(output) if !self.create && !output.join(TILES).is_dir() => {
                let tiles_dir = output.join(TILES).display().to_string();
                error!(tiles_dir, "there is no folder with tiles to upload");
                false
            }
            _ => true,
        }
    }
}

/// Reads a number of processors.
fn concurrency(text: &str) -> Result<usize, String> {
    let most = processors();
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("allowed is a whole number from 1 to {most}"))
}

/// Does what was asked for, and writes the last line whatever comes of it once work has begun.
pub async fn run(
    config: Config,
    options: Options,
    signals: &mut Signals,
) -> anyhow::Result<ExitCode> {
    let clock = Clock::default();
    let bucket = config.asset_bucket.clone();
    if options.upload {
        let checked = tokio::select! {
            checked = bucket_is_ready(&config) => checked?,
            stop = signals.stop() => return Ok(ExitCode::from(stop.status())),
        };
        if !checked {
            return Ok(ExitCode::FAILURE);
        }
    }
    let started = Instant::now();
    let asked = Asked {
        create: options.create,
        upload: options.upload,
        concurrency: options.concurrency.unwrap_or_else(processors),
        bucket_name: bucket.as_deref().map(name).unwrap_or_default(),
    };
    let objects = config.objects.clone();
    let context = if options.create {
        Some(Context::open(Config { geoip_path: None, ..config }).await?)
    } else {
        None
    };
    let plan = Plan {
        create: context.as_ref(),
        output: options.output,
        upload: bucket.filter(|_| options.upload),
        objects,
        concurrency: asked.concurrency,
        clock: &clock,
    };
    let progress = Progress::with_bars();
    let mut results = Results::default();
    let ended = {
        let mut work = std::pin::pin!(run_plan(&plan, &progress, &mut results));
        tokio::select! {
            done = &mut work => Ok(done),
            stop = signals.stop() => {
                progress.stop();
                // What was begun comes to its end, and the folder goes, unless there is no time.
                tokio::select! {
                    _ = &mut work => {}
                    _ = signals.stop() => {}
                }
                Err(stop)
            }
        }
    };
    let end = match &ended {
        Ok(Ok(())) => End::Complete,
        Ok(Err(_)) => End::Failed,
        Err(_) => End::Interrupted,
    };
    log(&asked, end, &results, started.elapsed().as_secs_f64());
    match ended {
        Ok(done) => {
            done?;
            Ok(if results.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(stop) => Ok(ExitCode::from(stop.status())),
    }
}

/// Whether there is a bucket that tiles can be put into; says in the log why not.
async fn bucket_is_ready(config: &Config) -> anyhow::Result<bool> {
    let Some(uri) = &config.asset_bucket else {
        error!("Unable to determine upload bucket_name.");
        return Ok(false);
    };
    let objects = Objects::open(uri, &config.objects)?;
    match can_be_written(&objects).await {
        Ok(()) => Ok(true),
        Err(reason) => {
            error!("Bucket {} can not be used for uploads: {reason}", name(uri));
            Ok(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processors_that_are_there_can_be_used() {
        assert_eq!(concurrency("1"), Ok(1));
        assert_eq!(concurrency(&processors().to_string()), Ok(processors()));
        for text in ["0", "-1", "many", "1.5", &(processors() + 1).to_string()] {
            assert!(concurrency(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_asked_for_has_to_fit_together() {
        let folder = tempfile::tempdir().unwrap();
        let output = || Some(folder.path().to_owned());
        assert!(Options::map().fit());
        assert!(Options::local_map(folder.path().to_owned()).fit());
        assert!(!Options { create: true, ..Options::default() }.fit());
        assert!(!Options { upload: true, ..Options::default() }.fit());
        let upload = Options { upload: true, output: output(), ..Options::default() };
        assert!(!upload.fit(), "no tiles");
        std::fs::create_dir(folder.path().join(TILES)).unwrap();
        assert!(upload.fit());
        assert!(Options::default().is_idle() && !upload.is_idle());
    }
}
