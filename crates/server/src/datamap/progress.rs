//! How far a run of the data map is, and whether it is to go on.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use tokio::sync::watch;

/// How often a line is written where there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// One step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Rows of the grid become points.
    Export,
    /// Points become tiles.
    Draw,
    /// Tiles become objects of a bucket or folder.
    Sync,
}

/// Handle of a run, for whoever works on it and for whoever may end it; clones are the same run.
#[derive(Clone)]
pub struct Progress(Arc<Shared>);

struct Shared {
    stop: watch::Sender<bool>,
    with_bars: bool,
    now: Mutex<Now>,
}

/// Where it is.
struct Now {
    step: Step,
    total: Option<u64>,
    done: u64,
    made: u64,
    said: Instant,
    bar: Option<ProgressBar>,
}

/// A run was ended before it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped before it was done")]
pub struct Stopped;

impl Default for Progress {
    fn default() -> Self {
        Self::new(false)
    }
}

impl Progress {
    /// Of a command: bars where standard error is a terminal. Otherwise, and of anything else, there
    /// is a line of the level DEBUG every few seconds.
    #[must_use]
    pub fn with_bars() -> Self {
        Self::new(std::io::stderr().is_terminal())
    }

    fn new(with_bars: bool) -> Self {
        let now = Now {
            step: Step::Export,
            total: None,
            done: 0,
            made: 0,
            said: Instant::now(),
            bar: None,
        };
        Self(Arc::new(Shared { stop: watch::Sender::new(false), with_bars, now: Mutex::new(now) }))
    }

    /// Ends the run as soon as possible. Its work then fails with [`Stopped`].
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// Fails once the run is to end.
    pub fn check(&self) -> Result<(), Stopped> {
        if *self.0.stop.borrow() { Err(Stopped) } else { Ok(()) }
    }

    /// Waits until the run is to end.
    pub async fn stopped(&self) -> Stopped {
        // Fails when the sender is gone, which this handle keeps alive.
        let _ = self.0.stop.subscribe().wait_for(|is_stopped| *is_stopped).await;
        Stopped
    }

    /// Begins a step of so many rows, points or files, where that is known.
    pub fn begin(&self, step: Step, total: Option<u64>) {
        let mut now = self.now();
        now.end();
        now.bar = self.0.with_bars.then(|| bar(step, total));
        (now.step, now.total, now.done, now.made) = (step, total, 0, 0);
        now.said = Instant::now();
    }

    /// Counts more rows, points or files that are done, and what was made of them.
    pub fn add(&self, done: u64, made: u64) {
        let mut now = self.now();
        now.done += done;
        now.made += made;
        if let Some(bar) = &now.bar {
            bar.set_position(now.done);
            bar.set_message(now.result());
        } else if now.said.elapsed() >= LINE_EVERY {
            now.said = Instant::now();
            tracing::debug!("{}", now.line());
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        // Numbers are never half changed.
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// What was made so far.
    fn result(&self) -> String {
        let made = HumanCount(self.made);
        match self.step {
            Step::Export => format!("{made} points"),
            Step::Draw => format!("{made} tiles"),
            Step::Sync => String::new(),
        }
    }

    fn line(&self) -> String {
        let done = match (self.step, self.total) {
            (Step::Export, _) => format!("Exported {} rows", HumanCount(self.done)),
            (Step::Draw, _) => format!("Drew {} points", HumanCount(self.done)),
            (Step::Sync, _) => format!("Synced {} files", HumanCount(self.done)),
        };
        let share = self.total.filter(|total| *total > 0).map_or(String::new(), |total| {
            let percent = self.done as f64 / total as f64 * 100.0;
            format!(" ({percent:.1}% of {})", HumanCount(total))
        });
        match self.result() {
            result if result.is_empty() => format!("{done}{share}"),
            result => format!("{done}{share}, {result}"),
        }
    }
}

impl Drop for Now {
    fn drop(&mut self) {
        self.end();
    }
}

fn bar(step: Step, total: Option<u64>) -> ProgressBar {
    let (prefix, things) = match step {
        Step::Export => ("reading the grid", "rows"),
        Step::Draw => ("drawing", "points"),
        Step::Sync => ("putting", "files"),
    };
    let template = match total {
        Some(_) => "{prefix:16} {wide_bar} {human_pos}/{human_len} THINGS  {msg}  {eta} left",
        None => "{prefix:16} {spinner} {human_pos} THINGS  {msg}  {elapsed}",
    };
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template(&template.replace("THINGS", things)) {
        bar.set_style(style);
    }
    bar.with_prefix(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_counts_and_where_the_end_is_known_a_share() {
        let progress = Progress::default();
        progress.begin(Step::Export, None);
        progress.add(4096, 20_480);
        progress.add(1, 6);
        assert_eq!(progress.now().line(), "Exported 4,097 rows, 20,486 points");
        progress.begin(Step::Draw, Some(20_486));
        progress.add(4096, 12);
        assert_eq!(progress.now().line(), "Drew 4,096 points (20.0% of 20,486), 12 tiles");
        progress.begin(Step::Sync, Some(0));
        assert_eq!(progress.now().line(), "Synced 0 files");
    }

    #[tokio::test]
    async fn a_stop_is_heard_by_all_handles_before_and_after_it() {
        let progress = Progress::default();
        let waiting = progress.clone();
        let early = tokio::spawn(async move { waiting.stopped().await });
        assert_eq!(progress.check(), Ok(()));
        progress.clone().stop();
        assert_eq!(progress.check(), Err(Stopped));
        assert_eq!(early.await.ok(), Some(Stopped));
        assert_eq!(progress.stopped().await, Stopped);
    }
}
