//! How far a dump or a restore is, on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error; nothing where that is no terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// Begins something with this many tables, when that is known.
    pub fn begin(what: &'static str, tables: Option<usize>) -> Self {
        let template = match tables {
            Some(_) => "{prefix} {wide_bar} {pos}/{len} tables  {msg}  {elapsed}",
            None => "{prefix} {spinner} {pos} tables  {msg}  {elapsed}",
        };
        let bar = ProgressBar::new(tables.unwrap_or(0) as u64).with_prefix(what);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        Self(bar)
    }

    /// So many rows are done.
    pub fn rows(&self, rows: u64) {
        let rate = rows as f64 / self.0.elapsed().as_secs_f64().max(0.001);
        self.0.set_message(format!("{rows} rows, {rate:.0}/s"));
    }

    /// So many tables are done.
    pub fn tables(&self, tables: usize) {
        self.0.set_position(tables as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
