//! The bytes of a file: counted, hashed, unpacked, and cut into lines.
//!
//! Reading, hashing and unpacking have a thread of their own, which hands on blocks. How a file is
//! packed is seen from its first bytes, whatever it is called.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, bail};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

/// Size of a block, and how many wait at most between the threads.
const BLOCK: usize = 256 * 1024;
const WAITING: usize = 8;

/// Longer than any row of any format; what is beyond is left out.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// How much of a file is looked at to find out what it is.
const HEAD: usize = 64 * 1024;

/// The largest window of a zstd file that is unpacked, as a power of two: 128 MiB, what its own
/// program unpacks without being asked to.
const ZSTD_WINDOW: u32 = 27;

/// How far the reading of a file is, in bytes of the file.
#[derive(Debug, Default)]
pub(super) struct Meter {
    read: AtomicU64,
}

impl Meter {
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// A file that is being read.
pub(super) struct Source {
    /// How far it is.
    pub(super) meter: Arc<Meter>,
    /// Its size, where that is known.
    pub(super) size: Option<u64>,
    blocks: Blocks,
    thread: JoinHandle<String>,
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::start(Box::new(io::stdin()), None);
        }
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let facts = file.metadata()?;
        if facts.is_dir() {
            bail!("{} is a folder", path.display());
        }
        Self::start(Box::new(file), facts.is_file().then_some(facts.len()))
    }

    fn start(input: Box<dyn Read + Send>, size: Option<u64>) -> anyhow::Result<Self> {
        let meter = Arc::new(Meter::default());
        let (sender, receiver) = sync_channel(WAITING);
        let mut raw = Hashed { input, meter: Arc::clone(&meter), digest: Sha256::new() };
        let thread = thread::Builder::new().name("import-read".to_owned()).spawn(move || {
            let ended = unpack(&mut raw, &sender);
            if let Err(failure) = ended {
                // The receiver may have gone.
                let _ = sender.send(Err(failure));
            }
            raw.finish()
        })?;
        let blocks = Blocks { receiver, block: Vec::new(), at: 0, failure: None };
        Ok(Self { meter, size, blocks, thread })
    }

    /// The first bytes, unpacked; they are read again afterwards. Empty for an empty file.
    pub(super) fn head(&mut self) -> anyhow::Result<&[u8]> {
        self.blocks.fill_to(HEAD)?;
        let head = self.blocks.rest();
        Ok(&head[..head.len().min(HEAD)])
    }

    /// The unpacked bytes.
    pub(super) fn blocks(&mut self) -> &mut Blocks {
        &mut self.blocks
    }

    /// The unpacked bytes, to be read from front to end.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes(self)
    }

    /// The SHA-256 of the whole file, as hex digits. Waits until it was read to its end, or, when it
    /// cannot be, as far as it could.
    pub(super) fn digest(self) -> String {
        drop(self.blocks);
        self.thread.join().unwrap_or_default()
    }
}

/// A file as a reader of its unpacked bytes.
pub(super) struct Bytes(Source);

impl Bytes {
    /// How far the reading of the file is.
    pub(super) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.0.meter)
    }

    /// As [`Source::digest`].
    pub(super) fn digest(self) -> String {
        self.0.digest()
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.0.blocks.read(buffer)?;
        // What was there before the file could not be read any further comes first.
        match self.0.blocks.failure.take() {
            Some(failure) if len == 0 && !buffer.is_empty() => Err(failure),
            failure => {
                self.0.blocks.failure = failure;
                Ok(len)
            }
        }
    }
}

/// The SHA-256 of a file, as hex digits.
pub(super) fn digest_of(path: &Path) -> io::Result<String> {
    let input = Box::new(File::open(path)?);
    Ok(Hashed { input, meter: Arc::default(), digest: Sha256::new() }.finish())
}

