//! Every name in the key-value store.
//!
//! Queues, counters and limits keep the names of the original, so that operators' habits and its
//! own processes go on working. What only this implementation knows begins with `ichnaea:`.

use chrono::{Datelike as _, NaiveDate};
use h3o::Resolution;
use ichnaea_domain::cell_file::Edition;
use ichnaea_domain::datamap::Quadrant;
use ichnaea_domain::datamap::coverage::Block;
use ichnaea_domain::station::{Kind, Shard};
use ichnaea_domain::stats::StatKey;
use ichnaea_kv::queue::{Codec, DataQueue};

use crate::api::ApiKind;

/// Reports as they arrive.
pub const UPDATE_INCOMING: &str = "update_incoming";
/// Areas whose cells have changed.
pub const UPDATE_CELLAREA: &str = "update_cellarea";
/// 5G areas whose cells have changed. Apart from the others: the original's worker would lose every
/// area of a batch over one whose key it cannot read.
pub const UPDATE_CELLAREA_NR: &str = "ichnaea:update_cellarea_nr";
/// Daily counters on their way into the statistics table.
pub const UPDATE_STAT: &str = "ichnaea:update_stat";
/// The turn of the one worker that draws the data map.
pub const RENDER_MAP: &str = "ichnaea:render_map";
/// Beginning of the names of all export queues.
pub const EXPORT_PREFIX: &str = "queue_export_";
/// Task messages on their way from the scheduler to the workers.
pub const TASKS: &str = "ichnaea:tasks";
/// Task queues of the original: nothing here reads or writes them, but their lengths are reported
/// while its processes run beside ours.
pub const CELERY_QUEUES: [&str; 8] = [
    "celery_blue",
    "celery_cell",
    "celery_content",
    "celery_default",
    "celery_export",
    "celery_monitor",
    "celery_reports",
    "celery_wifi",
];
/// The lease of the one scheduler that is active.
pub const SCHEDULER: &str = "ichnaea:scheduler";
/// Percentage of position queries to learn from, set by an operator; text.
pub const GLOBAL_LOCATE_SAMPLE_RATE: &str = "global_locate_sample_rate";
/// Copy of the totals on the page about statistics.
pub const STATS_CACHE: &str = "cache:stats:4";
/// Cached table of regions on the statistics page.
pub const STATS_REGIONS_CACHE: &str = "cache:stats_regions:4";
/// Cached list on the page of downloads.
pub const DOWNLOADS_CACHE: &str = "cache:downloads:3";
/// Beginning of the names of what is kept of the coverage.
const COVERAGE_PREFIX: &str = "ichnaea:coverage:1:";
/// The lease of who changes the list of public files.
pub const CELL_EXPORT_INDEX: &str = "ichnaea:cell_export:index";
/// Beginning of the names of all counters of requests.
pub const API_LIMIT_PREFIX: &str = "apilimit:";
/// Beginning of the names of all sets of client addresses.
pub const API_USER_PREFIX: &str = "apiuser:";
/// Beginning of the names of all daily counters.
pub const STAT_COUNTER_PREFIX: &str = "statcounter_";
/// Beginning of the names of all signs of life.
pub const SEEN_PREFIX: &str = "ichnaea:seen:";
/// Beginning of the names of all dead-letter lists.
pub const DEAD_PREFIX: &str = "ichnaea:dead:";
/// Beginning of the names of the counters of dead letters.
pub const DEAD_COUNT_PREFIX: &str = "ichnaea:dead_count:";

/// Requests of one key to one API path on one UTC day.
#[must_use]
pub fn api_limit(key: &str, path: &str, date: NaiveDate) -> String {
    // By hand: this is done for every request, and a pattern is read anew each time.
    let (year, month, day) = (date.year(), date.month(), date.day());
    format!("{API_LIMIT_PREFIX}{key}:{path}:{year:04}{month:02}{day:02}")
}

/// Key, path and day of a counter of requests; `None` for any other name.
#[must_use]
pub fn parse_api_limit(name: &str) -> Option<(&str, &str, NaiveDate)> {
    let (key, rest) = name.strip_prefix(API_LIMIT_PREFIX)?.split_once(':')?;
    let (path, date) = rest.split_once(':')?;
    Some((key, path, parse_day(date, "%Y%m%d", 8)?))
}

/// Client addresses that used a key on one UTC day; `api_type` is `locate` or `submit`.
#[must_use]
pub fn api_user(api_type: &str, key: &str, date: NaiveDate) -> String {
    format!("{API_USER_PREFIX}{api_type}:{key}:{date}")
}

/// Kind of API, key and day of a set of client addresses; `None` for any other name.
#[must_use]
pub fn parse_api_user(name: &str) -> Option<(ApiKind, &str, NaiveDate)> {
    let (api_type, rest) = name.strip_prefix(API_USER_PREFIX)?.split_once(':')?;
    let kind =
        [ApiKind::Locate, ApiKind::Submit].into_iter().find(|kind| kind.name() == api_type)?;
    let (key, date) = rest.split_once(':')?;
    Some((kind, key, parse_day(date, "%Y-%m-%d", 10)?))
}

