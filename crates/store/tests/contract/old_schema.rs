//! Databases as the original made them at each of its revisions, written down from what is known
//! about these, with nothing taken from the migrations under test.

use std::collections::{BTreeMap, BTreeSet};

use ichnaea_testkit::Backend;
use ichnaea_testkit::database::{FreshDatabase, fresh};

/// The revisions, oldest first.
pub const IDS: [&str; 11] = [
    "000000000000",
    "1bdf1028a085",
    "385f842b2526",
    "cad2875fd8cb",
    "d2d9ecb12edc",
    "73c5f5ae5b23",
    "30a4df7eafd5",
    "5797389a3842",
    "138cb0d71dfb",
    "a0ee5e10f44b",
    "3be4004781bc",
];

const STATION: &str = "max_lat double, min_lat double, max_lon double, min_lon double, \
    lat double, lon double, created datetime, modified datetime, radius int unsigned, \
    region varchar(2), samples int unsigned, source tinyint, weight double, last_seen date, \
    block_first date, block_last date, block_count tinyint unsigned";
const CELL: &str = "radio tinyint NOT NULL, mcc smallint NOT NULL, mnc smallint NOT NULL, \
    lac smallint unsigned NOT NULL";

/// A database at the revision with this number, 1 for the first, without rows but the ones that
/// are made with it.
pub fn old_database(number: usize) -> FreshDatabase {
    let db = fresh(Backend::Server);
    let mut statements = tables(number);
    statements.push(
        "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, \
         CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
            .to_owned(),
    );
    statements.push(format!("INSERT INTO alembic_version VALUES ('{}')", IDS[number - 1]));
    statements.push(
        "INSERT INTO export_config (name, batch, `schema`) VALUES ('internal', 100, 'internal')"
            .to_owned(),
    );
    db.execute(&[&statements.join(";\n")]);
    db
}

fn tables(number: usize) -> Vec<String> {
    let create = |name: &str, columns: &str| {
        format!("CREATE TABLE {name} ({columns}) ENGINE=InnoDB DEFAULT CHARSET=utf8")
    };
    let latlon = |table: &str| {
        format!(
            "KEY {table}_region_idx (region), KEY {table}_created_idx (created), \
             KEY {table}_modified_idx (modified), KEY {table}_latlon_idx (lat, lon)"
        )
    };
    let cell = |table: &str| {
        let columns = format!(
            "{STATION}, cellid binary(11) NOT NULL PRIMARY KEY, {CELL}, cid int unsigned NOT NULL, \
             psc smallint, UNIQUE KEY {table}_cellid_unique (radio, mcc, mnc, lac, cid), {}",
            latlon(table)
        );
        create(table, &columns)
    };
    let area = |table: &str| {
        let columns = format!(
            "lat double, lon double, created datetime, modified datetime, \
             areaid binary(7) NOT NULL PRIMARY KEY, {CELL}, radius int, region varchar(2), \
             avg_cell_radius int unsigned, num_cells int unsigned, last_seen date, \
             UNIQUE KEY {table}_areaid_unique (radio, mcc, mnc, lac), \
             KEY {table}_region_radio_idx (region, radio), KEY {table}_created_idx (created), \
             KEY {table}_modified_idx (modified), KEY {table}_latlon_idx (lat, lon)"
        );
        create(table, &columns)
    };
    let mut all = vec![create("api_key", &api_key(number))];
    let skip_sources = if number >= 2 { ", skip_sources varchar(64)" } else { "" };
    all.push(create(
        "export_config",
        &format!(
            "name varchar(40) NOT NULL PRIMARY KEY, batch int, `schema` varchar(32), \
             url varchar(512), skip_keys varchar(1024){skip_sources}"
        ),
    ));
    for kind in ["blue", "wifi"] {
        for digit in "0123456789abcdef".chars() {
            let table = format!("{kind}_shard_{digit}");
            let keys = latlon(&table);
            let columns = format!("{STATION}, mac binary(6) NOT NULL PRIMARY KEY, {keys}");
            all.push(create(&table, &columns));
        }
    }
    all.extend(["cell_gsm", "cell_wcdma", "cell_lte"].map(cell));
    all.push(area("cell_area"));
    if number < 9 {
        all.extend(["cell_gsm_ocid", "cell_wcdma_ocid", "cell_lte_ocid"].map(cell));
        all.push(area("cell_area_ocid"));
    }
    for name in ["ne", "nw", "se", "sw"] {
        let table = format!("datamap_{name}");
        let modified = if number >= 5 {
            format!(", KEY {table}_modified_idx (modified)")
        } else {
            String::new()
        };
        let columns = format!(
            "grid binary(8) NOT NULL PRIMARY KEY, created date, modified date, \
             KEY {table}_created_idx (created){modified}"
        );
        all.push(create(&table, &columns));
    }
    all.push(create(
        "region_stat",
        "region varchar(2) NOT NULL PRIMARY KEY, gsm int unsigned, wcdma int unsigned, \
         lte int unsigned, blue bigint unsigned, wifi bigint unsigned",
    ));
    all.push(create(
        "stat",
        "`key` tinyint NOT NULL, `time` date NOT NULL, `value` bigint unsigned, \
         PRIMARY KEY (`key`, `time`)",
    ));
    all
}

