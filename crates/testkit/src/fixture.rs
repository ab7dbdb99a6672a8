//! Rows of the recorded cases in a real database, put there and read back by plain drivers.
//!
//! The code under test has no part in it: what it would write wrongly and read back the same way
//! is seen here.

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable as _;
use rusqlite::types::{Value as SqliteValue, ValueRef};
use serde_json::{Value, json};

use crate::cases::{Row, Tables};

/// Columns with bytes, hex text in the case form.
const BINARY_COLUMNS: [&str; 4] = ["mac", "cellid", "areaid", "grid"];

/// How long SQLite waits for another writer, milliseconds.
const BUSY_TIMEOUT_MS: u64 = 10_000;

/// A migrated database that a test owns.
pub struct Database {
    connection: Connection,
    /// Tables of stations, areas, the map and statistics.
    data_tables: Vec<String>,
    /// The table of applied batches, if there is one.
    batch_tables: Vec<String>,
}

enum Connection {
    Sqlite(rusqlite::Connection),
    Mysql(mysql_async::Conn),
}

#[expect(clippy::expect_used, reason = "a database that is not there fails the test")]
impl Database {
    /// Connects to `sqlite:PATH` or `mysql://…`, migrated before.
    ///
    /// # Panics
    ///
    /// When there is no such database.
    pub async fn open(uri: &str) -> Self {
        let mut connection = if let Some(path) = uri.strip_prefix("sqlite:") {
            let connection = rusqlite::Connection::open(path).expect("an SQLite file");
            connection
                .busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT_MS))
                .expect("a time-out");
            Connection::Sqlite(connection)
        } else {
            let (_, rest) = uri.split_once("://").expect("a database URI");
            let options = mysql_async::Opts::from_url(&format!("mysql://{rest}"));
            let options = options.expect("a database URI");
            Connection::Mysql(mysql_async::Conn::new(options).await.expect("a MySQL server"))
        };
        let names = connection.table_names().await;
        let (data_tables, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| {
            let prefixes = ["wifi_shard_", "blue_shard_", "cell_", "datamap_"];
            prefixes.iter().any(|prefix| name.starts_with(prefix))
                || name == "stat"
                || name == "region_stat"
        });
        let batch_tables = others
            .into_iter()
            .filter(|name| {
                ["applied_batch", "imported_file", "restricted_cell"].contains(&name.as_str())
            })
            .collect();
        Self { connection, data_tables, batch_tables }
    }

    /// Puts rows into tables, in place of what these tables had.
    ///
    /// # Panics
    ///
    /// When the database refuses.
    pub async fn load(&mut self, tables: &Tables) {
        self.connection.run("BEGIN").await;
        for (table, rows) in tables {
            self.connection.run(&format!("DELETE FROM `{table}`")).await;
            for row in rows {
                self.connection.insert(table, row).await;
            }
        }
        self.connection.run("COMMIT").await;
    }

    /// All rows of stations, areas, the map and statistics; tables without rows are left out.
    ///
    /// # Panics
    ///
    /// When the database refuses.
    pub async fn read(&mut self) -> Tables {
        let mut tables = Tables::new();
        for table in self.connection.with_rows(&self.data_tables).await {
            let rows = self.connection.rows(&table).await;
            tables.insert(table, rows);
        }
        tables
    }

    /// Removes all rows of stations, areas, the map and statistics, and the memory of applied
    /// batches.
    ///
    /// # Panics
    ///
    /// When the database refuses.
    pub async fn clear(&mut self) {
        let tables = [self.data_tables.clone(), self.batch_tables.clone()].concat();
        for table in self.connection.with_rows(&tables).await {
            self.connection.run(&format!("DELETE FROM `{table}`")).await;
        }
    }
}

#[expect(clippy::expect_used, reason = "a database that refuses fails the test")]
impl Connection {
    async fn run(&mut self, sql: &str) {
        match self {
            Self::Sqlite(connection) => connection.execute_batch(sql).expect(sql),
            Self::Mysql(connection) => connection.query_drop(sql).await.expect(sql),
        }
    }

