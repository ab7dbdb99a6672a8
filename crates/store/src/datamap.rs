//! The coverage grid, in four tables.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use ichnaea_domain::cell::KeyBytes;
use ichnaea_domain::datamap::coverage::Block;
use ichnaea_domain::datamap::{Grid, Quadrant};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Store;
use crate::applied::{Applied, BatchRef};
use crate::driver::{Lookup, Read, Row, Rows, Scan, Snapshot, Statement, Write};
use crate::error::Result;

/// What a rule wants done to the grid.
#[derive(Clone, Debug)]
pub struct DatamapChanges<O> {
    /// Grid cells seen for the first time.
    pub insert: Vec<Grid>,
    /// Known grid cells that were seen again.
    pub touch: Vec<Grid>,
    /// The day to note for both, UTC.
    pub today: NaiveDate,
    /// What the rule has to say about it; kept with the batch.
    pub outcome: O,
}

impl Store {
    /// Applies a batch to these grid cells: reads and locks their rows, lets the rule decide from
    /// the day each was last seen, and writes what it says. A batch that was applied before
    /// changes nothing.
    pub async fn update_datamap<O>(
        &self,
        batch: &BatchRef,
        grids: Vec<Grid>,
        decide: impl Fn(&HashMap<Grid, Option<NaiveDate>>) -> DatamapChanges<O> + Send + Sync + 'static,
    ) -> Result<Applied<O>>
    where
        O: Serialize + DeserializeOwned + Send + 'static,
    {
        let reads = by_table(&grids).into_iter().map(|(table, grids)| {
            Read::Keys(Lookup {
                table,
                key: "grid",
                columns: "grid, modified".to_owned(),
                keys: grids.into_iter().map(key).collect(),
            })
        });
        self.apply(batch, reads.collect(), move |found| {
            let known = found.iter().flatten().filter_map(modified).collect();
            let DatamapChanges { insert, touch, today, outcome } = decide(&known);
            let inserts = by_table(&insert).into_iter().map(|(table, grids)| {
                let row = |grid| vec![key(grid).into(), today.into(), today.into()];
                Write::Rows(Rows {
                    head: format!("INSERT INTO {table} (grid, created, modified)"),
                    tail: String::new(),
                    values: grids.into_iter().map(row).collect(),
                })
            });
            let touches = by_table(&touch).into_iter().map(|(table, grids)| {
                let keys: Vec<KeyBytes> = grids.into_iter().map(key).collect();
                let keys = crate::dialect::key_list(&keys);
                let text =
                    format!("UPDATE {table} SET modified = '{today}' WHERE grid IN ({keys})");
                Write::Statement(Statement::plain(text))
            });
            Ok((inserts.chain(touches).collect(), outcome))
        })
        .await
    }

    /// The grid cells of a block and the days they were last seen: a short range of keys for each
    /// latitude, all in one statement.
    pub async fn datamap_block(&self, block: Block) -> Result<Vec<(Grid, NaiveDate)>> {
        let table = table(block.quadrant());
        let range = |(first, last): (Grid, Grid)| {
            let (first, last) = (key(first), key(last));
            let (first, last) = (first.hex(), last.hex());
            format!(
                "SELECT grid, modified FROM {table} WHERE grid BETWEEN X'{first}' AND X'{last}'"
            )
        };
        let text = block.rows().map(range).collect::<Vec<_>>().join(" UNION ALL ");
        let rows = self.driver.query(Statement::plain(text)).await?;
        Ok(rows.iter().filter_map(seen).collect())
    }

    /// All grid cells and the days they were last seen, as one moment has them, in the order of
    /// [`Quadrant::ALL`] and of their keys. Rows that are no cell or have no day are left out.
    pub async fn whole_datamap(&self) -> Result<Snapshot<(Grid, NaiveDate)>> {
        let scans =
            Quadrant::ALL.map(|quadrant| Scan::all(table(quadrant), &["grid"], "grid, modified"));
        self.driver.snapshot(scans.into(), Arc::new(|_, row| seen(row))).await
    }

    /// Forgets the grid cells of one table last seen before this day; how many.
    pub async fn cleanup_datamap(&self, quadrant: Quadrant, before: NaiveDate) -> Result<u64> {
        self.must_be_writable()?;
        let text = format!("DELETE FROM {} WHERE modified < ?", table(quadrant));
        self.driver.sweep(Statement::new(text, vec![before.into()])).await
    }
}

fn table(quadrant: Quadrant) -> String {
    format!("datamap_{}", quadrant.name())
}

/// Grid cells by table, each once and in order.
fn by_table(grids: &[Grid]) -> BTreeMap<String, BTreeSet<Grid>> {
    let mut tables = BTreeMap::<_, BTreeSet<_>>::new();
    for &grid in grids {
        tables.entry(table(grid.quadrant())).or_default().insert(grid);
    }
    tables
}

fn key(grid: Grid) -> KeyBytes {
    KeyBytes::from(grid)
}

fn modified(row: &Row) -> Option<(Grid, Option<NaiveDate>)> {
    Some((Grid::decode(row.bytes(0))?, row.date(1)))
}

/// A cell with a day.
fn seen(row: &Row) -> Option<(Grid, NaiveDate)> {
    modified(row).and_then(|(grid, day)| Some((grid, day?)))
}