/// The columns of `api_key` at each revision, each with the first and the last one that has it.
fn api_key(number: usize) -> String {
    let columns = [
        ("valid_key varchar(40) NOT NULL PRIMARY KEY", 1, 11),
        ("maxreq int", 1, 11),
        ("allow_fallback tinyint(1)", 1, 11),
        ("allow_locate tinyint(1)", 1, 11),
        ("allow_region tinyint(1)", 7, 11),
        ("allow_transfer tinyint(1)", 3, 9),
        ("shortname varchar(40)", 1, 5),
        ("fallback_name varchar(40)", 1, 11),
        ("fallback_schema varchar(64)", 8, 11),
        ("fallback_url varchar(256)", 1, 11),
        ("fallback_ratelimit int", 1, 11),
        ("fallback_ratelimit_interval int", 1, 11),
        ("fallback_cache_expire int", 1, 11),
        ("store_sample_locate tinyint", 4, 11),
        ("store_sample_submit tinyint", 4, 11),
    ];
    let is_there = |(_, first, last): &(&str, usize, usize)| (*first..=*last).contains(&number);
    columns
        .iter()
        .filter(|column| is_there(column))
        .map(|(text, ..)| *text)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Puts three rows with a value in every column into every table but the revision's.
pub fn fill(db: &FreshDatabase) {
    let columns = db.rows(
        "SELECT table_name, column_name, data_type, character_maximum_length \
         FROM information_schema.columns WHERE table_schema = DATABASE() \
         AND table_name <> 'alembic_version' ORDER BY table_name, ordinal_position",
    );
    let mut tables = BTreeMap::<String, Vec<(String, String, usize)>>::new();
    for row in columns {
        let text = |index: usize| row[index].clone().unwrap_or_default();
        let column = (text(1), text(2), text(3).parse().unwrap_or(0));
        tables.entry(text(0)).or_default().push(column);
    }
    let mut statements = Vec::new();
    for (table, columns) in tables {
        let names: Vec<String> = columns.iter().map(|(name, ..)| format!("`{name}`")).collect();
        let row = |number: usize| {
            let values: Vec<String> = columns
                .iter()
                .map(|(_, data_type, length)| match data_type.as_str() {
                    "double" => format!("{number}.25"),
                    "datetime" => format!("'2019-11-0{number} 12:34:56'"),
                    "date" => format!("'2019-10-0{number}'"),
                    "binary" => format!("X'{}'", format!("0{number}").repeat(*length)),
                    "varchar" => format!("'{}'", &format!("{number}xyz")[..(*length).min(4)]),
                    _ => number.to_string(),
                })
                .collect();
            format!("({})", values.join(", "))
        };
        let rows: Vec<String> = (1..=3).map(row).collect();
        let names = names.join(", ");
        statements.push(format!("INSERT INTO `{table}` ({names}) VALUES {}", rows.join(", ")));
    }
    db.execute(&[&statements.join(";\n")]);
}

/// All rows of all tables as `column=value`, by table.
pub type Rows = BTreeMap<String, BTreeSet<BTreeSet<String>>>;

/// Everything in the database but revisions and what the migrations note about themselves.
pub fn all_rows(db: &FreshDatabase) -> Rows {
    let mut columns = BTreeMap::<String, Vec<String>>::new();
    for row in db.rows(
        "SELECT table_name, column_name FROM information_schema.columns \
         WHERE table_schema = DATABASE() \
         AND table_name NOT IN ('alembic_version', 'refinery_schema_history') \
         ORDER BY table_name, ordinal_position",
    ) {
        let text = |index: usize| row[index].clone().unwrap_or_default();
        columns.entry(text(0)).or_default().push(text(1));
    }
    let read = |(table, columns): (String, Vec<String>)| {
        let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
        let rows = db.rows(&format!("SELECT {} FROM `{table}`", names.join(", ")));
        let row = |values: Vec<Option<String>>| {
            let value = |(name, value): (&String, Option<String>)| {
                format!("{name}={}", value.unwrap_or_else(|| "NULL".to_owned()))
            };
            columns.iter().zip(values).map(value).collect()
        };
        let rows = rows.into_iter().map(row).collect();
        (table, rows)
    };
    columns.into_iter().map(read).collect()
}

/// Tables, columns and indexes with all that is known about them, one line each.
pub fn layout(db: &FreshDatabase) -> BTreeSet<String> {
    let queries = [
        "SELECT CONCAT_WS(' ', 'table', table_name, engine, table_collation) \
         FROM information_schema.tables WHERE table_schema = DATABASE()",
        "SELECT CONCAT_WS(' ', 'column', table_name, ordinal_position, column_name, column_type, \
         is_nullable, IFNULL(column_default, '-'), IFNULL(collation_name, '-'), extra) \
         FROM information_schema.columns WHERE table_schema = DATABASE()",
        "SELECT CONCAT_WS(' ', 'index', table_name, index_name, non_unique, \
         GROUP_CONCAT(column_name ORDER BY seq_in_index), index_type) \
         FROM information_schema.statistics WHERE table_schema = DATABASE() \
         GROUP BY table_name, index_name, non_unique, index_type",
    ];
    let rows = queries.into_iter().flat_map(|query| db.rows(query));
    rows.filter_map(|row| row[0].clone()).collect()
}
