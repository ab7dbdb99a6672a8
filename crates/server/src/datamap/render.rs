//! From points to files: one thread draws, and as many as may be used make files of what it has drawn.

use std::collections::HashSet;
use std::convert::identity;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context as _, anyhow};
use ichnaea_tiles::{Painter, Picture, Tile, png};

use super::points::Sorted;
use super::progress::Progress;

/// Pictures that wait for each helper. One has a million bytes when nothing in it is dark.
const WAITING: usize = 16;

/// Points after which is looked at whether the run is to end.
const LOOK_EVERY: u64 = 1 << 14;

/// Draws all points, on so many processors, into a folder; how many tiles there are.
pub fn render(
    mut points: Sorted,
    tiles: &Path,
    concurrency: usize,
    progress: &Progress,
) -> anyhow::Result<u64> {
    let (queue, waiting) = sync_channel(WAITING * concurrency);
    let waiting = Mutex::new(waiting);
    thread::scope(|scope| {
        let help = || scope.spawn(|| help(&waiting, Writer::new(tiles)));
        let helpers = (1..concurrency).map(|_| help()).collect();
        let mut desk = Desk { queue, helpers, own: Writer::new(tiles), given: 0 };
        let mut painter = Painter::new();
        let (mut painted, mut told) = (0, 0);
        let drawn = loop {
            let Some(key) =
                points.next().transpose().context("the sorted points cannot be read")?
            else {
                break painter.finish(|picture| desk.give(picture));
            };
            if let Err(failure) = painter.paint(key, |picture| desk.give(picture)) {
                break Err(failure);
            }
            painted += 1;
            if painted % LOOK_EVERY == 0 {
                progress.check()?;
                progress.add(LOOK_EVERY, desk.given - told);
                told = desk.given;
            }
        };
        let given = desk.given;
        // What a helper has to say about it comes first: the rest only follows from that.
        desk.close()?;
        drawn?;
        progress.add(painted % LOOK_EVERY, given - told);
        Ok(given)
    })
}

/// Where drawn pictures are handed out.
struct Desk<'scope, 'a> {
    queue: SyncSender<Picture>,
    helpers: Vec<ScopedJoinHandle<'scope, anyhow::Result<()>>>,
    own: Writer<'a>,
    given: u64,
}

impl Desk<'_, '_> {
    /// Gives a picture to a helper, or makes the file here when none has time for it.
    fn give(&mut self, picture: Picture) -> anyhow::Result<()> {
        // They end early only when something has failed.
        if self.helpers.iter().any(ScopedJoinHandle::is_finished) {
            return Err(anyhow!("a thread that writes tiles has ended"));
        }
        self.given += 1;
        if self.helpers.is_empty() {
            return self.own.write(&picture);
        }
        match self.queue.try_send(picture) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(picture) | TrySendError::Disconnected(picture)) => {
                self.own.write(&picture)
            }
        }
    }

    /// Waits until all files are written.
    fn close(self) -> anyhow::Result<()> {
        drop(self.queue);
        let end = |helper: ScopedJoinHandle<'_, anyhow::Result<()>>| {
            helper.join().map_err(|_| anyhow!("a thread that writes tiles has panicked"))
        };
        self.helpers.into_iter().map(end).try_for_each(|ended| ended.and_then(identity))
    }
}

/// Makes files until there are no more pictures.
fn help(waiting: &Mutex<Receiver<Picture>>, mut writer: Writer<'_>) -> anyhow::Result<()> {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(picture) => writer.write(&picture)?,
            Err(_) => return Ok(()),
        }
    }
}

/// Writes files into a folder.
struct Writer<'a> {
    tiles: &'a Path,
    /// The folders that are there: at most one for each column of each zoom.
    made: HashSet<(u8, u32)>,
}

impl<'a> Writer<'a> {
    fn new(tiles: &'a Path) -> Self {
        Self { tiles, made: HashSet::new() }
    }

    fn write(&mut self, picture: &Picture) -> anyhow::Result<()> {
        let file = self.tiles.join(format!("{}.png", picture.tile));
        let bytes = png(picture).with_context(|| format!("no picture of {}", picture.tile))?;
        self.store(picture.tile, &file, &bytes)
            .with_context(|| format!("{} cannot be written", file.display()))
    }

    fn store(&mut self, tile: Tile, file: &Path, bytes: &[u8]) -> std::io::Result<()> {
        if self.made.insert((tile.zoom, tile.x))
            && let Some(folder) = file.parent()
        {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, bytes)
    }
}
