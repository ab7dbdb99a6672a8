//! Points at which a test may kill the process.
//!
//! Between any two effects of the pipeline stands `fault::point(NAME)`. In a build with the
//! feature `fault-points`, `ICHNAEA_FAULT=NAME` ends the process there as `kill -9` would: no
//! unwinding, no clean-up, no flush; `NAME:3` does so when the point is reached the third time.
//! `NAME:halt` halts it there until it is told to go on (SIGCONT), so that a test may let others
//! come between. In every other build the function is empty.

/// All points, in the order in which data passes them.
pub const POINTS: &[&str] = &[
    "submit_before_push",
    "submit_after_push",
    "batch_taken",
    "batch_counted",
    "batch_worked",
    "batch_finished",
    "batch_before_give_back",
    "batch_given_back",
    "batch_before_bury",
    "batch_buried",
    "letters_before_finish",
    "letters_finished",
    "incoming_decided",
    "incoming_before_export",
    "incoming_export_sent",
    "export_decided",
    "export_sent",
    "export_refusal_counted",
    "export_rested",
    "station_committed",
    "area_committed",
    "datamap_committed",
    "stat_collected",
    "stat_committed",
    "region_gathered",
    "region_replaced",
    "task_taken",
    "task_finished",
];

/// The points at which a public file of cells may be left unfinished, in order.
pub const CELL_EXPORT_POINTS: &[&str] =
    &["cells_written", "cells_put", "cells_summed", "cells_listed"];

/// The points at which a data map may be left unfinished, in order; in the middle of several tiles,
/// the third is meant.
pub const MAP_POINTS: &[&str] = &[
    "map_drawn",
    "map_listed",
    "map_tile_put",
    "map_tile_replaced",
    "map_tile_deleted",
    "map_synced",
    "map_dated",
];

/// The points an import passes whose rows are merged into the tables, in order.
pub const MERGE_POINTS: &[&str] =
    &["merge_begun", "merge_committed", "merge_areas_asked", "merge_written", "merge_computed"];

/// The points an import of a log passes, in order.
pub const LOG_POINTS: &[&str] = &[
    "log_looked_up",
    "log_begun",
    "log_started",
    "log_noted",
    "log_taken",
    "log_restricted",
    "log_queued",
    "log_all_queued",
    "log_finished",
];

/// Ends or halts the process here when a test asked for it.
#[cfg(feature = "fault-points")]
pub fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The time at which the point is meant, and the signal.
    static WANTED: OnceLock<Option<(String, u64, &str)>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);

    let wanted = WANTED.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "not a setting: only test builds read it")]
        let value = std::env::var("ICHNAEA_FAULT").ok()?;
        match value.split_once(':') {
            Some((name, "halt")) => Some((name.to_owned(), 1, "STOP")),
            Some((name, count)) => Some((name.to_owned(), count.parse().ok()?, "KILL")),
            None => Some((value, 1, "KILL")),
        }
    });
    let Some((wanted, count, signal)) = wanted else { return };
    if name == wanted && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *count {
        send(signal);
        if *signal == "KILL" {
            std::process::abort();
        }
    }
}

/// Nothing, in a build that is not for tests.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub fn point(_name: &str) {}

/// Sends this process a signal.
#[cfg(feature = "fault-points")]
fn send(signal: &str) {
    let id = std::process::id().to_string();
    let _ = std::process::Command::new("kill").args(["-s", signal, &id]).status();
}
