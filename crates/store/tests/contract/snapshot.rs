//! Snapshots: the rows of one moment, page by page.

use std::time::{Duration, Instant};

use ichnaea_domain::cell::Radio;
use ichnaea_domain::cell_file::Network;
use ichnaea_domain::geo::BoundingBox;
use ichnaea_domain::station::{Shard, Station, StationKey};
use ichnaea_store::{Error, Page, Selection, Snapshot, Store};
use ichnaea_testkit::Backend;
use ichnaea_testkit::database::rows_of_file;

use crate::stations::{cell, full, insert, wifi};
use crate::{migrated, on_both, time};

const GSM: Shard = Shard::Cell(Radio::Gsm);

fn of(shards: &[Shard]) -> Selection {
    Selection { shards: shards.to_vec(), ..Selection::default() }
}

/// A page more than is read ahead of a reader that has taken one: two that wait, and one that is
/// being handed over.
const MANY: u64 = 17_000;

async fn insert_many(store: &Store) {
    let keys = (0..MANY).map(|cid| cell(Radio::Gsm, 1, cid));
    insert(store, "many", keys.map(|key| (key, full())).collect()).await;
}

async fn pages<T>(snapshot: &mut Snapshot<T>) -> Vec<Page<T>> {
    let mut pages = Vec::new();
    while let Some(page) = snapshot.next().await {
        pages.push(page.unwrap());
    }
    pages
}

pub(crate) async fn keys(store: &Store, selection: &Selection) -> Vec<StationKey> {
    let pages = pages(&mut store.selected_stations(selection).await.unwrap()).await;
    pages.into_iter().flat_map(|page| page.rows).map(|(key, _)| key).collect()
}