/// Counts and hashes what is read through it.
struct Hashed {
    input: Box<dyn Read + Send>,
    meter: Arc<Meter>,
    digest: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.digest.update(&buffer[..read]);
        self.meter.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Hashed {
    /// Reads what is left, and sums up.
    fn finish(mut self) -> String {
        // What cannot be read is not part of the digest either.
        let _ = io::copy(&mut BufReader::with_capacity(BLOCK, &mut self), &mut io::sink());
        format!("{:x}", self.digest.finalize())
    }
}

/// Unpacks and hands on.
fn unpack(raw: &mut Hashed, sender: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
    let mut raw = BufReader::with_capacity(BLOCK, raw);
    let head = raw.fill_buf()?;
    let mut unpacked: Box<dyn Read + '_> = match packing(head) {
        Packing::Plain => Box::new(raw),
        Packing::Gzip => Box::new(MultiGzDecoder::new(raw)),
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(raw)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
        Packing::Unknown(hint) => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, hint));
        }
    };
    loop {
        let mut block = vec![0; BLOCK];
        let mut filled = 0;
        let ended = loop {
            match unpacked.read(&mut block[filled..]) {
                Ok(0) => break Some(Ok(())),
                Ok(read) => filled += read,
                Err(failure) if failure.kind() == io::ErrorKind::Interrupted => {}
                Err(failure) => break Some(Err(failure)),
            }
            if filled == BLOCK {
                break None;
            }
        };
        block.truncate(filled);
        if filled > 0 && sender.send(Ok(block)).is_err() {
            return Ok(());
        }
        if let Some(ended) = ended {
            return ended;
        }
    }
}

enum Packing {
    Plain,
    Gzip,
    Zstd,
    /// Packed in a way that is not understood here, and what to do about it.
    Unknown(&'static str),
}

fn packing(head: &[u8]) -> Packing {
    const KNOWN: [(&[u8], Packing); 6] = [
        (b"\x1f\x8b", Packing::Gzip),
        (b"\x28\xb5\x2f\xfd", Packing::Zstd),
        (
            b"BZh",
            Packing::Unknown(
                "packed with bzip2; unpack it first: bzip2 -dc FILE | ichnaea import -",
            ),
        ),
        (
            b"\xfd7zXZ\0",
            Packing::Unknown("packed with xz; unpack it first: xz -dc FILE | ichnaea import -"),
        ),
        (b"\xff\xfe", Packing::Unknown("UTF-16 text; convert it first: iconv -f UTF-16 -t UTF-8")),
        (b"\xfe\xff", Packing::Unknown("UTF-16 text; convert it first: iconv -f UTF-16 -t UTF-8")),
    ];
    let known = KNOWN.into_iter().find(|(magic, _)| head.starts_with(magic));
    known.map_or(Packing::Plain, |(_, packing)| packing)
}

/// Unpacked bytes as they come from the other thread.
pub(super) struct Blocks {
    receiver: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
    failure: Option<io::Error>,
}

/// What [`Blocks::line`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Whole,
    /// The beginning of a line that is longer than [`MAX_LINE`].
    Long,
    /// The last line, and the file cannot be read any further.
    CutOff,
    /// There is no more.
    End,
}

impl Blocks {
    fn rest(&self) -> &[u8] {
        self.block.get(self.at..).unwrap_or_default()
    }

