//! The lines of a file, each no longer than a bound.

use std::io::{self, BufRead};

/// Longest line that is read. A row of the widest log has less than a thousand bytes.
const MAX_LEN: usize = 64 << 10;

/// Reads line by line, so that a broken row costs only itself.
pub struct Lines<R> {
    input: R,
    number: u64,
    text: Vec<u8>,
}

/// One line.
pub struct Line<'a> {
    /// From 1.
    pub number: u64,
    /// Without its end; cut off when it was too long.
    pub text: &'a [u8],
    /// Whether it was too long.
    pub is_cut: bool,
}

impl<R: BufRead> Lines<R> {
    /// Begins with the first line.
    pub const fn new(input: R) -> Self {
        Self { input, number: 0, text: Vec::new() }
    }

    /// The next line that is not empty; `None` at the end of the file.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            let Some(is_cut) = self.read()? else { return Ok(None) };
            self.number += 1;
            if self.text.last() == Some(&b'\r') {
                self.text.pop();
            }
            if !self.text.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(Line { number: self.number, text: &self.text, is_cut }));
            }
        }
    }

    /// Reads up to the end of the line; was it too long? `None` at the end of the file.
    fn read(&mut self) -> io::Result<Option<bool>> {
        self.text.clear();
        let (mut is_cut, mut is_there) = (false, false);
        loop {
            let piece = match self.input.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if piece.is_empty() {
                return Ok(is_there.then_some(is_cut));
            }
            is_there = true;
            let end = piece.iter().position(|&byte| byte == b'\n');
            let (line, used) = match end {
                Some(end) => (piece.get(..end).unwrap_or(piece), end + 1),
                None => (piece, piece.len()),
            };
            let room = MAX_LEN - self.text.len();
            is_cut |= line.len() > room;
            self.text.extend_from_slice(line.get(..room).unwrap_or(line));
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(is_cut));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_have_their_number_and_a_bound() {
        let long = "x".repeat(MAX_LEN + 1);
        let exact = "y".repeat(MAX_LEN);
        let text = format!("one\r\n\n  \nfour\n{long}\n{exact}\nlast");
        for capacity in [1, 7, 1 << 20] {
            let mut lines = Lines::new(BufReader::with_capacity(capacity, text.as_bytes()));
            let mut read = Vec::new();
            while let Some(line) = lines.next().unwrap() {
                read.push((line.number, line.text.len(), line.is_cut));
            }
            let expected = [
                (1, 3, false),
                (4, 4, false),
                (5, MAX_LEN, true),
                (6, MAX_LEN, false),
                (7, 4, false),
            ];
            assert_eq!(read, expected);
        }
    }
}
