//! Reports out of the zip that NeoStumbler exports.
//!
//! Its three files are read side by side and joined as they go, so that memory does not grow with
//! them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use ichnaea_domain::import::survey::{Form, merge};
use ichnaea_domain::report::Report;
use zip::{CompressionMethod, ZipArchive};

use super::csv::Csv;
use super::{Moment, Notes, Problem, Reports};

/// The files, wherever in the archive they are.
const NAMES: [&str; 3] = ["wifis.csv", "cells.csv", "beacons.csv"];
/// Most entries that are looked through.
const MAX_ENTRIES: usize = 10_000;
/// What a file may always unpack to, bytes.
const FREE_LEN: u64 = 1 << 30;
/// How many times larger than packed it may be beyond that. Logs come to about twenty.
const MAX_RATIO: u64 = 200;

/// Reads one archive.
pub struct Zip {
    files: Vec<Csv<BufReader<Member>>>,
    heads: Vec<Option<Report>>,
    has_begun: bool,
}

impl Zip {
    /// Finds the files in the archive.
    pub fn open(file: &File, moment: Moment) -> Result<Self, Problem> {
        let mut archive = ZipArchive::new(file.try_clone()?).map_err(damaged)?;
        if archive.len() > MAX_ENTRIES {
            return Err(Problem::Zip(format!("has more than {MAX_ENTRIES} entries")));
        }
        let mut files = Vec::new();
        for at in 0..archive.len() {
            let entry = archive.by_index_raw(at).map_err(damaged)?;
            let name = entry.name().map_err(damaged)?.into_owned();
            let is_log = NAMES.iter().any(|log| name.rsplit(['/', '\\']).next() == Some(log));
            if !is_log {
                continue;
            }
            if entry.encrypted() {
                return Err(Problem::Zip(format!("{name} is encrypted")));
            }
            let member = Member::open(file, &entry, &name)?;
            match Csv::open(Form::NeoStumbler, BufReader::with_capacity(64 << 10, member), moment) {
                Ok(csv) => files.push(csv),
                Err(Problem::Header(missing)) => return Err(Problem::MemberHeader(name, missing)),
                Err(problem) => return Err(problem),
            }
        }
        if files.is_empty() {
            return Err(Problem::Zip(format!("has none of {}", NAMES.join(", "))));
        }
        let heads = files.iter().map(|_| None).collect();
        Ok(Self { files, heads, has_begun: false })
    }
}

impl Reports for Zip {
    fn next(&mut self, notes: &mut Notes) -> Result<Option<Report>, Problem> {
        if !self.has_begun {
            self.has_begun = true;
            for (file, head) in self.files.iter_mut().zip(&mut self.heads) {
                *head = file.next(notes)?;
            }
        }
        let Some(merged) = merge(&mut self.heads) else { return Ok(None) };
        for at in merged.taken {
            if let (Some(file), Some(head)) = (self.files.get_mut(at), self.heads.get_mut(at)) {
                *head = file.next(notes)?;
            }
        }
        Ok(Some(merged.report))
    }
}

fn damaged(error: impl std::fmt::Display) -> Problem {
    Problem::Zip(format!("cannot be read: {error}"))
}

/// The unpacked bytes of one file in the archive, checked at their end.
struct Member {
    input: Unpacked,
    crc: Crc,
    expected_crc: u32,
    left: u64,
}

enum Unpacked {
    Stored(io::Take<Place>),
    Deflated(DeflateDecoder<BufReader<io::Take<Place>>>),
}

impl Member {
    fn open<R: Read>(
        file: &File,
        entry: &zip::read::ZipFile<'_, R>,
        name: &str,
    ) -> Result<Self, Problem> {
        let start = entry.data_start().ok_or_else(|| damaged("no data"))?;
        let packed = Place { file: file.try_clone()?, at: start }.take(entry.compressed_size());
        let input = match entry.compression() {
            CompressionMethod::Stored => Unpacked::Stored(packed),
            CompressionMethod::Deflated => {
                let packed = BufReader::with_capacity(64 << 10, packed);
                Unpacked::Deflated(DeflateDecoder::new(packed))
            }
            other => return Err(Problem::Zip(format!("{name} is packed as {other}"))),
        };
        let left = FREE_LEN.max(entry.compressed_size().saturating_mul(MAX_RATIO));
        Ok(Self { input, crc: Crc::new(), expected_crc: entry.crc32(), left })
    }
}

impl Read for Member {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = match &mut self.input {
            Unpacked::Stored(input) => input.read(buffer),
            Unpacked::Deflated(input) => input.read(buffer),
        }?;
        self.crc.update(buffer.get(..len).unwrap_or_default());
        self.left = self
            .left
            .checked_sub(len as u64)
            .ok_or_else(|| invalid("a file in the archive unpacks to far more than any log"))?;
        if len == 0 && !buffer.is_empty() && self.crc.sum() != self.expected_crc {
            return Err(invalid("a file in the archive is damaged: its check sum is wrong"));
        }
        Ok(len)
    }
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// A place in a file that others read too.
struct Place {
    file: File,
    at: u64,
}

impl Read for Place {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read_at(buffer, self.at)?;
        self.at += len as u64;
        Ok(len)
    }
}
