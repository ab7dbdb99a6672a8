//! Which columns of a dump go where.

use ichnaea_store::{Column, Table, Value};

use crate::backup::{Digest, Row, encode};

/// A table of a dump and the table it goes into.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The table as it is here.
    table: Table,
    /// For each column that is written its place in the dump and in the table here; in the order of
    /// the dump.
    places: Vec<(usize, usize)>,
    /// Whether every column of the dump is written.
    is_whole: bool,
}

impl Plan {
    /// Matches columns by their names. Those that are not here are told as well.
    pub(super) fn new(columns: &[Column], table: &Table) -> (Self, Vec<String>) {
        let mut places = Vec::new();
        let mut unknown = Vec::new();
        for (from, column) in columns.iter().enumerate() {
            match table.columns.iter().position(|one| one.name == column.name) {
                Some(to) => places.push((from, to)),
                None => unknown.push(column.name.clone()),
            }
        }
        let is_whole = unknown.is_empty();
        (Self { table: table.clone(), places, is_whole }, unknown)
    }

    /// The table as it is here.
    pub(super) const fn table(&self) -> &Table {
        &self.table
    }

    /// The columns that are written.
    pub(super) fn columns(&self) -> Vec<String> {
        self.places.iter().map(|(_, to)| self.table.columns[*to].name.clone()).collect()
    }

    /// The values of a row of the dump that are written, and their digest.
    pub(super) fn of_dump(&self, row: Row, line: &mut Vec<u8>) -> (Vec<Value>, Digest) {
        if self.is_whole {
            return (row.values, row.digest);
        }
        let values = pick(&row.values, self.places.iter().map(|(from, _)| *from));
        let digest = digest(&values, line);
        (values, digest)
    }

    /// The digest of a row that was read here.
    pub(super) fn of_table(&self, values: &[Value], line: &mut Vec<u8>) -> Digest {
        digest(&pick(values, self.places.iter().map(|(_, to)| *to)), line)
    }
}

fn pick(values: &[Value], places: impl Iterator<Item = usize>) -> Vec<Value> {
    places.map(|place| values.get(place).cloned().unwrap_or(Value::Null)).collect()
}

fn digest(values: &[Value], line: &mut Vec<u8>) -> Digest {
    line.clear();
    encode(values, line);
    Digest::of(line)
}

#[cfg(test)]
mod tests {
    use ichnaea_store::Kind;

    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        let column = |name: &&str| Column { name: (*name).to_owned(), kind: Kind::Integer };
        names.iter().map(column).collect()
    }

    fn row(numbers: &[i64]) -> Row {
        let values: Vec<Value> = numbers.iter().map(|number| Value::Int(*number)).collect();
        let digest = digest(&values, &mut Vec::new());
        Row { values, digest }
    }

    #[test]
    fn columns_are_matched_by_name_whatever_their_order() {
        let table = Table { name: "t".to_owned(), columns: columns(&["a", "b", "new", "c"]) };
        let (plan, unknown) = Plan::new(&columns(&["c", "a", "gone", "b"]), &table);
        assert_eq!(unknown, ["gone"]);
        assert_eq!(plan.columns(), ["c", "a", "b"]);
        let mut line = Vec::new();
        let (values, of_dump) = plan.of_dump(row(&[3, 1, 9, 2]), &mut line);
        assert_eq!(values, row(&[3, 1, 2]).values);
        let found = [Value::Int(1), Value::Int(2), Value::Null, Value::Int(3)];
        assert_eq!(plan.of_table(&found, &mut line), of_dump);
        let other = [Value::Int(1), Value::Int(2), Value::Null, Value::Int(4)];
        assert_ne!(plan.of_table(&other, &mut line), of_dump);
    }

    #[test]
    fn a_table_with_the_same_columns_keeps_the_digest_of_the_dump() {
        let table = Table { name: "t".to_owned(), columns: columns(&["a", "b"]) };
        let (plan, unknown) = Plan::new(&columns(&["a", "b"]), &table);
        assert!(unknown.is_empty());
        let (values, digest) = plan.of_dump(row(&[1, 2]), &mut Vec::new());
        assert_eq!((&values, digest), (&row(&[1, 2]).values, row(&[1, 2]).digest));
    }
}
