//! Daily totals and regional figures.

use ichnaea_domain::cell::Radio;
use ichnaea_domain::station::{RegionCode, Station};
use ichnaea_domain::stats::{RegionStat, StatKey, StatRow};
use ichnaea_store::{StatChanges, Store};

use crate::stations::{cell, full, insert, wifi};
use crate::{batch, day, on_both, value};

fn stat(key: StatKey, text: &str, value: u64) -> StatRow {
    StatRow { key, day: day(text), value }
}

async fn read(store: &Store, id: &str, today: &str) -> Vec<StatRow> {
    let (answer, rows) = std::sync::mpsc::channel();
    let decide = move |found: &[StatRow]| {
        answer.send(found.to_vec()).unwrap();
        StatChanges { insert: Vec::new(), update: Vec::new(), outcome: () }
    };
    store.update_stats(&batch(id), day(today), decide).await.unwrap();
    rows.recv().unwrap()
}

fn region(code: &str, figures: [u64; 6]) -> RegionStat {
    let [gsm, wcdma, lte, nr, blue, wifi] = figures;
    RegionStat { region: RegionCode::parse(code).unwrap(), gsm, wcdma, lte, nr, blue, wifi }
}

on_both! {
    async fn the_newest_four_days_and_all_later_ones_of_each_key_are_read(store, db) {
        let rows: Vec<StatRow> = (1..=6)
            .flat_map(|number| {
                let text = format!("2026-01-0{number}");
                [stat(StatKey::Cell, &text, number), stat(StatKey::UniqueBlue, &text, 10 * number)]
            })
            .collect();
        let insert = rows.clone();
        store.update_stats(&batch("1"), day("2026-01-06"), move |found| {
            assert!(found.is_empty());
            StatChanges { insert: insert.clone(), update: Vec::new(), outcome: () }
        }).await.unwrap();
        // Keys of older releases may still be there.
        db.execute(&["INSERT INTO stat (`key`, `time`, `value`) VALUES (0, '2026-01-01', 5)"]);
        let seen = read(&store, "2", "2026-01-05").await;
        let expected: Vec<StatRow> = [StatKey::Cell, StatKey::UniqueBlue].into_iter()
            .flat_map(|key| {
                let factor = if key == StatKey::Cell { 1 } else { 10 };
                (2..=5).rev().chain([6]).map(move |n| stat(key, &format!("2026-01-0{n}"), factor * n))
            })
            .collect();
        assert_eq!(seen, expected);
    }

    async fn totals_are_inserted_updated_and_forgotten(store, db) {
        let large = u64::from(u32::MAX) + 1;
        store.update_stats(&batch("1"), day("2026-01-02"), move |_| StatChanges {
            insert: vec![stat(StatKey::Wifi, "2026-01-01", 1), stat(StatKey::Wifi, "2026-01-02", large)],
            update: Vec::new(),
            outcome: (),
        }).await.unwrap();
        let update = |_: &[StatRow]| StatChanges {
            insert: Vec::new(),
            update: vec![stat(StatKey::Wifi, "2026-01-01", 7)],
            outcome: "done".to_owned(),
        };
        assert!(!store.update_stats(&batch("2"), day("2026-01-02"), update).await.unwrap().repeated);
        assert!(store.update_stats(&batch("2"), day("2026-01-02"), update).await.unwrap().repeated);
        assert_eq!(read(&store, "3", "2026-01-02").await, [
            stat(StatKey::Wifi, "2026-01-02", large),
            stat(StatKey::Wifi, "2026-01-01", 7),
        ]);
        assert_eq!(store.cleanup_stat(day("2026-01-02")).await.unwrap(), 1);
        assert_eq!(value(&db, "SELECT COUNT(*) FROM stat"), "1");
    }

    async fn the_newest_totals_and_those_of_a_day_are_read(store, db) {
        assert_eq!(store.newest_stats(day("2026-01-31")).await.unwrap(), []);
        db.execute(&["INSERT INTO stat (`key`, `time`, `value`) VALUES \
             (1, '2026-01-30', 5), (1, '2026-01-31', 6), (1, '2026-02-01', 7), \
             (4, '2025-01-01', 8), (4, '2025-01-02', NULL), (5, '2026-01-31', 9)"]);
        let mut found = store.newest_stats(day("2026-01-31")).await.unwrap();
        found.sort_by_key(|row| (row.key, row.day));
        assert_eq!(found, [
            stat(StatKey::Cell, "2026-01-31", 6),
            stat(StatKey::Cell, "2026-02-01", 7),
            stat(StatKey::UniqueWifi, "2025-01-02", 0),
        ]);
    }

    async fn the_totals_since_a_day_are_read_in_their_order(store, db) {
        db.execute(&["INSERT INTO stat (`key`, `time`, `value`) VALUES \
             (2, '2026-01-31', 6), (2, '2026-01-29', 4), (2, '2026-01-30', 5), (3, '2026-01-31', 9)"]);
        assert_eq!(store.stats_since(StatKey::UniqueCell, day("2026-01-30")).await.unwrap(), [
            stat(StatKey::UniqueCell, "2026-01-30", 5),
            stat(StatKey::UniqueCell, "2026-01-31", 6),
        ]);
        assert_eq!(store.stats_since(StatKey::Blue, day("2026-01-30")).await.unwrap(), []);
    }

    async fn regional_figures_are_read_by_code(store, db) {
        db.execute(&["INSERT INTO region_stat (region, gsm, wcdma, lte, nr, blue, wifi) VALUES \
             ('GB', 1, 2, 3, 4, 5, 6), ('DE', NULL, NULL, NULL, NULL, NULL, NULL)"]);
        let found = store.region_stats().await.unwrap();
        assert_eq!(found, [region("DE", [0; 6]), region("GB", [1, 2, 3, 4, 5, 6])]);
        // As the original has the table.
        db.execute(&["ALTER TABLE region_stat DROP COLUMN nr"]);
        let found = store.region_stats().await.unwrap();
        assert_eq!(found[1], region("GB", [1, 2, 3, 0, 5, 6]));
    }

    async fn regions_are_counted_by_areas_and_by_rows(store, db) {
        let in_region = |code: Option<&str>| Station {
            region: code.and_then(RegionCode::parse),
            lat: None,
            lon: None,
            ..full()
        };
        insert(&store, "1", vec![
            (wifi(1), in_region(Some("GB"))),
            (wifi(2), in_region(Some("GB"))),
            (wifi(3), in_region(Some("FR"))),
            (wifi(4), in_region(None)),
            // Cells are counted by their areas only.
            (cell(Radio::Lte, 1, 1), in_region(Some("DE"))),
        ]).await;
        db.execute(&[
            "INSERT INTO cell_area (areaid, radio, mcc, mnc, lac, region, num_cells) VALUES \
             (X'0000EA001E0001', 0, 234, 30, 1, 'GB', 3), \
             (X'0000EA001E0002', 0, 234, 30, 2, 'GB', 4), \
             (X'0200EA001E0002', 2, 234, 30, 2, NULL, 5), \
             (X'0300EA001E0002', 3, 234, 30, 2, 'BE', NULL)",
            "INSERT INTO cell_area_nr (areaid, radio, mcc, mnc, lac, region, num_cells) VALUES \
             (X'0500EA001E00000001', 5, 234, 30, 1, 'FR', 9)",
        ]);
        let totals = store.region_totals().await.unwrap();
        assert_eq!(totals, [
            region("BE", [0; 6]),
            region("FR", [0, 0, 0, 9, 0, 1]),
            region("GB", [7, 0, 0, 0, 0, 2]),
        ]);
    }

    async fn regional_figures_are_replaced(store, db) {
        let large = u64::from(u32::MAX) + 5;
        store.replace_region_stats(&[
            region("DE", [1, 2, 3, 4, 5, 6]),
            region("FR", [large; 6]),
        ]).await.unwrap();
        store.replace_region_stats(&[
            region("FR", [large; 6]),
            region("GB", [7; 6]),
        ]).await.unwrap();
        let rows = db.rows("SELECT region, gsm, nr, blue, wifi FROM region_stat ORDER BY region");
        let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().flatten().map(String::as_str).collect()).collect();
        assert_eq!(rows, [
            vec!["FR", "4294967295", "4294967300", "4294967300", "4294967300"],
            vec!["GB", "7", "7", "7", "7"],
        ]);
    }
}
