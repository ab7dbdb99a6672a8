//! Writes a dump.

use std::io::{self, Write};

use ichnaea_store::{Column, Value};
use serde::Serialize;

use super::{Digest, Header, TableEnd, TableHead, Trailer, encode};

/// How much zstd tries: the best it does about as fast as rows come.
pub const LEVEL: i32 = 3;

/// A dump that is being written.
pub struct Writer<W: Write> {
    out: zstd::Encoder<'static, W>,
    line: Vec<u8>,
    /// Rows of the table that is open.
    table: Option<TableEnd>,
    trailer: Trailer,
}

impl<W: Write> Writer<W> {
    /// Begins a dump.
    pub fn begin(out: W, header: &Header) -> io::Result<Self> {
        let mut out = zstd::Encoder::new(out, LEVEL)?;
        // Damage is found wherever it is.
        out.include_checksum(true)?;
        let trailer = Trailer { tables: 0, total_rows: 0 };
        let mut writer = Self { out, line: Vec::new(), table: None, trailer };
        writer.json(header)?;
        Ok(writer)
    }

    /// Begins a table, and ends the one before.
    pub fn table(&mut self, name: &str, columns: &[Column]) -> io::Result<()> {
        self.end_table()?;
        let mut head = serde_json::to_vec(&TableHead::new(name, columns))?;
        self.table = Some(TableEnd { rows: 0, digest: Digest::of(&head) });
        head.push(b'\n');
        self.out.write_all(&head)
    }

    /// Writes a row of the table that was begun.
    pub fn row(&mut self, values: &[Value]) -> io::Result<()> {
        self.line.clear();
        encode(values, &mut self.line);
        if let Some(TableEnd { rows, digest }) = &mut self.table {
            *rows += 1;
            digest.add(Digest::of(&self.line));
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    /// Ends the dump; what was written, and where to.
    pub fn end(mut self) -> io::Result<(Trailer, W)> {
        self.end_table()?;
        let trailer = self.trailer;
        self.json(&trailer)?;
        let mut out = self.out.finish()?;
        out.flush()?;
        Ok((trailer, out))
    }

    fn end_table(&mut self) -> io::Result<()> {
        if let Some(end) = self.table.take() {
            self.trailer.tables += 1;
            self.trailer.total_rows += end.rows;
            self.json(&end)?;
        }
        Ok(())
    }

    fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }
}
