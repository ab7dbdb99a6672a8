//! The one list of cases that differ on purpose: the table in `docs/compatibility.md`.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDateTime;
use ichnaea_testkit::cases::{self, Placeholders};

/// More would mean that compatibility is no longer the rule.
const MOST: usize = 25;

/// The section the table stands in.
const SECTION: &str = "## Recorded cases";

/// The ids of the table.
///
/// # Panics
///
/// When there is no such file.
pub fn ids() -> BTreeSet<String> {
    rows().into_iter().map(|(id, _)| id).collect()
}

/// Ids and reasons, in their order.
fn rows() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    let text = std::fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let section = text.lines().skip_while(|line| *line != SECTION).skip(1);
    let section = section.take_while(|line| !line.starts_with("## "));
    let rows = section.filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.map(|row| {
        let (id, reason) = row.split_once("` |").expect("an id in the first column");
        (id.to_owned(), reason.trim_matches([' ', '|']).to_owned())
    });
    rows.collect()
}

#[test]
fn every_listed_case_exists_once_with_a_reason_and_there_are_few() {
    let families = ["geolocate", "country", "submit", "provider", "monitoring"];
    let requests = families.into_iter().flat_map(cases::requests).map(|case| case.id);
    let placeholders = Placeholders { now: NaiveDateTime::default(), provider: String::new() };
    let pipeline = cases::pipeline(&placeholders).into_iter().map(|case| case.id);
    let exports = cases::exports().into_iter().map(|case| case.id);
    let known: BTreeSet<String> = requests.chain(pipeline).chain(exports).collect();
    let rows = rows();
    assert!(!rows.is_empty(), "no table in section {SECTION:?}");
    assert!(rows.len() <= MOST, "{} cases differ, {MOST} may", rows.len());
    assert_eq!(ids().len(), rows.len(), "an id is listed twice");
    for (id, reason) in rows {
        assert!(known.contains(&id), "there is no case {id}");
        assert!(!reason.is_empty(), "{id} has no reason");
    }
}
