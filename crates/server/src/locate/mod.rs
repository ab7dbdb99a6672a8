//! Finding a position or a region: gather, decide, apply.

pub mod fallback;
mod lessons;
pub mod provider;
pub mod provider_cache;
mod trace;

use std::net::IpAddr;

use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::locate::{
    self, AccuracyClass, Api, Client, Explanation, Found, PositionResult, Query, RegionResult,
    Request, ResultSource,
};

use crate::context::Context;
use crate::sentry::incident;

pub use lessons::Lessons;
pub use trace::{Consulted, Provider, Trace};

/// What the device sent, checked, together with what its address tells.
pub fn query(ctx: &Context, api: Api, request: Request, client: Option<IpAddr>) -> Query {
    let geoip = client.and_then(|address| ctx.geoip.lookup(address));
    Query::new(api, request, Client { has_ip: client.is_some(), geoip })
}

/// The best position, if there is any.
pub async fn position(
    ctx: &Context,
    lessons: &Lessons,
    key: &ApiKey,
    query: &Query,
    trace: &mut Trace,
) -> Option<PositionResult> {
    let now = ctx.clock.now();
    let found = stations(ctx, query, trace).await;
    let results = locate::internal_positions(query, &found, now);
    lessons.learn(key, query, locate::best_position(&results));
    best_of_all(ctx, key, query, results, trace).await
}

/// The best position, if there is any, and which stations are known. Nothing is learned from such a
/// query: it is somebody's test more often than a device.
pub async fn explained(
    ctx: &Context,
    key: &ApiKey,
    query: &Query,
    trace: &mut Trace,
) -> Result<(Option<PositionResult>, Explanation), StationsMissed> {
    let now = ctx.clock.now();
    let found = look_up(ctx, query, trace).await?;
    let results = locate::internal_positions(query, &found, now);
    let explanation = locate::explain(query, &found, now);
    Ok((best_of_all(ctx, key, query, results, trace).await, explanation))
}

/// The best of what our own stations gave and what the other sources say.
async fn best_of_all(
    ctx: &Context,
    key: &ApiKey,
    query: &Query,
    mut results: Vec<PositionResult>,
    trace: &mut Trace,
) -> Option<PositionResult> {
    if query.has_networks() {
        trace.consulted(ResultSource::Internal, position_classes(&results));
    }
    let geoip = locate::geoip_position(query);
    if asks_address(query) {
        trace.consulted(ResultSource::GeoIp, position_classes(geoip.as_slice()));
    }
    results.extend(geoip);
    if !locate::satisfies(query, &results) && fallback::may_ask(key, query) {
        let provider = fallback::ask(ctx, key, query, trace).await;
        trace.consulted(ResultSource::Provider, position_classes(provider.as_slice()));
        results.extend(provider);
    }
    let best = locate::best_position(&results);
    trace.position(best);
    best.cloned()
}

/// The best region, if there is any.
pub async fn region(ctx: &Context, query: &Query, trace: &mut Trace) -> Option<RegionResult> {
    let now = ctx.clock.now();
    let found = stations(ctx, query, trace).await;
    let mut results = locate::internal_regions(query, &found, ctx.regions, now);
    if query.has_networks() {
        trace.consulted(ResultSource::Internal, region_classes(&results));
    }
    let geoip = locate::geoip_region(query);
    if asks_address(query) {
        trace.consulted(ResultSource::GeoIp, region_classes(geoip.as_slice()));
    }
    results.extend(geoip);
    let best = locate::best_region(&results);
    trace.region(best);
    best.cloned()
}

/// Is the address of the client looked at?
const fn asks_address(query: &Query) -> bool {
    query.ipf && query.client.has_ip
}

fn position_classes(results: &[PositionResult]) -> impl Iterator<Item = AccuracyClass> {
    results.iter().map(PositionResult::accuracy_class)
}

fn region_classes(results: &[RegionResult]) -> impl Iterator<Item = AccuracyClass> {
    results.iter().map(RegionResult::accuracy_class)
}

/// Everything known about the stations of a query. A database that is away means nothing is
/// known: the address may still lead to an answer.
async fn stations(ctx: &Context, query: &Query, trace: &mut Trace) -> Found {
    look_up(ctx, query, trace).await.unwrap_or_else(|StationsMissed| Found::default())
}

/// The database did not tell what it knows about the stations of a query. The log has said why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StationsMissed;

async fn look_up(ctx: &Context, query: &Query, trace: &mut Trace) -> Result<Found, StationsMissed> {
    let (stations, areas) = (query.station_keys(), query.area_keys());
    if stations.is_empty() && areas.is_empty() {
        return Ok(Found::default());
    }
    let found = ctx.breakers.database.ask(ctx.reader.stations(&stations, &areas)).await;
    let found = found.map_err(|missed| {
        missed.log(incident::STATIONS_NOT_FOUND, "stations not looked up");
        StationsMissed
    })?;
    trace.looked_up(&stations, &found);
    Ok(found)
}
