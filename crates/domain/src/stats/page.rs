//! What the pages about statistics show.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use super::{RegionStat, StatKey, StatRow};
use crate::region::Regions;

/// How far back the charts go.
const CHART_DAYS: u64 = 365;

/// How many letters of a name regions are ordered by.
const ORDER_LETTERS: usize = 10;

/// The total to show for a key: today's, or the newest there is as long as today has none.
#[must_use]
pub fn newest(key: StatKey, rows: &[StatRow], today: NaiveDate) -> u64 {
    let of_key = || rows.iter().filter(|row| row.key == key);
    let of_today = of_key().find(|row| row.day == today && row.value > 0);
    of_today.or_else(|| of_key().max_by_key(|row| row.day)).map_or(0, |row| row.value)
}

/// How much a total has grown in the last days, the day of today among them: the newest total less the
/// newest one before them. `None` when nothing is known of before.
#[must_use]
pub fn growth(rows: &[StatRow], today: NaiveDate, days: u64) -> Option<u64> {
    let begin = today.checked_sub_days(Days::new(days.saturating_sub(1)))?;
    let before = rows.iter().filter(|row| row.day < begin).max_by_key(|row| row.day)?;
    let newest = rows.iter().filter(|row| row.day <= today).max_by_key(|row| row.day)?;
    Some(newest.value.saturating_sub(before.value))
}

/// A total in millions, cut off after two decimals.
#[must_use]
pub fn in_millions(total: u64) -> String {
    let hundredths = total / 10_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The first day a chart shows.
#[must_use]
pub fn chart_begin(today: NaiveDate) -> NaiveDate {
    today.checked_sub_days(Days::new(CHART_DAYS)).unwrap_or(NaiveDate::MIN)
}

/// The points of a chart: the largest total of each month at its first midnight, in milliseconds
/// since 1970, oldest first.
#[must_use]
pub fn by_month(rows: &[StatRow]) -> Vec<(i64, u64)> {
    let mut months = BTreeMap::<NaiveDate, u64>::new();
    for row in rows {
        let largest = months.entry(row.day.with_day(1).unwrap_or(row.day)).or_default();
        *largest = row.value.max(*largest);
    }
    let point = |(first, largest): (NaiveDate, u64)| {
        (first.and_time(NaiveTime::MIN).and_utc().timestamp_millis(), largest)
    };
    months.into_iter().map(point).collect()
}

/// One line of the table of regions, also as the original keeps copies of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionLine {
    /// Two-letter code.
    pub code: String,
    /// English name; the code where there is none.
    pub name: String,
    /// What a browser sorts names by.
    pub order: String,
    /// GSM cells.
    pub gsm: u64,
    /// WCDMA cells.
    pub wcdma: u64,
    /// LTE cells.
    pub lte: u64,
    /// 5G NR cells, which the original does not know.
    #[serde(default)]
    pub nr: u64,
    /// Cells of all radio types.
    pub cell: u64,
    /// Bluetooth beacons.
    pub blue: u64,
    /// Wi-Fi access points.
    pub wifi: u64,
}

/// The table of regions: most cells first, regions with as many in the order they come.
#[must_use]
pub fn region_lines(stats: &[RegionStat], regions: &Regions) -> Vec<RegionLine> {
    let line = |stat: &RegionStat| {
        let RegionStat { region, gsm, wcdma, lte, nr, blue, wifi } = *stat;
        let name = regions.name(region).unwrap_or(region.as_str()).to_owned();
        let cell = [wcdma, lte, nr].into_iter().fold(gsm, u64::saturating_add);
        let order = order(&name);
        RegionLine { code: region.to_string(), name, order, gsm, wcdma, lte, nr, cell, blue, wifi }
    };
    let mut lines: Vec<RegionLine> = stats.iter().map(line).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.cell));
    lines
}

