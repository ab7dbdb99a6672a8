//! The text of the migrations, put together from one template per layout.

use ichnaea_domain::cell::Radio;
use ichnaea_domain::datamap::Quadrant;
use ichnaea_domain::station::Shard;

use super::revision::HEAD;
use crate::area::cell_key_len;
use crate::dialect::Dialect;

/// The layouts in the words of one database.
struct Templates {
    /// Tables of which there is one each.
    fixed: &'static str,
    station: &'static str,
    mac_keys: &'static str,
    cell_keys: &'static str,
    /// What follows a table of cells.
    cell_indexes: &'static str,
    area: &'static str,
    datamap: &'static str,
    /// What the original does not have.
    additions: &'static str,
    /// What is known about imported files.
    imports: &'static str,
    /// What a key may be told.
    explain: &'static str,
}

const MYSQL: Templates = Templates {
    fixed: include_str!("mysql/fixed.sql"),
    station: include_str!("mysql/station.sql"),
    mac_keys: include_str!("mysql/mac_keys.sql"),
    cell_keys: include_str!("mysql/cell_keys.sql"),
    cell_indexes: "",
    area: include_str!("mysql/area.sql"),
    datamap: include_str!("mysql/datamap.sql"),
    additions: include_str!("mysql/additions.sql"),
    imports: include_str!("mysql/imports.sql"),
    explain: include_str!("mysql/explain.sql"),
};

const SQLITE: Templates = Templates {
    fixed: include_str!("sqlite/fixed.sql"),
    station: include_str!("sqlite/station.sql"),
    mac_keys: include_str!("sqlite/mac_keys.sql"),
    cell_keys: include_str!("sqlite/cell_keys.sql"),
    cell_indexes: include_str!("sqlite/cell_indexes.sql"),
    area: include_str!("sqlite/area.sql"),
    datamap: include_str!("sqlite/datamap.sql"),
    additions: include_str!("sqlite/additions.sql"),
    imports: include_str!("sqlite/imports.sql"),
    explain: include_str!("sqlite/explain.sql"),
};

/// What of the first revision differs from the last.
const BASE: &str = include_str!("mysql/base.sql");
const BASE_DATAMAP: &str = include_str!("mysql/base_datamap.sql");
const INTERNAL_EXPORT: &str = include_str!("mysql/internal_export.sql");

/// The table of the original's revision on a server.
pub(super) const VERSION: &str = include_str!("mysql/version.sql");

/// The same on SQLite.
pub(super) const SQLITE_VERSION: &str = include_str!("sqlite/version.sql");

/// Tables of which there is one each, and which belong to the original.
const SINGLE: [&str; 5] = ["api_key", "export_config", "region_stat", "stat", CELL_AREA];

const CELL_AREA: &str = "cell_area";

/// Tables that only this service has, with the one that says which of them were made.
const OURS: [&str; 6] = [
    "cell_nr",
    "cell_area_nr",
    "applied_batch",
    "imported_file",
    "restricted_cell",
    super::HISTORY,
];

const fn templates(dialect: Dialect) -> &'static Templates {
    match dialect {
        Dialect::MySql => &MYSQL,
        Dialect::Sqlite => &SQLITE,
    }
}

/// The layout of the original at its last revision.
pub(super) fn original(dialect: Dialect) -> String {
    let templates = templates(dialect);
    let mut sql = templates.fixed.to_owned();
    sql.extend(shards().map(|shard| station_table(templates, shard, &shard.table())));
    sql.push_str(&area_table(templates, CELL_AREA, Radio::Lte));
    for quadrant in Quadrant::ALL {
        sql.push_str(&templates.datamap.replace("{table}", &datamap_name(quadrant)));
    }
    sql.push_str(&include_str!("rows.sql").replace("{head}", HEAD));
    sql
}

/// What is ours: cells of 5G NR, and the batches that were applied.
pub(super) fn additions(dialect: Dialect) -> String {
    let templates = templates(dialect);
    let shard = Shard::Cell(Radio::Nr);
    let mut sql = station_table(templates, shard, &shard.table());
    sql.push_str(&area_table(templates, "cell_area_nr", Radio::Nr));
    sql.push_str(templates.additions);
    sql
}

