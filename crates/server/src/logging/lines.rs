//! The way of lines to standard error: those of requests together, all others at once.
//!
//! A busy process writes tens of thousands of lines a second, and a call of the system for each costs
//! more than making the line. So the lines of requests are gathered for a moment; any other line
//! takes along what came before it. What a `kill -9` can take with it is the lines of that moment.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::CANONICAL;

/// How long the line of a request may wait.
const MOMENT: Duration = Duration::from_millis(20);
/// Bytes that are written without waiting for the moment to pass.
const ENOUGH: usize = 64 * 1024;

static GATHERED: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static SOME: Condvar = Condvar::new();
/// Is there a thread that writes what was gathered?
static IS_GATHERING: AtomicBool = AtomicBool::new(false);

/// Starts to gather the lines of requests, for a process that answers any.
pub fn gather() {
    if IS_GATHERING.swap(true, Ordering::Relaxed) {
        return;
    }
    let thread = std::thread::Builder::new().name("log".to_owned()).spawn(|| {
        loop {
            let none = |lines: &mut Vec<u8>| lines.is_empty();
            drop(SOME.wait_while(gathered(), none).unwrap_or_else(PoisonError::into_inner));
            std::thread::sleep(MOMENT);
            flush();
        }
    });
    IS_GATHERING.store(thread.is_ok(), Ordering::Relaxed);
}

/// Standard error.
pub struct Lines;

/// Writes what was gathered.
pub fn flush() {
    // Nobody is left to tell.
    let _ = write_out(&mut gathered());
}

fn gathered() -> MutexGuard<'static, Vec<u8>> {
    GATHERED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_out(lines: &mut Vec<u8>) -> io::Result<()> {
    let written = io::stderr().write_all(lines);
    lines.clear();
    written
}

impl MakeWriter<'_> for Lines {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line { may_wait: false }
    }

    fn make_writer_for(&self, event: &Metadata<'_>) -> Line {
        let is_of_request = event.target() == CANONICAL && *event.level() == Level::INFO;
        Line { may_wait: is_of_request && IS_GATHERING.load(Ordering::Relaxed) }
    }
}

/// One line on its way.
pub struct Line {
    may_wait: bool,
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = gathered();
        if self.may_wait && lines.is_empty() {
            SOME.notify_one();
        }
        lines.extend_from_slice(line);
        if !self.may_wait || lines.len() >= ENOUGH {
            write_out(&mut lines)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        write_out(&mut gathered())
    }
}