/// The beginning of a name without the few letters that would sort elsewhere.
fn order(name: &str) -> String {
    let plain = |letter| match letter {
        'ç' => 'c',
        'ô' => 'o',
        '’' => '\'',
        other => other,
    };
    name.chars().take(ORDER_LETTERS).map(plain).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::RegionCode;

    fn row(key: StatKey, day: &str, value: u64) -> StatRow {
        StatRow { key, day: day.parse().unwrap(), value }
    }

    #[test]
    fn totals_are_cut_off_after_two_decimals_of_a_million() {
        for (total, shown) in [
            (0, "0.00"),
            (9_999, "0.00"),
            (10_000, "0.01"),
            (3_289_900, "3.28"),
            (1_000_000, "1.00"),
            (12_345_678_901, "12345.67"),
            (u64::MAX, "18446744073709.55"),
        ] {
            assert_eq!(in_millions(total), shown, "{total}");
        }
    }

    #[test]
    fn the_newest_total_counts_until_there_is_one_of_today() {
        let today = "2026-01-31".parse().unwrap();
        let key = StatKey::UniqueWifi;
        let other = row(StatKey::Wifi, "2026-01-31", 99);
        for (rows, shown) in [
            (vec![], 0),
            (vec![row(key, "2026-01-30", 5), row(key, "2026-01-31", 7)], 7),
            (vec![row(key, "2026-01-30", 5), row(key, "2026-01-31", 0)], 0),
            (vec![row(key, "2025-03-01", 5), row(key, "2025-02-01", 8)], 5),
            // A clock that was wrong once.
            (vec![row(key, "2026-01-31", 7), row(key, "2026-02-01", 9)], 7),
            (vec![row(key, "2026-01-31", 0), row(key, "2026-02-01", 9)], 9),
        ] {
            assert_eq!(
                newest(key, &[rows.clone(), vec![other]].concat(), today),
                shown,
                "{rows:?}"
            );
        }
    }

    #[test]
    fn growth_is_counted_from_the_newest_day_before() {
        let today = "2026-01-31".parse().unwrap();
        let row = |day, value| row(StatKey::Wifi, day, value);
        let rows = [row("2026-01-31", 50), row("2026-01-30", 40), row("2026-01-02", 15)];
        for (rows, days, expected) in [
            (&rows[..], 1, Some(10)),
            (&rows, 2, Some(35)),
            (&rows, 29, Some(35)),
            (&rows, 30, None),
            // Nothing was counted today.
            (&rows[1..], 1, Some(0)),
            (&rows[..1], 1, None),
            (&[], 1, None),
        ] {
            assert_eq!(growth(rows, today, days), expected, "{rows:?} {days}");
        }
        // Removed stations are taken off.
        assert_eq!(growth(&[row("2026-01-31", 5), row("2026-01-30", 9)], today, 1), Some(0));
    }

    #[test]
    fn a_chart_has_the_largest_total_of_each_month() {
        let key = StatKey::UniqueCell;
        let rows = [
            row(key, "2026-01-31", 7),
            row(key, "2025-12-01", 3),
            row(key, "2025-12-31", 5),
            row(key, "2026-01-01", 9),
        ];
        assert_eq!(by_month(&rows), [(1_764_547_200_000, 5), (1_767_225_600_000, 9)]);
        assert_eq!(by_month(&[]), []);
        let today = "2026-01-31".parse().unwrap();
        assert_eq!(chart_begin(today), "2025-01-31".parse::<NaiveDate>().unwrap());
    }

    #[test]
    fn regions_have_names_and_are_ordered_by_their_cells() {
        let stat = |code: &[u8; 2], lte, nr| RegionStat {
            region: RegionCode::new(*code),
            gsm: 1,
            wcdma: 2,
            lte,
            nr,
            blue: 4,
            wifi: 5,
        };
        let stats = [stat(b"CI", 3, 0), stat(b"GB", 3, 9), stat(b"TW", 3, 0), stat(b"ZZ", 3, 0)];
        let lines = region_lines(&stats, Regions::shared());
        let shown: Vec<_> =
            lines.iter().map(|line| (&*line.code, &*line.name, &*line.order, line.cell)).collect();
        assert_eq!(
            shown,
            [
                ("GB", "United Kingdom", "united kin", 15),
                ("CI", "Côte d’Ivoire", "cote d'ivo", 6),
                ("TW", "Taiwan", "taiwan", 6),
                ("ZZ", "ZZ", "zz", 6),
            ]
        );
        assert_eq!(region_lines(&[], Regions::shared()), []);
    }
}
