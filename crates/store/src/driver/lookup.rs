//! How look-ups by key and bulk writes become the text that MySQL gets.
//!
//! Both are sent as plain text rather than prepared: which tables a query touches and how many
//! keys each has differs every time, so prepared statements would hardly ever be used twice, while
//! each wide one costs the server memory per connection. All values in them are numbers, dates and
//! bytes of ours, written by [`Value::write_literal`].

use std::fmt::Write as _;

use super::{Lookup, Rows, Value};
use crate::dialect::{Dialect, key_list};

/// How many keys one statement names at most. Keeps the text far below the smallest packet size
/// servers are set to, and within what the range optimiser examines.
const KEYS_PER_STATEMENT: usize = 1000;

/// How many rows one statement writes at most; about 300 bytes each.
const ROWS_PER_STATEMENT: usize = 1000;

impl Lookup {
    /// The statements that read and lock the rows, in the order of the keys.
    pub(super) fn locking(&self) -> Vec<String> {
        let Self { table, key, columns, .. } = self;
        let lock = Dialect::MySql.for_update();
        let text = |keys: &[_]| {
            let keys = key_list(keys);
            format!("SELECT {columns} FROM {table} WHERE {key} IN ({keys}){lock}")
        };
        self.keys.chunks(KEYS_PER_STATEMENT).map(text).collect()
    }

    /// The statement that reads the row of one key, its only parameter.
    pub(super) fn single(&self) -> String {
        let Self { table, key, columns, .. } = self;
        format!("SELECT {columns} FROM {table} WHERE {key} = ?")
    }
}

/// Statements that together do all look-ups, hardly ever more than one. The first column of each
/// row is the number of the look-up it belongs to.
///
/// There is no condition but the key: one on a further column makes the server weigh other
/// indexes, which takes it longer than sending the few rows that would be left out.
pub(super) fn union(lookups: &[Lookup]) -> Vec<String> {
    let mut statements = Vec::new();
    let mut text = String::new();
    let mut room = KEYS_PER_STATEMENT;
    for (number, lookup) in lookups.iter().enumerate() {
        let Lookup { table, key, columns, keys } = lookup;
        for keys in keys.chunks(KEYS_PER_STATEMENT) {
            if keys.len() > room {
                statements.push(std::mem::take(&mut text));
                room = KEYS_PER_STATEMENT;
            }
            room -= keys.len();
            if !text.is_empty() {
                text.push_str(" UNION ALL ");
            }
            let keys = key_list(keys);
            let _ = write!(text, "SELECT {number}, {columns} FROM {table} WHERE {key} IN ({keys})");
        }
    }
    if !text.is_empty() {
        statements.push(text);
    }
    statements
}

impl Rows {
    /// The statements that write all rows.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.values.chunks(ROWS_PER_STATEMENT).map(|rows| self.text(rows)).collect()
    }

    fn text(&self, rows: &[Vec<Value>]) -> String {
        let mut sql = format!("{} VALUES ", self.head);
        for (number, row) in rows.iter().enumerate() {
            sql.push_str(if number == 0 { "(" } else { ",(" });
            for (column, value) in row.iter().enumerate() {
                if column > 0 {
                    sql.push(',');
                }
                value.write_literal(&mut sql);
            }
            sql.push(')');
        }
        sql.push(' ');
        sql.push_str(&self.tail);
        sql
    }

    /// The statement that writes one row, its values as parameters.
    pub(super) fn single(&self, columns: usize) -> String {
        let places = vec!["?"; columns].join(",");
        format!("{} VALUES ({places}) {}", self.head, self.tail)
    }
}

#[cfg(test)]
mod tests {
    use ichnaea_domain::cell::KeyBytes;
    use ichnaea_domain::mac::Mac;

    use super::*;

    fn lookup(table: &str, keys: u16) -> Lookup {
        let mac = |number: u16| {
            let [a, b] = number.to_be_bytes();
            KeyBytes::from(&Mac::from_bytes([0, 0, 0, 0, a, b]))
        };
        Lookup {
            table: table.to_owned(),
            key: "mac",
            columns: "mac, lat".to_owned(),
            keys: (0..keys).map(mac).collect(),
        }
    }

    #[test]
    fn all_tables_of_a_query_are_read_by_one_statement() {
        assert_eq!(
            union(&[lookup("a", 1), lookup("b", 2)]),
            ["SELECT 0, mac, lat FROM a WHERE mac IN (X'000000000000') \
              UNION ALL SELECT 1, mac, lat FROM b WHERE mac IN \
              (X'000000000000',X'000000000001')"]
        );
        assert_eq!(union(&[]), Vec::<String>::new());
        assert_eq!(union(&[lookup("a", 0)]), Vec::<String>::new());
    }

    #[test]
    fn no_statement_names_more_keys_than_a_thousand() {
        for sizes in [&[1000, 1][..], &[2500], &[600, 600, 300], &[999, 1, 1]] {
            let lookups: Vec<_> = sizes.iter().map(|&size| lookup("t", size)).collect();
            let per_statement: Vec<_> =
                union(&lookups).iter().map(|text| text.matches("X'").count()).collect();
            let total: usize = sizes.iter().map(|&size| usize::from(size)).sum();
            assert_eq!(per_statement.iter().sum::<usize>(), total, "{sizes:?}");
            assert!(per_statement.iter().all(|&keys| (1..=1000).contains(&keys)), "{sizes:?}");
        }
    }

    #[test]
    fn rows_become_one_statement_per_thousand() {
        let rows = Rows {
            head: "INSERT INTO t (a, b)".to_owned(),
            tail: "ON X".to_owned(),
            values: vec![vec![Value::Int(1), Value::Null]; 1001],
        };
        let texts = rows.texts();
        assert_eq!(texts.len(), 2);
        assert_eq!(texts[1], "INSERT INTO t (a, b) VALUES (1,NULL) ON X");
        assert_eq!(texts[0].matches("(1,NULL)").count(), 1000);
        assert_eq!(rows.single(2), "INSERT INTO t (a, b) VALUES (?,?) ON X");
    }
}
