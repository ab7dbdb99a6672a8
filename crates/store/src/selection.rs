//! Stations of whole tables as one moment had them, narrowed by what a file is to hold.

use std::sync::Arc;

use chrono::NaiveDateTime;
use ichnaea_domain::cell::{CellKey, KeyBytes, Radio};
use ichnaea_domain::cell_file::{Network, PublicCell};
use ichnaea_domain::geo::BoundingBox;
use ichnaea_domain::station::{Shard, Station, StationKey};

use crate::Store;
use crate::driver::{Row, Scan, Snapshot, Statement, Value};
use crate::error::Result;
use crate::station;

/// Which stations to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Which tables, in the order in which they are read.
    pub shards: Vec<Shard>,
    /// Only stations with a position.
    pub is_positioned: bool,
    /// Only those changed at this time or later.
    pub since: Option<NaiveDateTime>,
    /// Only those changed before this time.
    pub until: Option<NaiveDateTime>,
    /// Whether the times leave few of the stations, so that these are to be looked for first.
    pub is_short_time: bool,
    /// Only those in one of these boxes; empty for everywhere.
    pub within: Vec<BoundingBox>,
    /// Only cells of these networks; empty for all. Each is read by itself, so they must not
    /// overlap.
    pub networks: Vec<Network>,
    /// Leave out cells that came with an import whose licence does not allow a file without
    /// conditions. A database without the table of such cells has none.
    pub is_public: bool,
}

/// The columns that [`public_cell`] expects.
const PUBLIC_COLUMNS: &str = "cellid, lat, lon, psc, radius, samples, created, modified";

impl Store {
    /// Whole rows of stations, all as they are now, in the order of their keys within a table. The
    /// number of a page is that of its shard, as long as no networks are asked for.
    ///
    /// The tables of 5G NR are left out where they are not there yet.
    pub async fn selected_stations(
        &self,
        selection: &Selection,
    ) -> Result<Snapshot<(StationKey, Station)>> {
        let selection = self.without_what_is_missing(selection).await?;
        let scans = selection.scans(station::read_columns);
        let shards: Vec<Shard> = scans.iter().map(|(shard, _)| *shard).collect();
        let convert = move |table: usize, row: &Row| station::station(*shards.get(table)?, row);
        let scans = scans.into_iter().map(|(_, scan)| scan).collect();
        self.driver.snapshot(scans, Arc::new(convert)).await
    }

    /// What the public file says of cells, otherwise as [`Store::selected_stations`]. Shards of
    /// access points and beacons hold none.
    pub async fn selected_cells(&self, selection: &Selection) -> Result<Snapshot<PublicCell>> {
        let mut cells = self.without_what_is_missing(selection).await?;
        cells.shards.retain(|shard| matches!(shard, Shard::Cell(_)));
        cells.is_positioned = true;
        let scans = cells.scans(|_| PUBLIC_COLUMNS.to_owned());
        let scans = scans.into_iter().map(|(_, scan)| scan).collect();
        self.driver.snapshot(scans, Arc::new(|_, row: &Row| public_cell(row))).await
    }

    async fn without_what_is_missing(&self, selection: &Selection) -> Result<Selection> {
        let is_public = selection.is_public && {
            let text = self.driver.dialect().count_tables();
            let count = Statement::new(text, vec![RESTRICTED.into()]);
            let found = self.driver.query(count).await?;
            found.first().and_then(|row| row.int::<u64>(0)).is_some_and(|count| count > 0)
        };
        Ok(Selection { is_public, ..selection.clone() })
    }
}

/// The table of cells that a public file leaves out.
const RESTRICTED: &str = "restricted_cell";

impl Selection {
    /// One scan a table, or one for each network.
    fn scans(&self, columns: impl Fn(Shard) -> String) -> Vec<(Shard, Scan)> {
        let mut scans = Vec::new();
        for &shard in &self.shards {
            let mut scan = Scan::all(shard.table(), key_of(shard), columns(shard));
            scan.is_optional = shard == Shard::Cell(Radio::Nr);
            scan.filter = self.conditions();
            if let (true, Shard::Cell(_)) = (self.is_public, shard) {
                let table = &scan.table;
                scan.filter.push(Statement::plain(format!(
                    "NOT EXISTS (SELECT 1 FROM {RESTRICTED} \
                     WHERE {RESTRICTED}.cellid = {table}.cellid)"
                )));
            }
            if self.is_short_time {
                scan.index = Some(format!("{}_modified_idx", shard.table()));
            }
            match shard {
                Shard::Cell(radio) if !self.networks.is_empty() => {
                    for network in &self.networks {
                        let mut scan = scan.clone();
                        scan.filter.extend(between(network.keys(radio)));
                        scans.push((shard, scan));
                    }
                }
                _ => scans.push((shard, scan)),
            }
        }
        scans
    }

    fn conditions(&self) -> Vec<Statement> {
        let mut conditions = Vec::new();
        if self.is_positioned {
            conditions.push(Statement::plain("lat IS NOT NULL AND lon IS NOT NULL"));
        }
        if let Some(since) = self.since {
            conditions.push(Statement::new("modified >= ?", vec![since.into()]));
        }
        if let Some(until) = self.until {
            conditions.push(Statement::new("modified < ?", vec![until.into()]));
        }
        if !self.within.is_empty() {
            let one = "(lat BETWEEN ? AND ? AND lon BETWEEN ? AND ?)";
            let any = vec![one; self.within.len()].join(" OR ");
            let edges = |within: &BoundingBox| {
                [within.min_lat, within.max_lat, within.min_lon, within.max_lon].map(Value::from)
            };
            let edges = self.within.iter().flat_map(edges).collect();
            conditions.push(Statement::new(format!("({any})"), edges));
        }
        conditions
    }
}

const fn key_of(shard: Shard) -> &'static [&'static str] {
    match shard {
        Shard::Cell(_) => &["cellid"],
        Shard::Blue(_) | Shard::Wifi(_) => &["mac"],
    }
}

fn between((first, last): (KeyBytes, KeyBytes)) -> [Statement; 1] {
    [Statement::new("cellid BETWEEN ? AND ?", vec![first.into(), last.into()])]
}

fn public_cell(row: &Row) -> Option<PublicCell> {
    Some(PublicCell {
        key: CellKey::decode(row.bytes(0))?,
        lat: row.real(1)?,
        lon: row.real(2)?,
        psc: row.int(3),
        radius_m: row.int(4).unwrap_or(0),
        samples: row.int(5).unwrap_or(0),
        created: row.date_time(6),
        modified: row.date_time(7),
    })
}
