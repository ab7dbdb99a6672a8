//! Cells that a file given to everybody leaves out, because of the licence of an import they were
//! in.

use std::collections::BTreeMap;
use std::sync::Arc;

use ichnaea_domain::cell::{CellKey, KeyBytes};

use crate::Store;
use crate::driver::{Row, Rows, Write};
use crate::error::Result;

impl Store {
    /// Notes that these cells were in an import that may not be given to everybody. Of several such
    /// imports the last one is kept.
    pub async fn restrict_cells(&self, import: u32, cells: &[CellKey]) -> Result<()> {
        self.must_be_writable()?;
        // In the order of their keys, so that two of these do not wait for each other.
        let keys: BTreeMap<Vec<u8>, KeyBytes> =
            cells.iter().map(|cell| (cell.encode().to_vec(), cell.encode())).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let rows = Rows {
            head: "INSERT INTO restricted_cell (cellid, import_id)".to_owned(),
            tail: self.driver.dialect().on_conflict_update("cellid", "import_id"),
            values: keys.into_values().map(|key| vec![key.into(), import.into()]).collect(),
        };
        let rule = move |_: &[Vec<Row>]| Ok((vec![Write::Rows(rows.clone())], ()));
        self.driver.transaction(Vec::new(), Arc::new(rule)).await.map(drop)
    }
}