/// What is ours too: the files that were imported, and the cells that a public file leaves out.
pub(super) const fn imports(dialect: Dialect) -> &'static str {
    templates(dialect).imports
}

/// And ours: which keys may be told what stations are known.
pub(super) const fn explain(dialect: Dialect) -> &'static str {
    templates(dialect).explain
}

/// The statements of the original's first revision, on a server. Each can be repeated.
pub(super) fn base() -> Vec<String> {
    let mut statements: Vec<String> =
        BASE.split(';').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect();
    statements.extend(shards().map(|shard| station_table(&MYSQL, shard, &shard.table())));
    statements.push(area_table(&MYSQL, CELL_AREA, Radio::Lte));
    let datamap = |quadrant| BASE_DATAMAP.replace("{table}", &datamap_name(quadrant));
    statements.extend(Quadrant::ALL.map(datamap));
    statements.extend(ocid());
    statements.push(INTERNAL_EXPORT.to_owned());
    statements
}

/// The statements that make the tables of `OpenCelliD`'s cells, which older revisions have.
pub(super) fn ocid() -> Vec<String> {
    let cells = cell_shards()
        .map(|shard| station_table(&MYSQL, shard, &ocid_name(&shard.table())))
        .collect::<Vec<_>>();
    let area = area_table(&MYSQL, &ocid_name(CELL_AREA), Radio::Lte);
    cells.into_iter().chain([area]).collect()
}

/// The names of the tables of [`ocid`].
pub(super) fn ocid_names() -> impl Iterator<Item = String> {
    cell_shards().map(Shard::table).chain([CELL_AREA.to_owned()]).map(|of| ocid_name(&of))
}

/// The names of all tables but that of the revision: the original's, whatever its revision, and
/// ours.
pub(super) fn names() -> impl Iterator<Item = String> {
    let single = SINGLE.into_iter().chain(OURS).map(str::to_owned);
    let stations = shards().map(Shard::table);
    single.chain(stations).chain(Quadrant::ALL.map(datamap_name)).chain(ocid_names())
}

pub(super) fn datamap_name(quadrant: Quadrant) -> String {
    format!("datamap_{}", quadrant.name())
}

fn ocid_name(table: &str) -> String {
    format!("{table}_ocid")
}

/// The tables of stations that the original has.
fn shards() -> impl Iterator<Item = Shard> {
    Shard::all().filter(|shard| *shard != Shard::Cell(Radio::Nr))
}

fn cell_shards() -> impl Iterator<Item = Shard> {
    [Radio::Gsm, Radio::Wcdma, Radio::Lte].into_iter().map(Shard::Cell)
}

fn station_table(templates: &Templates, shard: Shard, table: &str) -> String {
    let (keys, indexes) = match shard {
        Shard::Blue(_) | Shard::Wifi(_) => (templates.mac_keys.to_owned(), ""),
        Shard::Cell(radio) => {
            let key_len = cell_key_len(radio);
            (with_widths(templates.cell_keys, radio, key_len), templates.cell_indexes)
        }
    };
    let sql = templates.station.replace("{keys}", keys.trim_end()) + indexes;
    sql.replace("{table}", table)
}

fn area_table(templates: &Templates, table: &str, radio: Radio) -> String {
    // The area key is the cell key without the cell identity.
    let cid_len = if radio == Radio::Nr { 8 } else { 4 };
    let key_len = cell_key_len(radio) - cid_len;
    with_widths(templates.area, radio, key_len).replace("{table}", table)
}

/// The types of the columns that are wider for NR.
fn with_widths(template: &str, radio: Radio, key_len: usize) -> String {
    let (lac, cid) = match radio {
        Radio::Nr => ("int(10) unsigned", "bigint(20) unsigned"),
        Radio::Gsm | Radio::Wcdma | Radio::Lte => ("smallint(5) unsigned", "int(10) unsigned"),
    };
    template.replace("{key_len}", &key_len.to_string()).replace("{lac}", lac).replace("{cid}", cid)
}
