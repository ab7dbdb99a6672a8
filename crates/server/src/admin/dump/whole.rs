//! A dump of a whole installation.

use std::io::{self, Write};
use std::time::Instant;

use anyhow::{Context as _, bail};
use ichnaea_kv::KeyValue;
use ichnaea_store::{Column, Error, Kind, Record, Store, Table, Value};
use serde_json::json;
use tokio::sync::mpsc;

use super::Options;
use super::output::Output;
use super::progress::Progress;
use crate::admin::pipeline::Status;
use crate::admin::{print, print_json, settings, warn};
use crate::backup::{FORMAT, Header, SETTINGS, Trailer, VERSION, Writer};
use crate::clock::Clock;
use crate::config::Config;
use crate::keys;

/// Tables that hold secrets.
const SECRET: [&str; 2] = ["api_key", "export_config"];

/// What is not in the tables.
struct Beside {
    /// Names and values.
    settings: Vec<(String, String)>,
    /// Items that wait in queues, and counters that wait for their table.
    waiting: u64,
}

/// Makes a dump.
pub(super) async fn run(
    config: &Config,
    options: &Options,
    output: &Output,
) -> anyhow::Result<bool> {
    let started = Instant::now();
    let store = Store::open(
        &config.databases.read_only,
        &ichnaea_store::Options {
            read_only: true,
            ..crate::admin::store_options(config.backend_timeout)
        },
    )?;
    store.ping().await?;
    match store.restore_mark().await {
        Ok(Some(said)) => {
            bail!("this installation is half restored ({said}): there is nothing whole to dump")
        }
        Ok(None) | Err(Error::OldSchema(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let beside = if options.without_settings {
        None
    } else {
        Some(gather(&*crate::cli::open_kv(config).await?).await?)
    };
    let mut tables = store.carried_tables().await?;
    if tables.is_empty() {
        bail!("the database has no tables of an installation");
    }
    if options.without_keys {
        tables.retain(|table| !SECRET.contains(&table.name.as_str()));
    }
    let opened = output.open()?;
    let mut header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        release: env!("CARGO_PKG_VERSION").to_owned(),
        made: String::new(),
        source: store.facts().await?.server,
        schema: store.applied_revisions().await?,
        without: Vec::new(),
    };
    if options.without_keys {
        header.without.extend(SECRET.map(str::to_owned));
    }
    if beside.is_none() {
        header.without.push(SETTINGS.to_owned());
    }
    let summary = write(&store, &tables, header, beside.as_ref(), opened.target()?).await?;
    opened.keep()?;
    tell(&summary, started, options.json, output)?;
    Ok(true)
}

/// What was written.
struct Summary {
    tables: u64,
    rows: u64,
    unreadable: u64,
    waiting: u64,
    made: String,
}

/// What the thread that writes is given.
enum Part {
    Table(String, Vec<Column>),
    Rows(Vec<Record>),
}

/// How many parts wait for a slow disk or pipe.
const AHEAD: usize = 4;

async fn write(
    store: &Store,
    tables: &[Table],
    mut header: Header,
    beside: Option<&Beside>,
    target: Box<dyn Write + Send>,
) -> anyhow::Result<Summary> {
    let mut snapshot = store.carried_rows(tables).await?;
    header.made = Clock::default().now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let made = header.made.clone();
    // On a thread of its own: while a pipe is not read, this one still hears signals.
    let (sender, parts) = mpsc::channel(AHEAD);
    let thread = tokio::task::spawn_blocking(move || write_parts(target, &header, parts));
    let progress = Progress::begin("dumping", Some(tables.len()));
    let (mut rows, mut unreadable, mut begun) = (0, 0, 0);
    let mut is_written = true;
    while let Some(page) = snapshot.next().await {
        let page = page?;
        if page.table + 1 != begun {
            let table = tables.get(page.table).context("a page of no table")?;
            let head = Part::Table(table.name.clone(), table.columns.clone());
            is_written &= sender.send(head).await.is_ok();
            begun = page.table + 1;
            progress.tables(page.table);
        }
        rows += page.rows.len() as u64;
        progress.rows(rows);
        unreadable += page.rows.iter().map(|record| record.unreadable as u64).sum::<u64>();
        is_written &= sender.send(Part::Rows(page.rows)).await.is_ok();
        if !is_written {
            // The thread has failed, and says why.
            break;
        }
    }
    if let Some(Beside { settings, .. }) = beside.filter(|_| is_written) {
        let column = |name: &str| Column { name: name.to_owned(), kind: Kind::Text };
        let head = Part::Table(SETTINGS.to_owned(), ["name", "value"].map(column).into());
        let text = |text: &String| Value::Text(text.clone());
        let record = |(name, value): &(String, String)| Record {
            values: vec![text(name), text(value)],
            unreadable: 0,
        };
        for part in [head, Part::Rows(settings.iter().map(record).collect())] {
            // When it fails, the thread says why.
            let _ = sender.send(part).await;
        }
    }
    drop(sender);
    let trailer = thread.await?.context("cannot write the dump")?;
    Ok(Summary {
        tables: trailer.tables,
        rows: trailer.total_rows,
        unreadable,
        waiting: beside.map_or(0, |beside| beside.waiting),
        made,
    })
}

/// Writes what comes, and the end once nothing more does.
fn write_parts(
    target: Box<dyn Write + Send>,
    header: &Header,
    mut parts: mpsc::Receiver<Part>,
) -> io::Result<Trailer> {
    let mut writer = Writer::begin(target, header)?;
    while let Some(part) = parts.blocking_recv() {
        match part {
            Part::Table(name, columns) => writer.table(&name, &columns)?,
            Part::Rows(rows) => rows.iter().try_for_each(|row| writer.row(&row.values))?,
        }
    }
    Ok(writer.end()?.0)
}

/// Asks the key-value store, and warns of what will not be in the dump.
async fn gather(kv: &dyn KeyValue) -> anyhow::Result<Beside> {
    let status = Status::gather(kv).await?;
    let waiting: u64 = status.queues.iter().map(|queue| queue.waiting + queue.in_flight).sum();
    if waiting > 0 {
        warn(format!(
            "{waiting} items wait in queues and are not part of the dump; `ichnaea pipeline \
             status` shows them, `ichnaea pipeline drain` works them off"
        ));
    }
    let counters = kv.keys(keys::STAT_COUNTER_PREFIX).await?;
    let names: Vec<Vec<u8>> = counters.into_iter().map(String::into_bytes).collect();
    let counted = kv.get(&names).await?;
    let counted = counted.iter().flatten().filter(|count| count.as_slice() != b"0").count();
    if counted > 0 {
        warn(format!(
            "{counted} daily counters are not in the statistics yet and not part of the dump; \
             `ichnaea task run update_statcounter` brings them in"
        ));
    }
    let settings = settings::of_operators_set(kv).await?;
    Ok(Beside { settings, waiting: waiting + counted as u64 })
}

fn tell(summary: &Summary, started: Instant, as_json: bool, output: &Output) -> anyhow::Result<()> {
    let Summary { tables, rows, unreadable, waiting, made } = summary;
    if *unreadable > 0 {
        warn(format!(
            "{unreadable} values are not what their columns are for, so that nobody could read \
             them; they are missing in the dump"
        ));
    }
    let seconds = started.elapsed().as_secs_f64();
    let file = match output {
        Output::Stdout => None,
        Output::File(path) => Some(path.display().to_string()),
    };
    let said = json!({
        "file": file, "made": made, "tables": tables, "rows": rows, "unreadable": unreadable,
        "waiting": waiting, "seconds": seconds,
    });
    let line = format!(
        "Dumped {rows} rows of {tables} tables in {seconds:.1} s{}.",
        file.map(|file| format!(" into {file}")).unwrap_or_default()
    );
    match (output, as_json) {
        (Output::File(_), true) => print_json(&said)?,
        (Output::File(_), false) => print(line),
        // Standard output is the dump.
        (Output::Stdout, true) => drop(writeln!(io::stderr().lock(), "{said}")),
        (Output::Stdout, false) => drop(writeln!(io::stderr().lock(), "{line}")),
    }
    Ok(())
}
