//! Cell areas, and the cells they are made of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ichnaea_domain::area::CellArea;
use ichnaea_domain::cell::{AreaKey, KeyBytes, Radio};
use ichnaea_domain::station::{Shard, Station, StationKey};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Store;
use crate::applied::{Applied, BatchRef};
use crate::dialect::key_list;
use crate::driver::{Lookup, Read, Row, Rows, Statement, Value, Write};
use crate::error::Result;
use crate::station;

/// What a rule wants done to cell areas.
#[derive(Clone, Debug)]
pub struct AreaChanges<O> {
    /// New areas.
    pub insert: Vec<(AreaKey, CellArea)>,
    /// Areas that are overwritten as a whole.
    pub update: Vec<(AreaKey, CellArea)>,
    /// Areas without any cell left.
    pub delete: Vec<AreaKey>,
    /// What the rule has to say about it; kept with the batch.
    pub outcome: O,
}

const COLUMNS: &str = "lat, lon, created, modified, radius, region, avg_cell_radius, num_cells, \
                       last_seen";

/// The columns that [`positioned`] expects after the key; as many as a station has.
const POSITION_COLUMNS: &str = "lat, lon, radius, region, num_cells, created, modified, last_seen, \
                                NULL, NULL, avg_cell_radius";

/// How many areas one statement names when their cells are read.
const AREAS_PER_STATEMENT: usize = 100;

impl Store {
    /// Applies a batch to these areas: reads and locks their rows, reads the positioned cells of
    /// each, lets the rule decide, and writes what it says. A batch that was applied before
    /// changes nothing.
    pub async fn update_areas<O>(
        &self,
        batch: &BatchRef,
        areas: Vec<AreaKey>,
        decide: impl Fn(&HashMap<AreaKey, CellArea>, &HashMap<AreaKey, Vec<Station>>) -> AreaChanges<O>
        + Send
        + Sync
        + 'static,
    ) -> Result<Applied<O>>
    where
        O: Serialize + DeserializeOwned + Send + 'static,
    {
        let tables = by_table(&areas);
        let of_areas = tables
            .iter()
            .map(|(table, keys)| Read::Keys(lookup(table, format!("areaid, {COLUMNS}"), keys)));
        // The cells are read without locks, after the areas are locked: whoever changes one of
        // them later asks for its area to be computed again.
        let of_cells = cell_reads(&areas);
        let (table_count, radios) = (tables.len(), of_cells.iter().map(|(radio, _)| *radio));
        let radios: Vec<Radio> = radios.collect();
        let reads = of_areas.chain(of_cells.into_iter().map(|(_, read)| read)).collect();
        let dialect = self.driver.dialect();
        self.apply(batch, reads, move |found| {
            let (area_rows, cell_rows) = found.split_at(table_count.min(found.len()));
            let areas = area_rows.iter().flatten().filter_map(area).collect();
            let cells = cells_by_area(radios.iter().copied().zip(cell_rows));
            let AreaChanges { insert, update, delete, outcome } = decide(&areas, &cells);
            let writes = group(update).into_iter().map(|(table, rows)| {
                let tail = dialect.on_conflict_update("areaid", COLUMNS);
                Write::Rows(Rows { head: insert_head(table), tail, values: rows })
            });
            let writes = writes.chain(group(insert).into_iter().map(|(table, rows)| {
                Write::Rows(Rows { head: insert_head(table), tail: String::new(), values: rows })
            }));
            let writes = writes.chain(by_table(&delete).into_iter().map(|(table, keys)| {
                let keys: Vec<KeyBytes> = keys.into_iter().collect();
                let keys = key_list(&keys);
                let text = format!("DELETE FROM {table} WHERE areaid IN ({keys})");
                Write::Statement(Statement::plain(text))
            }));
            Ok((writes.collect(), outcome))
        })
        .await
    }
}

/// The table that holds the areas of a radio type.
const fn table(radio: Radio) -> &'static str {
    match radio {
        Radio::Nr => "cell_area_nr",
        Radio::Gsm | Radio::Wcdma | Radio::Lte => "cell_area",
    }
}

/// Length of the binary key of a cell in bytes.
pub(crate) const fn cell_key_len(radio: Radio) -> usize {
    match radio {
        Radio::Nr => 17,
        Radio::Gsm | Radio::Wcdma | Radio::Lte => 11,
    }
}

/// Area keys by table, each once and in order.
pub(crate) fn by_table(areas: &[AreaKey]) -> BTreeMap<&'static str, BTreeSet<KeyBytes>> {
    let mut tables = BTreeMap::<_, BTreeSet<_>>::new();
    for key in areas {
        tables.entry(table(key.radio)).or_default().insert(key.encode());
    }
    tables
}

fn lookup(table: &str, columns: String, keys: &BTreeSet<KeyBytes>) -> Lookup {
    let keys = keys.iter().copied().collect();
    Lookup { table: table.to_owned(), key: "areaid", columns, keys }
}

