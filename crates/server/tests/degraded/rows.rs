//! Every request that has a row in the matrix of degraded operation, and what it is answered by the state
//! of what the service stands on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::SLACK;
use crate::service::{Answer, Service};
use crate::site;

/// What the service stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    pub database: Database,
    pub redis: Redis,
    pub has_geoip: bool,
    /// Were the keys looked up while the database was there?
    pub knows_keys: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Works,
    Away,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redis {
    Works,
    /// Answers reads and refuses writes.
    RefusesWrites,
    Away,
}

impl State {
    pub const HEALTHY: Self =
        Self { database: Database::Works, redis: Redis::Works, has_geoip: true, knows_keys: true };
    pub const NO_DATABASE: Self = Self { database: Database::Away, ..Self::HEALTHY };
    pub const NO_REDIS: Self = Self { redis: Redis::Away, ..Self::HEALTHY };
    pub const NO_WRITES: Self = Self { redis: Redis::RefusesWrites, ..Self::HEALTHY };
    pub const NEITHER: Self =
        Self { database: Database::Away, redis: Redis::Away, ..Self::HEALTHY };

    /// Can reports be queued?
    fn queues(self) -> bool {
        self.redis == Redis::Works
    }
}

/// The rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    Lbheartbeat,
    Version,
    Contribute,
    Robots,
    Heartbeat,
    LocateByAddress,
    LocateByAddressNewKey,
    LocateWithoutKey,
    LocateMalformedKey,
    LocateUnknownKey,
    LocateByWifi,
    LocateByWifiGoogle,
    LocateLimitedKey,
    Explain,
    CountryByAddress,
    CountryWithoutKey,
    SubmitV2,
    SubmitV1,
    SubmitV0,
    SubmitWithoutKey,
    SubmitMalformedKey,
    SubmitSampledOut,
    SubmitBroken,
    Coverage,
    Openapi,
    /// A page, or a file or document beside it.
    Site(&'static str),
}

impl Row {
    pub const ALL: [Self; 44] = [
        Self::Lbheartbeat,
        Self::Version,
        Self::Contribute,
        Self::Robots,
        Self::Heartbeat,
        Self::LocateByAddress,
        Self::LocateByAddressNewKey,
        Self::LocateWithoutKey,
        Self::LocateMalformedKey,
        Self::LocateUnknownKey,
        Self::LocateByWifi,
        Self::LocateByWifiGoogle,
        Self::LocateLimitedKey,
        Self::Explain,
        Self::CountryByAddress,
        Self::CountryWithoutKey,
        Self::SubmitV2,
        Self::SubmitV1,
        Self::SubmitV0,
        Self::SubmitWithoutKey,
        Self::SubmitMalformedKey,
        Self::SubmitSampledOut,
        Self::SubmitBroken,
        Self::Coverage,
        Self::Openapi,
        Self::Site("/"),
        Self::Site("/api"),
        Self::Site("/api/reference"),
        Self::Site("/map"),
        Self::Site("/locate"),
        Self::Site("/contact"),
        Self::Site("/optout"),
        Self::Site("/privacy"),
        Self::Site("/terms"),
        Self::Site("/nothing"),
        Self::Site("/static/css/bundle-base.css"),
        Self::Site("/static/images/logo.svg"),
        Self::Site("/map.json"),
        Self::Site("/downloads"),
        Self::Site("/stats"),
        Self::Site("/stats/regions"),
        Self::Site("/stats_blue.json"),
        Self::Site("/stats_cell.json"),
        Self::Site("/stats_wifi.json"),
    ];

    /// Sends the request.
    pub fn send(self, web: &Service) -> Answer {
        static FRESH: AtomicU32 = AtomicU32::new(0);
        let fresh = FRESH.fetch_add(1, Ordering::Relaxed);
        let get = |target: &str| web.send("GET", target, &[FROM_LONDON], "");
        let post = |target: &str, body: &Value| {
            web.send("POST", target, &[FROM_LONDON], &body.to_string())
        };
        match self {
            Self::Lbheartbeat => get("/__lbheartbeat__"),
            Self::Version => get("/__version__"),
            Self::Contribute => get("/contribute.json"),
            Self::Robots => get("/robots.txt"),
            Self::Heartbeat => get("/__heartbeat__"),
            Self::LocateByAddress => get("/v1/geolocate?key=test"),
            Self::LocateByAddressNewKey => {
                get(&format!("/v1/geolocate?key=known-{}", fresh % KNOWN_KEYS))
            }
            Self::LocateWithoutKey => get("/v1/geolocate"),
            Self::LocateMalformedKey => get("/v1/geolocate?key=not%20a%20key"),
            Self::LocateUnknownKey => get(&format!("/v1/geolocate?key=unknown-{fresh}")),
            Self::LocateByWifi => post("/v1/geolocate?key=test", &two_networks()),
            Self::LocateByWifiGoogle => post("/geolocation/v1/geolocate?key=test", &two_networks()),
            Self::LocateLimitedKey => get("/v1/geolocate?key=limited"),
            Self::Explain => post("/v1/geolocate/explain?key=test", &two_networks()),
            Self::CountryByAddress => get("/v1/country?key=test"),
            Self::CountryWithoutKey => get("/v1/country"),
            Self::SubmitV2 => post("/v2/geosubmit?key=test", &reports(1)),
            Self::SubmitV1 => post("/v1/geosubmit?key=test", &old_reports()),
            Self::SubmitV0 => post("/v1/submit?key=test", &oldest_reports()),
            Self::SubmitWithoutKey => post("/v2/geosubmit", &reports(1)),
            Self::SubmitMalformedKey => post("/v2/geosubmit?key=not%20a%20key", &reports(1)),
            Self::SubmitSampledOut => post("/v2/geosubmit?key=dropped", &reports(1)),
            Self::SubmitBroken => post("/v2/geosubmit?key=test", &json!({"items": 1})),
            // Each time another place, of which there is no copy.
            Self::Coverage => {
                let (east, north) = (fresh % 170, fresh / 170 % 80);
                get(&format!("/coverage.json?bbox={east}.1,{north}.1,{east}.2,{north}.2"))
            }
            Self::Openapi => get("/openapi.json"),
            Self::Site(path) => site::send(web, path),
        }
    }

