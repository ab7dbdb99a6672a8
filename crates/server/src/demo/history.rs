//! Invented totals of the year before: a demonstration of the statistics, too.

use chrono::{Days, Months, NaiveDate};
use ichnaea_domain::stats::{StatKey, StatRow};

/// Months that are shown, and the one before.
const MONTHS: u32 = 13;

/// What there is by now.
const fn by_now(key: StatKey) -> u64 {
    match key {
        StatKey::Cell => 96_400_000,
        StatKey::UniqueCell => 1_830_000,
        StatKey::Wifi => 905_200_000,
        StatKey::UniqueWifi => 41_250_000,
        StatKey::Blue => 38_700_000,
        StatKey::UniqueBlue => 6_410_000,
    }
}

/// A total for each month and for yesterday: more each month than in the one before.
pub fn totals(today: NaiveDate) -> Vec<StatRow> {
    let row = |key, day, month: u32| {
        let share = u64::from(month).pow(2);
        StatRow { key, day, value: by_now(key) * share / u64::from(MONTHS).pow(2) }
    };
    let mut rows = Vec::new();
    for key in StatKey::ALL {
        for month in 1..MONTHS {
            let day = today.checked_sub_months(Months::new(MONTHS - month));
            rows.extend(day.map(|day| row(key, day, month)));
        }
        rows.extend(today.checked_sub_days(Days::new(1)).map(|day| row(key, day, MONTHS)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn totals_grow_from_day_to_day_and_none_is_of_today() {
        for today in ["2026-03-31", "2026-01-01", "2024-02-29", "2026-12-01"] {
            let today: NaiveDate = today.parse().unwrap();
            let totals = totals(today);
            let days: BTreeSet<_> = totals.iter().map(|row| (row.key, row.day)).collect();
            assert_eq!(days.len(), totals.len(), "one row for a day");
            for pair in totals.windows(2).filter(|pair| pair[0].key == pair[1].key) {
                assert!(pair[0].day < pair[1].day && pair[0].value < pair[1].value, "{pair:?}");
            }
            assert!(totals.iter().all(|row| row.day < today));
        }
    }
}
