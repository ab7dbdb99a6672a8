//! Daily totals and regional figures.
//!
//! A daily total is a running one: how much there was up to the end of that day. Counters are
//! gathered per day elsewhere and brought in every few minutes; a day without a row starts from the
//! newest day before it.

pub mod page;

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::station::{Kind, RegionCode};

/// What a row of the statistics table counts, with its code there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum StatKey {
    /// Cell observations.
    Cell = 1,
    /// Cells.
    UniqueCell = 2,
    /// Wi-Fi observations.
    Wifi = 3,
    /// Wi-Fi access points.
    UniqueWifi = 4,
    /// Bluetooth observations.
    Blue = 8,
    /// Bluetooth beacons.
    UniqueBlue = 9,
}

impl StatKey {
    /// All keys in use, by code. Codes 0, 5, 6 and 7 of older releases are ignored where found.
    pub const ALL: [Self; 6] =
        [Self::Cell, Self::UniqueCell, Self::Wifi, Self::UniqueWifi, Self::Blue, Self::UniqueBlue];

    /// The code in the database.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The key with this code.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|key| i64::from(key.code()) == code)
    }

    /// The name in the names of daily counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::UniqueCell => "unique_cell",
            Self::Wifi => "wifi",
            Self::UniqueWifi => "unique_wifi",
            Self::Blue => "blue",
            Self::UniqueBlue => "unique_blue",
        }
    }

    /// The key that counts observations of this kind.
    #[must_use]
    pub const fn observations(kind: Kind) -> Self {
        match kind {
            Kind::Blue => Self::Blue,
            Kind::Cell => Self::Cell,
            Kind::Wifi => Self::Wifi,
        }
    }

    /// The key that counts stations of this kind.
    #[must_use]
    pub const fn stations(kind: Kind) -> Self {
        match kind {
            Kind::Blue => Self::UniqueBlue,
            Kind::Cell => Self::UniqueCell,
            Kind::Wifi => Self::UniqueWifi,
        }
    }
}

/// How many stations of each type a region has; one row of the regional statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionStat {
    /// The region.
    pub region: RegionCode,
    /// GSM cells.
    pub gsm: u64,
    /// WCDMA cells.
    pub wcdma: u64,
    /// LTE cells.
    pub lte: u64,
    /// 5G NR cells.
    pub nr: u64,
    /// Bluetooth beacons.
    pub blue: u64,
    /// Wi-Fi access points.
    pub wifi: u64,
}

/// One row of the daily totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatRow {
    /// What is counted.
    pub key: StatKey,
    /// UTC day.
    pub day: NaiveDate,
    /// Everything counted up to the end of the day.
    pub value: u64,
}

/// The rows to write, at most one for a key and day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Days that had no row.
    pub insert: Vec<StatRow>,
    /// Days whose total changed.
    pub update: Vec<StatRow>,
}

/// Brings counted amounts into the totals of yesterday and today.
///
/// `found` holds the newest rows of each key up to today and all later ones, in any order; `amounts`
/// what was counted per key and day since the last time. An amount of an older day goes into
/// yesterday's total, one of a later day into today's: nothing counted is left out. What is added to
/// a day is added to the rows after it as well, since those already started from it: to one of today,
/// and to those of later days, which a clock that was ahead has left. A negative amount takes back
/// what another process has added twice.
#[must_use]
#[expect(clippy::implicit_hasher, reason = "callers use the default hasher")]
pub fn decide(
    found: &[StatRow],
    amounts: &HashMap<(StatKey, NaiveDate), i64>,
    today: NaiveDate,
) -> Decided {
    let yesterday = today.pred_opt().unwrap_or(today);
    let mut decided = Decided::default();
    for key in StatKey::ALL {
        let amount = |is_late: bool| {
            amounts
                .iter()
                .filter(|((of, day), _)| *of == key && (*day < today) == is_late)
                .fold(0_i64, |sum, (_, &amount)| sum.saturating_add(amount))
        };
        let (late, fresh) = (amount(true), amount(false));
        let row_of = |day| found.iter().find(|row| row.key == key && row.day == day);
        let earlier = found.iter().filter(|row| row.key == key && row.day < yesterday);
        let base = earlier.max_by_key(|row| row.day).map_or(0, |row| row.value);

        let old = row_of(yesterday).map(|row| row.value);
        let value = old.unwrap_or(base).saturating_add_signed(late);
        decided.write(StatRow { key, day: yesterday, value }, old);

        let old = row_of(today).map(|row| row.value);
        let start = old.map_or(value, |value| value.saturating_add_signed(late));
        decided.write(StatRow { key, day: today, value: start.saturating_add_signed(fresh) }, old);

        for row in found.iter().filter(|row| row.key == key && row.day > today) {
            let value = row.value.saturating_add_signed(late.saturating_add(fresh));
            decided.write(StatRow { value, ..*row }, Some(row.value));
        }
    }
    decided
}

