//! Reads a dump, and finds out whether it is whole.

use std::io::{self, BufRead, BufReader, Read};

use ichnaea_store::{Column, Value};
use serde::de::DeserializeOwned;

use super::line::decode;
use super::{Digest, FORMAT, Header, TableEnd, TableHead, Trailer, VERSION, encode};

/// The most bytes a line may have; a row of the widest table has less than 4000.
const MAX_LINE: u64 = 1 << 20;

/// The most memory a compressed stream may ask for, as a power of two; the writer uses 2²¹ bytes.
const MAX_WINDOW_LOG: u32 = 25;

/// The first bytes of a zstd stream (RFC 8878, section 3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// How many rows are handed over at once.
const ROWS: usize = 4096;

/// Why a dump cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It cannot be had.
    #[error("cannot read: {0}")]
    Io(io::Error),
    /// It is something else.
    #[error("this is no dump of an installation: {0}")]
    Other(String),
    /// It was made by a release that writes another version.
    #[error("the dump has version {0} of the format, this release reads version {VERSION}")]
    Version(u32),
    /// Its end is missing.
    #[error("the dump ends in line {0}, before its last line: it was cut off")]
    Truncated(u64),
    /// It is not as it was written.
    #[error("the dump is damaged in line {line}: {why}")]
    Damaged {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong there.
        why: String,
    },
}

/// The next part of a dump.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A table begins.
    Table(TableHead, Vec<Column>),
    /// Some of its rows.
    Rows(Vec<Row>),
    /// It ends, and had as many rows as were written, all as they were written.
    End(TableEnd),
    /// The dump ends, and is whole.
    Done(Trailer),
}

/// A row of a dump.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its values.
    pub values: Vec<Value>,
    /// The digest of these values, as a dump has them.
    pub digest: Digest,
}

/// A dump that is being read.
pub struct Reader<'a> {
    lines: Box<dyn BufRead + Send + 'a>,
    is_compressed: bool,
    header: Header,
    line: u64,
    buffer: Vec<u8>,
    /// A row in the bytes that this release writes.
    canonical: Vec<u8>,
    table: Option<(Vec<Column>, TableEnd)>,
    trailer: Trailer,
    /// What was found behind the rows that were handed over.
    next: Option<Event>,
    is_done: bool,
}

