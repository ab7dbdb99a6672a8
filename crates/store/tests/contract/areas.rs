//! Cell areas and the cells they are made of.

use std::collections::HashMap;

use ichnaea_domain::area::CellArea;
use ichnaea_domain::cell::{AreaKey, Radio};
use ichnaea_domain::station::{RegionCode, Station};
use ichnaea_store::{AreaChanges, Store};

use crate::stations::{area, cell, full, insert};
use crate::{batch, day, on_both, time};

fn full_area() -> CellArea {
    CellArea {
        lat: Some(51.510_000_000_000_005),
        lon: Some(-0.120_000_000_000_000_01),
        created: Some(time("2026-01-31 23:59:59")),
        modified: Some(time("2026-02-01 00:00:00")),
        radius_m: Some(3559),
        region: RegionCode::parse("GB"),
        avg_cell_radius_m: Some(1500),
        num_cells: Some(2),
        last_seen: Some(day("2026-11-21")),
    }
}

const fn nothing() -> AreaChanges<()> {
    AreaChanges { insert: Vec::new(), update: Vec::new(), delete: Vec::new(), outcome: () }
}

type Areas = HashMap<AreaKey, CellArea>;
type Cells = HashMap<AreaKey, Vec<Station>>;

async fn change(store: &Store, id: &str, keys: Vec<AreaKey>, changes: AreaChanges<()>) {
    let applied = store.update_areas(&batch(id), keys, move |_, _| changes.clone()).await.unwrap();
    assert!(!applied.repeated);
}

async fn read(store: &Store, id: &str, keys: Vec<AreaKey>) -> (Areas, Cells) {
    let (answer, rows) = std::sync::mpsc::channel();
    let decide = move |areas: &Areas, cells: &Cells| {
        answer.send((areas.clone(), cells.clone())).unwrap();
        nothing()
    };
    store.update_areas(&batch(id), keys, decide).await.unwrap();
    rows.recv().unwrap()
}

on_both! {
    async fn areas_are_inserted_updated_and_deleted(store, _db) {
        let keys: Vec<AreaKey> = Radio::ALL.map(|radio| area(radio, 65_533)).into();
        let rows: Vec<_> = keys.iter().map(|key| (*key, full_area())).collect();
        change(&store, "1", keys.clone(), AreaChanges { insert: rows.clone(), ..nothing() }).await;
        let (areas, cells) = read(&store, "2", keys.clone()).await;
        assert_eq!(areas, rows.into_iter().collect());
        assert!(cells.is_empty());

        let largest = CellArea {
            radius_m: Some(u32::MAX),
            avg_cell_radius_m: Some(u32::MAX),
            num_cells: Some(u32::MAX),
            ..CellArea::default()
        };
        let changes = AreaChanges {
            update: vec![(keys[0], largest.clone()), (keys[3], CellArea::default())],
            // Deleting what is not there is no error.
            delete: vec![keys[1], keys[2], area(Radio::Gsm, 1), area(Radio::Nr, 1)],
            ..nothing()
        };
        change(&store, "3", keys.clone(), changes).await;
        let (areas, _) = read(&store, "4", keys.clone()).await;
        // This column alone is signed.
        let stored = CellArea { radius_m: Some(i32::MAX.unsigned_abs()), ..largest };
        assert_eq!(areas, [(keys[0], stored), (keys[3], CellArea::default())].into());
    }

    async fn the_positioned_cells_of_each_area_are_read(store, _db) {
        let blocked = Station { lat: None, lon: None, ..full() };
        let with_psc = Station { psc: Some(7), ..full() };
        insert(&store, "1", vec![
            (cell(Radio::Lte, 5, 1), with_psc.clone()),
            (cell(Radio::Lte, 5, 2), full()),
            (cell(Radio::Lte, 5, 3), blocked),
            (cell(Radio::Lte, 6, 4), full()),
            (cell(Radio::Gsm, 5, 5), full()),
            (cell(Radio::Nr, 16_777_213, 1 << 35), full()),
        ]).await;
        let keys = vec![
            area(Radio::Lte, 5),
            area(Radio::Nr, 16_777_213),
            area(Radio::Lte, 5),
            area(Radio::Wcdma, 5),
        ];
        let (areas, cells) = read(&store, "2", keys.clone()).await;
        assert!(areas.is_empty());
        assert_eq!(cells.len(), 2);
        assert_eq!(cells[&keys[0]], [with_psc, full()]);
        assert_eq!(cells[&keys[1]], [full()]);
    }

    async fn hundreds_of_areas_are_one_batch(store, _db) {
        let rows: Vec<_> = (0..250).map(|lac| (cell(Radio::Lte, lac, 1), full())).collect();
        insert(&store, "1", rows).await;
        let keys: Vec<AreaKey> = (0..250).map(|lac| area(Radio::Lte, lac)).collect();
        let (_, cells) = read(&store, "2", keys).await;
        assert_eq!(cells.len(), 250);
    }

    async fn a_repeated_batch_returns_the_stored_outcome(store, _db) {
        let outcome = |text: &'static str| move |_: &Areas, _: &Cells| AreaChanges {
            insert: vec![(area(Radio::Lte, 1), full_area())],
            update: Vec::new(),
            delete: Vec::new(),
            outcome: text.to_owned(),
        };
        let keys = vec![area(Radio::Lte, 1)];
        store.update_areas(&batch("1"), keys.clone(), outcome("first")).await.unwrap();
        let again = store.update_areas(&batch("1"), keys, outcome("second")).await.unwrap();
        assert_eq!((again.outcome.as_str(), again.repeated), ("first", true));
    }
}