impl Decided {
    fn write(&mut self, row: StatRow, old: Option<u64>) {
        match old {
            None => self.insert.push(row),
            Some(old) if old != row.value => self.update.push(row),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(ago: u64) -> NaiveDate {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        today.checked_sub_days(chrono::Days::new(ago)).unwrap()
    }

    fn row(key: StatKey, ago: u64, value: u64) -> StatRow {
        StatRow { key, day: day(ago), value }
    }

    #[test]
    fn the_first_run_writes_yesterday_and_today_for_every_key() {
        let counted = [StatKey::Cell, StatKey::UniqueCell, StatKey::Wifi, StatKey::UniqueWifi];
        let amounts = counted.map(|key| ((key, day(0)), 1)).into();
        let decided = decide(&[], &amounts, day(0));
        let expected: Vec<StatRow> = StatKey::ALL
            .into_iter()
            .flat_map(|key| [row(key, 1, 0), row(key, 0, u64::from(counted.contains(&key)))])
            .collect();
        assert_eq!(decided, Decided { insert: expected, update: Vec::new() });
    }

    #[test]
    fn a_total_starts_from_the_newest_earlier_day() {
        use StatKey::{Cell, UniqueCell, UniqueWifi, Wifi};
        let found = [
            row(UniqueWifi, 9, 400),
            row(UniqueWifi, 3, 1000),
            row(UniqueCell, 1, 77),
            row(Wifi, 0, 5),
            row(Cell, 2, 10),
            row(Cell, 1, 20),
            row(Cell, 0, 30),
        ];
        let amounts = HashMap::from([
            ((UniqueWifi, day(0)), 3),
            ((UniqueCell, day(0)), 2),
            ((Wifi, day(0)), 4),
            ((Cell, day(1)), 0),
        ]);
        let decided = decide(&found, &amounts, day(0));
        let of = |key| {
            let rows = |rows: &[StatRow]| {
                rows.iter().filter(|row| row.key == key).copied().collect::<Vec<_>>()
            };
            (rows(&decided.insert), rows(&decided.update))
        };
        assert_eq!(
            of(UniqueWifi),
            (vec![row(UniqueWifi, 1, 1000), row(UniqueWifi, 0, 1003)], vec![])
        );
        assert_eq!(of(UniqueCell), (vec![row(UniqueCell, 0, 79)], vec![]));
        assert_eq!(of(Wifi), (vec![row(Wifi, 1, 0)], vec![row(Wifi, 0, 9)]));
        assert_eq!(of(Cell), (vec![], vec![]));
    }

    #[test]
    fn late_amounts_count_for_yesterday_and_all_later_days() {
        let key = StatKey::Blue;
        let amounts = HashMap::from([((key, day(5)), 2), ((key, day(1)), 3), ((key, day(0)), 10)]);
        let blue = |rows: Vec<StatRow>| -> Vec<StatRow> {
            rows.into_iter().filter(|row| row.key == key).collect()
        };
        let missing = decide(&[row(key, 2, 100)], &amounts, day(0));
        assert_eq!(blue(missing.insert), [row(key, 1, 105), row(key, 0, 115)]);
        let present = decide(&[row(key, 1, 100), row(key, 0, 200)], &amounts, day(0));
        assert_eq!(blue(present.update), [row(key, 1, 105), row(key, 0, 215)]);
    }

    #[test]
    fn days_to_come_get_what_is_counted_today() {
        let key = StatKey::Wifi;
        let tomorrow = StatRow { key, day: day(0).succ_opt().unwrap(), value: 300 };
        let far = StatRow { key, day: day(0) + chrono::Days::new(400), value: 310 };
        let found = [row(key, 1, 100), tomorrow, row(key, 0, 200), far];
        let amounts = HashMap::from([((key, day(1)), 3), ((key, day(0)), 10)]);
        let decided = decide(&found, &amounts, day(0));
        let expected = [
            row(key, 1, 103),
            row(key, 0, 213),
            StatRow { value: 313, ..tomorrow },
            StatRow { value: 323, ..far },
        ];
        assert_eq!(decided.update, expected);
        assert_eq!(decide(&found, &HashMap::new(), day(0)).update, []);
    }

    #[test]
    fn totals_stay_within_their_range() {
        let key = StatKey::Wifi;
        for (old, amount, new) in
            [(5, -3, 2), (5, -9, 0), (u64::MAX, 1, u64::MAX), (0, i64::MAX, i64::MAX as u64)]
        {
            let amounts = HashMap::from([((key, day(0)), amount)]);
            let found = [row(key, 1, 0), row(key, 0, old)];
            let updates = decide(&found, &amounts, day(0)).update;
            let value = updates.first().map_or(old, |row| row.value);
            assert_eq!(value, new, "{old} {amount}");
        }
    }
}
