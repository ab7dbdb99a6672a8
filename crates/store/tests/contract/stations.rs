//! Reading and writing stations.

use std::collections::HashMap;

use ichnaea_domain::area::CellArea;
use ichnaea_domain::cell::{AreaKey, CellKey, Radio};
use ichnaea_domain::mac::Mac;
use ichnaea_domain::station::{RegionCode, Source, Station, StationKey};
use ichnaea_store::{Applied, AreaChanges, StationChanges, Store};
use proptest::strategy::{Strategy as _, ValueTree as _};

use crate::{batch, day, on_both, time, value};

pub(crate) fn wifi(number: u32) -> StationKey {
    StationKey::Wifi(mac(number))
}

fn blue(number: u32) -> StationKey {
    StationKey::Blue(mac(number))
}

/// Addresses with neighbouring numbers fall into different shards.
fn mac(number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac::from_bytes([0x02, 0x34, d << 4 | 5, a, b | c, d])
}

pub(crate) fn cell(radio: Radio, lac: u32, cid: u64) -> StationKey {
    StationKey::Cell(CellKey { area: area(radio, lac), cid })
}

pub(crate) fn area(radio: Radio, lac: u32) -> AreaKey {
    AreaKey { radio, mcc: 234, mnc: 30, lac }
}

/// A station with a value of its own in every column.
pub(crate) fn full() -> Station {
    Station {
        max_lat: Some(51.501),
        min_lat: Some(51.499),
        max_lon: Some(-0.099),
        min_lon: Some(-0.101),
        lat: Some(51.500_000_000_000_1),
        lon: Some(-0.1),
        created: Some(time("2026-01-31 23:59:59")),
        modified: Some(time("2026-02-01 00:00:00")),
        radius_m: Some(38),
        region: RegionCode::parse("GB"),
        samples: Some(12),
        source: Some(Source::Query),
        weight: Some(4.5),
        last_seen: Some(day("2026-02-02")),
        block_first: Some(day("2025-02-03")),
        block_last: Some(day("2025-02-04")),
        block_count: Some(2),
        psc: None,
    }
}

pub(crate) async fn insert(store: &Store, id: &str, rows: Vec<(StationKey, Station)>) {
    let keys = rows.iter().map(|(key, _)| *key).collect();
    let decide = move |_: &HashMap<_, _>| StationChanges {
        insert: rows.clone(),
        update: Vec::new(),
        outcome: (),
    };
    let applied = store.update_stations(&batch(id), keys, decide).await.unwrap();
    assert!(!applied.repeated);
}

/// The whole rows of these stations.
pub(crate) async fn read(
    store: &Store,
    id: &str,
    keys: Vec<StationKey>,
) -> HashMap<StationKey, Station> {
    let (answer, rows) = std::sync::mpsc::channel();
    let decide = move |found: &HashMap<_, _>| {
        answer.send(found.clone()).unwrap();
        StationChanges { insert: Vec::new(), update: Vec::new(), outcome: () }
    };
    store.update_stations(&batch(id), keys, decide).await.unwrap();
    rows.recv().unwrap()
}

