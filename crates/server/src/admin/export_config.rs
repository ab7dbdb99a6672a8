//! `ichnaea export-config`: who gets the reports that come in.

use anyhow::bail;
use clap::Subcommand;
use ichnaea_domain::export::{ExportConfig, Schema, join_set, parse_set};
use ichnaea_store::Store;
use serde_json::{Value, json};

use super::assignment::{Assignment, whole};
use super::{details, print, print_json, refuse, table, warn, word};

/// Reports per batch of a new target, as the original's own target has it.
const BATCH: i32 = 100;

/// What to do with export targets.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Lists all targets
    List {
        /// Print the targets as JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows one target
    #[command(after_help = "Ends with status 1 when there is no such target.")]
    Show {
        /// Name of the target
        name: String,
        /// Print the target as JSON
        #[arg(long)]
        json: bool,
    },
    /// Changes a target, or creates it
    #[command(after_help = "Fields:\n  \
        schema        internal (learn from the reports here), geosubmit (pass them on to another \
        instance), s3 (keep them in a bucket or a folder) or dummy (throw them away)\n  \
        url           where to: https://HOST/v2/geosubmit?key=KEY, or s3://BUCKET/PATH, gs://…, \
        az://… or file:///FOLDER, in which {source}, {api_key}, {year}, {month} and {day} are \
        filled in ({month:02} has two digits)\n  \
        batch         reports that have to wait before they are sent; 0: all that wait, at once; \
        whatever waits for an hour is sent anyway [for a new target: 100]\n  \
        skip_keys     API keys whose reports are left out, separated by commas\n  \
        skip_sources  sources that are left out: fixed, gnss, fused, query\n\n\
        Nothing after the equals sign sets a field to NULL.\n\n\
        Examples:\n  \
        ichnaea export-config set internal batch=1\n  \
        ichnaea export-config set partner schema=geosubmit \
        url=https://partner.example/v2/geosubmit?key=our-key skip_sources=query\n  \
        ichnaea export-config set backup schema=s3 \
        url=s3://bucket/backup/{source}/{api_key}/{year}/{month}/{day} batch=10000\n\n\
        Nothing is lost while a target is away: its reports wait. `ichnaea pipeline status` and \
        `ichnaea doctor` say since when and why. Batches that it refuses are dead letters: \
        `ichnaea pipeline dead-letters list`.")]
    Set {
        /// Name of the target, up to 40 letters, digits, '-', '_' and '.'
        name: String,
        /// What to change
        #[arg(required = true, value_name = "FIELD=VALUE")]
        changes: Vec<Assignment>,
        /// Print the target as JSON
        #[arg(long)]
        json: bool,
    },
    /// Deletes a target
    #[command(after_help = "Reports that wait in its queue stay there; `ichnaea pipeline status` \
        shows them, and they go on when a target of that name is created again.")]
    Delete {
        /// Name of the target
        name: String,
    },
}

/// Runs one of the commands; false when it was refused.
pub async fn run(store: &Store, command: Command) -> anyhow::Result<bool> {
    match command {
        Command::List { json } => {
            let targets = store.export_configs().await?;
            if json {
                print_json(&targets.iter().map(to_json).collect::<Vec<_>>())?;
            } else {
                print(format!("{} export targets.", targets.len()));
                if !targets.is_empty() {
                    listing(&targets).iter().for_each(print);
                }
            }
            targets.iter().for_each(warn_about);
            warn_about_all(&targets);
        }
        Command::Show { name, json } => match store.export_config(&name).await? {
            Some(target) => show(&target, json)?,
            None => return Ok(unknown(json, &name)),
        },
        Command::Set { name, changes, json } => {
            let existing = store.export_config(&name).await?;
            let target = changed(existing, name, &changes)?;
            store.put_export_config(&target).await?;
            show(&target, json)?;
        }
        Command::Delete { name } => {
            if !store.delete_export_config(&name).await? {
                return Ok(unknown(false, &name));
            }
            print(format!("Deleted export target: '{name}'"));
            warn_about_all(&store.export_configs().await?);
        }
    }
    Ok(true)
}

fn unknown(json: bool, name: &str) -> bool {
    refuse(json, format!("Export target '{name}' does not exist"))
}

fn show(target: &ExportConfig, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        print_json(&to_json(target))?;
    } else {
        details(&columns(target)).iter().for_each(print);
    }
    warn_about(target);
    Ok(())
}

/// The row as it is going to be; an error when it could not work.
fn changed(
    existing: Option<ExportConfig>,
    name: String,
    changes: &[Assignment],
) -> anyhow::Result<ExportConfig> {
    let is_new = existing.is_none();
    let mut target = existing.unwrap_or_else(|| ExportConfig {
        name,
        batch: Some(BATCH),
        ..ExportConfig::default()
    });
    for change in changes {
        if let Err(problem) = assign(&mut target, change) {
            bail!(problem);
        }
    }
    let mut problems = target.problems();
    // A row somebody made by other means keeps its name.
    problems.retain(|problem| is_new || problem.field != "name");
    if let Some(problem) = problems.first() {
        bail!("{}: {}", problem.field, problem.what);
    }
    Ok(target)
}

