//! The coverage grid.

use std::collections::HashMap;

use chrono::NaiveDate;
use ichnaea_domain::datamap::{Grid, Quadrant};
use ichnaea_store::DatamapChanges;

use crate::{batch, day, on_both, value};

on_both! {
    async fn grid_cells_are_inserted_touched_and_forgotten(store, db) {
        // One per table: 52.52/13.405 is north-east, 51.5/-0.1 north-west, and so on.
        let grids = vec![
            Grid::at(52.52, 13.405),
            Grid::at(51.5, -0.1),
            Grid::at(-33.868, 151.209),
            Grid::at(-85.051, -180.0),
        ];
        let (first, later) = (day("2026-01-01"), day("2026-03-01"));
        let new = grids.clone();
        store.update_datamap(&batch("1"), grids.clone(), move |found: &HashMap<_, _>| {
            assert!(found.is_empty());
            DatamapChanges { insert: new.clone(), touch: Vec::new(), today: first, outcome: () }
        }).await.unwrap();
        for quadrant in Quadrant::ALL {
            let table = format!("datamap_{}", quadrant.name());
            assert_eq!(value(&db, &format!("SELECT created FROM {table}")), "2026-01-01");
        }
        assert_eq!(value(&db, "SELECT HEX(grid) FROM datamap_nw"), "000228BC0002BEBC");
        db.execute(&["UPDATE datamap_sw SET modified = NULL"]);
        let touched = grids[1];
        let known = grids.clone();
        let applied = store.update_datamap(&batch("2"), grids.clone(), move |found: &HashMap<Grid, Option<NaiveDate>>| {
            assert_eq!(found.len(), 4);
            assert_eq!(found[&known[0]], Some(first));
            assert_eq!(found[&known[3]], None);
            DatamapChanges { insert: Vec::new(), touch: vec![touched], today: later, outcome: 1 }
        }).await.unwrap();
        assert_eq!((applied.outcome, applied.repeated), (1, false));
        assert_eq!(value(&db, "SELECT modified FROM datamap_nw"), "2026-03-01");
        assert_eq!(value(&db, "SELECT created FROM datamap_nw"), "2026-01-01");
        assert_eq!(store.cleanup_datamap(Quadrant::Nw, later).await.unwrap(), 0);
        assert_eq!(store.cleanup_datamap(Quadrant::Ne, later).await.unwrap(), 1);
        assert_eq!(value(&db, "SELECT COUNT(*) FROM datamap_ne"), "0");
    }
}

on_both! {
    async fn the_whole_grid_is_read_table_by_table(store, db) {
        let mut grids: Vec<Grid> = (0..9000).map(|lon| Grid { lat: 40_000, lon: 6000 + lon }).collect();
        grids.push(Grid::at(-33.868, 151.209));
        let today = day("2026-01-01");
        let new = grids.clone();
        store.update_datamap(&batch("1"), grids.clone(), move |_: &HashMap<_, _>| {
            DatamapChanges { insert: new.clone(), touch: Vec::new(), today, outcome: () }
        }).await.unwrap();
        db.execute(&[
            "INSERT INTO datamap_nw (grid, created) VALUES (x'000228bd0002bebd', '2026-01-01')",
            "INSERT INTO datamap_se (grid, modified) VALUES (x'ffffffffffffffff', '2026-01-01')",
        ]);
        let mut whole = store.whole_datamap().await.unwrap();
        let (mut found, mut tables) = (Vec::new(), Vec::new());
        while let Some(page) = whole.next().await {
            let page = page.unwrap();
            tables.push(page.table);
            found.extend(page.rows);
        }
        assert_eq!(found, grids.into_iter().map(|grid| (grid, today)).collect::<Vec<_>>());
        tables.dedup();
        assert_eq!(tables, [0, 1, 2, 3]);
    }
}
