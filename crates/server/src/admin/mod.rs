//! Administrative commands, one file each.
//!
//! Each gathers, decides and prints; what goes wrong comes back as an error and ends the process
//! with status 1.

use std::io::Write as _;
use std::time::Duration;

use serde_json::Value;

pub mod accounts;
pub mod alembic;
pub mod apikey;
pub mod assignment;
pub mod config;
mod confirm;
pub mod datamap;
pub mod db;
pub mod dead_letters;
pub mod doctor;
pub mod dump;
pub mod export;
pub mod export_config;
pub mod healthcheck;
pub mod import;
pub mod metrics;
mod output;
pub mod pipeline;
pub mod restore;
pub mod sentry_test;
pub mod settings;
pub mod stats;
pub mod task;

pub(crate) use confirm::confirm;

/// Prints one line on standard output.
///
/// A closed pipe (`ichnaea apikey list | head`) ends the output, not the command.
pub fn print(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Prints a value as JSON.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints a hint on standard error, beside the result.
pub fn warn(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "ichnaea: warning: {line}");
}

/// Prints why nothing was done: where a person reads the result, or beside it where a program
/// does. Returns false, for a status of 1.
#[must_use]
pub fn refuse(as_json: bool, why: impl std::fmt::Display) -> bool {
    if as_json {
        let _ = writeln!(std::io::stderr().lock(), "ichnaea: {why}");
    } else {
        print(why);
    }
    false
}

/// A value as the original shows it.
#[must_use]
pub fn word(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One line for every column of a row.
#[must_use]
pub fn details(columns: &[(&'static str, Value)]) -> Vec<String> {
    let row = |(name, value): &(&str, Value)| vec![(*name).to_owned(), word(value)];
    table(&columns.iter().map(row).collect::<Vec<_>>(), " : ")
}

/// How a command opens the database: for a call or two, each within this bound.
pub(crate) fn store_options(wait: Duration) -> ichnaea_store::Options {
    ichnaea_store::Options { max_connections: 2, wait, ..ichnaea_store::Options::default() }
}

/// Rows with every cell padded to the widest of its column, joined by `separator`.
#[must_use]
pub fn table(rows: &[Vec<String>], separator: &str) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let padded: Vec<String> = cells.map(|(cell, &width)| format!("{cell:<width$}")).collect();
        padded.join(separator)
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["valid_key", "maxreq"], ["é", "100"]].map(|row| row.map(str::to_owned).into());
        assert_eq!(table(&rows, " | "), ["valid_key | maxreq", "é         | 100   "]);
        assert_eq!(table(&[], " : "), Vec::<String>::new());
    }
}
