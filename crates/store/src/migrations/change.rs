//! Changes of tables on a server that may be asked for again when they are done already.
//!
//! The server commits each change of a table by itself, so a migration that was stopped has done
//! some of them. Each change therefore looks first.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

use super::Failure;

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A statement that does no harm when it is repeated.
    Repeatable(String),
    AddColumn(Column),
    DropColumn {
        table: &'static str,
        column: &'static str,
    },
    AddIndex {
        table: String,
        index: String,
        columns: &'static str,
    },
    DropIndex {
        table: String,
        index: String,
    },
}

/// A nullable column that is added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) table: &'static str,
    pub(super) name: &'static str,
    pub(super) data_type: &'static str,
    /// The column it stands behind.
    pub(super) after: &'static str,
    /// What rows get that are there already; those that come later get NULL.
    pub(super) filled_with: Option<u8>,
}

impl Change {
    pub(super) fn add_column(
        table: &'static str,
        name: &'static str,
        data_type: &'static str,
        after: &'static str,
    ) -> Self {
        Self::AddColumn(Column { table, name, data_type, after, filled_with: None })
    }

    /// A column with this value in all rows there are.
    pub(super) fn add_filled_column(
        table: &'static str,
        name: &'static str,
        data_type: &'static str,
        after: &'static str,
        value: u8,
    ) -> Self {
        Self::AddColumn(Column { table, name, data_type, after, filled_with: Some(value) })
    }

    pub(super) const fn drop_column(table: &'static str, column: &'static str) -> Self {
        Self::DropColumn { table, column }
    }

    pub(super) fn drop_table(table: &str) -> Self {
        Self::Repeatable(format!("DROP TABLE IF EXISTS {table}"))
    }

    /// Makes the change unless it is made.
    pub(super) async fn make(&self, conn: &mut Conn) -> Result<(), Failure> {
        match self {
            Self::Repeatable(text) => conn.query_drop(text).await?,
            Self::AddColumn(column) => {
                let Column { table, name, .. } = column;
                if !has_column(conn, table, name).await? {
                    conn.query_drop(column.addition()).await?;
                }
                // The value of rows that are there is given in one step with the column, as its
                // default, and never by an UPDATE: repeated, that would undo what an operator set.
                if column.filled_with.is_some() {
                    let text = format!("ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT NULL");
                    conn.query_drop(text).await?;
                }
            }
            Self::DropColumn { table, column } => {
                if has_column(conn, table, column).await? {
                    conn.query_drop(format!("ALTER TABLE {table} DROP COLUMN {column}")).await?;
                }
            }
            Self::AddIndex { table, index, columns } => {
                if !has_index(conn, table, index).await? {
                    let text = format!("ALTER TABLE {table} ADD INDEX {index} ({columns})");
                    conn.query_drop(text).await?;
                }
            }
            Self::DropIndex { table, index } => {
                if has_index(conn, table, index).await? {
                    conn.query_drop(format!("ALTER TABLE {table} DROP INDEX {index}")).await?;
                }
            }
        }
        Ok(())
    }
}

impl Column {
    fn addition(&self) -> String {
        let Self { table, name, data_type, after, filled_with } = self;
        let default = filled_with.map_or_else(|| "NULL".to_owned(), |value| value.to_string());
        format!("ALTER TABLE {table} ADD COLUMN {name} {data_type} DEFAULT {default} AFTER {after}")
    }
}

async fn has_column(conn: &mut Conn, table: &str, column: &str) -> Result<bool, Failure> {
    is_there(conn, "columns", "column_name", table, column).await
}

async fn has_index(conn: &mut Conn, table: &str, index: &str) -> Result<bool, Failure> {
    is_there(conn, "statistics", "index_name", table, index).await
}

async fn is_there(
    conn: &mut Conn,
    list: &str,
    name_column: &str,
    table: &str,
    name: &str,
) -> Result<bool, Failure> {
    let text = format!(
        "SELECT COUNT(*) FROM information_schema.{list} \
         WHERE table_schema = DATABASE() AND table_name = ? AND {name_column} = ?"
    );
    let count: Option<u64> = conn.exec_first(text, (table, name)).await?;
    Ok(count.is_some_and(|count| count > 0))
}
