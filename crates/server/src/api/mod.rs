//! The API: from a request to its answer.
//!
//! The order of checks is fixed, and clients can see it: key, permission, daily limit, body,
//! then the work itself. A bad key wins over a bad body, and a request that turns out to be
//! broken has already been counted.

mod backlog;
mod error;
pub mod explain;
pub mod facts;
mod iso_time;
mod key;
pub mod locate_request;
mod schema;
mod signature;
mod submit;
pub mod submit_request;
mod unknown;
mod usage;

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::locate::{Api, Fallback, Query};

use crate::http::{self, Client, Web, key_parameter};
use crate::json::{self, Value};
use crate::locate::{self, Trace};
use facts::KeyFact;
use submit::Submission;
use submit_request::Version;

pub use backlog::Backlog;
pub use error::{ApiError, quote, quoted};
pub use facts::Facts;
pub use key::{KeyCache, KeyState};
pub use schema::Problem;
pub(crate) use schema::number as loose_number;
#[cfg(test)]
pub(crate) use schema::read_members;
pub use submit::queue;
pub use unknown::{Asker, Bound, Unknown};
pub use usage::Usage;

/// The entry points of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A position.
    Geolocate,
    /// A position, with which stations were known.
    Explain,
    /// A region.
    Country,
    /// Reports, oldest form.
    SubmitV0,
    /// Reports, second form.
    SubmitV1,
    /// Reports, newest form.
    SubmitV2,
}

/// The three kinds of API, by which keys are allowed and users counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKind {
    /// Positions.
    Locate,
    /// Regions.
    Region,
    /// Reports.
    Submit,
}

impl ApiKind {
    /// The name in counters and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Locate => "locate",
            Self::Region => "region",
            Self::Submit => "submit",
        }
    }
}

impl Endpoint {
    /// The kind of API.
    #[must_use]
    pub const fn kind(self) -> ApiKind {
        match self {
            Self::Geolocate | Self::Explain => ApiKind::Locate,
            Self::Country => ApiKind::Region,
            Self::SubmitV0 | Self::SubmitV1 | Self::SubmitV2 => ApiKind::Submit,
        }
    }

    /// The path as it appears in counters and metrics.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Geolocate => "v1.geolocate",
            Self::Explain => "v1.geolocate.explain",
            Self::Country => "v1.country",
            Self::SubmitV0 => "v1.submit",
            Self::SubmitV1 => "v1.geosubmit",
            Self::SubmitV2 => "v2.geosubmit",
        }
    }

    fn allows(self, key: &ApiKey) -> bool {
        match self {
            Self::Geolocate => key.may_locate(),
            Self::Explain => key.may_explain(),
            Self::Country => key.may_region(),
            Self::SubmitV0 | Self::SubmitV1 | Self::SubmitV2 => true,
        }
    }

    /// The answer to a known key without the permission.
    fn refusal(self, key: &ApiKey) -> ApiError {
        match self {
            Self::Explain if key.may_locate() => ApiError::NotAllowed,
            _ => ApiError::KeyInvalid,
        }
    }

    /// Region queries are neither counted nor limited, as the original has it.
    const fn counts(self) -> bool {
        !matches!(self.kind(), ApiKind::Region)
    }
}

/// Answers one request to the API. What became of it stands in `facts`, also when this is dropped
/// before it is done.
pub async fn answer(web: &Web, request: Request, facts: &mut Facts) -> Response {
    match result(web, request, facts).await {
        Ok(response) => response,
        Err(error) => error.response(),
    }
}

async fn result(web: &Web, request: Request, facts: &mut Facts) -> Result<Response, ApiError> {
    let endpoint = facts.endpoint;
    let (parts, body) = request.into_parts();
    let config = &web.ctx.config;
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let client = Client::of(
        &parts.headers,
        peer.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
        config.trusted_proxies.as_deref(),
    );
    facts.has_client = !client.text.is_empty();

    let text = parts.uri.query().and_then(key_parameter);
    let state = web.keys.state(&web.ctx, text.as_deref()).await;
    facts.key = key_fact(&state, text, endpoint);
    let key = match state {
        KeyState::Known(key) if !endpoint.allows(&key) => return Err(endpoint.refusal(&key)),
        KeyState::Known(key) => key,
        // Nobody is trusted with this whose permission cannot be looked up.
        KeyState::Unchecked if endpoint == Endpoint::Explain => return Err(ApiError::Unavailable),
        KeyState::Unchecked => ApiKey::anonymous(),
        KeyState::None | KeyState::Unknown if endpoint.kind() == ApiKind::Submit => {
            ApiKey::anonymous()
        }
        KeyState::None | KeyState::Unknown => return Err(ApiError::KeyInvalid),
    };
    facts.fallback_allowed = key.may_use_fallback();
    if endpoint.counts() {
        let count = web.usage.count(&key, endpoint, client.address).await;
        facts.counted(&key, count);
        if count.is_some_and(|count| key.is_over_limit(count)) {
            return Err(ApiError::DailyLimitExceeded);
        }
    }

    let (bytes, mut held) = web.bodies.read(body).await?;
    let version = match endpoint {
        Endpoint::Geolocate | Endpoint::Explain | Endpoint::Country => None,
        Endpoint::SubmitV0 => Some(Version::V0),
        Endpoint::SubmitV1 => Some(Version::V1),
        Endpoint::SubmitV2 => Some(Version::V2),
    };
    if let Some(version) = version {
        let submission = Submission { version, headers: &parts.headers, bytes, held };
        return submit::submit(web, &key, submission, facts).await;
    }
    let text = web.bodies.text(&parts.headers, bytes, &mut held)?;
    match endpoint {
        Endpoint::Geolocate => {
            let answer = geolocate(web, &key, client.address, &text, facts).await?;
            if http::is_logged() {
                let (response, url) = (answer.sorted(), http::url(&parts));
                let secret = &config.secret_key;
                facts.signature = Some(signature::signature(&response, &client.text, &url, secret));
            }
            Ok(http::json_answer(answer.body()))
        }
        Endpoint::Explain => explain::explain(web, &key, client.address, &text, facts).await,
        _ => country(web, &key, client.address, &text, facts).await,
    }
}

