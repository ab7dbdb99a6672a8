//! What each revision of the original's schema changes, forth and back, on a server.

use ichnaea_domain::datamap::Quadrant;

use super::change::Change;
use super::schema;

const API_KEY: &str = "api_key";
const EXPORT_CONFIG: &str = "export_config";
const FLAG: &str = "tinyint(1)";
const PERCENT: &str = "tinyint(4)";

/// The changes from the parent of a revision to it.
pub(super) fn upgrade(id: &str) -> Vec<Change> {
    match id {
        "000000000000" => schema::base().into_iter().map(Change::Repeatable).collect(),
        "1bdf1028a085" => {
            vec![Change::add_column(EXPORT_CONFIG, "skip_sources", "varchar(64)", "skip_keys")]
        }
        "385f842b2526" => vec![allow_transfer()],
        "cad2875fd8cb" => [
            ("store_sample_locate", "fallback_cache_expire"),
            ("store_sample_submit", "store_sample_locate"),
        ]
        .map(|(column, after)| Change::add_filled_column(API_KEY, column, PERCENT, after, 100))
        .into(),
        "d2d9ecb12edc" => Quadrant::ALL
            .map(|quadrant| {
                let (table, index) = modified_index(quadrant);
                Change::AddIndex { table, index, columns: "modified" }
            })
            .into(),
        "73c5f5ae5b23" => vec![Change::drop_column(API_KEY, "shortname")],
        "30a4df7eafd5" => {
            vec![Change::add_filled_column(API_KEY, "allow_region", FLAG, "allow_locate", 1)]
        }
        "5797389a3842" => {
            vec![Change::add_column(API_KEY, "fallback_schema", "varchar(64)", "fallback_name")]
        }
        "138cb0d71dfb" => schema::ocid_names().map(|table| Change::drop_table(&table)).collect(),
        "a0ee5e10f44b" => vec![Change::drop_column(API_KEY, "allow_transfer")],
        // The last one is there to try the tool out.
        _ => Vec::new(),
    }
}

/// The changes from a revision back to its parent.
pub(super) fn downgrade(id: &str) -> Vec<Change> {
    match id {
        "000000000000" => schema::names().map(|table| Change::drop_table(&table)).collect(),
        "1bdf1028a085" => vec![Change::drop_column(EXPORT_CONFIG, "skip_sources")],
        "385f842b2526" => vec![Change::drop_column(API_KEY, "allow_transfer")],
        "cad2875fd8cb" => ["store_sample_locate", "store_sample_submit"]
            .map(|column| Change::drop_column(API_KEY, column))
            .into(),
        "d2d9ecb12edc" => Quadrant::ALL
            .map(|quadrant| {
                let (table, index) = modified_index(quadrant);
                Change::DropIndex { table, index }
            })
            .into(),
        "73c5f5ae5b23" => {
            vec![Change::add_column(API_KEY, "shortname", "varchar(40)", "allow_transfer")]
        }
        "30a4df7eafd5" => vec![Change::drop_column(API_KEY, "allow_region")],
        "5797389a3842" => vec![Change::drop_column(API_KEY, "fallback_schema")],
        "138cb0d71dfb" => schema::ocid().into_iter().map(Change::Repeatable).collect(),
        "a0ee5e10f44b" => vec![allow_transfer()],
        _ => Vec::new(),
    }
}

fn allow_transfer() -> Change {
    Change::add_filled_column(API_KEY, "allow_transfer", FLAG, "allow_locate", 0)
}

fn modified_index(quadrant: Quadrant) -> (String, String) {
    let table = schema::datamap_name(quadrant);
    let index = format!("{table}_modified_idx");
    (table, index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::revision::{HEAD, REVISIONS};

    #[test]
    fn every_revision_but_the_last_changes_something_both_ways() {
        for revision in REVISIONS {
            let is_last = revision.id == HEAD;
            assert_eq!(upgrade(revision.id).is_empty(), is_last, "{revision:?}");
            assert_eq!(downgrade(revision.id).is_empty(), is_last, "{revision:?}");
        }
    }
}
