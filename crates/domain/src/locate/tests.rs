//! Requests in, answers out.

mod cells;
mod choice;
mod explained;
mod learning;
mod macs;
mod queries;
mod regions;

use chrono::{NaiveDateTime, TimeDelta};

use super::*;
use crate::cell::{CellKey, Radio};
use crate::mac::Mac;
use crate::region::Regions;
use crate::station::RegionCode;

fn now() -> NaiveDateTime {
    "2024-01-31T12:00:00".parse().unwrap()
}

/// The i-th test address; all in one shard, ascending.
fn mac(i: usize) -> Mac {
    let bytes = i.to_be_bytes();
    Mac::from_bytes([0x02, 0, 0, 0, bytes[6], bytes[7]])
}

fn area_key(radio: Radio, mcc: u16, lac: u32) -> AreaKey {
    AreaKey { radio, mcc, mnc: 30, lac }
}

fn cell_key(radio: Radio, lac: u32, cid: u64) -> CellKey {
    CellKey { area: area_key(radio, 234, lac), cid }
}

/// A station with score 6: known for ten days, changed just now, 64 samples.
fn station(lat: f64, lon: f64) -> Station {
    Station {
        lat: Some(lat),
        lon: Some(lon),
        created: Some(now() - TimeDelta::days(10)),
        modified: Some(now()),
        radius_m: Some(10),
        samples: Some(64),
        ..Station::default()
    }
}

fn wifi(i: usize, signal: Option<i64>, age: Option<i64>) -> WifiReading {
    WifiReading { mac: mac(i).to_string(), signal, age, ..WifiReading::default() }
}

fn blue(i: usize, signal: Option<i64>) -> BlueReading {
    BlueReading { mac: mac(i).to_string(), signal, ..BlueReading::default() }
}

fn cell(radio: Radio, mcc: i64, lac: Option<i64>, cid: Option<i64>) -> CellReading {
    let radio = Some(radio);
    CellReading { radio, mcc: Some(mcc), mnc: Some(30), lac, cid, ..CellReading::default() }
}

fn request() -> Request {
    Request { lacf: true, ipf: true, ..Request::default() }
}

fn locate(request: Request) -> Query {
    Query::new(Api::Locate, request, Client::default())
}

#[track_caller]
fn assert_near(actual: f64, expected: f64, tolerance: f64) {
    assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
}
