//! A thread with a connection of its own that does jobs in groups, one transaction a group.
//!
//! A commit that survives a power cut has to wait for the disk, a few milliseconds each. So
//! whatever came in during the last commit goes into the next one together, and is answered after
//! it. Each job has a savepoint: one that fails takes nothing back but its own changes.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::place::{Now, Place};
use crate::{Error, Result};

/// Most jobs in one transaction, and most that wait for their turn before callers have to.
const GROUP: usize = 100;

/// What the thread works on.
pub(super) struct File {
    database: Connection,
    /// `None`: in memory.
    place: Option<(Place, Open)>,
}

/// Opens the file at a path once more.
type Open = Box<dyn Fn(&Path) -> Result<Connection> + Send>;

impl File {
    pub(super) fn in_memory(database: Connection) -> Self {
        Self { database, place: None }
    }

    /// An open file, and how to open what may lie at its path later.
    pub(super) fn at(
        path: &Path,
        database: Connection,
        open: impl Fn(&Path) -> Result<Connection> + Send + 'static,
    ) -> Result<Self> {
        Ok(Self { database, place: Some((Place::of(path)?, Box::new(open))) })
    }

    /// Makes sure that this still is the file at its path.
    fn look(&mut self) -> Result<()> {
        let Some((place, open)) = &mut self.place else { return Ok(()) };
        if place.look()? == Now::Other {
            let database = open(place.path())?;
            *place = Place::of(place.path())?;
            // Not closed: SQLite would delete the journal at the path, which is that of the new file.
            std::mem::forget(std::mem::replace(&mut self.database, database));
        }
        Ok(())
    }
}

/// The way to the thread; it ends when all of these are gone.
#[derive(Clone)]
pub(super) struct Worker {
    jobs: mpsc::Sender<Box<dyn Job>>,
    wait: Duration,
}

/// A piece of work and the way back to who asked for it.
trait Job: Send {
    /// Does the work and keeps the result. False when it failed and is to be undone.
    fn run(&mut self, database: &Connection) -> bool;

    /// Tells the result, or why the transaction failed.
    fn answer(self: Box<Self>, group: &Result<()>);
}

struct Task<F, T> {
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Job for Task<F, T>
where
    F: FnOnce(&Connection) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, database: &Connection) -> bool {
        // Whoever gave up waiting was told that nothing happened, or is gone: keep to that.
        if self.reply.is_closed() {
            return false;
        }
        self.result = self.work.take().map(|work| work(database));
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, group: &Result<()>) {
        let result = match group {
            Ok(()) => self.result.unwrap_or_else(|| Err(stopped())),
            Err(error) => Err(error.clone()),
        };
        // Nobody may be waiting any more.
        let _ = self.reply.send(result);
    }
}

impl Worker {
    /// Starts the thread. `begin` is the statement that opens a transaction; callers wait up to
    /// `wait` for an answer. `after` runs in every transaction after the jobs.
    pub(super) fn start(
        name: &str,
        mut file: File,
        begin: &'static str,
        wait: Duration,
        mut after: impl FnMut(&Connection) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let (jobs, mut queue) = mpsc::channel::<Box<dyn Job>>(GROUP);
        let work = move || {
            let mut group = Vec::with_capacity(GROUP);
            while queue.blocking_recv_many(&mut group, GROUP) > 0 {
                let outcome = file
                    .look()
                    .and_then(|()| run_group(&file.database, begin, &mut group, &mut after));
                let database = &file.database;
                if outcome.is_err() && !database.is_autocommit() {
                    // If this fails too, the next group fails on its first statement and says why.
                    let _ = database.execute_batch("ROLLBACK");
                }
                group.drain(..).for_each(|job| job.answer(&outcome));
            }
        };
        std::thread::Builder::new()
            .name(name.into())
            .spawn(work)
            .map_err(|error| Error::Broken(format!("cannot start a thread: {error}")))?;
        Ok(Self { jobs, wait })
    }

    /// Has the thread do `work` and waits until it is committed.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Task { work: Some(work), result: None, reply });
        let finished = async {
            self.jobs.send(job).await.map_err(|_| stopped())?;
            answer.await.map_err(|_| stopped())?
        };
        tokio::time::timeout(self.wait, finished)
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable("no answer in time".into())))
    }
}

fn run_group(
    database: &Connection,
    begin: &str,
    group: &mut [Box<dyn Job>],
    after: &mut impl FnMut(&Connection) -> Result<()>,
) -> Result<()> {
    let run = |statement| database.prepare_cached(statement)?.execute([]);
    run(begin)?;
    for job in group {
        run("SAVEPOINT job")?;
        if !job.run(database) {
            // Fails when the error was so bad that SQLite ended the transaction: no space, no
            // memory, a failing disk. Then nothing of the group took place.
            run("ROLLBACK TO job")?;
        }
        run("RELEASE job")?;
    }
    after(database)?;
    run("COMMIT")?;
    Ok(())
}

fn stopped() -> Error {
    Error::Broken("the thread of the database has stopped".into())
}
