//! Reading back what was written.

use ichnaea_store::Table;

use super::apply::Written;
use super::target::Target;
use crate::admin::dump::progress::Progress;
use crate::backup::Digest;

/// Compares what is in the tables with what the dump has: one line for each that differs.
pub(super) async fn run(target: &Target, written: &[Written]) -> anyhow::Result<Vec<String>> {
    let tables: Vec<Table> = written.iter().map(|one| one.plan.table().clone()).collect();
    let mut found = vec![(0_u64, Digest::default()); written.len()];
    let progress = Progress::begin("comparing", Some(tables.len()));
    let mut line = Vec::new();
    let mut rows = 0;
    let mut snapshot = target.store.carried_rows(&tables).await?;
    while let Some(page) = snapshot.next().await {
        let page = page?;
        let (Some(one), Some((count, digest))) =
            (written.get(page.table), found.get_mut(page.table))
        else {
            continue;
        };
        for record in &page.rows {
            *count += 1;
            digest.add(one.plan.of_table(&record.values, &mut line));
        }
        rows += page.rows.len() as u64;
        progress.rows(rows);
        progress.tables(page.table);
    }
    let differences = written.iter().zip(found).filter_map(|(one, (count, digest))| {
        if count != one.rows {
            return Some(format!("{}: {count} rows, the dump has {}", one.name(), one.rows));
        }
        let is_same = digest == one.digest;
        (!is_same).then(|| format!("{}: some rows are not those of the dump", one.name()))
    });
    Ok(differences.collect())
}