    async fn texts(&mut self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(sql).expect(sql);
                let rows = statement.query_map([], |row| row.get(0)).expect(sql);
                rows.collect::<Result<_, _>>().expect(sql)
            }
            Self::Mysql(connection) => connection.query(sql).await.expect(sql),
        }
    }

    async fn table_names(&mut self) -> Vec<String> {
        self.texts(match self {
            Self::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Self::Mysql(_) => {
                "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            }
        })
        .await
    }

    /// Those of the tables that have rows, found in one round trip.
    async fn with_rows(&mut self, tables: &[String]) -> Vec<String> {
        let parts = tables.iter().map(|table| {
            format!("SELECT '{table}' FROM (SELECT 1 FROM `{table}` LIMIT 1) AS `first`")
        });
        self.texts(&parts.collect::<Vec<_>>().join(" UNION ALL ")).await
    }

    async fn insert(&mut self, table: &str, row: &Row) {
        let names: Vec<_> = row.keys().map(|name| format!("`{name}`")).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let sql = format!("INSERT INTO `{table}` ({}) VALUES ({marks})", names.join(", "));
        match self {
            Self::Sqlite(connection) => {
                let values = row.iter().map(|(name, value)| sqlite_value(name, value));
                let mut statement = connection.prepare_cached(&sql).expect(&sql);
                statement.execute(rusqlite::params_from_iter(values)).expect(&sql);
            }
            Self::Mysql(connection) => {
                let values = row.iter().map(|(name, value)| mysql_value(name, value));
                let values = mysql_async::Params::Positional(values.collect());
                connection.exec_drop(&sql, values).await.expect(&sql);
            }
        }
    }

    async fn rows(&mut self, table: &str) -> Vec<Row> {
        let sql = format!("SELECT * FROM `{table}`");
        let mut rows: Vec<Row> = match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(&sql).expect(&sql);
                let names: Vec<_> = statement.column_names().map(str::to_owned).collect();
                let mut rows = statement.query([]).expect(&sql);
                let mut found = Vec::new();
                while let Some(row) = rows.next().expect(&sql) {
                    let value = |index| from_sqlite(row.get_ref(index).expect(&sql));
                    let columns = names.iter().enumerate();
                    found.push(columns.map(|(index, name)| (name.clone(), value(index))).collect());
                }
                found
            }
            Self::Mysql(connection) => {
                let rows: Vec<mysql_async::Row> = connection.exec(&sql, ()).await.expect(&sql);
                rows.into_iter().map(from_mysql).collect()
            }
        };
        for row in &mut rows {
            add_scaled_position(row);
        }
        rows
    }
}

/// Adds what the recorded rows of the map repeat of their key.
fn add_scaled_position(row: &mut Row) {
    let Some(grid) = row.get("grid").and_then(Value::as_str) else { return };
    let scaled = |hex: Option<&str>, offset: i64| {
        hex.and_then(|hex| i64::from_str_radix(hex, 16).ok()).map(|number| number - offset)
    };
    let (lat, lon) = (scaled(grid.get(..8), 90_000), scaled(grid.get(8..), 180_000));
    row.insert("lat_scaled".to_owned(), json!(lat));
    row.insert("lon_scaled".to_owned(), json!(lon));
}

fn sqlite_value(column: &str, value: &Value) -> SqliteValue {
    match value {
        Value::Null => SqliteValue::Null,
        Value::Bool(truth) => SqliteValue::Integer((*truth).into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => SqliteValue::Integer(number),
            (None, Some(number)) => SqliteValue::Real(number),
            (None, None) => SqliteValue::Null,
        },
        Value::String(text) if BINARY_COLUMNS.contains(&column) => SqliteValue::Blob(bytes(text)),
        Value::String(text) => SqliteValue::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => SqliteValue::Text(value.to_string()),
    }
}

fn mysql_value(column: &str, value: &Value) -> mysql_async::Value {
    match sqlite_value(column, value) {
        SqliteValue::Null => mysql_async::Value::NULL,
        SqliteValue::Integer(number) => number.into(),
        SqliteValue::Real(number) => number.into(),
        SqliteValue::Text(text) => text.into(),
        SqliteValue::Blob(bytes) => bytes.into(),
    }
}

