//! Demonstration data: invented stations in a few cities.
//!
//! Nothing here exists. Access points have locally administered addresses (`02:…`), cells belong
//! to network 999 of their country, and positions follow a spiral around a well-known square. The
//! streets around and the totals of the year before are there for the map and the statistics.

mod history;
mod streets;

use std::collections::{BTreeSet, HashMap};

use chrono::{Days, NaiveDateTime};
use ichnaea_domain::area;
use ichnaea_domain::cell::{AreaKey, CellKey, Radio};
use ichnaea_domain::datamap::{self, Grid, Quadrant};
use ichnaea_domain::geo;
use ichnaea_domain::mac::Mac;
use ichnaea_domain::station::{Source, Station, StationKey};
use ichnaea_store::{AreaChanges, BatchRef, DatamapChanges, StatChanges, StationChanges};

use crate::context::Context;

/// Access points in every city.
const ACCESS_POINTS: u8 = 25;
/// Metres between the centre and the first access point; the others are farther out.
const SPACING_M: f64 = 40.0;
/// Turn from one point of the spiral to the next, as in a sunflower; degrees.
const GOLDEN_ANGLE_DEG: f64 = 137.507_764_050_037_85;
/// The network every cell belongs to; no operator has it.
const MNC: u16 = 999;

struct City {
    lat: f64,
    lon: f64,
    mcc: u16,
}

const CITIES: [City; 8] = [
    City { lat: 51.5080, lon: -0.1281, mcc: 234 },
    City { lat: 52.5219, lon: 13.4132, mcc: 262 },
    City { lat: 48.8656, lon: 2.3212, mcc: 208 },
    City { lat: 40.7359, lon: -73.9911, mcc: 310 },
    City { lat: 35.6595, lon: 139.7005, mcc: 440 },
    City { lat: -23.5504, lon: -46.6339, mcc: 724 },
    City { lat: -1.2864, lon: 36.8172, mcc: 639 },
    City { lat: -33.8731, lon: 151.2060, mcc: 505 },
];

/// Queries that the data answers.
pub struct Demo {
    /// Two access points, as a request body.
    pub wifi_query: String,
    /// One cell, as a request body.
    pub cell_query: String,
}

/// Fills empty tables; completes what an earlier start has begun. `None`, and nothing is written,
/// when there are stations of other origin.
pub async fn load(context: &Context) -> anyhow::Result<Option<Demo>> {
    let now = context.clock.now();
    let stations = stations(context, now);
    let keys: Vec<StationKey> = stations.iter().map(|(key, _)| *key).collect();
    let store = &context.writer;
    let has_begun = !store.stations(&keys, &[]).await?.stations.is_empty();
    if !has_begun && !store.region_totals().await?.is_empty() {
        tracing::warn!("demonstration data was not loaded: there are stations already");
        return Ok(None);
    }
    let areas: Vec<AreaKey> = keys.iter().filter_map(area_of).collect();
    let grids = grids(&stations);
    insert_stations(context, &batch(now), keys, stations).await?;
    insert_areas(context, &batch(now), areas).await?;
    for quadrant in Quadrant::ALL {
        let here = grids.iter().copied().filter(|grid| grid.quadrant() == quadrant);
        insert_grids(context, &batch(now), here.collect()).await?;
    }
    insert_statistics(context, &batch(now)).await?;
    Ok(Some(queries()))
}

fn batch(now: NaiveDateTime) -> BatchRef {
    BatchRef { id: uuid::Uuid::now_v7().to_string(), queue: "demo".to_owned(), now }
}

/// All stations with their rows.
fn stations(context: &Context, now: NaiveDateTime) -> Vec<(StationKey, Station)> {
    let mut stations = Vec::new();
    for (city_index, city) in (0_u8..).zip(&CITIES) {
        for index in 0..ACCESS_POINTS {
            let key = StationKey::Wifi(access_point(city_index, index));
            stations.push((key, row(context, city, f64::from(index), 50, now)));
        }
        for (index, radio) in (0_u8..).zip(Radio::ALL) {
            let key = StationKey::Cell(cell(city, radio));
            stations.push((key, row(context, city, 10.0 * f64::from(index), 1500, now)));
        }
    }
    stations
}

/// An address that spreads a city's access points over the tables.
fn access_point(city: u8, index: u8) -> Mac {
    Mac::from_bytes([0x02, 0xde, index << 4 | 0x0c, city, 0x00, index])
}

fn cell(city: &City, radio: Radio) -> CellKey {
    CellKey { area: AreaKey { radio, mcc: city.mcc, mnc: MNC, lac: 1 }, cid: 1 }
}

