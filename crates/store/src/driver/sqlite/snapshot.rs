//! Snapshots: a connection and a thread of their own, one cursor a table.

use std::thread;

use rusqlite::{Connection, params_from_iter};

use super::{Duty, Sqlite, open, values};
use crate::dialect::Dialect;
use crate::driver::scan::{PAGE, Page, Scan, Sink};
use crate::error::{Error, Result};

/// How many steps of SQLite's machine pass before it is looked whether anybody still reads.
const STEPS: std::ffi::c_int = 100_000;

impl Sqlite {
    /// Reads these tables into a sink.
    pub(in crate::driver) fn snapshot<T: Send + 'static>(
        &self,
        scans: Vec<Scan>,
        mut sink: Sink<T>,
    ) -> Result<()> {
        let place = self.place.clone();
        if place.file.is_none() {
            // It belongs to the one connection that writes, which is not to wait for a reader.
            return Err(Error::broken("a database in memory has no snapshots"));
        }
        let read = move || {
            let result = open(&place, Duty::Read, false).and_then(|mut connection| {
                // Without it a cursor that finds nothing for long would go on for nobody.
                connection.progress_handler(STEPS, Some(sink.watch()))?;
                read(&connection, &scans, &mut sink)
            });
            sink.finish(result);
        };
        thread::Builder::new()
            .name("store-snapshot".to_owned())
            .spawn(read)
            .map(drop)
            .map_err(Error::unavailable)
    }
}

fn read<T: Send + 'static>(
    connection: &Connection,
    scans: &[Scan],
    sink: &mut Sink<T>,
) -> Result<()> {
    connection.execute_batch(Dialect::Sqlite.begin_snapshot())?;
    connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))?;
    sink.opened();
    for (table, scan) in scans.iter().enumerate() {
        match read_table(connection, table, scan, sink) {
            Err(Error::OldSchema(_)) if scan.is_optional => {}
            Ok(false) => return Ok(()),
            read => drop(read?),
        }
    }
    Ok(())
}

/// False when nobody reads any more.
fn read_table<T: Send + 'static>(
    connection: &Connection,
    table: usize,
    scan: &Scan,
    sink: &Sink<T>,
) -> Result<bool> {
    let dialect = Dialect::Sqlite;
    let hint = scan.index.as_deref().map(|index| dialect.through_index(index));
    let hint = hint.unwrap_or_else(|| dialect.in_key_order().to_owned());
    let statement = scan.statement(&hint, None, None);
    let mut prepared = connection.prepare(&statement.text)?;
    let columns = prepared.column_count();
    let mut found = prepared.query(params_from_iter(&statement.parameters))?;
    let (mut rows, mut read) = (Vec::new(), 0_usize);
    while let Some(row) = found.next()? {
        rows.extend(sink.convert(table, &values(row, columns)?));
        read += 1;
        if read.is_multiple_of(PAGE) {
            let page = Page { table, rows: std::mem::take(&mut rows) };
            if !sink.push_blocking(page)? {
                return Ok(false);
            }
        }
    }
    // The last page, when all of it fitted into those before; a table always has one.
    if rows.is_empty() && read >= PAGE {
        return Ok(true);
    }
    sink.push_blocking(Page { table, rows })
}
