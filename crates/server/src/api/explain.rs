//! A position together with which stations of the query were known.
//!
//! For operators and developers who want to understand an answer. It goes the way of
//! `/v1/geolocate`, with the same checks, limits and figures, and tells two things more: where the
//! position comes from, and of each station that was looked for whether it is known. So a key needs a
//! permission of its own, and nobody gets an answer while that cannot be looked up.

use std::net::IpAddr;

use axum::response::Response;
use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::cell::AreaKey;
use ichnaea_domain::locate::{Api, Counts, Explanation, Fallback, Known, PositionResult, Query};
use ichnaea_domain::mac::Mac;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use super::facts::Facts;
use super::{admit, locate_request, note_unknown, read};
use crate::http::{Web, json_answer};
use crate::locate::{self, Trace};

/// A position, where it comes from, and which stations were known.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The position; null when there is none.
    location: Option<Location>,
    /// Radius of the circle around it in which the device is, in metres; null without a position.
    accuracy: Option<f64>,
    /// Where the position comes from: `internal` (stations of this service), `geoip` (the address of
    /// the client) or `fallback` (an outside provider). Left out without a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    /// `ipf` when the address of the client had to do although there were stations in the request,
    /// `lacf` when the area of a cell had to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<&'static str>,
    /// The stations that were looked for.
    stations: Stations,
    /// How many stations of the request were not looked for: not valid, there twice, alone of their
    /// kind (Wi-Fi, Bluetooth), or beyond the 500 with the strongest signals.
    ignored: Ignored,
}

/// A position on the globe.
#[derive(Debug, Serialize, ToSchema)]
pub struct Location {
    /// Latitude, degrees.
    lat: f64,
    /// Longitude, degrees.
    lng: f64,
}

/// The stations that were looked for, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stations {
    /// Wi-Fi access points.
    wifi: Vec<KnownMac>,
    /// Bluetooth beacons.
    bluetooth: Vec<KnownMac>,
    /// Cells.
    cell: Vec<KnownCell>,
    /// Areas of cells; none unless the request allows them as an answer.
    area: Vec<KnownArea>,
}

/// An access point or beacon.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnownMac {
    /// Its address, lower case with colons.
    #[schema(example = "02:de:0c:00:00:00")]
    mac_address: String,
    /// Is it stored with a position, and not ignored for moving about?
    known: bool,
}

/// A cell.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnownCell {
    /// The area it belongs to.
    #[serde(flatten)]
    area: CellArea,
    /// Cell identity.
    cell_id: u64,
    /// Is it stored with a position, and not ignored for moving about?
    known: bool,
}

/// An area of cells.
#[derive(Debug, Serialize, ToSchema)]
pub struct KnownArea {
    /// The area.
    #[serde(flatten)]
    area: CellArea,
    /// Is it stored with a position?
    known: bool,
}

/// What names an area of cells.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CellArea {
    /// `gsm`, `wcdma`, `lte` or `nr`.
    radio_type: &'static str,
    /// Country code of the network (MCC).
    mobile_country_code: u16,
    /// Network code (MNC).
    mobile_network_code: u16,
    /// Location area code, or tracking area code for LTE and NR.
    location_area_code: u32,
}

/// How many stations were not looked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ignored {
    /// Wi-Fi access points.
    wifi: usize,
    /// Bluetooth beacons.
    bluetooth: usize,
    /// Cells.
    cell: usize,
}

/// Answers with a position, if there is any, and which stations were known.
pub async fn explain(
    web: &Web,
    key: &ApiKey,
    client: Option<IpAddr>,
    text: &str,
    facts: &mut Facts,
) -> Result<Response, ApiError> {
    let request = read(text, locate_request::read)?;
    let query = locate::query(&web.ctx, Api::Locate, request, client);
    let asker = admit(web, key, client, &query, facts)?;
    let trace = facts.trace.insert(Trace::watching(&query, asker.is_some()));
    let explained = locate::explained(&web.ctx, key, &query, trace).await;
    note_unknown(web, asker, trace);
    // "Unknown" would be a lie while nobody can tell.
    let (position, explanation) = explained.map_err(|_| ApiError::Unavailable)?;
    let answer = answer(&query, position.as_ref(), &explanation);
    let body = serde_json::to_string(&answer).map_err(|_| ApiError::Unavailable)?;
    Ok(json_answer(body))
}

fn answer(query: &Query, position: Option<&PositionResult>, known: &Explanation) -> Explained {
    let Counts { blue, cell, wifi } = query.sent;
    Explained {
        location: position.map(|found| Location { lat: found.lat, lng: found.lon }),
        accuracy: position.map(|found| found.accuracy_m),
        source: position.map(|found| found.source.name()),
        fallback: position.and_then(|found| found.fallback).map(Fallback::name),
        ignored: Ignored {
            wifi: wifi.saturating_sub(known.wifi.len()),
            bluetooth: blue.saturating_sub(known.blue.len()),
            cell: cell.saturating_sub(known.cells.len()),
        },
        stations: Stations {
            wifi: known.wifi.iter().copied().map(KnownMac::new).collect(),
            bluetooth: known.blue.iter().copied().map(KnownMac::new).collect(),
            cell: known
                .cells
                .iter()
                .map(|cell| KnownCell {
                    area: CellArea::new(cell.key.area),
                    cell_id: cell.key.cid,
                    known: cell.is_known,
                })
                .collect(),
            area: known
                .areas
                .iter()
                .map(|area| KnownArea { area: CellArea::new(area.key), known: area.is_known })
                .collect(),
        },
    }
}

impl KnownMac {
    fn new(mac: Known<Mac>) -> Self {
        let bytes = mac.key.bytes().map(|byte| format!("{byte:02x}"));
        Self { mac_address: bytes.join(":"), known: mac.is_known }
    }
}

impl CellArea {
    const fn new(area: AreaKey) -> Self {
        Self {
            radio_type: area.radio.name(),
            mobile_country_code: area.mcc,
            mobile_network_code: area.mnc,
            location_area_code: area.lac,
        }
    }
}