    /// Says what is wrong with an answer, if anything is.
    pub fn check(self, state: State, answer: &Answer) -> Result<(), String> {
        let is_there = state.database == Database::Works;
        let by_address = if state.has_geoip { Expected::Address } else { Expected::NotFound };
        let queued = |body| if state.queues() { body } else { Expected::Unavailable };
        let expected = match self {
            Self::Lbheartbeat => Expected::Body(200, r#"{"status": "OK"}"#),
            Self::Version => Expected::Has(200, "version"),
            Self::Contribute => Expected::Has(200, "name"),
            Self::Robots => Expected::Begins("User-agent"),
            Self::Heartbeat => return check_heartbeat(state, answer),
            Self::Site(path) => return site::check(path, state, answer),
            Self::LocateUnknownKey if !is_there => by_address,
            Self::LocateUnknownKey | Self::LocateWithoutKey | Self::LocateMalformedKey => {
                Expected::Error(400, "keyInvalid")
            }
            Self::LocateByWifi | Self::LocateByWifiGoogle | Self::Explain if is_there => {
                Expected::Station
            }
            Self::Coverage if is_there => Expected::Has(200, "cells"),
            // The first would have to call stations unknown of which nobody knows whether they are.
            Self::Explain | Self::Coverage => Expected::Unavailable,
            Self::Openapi => Expected::Has(200, "openapi"),
            Self::LocateByWifi | Self::LocateByWifiGoogle if state.has_geoip => {
                Expected::AddressInstead
            }
            // Its key was looked up while everything worked, so the limit is known also without the
            // database; counting needs a store that takes the count.
            Self::LocateLimitedKey if state.queues() => Expected::Error(403, "dailyLimitExceeded"),
            Self::LocateByAddress | Self::LocateByAddressNewKey | Self::LocateLimitedKey => {
                by_address
            }
            Self::CountryByAddress if state.has_geoip => Expected::Has(200, "country_code"),
            Self::LocateByWifi | Self::LocateByWifiGoogle | Self::CountryByAddress => {
                Expected::NotFound
            }
            Self::CountryWithoutKey => Expected::Error(400, "keyInvalid"),
            Self::SubmitV2 | Self::SubmitV1 | Self::SubmitWithoutKey | Self::SubmitMalformedKey => {
                queued(Expected::Body(200, "{}"))
            }
            Self::SubmitV0 => queued(Expected::Body(204, "")),
            // An unknown key has no sample rate.
            Self::SubmitSampledOut if !state.knows_keys => queued(Expected::Body(200, "{}")),
            Self::SubmitSampledOut => Expected::Body(200, "{}"),
            Self::SubmitBroken => Expected::Error(400, "parseError"),
        };
        expected.check(answer)
    }
}

/// How long a heartbeat waits for a sign of life.
const CHECK: Duration = Duration::from_secs(2);
/// An address in the city database; it is in London.
pub const FROM_LONDON: &str = "X-Forwarded-For: 81.2.69.142";
/// Keys `known-0`, `known-1` and so on, enough that most are asked for while nothing is known about
/// them.
pub const KNOWN_KEYS: u32 = 400;
/// Two networks that are in the tables, in Oxford.
pub const NETWORKS: [&str; 2] = ["02000000aa01", "02000000aa02"];

enum Expected {
    Body(u16, &'static str),
    Begins(&'static str),
    Has(u16, &'static str),
    Error(u16, &'static str),
    NotFound,
    Unavailable,
    /// A position by the address of the client, as it was asked for.
    Address,
    /// The same, because there was nothing better.
    AddressInstead,
    /// A position by stations.
    Station,
}

impl Expected {
    fn check(&self, answer: &Answer) -> Result<(), String> {
        let json = answer.json();
        let (status, is_good) = match self {
            Self::Body(status, body) => (*status, answer.body == *body),
            Self::Begins(text) => (200, answer.body.starts_with(text)),
            Self::Has(status, member) => (*status, json.get(member).is_some()),
            Self::Error(status, reason) => (*status, is_error(&json, *status, reason)),
            Self::NotFound => (404, is_error(&json, 404, "notFound")),
            Self::Unavailable => (503, is_error(&json, 503, "serviceUnavailable")),
            Self::Address => (200, is_at(&json, 51.5142) && json.get("fallback").is_none()),
            Self::AddressInstead => (200, is_at(&json, 51.5142) && json["fallback"] == "ipf"),
            Self::Station => (200, is_at(&json, 51.75) && json.get("fallback").is_none()),
        };
        if answer.status == status && is_good {
            return Ok(());
        }
        Err(format!("expected {status}, got {answer:?}"))
    }
}

fn is_error(json: &Value, status: u16, reason: &str) -> bool {
    let error = &json["error"];
    error["code"] == status && error["errors"][0]["reason"] == reason
}

fn is_at(json: &Value, lat: f64) -> bool {
    json["location"]["lat"].as_f64().is_some_and(|found| (found - lat).abs() < 0.01)
}

/// The shapes are exact: members, order and blanks are those of the original.
fn check_heartbeat(state: State, answer: &Answer) -> Result<(), String> {
    let wrong = || Err(format!("heartbeat {state:?}: {answer:?}"));
    let json = answer.json();
    let is_up = [state.database == Database::Works, state.redis != Redis::Away, state.has_geoip];
    if answer.status != if is_up == [true; 3] { 200 } else { 503 } {
        return wrong();
    }
    for (name, is_up) in ["database", "redis", "geoip"].into_iter().zip(is_up) {
        if json[name]["up"] != is_up || !json[name]["time"].is_u64() {
            return wrong();
        }
    }
    let down = [
        (0, r#""database": {"up": false, "time": 0, "alembic_version": "unknown"}"#),
        (1, r#""redis": {"up": false, "time": 0}"#),
        (
            2,
            r#""geoip": {"up": false, "time": 0, "age_in_days": -1, "version": "2020-02-26T12:17:00Z"}"#,
        ),
    ];
    if down.iter().any(|(index, text)| !is_up[*index] && !answer.body.contains(text)) {
        return wrong();
    }
    Ok(())
}

/// Asks by the two known networks.
pub fn two_networks() -> Value {
    let network = |mac| json!({"macAddress": mac, "signalStrength": -60});
    json!({"wifiAccessPoints": NETWORKS.map(network)})
}

/// One report with an access point of its own for each number.
pub fn report(number: u32) -> Value {
    json!({
        "timestamp": 1_700_000_000_000_i64,
        "position": {"latitude": 51.6, "longitude": -0.2, "accuracy": 10.0},
        "wifiAccessPoints": [{"macAddress": format!("0200{number:08x}"), "signalStrength": -60}],
    })
}

fn reports(number: u32) -> Value {
    json!({"items": [report(number)]})
}

fn old_reports() -> Value {
    json!({"items": [{
        "latitude": 51.6, "longitude": -0.2, "accuracy": 10.0,
        "wifiAccessPoints": [{"macAddress": "020000000001", "signalStrength": -60}],
    }]})
}

fn oldest_reports() -> Value {
    json!({"items": [{
        "lat": 51.6, "lon": -0.2, "accuracy": 10.0,
        "wifi": [{"key": "020000000001", "signal": -60}],
    }]})
}

/// Sends all rows and checks every answer and how long each took; the longest.
pub fn walk(web: &Service, state: State, bound: Duration) -> Duration {
    let mut longest = Duration::ZERO;
    let mut wrong = Vec::new();
    for row in Row::ALL {
        let answer = row.send(web);
        if row != Row::Heartbeat {
            longest = longest.max(answer.took);
        }
        if let Err(problem) = row.check(state, &answer) {
            wrong.push(format!("{row:?}: {problem}"));
        }
        // Heartbeats ask each time, also what is known to be away.
        let bound = if row == Row::Heartbeat { bound.max(CHECK + SLACK) } else { bound };
        if answer.took > bound {
            wrong.push(format!("{row:?} took {:?}", answer.took));
        }
    }
    assert!(wrong.is_empty(), "{state:?}:\n{}\n\n{}", wrong.join("\n"), web.events());
    longest
}

/// Sends all rows until every answer is right, or for this long.
pub fn settle(web: &Service, state: State, within: Duration) -> Duration {
    let started = std::time::Instant::now();
    loop {
        let wrong: Vec<_> =
            Row::ALL.iter().filter_map(|row| row.check(state, &row.send(web)).err()).collect();
        if wrong.is_empty() {
            return started.elapsed();
        }
        assert!(started.elapsed() < within, "{state:?}:\n{}\n\n{}", wrong.join("\n"), web.events());
        std::thread::sleep(Duration::from_millis(20));
    }
}
