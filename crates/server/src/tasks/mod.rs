//! Background tasks: the closed list of them, and when each runs.
//!
//! A task carries no data. It takes a batch from its data queue, lets `domain` decide, writes the
//! decision to the database and finishes the batch; a message that gets lost costs one interval.

use std::time::{Duration, Instant};

use ichnaea_domain::cell::Radio;
use ichnaea_domain::cell_file::Edition;
use ichnaea_domain::datamap::Quadrant;
use ichnaea_domain::mac::MacShard;
use ichnaea_domain::station::{Kind, Shard};
use serde::{Deserialize, Serialize};

pub mod batch;
mod cell_export;
pub mod cleanup;
pub mod drain;
pub mod export;
pub mod export_reports;
pub mod letter;
pub mod message;
mod monitor_api_key_limits;
mod monitor_api_users;
mod monitor_queue_size_and_rate_control;
mod render_map;
mod run;
pub mod runner;
pub mod scheduler;
pub mod sentry_test;
pub mod tally;
pub mod update_cellarea;
pub mod update_datamap;
pub mod update_incoming;
pub mod update_statcounter;
pub mod update_station;
pub mod update_statregion;
pub(crate) mod waiting;

pub use run::{Held, Outcome, Run, Size};

/// Every task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Hands arrived reports to the export targets that want them.
    UpdateIncoming,
    /// Sends one batch of an export queue to its target.
    ExportReports,
    /// Learns Bluetooth beacons from observations.
    UpdateBlue,
    /// Learns cells from observations.
    UpdateCell,
    /// Learns Wi-Fi access points from observations.
    UpdateWifi,
    /// Computes cell areas whose cells have changed.
    UpdateCellarea,
    /// Marks grid cells in which something was reported.
    UpdateDatamap,
    /// Carries the daily counters over into the statistics.
    UpdateStatcounter,
    /// Counts the stations of every region.
    UpdateStatregion,
    /// Removes statistics of more than two years ago.
    CleanupStat,
    /// Removes grid cells in which nothing was reported for a year.
    CleanupDatamap,
    /// Forgets which batches were applied more than a week ago.
    CleanupApplied,
    /// Makes the public file of all cells.
    CellExportFull,
    /// Makes the public file of the cells that changed within an hour.
    CellExportDiff,
    /// Draws the data map.
    RenderMap,
    /// Reports how often each API key was used today.
    MonitorApiKeyLimits,
    /// Reports how many distinct addresses used each API key.
    MonitorApiUsers,
    /// Reports how much waits, and lets the rate controller follow it.
    MonitorQueueSizeAndRateControl,
    /// Reports an event to Sentry, to see that it arrives.
    SentryTest,
}

/// When a task runs by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At a fixed interval that goes on while schedulers come and go; the very first time one interval
    /// after the start.
    Every(Duration),
    /// The same, but the very first time at once.
    Since(Duration),
    /// At times of day in UTC, as a cron line.
    At(&'static str),
}

/// One line of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periodic {
    /// What runs, in every shard it has.
    pub task: Task,
    /// When it runs.
    pub when: When,
    /// How long it may wait for a worker before it is dropped, so that ticks do not pile up.
    pub expires: Duration,
}

/// The schedule.
pub const PERIODIC: [Periodic; 16] = [
    every(Task::UpdateIncoming, 32, 20),
    every(Task::UpdateBlue, 48, 30),
    every(Task::UpdateCell, 41, 30),
    every(Task::UpdateWifi, 40, 30),
    every(Task::UpdateCellarea, 44, 30),
    every(Task::UpdateDatamap, 47, 30),
    every(Task::UpdateStatcounter, 600, 570),
    every(Task::MonitorApiKeyLimits, 600, 570),
    every(Task::MonitorApiUsers, 600, 570),
    every(Task::MonitorQueueSizeAndRateControl, 60, 57),
    at(Task::CleanupDatamap, "17 0 * * *", 18_000),
    at(Task::UpdateStatregion, "7 0 * * *", 18_000),
    at(Task::CleanupStat, "23 0 * * *", 18_000),
    at(Task::CleanupApplied, "29 0 * * *", 18_000),
    at(Task::CellExportFull, "37 0 * * *", 39_600),
    at(Task::CellExportDiff, "3 * * * *", 2_700),
];

