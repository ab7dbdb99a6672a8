//! How much a station or a cell area counts, and when a station does not count at all.
//!
//! A score grows with the number of observations and with the time over which they were made, and
//! falls with the months since the last change. It decides between stations that contradict each
//! other, never how far a station is from the device.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use crate::area::CellArea;
use crate::station::Station;

/// Days in which a station loses another part of its weight.
const MONTH_DAYS: i64 = 30;
/// Days of observation after which a station is fully trusted.
const FULL_COLLECTION_DAYS: i64 = 10;
/// Days for which one move blocks a station.
const BLOCK_DAYS: i64 = 2;

/// The score of a station, above 0 and at most 10.
#[must_use]
pub fn station_score(station: &Station, now: NaiveDateTime) -> f64 {
    let last = station.modified.map(|time| time.date()).max(station.last_seen);
    let start = station.created.map(|time| time.date()).max(station.block_last);
    let samples = trusted_count(station.samples, station.radius_m);
    age_weight(station.modified, now)
        * collection_weight(start, last)
        * (samples.ln() / 2f64.ln()).clamp(0.5, 10.0)
}

/// The score of a cell area, above 0 and at most 10.
#[must_use]
pub fn area_score(area: &CellArea, now: NaiveDateTime) -> f64 {
    let last = area.modified.map(|time| time.date()).max(area.last_seen);
    let start = area.created.map(|time| time.date());
    let cells = trusted_count(area.num_cells, area.radius_m);
    age_weight(area.modified, now) * collection_weight(start, last) * cells.sqrt().min(10.0)
}

/// Falls with the whole months since the last change. What never changed is as old as time.
fn age_weight(modified: Option<NaiveDateTime>, now: NaiveDateTime) -> f64 {
    let unchanged = now - modified.unwrap_or_default();
    let months = whole_days(unchanged).max(0) / MONTH_DAYS;
    1.0 / ((months + 1) as f64).sqrt()
}

/// Whole days of a duration, rounded down.
fn whole_days(duration: TimeDelta) -> i64 {
    duration.num_seconds().div_euclid(86_400)
}

/// Grows with the days between the first and the last observation, up to 1.
fn collection_weight(start: Option<NaiveDate>, last: Option<NaiveDate>) -> f64 {
    let days = match (start, last) {
        (Some(start), Some(last)) => (last - start).num_days(),
        _ => 0,
    };
    days.clamp(1, FULL_COLLECTION_DAYS) as f64 / FULL_COLLECTION_DAYS as f64
}

/// How many observations (or cells) count, at least 1. Many of them without any extent are copies
/// of a single one.
fn trusted_count(count: Option<u32>, radius_m: Option<u32>) -> f64 {
    if radius_m.unwrap_or(0) == 0 { 1.0 } else { f64::from(count.unwrap_or(0).max(1)) }
}

