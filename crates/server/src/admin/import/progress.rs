//! How far an import is: a bar on a terminal, a line now and then elsewhere. On standard error.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Bytes of the file as it is.
    Bytes,
    /// Rows, areas.
    Things(&'static str),
}

/// One step of an import.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    unit: Unit,
    total: Option<u64>,
    started: Instant,
    said: Instant,
}

impl Progress {
    /// A step of so many things, where that is known.
    pub(super) fn new(what: &'static str, unit: Unit, total: Option<u64>) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let template = match (unit, total) {
                (Unit::Bytes, Some(_)) => {
                    "{msg:12} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left"
                }
                (Unit::Bytes, None) => "{msg:12} {spinner} {bytes} {binary_bytes_per_sec}",
                (Unit::Things(_), Some(_)) => {
                    "{msg:12} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left"
                }
                (Unit::Things(_), None) => "{msg:12} {spinner} {human_pos} {per_sec}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.with_message(what)
        });
        Self { bar, what, unit, total, started: now, said: now }
    }

    /// How far it is now.
    pub(super) fn at(&mut self, position: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(position);
        } else if self.said.elapsed() >= LINE_EVERY {
            self.said = Instant::now();
            let line = line(self.what, self.unit, position, self.total, self.started.elapsed());
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "for the reader")]
fn line(what: &str, unit: Unit, at: u64, total: Option<u64>, passed: Duration) -> String {
    let rate = at as f64 / passed.as_secs_f64().max(0.001);
    let (scale, name) = match unit {
        Unit::Bytes => (1_000_000.0, "MB"),
        Unit::Things(name) => (1.0, name),
    };
    let rate_text = format!("{:.0} {name}/s", rate / scale);
    match total {
        Some(total) if total > 0 => {
            let percent = at as f64 / total as f64 * 100.0;
            let left = total.saturating_sub(at) as f64 / rate.max(0.001);
            format!("{what}: {percent:.0} %, {rate_text}, {} s left", left as u64)
        }
        _ => format!("{what}: {:.0} {name}, {rate_text}", at as f64 / scale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_rate_and_time_left_where_the_end_is_known() {
        let ten = Duration::from_secs(10);
        let seen = line("reading", Unit::Bytes, 50_000_000, Some(200_000_000), ten);
        assert_eq!(seen, "reading: 25 %, 5 MB/s, 30 s left");
        let seen = line("reading", Unit::Bytes, 50_000_000, None, ten);
        assert_eq!(seen, "reading: 50 MB, 5 MB/s");
        let seen = line("writing", Unit::Things("rows"), 1_000_000, Some(4_000_000), ten);
        assert_eq!(seen, "writing: 25 %, 100000 rows/s, 30 s left");
    }
}
