//! Daily running totals, and how many stations each region has.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use ichnaea_domain::cell::Radio;
use ichnaea_domain::station::{Kind, RegionCode, Shard};
use ichnaea_domain::stats::{RegionStat, StatKey, StatRow};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Store;
use crate::applied::{Applied, BatchRef};
use crate::driver::{Read, Row, Rows, Statement, Value, Write};
use crate::error::{Error, Result};

/// What a rule wants done to the daily totals.
#[derive(Clone, Debug)]
pub struct StatChanges<O> {
    /// Days without a row yet.
    pub insert: Vec<StatRow>,
    /// Days that get a new total.
    pub update: Vec<StatRow>,
    /// What the rule has to say about it; kept with the batch.
    pub outcome: O,
}

/// How many of the newest days of each key up to today a rule gets to see: today, yesterday, the day
/// their totals start from, and one to spare.
const DAYS: usize = 4;

impl Store {
    /// Applies a batch of counts: reads and locks the newest rows of each key up to today and all
    /// later ones, lets the rule decide, and writes what it says. A batch that was applied before
    /// changes nothing.
    pub async fn update_stats<O>(
        &self,
        batch: &BatchRef,
        today: NaiveDate,
        decide: impl Fn(&[StatRow]) -> StatChanges<O> + Send + Sync + 'static,
    ) -> Result<Applied<O>>
    where
        O: Serialize + DeserializeOwned + Send + 'static,
    {
        let read = |key: StatKey, days: &str| {
            let text =
                format!("SELECT `key`, `time`, `value` FROM stat WHERE `key` = ? AND {days}");
            Read::Locking(Statement::new(text, vec![key.code().into(), today.into()]))
        };
        let newest = format!("`time` <= ? ORDER BY `time` DESC LIMIT {DAYS}");
        let reads = StatKey::ALL
            .into_iter()
            .flat_map(|key| [read(key, &newest), read(key, "`time` > ?")])
            .collect();
        let dialect = self.driver.dialect();
        self.apply(batch, reads, move |found| {
            let rows: Vec<StatRow> = found.iter().flatten().filter_map(stat_row).collect();
            let StatChanges { insert, update, outcome } = decide(&rows);
            let write = |rows: Vec<StatRow>, tail: String| {
                Write::Rows(Rows {
                    head: "INSERT INTO stat (`key`, `time`, `value`)".to_owned(),
                    tail,
                    values: rows.iter().map(stat_values).collect(),
                })
            };
            let overwrite = dialect.on_conflict_update("`key`, `time`", "`value`");
            Ok((vec![write(insert, String::new()), write(update, overwrite)], outcome))
        })
        .await
    }

    /// The newest row of each key, and those of this day.
    pub async fn newest_stats(&self, today: NaiveDate) -> Result<Vec<StatRow>> {
        // The newest days are found by leaps through the primary key.
        let newest = "SELECT `key`, `time`, `value` FROM stat \
                      JOIN (SELECT `key` AS of_key, MAX(`time`) AS newest FROM stat GROUP BY `key`) \
                      AS days ON `key` = of_key AND `time` = newest";
        let mut rows = self.driver.query(Statement::plain(newest)).await?;
        let of_today = "SELECT `key`, `time`, `value` FROM stat WHERE `time` = ?";
        rows.extend(self.driver.query(Statement::new(of_today, vec![today.into()])).await?);
        Ok(rows.iter().filter_map(stat_row).collect())
    }

    /// The rows of a key from this day on, oldest first.
    pub async fn stats_since(&self, key: StatKey, since: NaiveDate) -> Result<Vec<StatRow>> {
        let text = "SELECT `key`, `time`, `value` FROM stat WHERE `key` = ? AND `time` >= ? \
                    ORDER BY `time`";
        let statement = Statement::new(text, vec![key.code().into(), since.into()]);
        Ok(self.driver.query(statement).await?.iter().filter_map(stat_row).collect())
    }

    /// The statistics of all regions, by code. A database that was not migrated yet counts no
    /// cells of 5G NR.
    pub async fn region_stats(&self) -> Result<Vec<RegionStat>> {
        let text = |nr: &str| {
            format!(
                "SELECT region, gsm, wcdma, lte, {nr}, blue, wifi FROM region_stat ORDER BY region"
            )
        };
        let rows = match self.driver.query(Statement::plain(text("nr"))).await {
            Err(Error::OldSchema(_)) => self.driver.query(Statement::plain(text("NULL"))).await,
            read => read,
        }?;
        let stat = |row: &Row| {
            let count = |column| row.int(column).unwrap_or(0);
            Some(RegionStat {
                region: row.region(0)?,
                gsm: count(1),
                wcdma: count(2),
                lte: count(3),
                nr: count(4),
                blue: count(5),
                wifi: count(6),
            })
        };
        Ok(rows.iter().filter_map(stat).collect())
    }

