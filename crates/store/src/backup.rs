//! Whole tables with whatever columns they have, to be carried into another database.
//!
//! Nothing here knows what a column means: names come from the database, kinds from its types, and
//! what the service would read as missing is missing. So the tables of older and newer releases,
//! and those of the original, are read and written alike, and a value is the same on both
//! databases.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use ichnaea_domain::datamap::Quadrant;
use ichnaea_domain::station::{Kind as StationKind, Shard};

use crate::Store;
use crate::dialect::Dialect;
use crate::driver::{Read, Row, Rows, Scan, Snapshot, Statement, Value, Write};
use crate::error::{Error, Result};

/// What the values of a column are, whatever the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// A double.
    Real,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A day.
    Date,
    /// A time in whole seconds, UTC.
    Time,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Integer, Self::Real, Self::Text, Self::Bytes, Self::Date, Self::Time];

    /// What it is called in a dump.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Date => "date",
            Self::Time => "time",
        }
    }

    /// What a type of a column is in a database; SQLite has neither days nor times, there the name
    /// of the column tells.
    fn of(dialect: Dialect, column: &str, declared: &str, table: &str) -> Self {
        let declared = declared.to_ascii_lowercase();
        let is = |words: &[&str]| words.iter().any(|word| declared.contains(word));
        match dialect {
            Dialect::MySql if declared == "date" => Self::Date,
            Dialect::MySql if is(&["datetime", "timestamp"]) => Self::Time,
            Dialect::Sqlite if is(&["text", "char"]) => match column {
                "last_seen" | "block_first" | "block_last" | "time" => Self::Date,
                "created" | "modified" if table.starts_with("datamap_") => Self::Date,
                "created" | "modified" | "started" | "finished" => Self::Time,
                _ => Self::Text,
            },
            _ if is(&["int", "year"]) => Self::Integer,
            _ if is(&["double", "float", "real", "decimal"]) => Self::Real,
            _ if is(&["binary", "blob"]) => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// A value as it is in every database; `None` when it is none of this kind, which the service
    /// reads as missing.
    fn canonical(self, row: &Row, column: usize) -> Option<Value> {
        match self {
            Self::Integer => {
                let large = || row.int::<u64>(column).map(Value::Uint);
                row.int::<i64>(column).map(Value::Int).or_else(large)
            }
            // SQLite does not keep the sign of zero.
            Self::Real => row.real(column).map(|real| Value::Real(real + 0.0)),
            Self::Text => row.text(column).map(Value::Text),
            Self::Bytes => Some(Value::Bytes(row.bytes(column).to_vec())),
            Self::Date => row.date(column).map(Value::Date),
            Self::Time => row.date_time(column).map(Value::DateTime),
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
}

/// A table to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, those of the primary key first.
    pub columns: Vec<Column>,
}

/// A row of a table, its values in the order of the columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The values.
    pub values: Vec<Value>,
    /// How many of them are something else in the database, that nobody can read as what they
    /// should be, and are missing here.
    pub unreadable: usize,
}

/// Keys of the tables of which there is one each, or few.
const SINGLE: [(&str, &[&str]); 8] = [
    ("api_key", &["valid_key"]),
    ("export_config", &["name"]),
    ("stat", &["`key`", "`time`"]),
    ("region_stat", &["region"]),
    ("imported_file", &["id"]),
    ("restricted_cell", &["cellid"]),
    ("cell_area", &["areaid"]),
    ("cell_area_nr", &["areaid"]),
];

/// Every table that makes an installation what it is, with its primary key, in the order in which
/// they are carried.
fn carried() -> impl Iterator<Item = (String, &'static [&'static str])> {
    let stations = Shard::all().map(|shard| {
        let key: &[&str] = match shard.kind() {
            StationKind::Cell => &["cellid"],
            StationKind::Blue | StationKind::Wifi => &["mac"],
        };
        (shard.table(), key)
    });
    let grid = Quadrant::ALL
        .map(|quadrant| (format!("datamap_{}", quadrant.name()), &["grid"] as &'static [&str]));
    SINGLE.into_iter().map(|(name, key)| (name.to_owned(), key)).chain(stations).chain(grid)
}

/// The row that says that a restore has begun, among those of batches that were applied. Its time
/// is one at which nothing is cleaned up.
const MARK: &str = "ichnaea restore";
const NEVER: Option<NaiveDateTime> = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day.and_hms_opt(23, 59, 59),
    None => None,
};

impl Store {
    /// The tables that make an installation, with all columns they have here; those that are not
    /// there are left out.
    pub async fn carried_tables(&self) -> Result<Vec<Table>> {
        let dialect = self.driver.dialect();
        let rows = self.driver.query(Statement::plain(dialect.all_columns())).await?;
        let table = |(name, key): (String, &[&str])| {
            let of_table = rows.iter().filter(|row| row.text(0).as_deref() == Some(&name));
            let column = |row: &Row| {
                let (column, declared) = (row.text(1)?, row.text(2)?);
                Some(Column { kind: Kind::of(dialect, &column, &declared, &name), name: column })
            };
            let mut columns: Vec<Column> = of_table.filter_map(column).collect();
            let place =
                |column: &Column| key.iter().position(|part| part.trim_matches('`') == column.name);
            columns.sort_by_key(|column| place(column).unwrap_or(key.len()));
            Table { name, columns }
        };
        Ok(carried().map(table).filter(|table| !table.columns.is_empty()).collect())
    }

    /// All rows of these tables, as [`Store::carried_tables`] names them, at one moment.
    pub async fn carried_rows(&self, tables: &[Table]) -> Result<Snapshot<Record>> {
        let keys: Vec<_> = carried().collect();
        let scan = |table: &Table| {
            let found = keys.iter().find(|(name, _)| *name == table.name);
            let (_, key) =
                found.ok_or_else(|| Error::broken(format!("{} is not carried", table.name)))?;
            Ok(Scan::all(&table.name, key, quoted(table.columns.iter().map(|one| &*one.name))))
        };
        let scans = tables.iter().map(scan).collect::<Result<Vec<_>>>()?;
        let kinds: Vec<Vec<Kind>> = tables
            .iter()
            .map(|table| table.columns.iter().map(|column| column.kind).collect())
            .collect();
        let convert = move |table: usize, row: &Row| Some(record(kinds.get(table)?, row));
        self.driver.snapshot(scans, Arc::new(convert)).await
    }

    /// Adds rows to a table; all or none.
    pub async fn fill(&self, table: &str, columns: &[String], rows: Vec<Vec<Value>>) -> Result<()> {
        self.must_be_writable()?;
        let columns = quoted(columns.iter().map(String::as_str));
        let head = format!("INSERT INTO {} ({columns})", quoted([table]));
        let write = Write::Rows(Rows { head, tail: String::new(), values: rows });
        let rule = Arc::new(move |_: &[Vec<Row>]| Ok((vec![write.clone()], ())));
        self.driver.transaction(Vec::new(), rule).await.map(drop)
    }

    /// Which of these tables hold anything but what a migration puts there.
    pub async fn filled_tables(&self, tables: &[Table]) -> Result<Vec<String>> {
        let mut filled = Vec::new();
        for Table { name, .. } in tables {
            let rows = self.driver.scan(Statement::plain(any_row(name))).await?;
            if !rows.is_empty() {
                filled.push(name.clone());
            }
        }
        Ok(filled)
    }

    /// Removes all rows of these tables. On a server the account has to be allowed to drop tables.
    pub async fn empty_tables(&self, tables: &[Table]) -> Result<()> {
        self.must_be_writable()?;
        for Table { name, .. } in tables {
            let text = self.driver.dialect().empty_table(&quoted([name.as_str()]));
            self.driver.sweep(Statement::plain(text)).await?;
        }
        Ok(())
    }

    /// What was said of a restore that has begun and not ended; `None` when there is none.
    pub async fn restore_mark(&self) -> Result<Option<String>> {
        let text = "SELECT outcome FROM applied_batch WHERE id = ?";
        let rows = self.driver.query(Statement::new(text, vec![MARK.into()])).await?;
        Ok(rows.first().and_then(|row| row.text(0)))
    }

    /// Notes that a restore begins; `false` when there is such a note already.
    pub async fn mark_restore(&self, said: &str) -> Result<bool> {
        self.must_be_writable()?;
        let said = said.to_owned();
        let note = move |found: &[Vec<Row>]| {
            let is_marked = found.iter().flatten().next().is_some();
            let text =
                "INSERT INTO applied_batch (id, queue, outcome, applied) VALUES (?, ?, ?, ?)";
            let values = vec![MARK.into(), "restore".into(), said.as_str().into(), NEVER.into()];
            let insert = Write::Statement(Statement::new(text, values));
            let writes = if is_marked { Vec::new() } else { vec![insert] };
            Ok((writes, !is_marked))
        };
        let text = "SELECT outcome FROM applied_batch WHERE id = ?";
        let read = Read::Locking(Statement::new(text, vec![MARK.into()]));
        Ok(self.driver.transaction(vec![read], Arc::new(note)).await?.value)
    }

    /// Notes that the restore is done.
    pub async fn unmark_restore(&self) -> Result<()> {
        self.must_be_writable()?;
        let text = "DELETE FROM applied_batch WHERE id = ?";
        self.driver.execute(Statement::new(text, vec![MARK.into()])).await.map(drop)
    }
}

fn record(kinds: &[Kind], row: &Row) -> Record {
    let mut unreadable = 0;
    let values = kinds.iter().enumerate().map(|(column, kind)| {
        if row.is_null(column) {
            return Value::Null;
        }
        kind.canonical(row, column).unwrap_or_else(|| {
            unreadable += 1;
            Value::Null
        })
    });
    Record { values: values.collect(), unreadable }
}

/// Names for a statement. They come from the database itself or are ours.
fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quote = |name: &str| format!("`{}`", name.replace('`', "``"));
    names.into_iter().map(quote).collect::<Vec<_>>().join(", ")
}

/// Finds a row that no migration has put there.
fn any_row(table: &str) -> String {
    let condition = match table {
        "export_config" => {
            " WHERE NOT COALESCE(name = 'internal' AND batch = 100 AND `schema` = 'internal' \
             AND url IS NULL AND skip_keys IS NULL AND skip_sources IS NULL, 0)"
        }
        _ => "",
    };
    format!("SELECT 1 FROM {}{condition} LIMIT 1", quoted([table]))
}