on_both! {
    async fn every_column_comes_back_as_it_was_written(store, _db) {
        let with_psc = |psc| Station { psc: Some(psc), ..full() };
        let rows = vec![
            (wifi(1), full()),
            (blue(1), Station::default()),
            (cell(Radio::Gsm, 1, 2), with_psc(0)),
            (cell(Radio::Wcdma, 65_533, 268_435_455), with_psc(511)),
            (cell(Radio::Lte, 3, 0), Station::default()),
            (cell(Radio::Nr, 0xFF_FFFD, (1 << 36) - 1), with_psc(1007)),
        ];
        insert(&store, "1", rows.clone()).await;
        let keys = rows.iter().map(|(key, _)| *key).collect();
        assert_eq!(read(&store, "2", keys).await, rows.into_iter().collect());
    }

    async fn callers_that_ask_at_the_same_moment_each_get_their_own(store, _db) {
        let nr = |number: u32| cell(Radio::Nr, 1, number.into());
        let station = |number: u32| Station { samples: Some(number), ..full() };
        let rows: Vec<_> =
            (1..=400).flat_map(|n| [(wifi(n), station(n)), (nr(n), station(n))]).collect();
        insert(&store, "1", rows).await;
        let ask = |number: u32| {
            let store = store.clone();
            // The last hundred exist nowhere, and the areas of none.
            let keys = [wifi(number), nr(number), wifi(number + 1)];
            tokio::spawn(async move { store.stations(&keys, &[area(Radio::Lte, number)]).await })
        };
        let callers: Vec<_> = (1..=500).map(ask).collect();
        for (number, caller) in (1..).zip(callers) {
            let found = caller.await.unwrap().unwrap();
            let mut samples: Vec<_> =
                found.stations.iter().map(|(key, station)| (*key, station.samples)).collect();
            samples.sort();
            let mut expected = vec![
                (wifi(number), Some(number)),
                (nr(number), Some(number)),
                (wifi(number + 1), Some(number + 1)),
            ];
            expected.retain(|(_, samples)| *samples <= Some(400));
            expected.sort();
            assert_eq!(samples, expected, "{number}");
            assert!(found.areas.is_empty(), "{number}");
        }
    }

    async fn the_largest_numbers_fit(store, db) {
        let station = Station {
            radius_m: Some(u32::MAX),
            samples: Some(u32::MAX),
            weight: Some(1e9),
            lat: Some(-85.051),
            lon: Some(180.0),
            block_count: Some(255),
            ..full()
        };
        insert(&store, "1", vec![(wifi(1), station.clone())]).await;
        assert_eq!(read(&store, "2", vec![wifi(1)]).await[&wifi(1)], station);
        let beyond = Station { block_count: Some(256), ..station.clone() };
        let decide = move |_: &HashMap<_, _>| StationChanges {
            insert: Vec::new(),
            update: vec![(wifi(1), beyond.clone())],
            outcome: (),
        };
        store.update_stations(&batch("3"), vec![wifi(1)], decide).await.unwrap();
        let StationKey::Wifi(mac) = wifi(1) else { unreachable!() };
        let query = format!("SELECT block_count FROM wifi_shard_{}", mac.shard().name());
        assert_eq!(value(&db, &query), "255");
    }

    async fn what_is_no_finite_number_is_stored_as_missing(store, db) {
        let odd = Station { lat: Some(f64::NAN), weight: Some(f64::INFINITY), ..full() };
        insert(&store, "1", vec![(cell(Radio::Lte, 1, 1), odd)]).await;
        assert_eq!(value(&db, "SELECT lat FROM cell_lte"), "NULL");
        assert_eq!(value(&db, "SELECT weight FROM cell_lte"), "NULL");
    }

    async fn cells_have_their_key_in_columns_too(store, db) {
        insert(&store, "1", vec![(cell(Radio::Nr, 70_000, 1 << 35), full())]).await;
        insert(&store, "2", vec![(cell(Radio::Wcdma, 7, 9), full())]).await;
        let row = &db.rows("SELECT radio, mcc, mnc, lac, cid FROM cell_nr")[0];
        let row: Vec<_> = row.iter().flatten().map(String::as_str).collect();
        assert_eq!(row, ["5", "234", "30", "70000", "34359738368"]);
        let row = &db.rows("SELECT radio, mcc, mnc, lac, cid, HEX(cellid) FROM cell_wcdma")[0];
        let row: Vec<_> = row.iter().flatten().map(String::as_str).collect();
        assert_eq!(row, ["2", "234", "30", "7", "9", "0200EA001E000700000009"]);
    }

    async fn one_look_up_reads_all_shards_kinds_and_areas(store, _db) {
        let numbers = 0..64;
        let keys: Vec<StationKey> = numbers.clone().map(wifi).chain(numbers.map(blue))
            .chain(Radio::ALL.map(|radio| cell(radio, 5, 1)))
            .collect();
        insert(&store, "1", keys.iter().map(|key| (*key, full())).collect()).await;
        let areas: Vec<AreaKey> = Radio::ALL.map(|radio| area(radio, 5)).into();
        let row = CellArea {
            lat: Some(51.5),
            lon: Some(-0.1),
            radius_m: Some(3559),
            avg_cell_radius_m: Some(1500),
            num_cells: Some(2),
            region: RegionCode::parse("GB"),
            created: Some(time("2026-01-01 00:00:01")),
            modified: Some(time("2026-01-02 00:00:02")),
            last_seen: Some(day("2026-01-03")),
        };
        let new: Vec<_> = areas.iter().map(|key| (*key, row.clone())).collect();
        let decide = move |_: &HashMap<_, _>, _: &HashMap<_, _>| AreaChanges {
            insert: new.clone(),
            update: Vec::new(),
            delete: Vec::new(),
            outcome: (),
        };
        store.update_areas(&batch("2"), areas.clone(), decide).await.unwrap();

        let mut asked = keys.clone();
        // Unknown stations and repeated keys do no harm.
        asked.extend([wifi(1000), blue(1000), cell(Radio::Lte, 5, 2), wifi(1), wifi(1)]);
        let found = store.stations(&asked, &areas).await.unwrap();
        assert_eq!(found.stations.len(), keys.len());
        let seen = Station {
            max_lat: None,
            min_lat: None,
            max_lon: None,
            min_lon: None,
            weight: None,
            source: None,
            block_first: None,
            ..full()
        };
        for key in &keys {
            assert_eq!(found.stations[key], seen, "{key:?}");
        }
        assert_eq!(found.areas, areas.iter().map(|key| (*key, row.clone())).collect());
        let nothing = store.stations(&[], &[]).await.unwrap();
        assert!(nothing.stations.is_empty() && nothing.areas.is_empty());
    }

    async fn only_what_has_a_position_is_found(store, _db) {
        let blocked = Station { lat: None, lon: None, ..full() };
        let half = Station { lon: None, ..full() };
        insert(&store, "1", vec![(wifi(1), blocked), (wifi(2), half), (wifi(3), full())]).await;
        let found = store.stations(&[wifi(1), wifi(2), wifi(3)], &[]).await.unwrap();
        assert_eq!(found.stations.into_keys().collect::<Vec<_>>(), [wifi(3)]);
    }

    async fn thousands_of_keys_are_written_and_found(store, _db) {
        let keys: Vec<_> = (0..2500).map(|number| cell(Radio::Lte, number % 7, number.into())).collect();
        insert(&store, "1", keys.iter().map(|key| (*key, full())).collect()).await;
        assert_eq!(store.stations(&keys, &[]).await.unwrap().stations.len(), 2500);
        assert_eq!(read(&store, "2", keys).await.len(), 2500);
    }

    async fn odd_values_in_a_row_read_as_missing(store, db) {
        insert(&store, "1", vec![(cell(Radio::Lte, 1, 1), full())]).await;
        db.execute(&["UPDATE cell_lte SET region = '??', source = 77, psc = -1"]);
        let found = store.stations(&[cell(Radio::Lte, 1, 1)], &[]).await.unwrap();
        let station = &found.stations[&cell(Radio::Lte, 1, 1)];
        assert_eq!((station.region, station.radius_m), (None, Some(38)));
        let whole = read(&store, "2", vec![cell(Radio::Lte, 1, 1)]).await;
        let station = &whole[&cell(Radio::Lte, 1, 1)];
        assert_eq!((station.source, station.psc, station.region), (None, None, None));
    }

    async fn a_batch_inserts_and_updates_and_says_what_it_did(store, _db) {
        insert(&store, "1", vec![(wifi(1), full()), (wifi(2), full())]).await;
        let decide = |found: &HashMap<StationKey, Station>| {
            let moved = Station { lat: Some(48.0), ..found[&wifi(1)].clone() };
            StationChanges {
                insert: vec![(wifi(3), Station::default()), (blue(3), full())],
                update: vec![(wifi(1), moved)],
                outcome: format!("{} known", found.len()),
            }
        };
        let keys = vec![wifi(3), wifi(2), wifi(1), blue(3)];
        let applied: Applied<String> =
            store.update_stations(&batch("2"), keys.clone(), decide).await.unwrap();
        assert_eq!(
            applied,
            Applied { outcome: "2 known".to_owned(), repeated: false, lock_errors: Vec::new() }
        );
        let rows = read(&store, "3", keys).await;
        assert_eq!(rows[&wifi(1)], Station { lat: Some(48.0), ..full() });
        assert_eq!(rows[&wifi(2)], full());
        assert_eq!(rows[&wifi(3)], Station::default());
        assert_eq!(rows[&blue(3)], full());
    }

    async fn doubles_come_back_bit_for_bit(store, _db) {
        let numbers = proptest::collection::vec(
            (-90.0..90.0, -180.0..180.0, proptest::num::f64::NORMAL),
            200,
        );
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let numbers = numbers.new_tree(&mut runner).unwrap().current();
        let rows: Vec<(StationKey, Station)> = (0..).zip(numbers).map(|(number, (lat, lon, any))| {
            (
                cell(Radio::Lte, 1, number),
                Station { lat: Some(lat), lon: Some(lon), weight: Some(any), ..full() },
            )
        }).collect();
        insert(&store, "1", rows.clone()).await;
        let keys: Vec<StationKey> = rows.iter().map(|(key, _)| *key).collect();
        assert_eq!(read(&store, "2", keys.clone()).await, rows.iter().cloned().collect());
        let found = store.stations(&keys, &[]).await.unwrap().stations;
        for (key, station) in rows {
            assert_eq!(found[&key].position(), station.position());
        }
    }
}