/// The line of the map, for those who want it drawn at an interval.
#[must_use]
pub const fn map_line(interval: Duration) -> Periodic {
    Periodic { task: Task::RenderMap, when: When::Since(interval), expires: interval }
}

/// How long an export may wait for a worker.
pub const EXPORT_EXPIRES: Duration = Duration::from_mins(5);

const fn every(task: Task, interval_s: u64, expires_s: u64) -> Periodic {
    let when = When::Every(Duration::from_secs(interval_s));
    Periodic { task, when, expires: Duration::from_secs(expires_s) }
}

const fn at(task: Task, cron: &'static str, expires_s: u64) -> Periodic {
    Periodic { task, when: When::At(cron), expires: Duration::from_secs(expires_s) }
}

impl Task {
    /// All tasks, in the order in which data flows through them.
    pub const ALL: [Self; 19] = [
        Self::UpdateIncoming,
        Self::ExportReports,
        Self::UpdateBlue,
        Self::UpdateCell,
        Self::UpdateWifi,
        Self::UpdateCellarea,
        Self::UpdateDatamap,
        Self::UpdateStatcounter,
        Self::UpdateStatregion,
        Self::CleanupStat,
        Self::CleanupDatamap,
        Self::CleanupApplied,
        Self::CellExportFull,
        Self::CellExportDiff,
        Self::RenderMap,
        Self::MonitorApiKeyLimits,
        Self::MonitorApiUsers,
        Self::MonitorQueueSizeAndRateControl,
        Self::SentryTest,
    ];