impl<'a> Reader<'a> {
    /// Reads the first line.
    pub fn begin(input: impl Read + Send + 'a) -> Result<Self, Damage> {
        let mut input = BufReader::with_capacity(1 << 16, input);
        let is_compressed = starts_with_magic(&mut input).map_err(Damage::Io)?;
        let lines: Box<dyn BufRead + Send + 'a> = if is_compressed {
            let mut decoder = zstd::Decoder::with_buffer(input).map_err(Damage::Io)?;
            decoder.window_log_max(MAX_WINDOW_LOG).map_err(Damage::Io)?;
            Box::new(BufReader::with_capacity(1 << 17, decoder))
        } else {
            Box::new(input)
        };
        let nothing = Header {
            format: String::new(),
            version: 0,
            release: String::new(),
            made: String::new(),
            source: String::new(),
            schema: Vec::new(),
            without: Vec::new(),
        };
        let mut reader = Self {
            lines,
            is_compressed,
            header: nothing,
            line: 0,
            buffer: Vec::new(),
            canonical: Vec::new(),
            table: None,
            trailer: Trailer { tables: 0, total_rows: 0 },
            next: None,
            is_done: false,
        };
        reader.header = reader.first_line()?;
        Ok(reader)
    }

    /// What the dump says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The next part. After [`Event::Done`] nothing comes any more.
    pub fn read(&mut self) -> Result<Option<Event>, Damage> {
        if let Some(event) = self.next.take() {
            return Ok(Some(event));
        }
        if self.is_done {
            return Ok(None);
        }
        let mut rows = Vec::new();
        loop {
            if !self.read_line()? {
                return Err(Damage::Truncated(self.line));
            }
            if self.buffer.first() == Some(&b'[') {
                let row = self.row()?;
                rows.push(row);
                if rows.len() == ROWS {
                    return Ok(Some(Event::Rows(rows)));
                }
                continue;
            }
            let event = self.event()?;
            if rows.is_empty() {
                return Ok(Some(event));
            }
            self.next = Some(event);
            return Ok(Some(Event::Rows(rows)));
        }
    }

    fn first_line(&mut self) -> Result<Header, Damage> {
        #[derive(serde::Deserialize)]
        struct Any {
            format: String,
            version: u32,
        }
        let other = |why: &str| Damage::Other(why.to_owned());
        match self.read_line() {
            Ok(true) => {}
            Ok(false) => return Err(other("it is empty")),
            Err(Damage::Damaged { why, .. }) if !self.is_compressed => {
                return Err(Damage::Other(why));
            }
            Err(damage) => return Err(damage),
        }
        let any: Any = serde_json::from_slice(&self.buffer)
            .map_err(|_| other("its first line does not say so"))?;
        if any.format != FORMAT {
            return Err(Damage::Other(format!("it says that it is {:?}", any.format)));
        }
        if any.version != VERSION {
            return Err(Damage::Version(any.version));
        }
        self.parse()
    }

    fn row(&mut self) -> Result<Row, Damage> {
        let Some((columns, end)) = &mut self.table else {
            return Err(self.damaged("a row outside of a table"));
        };
        match decode(&self.buffer, columns) {
            Ok(values) => {
                let written = Digest::of(&self.buffer);
                end.rows += 1;
                end.digest.add(written);
                self.canonical.clear();
                encode(&values, &mut self.canonical);
                // Another release may have written the same numbers in other digits.
                let is_same = self.canonical == self.buffer;
                let digest = if is_same { written } else { Digest::of(&self.canonical) };
                Ok(Row { values, digest })
            }
            Err(why) => Err(self.damaged(why)),
        }
    }

    /// A line that is no row.
    fn event(&mut self) -> Result<Event, Damage> {
        #[derive(serde::Deserialize)]
        struct Any {
            table: Option<serde::de::IgnoredAny>,
            digest: Option<serde::de::IgnoredAny>,
            total_rows: Option<serde::de::IgnoredAny>,
        }
        let any: Any = self.parse()?;
        match (any, self.table.take()) {
            (Any { table: Some(_), .. }, None) => {
                let head: TableHead = self.parse()?;
                let Some(columns) = head.columns() else {
                    return Err(self.damaged("a column of a kind that is not known"));
                };
                let begun = TableEnd { rows: 0, digest: Digest::of(&self.buffer) };
                self.table = Some((columns.clone(), begun));
                Ok(Event::Table(head, columns))
            }
            (Any { digest: Some(_), .. }, Some((_, found))) => {
                let end: TableEnd = self.parse()?;
                if end.rows != found.rows {
                    let why = format!("{} rows of {}", found.rows, end.rows);
                    return Err(self.damaged(why));
                }
                if end.digest != found.digest {
                    return Err(self.damaged("the table is not as it was written"));
                }
                self.trailer.tables += 1;
                self.trailer.total_rows += end.rows;
                Ok(Event::End(end))
            }
            (Any { total_rows: Some(_), .. }, None) => {
                let trailer: Trailer = self.parse()?;
                if trailer != self.trailer {
                    return Err(self.damaged("tables or rows are missing"));
                }
                if self.read_line()? {
                    return Err(self.damaged("there is more after the last line"));
                }
                self.is_done = true;
                Ok(Event::Done(trailer))
            }
            _ => Err(self.damaged("a line where it does not belong")),
        }
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, Damage> {
        serde_json::from_slice(&self.buffer).map_err(|error| self.damaged(error.to_string()))
    }

    /// Reads a line, without its end; false at the end of the input.
    fn read_line(&mut self) -> Result<bool, Damage> {
        self.buffer.clear();
        let mut limited = (&mut self.lines).take(MAX_LINE);
        match limited.read_until(b'\n', &mut self.buffer) {
            Ok(0) => return Ok(false),
            Ok(_) => self.line += 1,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Damage::Truncated(self.line));
            }
            // What zstd has to say about damage is no error of the system.
            Err(error) if error.raw_os_error().is_none() => {
                self.line += 1;
                return Err(self.damaged(error.to_string()));
            }
            Err(error) => return Err(Damage::Io(error)),
        }
        match self.buffer.pop() {
            Some(b'\n') => Ok(true),
            _ if self.buffer.len() as u64 + 1 >= MAX_LINE => {
                Err(self.damaged(format!("it is longer than {MAX_LINE} bytes")))
            }
            _ => Err(Damage::Truncated(self.line)),
        }
    }

    fn damaged(&self, why: impl Into<String>) -> Damage {
        Damage::Damaged { line: self.line, why: why.into() }
    }
}

/// Looks at the first bytes without taking them.
fn starts_with_magic(input: &mut impl BufRead) -> io::Result<bool> {
    // A pipe may hand over a part of them first; nothing else begins with such a byte.
    Ok(input.fill_buf()?.first() == ZSTD_MAGIC.first())
}

#[cfg(test)]
mod tests {
    use ichnaea_store::Kind;
    use proptest::prelude::*;

    use super::*;
    use crate::backup::Writer;

