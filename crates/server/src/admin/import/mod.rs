//! `ichnaea import`: files of others, in one front for all formats.
//!
//! Every file is an import with a number, a digest, an origin and a licence. Where its rows say where
//! stations are, they are merged into the tables (`aggregates`); where they say what a device saw,
//! they go through the pipeline as reports. No row ends an import: what cannot be used is counted by
//! reason, and kept when asked.

mod aggregate;
mod aggregates;
mod areas;
mod licence;
mod observations;
mod progress;
mod rejects;
mod sort;
mod source;
mod summary;
pub mod survey;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use ichnaea_domain::import::{self, Class, Detected, Format};
use licence::Origin;
use rejects::Rejects;
use source::Source;
use summary::Summary;

use super::{print, print_json, table, warn};
use crate::context::Context;

/// Files to import, and how.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Import {
    /// The files; `-` is standard input. Plain, gzip or zstd, whatever they are called
    #[arg(value_name = "FILE", required_unless_present = "list")]
    files: Vec<PathBuf>,
    /// What the files are; `auto` looks at their first lines
    #[arg(long, value_name = "FORMAT", default_value = "auto", value_parser = read_format)]
    format: ChosenFormat,
    /// Read everything and say what would be done, but change nothing
    #[arg(long)]
    dry_run: bool,
    /// Where rows that cannot be used go: line number, reason and row, between tabs
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Where the files come from; `opencellid` and `mls` bring their licence with them
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The licence of the files, by its SPDX identifier, for example CC0-1.0
    #[arg(long, alias = "license", value_name = "ID")]
    licence: Option<String>,
    /// Leave the cells of these files out of the public file
    #[arg(long, conflicts_with = "public")]
    private: bool,
    /// Let the cells of these files be in the public file, whatever the licence
    #[arg(long)]
    public: bool,
    /// Import a file once more that was imported before
    #[arg(long)]
    again: bool,
    /// End with status 3 when rows were rejected
    #[arg(long)]
    strict: bool,
    /// A folder for sorting, about 80 bytes a row; the usual one of the system otherwise
    #[arg(long, value_name = "FOLDER")]
    temp: Option<PathBuf>,
    /// Print what became of the rows as JSON
    #[arg(long)]
    json: bool,
    /// List the imports there were instead
    #[arg(long, conflicts_with_all = ["files", "dry_run", "rejects"])]
    list: bool,
}

/// What `ichnaea import --help` ends with.
pub const HELP: &str = "Formats whose rows say where stations are, which are merged into the tables: \
    cells (the public file of the original and of OpenCelliD), and cell-dump, wifi-dump and blue-dump \
    (the tables of `ichnaea dump --datatype …`).\n\n\
    Formats whose rows say what a device saw, which go through the pipeline as reports: wigle, \
    neostumbler, tower-collector, microg, geosubmit, geosubmit-lines.\n\n\
    A row that is newer than what is known about its station overwrites it, an older one changes \
    nothing; so it does no harm to import a file twice, and an import that was interrupted is \
    finished by the same command. A file that was imported to its end is not read again without \
    --again. The service may run meanwhile.\n\n\
    Ends with status 0 when the files were read to their ends, 1 when one was not, 2 for wrong usage, \
    and with --strict with 3 when rows were rejected.\n\nExamples:\n  \
    ichnaea import MLS-full-cell-export-2024-03-13T000000.csv.gz\n  \
    ichnaea import --source opencellid --rejects bad.txt cell_towers.csv.gz\n  \
    curl https://… | ichnaea import --licence CC0-1.0 -\n  \
    ichnaea import --dry-run --json cells.csv.zst";

/// What files are said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChosenFormat {
    Auto,
    Is(Format),
}

fn read_format(name: &str) -> Result<ChosenFormat, String> {
    if name == "auto" {
        return Ok(ChosenFormat::Auto);
    }
    Format::from_name(name).map(ChosenFormat::Is).ok_or_else(|| {
        let names = Format::ALL.map(Format::name).join(", ");
        format!("the formats are auto, {names}")
    })
}

/// Files were not read to their ends.
const FAILED: u8 = 1;
/// Rows were rejected, and that was to be said.
const REJECTED: u8 = 3;