fn from_sqlite(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => json!(hex(bytes)),
    }
}

fn from_mysql(row: mysql_async::Row) -> Row {
    use mysql_async::Value as Mysql;
    let columns = row.columns();
    let pairs = columns.iter().zip(row.unwrap_raw()).map(|(column, value)| {
        let name = column.name_str().into_owned();
        let value = match value.unwrap_or(Mysql::NULL) {
            Mysql::NULL => Value::Null,
            Mysql::Bytes(bytes) if BINARY_COLUMNS.contains(&name.as_str()) => json!(hex(&bytes)),
            Mysql::Bytes(bytes) => json!(String::from_utf8_lossy(&bytes)),
            Mysql::Int(number) => json!(number),
            Mysql::UInt(number) => json!(number),
            Mysql::Float(number) => json!(number),
            Mysql::Double(number) => json!(number),
            Mysql::Date(year, month, day, hour, minute, second, _) => {
                let date = format!("{year:04}-{month:02}-{day:02}");
                if column.column_type() == ColumnType::MYSQL_TYPE_DATE {
                    json!(date)
                } else {
                    json!(format!("{date} {hour:02}:{minute:02}:{second:02}"))
                }
            }
            value @ Mysql::Time(..) => json!(format!("{value:?}")),
        };
        (name, value)
    });
    pairs.collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[expect(clippy::panic, reason = "broken test data fails the test")]
fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2).map(|at| hex.get(at..at + 2));
    let bytes = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<_>>();
    bytes.unwrap_or_else(|| panic!("not hex: {hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sqlite() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ichnaea.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE wifi_shard_0 (mac BLOB, lat REAL, radius INTEGER, created TEXT);
                 CREATE TABLE datamap_ne (grid BLOB, created TEXT);
                 CREATE TABLE stat (`key` INTEGER, time TEXT, value INTEGER);
                 CREATE TABLE api_key (valid_key TEXT, maxreq INTEGER);
                 CREATE TABLE applied_batch (id TEXT);",
            )
            .unwrap();
        let database = Database::open(&format!("sqlite:{}", path.display())).await;
        (folder, database)
    }

    fn tables(json: Value) -> Tables {
        serde_json::from_value(json).unwrap()
    }

    #[tokio::test]
    async fn rows_are_read_back_as_they_were_put() {
        let (_folder, mut database) = sqlite().await;
        let station = json!({"mac": "0a00ff", "lat": 51.5, "radius": 7, "created": null});
        let day = json!({"key": 1, "time": "2026-01-31", "value": 5});
        let data = json!({"wifi_shard_0": [station], "stat": [day]});
        let mut all = data.clone();
        all["api_key"] = json!([{"valid_key": "test", "maxreq": null}]);
        database.load(&tables(all)).await;
        assert_eq!(database.read().await, tables(data.clone()), "keys are not read back");
        database.load(&tables(data.clone())).await;
        assert_eq!(database.read().await, tables(data), "loaded again, not added");
    }

    #[tokio::test]
    async fn bytes_are_blobs_and_clearing_keeps_keys() {
        let (_folder, mut database) = sqlite().await;
        let rows = json!({
            "datamap_ne": [{"grid": "00022cb80002f37d", "created": "2026-01-31"}],
            "api_key": [{"valid_key": "test", "maxreq": 3}],
        });
        database.load(&tables(rows)).await;
        let types = database.connection.texts("SELECT typeof(grid) FROM datamap_ne").await;
        assert_eq!(types, ["blob"]);
        let grid = json!([{"grid": "00022cb80002f37d", "created": "2026-01-31",
            "lat_scaled": 52_520, "lon_scaled": 13_405}]);
        assert_eq!(database.read().await, tables(json!({"datamap_ne": grid})));
        database.connection.run("INSERT INTO applied_batch VALUES ('a')").await;
        database.clear().await;
        assert_eq!(database.read().await, Tables::new());
        assert!(database.connection.texts("SELECT id FROM applied_batch").await.is_empty());
        assert_eq!(database.connection.texts("SELECT valid_key FROM api_key").await, ["test"]);
    }
}