    fn header() -> Header {
        Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            release: "0.1.0".to_owned(),
            made: "2026-01-31T12:00:00Z".to_owned(),
            source: "SQLite 3".to_owned(),
            schema: vec!["3be4004781bc".to_owned()],
            without: Vec::new(),
        }
    }

    fn rows() -> Vec<Vec<Value>> {
        let row = |number: u8| {
            let real = Value::Real(f64::from(number) / 7.0);
            vec![Value::Bytes(vec![number; 6]), real, Value::Text(format!("no. {number}"))]
        };
        (0..40).map(row).collect()
    }

    /// A dump of two tables, of which one is empty.
    fn dump() -> Vec<u8> {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let columns =
            [column("mac", Kind::Bytes), column("lat", Kind::Real), column("name", Kind::Text)];
        let mut writer = Writer::begin(Vec::new(), &header()).unwrap();
        writer.table("first", &columns).unwrap();
        for row in rows() {
            writer.row(&row).unwrap();
        }
        writer.table("second", &columns[..1]).unwrap();
        let (trailer, bytes) = writer.end().unwrap();
        assert_eq!(trailer, Trailer { tables: 2, total_rows: 40 });
        bytes
    }

    fn plain() -> Vec<u8> {
        zstd::decode_all(&dump()[..]).unwrap()
    }

    /// The names, columns and rows of a dump that is whole.
    type Content = (Vec<(TableHead, u64)>, Vec<Vec<Value>>);

    fn read(bytes: &[u8]) -> Result<Content, Damage> {
        let mut reader = Reader::begin(bytes)?;
        let (mut tables, mut found, mut is_done) = (Vec::new(), Vec::new(), false);
        while let Some(event) = reader.read()? {
            assert!(!is_done);
            match event {
                Event::Table(head, _) => tables.push((head, 0)),
                Event::Rows(rows) => found.extend(rows.into_iter().map(|row| row.values)),
                Event::End(end) => tables.last_mut().unwrap().1 = end.rows,
                Event::Done(_) => is_done = true,
            }
        }
        assert!(is_done);
        Ok((tables, found))
    }

    #[test]
    fn a_dump_is_read_as_it_was_written_compressed_or_not() {
        for bytes in [dump(), plain()] {
            let (tables, found) = read(&bytes).unwrap();
            let tables: Vec<_> = tables.iter().map(|(head, rows)| (&*head.table, *rows)).collect();
            assert_eq!(tables, [("first", 40), ("second", 0)]);
            assert_eq!(found, rows());
        }
    }

    #[test]
    fn people_can_read_it() {
        let text = String::from_utf8(plain()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            r#"{"table":"first","columns":[["mac","bytes"],["lat","real"],["name","text"]]}"#
        );
        assert_eq!(lines[3], r#"["010101010101",0.14285714285714285,"no. 1"]"#);
        assert!(lines[42].starts_with(r#"{"rows":40,"digest":""#), "{}", lines[42]);
        assert_eq!(lines.last(), Some(&r#"{"tables":2,"total_rows":40}"#));
    }

    #[test]
    fn a_dump_that_was_cut_off_is_never_whole() {
        for bytes in [dump(), plain()] {
            for len in 0..bytes.len() {
                let damage = read(&bytes[..len]).unwrap_err();
                let is_told = matches!(damage, Damage::Truncated(_))
                    || (len < 400 && matches!(damage, Damage::Other(_)));
                assert!(is_told, "{len} of {}: {damage}", bytes.len());
            }
        }
    }

    #[test]
    fn lines_that_go_on_for_ever_are_refused() {
        let mut endless = br#"{"format":""#.to_vec();
        endless.resize(2 << 20, b'x');
        assert!(matches!(read(&endless), Err(Damage::Other(_))));
        // A few bytes that become very many.
        let bomb = zstd::encode_all(io::repeat(b'x').take(1 << 26), 19).unwrap();
        assert!(bomb.len() < 1 << 16);
        assert!(matches!(read(&bomb), Err(Damage::Damaged { line: 1, .. })));
    }

    #[test]
    fn other_versions_are_named() {
        let newer =
            String::from_utf8(plain()).unwrap().replacen("\"version\":1", "\"version\":7", 1);
        assert!(matches!(read(newer.as_bytes()), Err(Damage::Version(7))));
    }

    proptest! {
        #[test]
        fn damage_anywhere_is_found_and_never_a_panic(
            place in any::<proptest::sample::Index>(),
            bit in 0_u8..8,
            is_compressed in any::<bool>(),
        ) {
            let whole = if is_compressed { dump() } else { plain() };
            let header_len = plain().iter().position(|byte| *byte == b'\n').unwrap();
            let mut damaged = whole.clone();
            let place = place.index(whole.len());
            damaged[place] ^= 1 << bit;
            match read(&damaged) {
                Err(_) => {}
                // Some bits of a compressed file mean nothing; then the content is what it was.
                Ok(content) if is_compressed => {
                    prop_assert!(content == read(&whole).unwrap(), "{place} {bit}");
                }
                // What the first line says of where it comes from is nowhere else.
                Ok(_) => prop_assert!(place <= header_len, "{place} {bit}"),
            }
        }

        #[test]
        fn lines_in_any_order_are_no_panic(order in proptest::collection::vec(0_usize..46, 0..60)) {
            let plain = plain();
            let lines: Vec<&[u8]> = plain.split_inclusive(|byte| *byte == b'\n').collect();
            let mut mixed = lines[0].to_vec();
            for number in order {
                mixed.extend_from_slice(lines.get(number).copied().unwrap_or_default());
            }
            let _ = read(&mixed);
        }

        #[test]
        fn any_bytes_are_no_panic(bytes in any::<Vec<u8>>(), is_begun in any::<bool>()) {
            let mut input = if is_begun { dump()[..40].to_vec() } else { Vec::new() };
            input.extend_from_slice(&bytes);
            let _ = read(&input);
        }
    }
}