/// One file on its way.
pub(super) struct Job {
    context: Arc<Context>,
    path: PathBuf,
    name: String,
    format: Format,
    origin: Origin,
    options: Import,
    /// As the original's tool read files: an empty unit is 0, and any time is good.
    is_as_original: bool,
}

/// Imports the files; the status the command ends with.
pub async fn run(context: Arc<Context>, options: Import) -> anyhow::Result<u8> {
    if options.list {
        return list(&context, options.json).await.map(|()| 0);
    }
    let mut rejects = Rejects::create(options.rejects.as_deref())?;
    let mut summaries = Vec::new();
    let mut has_failed = false;
    for path in &options.files {
        let name = shown(path);
        match import_file(&context, &options, path, rejects).await {
            Ok((summary, given_back)) => {
                rejects = given_back;
                if !options.json {
                    summary.lines().iter().for_each(print);
                }
                has_failed |= summary.cut_off.is_some();
                summaries.push(summary);
            }
            Err(failure) if options.files.len() == 1 => return Err(failure.context(name)),
            Err(failure) => {
                // The other files are none the worse for it.
                crate::cli::complain(format!("{name}: {failure:#}"));
                has_failed = true;
                rejects = Rejects::append(options.rejects.as_deref())?;
            }
        }
    }
    context.metrics.flush().await;
    if options.json {
        print_json(&summaries)?;
    }
    let has_rejects = summaries.iter().any(|summary| summary.rejected > 0);
    Ok(match (has_failed, has_rejects && options.strict) {
        (true, _) => FAILED,
        (false, true) => REJECTED,
        (false, false) => 0,
    })
}

/// Imports a file of cells in the words and with the rules of the original's tool.
pub async fn load_cell_data(context: Arc<Context>, path: PathBuf) -> anyhow::Result<bool> {
    if !path.exists() {
        print(format!("File {} not found.", path.display()));
        return Ok(false);
    }
    let options = Import {
        files: vec![path.clone()],
        format: ChosenFormat::Is(Format::Cells),
        dry_run: false,
        rejects: None,
        source: None,
        licence: None,
        private: false,
        public: false,
        again: true,
        strict: false,
        temp: None,
        json: false,
        list: false,
    };
    let name = shown(&path);
    let origin = licence::origin(None, None, None, &name);
    let job = Job {
        context: Arc::clone(&context),
        path: path.clone(),
        name,
        format: Format::Cells,
        origin,
        options,
        is_as_original: true,
    };
    let source = Source::open(&path)?;
    let (summary, _) = aggregates::import(job, source, Rejects::create(None)?).await?;
    context.metrics.flush().await;
    original_lines(&summary).iter().for_each(print);
    Ok(summary.cut_off.is_none())
}

/// The summary as the original logged it.
fn original_lines(summary: &Summary) -> Vec<String> {
    let good = summary.rows - summary.rejected;
    if good == 0 {
        return vec!["Nothing to process.".to_owned()];
    }
    let s = if good == 1 { "" } else { "s" };
    let mut lines = vec![format!("Complete, processed {good} station{s}:")];
    lines.extend(summary.by_group.iter().map(|(name, count)| {
        format!(
            "  {}: {} new, {} updated, {} already loaded",
            name.to_uppercase(),
            count.added,
            count.updated,
            count.unchanged + count.duplicates
        )
    }));
    lines.push(format!("  {} station areas updated", summary.areas));
    if summary.rejected > 0 {
        lines.push(format!("  {} rows could not be used:", summary.rejected));
        lines.extend(summary.by_reason.iter().map(|(name, count)| format!("    {name}: {count}")));
    }
    lines
}

