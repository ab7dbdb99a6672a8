//! The words in which the two databases differ. Every other statement is one text for both.

use ichnaea_domain::cell::KeyBytes;

/// Which of the two languages a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// MySQL, MariaDB and what speaks like them.
    MySql,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// Opens a transaction that is going to write.
    pub(crate) const fn begin(self) -> &'static str {
        match self {
            Self::MySql => "START TRANSACTION",
            Self::Sqlite => "BEGIN IMMEDIATE",
        }
    }

    /// Opens a transaction that only reads, and sees all tables as they are at one moment: now on a
    /// server, at its first read on SQLite.
    pub(crate) const fn begin_snapshot(self) -> &'static str {
        match self {
            Self::MySql => "START TRANSACTION WITH CONSISTENT SNAPSHOT",
            Self::Sqlite => "BEGIN DEFERRED",
        }
    }

    /// Follows a table that is to be read through one of its indexes. A server's operator may have
    /// dropped the index, so there it is only kept from reading in the order of the primary key.
    pub(crate) fn through_index(self, index: &str) -> String {
        match self {
            Self::MySql => "IGNORE INDEX (PRIMARY)".to_owned(),
            Self::Sqlite => format!("INDEXED BY {index}"),
        }
    }

    /// Follows a table that is to be read in the order of its primary key, page by page: a server
    /// that sorted what another index finds would do so again for each page.
    pub(crate) const fn in_key_order(self) -> &'static str {
        match self {
            Self::MySql => "FORCE INDEX (PRIMARY)",
            Self::Sqlite => "",
        }
    }

    /// Ends a read that locks its rows until the end of the transaction. SQLite has one writer at
    /// a time anyway.
    pub(crate) const fn for_update(self) -> &'static str {
        match self {
            Self::MySql => " FOR UPDATE",
            Self::Sqlite => "",
        }
    }

    /// Ends an insert that overwrites these columns of a row with the same primary key.
    pub(crate) fn on_conflict_update(self, primary_key: &str, columns: &str) -> String {
        let assign = |new: fn(&str) -> String| {
            let assignments =
                columns.split(", ").map(|column| format!("{column} = {}", new(column)));
            assignments.collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::MySql => {
                format!("ON DUPLICATE KEY UPDATE {}", assign(|column| format!("VALUES({column})")))
            }
            Self::Sqlite => format!(
                "ON CONFLICT({primary_key}) DO UPDATE SET {}",
                assign(|column| format!("excluded.{column}"))
            ),
        }
    }

    /// In such an ending: gives a column the new value where it has none.
    pub(crate) fn filled_in(self, column: &str) -> String {
        let new = match self {
            Self::MySql => format!("VALUES({column})"),
            Self::Sqlite => format!("excluded.{column}"),
        };
        format!("{column} = COALESCE({column}, {new})")
    }

    /// Counts the tables with one name.
    pub(crate) const fn count_tables(self) -> &'static str {
        match self {
            Self::MySql => {
                "SELECT COUNT(*) FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name = ?"
            }
            Self::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
        }
    }

    /// Names and types of the columns of all tables, with the names of the tables.
    pub(crate) const fn all_columns(self) -> &'static str {
        match self {
            Self::MySql => {
                "SELECT table_name, column_name, data_type FROM information_schema.columns \
                 WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position"
            }
            Self::Sqlite => {
                "SELECT one.name, of.name, of.type FROM sqlite_master one \
                 JOIN pragma_table_info(one.name) of WHERE one.type = 'table' \
                 ORDER BY one.name, of.cid"
            }
        }
    }

    /// Removes all rows of a table for good.
    pub(crate) fn empty_table(self, table: &str) -> String {
        match self {
            Self::MySql => format!("TRUNCATE TABLE {table}"),
            Self::Sqlite => format!("DELETE FROM {table}"),
        }
    }

    /// The names of the columns of one table.
    pub(crate) const fn column_names(self) -> &'static str {
        match self {
            Self::MySql => {
                "SELECT column_name FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND table_name = ?"
            }
            Self::Sqlite => "SELECT name FROM pragma_table_info(?)",
        }
    }
}

/// A list of binary keys as literals, for `IN (…)`; both databases read `X'…'` as bytes.
pub(crate) fn key_list(keys: &[KeyBytes]) -> String {
    keys.iter().map(|key| format!("X'{}'", key.hex())).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use ichnaea_domain::mac::Mac;

    use super::*;

    #[test]
    fn overwriting_names_every_column_in_the_words_of_each_database() {
        assert_eq!(
            Dialect::MySql.on_conflict_update("mac", "lat, lon"),
            "ON DUPLICATE KEY UPDATE lat = VALUES(lat), lon = VALUES(lon)"
        );
        assert_eq!(
            Dialect::Sqlite.on_conflict_update("mac", "lat, lon"),
            "ON CONFLICT(mac) DO UPDATE SET lat = excluded.lat, lon = excluded.lon"
        );
    }

    #[test]
    fn keys_are_written_as_hex_literals() {
        let key = |last| KeyBytes::from(&Mac::from_bytes([0, 1, 0xAB, 0, 0, last]));
        assert_eq!(key_list(&[key(1), key(0xFF)]), "X'0001AB000001',X'0001AB0000FF'");
        assert_eq!(key_list(&[]), "");
    }
}