/// Reads what a position is computed from.
pub(crate) fn position_lookup(table: &str, keys: &BTreeSet<KeyBytes>) -> Lookup {
    lookup(table, format!("areaid, {POSITION_COLUMNS}"), keys)
}

/// The statements that read the positioned cells of areas, with the radio type of each.
///
/// The key columns are numbers, so they are written into the text, which both databases can
/// answer from the unique index.
fn cell_reads(areas: &[AreaKey]) -> Vec<(Radio, Read)> {
    let mut radios = BTreeMap::<Radio, BTreeSet<AreaKey>>::new();
    for &area in areas {
        radios.entry(area.radio).or_default().insert(area);
    }
    let mut reads = Vec::new();
    for (radio, areas) in radios {
        let shard = Shard::Cell(radio);
        let (columns, table) = (station::read_columns(shard), shard.table());
        let areas: Vec<AreaKey> = areas.into_iter().collect();
        for areas in areas.chunks(AREAS_PER_STATEMENT) {
            let conditions: Vec<String> = areas.iter().map(of_area).collect();
            let conditions = conditions.join(" OR ");
            let text = format!(
                "SELECT {columns} FROM {table} WHERE ({conditions}) \
                 AND lat IS NOT NULL AND lon IS NOT NULL"
            );
            reads.push((radio, Read::Plain(Statement::plain(text))));
        }
    }
    reads
}

fn of_area(AreaKey { radio, mcc, mnc, lac }: &AreaKey) -> String {
    format!("(radio = {} AND mcc = {mcc} AND mnc = {mnc} AND lac = {lac})", radio.code())
}

fn cells_by_area<'a>(
    lists: impl Iterator<Item = (Radio, &'a Vec<Row>)>,
) -> HashMap<AreaKey, Vec<Station>> {
    let mut cells = HashMap::<_, Vec<_>>::new();
    for (radio, rows) in lists {
        for row in rows {
            if let Some((StationKey::Cell(key), cell)) = station::station(Shard::Cell(radio), row) {
                cells.entry(key.area).or_default().push(cell);
            }
        }
    }
    cells
}

/// The key in the first column. The shorter keys may come padded from a union of tables.
fn key(row: &Row) -> Option<AreaKey> {
    let bytes = row.bytes(0);
    let len = match Radio::from_code(*bytes.first()?)? {
        Radio::Nr => 9,
        Radio::Gsm | Radio::Wcdma | Radio::Lte => 7,
    };
    AreaKey::decode(bytes.get(..len)?)
}

/// A row of the key and [`COLUMNS`].
fn area(row: &Row) -> Option<(AreaKey, CellArea)> {
    let area = CellArea {
        lat: row.real(1),
        lon: row.real(2),
        created: row.date_time(3),
        modified: row.date_time(4),
        radius_m: row.int(5),
        region: row.region(6),
        avg_cell_radius_m: row.int(7),
        num_cells: row.int(8),
        last_seen: row.date(9),
    };
    Some((key(row)?, area))
}

/// A row of the key and [`POSITION_COLUMNS`]; `None` without a position.
pub(crate) fn positioned(row: &Row) -> Option<(AreaKey, CellArea)> {
    let area = CellArea {
        lat: Some(row.real(1)?),
        lon: Some(row.real(2)?),
        radius_m: row.int(3),
        region: row.region(4),
        num_cells: row.int(5),
        created: row.date_time(6),
        modified: row.date_time(7),
        last_seen: row.date(8),
        avg_cell_radius_m: row.int(11),
    };
    Some((key(row)?, area))
}

fn insert_head(table: &str) -> String {
    format!("INSERT INTO {table} (areaid, radio, mcc, mnc, lac, {COLUMNS})")
}

/// The key columns beside the binary key.
pub(crate) fn key_values(key: &AreaKey) -> [Value; 4] {
    [key.radio.code().into(), key.mcc.into(), key.mnc.into(), key.lac.into()]
}

/// Changes as rows of [`insert_head`], by table and in the order of their keys.
fn group(changes: Vec<(AreaKey, CellArea)>) -> BTreeMap<&'static str, Vec<Vec<Value>>> {
    let changes: BTreeMap<AreaKey, CellArea> = changes.into_iter().collect();
    let mut tables = BTreeMap::<_, Vec<_>>::new();
    for (key, area) in changes {
        tables.entry(table(key.radio)).or_default().push(values(&key, &area));
    }
    tables
}

fn values(key: &AreaKey, area: &CellArea) -> Vec<Value> {
    let mut row = vec![key.encode().into()];
    row.extend(key_values(key));
    row.extend([
        area.lat.into(),
        area.lon.into(),
        area.created.into(),
        area.modified.into(),
        // The column is signed, unlike that of a station.
        area.radius_m.map(|radius_m| radius_m.min(i32::MAX.unsigned_abs())).into(),
        area.region.into(),
        area.avg_cell_radius_m.into(),
        area.num_cells.into(),
        area.last_seen.into(),
    ]);
    row
}