    /// The public name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpdateIncoming => "update_incoming",
            Self::ExportReports => "export_reports",
            Self::UpdateBlue => "update_blue",
            Self::UpdateCell => "update_cell",
            Self::UpdateWifi => "update_wifi",
            Self::UpdateCellarea => "update_cellarea",
            Self::UpdateDatamap => "update_datamap",
            Self::UpdateStatcounter => "update_statcounter",
            Self::UpdateStatregion => "update_statregion",
            Self::CleanupStat => "cleanup_stat",
            Self::CleanupDatamap => "cleanup_datamap",
            Self::CleanupApplied => "cleanup_applied",
            Self::CellExportFull => "cell_export_full",
            Self::CellExportDiff => "cell_export_diff",
            Self::RenderMap => "render_map",
            Self::MonitorApiKeyLimits => "monitor_api_key_limits",
            Self::MonitorApiUsers => "monitor_api_users",
            Self::MonitorQueueSizeAndRateControl => "monitor_queue_size_and_rate_control",
            Self::SentryTest => "sentry_test",
        }
    }

    /// The name in metrics.
    #[must_use]
    pub fn job(self) -> String {
        format!("data.{}", self.name())
    }

    /// Whether the task only looks.
    #[must_use]
    pub const fn is_monitor(self) -> bool {
        matches!(
            self,
            Self::MonitorApiKeyLimits
                | Self::MonitorApiUsers
                | Self::MonitorQueueSizeAndRateControl
        )
    }

    /// Whether the task has nowhere to put what it makes as long as no `ASSET_BUCKET` is set.
    #[must_use]
    pub const fn needs_bucket(self) -> bool {
        matches!(self, Self::CellExportFull | Self::CellExportDiff)
    }

    /// Whether the task may take very long: it runs beside the others, and is given up at once when
    /// the worker is to end.
    #[must_use]
    pub const fn is_long(self) -> bool {
        matches!(self, Self::RenderMap)
    }

    /// The task with this public name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }

    /// What the task does, in one line.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::UpdateIncoming => "hands arrived reports to the export targets that want them",
            Self::ExportReports => "sends one batch of an export queue to its target",
            Self::UpdateBlue => "learns Bluetooth beacons from observations",
            Self::UpdateCell => "learns cells from observations",
            Self::UpdateWifi => "learns Wi-Fi access points from observations",
            Self::UpdateCellarea => "computes cell areas whose cells have changed",
            Self::UpdateDatamap => "marks grid cells in which something was reported",
            Self::UpdateStatcounter => "carries the daily counters over into the statistics",
            Self::UpdateStatregion => "counts the stations of every region",
            Self::CleanupStat => "removes statistics of more than two years ago",
            Self::CleanupDatamap => "removes grid cells without a report for a year",
            Self::CleanupApplied => "forgets which batches were applied more than a week ago",
            Self::CellExportFull => "makes the public file of all cells",
            Self::CellExportDiff => "makes the public file of the cells of the last hour",
            Self::RenderMap => "draws the data map",
            Self::MonitorApiKeyLimits => "reports how often each API key was used today",
            Self::MonitorApiUsers => "reports how many distinct addresses used each API key",
            Self::MonitorQueueSizeAndRateControl => {
                "reports how much waits, and lets the rate controller follow it"
            }
            Self::SentryTest => "reports an event to Sentry, to see that it arrives",
        }
    }

    /// The shards the task is run for, one by one; empty for a task without shards.
    #[must_use]
    pub fn shards(self) -> Vec<String> {
        match self {
            Self::UpdateBlue | Self::UpdateWifi => {
                MacShard::all().map(|shard| shard.name().to_string()).collect()
            }
            Self::UpdateCell => Radio::ALL.map(|radio| radio.name().to_owned()).to_vec(),
            Self::UpdateDatamap | Self::CleanupDatamap => {
                Quadrant::ALL.map(|quadrant| quadrant.name().to_owned()).to_vec()
            }
            Self::UpdateIncoming
            | Self::ExportReports
            | Self::UpdateCellarea
            | Self::UpdateStatcounter
            | Self::UpdateStatregion
            | Self::CleanupStat
            | Self::CleanupApplied
            | Self::CellExportFull
            | Self::CellExportDiff
            | Self::RenderMap
            | Self::SentryTest
            | Self::MonitorApiKeyLimits
            | Self::MonitorApiUsers
            | Self::MonitorQueueSizeAndRateControl => Vec::new(),
        }
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Runs a task once, at most one batch of its queue, and measures how long it took.
///
/// `argument` is the shard, or the name of an export target or queue; a task with shards that is
/// run without one fails.
pub async fn run_once(run: &Run, task: Task, argument: Option<&str>) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let result = perform(run, task, argument).await;
    let metrics = &run.context.metrics;
    match result {
        // As in the original, the time of a run that fails says nothing about the task.
        Ok(_) => metrics.task(&task.job(), start.elapsed()),
        Err(_) => metrics.task_failure(&task.job()),
    }
    result
}

async fn perform(run: &Run, task: Task, argument: Option<&str>) -> anyhow::Result<Outcome> {
    match task {
        Task::UpdateIncoming => update_incoming::run(run).await,
        Task::ExportReports => export_reports::run(run, argument).await,
        Task::UpdateBlue => update_station::run(run, station_shard(Kind::Blue, argument)?).await,
        Task::UpdateCell => update_station::run(run, station_shard(Kind::Cell, argument)?).await,
        Task::UpdateWifi => update_station::run(run, station_shard(Kind::Wifi, argument)?).await,
        Task::UpdateCellarea => update_cellarea::run(run).await,
        Task::UpdateDatamap => update_datamap::run(run, quadrant(argument)?).await,
        Task::UpdateStatcounter => update_statcounter::run(run).await,
        Task::UpdateStatregion => update_statregion::run(run).await,
        Task::CleanupStat => cleanup::stat(run).await,
        Task::CleanupDatamap => cleanup::datamap(run, quadrant(argument)?).await,
        Task::CleanupApplied => cleanup::applied(run).await,
        Task::CellExportFull => cell_export::run(run, Edition::Full, argument).await,
        Task::CellExportDiff => cell_export::run(run, Edition::Diff, argument).await,
        Task::RenderMap => render_map::run(run).await,
        Task::MonitorApiKeyLimits => monitor_api_key_limits::run(run).await,
        Task::MonitorApiUsers => monitor_api_users::run(run).await,
        Task::MonitorQueueSizeAndRateControl => monitor_queue_size_and_rate_control::run(run).await,
        Task::SentryTest => Ok(sentry_test::run(argument)),
    }
}