/// Changes one column.
fn assign(target: &mut ExportConfig, change: &Assignment) -> Result<(), String> {
    let text = || change.value.clone();
    match change.field.as_str() {
        "batch" => target.batch = change.read(whole::<0, { i32::MAX }>)?,
        "schema" => target.schema = text(),
        "url" => target.url = text(),
        "skip_keys" => target.skip_keys = set_column(text()),
        "skip_sources" => target.skip_sources = set_column(text()),
        "name" => return Err("the name cannot be changed; create another target".into()),
        other => {
            let fields = columns(target).map(|(name, _)| name);
            return Err(format!("no field '{other}'; the fields are {}", fields[1..].join(", ")));
        }
    }
    Ok(())
}

fn set_column(text: Option<String>) -> Option<String> {
    text.and_then(|text| join_set(&parse_set(&text)))
}

fn warn_about(target: &ExportConfig) {
    if let Some(warning) = warning(target) {
        warn(warning);
    }
}

/// What an operator should know of a target that is there.
#[must_use]
pub fn warning(target: &ExportConfig) -> Option<String> {
    let name = &target.name;
    let problem = target.problems().into_iter().next()?;
    Some(format!("target '{name}': {}: {}", problem.field, problem.what))
}

fn warn_about_all(targets: &[ExportConfig]) {
    if let Some(warning) = warning_about_all(targets) {
        warn(warning);
    }
}

/// What an operator should know of the targets as a whole.
#[must_use]
pub fn warning_about_all(targets: &[ExportConfig]) -> Option<String> {
    let internal = targets.iter().filter(|target| target.target() == Some(Schema::Internal));
    match internal.count() {
        0 => Some(
            "no target has the schema internal: nothing is learned from reports; \
             `ichnaea export-config set internal schema=internal` makes one"
                .to_owned(),
        ),
        1 => None,
        several => Some(format!(
            "{several} targets have the schema internal: every report is learned {several} times"
        )),
    }
}

/// All columns by name, in the order in which they are shown.
fn columns(target: &ExportConfig) -> [(&'static str, Value); 6] {
    [
        ("name", json!(target.name)),
        ("batch", json!(target.batch)),
        ("schema", json!(target.schema)),
        ("url", json!(target.url)),
        ("skip_keys", json!(target.skip_keys)),
        ("skip_sources", json!(target.skip_sources)),
    ]
}

fn to_json(target: &ExportConfig) -> Value {
    columns(target).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn listing(targets: &[ExportConfig]) -> Vec<String> {
    let head = columns(&ExportConfig::default()).map(|(name, _)| name.to_owned()).to_vec();
    let row = |target: &ExportConfig| columns(target).map(|(_, value)| word(&value)).to_vec();
    let rows: Vec<_> = std::iter::once(head).chain(targets.iter().map(row)).collect();
    table(&rows, " | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn internal() -> ExportConfig {
        ExportConfig {
            name: "internal".into(),
            batch: Some(100),
            schema: Some("internal".into()),
            ..ExportConfig::default()
        }
    }

    fn set(existing: Option<ExportConfig>, changes: &[&str]) -> Result<ExportConfig, String> {
        let changes: Vec<Assignment> = changes.iter().map(|text| text.parse().unwrap()).collect();
        changed(existing, "partner".into(), &changes).map_err(|problem| problem.to_string())
    }

    #[test]
    fn targets_are_shown_like_keys() {
        assert_eq!(
            listing(&[internal()]),
            [
                "name     | batch | schema   | url  | skip_keys | skip_sources",
                "internal | 100   | internal | None | None      | None        ",
            ]
        );
    }

    #[test]
    fn a_new_target_gets_a_batch_and_needs_a_schema() {
        let target = set(None, &["schema=dummy", "skip_keys=other,test,other"]).unwrap();
        assert_eq!((target.name.as_str(), target.batch), ("partner", Some(BATCH)));
        assert_eq!(target.skip_keys.as_deref(), Some("other,test"));
        assert!(set(None, &["batch=1"]).unwrap_err().starts_with("schema: not set"));
        assert!(set(None, &["schema=geosubmit"]).unwrap_err().starts_with("url: "));
        assert!(set(Some(internal()), &["batch=-1"]).unwrap_err().starts_with("batch: "));
        assert!(set(Some(internal()), &["name=other"]).is_err());
        assert!(set(Some(internal()), &["size=1"]).is_err());
    }

    #[test]
    fn the_name_of_a_row_that_exists_is_not_judged() {
        let odd = ExportConfig { name: "made by hand".into(), ..internal() };
        assert_eq!(set(Some(odd), &["batch=5"]).unwrap().batch, Some(5));
    }

    #[test]
    fn nothing_learned_and_learned_twice_are_worth_a_warning() {
        assert_eq!(warning_about_all(&[internal()]), None);
        assert!(warning_about_all(&[]).unwrap().contains("nothing is learned"));
        assert!(warning_about_all(&[internal(), internal()]).unwrap().contains("2 times"));
        assert_eq!(warning(&internal()), None);
        let broken = ExportConfig { schema: Some("other".into()), ..internal() };
        assert!(warning(&broken).unwrap().starts_with("target 'internal': schema: "));
    }
}
