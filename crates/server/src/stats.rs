//! What the pages about statistics show, and the copies of it that are kept for an hour.
//!
//! Names and forms of the copies are those of the original, so that its web role and ours can use
//! each other's. One that cannot be read is made anew.

use std::time::Duration;

use ichnaea_domain::station::Kind;
use ichnaea_domain::stats::page::{self, RegionLine};
use ichnaea_domain::stats::{StatKey, StatRow};
use ichnaea_kv::Op;
use ichnaea_store::Error;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::breaker::Missed;
use crate::context::Context;
use crate::keys;
use crate::logging::warn_seldom;
use crate::sentry::incident;

/// How long a copy is good.
const KEEP: Duration = Duration::from_hours(1);

/// The database did not tell, and there is no copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

/// The two tables of the page `/stats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Bluetooth and Wi-Fi.
    pub metrics1: Vec<Total>,
    /// Cells.
    pub metrics2: Vec<Total>,
}

/// A line of these tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// What was counted.
    pub name: String,
    /// In millions, with two decimals.
    pub value: String,
}

/// What is in the left and in the right table.
const LEFT: [(&str, StatKey); 4] = [
    ("Bluetooth Networks", StatKey::UniqueBlue),
    ("Bluetooth Observations", StatKey::Blue),
    ("Wifi Networks", StatKey::UniqueWifi),
    ("Wifi Observations", StatKey::Wifi),
];
const RIGHT: [(&str, StatKey); 2] =
    [("MLS Cells", StatKey::UniqueCell), ("MLS Cell Observations", StatKey::Cell)];

/// A point of a chart: milliseconds since 1970, and the total.
pub type Point = (i64, u64);

/// The totals of everything.
pub async fn totals(ctx: &Context) -> Result<Totals, Unknown> {
    let make = async {
        let today = ctx.clock.now().date();
        let rows = ctx.breakers.database.ask(ctx.reader.newest_stats(today)).await?;
        let total = |(name, key): (&str, StatKey)| {
            let value = page::in_millions(page::newest(key, &rows, today));
            Total { name: name.to_owned(), value }
        };
        Ok(Totals { metrics1: LEFT.map(total).into(), metrics2: RIGHT.map(total).into() })
    };
    cached(ctx, keys::STATS_CACHE, make).await
}

/// The chart of the stations of a kind.
pub async fn chart(ctx: &Context, kind: Kind) -> Result<Vec<Point>, Unknown> {
    let make = async {
        let since = page::chart_begin(ctx.clock.now().date());
        let query = ctx.reader.stats_since(StatKey::stations(kind), since);
        let rows: Vec<StatRow> = ctx.breakers.database.ask(query).await?;
        // A list of charts, of which there is one.
        Ok(vec![page::by_month(&rows)])
    };
    let charts = cached(ctx, keys::stats_chart_cache(kind), make).await?;
    Ok(charts.into_iter().next().unwrap_or_default())
}

/// The stations of each region.
pub async fn regions(ctx: &Context) -> Result<Vec<RegionLine>, Unknown> {
    let make = async {
        let stats = ctx.breakers.database.ask(ctx.reader.region_stats()).await?;
        Ok(page::region_lines(&stats, ctx.regions))
    };
    cached(ctx, keys::STATS_REGIONS_CACHE, make).await
}

