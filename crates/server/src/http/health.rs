//! The documents for load balancers, monitoring and curious people.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDateTime;
use http::{Method, StatusCode};
use ichnaea_store::{Error, Store};

use super::{Web, headers, runs_view, without_view};
use crate::api::quoted;
use crate::context::Context;

/// How long a backend may take to show that it is there.
const CHECK: Duration = Duration::from_secs(2);

const CONTRIBUTE: &str = include_str!("contribute.json");
/// A document that exists as it is.
fn document(method: &Method, body: impl FnOnce() -> String) -> Response {
    if runs_view(method) { headers::json(StatusCode::OK, body()) } else { without_view(method) }
}

/// Is the process alive? Touches no backend.
pub async fn lbheartbeat(method: Method) -> Response {
    document(&method, || "{\"status\": \"OK\"}".to_owned())
}

/// Which release is this?
pub async fn version(method: Method) -> Response {
    document(&method, || {
        let member = |name: &str, value: Option<&str>, default: &str| {
            format!("\"{name}\": {}", quoted(value.unwrap_or(default)))
        };
        format!(
            "{{{}, {}, {}, {}}}",
            member("source", option_env!("ICHNAEA_SOURCE"), ""),
            member("version", Some(env!("CARGO_PKG_VERSION")), ""),
            member("commit", option_env!("ICHNAEA_COMMIT"), "unknown"),
            member("build", option_env!("ICHNAEA_BUILD"), "unknown"),
        )
    })
}

/// How to take part.
pub async fn contribute(method: Method) -> Response {
    document(&method, || CONTRIBUTE.to_owned())
}

/// Are the database, the city database and the key-value store there?
pub async fn heartbeat(State(web): State<Arc<Web>>, method: Method) -> Response {
    if !runs_view(&method) {
        return without_view(&method);
    }
    let (database, redis) = tokio::join!(database(&web.ctx.reader), redis(&web.ctx));
    let geoip = geoip(&web.ctx);
    let is_up = database.is_up && redis.is_up && geoip.is_up;
    let status = if is_up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = format!(
        "{{\"database\": {}, \"geoip\": {}, \"redis\": {}}}",
        database.json, geoip.json, redis.json
    );
    headers::json(status, body)
}

/// One of the three services.
struct Service {
    is_up: bool,
    json: String,
}

async fn database(store: &Store) -> Service {
    let started = Instant::now();
    let versions = async {
        store.ping().await?;
        Ok::<_, Error>(store.schema_versions().await)
    };
    match tokio::time::timeout(CHECK, versions).await {
        Ok(Ok(Ok(versions))) => Service {
            is_up: true,
            json: format!(
                "{{\"up\": true, \"time\": {}, \"alembic_version\": {}}}",
                started.elapsed().as_millis(),
                quoted(&versions.join(","))
            ),
        },
        // It answers, but is not what it should be: its tables are missing, mostly.
        Ok(Ok(Err(Error::Broken(_)))) => {
            Service { is_up: false, json: "{\"up\": null, \"time\": -1}".to_owned() }
        }
        Ok(Ok(Err(_)) | Err(_)) | Err(_) => Service {
            is_up: false,
            json: "{\"up\": false, \"time\": 0, \"alembic_version\": \"unknown\"}".to_owned(),
        },
    }
}

async fn redis(ctx: &Context) -> Service {
    let started = Instant::now();
    match tokio::time::timeout(CHECK, ctx.kv.ping()).await {
        Ok(Ok(())) => Service {
            is_up: true,
            json: format!("{{\"up\": true, \"time\": {}}}", started.elapsed().as_millis()),
        },
        Ok(Err(_)) | Err(_) => {
            Service { is_up: false, json: "{\"up\": false, \"time\": 0}".to_owned() }
        }
    }
}

fn geoip(ctx: &Context) -> Service {
    let Some(built) = ctx.geoip.built() else {
        // The date is the one clients of the original have always seen for "no database".
        return Service {
            is_up: false,
            json: "{\"up\": false, \"time\": 0, \"age_in_days\": -1, \
                   \"version\": \"2020-02-26T12:17:00Z\"}"
                .to_owned(),
        };
    };
    let started = Instant::now();
    // Unknown to every database; what counts is that the look-up works.
    let _ = ctx.geoip.lookup(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
    Service {
        is_up: true,
        json: format!(
            "{{\"up\": true, \"time\": {}, \"age_in_days\": {}, \"version\": \"{}\"}}",
            started.elapsed().as_millis(),
            age_in_days(built, ctx.clock.now()),
            built.format("%Y-%m-%dT%H:%M:%SZ")
        ),
    }
}

/// Whole days, rounded half to even as the original rounds.
#[expect(clippy::cast_possible_truncation, reason = "an age in days")]
fn age_in_days(built: NaiveDateTime, now: NaiveDateTime) -> i64 {
    ((now - built).num_seconds() as f64 / 86_400.0).round_ties_even() as i64
}
