//! `ichnaea metrics`: what is counted and measured.

use super::{print, table};
use crate::metrics::{METRICS, document};

/// Lists the metrics, or writes the page about them and the log.
pub fn run(as_markdown: bool) {
    if as_markdown {
        print(document::markdown().trim_end());
        return;
    }
    let row = |metric: &crate::metrics::Definition| {
        let tags: Vec<_> = metric.tags.iter().map(|tag| tag.name).collect();
        vec![metric.name.to_owned(), metric.kind.name().to_owned(), tags.join(",")]
    };
    let rows: Vec<_> = METRICS.iter().map(row).collect();
    for line in table(&rows, "  ") {
        print(line.trim_end());
    }
}