/// The copy, or what is made, of which a copy is kept. Without the key-value store it is made each
/// time; without the database there is nothing but the copy.
async fn cached<T: Serialize + DeserializeOwned>(
    ctx: &Context,
    key: &str,
    make: impl Future<Output = Result<T, Missed<Error>>>,
) -> Result<T, Unknown> {
    let kv = &ctx.breakers.keyvalue;
    let names = [key.as_bytes().to_vec()];
    let copy = kv.ask(ctx.kv.get(&names)).await;
    if let Err(missed) = &copy {
        missed.log(incident::STATISTICS, "statistics are read from the database each time");
    }
    let copy = copy.ok().and_then(|values| values.into_iter().next().flatten());
    if let Some(found) = copy.and_then(|copy| serde_json::from_slice(&copy).ok()) {
        return Ok(found);
    }
    let made = make.await.map_err(|missed| {
        missed.log(incident::STATISTICS, "statistics are not shown");
        Unknown
    })?;
    let [key] = names;
    match serde_json::to_vec(&made) {
        Ok(value) => {
            let keep = Op::Set { key, value, ttl: Some(KEEP) };
            // Nothing is lost without the copy.
            let _ = kv.ask(ctx.kv.apply(vec![keep])).await;
        }
        Err(error) => warn_seldom!(%error, "statistics cannot be written as JSON"),
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use ichnaea_store::StatChanges;

    use super::*;
    use crate::breaker::Breakers;

    async fn with_totals(folder: &std::path::Path) -> Context {
        let ctx = Context::in_folder(folder).await;
        ctx.writer.migrate().await.unwrap();
        let today = ctx.clock.now().date();
        let batch = ichnaea_store::BatchRef {
            id: "1".to_owned(),
            queue: "x".to_owned(),
            now: ctx.clock.now(),
        };
        let insert = StatKey::ALL.map(|key| StatRow {
            key,
            day: today,
            value: 1_000_000 * u64::from(key.code()),
        });
        let changes = move |_: &[StatRow]| StatChanges {
            insert: insert.to_vec(),
            update: Vec::new(),
            outcome: (),
        };
        ctx.writer.update_stats(&batch, today, changes).await.unwrap();
        ctx
    }

    async fn copy(ctx: &Context, key: &str) -> Option<serde_json::Value> {
        let found = ctx.kv.get(&[key.into()]).await.unwrap().into_iter().next().flatten()?;
        Some(serde_json::from_slice(&found).unwrap())
    }

    async fn keep(ctx: &Context, key: &str, value: &str) {
        let op = Op::Set { key: key.into(), value: value.into(), ttl: None };
        ctx.kv.apply(vec![op]).await.unwrap();
    }

    #[tokio::test]
    async fn a_copy_is_kept_in_the_form_of_the_original() {
        let folder = tempfile::tempdir().unwrap();
        let ctx = with_totals(folder.path()).await;
        let shown = totals(&ctx).await.unwrap();
        let expected = serde_json::json!({
            "metrics1": [
                {"name": "Bluetooth Networks", "value": "9.00"},
                {"name": "Bluetooth Observations", "value": "8.00"},
                {"name": "Wifi Networks", "value": "4.00"},
                {"name": "Wifi Observations", "value": "3.00"},
            ],
            "metrics2": [
                {"name": "MLS Cells", "value": "2.00"},
                {"name": "MLS Cell Observations", "value": "1.00"},
            ],
        });
        assert_eq!(serde_json::to_value(&shown).unwrap(), expected);
        assert_eq!(copy(&ctx, "cache:stats:4").await, Some(expected));

        let points = chart(&ctx, Kind::Cell).await.unwrap();
        assert_eq!(points.len(), 1);
        assert_eq!(points[0].1, 2_000_000);
        let expected = serde_json::json!([[[points[0].0, 2_000_000]]]);
        assert_eq!(copy(&ctx, "cache:stats_cell_json:3").await, Some(expected));
        assert_eq!(chart(&ctx, Kind::Wifi).await.unwrap()[0].1, 4_000_000);
        assert_eq!(chart(&ctx, Kind::Blue).await.unwrap()[0].1, 9_000_000);
    }

    #[tokio::test]
    async fn a_copy_of_the_original_is_shown_and_a_broken_one_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let ctx = with_totals(folder.path()).await;
        keep(&ctx, "cache:stats_blue_json:2", "[[[1767225600000, 7]]]").await;
        assert_eq!(chart(&ctx, Kind::Blue).await, Ok(vec![(1_767_225_600_000, 7)]));
        keep(&ctx, "cache:stats_blue_json:2", "[[]]").await;
        assert_eq!(chart(&ctx, Kind::Blue).await, Ok(vec![]));
        for broken in ["", "{}", "[[[1]]]", "\u{fffd}"] {
            keep(&ctx, "cache:stats_blue_json:2", broken).await;
            assert_eq!(chart(&ctx, Kind::Blue).await.unwrap()[0].1, 9_000_000, "{broken}");
        }
        let of_original = r#"[{"code": "DE", "name": "Germany", "order": "germany", "gsm": 1,
            "wcdma": 2, "lte": 3, "cell": 6, "blue": 4, "wifi": 5}]"#;
        keep(&ctx, "cache:stats_regions:4", of_original).await;
        let shown = regions(&ctx).await.unwrap();
        assert_eq!((shown.len(), shown[0].cell, shown[0].nr), (1, 6, 0));
    }

    #[tokio::test]
    async fn regions_are_shown_with_all_their_cells() {
        let folder = tempfile::tempdir().unwrap();
        let ctx = with_totals(folder.path()).await;
        assert_eq!(regions(&ctx).await, Ok(vec![]));
        ctx.kv.apply(vec![Op::Delete { key: keys::STATS_REGIONS_CACHE.into() }]).await.unwrap();
        let region = ichnaea_domain::station::RegionCode::new(*b"GB");
        let stat = ichnaea_domain::stats::RegionStat {
            region,
            gsm: 1,
            wcdma: 2,
            lte: 3,
            nr: 4,
            blue: 5,
            wifi: 6,
        };
        ctx.writer.replace_region_stats(&[stat]).await.unwrap();
        let expected = serde_json::json!([{
            "code": "GB", "name": "United Kingdom", "order": "united kin",
            "gsm": 1, "wcdma": 2, "lte": 3, "nr": 4, "cell": 10, "blue": 5, "wifi": 6,
        }]);
        assert_eq!(serde_json::to_value(regions(&ctx).await.unwrap()).unwrap(), expected);
        assert_eq!(copy(&ctx, "cache:stats_regions:4").await, Some(expected));
    }

    #[tokio::test]
    async fn without_redis_they_are_read_each_time_and_without_the_database_copies_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let ctx = with_totals(folder.path()).await;
        let options = ichnaea_kv::Options::default();
        let kv = ichnaea_kv::open("redis://127.0.0.1:1/0", &options).await.unwrap();
        let breakers = Breakers::new(&ctx.reader, &kv);
        let no_redis = Context { kv, breakers, ..ctx };
        assert_eq!(chart(&no_redis, Kind::Cell).await.unwrap()[0].1, 2_000_000);

        let ctx = Context::in_folder(folder.path()).await;
        let nowhere = "mysql://nobody@127.0.0.1:1/nothing";
        let reader = ichnaea_store::Store::open(nowhere, &ichnaea_store::Options::default());
        let reader = reader.unwrap();
        let breakers = Breakers::new(&reader, &ctx.kv);
        let no_database = Context { reader, breakers, ..ctx };
        assert_eq!(chart(&no_database, Kind::Cell).await, Err(Unknown));
        keep(&no_database, "cache:stats_cell_json:3", "[[[0, 7]]]").await;
        assert_eq!(chart(&no_database, Kind::Cell).await, Ok(vec![(0, 7)]));
    }
}
