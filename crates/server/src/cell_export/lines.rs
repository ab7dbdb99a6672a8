//! Rows become a file: written as text, compressed and summed up on a thread of its own.

use std::io::{self, Write};

use flate2::GzBuilder;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;

/// How many pages wait for the thread.
const WAITING: usize = 2;

/// How a file is compressed. The same rows give the same bytes: no time is written into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Gzip, at this level.
    Gzip(u32),
    /// Zstandard, at its usual level.
    Zstd,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Rows, without the header.
    pub rows: u64,
    /// Bytes as they are in the file.
    pub bytes: u64,
    /// SHA-256 of these, hex.
    pub sha256: String,
}

/// A file that is being written. When it goes away before it was finished, its thread ends too.
pub struct LineFile<T> {
    pieces: Sender<Piece<T>>,
    thread: JoinHandle<io::Result<Written>>,
}

enum Piece<T> {
    Rows(Vec<T>),
    End,
}

/// Appends the line of a row.
pub type Encode<T> = fn(&mut Vec<u8>, &T);

impl<T: Send + 'static> LineFile<T> {
    /// Begins a file with its first line.
    pub fn begin(
        target: impl Write + Send + 'static,
        compression: Compression,
        header: Vec<u8>,
        encode: Encode<T>,
    ) -> Self {
        let (pieces, received) = mpsc::channel(WAITING);
        let thread = tokio::task::spawn_blocking(move || {
            write(received, target, compression, &header, encode)
        });
        Self { pieces, thread }
    }

    /// Adds rows, and waits while the disk is slow. False when the thread has ended;
    /// [`LineFile::finish`] says why.
    pub async fn push(&self, rows: Vec<T>) -> bool {
        self.pieces.send(Piece::Rows(rows)).await.is_ok()
    }

    /// Ends the file.
    pub async fn finish(self) -> io::Result<Written> {
        // A thread that has ended already says why.
        let _ = self.pieces.send(Piece::End).await;
        self.thread.await.map_err(io::Error::other)?
    }
}

fn write<T>(
    mut pieces: Receiver<Piece<T>>,
    target: impl Write,
    compression: Compression,
    header: &[u8],
    encode: Encode<T>,
) -> io::Result<Written> {
    let summed = Summed { target, bytes: 0, digest: Sha256::new() };
    let mut encoder = Encoder::new(summed, compression)?;
    encoder.write_all(header)?;
    let (mut text, mut count) = (Vec::new(), 0);
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Rows(rows)) => {
                text.clear();
                for row in &rows {
                    encode(&mut text, row);
                }
                encoder.write_all(&text)?;
                count += rows.len() as u64;
            }
            Some(Piece::End) => break,
            None => return Err(io::Error::other("the file was given up")),
        }
    }
    let mut summed = encoder.finish()?;
    summed.target.flush()?;
    let sha256 = format!("{:x}", summed.digest.finalize());
    Ok(Written { rows: count, bytes: summed.bytes, sha256 })
}

enum Encoder<W: Write> {
    None(io::BufWriter<W>),
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Encoder<W> {
    fn new(target: W, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::None(io::BufWriter::new(target)),
            Compression::Gzip(level) => {
                Self::Gzip(GzBuilder::new().write(target, flate2::Compression::new(level)))
            }
            Compression::Zstd => Self::Zstd(zstd::Encoder::new(target, 0)?),
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::None(writer) => writer.write_all(bytes),
            Self::Gzip(writer) => writer.write_all(bytes),
            Self::Zstd(writer) => writer.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<W> {
        match self {
            Self::None(writer) => writer.into_inner().map_err(io::IntoInnerError::into_error),
            Self::Gzip(writer) => writer.finish(),
            Self::Zstd(writer) => writer.finish(),
        }
    }
}

/// Counts and sums up what passes.
struct Summed<W> {
    target: W,
    bytes: u64,
    digest: Sha256,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.target.write(bytes)?;
        self.bytes += written as u64;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Row(u32);

    fn encode(out: &mut Vec<u8>, row: &Row) {
        out.extend_from_slice(format!("{}\n", row.0).as_bytes());
    }

    async fn written(compression: Compression) -> (Written, Vec<u8>) {
        let target = Shared::default();
        let file = LineFile::begin(target.clone(), compression, b"n\n".to_vec(), encode);
        for page in 0..10 {
            assert!(file.push((page * 10..page * 10 + 10).map(Row).collect()).await);
        }
        let written = file.finish().await.unwrap();
        let bytes = target.0.lock().unwrap().clone();
        (written, bytes)
    }

    #[tokio::test]
    async fn every_compression_holds_the_same_lines_and_the_same_bytes_each_time() {
        let expected: String =
            std::iter::once("n\n".to_owned()).chain((0..100).map(|n| format!("{n}\n"))).collect();
        for compression in [Compression::None, Compression::Gzip(5), Compression::Zstd] {
            let (summary, bytes) = written(compression).await;
            let mut text = String::new();
            match compression {
                Compression::None => text = String::from_utf8(bytes.clone()).unwrap(),
                Compression::Gzip(_) => {
                    flate2::read::GzDecoder::new(&*bytes)
                        .read_to_string(&mut text)
                        .map(drop)
                        .unwrap();
                }
                Compression::Zstd => {
                    zstd::Decoder::new(&*bytes)
                        .unwrap()
                        .read_to_string(&mut text)
                        .map(drop)
                        .unwrap();
                }
            }
            assert_eq!(text, expected);
            assert_eq!((summary.rows, summary.bytes), (100, bytes.len() as u64));
            assert_eq!(summary.sha256, format!("{:x}", Sha256::digest(&bytes)));
            assert_eq!(written(compression).await, (summary, bytes));
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_full_disk_ends_the_file_with_its_reason() {
        let file = LineFile::begin(Full, Compression::None, Vec::new(), encode);
        let mut is_open = true;
        for _ in 0..100 {
            is_open = is_open && file.push((0..4096).map(Row).collect()).await;
        }
        assert!(!is_open);
        assert_eq!(file.finish().await.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[tokio::test]
    async fn a_file_that_is_given_up_is_not_finished() {
        let target = Shared::default();
        let file = LineFile::begin(target.clone(), Compression::Gzip(5), b"n\n".to_vec(), encode);
        let LineFile { pieces, thread } = file;
        drop(pieces);
        assert!(thread.await.unwrap().is_err());
    }
}
