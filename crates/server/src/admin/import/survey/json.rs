//! Reports out of JSON: bodies of the submit API, lists of reports, JSON lines.

use std::collections::VecDeque;
use std::io::Read;

use ichnaea_domain::import::Reason;
use ichnaea_domain::import::survey::checked_report;
use ichnaea_domain::import::survey::json::{Item, Splitter};
use ichnaea_domain::report::Report;

use super::{Moment, Notes, Problem, Reports};
use crate::api::submit_request;
use crate::json;

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Reads one JSON file.
pub struct Json<R> {
    input: R,
    piece: Vec<u8>,
    splitter: Splitter,
    has_ended: bool,
    waiting: VecDeque<Report>,
    moment: Moment,
}

impl<R: Read> Json<R> {
    /// Begins a document; with `has_lines`, a file in which every line is one.
    pub fn new(has_lines: bool, input: R, moment: Moment) -> Self {
        let splitter = Splitter::new(has_lines);
        let (piece, waiting) = (vec![0; PIECE], VecDeque::new());
        Self { input, piece, splitter, has_ended: false, waiting, moment }
    }
}

impl<R: Read + Send> Reports for Json<R> {
    fn next(&mut self, notes: &mut Notes) -> Result<Option<Report>, Problem> {
        while self.waiting.is_empty() && !self.has_ended {
            let Self { input, piece, splitter, has_ended, waiting, moment } = self;
            let len = input.read(piece)?;
            let mut problem = Ok(());
            let mut found = |item: Item<'_>| match report(item, moment) {
                Ok(report) => {
                    notes.counts.taken += 1;
                    waiting.push_back(report);
                }
                Err(why) => {
                    let noted = notes.reject(item.line, why, item.text.unwrap_or_default());
                    problem = std::mem::replace(&mut problem, Ok(())).and(noted);
                }
            };
            match piece.get(..len) {
                Some(piece) if !piece.is_empty() => splitter.feed(piece, &mut found),
                _ => {
                    splitter.end(&mut found);
                    *has_ended = true;
                }
            }
            problem?;
        }
        Ok(self.waiting.pop_front())
    }
}

fn report(item: Item<'_>, moment: &Moment) -> Result<Report, Reason> {
    let text = item.text.ok_or(Reason::LongLine)?;
    let text = std::str::from_utf8(text).map_err(|_| Reason::Encoding)?;
    let document = json::parse(text).map_err(|_| Reason::BadJson)?;
    let report = submit_request::read_report(&document, moment.now_ms);
    checked_report(report.map_err(|_| Reason::BadJson)?, moment.now_ms, moment.regions)
}
