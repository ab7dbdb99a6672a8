//! Stations: the 32 tables of MAC addresses and one table per radio type.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ichnaea_domain::cell::{AreaKey, CellKey, KeyBytes, Radio};
use ichnaea_domain::locate::Found;
use ichnaea_domain::mac::Mac;
use ichnaea_domain::station::{Kind, Shard, Source, Station, StationKey};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Store;
use crate::applied::{Applied, BatchRef};
use crate::area;
use crate::driver::{Lookup, Read, Row, Rows, Value, Write};
use crate::error::{Error, Result};

/// What a rule wants done to stations.
#[derive(Clone, Debug)]
pub struct StationChanges<O> {
    /// New stations.
    pub insert: Vec<(StationKey, Station)>,
    /// Stations that are overwritten as a whole.
    pub update: Vec<(StationKey, Station)>,
    /// What the rule has to say about it; kept with the batch.
    pub outcome: O,
}

/// The columns of every station table, without keys.
const COLUMNS: &str = "max_lat, min_lat, max_lon, min_lon, lat, lon, created, modified, radius, \
                       region, samples, source, weight, last_seen, block_first, block_last, \
                       block_count";

/// What a position is computed from.
const POSITION_COLUMNS: &str = "lat, lon, radius, region, samples, created, modified, last_seen, \
                                block_last, block_count, NULL";

impl Store {
    /// The stations and areas with these keys that have a position, all in one round trip, which several
    /// callers may share.
    ///
    /// Of a station only what a position is computed from is read: no box, weight, source, first
    /// block or scrambling code.
    ///
    /// A database that was not migrated yet has no tables for 5G NR; all others are read then.
    pub async fn stations(&self, keys: &[StationKey], areas: &[AreaKey]) -> Result<Found> {
        match &self.gathering {
            Some(_) if keys.is_empty() && areas.is_empty() => Ok(Found::default()),
            Some(gathering) => gathering.read(self, keys, areas).await,
            None => self.read_stations(keys, areas).await,
        }
    }

    /// The same, for this caller alone.
    pub(crate) async fn read_stations(
        &self,
        keys: &[StationKey],
        areas: &[AreaKey],
    ) -> Result<Found> {
        match self.positions(keys, areas).await {
            Err(Error::OldSchema(_)) if has_nr(keys, areas) => {
                let is_older = |key: &AreaKey| key.radio != Radio::Nr;
                let areas: Vec<_> = areas.iter().filter(|key| is_older(key)).copied().collect();
                let keys: Vec<_> = keys.iter().filter(|key| key.shard() != NR).copied().collect();
                self.positions(&keys, &areas).await
            }
            read => read,
        }
    }

    async fn positions(&self, keys: &[StationKey], areas: &[AreaKey]) -> Result<Found> {
        let shards = by_shard(keys);
        let area_tables = area::by_table(areas);
        let of_stations = shards.iter().map(|(&shard, keys)| {
            lookup(shard, format!("{}, {POSITION_COLUMNS}", key_column(shard)), keys)
        });
        let of_areas = area_tables.iter().map(|(table, keys)| area::position_lookup(table, keys));
        let lookups: Vec<Lookup> = of_stations.chain(of_areas).collect();
        let mut found = Found::default();
        if lookups.is_empty() {
            return Ok(found);
        }
        let mut lists = self.driver.lookup(lookups).await?.into_iter();
        for (&shard, rows) in shards.keys().zip(&mut lists) {
            found.stations.extend(rows.iter().filter_map(|row| positioned(shard, row)));
        }
        for rows in lists {
            found.areas.extend(rows.iter().filter_map(area::positioned));
        }
        Ok(found)
    }

    /// Applies a batch to the stations with these keys: reads and locks the rows, lets the rule
    /// decide, and writes what it says. A batch that was applied before changes nothing.
    pub async fn update_stations<O>(
        &self,
        batch: &BatchRef,
        keys: Vec<StationKey>,
        decide: impl Fn(&HashMap<StationKey, Station>) -> StationChanges<O> + Send + Sync + 'static,
    ) -> Result<Applied<O>>
    where
        O: Serialize + DeserializeOwned + Send + 'static,
    {
        let shards = by_shard(&keys);
        let read = |(&shard, keys): (&Shard, &BTreeSet<KeyBytes>)| {
            Read::Keys(lookup(shard, read_columns(shard), keys))
        };
        let reads = shards.iter().map(read).collect();
        let shards: Vec<Shard> = shards.into_keys().collect();
        let dialect = self.driver.dialect();
        self.apply(batch, reads, move |found| {
            let rows = shards.iter().zip(found);
            let stations = rows
                .flat_map(|(&shard, rows)| rows.iter().filter_map(move |row| station(shard, row)))
                .collect();
            let StationChanges { insert, update, outcome } = decide(&stations);
            let inserts = group(insert).into_iter().map(|(shard, rows)| {
                Write::Rows(Rows { head: insert_head(shard), tail: String::new(), values: rows })
            });
            let updates = group(update).into_iter().map(|(shard, rows)| {
                let tail = dialect.on_conflict_update(key_column(shard), &data_columns(shard));
                Write::Rows(Rows { head: insert_head(shard), tail, values: rows })
            });
            Ok((updates.chain(inserts).collect(), outcome))
        })
        .await
    }
}

/// The shard that the original does not have.
const NR: Shard = Shard::Cell(Radio::Nr);