async fn import_file(
    context: &Arc<Context>,
    options: &Import,
    path: &Path,
    mut rejects: Rejects,
) -> anyhow::Result<(Summary, Rejects)> {
    let name = shown(path);
    let flag = match (options.public, options.private) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let origin =
        licence::origin(options.source.as_deref(), options.licence.as_deref(), flag, &name);
    if !options.again
        && !options.dry_run
        && let Some(summary) = imported_before(context, path, &name).await?
    {
        return Ok((summary, rejects));
    }
    let mut source = Source::open(path)?;
    let format = match options.format {
        ChosenFormat::Is(format) => format,
        ChosenFormat::Auto => detect(&mut source, &name)?,
    };
    if origin.is_guess && !options.dry_run && format.class() == Class::Aggregates {
        warn(format!(
            "{name}: no licence was named, so its cells may be in the public file; --licence or \
             --private say otherwise"
        ));
    }
    rejects.file(&name)?;
    let job = Job {
        context: Arc::clone(context),
        path: path.to_owned(),
        name,
        format,
        origin,
        options: options.clone(),
        is_as_original: false,
    };
    match format.class() {
        Class::Aggregates => aggregates::import(job, source, rejects).await,
        Class::Observations => observations::import(job, source, rejects).await,
    }
}

fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

/// Finds out what a file is.
fn detect(source: &mut Source, name: &str) -> anyhow::Result<Format> {
    let head = source.head()?;
    ensure!(!head.is_empty(), "the file is empty");
    match import::detect(head, name) {
        Detected::Format(format) => Ok(format),
        Detected::MacDump => bail!(
            "a table of addresses does not say whose they are: --format wifi-dump or --format \
             blue-dump"
        ),
        Detected::Unknown => {
            let names = Format::ALL.map(Format::name).join(", ");
            bail!("none of the formats that are known here ({names}); --format insists on one")
        }
    }
}

/// What is said about a file that was imported to its end before. Its digest is computed only when
/// there is an import of a file of this size.
async fn imported_before(
    context: &Context,
    path: &Path,
    name: &str,
) -> anyhow::Result<Option<Summary>> {
    let Ok(facts) = std::fs::metadata(path) else { return Ok(None) };
    if !facts.is_file() || !context.writer.has_import_of_size(facts.len()).await? {
        return Ok(None);
    }
    let file = path.to_owned();
    let digest = tokio::task::spawn_blocking(move || source::digest_of(&file)).await?;
    finished(context, &digest.context("the file cannot be read")?, name).await
}

/// The same, for a file whose digest is known.
async fn finished(context: &Context, digest: &str, name: &str) -> anyhow::Result<Option<Summary>> {
    let imports = context.writer.imports_of(digest).await?;
    let finished = imports.into_iter().find_map(|import| Some((import.finished?, import)));
    Ok(finished.map(|(time, import)| Summary {
        file: name.to_owned(),
        import: Some(import.id),
        format: Format::from_name(&import.file.format).map_or("", Format::name),
        source: import.file.source,
        licence: import.file.licence,
        is_public: import.file.is_public,
        imported_before: Some(time.to_string()),
        ..Summary::default()
    }))
}

/// Lists the imports there were, the newest first.
async fn list(context: &Context, as_json: bool) -> anyhow::Result<()> {
    let imports = context.reader.imported_files().await?;
    if as_json {
        let one = |import: &ichnaea_store::ImportedFile| {
            serde_json::json!({
                "import": import.id,
                "file": import.file.name,
                "format": import.file.format,
                "source": import.file.source,
                "licence": import.file.licence,
                "is_public": import.file.is_public,
                "sha256": import.file.digest,
                "bytes": import.file.size,
                "started": import.file.started.to_string(),
                "finished": import.finished.map(|time| time.to_string()),
                "rows": import.records,
                "rejected": import.rejected,
            })
        };
        return print_json(&imports.iter().map(one).collect::<Vec<_>>());
    }
    let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
    let mut rows = vec![
        [
            "import", "started", "finished", "rows", "rejected", "public", "licence", "source",
            "file",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    rows.extend(imports.iter().map(|import| {
        vec![
            import.id.to_string(),
            import.file.started.to_string(),
            import.finished.map_or("not yet".to_owned(), |time| time.to_string()),
            number(import.records),
            number(import.rejected),
            if import.file.is_public { "yes" } else { "no" }.to_owned(),
            import.file.licence.clone().unwrap_or("-".to_owned()),
            import.file.source.clone().unwrap_or("-".to_owned()),
            import.file.name.clone(),
        ]
    }));
    for line in table(&rows, "  ") {
        print(line.trim_end());
    }
    Ok(())
}
