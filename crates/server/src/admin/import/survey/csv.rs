//! Reports out of CSV, one row a sighting.

use std::borrow::Cow;
use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use ichnaea_domain::import::Reason;
use ichnaea_domain::import::survey::{Form, Gatherer, Header, Read, Row, Rows, WIGLE_DEVICE};
use ichnaea_domain::report::Report;

use super::lines::Lines;
use super::{Moment, Notes, Problem, Reports};

/// Most cells in a row.
const MAX_CELLS: usize = 256;
/// Lines before the header that are passed over: the one about the device, comments.
const MAX_PREAMBLE: u64 = 20;

/// Reads one CSV file.
pub struct Csv<R> {
    lines: Lines<R>,
    cells: Cells,
    form: Form,
    rows: Rows,
    gatherer: Gatherer,
    moment: Moment,
}

impl<R: BufRead> Csv<R> {
    /// Finds the header.
    pub fn open(form: Form, input: R, moment: Moment) -> Result<Self, Problem> {
        let mut lines = Lines::new(input);
        let mut cells = Cells::new();
        let mut missing = Vec::new();
        while let Some(line) = lines.next()? {
            if line.number > MAX_PREAMBLE {
                break;
            }
            if line.is_cut || is_device(line.text) || line.text.starts_with(b"#") {
                continue;
            }
            let Some(row) = cells.split(line.text) else { continue };
            let header = Header::new(row.iter().map(AsRef::as_ref));
            match Rows::open(form, &header) {
                Ok(rows) => {
                    let gatherer = Gatherer::default();
                    return Ok(Self { lines, cells, form, rows, gatherer, moment });
                }
                Err(names) if missing.is_empty() => missing = names,
                Err(_) => {}
            }
        }
        Err(Problem::Header(missing))
    }
}

impl<R: BufRead + Send> Reports for Csv<R> {
    fn next(&mut self, notes: &mut Notes) -> Result<Option<Report>, Problem> {
        // Files that were put one after the other have another header in the middle.
        let mut is_header = false;
        while let Some(line) = self.lines.next()? {
            if is_device(line.text) {
                is_header = true;
                continue;
            }
            if line.is_cut {
                notes.reject(line.number, Reason::LongLine, line.text)?;
                continue;
            }
            let Some(cells) = self.cells.split(line.text) else {
                notes.reject(line.number, Reason::LongRow, line.text)?;
                continue;
            };
            if is_header {
                is_header = false;
                let header = Header::new(cells.iter().map(AsRef::as_ref));
                if let Ok(rows) = Rows::open(self.form, &header) {
                    self.rows = rows;
                    continue;
                }
            }
            match self.rows.read(Row::new(&cells), self.moment.now_ms, self.moment.regions) {
                Ok(Read::Seen(sighting)) => {
                    notes.counts.taken += 1;
                    if let Some(report) = self.gatherer.add(*sighting) {
                        return Ok(Some(report));
                    }
                }
                Ok(Read::OptedOut) => notes.counts.opted_out += 1,
                Err(why) => notes.reject(line.number, why, line.text)?,
            }
        }
        Ok(self.gatherer.finish())
    }
}

fn is_device(line: &[u8]) -> bool {
    line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).starts_with(WIGLE_DEVICE)
}

/// Splits a line into its cells.
struct Cells {
    quoted: Box<Reader>,
    plain: Box<Reader>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    fn new() -> Self {
        Self {
            quoted: Box::new(Reader::new()),
            plain: Box::new(ReaderBuilder::new().quoting(false).build()),
            text: Vec::new(),
            ends: vec![0; MAX_CELLS],
        }
    }

    /// The cells of a line; `None` when there are far too many.
    fn split<'a>(&'a mut self, line: &[u8]) -> Option<Vec<Cow<'a, str>>> {
        self.text.resize(line.len(), 0);
        // A quote that is not closed on its line is no quote: names of networks may have one.
        let (text, ends) = (&mut self.text, &mut self.ends);
        let is_balanced = line.iter().fold(true, |is_even, &byte| is_even ^ (byte == b'"'));
        let reader = if is_balanced { &mut self.quoted } else { &mut self.plain };
        let count = split(reader, line, text, ends)?;
        let mut start = 0;
        let cell = |&end: &usize| {
            let cell = self.text.get(start..end).unwrap_or_default();
            start = end;
            String::from_utf8_lossy(cell)
        };
        Some(self.ends.iter().take(count).map(cell).collect())
    }
}

/// How many cells there are; their text and where each of them ends.
fn split(reader: &mut Reader, line: &[u8], text: &mut [u8], ends: &mut [usize]) -> Option<usize> {
    reader.reset();
    let (result, _, written, cells) = reader.read_record(line, text, ends);
    match result {
        ReadRecordResult::Record => Some(cells),
        // The line has no end of its own.
        ReadRecordResult::InputEmpty => {
            let (text, ends) = (text.get_mut(written..)?, ends.get_mut(cells..)?);
            let (result, _, _, more) = reader.read_record(&[], text, ends);
            (result == ReadRecordResult::Record).then_some(cells + more)
        }
        ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull | ReadRecordResult::End => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_they_were_written() {
        let mut cells = Cells::new();
        for (line, expected) in [
            (&b"a,b,,c"[..], &["a", "b", "", "c"][..]),
            (b"a", &["a"]),
            (b",", &["", ""]),
            (br#"a,"b,""c""",d"#, &["a", "b,\"c\"", "d"]),
            (br#"a,"Joe's place,d"#, &["a", "\"Joe's place", "d"]),
            (b"a,\xff,d", &["a", "\u{fffd}", "d"]),
        ] {
            assert_eq!(cells.split(line).unwrap(), expected, "{}", line.escape_ascii());
        }
        assert_eq!(cells.split(",".repeat(MAX_CELLS).as_bytes()), None);
        assert_eq!(cells.split(b"a,b").unwrap(), ["a", "b"]);
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_split(line: Vec<u8>) {
            let line: Vec<u8> = line.into_iter().filter(|&byte| byte != b'\n').collect();
            let _ = Cells::new().split(&line);
        }
    }
}