    /// Forgets the daily totals before this day; how many.
    pub async fn cleanup_stat(&self, before: NaiveDate) -> Result<u64> {
        self.must_be_writable()?;
        let text = "DELETE FROM stat WHERE `time` < ?";
        self.driver.sweep(Statement::new(text, vec![before.into()])).await
    }

    /// Counts the stations of each region: positioned cells by the areas they are in, and all
    /// access points and beacons that have a region, blocked ones too.
    ///
    /// Each table is read by a statement of its own outside any transaction, so the server need
    /// not keep old row versions of all tables for as long as the whole count takes.
    pub async fn region_totals(&self) -> Result<Vec<RegionStat>> {
        let mut totals = BTreeMap::<RegionCode, RegionStat>::new();
        for table in ["cell_area", "cell_area_nr"] {
            let text = format!(
                "SELECT region, radio, SUM(num_cells) FROM {table} \
                 WHERE region IS NOT NULL GROUP BY region, radio"
            );
            for row in self.driver.scan(Statement::plain(text)).await? {
                let radio = row.int(1).and_then(Radio::from_code);
                if let (Some(total), Some(radio)) = (entry(&mut totals, &row), radio) {
                    *cells(total, radio) += row.int::<u64>(2).unwrap_or(0);
                }
            }
        }
        for shard in Shard::all() {
            let count: fn(&mut RegionStat) -> &mut u64 = match shard.kind() {
                Kind::Blue => |total| &mut total.blue,
                Kind::Wifi => |total| &mut total.wifi,
                Kind::Cell => continue,
            };
            let text = format!(
                "SELECT region, COUNT(*) FROM {} WHERE region IS NOT NULL GROUP BY region",
                shard.table()
            );
            for row in self.driver.scan(Statement::plain(text)).await? {
                if let Some(total) = entry(&mut totals, &row) {
                    *count(total) += row.int::<u64>(1).unwrap_or(0);
                }
            }
        }
        Ok(totals.into_values().collect())
    }

    /// Makes these the statistics of the regions; regions that are not named lose theirs.
    pub async fn replace_region_stats(&self, rows: &[RegionStat]) -> Result<()> {
        self.must_be_writable()?;
        let columns = "gsm, wcdma, lte, nr, blue, wifi";
        let regions: Vec<String> =
            rows.iter().map(|row| format!("'{}'", row.region.as_str())).collect();
        let others = match regions.as_slice() {
            [] => String::new(),
            regions => format!(" WHERE region NOT IN ({})", regions.join(",")),
        };
        let writes = vec![
            Write::Rows(Rows {
                head: format!("INSERT INTO region_stat (region, {columns})"),
                tail: self.driver.dialect().on_conflict_update("region", columns),
                values: rows.iter().map(region_values).collect(),
            }),
            Write::Statement(Statement::plain(format!("DELETE FROM region_stat{others}"))),
        ];
        let rule = Arc::new(move |_: &[Vec<Row>]| Ok((writes.clone(), ())));
        self.driver.transaction(Vec::new(), rule).await.map(drop)
    }
}

/// A row of the daily totals; those of keys of older releases are no longer known.
fn stat_row(row: &Row) -> Option<StatRow> {
    Some(StatRow {
        key: StatKey::from_code(row.int(0)?)?,
        day: row.date(1)?,
        value: row.int(2).unwrap_or(0),
    })
}

fn stat_values(row: &StatRow) -> Vec<Value> {
    vec![row.key.code().into(), row.day.into(), row.value.into()]
}

/// The figures of the region in the first column of a row.
fn entry<'a>(
    totals: &'a mut BTreeMap<RegionCode, RegionStat>,
    row: &Row,
) -> Option<&'a mut RegionStat> {
    let region = row.region(0)?;
    let none = || RegionStat { region, gsm: 0, wcdma: 0, lte: 0, nr: 0, blue: 0, wifi: 0 };
    Some(totals.entry(region).or_insert_with(none))
}

const fn cells(total: &mut RegionStat, radio: Radio) -> &mut u64 {
    match radio {
        Radio::Gsm => &mut total.gsm,
        Radio::Wcdma => &mut total.wcdma,
        Radio::Lte => &mut total.lte,
        Radio::Nr => &mut total.nr,
    }
}

fn region_values(row: &RegionStat) -> Vec<Value> {
    // The original's columns for cells are four bytes wide.
    let cells = |count: u64| Value::from(count.min(u64::from(u32::MAX)));
    vec![
        row.region.into(),
        cells(row.gsm),
        cells(row.wcdma),
        cells(row.lte),
        row.nr.into(),
        row.blue.into(),
        row.wifi.into(),
    ]
}
