//! Writing what a dump has.

use anyhow::{Context as _, bail};
use ichnaea_store::{Table, Value};
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinSet;

use super::plan::Plan;
use super::target::{Target, WRITES};
use crate::admin::dump::progress::Progress;
use crate::admin::{settings, warn};
use crate::backup::{Damage, Digest, Event, Header, Reader, SETTINGS};

/// How many parts of a dump are read ahead.
const AHEAD: usize = 4;

/// A table that was written.
#[derive(Debug)]
pub(super) struct Written {
    /// How.
    pub(super) plan: Plan,
    /// How many rows.
    pub(super) rows: u64,
    /// What they are.
    pub(super) digest: Digest,
}

impl Written {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.plan.table().name
    }
}

/// Everything that was written.
#[derive(Debug, Default)]
pub(super) struct AllWritten {
    /// The tables.
    pub(super) tables: Vec<Written>,
}

impl AllWritten {
    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}

/// Where rows of a dump go.
enum Into {
    Table(Written),
    Settings(Vec<(String, String)>),
    /// Settings nobody wants.
    Nothing,
    /// A table that is not here.
    Unknown(String),
}

/// Writes everything.
pub(super) async fn run(target: &Target, reader: Reader<'static>) -> anyhow::Result<AllWritten> {
    let header = reader.header().clone();
    let tables = target.tables(&header).await?;
    let mut events = read_ahead(reader);
    let progress = Progress::begin("restoring", Some(tables.len()));
    let mut done = AllWritten::default();
    let mut into = Into::Nothing;
    let mut writes = JoinSet::new();
    let mut line = Vec::new();
    while let Some(event) = events.recv().await {
        match event? {
            Event::Table(head, columns) => {
                into = if head.table == SETTINGS {
                    match target.settings(&header) {
                        Some(_) => Into::Settings(Vec::new()),
                        None => Into::Nothing,
                    }
                } else if done.tables.iter().any(|table| table.name() == head.table) {
                    bail!("the table {} comes twice", head.table);
                } else if let Some(table) = find(&tables, &head.table) {
                    let (plan, unknown) = Plan::new(&columns, table);
                    for column in unknown {
                        warn(format!(
                            "{}.{column} is not known to release {}: it is left out",
                            head.table,
                            env!("CARGO_PKG_VERSION")
                        ));
                    }
                    Into::Table(Written { plan, rows: 0, digest: Digest::default() })
                } else {
                    Into::Unknown(head.table)
                };
            }
            Event::Rows(rows) => match &mut into {
                Into::Table(written) => {
                    let mut values: Vec<Vec<Value>> = Vec::with_capacity(rows.len());
                    written.rows += rows.len() as u64;
                    for row in rows {
                        let (row, digest) = written.plan.of_dump(row, &mut line);
                        values.push(row);
                        written.digest.add(digest);
                    }
                    let (store, name) = (target.store.clone(), written.name().to_owned());
                    let columns = written.plan.columns();
                    // As many as may be under way at a time.
                    while writes.len() >= WRITES {
                        finished(writes.join_next().await)?;
                    }
                    writes.spawn(async move {
                        store.fill(&name, &columns, values).await.with_context(|| name)
                    });
                    progress.rows(done.rows() + written.rows);
                }
                Into::Settings(given) => given.extend(rows.into_iter().filter_map(|row| {
                    match <[Value; 2]>::try_from(row.values) {
                        Ok([Value::Text(name), Value::Text(value)]) => Some((name, value)),
                        _ => None,
                    }
                })),
                Into::Nothing => {}
                Into::Unknown(name) => bail!(unknown(name, &header)),
            },
            Event::End(_) => {
                while let Some(write) = writes.join_next().await {
                    finished(Some(write))?;
                }
                match std::mem::replace(&mut into, Into::Nothing) {
                    Into::Table(written) => done.tables.push(written),
                    Into::Settings(given) => restore_settings(target, &header, &given).await?,
                    Into::Unknown(name) => {
                        warn(format!("the table {name} is empty and not known here: left out"));
                    }
                    Into::Nothing => {}
                }
                progress.tables(done.tables.len());
            }
            Event::Done(_) => return Ok(done),
        }
    }
    bail!("reading the dump has ended early")
}

/// The result of a write that has ended.
fn finished(
    write: Option<Result<anyhow::Result<()>, tokio::task::JoinError>>,
) -> anyhow::Result<()> {
    write.map_or(Ok(()), |joined| joined?)
}

async fn restore_settings(
    target: &Target,
    header: &Header,
    given: &[(String, String)],
) -> anyhow::Result<()> {
    if let Some(kv) = target.settings(header) {
        for refused in settings::replace(&**kv, given).await? {
            warn(format!("a setting is left out: {refused}"));
        }
    }
    Ok(())
}

fn find<'a>(tables: &'a [Table], name: &str) -> Option<&'a Table> {
    tables.iter().find(|table| table.name == name)
}

fn unknown(table: &str, header: &Header) -> String {
    format!(
        "the table {table} is not known to release {}; release {} made the dump",
        env!("CARGO_PKG_VERSION"),
        header.release
    )
}

/// Reads on a thread of its own, a few parts ahead.
fn read_ahead(mut reader: Reader<'static>) -> Receiver<Result<Event, Damage>> {
    let (sender, events) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        while let Some(event) = reader.read().transpose() {
            let is_last = event.is_err();
            if sender.blocking_send(event).is_err() || is_last {
                return;
            }
        }
    });
    events
}