/// A station on the spiral around the centre of a city, measured often and lately.
fn row(context: &Context, city: &City, step: f64, radius_m: u32, now: NaiveDateTime) -> Station {
    let center = (city.lat, city.lon);
    let place = geo::destination(center, GOLDEN_ANGLE_DEG * step, SPACING_M * step.sqrt());
    let (lat, lon) = place.map_or(center, |(lat, lon)| (geo::round7(lat), geo::round7(lon)));
    let bounds = geo::bounding_box((lat, lon), f64::from(radius_m) / 2.0);
    let days_ago = |days| now.checked_sub_days(Days::new(days));
    Station {
        lat: Some(lat),
        lon: Some(lon),
        max_lat: bounds.map(|bounds| bounds.max_lat),
        min_lat: bounds.map(|bounds| bounds.min_lat),
        max_lon: bounds.map(|bounds| bounds.max_lon),
        min_lon: bounds.map(|bounds| bounds.min_lon),
        radius_m: Some(radius_m),
        region: context.regions.region(lat, lon),
        samples: Some(40),
        weight: Some(40.0),
        source: Some(Source::Gnss),
        created: days_ago(90),
        modified: days_ago(1),
        last_seen: Some(now.date()),
        ..Station::default()
    }
}

fn area_of(key: &StationKey) -> Option<AreaKey> {
    match key {
        StationKey::Cell(cell) => Some(cell.area),
        StationKey::Blue(_) | StationKey::Wifi(_) => None,
    }
}

/// The grid cells of the stations and of the streets around them.
fn grids(stations: &[(StationKey, Station)]) -> BTreeSet<Grid> {
    let at_stations = stations
        .iter()
        .filter_map(|(_, station)| station.position().map(|(lat, lon)| Grid::at(lat, lon)));
    let in_streets = (0_u8..).zip(&CITIES).flat_map(|(index, city)| {
        streets::grids((city.lat, city.lon), GOLDEN_ANGLE_DEG * f64::from(index))
    });
    at_stations.chain(in_streets).collect()
}

async fn insert_stations(
    context: &Context,
    batch: &BatchRef,
    keys: Vec<StationKey>,
    stations: Vec<(StationKey, Station)>,
) -> anyhow::Result<()> {
    let decide = move |found: &HashMap<StationKey, Station>| {
        let missing = stations.iter().filter(|(key, _)| !found.contains_key(key));
        StationChanges { insert: missing.cloned().collect(), update: Vec::new(), outcome: () }
    };
    context.writer.update_stations(batch, keys, decide).await?;
    Ok(())
}

async fn insert_areas(
    context: &Context,
    batch: &BatchRef,
    areas: Vec<AreaKey>,
) -> anyhow::Result<()> {
    let (wanted, regions, now) = (areas.clone(), context.regions, batch.now);
    context
        .writer
        .update_areas(batch, areas, move |found, cells| {
            let area::Decided { insert, .. } =
                area::decide_all(found, cells, &wanted, regions, now);
            AreaChanges { insert, update: Vec::new(), delete: Vec::new(), outcome: () }
        })
        .await?;
    Ok(())
}

async fn insert_grids(context: &Context, batch: &BatchRef, grids: Vec<Grid>) -> anyhow::Result<()> {
    let (wanted, today) = (grids.clone(), batch.now.date());
    context
        .writer
        .update_datamap(batch, grids, move |found| {
            let datamap::Decided { insert, touch } = datamap::decide(found, &wanted, today);
            DatamapChanges { insert, touch, today, outcome: () }
        })
        .await?;
    Ok(())
}

/// Totals of the year before where there are none, and what there is in each region.
async fn insert_statistics(context: &Context, batch: &BatchRef) -> anyhow::Result<()> {
    let (store, today) = (&context.writer, batch.now.date());
    store
        .update_stats(batch, today, move |found| {
            let insert = if found.is_empty() { history::totals(today) } else { Vec::new() };
            StatChanges { insert, update: Vec::new(), outcome: () }
        })
        .await?;
    if store.region_stats().await?.is_empty() {
        store.replace_region_stats(&store.region_totals().await?).await?;
    }
    Ok(())
}

/// Two access points and one cell of the first city.
fn queries() -> Demo {
    let [first, ..] = &CITIES;
    let address = |index| {
        let bytes = access_point(0, index).bytes().map(|byte| format!("{byte:02x}"));
        format!(r#"{{"macAddress":"{}"}}"#, bytes.join(":"))
    };
    let cell = cell(first, Radio::Lte);
    let AreaKey { mcc, mnc, lac, .. } = cell.area;
    Demo {
        wifi_query: format!(r#"{{"wifiAccessPoints":[{},{}]}}"#, address(0), address(1)),
        cell_query: format!(
            r#"{{"cellTowers":[{{"radioType":"lte","mobileCountryCode":{mcc},"mobileNetworkCode":{mnc},"locationAreaCode":{lac},"cellId":{}}}]}}"#,
            cell.cid
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn addresses_are_invented_and_different() {
        let mut seen = HashSet::new();
        for (city, _) in (0_u8..).zip(&CITIES) {
            for index in 0..ACCESS_POINTS {
                let mac = access_point(city, index);
                assert_eq!(mac.bytes()[0] & 0b11, 0b10, "locally administered, not a group");
                assert!(seen.insert(mac));
            }
        }
        assert_eq!(seen.len(), 200);
    }

    #[test]
    fn the_queries_are_requests() {
        let Demo { wifi_query, cell_query } = queries();
        for body in [wifi_query, cell_query] {
            serde_json::from_str::<serde_json::Value>(&body).unwrap();
        }
    }
}