/// Is the station to be ignored because it moves? So it is for two days after a move, and for as
/// long as it moved about once in each month of its life or more often.
#[must_use]
pub fn is_blocked(station: &Station, today: NaiveDate) -> bool {
    if station.block_last.is_some_and(|day| (today - day).num_days() < BLOCK_DAYS) {
        return true;
    }
    let blocks = station.block_count.unwrap_or(0);
    let Some(created) = station.created.filter(|_| blocks > 0) else { return false };
    let age_days = (created.date() - today).num_days().abs();
    f64::from(blocks) >= (age_days as f64 / MONTH_DAYS as f64).round_ties_even()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Option<NaiveDate> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    fn time(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    fn now() -> NaiveDateTime {
        time("2024-01-31T12:00:00")
    }

    #[test]
    fn station_scores_are_the_known_ones() {
        for (created, modified, block_last, last_seen, samples, radius_m, score) in [
            ("2024-01-31T12:00:00", "2024-01-31T12:00:00", "", "", 1, Some(0), 0.05),
            ("2024-01-30T12:00:00", "2024-01-31T12:00:00", "", "", 2, Some(10), 0.1),
            ("2024-01-26T12:00:00", "2024-01-31T12:00:00", "", "", 2, Some(10), 0.5),
            ("2024-01-21T12:00:00", "2024-01-31T12:00:00", "", "", 64, Some(10), 6.0),
            ("2024-01-21T12:00:00", "2024-01-31T12:00:00", "", "", 5000, Some(10), 10.0),
            ("2024-01-21T12:00:00", "2024-01-31T12:00:00", "", "", 1024, Some(0), 0.5),
            ("2024-01-21T12:00:00", "2024-01-31T12:00:00", "", "", 1024, None, 0.5),
            (
                "2023-11-22T12:00:00",
                "2023-12-22T12:00:00",
                "",
                "",
                1024,
                Some(10),
                7.071_067_811_865_475,
            ),
            ("2023-11-22T12:00:00", "2024-01-01T12:00:01", "", "", 1024, Some(10), 10.0),
            (
                "2023-11-22T12:00:00",
                "2024-01-01T12:00:00",
                "",
                "",
                1024,
                Some(10),
                7.071_067_811_865_475,
            ),
            (
                "2023-06-01T00:00:00",
                "2023-06-05T00:00:00",
                "",
                "2024-01-31",
                3,
                Some(25),
                0.528_320_833_573_718_7,
            ),
            (
                "2023-06-01T00:00:00",
                "2024-01-10T00:00:00",
                "2024-01-05",
                "2024-01-12",
                10,
                Some(25),
                2.325_349_666_421_153_5,
            ),
            (
                "2023-06-01T00:00:00",
                "2024-01-10T00:00:00",
                "2024-01-20",
                "",
                10,
                Some(25),
                0.332_192_809_488_736_3,
            ),
            (
                "2024-01-30T23:59:59",
                "2024-01-31T00:00:01",
                "",
                "",
                8,
                Some(25),
                0.300_000_000_000_000_04,
            ),
            ("2024-01-25T00:00:00", "2024-02-05T00:00:00", "", "", 8, Some(25), 3.0),
        ] {
            let station = Station {
                created: Some(time(created)),
                modified: Some(time(modified)),
                block_last: day(block_last),
                last_seen: day(last_seen),
                samples: Some(samples),
                radius_m,
                ..Station::default()
            };
            let actual = station_score(&station, now());
            assert!((actual - score).abs() < 1e-15, "{actual} {score} {station:?}");
        }
    }

    #[test]
    fn area_scores_are_the_known_ones() {
        for (created, modified, last_seen, num_cells, radius_m, score) in [
            ("2024-01-31", "2024-01-31", "", 4, 10, 0.2),
            ("2024-01-31", "2024-01-31", "", 100, 0, 0.1),
            ("2023-10-01", "2024-01-20", "", 100, 20_000, 10.0),
            ("2023-10-01", "2023-12-01", "", 250, 20_000, 5.773_502_691_896_258),
            ("2023-10-01", "2024-01-20", "2024-01-30", 7, 20_000, 2.645_751_311_064_590_7),
            ("2023-10-01", "2024-01-20", "2024-01-30", 0, 20_000, 1.0),
        ] {
            let midnight = |text| day(text).and_then(|day| day.and_hms_opt(0, 0, 0));
            let area = CellArea {
                created: midnight(created),
                modified: midnight(modified),
                last_seen: day(last_seen),
                num_cells: Some(num_cells),
                radius_m: Some(radius_m),
                ..CellArea::default()
            };
            let actual = area_score(&area, now());
            assert!((actual - score).abs() < 1e-15, "{actual} {score} {area:?}");
        }
    }

    #[test]
    fn rows_without_dates_score_next_to_nothing() {
        let station = station_score(&Station::default(), now());
        assert!(station > 0.0 && station < 0.01, "{station}");
        let area = area_score(&CellArea::default(), now());
        assert!(area > 0.0 && area < 0.01, "{area}");
    }

    #[test]
    fn stations_are_blocked_by_recent_and_by_frequent_moves() {
        for (created, block_last, block_count, expected) in [
            ("2023-01-31", "", None, false),
            ("2023-01-31", "", Some(0), false),
            ("2024-01-31", "", Some(1), true),
            ("2024-01-16", "", Some(1), true),
            ("2024-01-15", "", Some(1), true),
            ("2023-12-17", "", Some(1), false),
            ("2023-12-17", "", Some(2), true),
            ("2023-12-18", "", Some(1), true),
            ("2023-11-17", "", Some(2), true),
            ("2023-11-16", "", Some(2), false),
            ("2023-01-31", "2024-01-30", Some(1), true),
            ("2023-01-31", "2024-01-29", Some(1), false),
            ("2023-01-31", "2024-02-05", Some(1), true),
            ("2023-01-31", "2024-01-01", Some(11), false),
            ("2023-01-31", "2024-01-01", Some(12), true),
            ("", "2024-01-31", None, true),
            ("", "2024-01-29", Some(9), false),
        ] {
            let station = Station {
                created: day(created).and_then(|day| day.and_hms_opt(0, 0, 0)),
                block_last: day(block_last),
                block_count,
                ..Station::default()
            };
            assert_eq!(is_blocked(&station, now().date()), expected, "{station:?}");
        }
    }
}