on_both! {
    async fn a_snapshot_shows_the_rows_of_its_moment_whatever_is_written_meanwhile(store, db) {
        insert_many(&store).await;
        let mut snapshot = store.selected_stations(&of(&[GSM, Shard::Cell(Radio::Lte)])).await.unwrap();
        db.execute(&[
            "UPDATE cell_gsm SET samples = 99",
            "DELETE FROM cell_gsm WHERE cid >= 10000",
        ]);
        insert(&store, "later", vec![(cell(Radio::Lte, 1, 1), full())]).await;
        let pages = pages(&mut snapshot).await;
        assert!(pages.iter().all(|page| page.rows.len() <= 4096));
        let rows: Vec<_> = pages.iter().flat_map(|page| &page.rows).collect();
        assert_eq!(rows.len() as u64, MANY);
        for (number, (key, station)) in (0..).zip(rows) {
            assert_eq!(*key, cell(Radio::Gsm, 1, number));
            assert_eq!(*station, full());
        }
        // A table without rows has its page too.
        assert_eq!(pages.iter().map(|page| page.table).max(), Some(1));
        assert_eq!(keys(&store, &of(&[GSM, Shard::Cell(Radio::Lte)])).await.len(), 10_001);
    }

    async fn an_open_snapshot_is_in_nobodys_way(store, _db) {
        insert_many(&store).await;
        let mut open = Vec::new();
        for _ in 0..12 {
            open.push(store.selected_stations(&of(&[GSM])).await.unwrap());
        }
        let key = cell(Radio::Gsm, 1, 7);
        assert_eq!(store.stations(&[key], &[]).await.unwrap().stations.len(), 1);
        insert(&store, "beside", vec![(wifi(1), full())]).await;
        for snapshot in &mut open {
            let read: usize = pages(snapshot).await.iter().map(|page| page.rows.len()).sum();
            assert_eq!(read as u64, MANY);
        }
    }

    async fn every_kind_of_narrowing_finds_its_rows(store, _db) {
        let at = |lat, lon| Station { lat: Some(lat), lon: Some(lon), ..full() };
        let changed = |text| Station { modified: Some(time(text)), ..full() };
        insert(&store, "1", vec![
            (cell(Radio::Gsm, 1, 1), at(51.5, -0.1)),
            (cell(Radio::Gsm, 1, 2), at(-17.0, 179.9)),
            (cell(Radio::Gsm, 1, 3), at(-17.0, -179.9)),
            (cell(Radio::Gsm, 1, 4), Station { lat: None, lon: None, ..full() }),
            (cell(Radio::Lte, 1, 1), changed("2026-02-01 10:59:59")),
            (cell(Radio::Lte, 1, 2), changed("2026-02-01 11:00:00")),
            (cell(Radio::Lte, 1, 3), changed("2026-02-01 11:59:59")),
            (cell(Radio::Lte, 1, 4), changed("2026-02-01 12:00:00")),
            (cell(Radio::Lte, 1, 5), Station { modified: None, ..full() }),
            (cell(Radio::Nr, 0xFF_FFFD, (1 << 36) - 1), full()),
        ]).await;
        let cids = |keys: Vec<StationKey>| -> Vec<u64> {
            keys.iter().filter_map(|key| match key {
                StationKey::Cell(key) => Some(key.cid),
                StationKey::Blue(_) | StationKey::Wifi(_) => None,
            }).collect()
        };
        let lte = of(&[Shard::Cell(Radio::Lte)]);
        let (eleven, twelve) = (Some(time("2026-02-01 11:00:00")), Some(time("2026-02-01 12:00:00")));
        let fiji = [(179.0, 180.0), (-180.0, -179.0)].map(|(min_lon, max_lon)| {
            BoundingBox { min_lat: -18.0, max_lat: -17.0, min_lon, max_lon }
        });
        let of_all = of(&Radio::ALL.map(Shard::Cell));
        let network = |mcc, mnc| Selection { networks: vec![Network { mcc, mnc }], ..of_all.clone() };
        for (selection, expected) in [
            (of(&[GSM]), &[1, 2, 3, 4][..]),
            (Selection { is_positioned: true, ..of(&[GSM]) }, &[1, 2, 3]),
            (Selection { within: fiji.to_vec(), ..of(&[GSM]) }, &[2, 3]),
            (Selection { within: fiji[..1].to_vec(), ..of(&[GSM]) }, &[2]),
            (Selection { since: eleven, until: twelve, ..lte.clone() }, &[2, 3]),
            (Selection { since: eleven, until: twelve, is_short_time: true, ..lte.clone() }, &[2, 3]),
            (Selection { since: twelve, ..lte.clone() }, &[4]),
            (Selection { until: eleven, ..lte.clone() }, &[1]),
            (network(234, None), &[1, 2, 3, 4, 1, 2, 3, 4, 5, (1 << 36) - 1]),
            (network(234, Some(30)), &[1, 2, 3, 4, 1, 2, 3, 4, 5, (1 << 36) - 1]),
            (network(234, Some(29)), &[]),
            (network(234, Some(31)), &[]),
            (network(233, None), &[]),
            (network(235, None), &[]),
            (Selection::default(), &[]),
        ] {
            assert_eq!(cids(keys(&store, &selection).await), expected, "{selection:?}");
        }
        let public = pages(&mut store.selected_cells(&of_all).await.unwrap()).await;
        let public: Vec<_> = public.into_iter().flat_map(|page| page.rows).collect();
        assert_eq!(public.len(), 9);
        assert_eq!(StationKey::Cell(public[0].key), cell(Radio::Gsm, 1, 1));
        assert_eq!((public[0].lat, public[0].lon), (51.5, -0.1));
        assert_eq!((public[0].radius_m, public[0].samples, public[0].psc), (38, 12, None));
        assert_eq!((public[0].created, public[0].modified), (full().created, full().modified));
    }

    async fn a_public_file_leaves_restricted_cells_out(store, db) {
        let keys = [cell(Radio::Gsm, 1, 1), cell(Radio::Gsm, 1, 2), cell(Radio::Nr, 1, 1), cell(Radio::Nr, 1, 2)];
        insert(&store, "1", keys.map(|key| (key, full())).to_vec()).await;
        for key in [keys[0], keys[3]] {
            let key = key.bytes().hex();
            db.execute(&[&format!("INSERT INTO restricted_cell (cellid, import_id) VALUES (X'{key}', 1)")]);
        }
        let all = of(&[GSM, Shard::Cell(Radio::Nr)]);
        let public = Selection { is_public: true, ..all.clone() };
        let of_an_hour = Selection { since: full().modified, is_short_time: true, ..public.clone() };
        assert_eq!(crate::snapshot::keys(&store, &all).await.len(), 4);
        assert_eq!(crate::snapshot::keys(&store, &public).await, [keys[1], keys[2]]);
        assert_eq!(crate::snapshot::keys(&store, &of_an_hour).await, [keys[1], keys[2]]);
        db.execute(&["DROP TABLE restricted_cell"]);
        assert_eq!(crate::snapshot::keys(&store, &public).await.len(), 4);
    }

    async fn only_the_tables_of_5g_may_be_missing(store, db) {
        insert(&store, "1", vec![(cell(Radio::Gsm, 1, 1), full())]).await;
        db.execute(&["DROP TABLE cell_nr"]);
        assert_eq!(keys(&store, &of(&[Shard::Cell(Radio::Nr), GSM])).await.len(), 1);
        db.execute(&["DROP TABLE cell_gsm"]);
        let mut snapshot = store.selected_stations(&of(&[GSM])).await.unwrap();
        let failure = snapshot.next().await.unwrap();
        assert!(matches!(failure, Err(Error::OldSchema(_))), "{failure:?}");
        assert!(snapshot.next().await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_a_snapshot_ends_with_its_reader() {
    let (store, db) = migrated(Backend::Server).await;
    insert_many(&store).await;
    let mut snapshot = store.selected_stations(&of(&[GSM])).await.unwrap();
    assert!(snapshot.next().await.unwrap().is_ok());
    drop(snapshot);
    // Waits for as long as a transaction has the table in use.
    db.execute(&["SET STATEMENT lock_wait_timeout = 20 FOR DROP TABLE cell_gsm"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_snapshot_ends_with_its_reader() {
    let (store, db) = migrated(Backend::Embedded).await;
    insert_many(&store).await;
    let mut snapshot = store.selected_stations(&of(&[GSM])).await.unwrap();
    assert!(snapshot.next().await.unwrap().is_ok());
    // As long as it is open the log cannot be begun again.
    insert(&store, "beside", vec![(wifi(1), full())]).await;
    let file = std::path::Path::new(db.uri.trim_start_matches("sqlite:"));
    let is_busy =
        || rows_of_file(file, "PRAGMA wal_checkpoint(RESTART)")[0][0].as_deref() == Some("1");
    assert!(is_busy());
    drop(snapshot);
    let started = Instant::now();
    while is_busy() {
        assert!(started.elapsed() < Duration::from_secs(20), "the snapshot is still open");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_whose_server_goes_away_ends_with_an_error() {
    let (store, db) = migrated(Backend::Server).await;
    insert_many(&store).await;
    let uri = db.reader_uri();
    let mut snapshot = crate::open(&uri).selected_stations(&of(&[GSM])).await.unwrap();
    assert!(snapshot.next().await.unwrap().is_ok());
    let account = uri.rsplit('/').next().unwrap();
    db.execute(&[&format!("KILL CONNECTION USER '{account}'")]);
    let mut last = None;
    while let Some(page) = snapshot.next().await {
        last = Some(page);
    }
    let failure = last.map(|page| page.map(|page| page.rows.len()));
    assert!(matches!(failure, Some(Err(Error::Unavailable(_)))), "{failure:?}");
}

#[tokio::test]
async fn a_snapshot_of_nothing_that_can_be_reached_is_not_opened() {
    let away = crate::open("mysql://root@127.0.0.1:1/x").selected_stations(&of(&[GSM])).await;
    assert!(matches!(away, Err(Error::Unavailable(_))), "{away:?}");
    let nowhere = crate::open("sqlite:/nowhere/at/all.db").selected_stations(&of(&[GSM])).await;
    assert!(matches!(nowhere, Err(Error::Unavailable(_))), "{nowhere:?}");
    let memory = crate::open("sqlite::memory:").selected_stations(&of(&[GSM])).await;
    assert!(matches!(memory, Err(Error::Broken(_))), "{memory:?}");
}