fn has_nr(keys: &[StationKey], areas: &[AreaKey]) -> bool {
    keys.iter().any(|key| key.shard() == NR) || areas.iter().any(|key| key.radio == Radio::Nr)
}

/// Keys by shard, each once and in order: all transactions lock rows in the same order, so they
/// wait for each other rather than deadlock.
fn by_shard(keys: &[StationKey]) -> BTreeMap<Shard, BTreeSet<KeyBytes>> {
    let mut shards = BTreeMap::<_, BTreeSet<_>>::new();
    for key in keys {
        shards.entry(key.shard()).or_default().insert(key.bytes());
    }
    shards
}

fn lookup(shard: Shard, columns: String, keys: &BTreeSet<KeyBytes>) -> Lookup {
    let keys = keys.iter().copied().collect();
    Lookup { table: shard.table(), key: key_column(shard), columns, keys }
}

pub(crate) const fn key_column(shard: Shard) -> &'static str {
    match shard.kind() {
        Kind::Blue | Kind::Wifi => "mac",
        Kind::Cell => "cellid",
    }
}

pub(crate) fn data_columns(shard: Shard) -> String {
    match shard.kind() {
        Kind::Blue | Kind::Wifi => COLUMNS.to_owned(),
        Kind::Cell => format!("{COLUMNS}, psc"),
    }
}

/// The columns [`station`] expects.
pub(crate) fn read_columns(shard: Shard) -> String {
    format!("{}, {}", key_column(shard), data_columns(shard))
}

pub(crate) fn insert_head(shard: Shard) -> String {
    let keys = match shard.kind() {
        Kind::Blue | Kind::Wifi => "mac",
        Kind::Cell => "cellid, radio, mcc, mnc, lac, cid",
    };
    format!("INSERT INTO {} ({keys}, {})", shard.table(), data_columns(shard))
}

/// The key in the first column. Keys of a shorter kind may come padded from a union of tables.
fn key(shard: Shard, row: &Row) -> Option<StationKey> {
    let bytes = row.bytes(0);
    let mac = || Some(Mac::from_bytes(*bytes.first_chunk::<6>()?));
    match shard {
        Shard::Blue(_) => mac().map(StationKey::Blue),
        Shard::Wifi(_) => mac().map(StationKey::Wifi),
        Shard::Cell(radio) => {
            let len = area::cell_key_len(radio);
            CellKey::decode(bytes.get(..len)?).map(StationKey::Cell)
        }
    }
}

/// A row of [`read_columns`].
pub(crate) fn station(shard: Shard, row: &Row) -> Option<(StationKey, Station)> {
    let station = Station {
        max_lat: row.real(1),
        min_lat: row.real(2),
        max_lon: row.real(3),
        min_lon: row.real(4),
        lat: row.real(5),
        lon: row.real(6),
        created: row.date_time(7),
        modified: row.date_time(8),
        radius_m: row.int(9),
        region: row.region(10),
        samples: row.int(11),
        source: row.int(12).and_then(Source::from_code),
        weight: row.real(13),
        last_seen: row.date(14),
        block_first: row.date(15),
        block_last: row.date(16),
        block_count: row.int(17),
        psc: row.int(18),
    };
    Some((key(shard, row)?, station))
}

/// A row of a key and [`POSITION_COLUMNS`]; `None` without a position.
fn positioned(shard: Shard, row: &Row) -> Option<(StationKey, Station)> {
    let station = Station {
        lat: Some(row.real(1)?),
        lon: Some(row.real(2)?),
        radius_m: row.int(3),
        region: row.region(4),
        samples: row.int(5),
        created: row.date_time(6),
        modified: row.date_time(7),
        last_seen: row.date(8),
        block_last: row.date(9),
        block_count: row.int(10),
        ..Station::default()
    };
    Some((key(shard, row)?, station))
}

/// Changes as rows of [`insert_head`], by shard and in the order of their keys.
fn group(changes: Vec<(StationKey, Station)>) -> BTreeMap<Shard, Vec<Vec<Value>>> {
    let changes: BTreeMap<StationKey, Station> = changes.into_iter().collect();
    let mut shards = BTreeMap::<_, Vec<_>>::new();
    for (key, station) in changes {
        shards.entry(key.shard()).or_default().push(values(key, &station));
    }
    shards
}

pub(crate) fn values(key: StationKey, station: &Station) -> Vec<Value> {
    let mut row = Vec::with_capacity(24);
    row.push(key.bytes().into());
    if let StationKey::Cell(CellKey { area, cid }) = key {
        row.extend(area::key_values(&area));
        row.push(cid.into());
    }
    row.extend([
        station.max_lat.into(),
        station.min_lat.into(),
        station.max_lon.into(),
        station.min_lon.into(),
        station.lat.into(),
        station.lon.into(),
        station.created.into(),
        station.modified.into(),
        station.radius_m.into(),
        station.region.into(),
        station.samples.into(),
        station.source.map(Source::code).into(),
        station.weight.into(),
        station.last_seen.into(),
        station.block_first.into(),
        station.block_last.into(),
        // The column is one byte wide; the original fails at the 256th block.
        station.block_count.map(|count| count.min(255)).into(),
    ]);
    if matches!(key, StationKey::Cell(_)) {
        row.push(station.psc.and_then(|psc| i16::try_from(psc).ok()).map(i32::from).into());
    }
    row
}