/// What is read from a body. The document between, which may take many times the room of its text, is
/// gone before anybody waits for anything.
fn read<T>(
    text: &str,
    read: impl FnOnce(Option<&Value<'_>>) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let document = match text {
        "" => None,
        text => Some(json::parse(text).map_err(ApiError::Undecodable)?),
    };
    read(document.as_ref())
}

/// What became of the key of a request.
fn key_fact(state: &KeyState, text: Option<String>, endpoint: Endpoint) -> KeyFact {
    match (state, text) {
        (KeyState::Known(key), _) if endpoint.allows(key) => KeyFact::Known(key.valid_key.clone()),
        (KeyState::Known(key), _) => KeyFact::Forbidden(key.valid_key.clone()),
        (_, None) => KeyFact::None,
        (KeyState::None, Some(text)) => KeyFact::Malformed(text),
        (KeyState::Unknown, Some(text)) => KeyFact::Unknown(text),
        (KeyState::Unchecked, Some(text)) => KeyFact::Unchecked(text),
    }
}

/// A position as it is answered.
struct Position {
    location: String,
    accuracy: String,
    fallback: String,
}

impl Position {
    /// The body of the answer.
    fn body(&self) -> String {
        let Self { location, accuracy, fallback } = self;
        ["{\"location\": ", location, ", \"accuracy\": ", accuracy, fallback, "}"].concat()
    }

    /// The same with sorted names.
    fn sorted(&self) -> String {
        let Self { location, accuracy, fallback } = self;
        ["{\"accuracy\": ", accuracy, fallback, ", \"location\": ", location, "}"].concat()
    }
}

async fn geolocate(
    web: &Web,
    key: &ApiKey,
    client: Option<IpAddr>,
    text: &str,
    facts: &mut Facts,
) -> Result<Position, ApiError> {
    let request = read(text, locate_request::read)?;
    let query = locate::query(&web.ctx, Api::Locate, request, client);
    let asker = admit(web, key, client, &query, facts)?;
    let trace = facts.trace.insert(Trace::watching(&query, asker.is_some()));
    let result = locate::position(&web.ctx, &web.lessons, key, &query, trace).await;
    note_unknown(web, asker, trace);
    let result = result.ok_or(ApiError::NotFound)?;
    let (lat, lon) = (json::float(result.lat), json::float(result.lon));
    Ok(Position {
        location: ["{\"lat\": ", &lat, ", \"lng\": ", &lon, "}"].concat(),
        accuracy: json::float(result.accuracy_m),
        fallback: fallback_member(result.fallback.map(Fallback::name)),
    })
}

async fn country(
    web: &Web,
    key: &ApiKey,
    client: Option<IpAddr>,
    text: &str,
    facts: &mut Facts,
) -> Result<Response, ApiError> {
    let request = read(text, locate_request::read)?;
    let query = locate::query(&web.ctx, Api::Region, request, client);
    let asker = admit(web, key, client, &query, facts)?;
    let trace = facts.trace.insert(Trace::watching(&query, asker.is_some()));
    let result = locate::region(&web.ctx, &query, trace).await;
    note_unknown(web, asker, trace);
    let result = result.ok_or(ApiError::NotFound)?;
    let name = web.ctx.regions.name(result.region).unwrap_or_default();
    Ok(http::json_answer(format!(
        "{{\"country_code\": \"{}\", \"country_name\": {}{}}}",
        result.region,
        quoted(name),
        fallback_member(result.fallback.map(Fallback::name)),
    )))
}

/// Who is counted for the unknown stations of this query; an error when there were too many before.
fn admit(
    web: &Web,
    key: &ApiKey,
    client: Option<IpAddr>,
    query: &Query,
    facts: &mut Facts,
) -> Result<Option<Asker>, ApiError> {
    let Some(asker) = web.unknown.asker(key, client).filter(|_| query.has_networks()) else {
        return Ok(None);
    };
    facts.refused = web.unknown.reached(&asker);
    if facts.refused.is_some() {
        facts.trace = Some(Trace::new(query));
        return Err(ApiError::TooManyUnknown);
    }
    Ok(Some(asker))
}

fn note_unknown(web: &Web, asker: Option<Asker>, trace: &Trace) {
    if let (Some(asker), Some(stations)) = (asker, &trace.unknown) {
        web.unknown.note(asker, stations);
    }
}

fn fallback_member(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(", \"fallback\": \"{name}\""))
}