/// How often a task that finds its queue ready runs again before others get their turn.
const ROUNDS: usize = 5;
/// Batches of a queue that is ready once more, and so has fallen behind, that are taken as one.
const BATCHES: usize = 3;

/// Runs a task, and again while its queue is ready, but not for ever.
pub async fn run(run: &Run, task: Task, argument: Option<&str>) -> anyhow::Result<Outcome> {
    let mut outcome = run_once(run, task, argument).await?;
    let behind = Run { size: Size::Batches(BATCHES), ..run.clone() };
    for _ in 1..ROUNDS {
        if !outcome.is_ready {
            break;
        }
        outcome.add(run_once(&behind, task, argument).await?);
    }
    Ok(outcome)
}

fn station_shard(kind: Kind, argument: Option<&str>) -> anyhow::Result<Shard> {
    Shard::all()
        .find(|shard| shard.kind() == kind && Some(shard.name().as_str()) == argument)
        .ok_or_else(|| anyhow::anyhow!("no such shard: {}", argument.unwrap_or("none given")))
}

fn quadrant(argument: Option<&str>) -> anyhow::Result<Quadrant> {
    Quadrant::ALL
        .into_iter()
        .find(|quadrant| Some(quadrant.name()) == argument)
        .ok_or_else(|| anyhow::anyhow!("no such shard: {}", argument.unwrap_or("none given")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_a_name_of_its_own() {
        for task in Task::ALL {
            assert_eq!(Task::from_name(task.name()), Some(task));
            assert_eq!(serde_json::to_value(task).unwrap(), task.name());
        }
        assert_eq!(Task::from_name("cell_export_week"), None);
    }

    #[test]
    fn every_task_that_nobody_asks_for_is_scheduled_once() {
        for task in Task::ALL {
            let lines = PERIODIC.iter().filter(|periodic| periodic.task == task).count();
            let is_asked_for =
                matches!(task, Task::ExportReports | Task::SentryTest | Task::RenderMap);
            assert_eq!(lines, usize::from(!is_asked_for), "{task}");
        }
    }

    #[test]
    fn an_interval_ends_after_its_message_has_expired() {
        for periodic in PERIODIC {
            if let When::Every(interval) = periodic.when {
                assert!(periodic.expires < interval, "{}", periodic.task);
            }
        }
    }

    #[test]
    fn shards_are_named_as_tables_and_queues_are() {
        assert_eq!(Task::UpdateCell.shards(), ["gsm", "wcdma", "lte", "nr"]);
        assert_eq!(Task::UpdateDatamap.shards(), ["ne", "nw", "se", "sw"]);
        assert_eq!(Task::UpdateWifi.shards().concat(), "0123456789abcdef");
        for (task, kind) in [
            (Task::UpdateBlue, Kind::Blue),
            (Task::UpdateCell, Kind::Cell),
            (Task::UpdateWifi, Kind::Wifi),
        ] {
            for shard in task.shards() {
                assert_eq!(station_shard(kind, Some(&shard)).unwrap().name(), shard);
            }
        }
        assert!(station_shard(Kind::Wifi, Some("g")).is_err());
        assert!(station_shard(Kind::Wifi, None).is_err());
    }
}