/// A day of exactly this form and length.
fn parse_day(text: &str, form: &str, len: usize) -> Option<NaiveDate> {
    let is_plain = text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-'));
    NaiveDate::parse_from_str(text, form).ok().filter(|_| is_plain)
}

/// The answer of a fallback provider about one station; ends in the raw bytes of its key.
#[must_use]
pub fn fallback_cache(provider: &str, kind: Kind, raw_id: &[u8]) -> Vec<u8> {
    let mut key = format!("cache:fallback:{provider}:v1:1:{}:", kind.name()).into_bytes();
    key.extend_from_slice(raw_id);
    key
}

/// The answer of a fallback provider about exactly these stations, of which `digest` is made.
#[must_use]
pub fn fallback_query_cache(provider: &str, digest: &[u8]) -> Vec<u8> {
    let mut key = format!("cache:fallback:{provider}:v1:1:query:").into_bytes();
    key.extend_from_slice(digest);
    key
}

/// Calls to a fallback provider in one interval; `slot` is Unix time divided by its length.
#[must_use]
pub fn fallback_rate_limit(name: &str, slot: i64) -> String {
    format!("fallback_ratelimit:{name}:{slot}")
}

/// The daily counter of one statistic.
#[must_use]
pub fn stat_counter(key: StatKey, date: NaiveDate) -> String {
    format!("{STAT_COUNTER_PREFIX}{}_{}", key.name(), date.format("%Y%m%d"))
}

/// What a daily counter counts, and when; `None` for any other name.
#[must_use]
pub fn parse_stat_counter(name: &str) -> Option<(StatKey, NaiveDate)> {
    let (key, date) = name.strip_prefix(STAT_COUNTER_PREFIX)?.rsplit_once('_')?;
    let key = StatKey::ALL.into_iter().find(|known| known.name() == key)?;
    Some((key, parse_day(date, "%Y%m%d", 8)?))
}

/// Copy of the chart of the stations of a kind.
#[must_use]
pub const fn stats_chart_cache(kind: Kind) -> &'static str {
    match kind {
        Kind::Blue => "cache:stats_blue_json:2",
        Kind::Cell => "cache:stats_cell_json:3",
        Kind::Wifi => "cache:stats_wifi_json:2",
    }
}

/// The hexagons of a block of the coverage grid; the number in the name is the version of their form.
#[must_use]
pub fn coverage(block: Block, resolution: Resolution) -> Vec<u8> {
    format!("{COVERAGE_PREFIX}{resolution}:{}:{}", block.lat, block.lon).into_bytes()
}

/// The sign of life of one worker or scheduler.
#[must_use]
pub fn seen(kind: &str, host: &str, id: &str) -> Vec<u8> {
    format!("{SEEN_PREFIX}{kind}:{host}:{id}").into_bytes()
}

/// What could not be worked on, per queue.
#[must_use]
pub fn dead_letters(queue: &str) -> String {
    format!("{DEAD_PREFIX}{queue}")
}

/// How many items of a queue became dead letters for one reason.
#[must_use]
pub fn dead_count(queue: &str, reason: &str) -> String {
    format!("{DEAD_COUNT_PREFIX}{queue}:{reason}")
}

/// How far the reports of an imported file have been queued: a queue with one item, which is taken
/// and put back with every chunk. The digest is that of the bytes of the file.
#[must_use]
pub fn import_progress(format: &str, digest: &str) -> String {
    format!("ichnaea:import:{format}:{digest}")
}

/// The lease under which such a queue is begun.
#[must_use]
pub fn import_start(progress: &str) -> String {
    format!("{progress}:start")
}

/// Beginning of the names of what is known about export targets that rest.
pub const EXPORT_REST_PREFIX: &str = "ichnaea:export_rest:";

/// Since when and why an export target gets nothing; JSON.
#[must_use]
pub fn export_rest(target: &str) -> String {
    format!("{EXPORT_REST_PREFIX}{target}")
}

/// The lease of the one who tries an export target that is in trouble.
#[must_use]
pub fn export_try(target: &str) -> String {
    format!("ichnaea:export_try:{target}")
}

/// How often an export target refused a batch.
#[must_use]
pub fn refusals(batch_id: &str) -> String {
    format!("ichnaea:refusals:{batch_id}")
}

/// How often a batch was taken again.
#[must_use]
pub fn tries(batch_id: &str) -> String {
    format!("ichnaea:tries:{batch_id}")
}

/// When the scheduler last sent out a task that runs at a time of day, milliseconds since 1970.
#[must_use]
pub fn last_sent(task: &str) -> Vec<u8> {
    format!("ichnaea:last_sent:{task}").into_bytes()
}

/// The lease of who makes the public files of an edition.
#[must_use]
pub fn cell_export(edition: Edition) -> String {
    let edition = match edition {
        Edition::Full => "full",
        Edition::Diff => "diff",
    };
    format!("ichnaea:cell_export:{edition}")
}

