//! The text of the migrations, put together from one template per layout.

use ichnaea_domain::cell::Radio;
use ichnaea_domain::datamap::Quadrant;
use ichnaea_domain::station::Shard;

use super::HEAD;
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
};

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
    let cells = |shard: &Shard| *shard != Shard::Cell(Radio::Nr);
    sql.extend(Shard::all().filter(cells).map(|shard| station_table(templates, shard)));
    sql.push_str(&area_table(templates, "cell_area", Radio::Lte));
    for quadrant in Quadrant::ALL {
        let table = format!("datamap_{}", quadrant.name());
        sql.push_str(&templates.datamap.replace("{table}", &table));
    }
    sql.push_str(&include_str!("rows.sql").replace("{head}", HEAD));
    sql
}

/// What is ours: cells of 5G NR, and the batches that were applied.
pub(super) fn additions(dialect: Dialect) -> String {
    let templates = templates(dialect);
    let mut sql = station_table(templates, Shard::Cell(Radio::Nr));
    sql.push_str(&area_table(templates, "cell_area_nr", Radio::Nr));
    sql.push_str(templates.additions);
    sql
}

fn station_table(templates: &Templates, shard: Shard) -> String {
    let (keys, indexes) = match shard {
        Shard::Blue(_) | Shard::Wifi(_) => (templates.mac_keys.to_owned(), ""),
        Shard::Cell(radio) => {
            let key_len = cell_key_len(radio);
            (with_widths(templates.cell_keys, radio, key_len), templates.cell_indexes)
        }
    };
    let sql = templates.station.replace("{keys}", keys.trim_end()) + indexes;
    sql.replace("{table}", &shard.table())
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
