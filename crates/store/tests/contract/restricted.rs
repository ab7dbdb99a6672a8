//! Cells that a public file leaves out.

use ichnaea_domain::cell::{AreaKey, CellKey, Radio};

use crate::{on_both, value};

fn cell(radio: Radio, cid: u64) -> CellKey {
    CellKey { area: AreaKey { radio, mcc: 262, mnc: 2, lac: 5126 }, cid }
}

on_both! {
    async fn cells_are_restricted_once_whatever_their_radio_type(store, db) {
        let nr = cell(Radio::Nr, 64_729_200_248);
        let lte = cell(Radio::Lte, 26_385_419);
        store.restrict_cells(1, &[]).await.unwrap();
        store.restrict_cells(1, &[nr, lte, lte]).await.unwrap();
        store.restrict_cells(2, &[lte, cell(Radio::Gsm, 7)]).await.unwrap();
        let rows = db.rows("SELECT HEX(cellid), import_id FROM restricted_cell ORDER BY cellid");
        let rows: Vec<(String, String)> = rows
            .into_iter()
            .map(|row| (row[0].clone().unwrap(), row[1].clone().unwrap()))
            .collect();
        let key = |cell: CellKey| cell.encode().hex();
        let row = |cell, import: &str| (key(cell), import.to_owned());
        assert_eq!(rows, [row(cell(Radio::Gsm, 7), "2"), row(lte, "2"), row(nr, "1")]);
        assert_eq!(value(&db, "SELECT COUNT(*) FROM restricted_cell"), "3");
    }
}