    /// Sees to it that so many bytes are there, unless the file ends before.
    fn fill_to(&mut self, len: usize) -> io::Result<()> {
        while self.rest().len() < len {
            match self.receiver.recv() {
                Ok(Ok(mut next)) => {
                    if self.at < self.block.len() {
                        self.block.drain(..self.at);
                        self.block.append(&mut next);
                    } else {
                        self.block = next;
                    }
                    self.at = 0;
                }
                Ok(Err(failure)) if self.rest().is_empty() => return Err(failure),
                Ok(Err(failure)) => {
                    self.failure = Some(failure);
                    return Ok(());
                }
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Why the file could not be read to its end.
    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Reads the next line into `line`.
    pub(super) fn line(&mut self, line: &mut Vec<u8>) -> Line {
        line.clear();
        let mut is_long = false;
        loop {
            let available = match self.fill_buf() {
                Ok(available) => available,
                Err(failure) => {
                    self.failure.get_or_insert(failure);
                    return if line.is_empty() { Line::End } else { Line::CutOff };
                }
            };
            if available.is_empty() {
                return match (line.is_empty(), is_long) {
                    (true, _) => Line::End,
                    _ if self.failure.is_some() => Line::CutOff,
                    (_, true) => Line::Long,
                    _ => Line::Whole,
                };
            }
            let end = available.iter().position(|&byte| byte == b'\n');
            let taken = end.unwrap_or(available.len());
            let room = MAX_LINE - line.len();
            is_long |= taken > room;
            line.extend_from_slice(&available[..taken.min(room)]);
            self.consume(end.map_or(taken, |end| end + 1));
            if end.is_some() {
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return if is_long { Line::Long } else { Line::Whole };
            }
        }
    }
}

impl Read for Blocks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let taken = available.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&available[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl BufRead for Blocks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.block.len() {
            // What was wrong when the head was looked at is said when it is reached.
            if let Some(failure) = &self.failure {
                return Err(io::Error::new(failure.kind(), failure.to_string()));
            }
            self.fill_to(1)?;
        }
        Ok(self.rest())
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Lines, why there are no more, and the digest.
    type Seen = (Vec<(Line, Vec<u8>)>, Option<String>, String);

    fn lines(bytes: Vec<u8>) -> Seen {
        let mut source = Source::start(Box::new(io::Cursor::new(bytes)), None).unwrap();
        let mut lines = Vec::new();
        let mut line = Vec::new();
        loop {
            match source.blocks().line(&mut line) {
                Line::End => break,
                kind => lines.push((kind, line.clone())),
            }
        }
        let failure = source.blocks.failure().map(ToString::to_string);
        (lines, failure, source.digest())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn whole(lines: &[&str]) -> Vec<(Line, Vec<u8>)> {
        lines.iter().map(|line| (Line::Whole, line.as_bytes().to_vec())).collect()
    }

    #[test]
    fn the_same_lines_come_from_every_packing() {
        let text = b"a,b\r\n\nc\nlast".to_vec();
        let expected = whole(&["a,b", "", "c", "last"]);
        let two_members = [gzip(&text[..5]), gzip(&text[5..])].concat();
        for packed in
            [text.clone(), gzip(&text), two_members, zstd::encode_all(&text[..], 1).unwrap()]
        {
            let (lines, failure, digest) = lines(packed);
            assert_eq!((lines, failure), (expected.clone(), None));
            assert_eq!(digest.len(), 64);
        }
    }

    #[test]
    fn the_digest_is_that_of_the_bytes_of_the_file() {
        let (_, _, digest) = lines(b"abc".to_vec());
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest, expected);
    }

    #[test]
    fn a_file_that_was_cut_off_gives_what_it_has() {
        let rows: Vec<String> =
            (0..50_000).map(|number| format!("row {}", number * 7919 % 50_021)).collect();
        let text = rows.join("\n");
        let packed = gzip(text.as_bytes());
        let (lines, failure, _) = lines(packed[..packed.len() / 2].to_vec());
        assert!(failure.is_some());
        assert!(lines.len() > 1000);
        assert!(text.starts_with(&format!("{}\n", String::from_utf8(lines[0].1.clone()).unwrap())));
        let (last, before) = lines.split_last().unwrap();
        assert!(before.iter().all(|(kind, _)| *kind == Line::Whole));
        assert_ne!(last.0, Line::End);
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let mut bytes = vec![b'x'; 3_000_000];
        bytes.extend_from_slice(b"\nnext\n");
        let (lines, _, _) = lines(bytes);
        assert_eq!((&lines[0].0, lines[0].1.len()), (&Line::Long, MAX_LINE));
        assert_eq!(lines[1..], whole(&["next"]));
    }

    #[test]
    fn other_packings_are_named() {
        let (lines, failure, _) = lines(b"BZh91AY".to_vec());
        assert!(lines.is_empty());
        assert!(failure.unwrap().contains("bzip2"));
    }

    #[test]
    fn the_head_is_read_again() {
        let mut source =
            Source::start(Box::new(io::Cursor::new(b"one\ntwo\n".to_vec())), None).unwrap();
        assert_eq!(source.head().unwrap(), b"one\ntwo\n");
        let mut line = Vec::new();
        assert_eq!(source.blocks().line(&mut line), Line::Whole);
        assert_eq!(line, b"one");
    }
}