/// The queue of reports as they arrive.
#[must_use]
pub fn incoming() -> DataQueue {
    data_queue(UPDATE_INCOMING.to_owned(), Codec::GzipJson, 5000)
}

/// An export queue. The batch is that of its target; 0 means everything that waits.
#[must_use]
pub fn export(queue: &str, batch: usize) -> DataQueue {
    data_queue(queue.to_owned(), Codec::Json, batch)
}

/// The queue of observations for one station table.
#[must_use]
pub fn observations(shard: Shard) -> DataQueue {
    let name = format!("update_{}_{}", shard.kind().name(), shard.name());
    data_queue(name, Codec::Json, 500)
}

/// The queues of areas to compute again: those of 7 bytes, and those of NR with 9.
#[must_use]
pub fn cell_areas() -> [DataQueue; 2] {
    [UPDATE_CELLAREA, UPDATE_CELLAREA_NR].map(|name| data_queue(name.to_owned(), Codec::Raw, 100))
}

/// The queue of grid cells in which something was reported, 8 bytes each.
#[must_use]
pub fn datamap(quadrant: Quadrant) -> DataQueue {
    data_queue(format!("update_datamap_{}", quadrant.name()), Codec::Raw, 500)
}

/// The queue of counters on their way into the statistics table: texts `NAME VALUE`. A batch is
/// everything that waits.
#[must_use]
pub fn stat_updates() -> DataQueue {
    data_queue(UPDATE_STAT.to_owned(), Codec::Raw, 0)
}

/// All data queues with a fixed name, in the order in which data flows through them.
#[must_use]
pub fn data_queues() -> Vec<DataQueue> {
    std::iter::once(incoming())
        .chain(Shard::all().map(observations))
        .chain(cell_areas())
        .chain(Quadrant::ALL.into_iter().map(datamap))
        .chain(std::iter::once(stat_updates()))
        .collect()
}

fn data_queue(name: String, codec: Codec, batch: usize) -> DataQueue {
    DataQueue { name, codec, batch }
}

#[cfg(test)]
mod tests {
    use ichnaea_domain::cell::Radio;

    use super::*;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 31).unwrap()
    }

    #[test]
    fn names_are_those_of_the_original() {
        for (name, expected) in [
            (api_limit("test", "v1.geolocate", day()), "apilimit:test:v1.geolocate:20260131"),
            (api_user("submit", "test", day()), "apiuser:submit:test:2026-01-31"),
            (fallback_rate_limit("provider", 123), "fallback_ratelimit:provider:123"),
            (stat_counter(StatKey::UniqueCell, day()), "statcounter_unique_cell_20260131"),
        ] {
            assert_eq!(name, expected);
        }
        assert_eq!(
            fallback_cache("combain", Kind::Wifi, &[0xff, 0]),
            b"cache:fallback:combain:v1:1:wifi:\xff\0"
        );
    }

    #[test]
    fn counters_of_requests_and_users_are_read_back() {
        let limit = api_limit("a-key", "v1.geolocate", day());
        assert_eq!(parse_api_limit(&limit), Some(("a-key", "v1.geolocate", day())));
        let user = api_user("submit", "a-key", day());
        assert_eq!(parse_api_user(&user), Some((ApiKind::Submit, "a-key", day())));
        for other in ["apilimit:a:20260131", "apilimit:a:v1.geolocate:2026013", "apilimit:", "x"] {
            assert_eq!(parse_api_limit(other), None, "{other}");
        }
        for other in ["apiuser:region:a:2026-01-31", "apiuser:locate:a:2026-1-31", "apiuser:locate"]
        {
            assert_eq!(parse_api_user(other), None, "{other}");
        }
    }

    #[test]
    fn every_queue_has_its_batch_and_form() {
        let queues = data_queues();
        assert_eq!(queues.len(), 1 + 16 + 4 + 16 + 2 + 4 + 1);
        let of = |name: &str| {
            let queue = queues.iter().find(|queue| queue.name == name);
            queue.map(|queue| (queue.codec, queue.batch))
        };
        assert_eq!(of("update_incoming"), Some((Codec::GzipJson, 5000)));
        assert_eq!(of("update_blue_f"), Some((Codec::Json, 500)));
        assert_eq!(of("update_wifi_0"), Some((Codec::Json, 500)));
        for radio in Radio::ALL {
            assert_eq!(of(&format!("update_cell_{radio}")), Some((Codec::Json, 500)));
        }
        assert_eq!(of("update_cellarea"), Some((Codec::Raw, 100)));
        assert_eq!(of("update_datamap_sw"), Some((Codec::Raw, 500)));
    }

    #[test]
    fn daily_counters_are_read_back() {
        for key in StatKey::ALL {
            assert_eq!(parse_stat_counter(&stat_counter(key, day())), Some((key, day())));
        }
        for other in ["statcounter_cell", "statcounter_cell_2026013", "statcounter_x_20260131", ""]
        {
            assert_eq!(parse_stat_counter(other), None, "{other}");
        }
    }
}
