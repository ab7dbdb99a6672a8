//! Snapshots: a connection of their own outside of the pool, page by page. A page is read as a
//! whole before it is handed over, so a reader that is slow never keeps the server waiting in the
//! middle of an answer, which it would end after a minute.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts};

use super::{Failure, MySql, query};
use crate::dialect::Dialect;
use crate::driver::scan::{PAGE, PAGE_WAIT, PATIENCE, Page, Scan, Sink};
use crate::error::{Error, Result};

/// Up to this many rows are found through another index and sorted for each page. Of more, going
/// through the whole table once costs less.
const FEW: usize = 16 * PAGE;

/// How long taking leave of the server may take.
const GOODBYE: Duration = Duration::from_millis(500);

impl MySql {
    /// Reads these tables into a sink.
    pub(in crate::driver) fn snapshot<T: Send + 'static>(
        &self,
        scans: Vec<Scan>,
        mut sink: Sink<T>,
    ) {
        let (options, wait) = (self.options(), self.wait());
        tokio::spawn(async move {
            let result = match tokio::time::timeout(wait, open(options)).await {
                Ok(Ok(mut conn)) => {
                    sink.opened();
                    let result = read(&mut conn, &scans, &sink).await;
                    // The server rolls back what is open, which is nothing but a read.
                    let _ = tokio::time::timeout(GOODBYE, conn.disconnect()).await;
                    result
                }
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err(Error::unavailable("no answer in time")),
            };
            sink.finish(result);
        });
    }
}

async fn open(options: Opts) -> std::result::Result<Conn, mysql_async::Error> {
    let mut conn = Conn::new(options).await?;
    // Servers that part with idle connections early are asked to be as patient as we are.
    let idle_s = PATIENCE.as_secs() + 60;
    conn.query_drop(format!("SET SESSION wait_timeout = {idle_s}")).await?;
    conn.query_drop(Dialect::MySql.begin_snapshot()).await?;
    Ok(conn)
}

async fn read<T: Send + 'static>(conn: &mut Conn, scans: &[Scan], sink: &Sink<T>) -> Result<()> {
    for (table, scan) in scans.iter().enumerate() {
        match read_table(conn, table, scan, sink).await {
            Err(Error::OldSchema(_)) if scan.is_optional => {}
            Ok(false) => return Ok(()),
            read => drop(read?),
        }
    }
    Ok(())
}

/// False when nobody reads any more.
async fn read_table<T: Send + 'static>(
    conn: &mut Conn,
    table: usize,
    scan: &Scan,
    sink: &Sink<T>,
) -> Result<bool> {
    let hint = hint(conn, scan).await?;
    let mut after = None;
    loop {
        let statement = scan.statement(&hint, after.as_deref(), Some(PAGE));
        let page = tokio::select! {
            () = sink.closed() => return Ok(false),
            page = tokio::time::timeout(PAGE_WAIT, query(conn, statement)) => page,
        };
        let found =
            page.unwrap_or_else(|_| Err(Failure::Ours(Error::unavailable("no answer in time"))))?;
        let is_first = after.is_none();
        after = found.last().map(|row| scan.key_of(row));
        let rows: Vec<T> = found.iter().filter_map(|row| sink.convert(table, row)).collect();
        let is_last = found.len() < PAGE;
        drop(found);
        if (is_first || !rows.is_empty()) && !sink.push(Page { table, rows }).await? {
            return Ok(false);
        }
        if is_last {
            return Ok(true);
        }
    }
}

/// How the rows are to be found.
async fn hint(conn: &mut Conn, scan: &Scan) -> Result<String> {
    let in_key_order = Dialect::MySql.in_key_order().to_owned();
    let Some(index) = &scan.index else { return Ok(in_key_order) };
    let through_index = Dialect::MySql.through_index(index);
    let count = scan.count(&through_index, FEW + 1);
    let found = tokio::time::timeout(PAGE_WAIT, query(conn, count)).await;
    let found = found.map_err(|_| Error::unavailable("no answer in time"))??;
    let count: usize = found.first().and_then(|row| row.int(0)).unwrap_or(0);
    Ok(if count <= FEW { through_index } else { in_key_order })
}
