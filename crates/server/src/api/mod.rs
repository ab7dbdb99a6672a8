//! The API: from a request to its answer.
//!
//! The order of checks is fixed, and clients can see it: key, permission, daily limit, body,
//! then the work itself. A bad key wins over a bad body, and a request that turns out to be
//! broken has already been counted.

mod backlog;
mod error;
mod iso_time;
mod key;
pub mod locate_request;
mod schema;
mod submit;
pub mod submit_request;
mod usage;

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::locate::{Api, Fallback};

use crate::http::{Web, body, client_address, key_parameter};
use crate::json::{self, Value};
use crate::locate;
use submit_request::Version;

pub use backlog::Backlog;
pub use error::{ApiError, quoted};
pub use key::{KeyCache, KeyState};
pub(crate) use schema::number as loose_number;
pub use submit::queue;
pub use usage::Usage;

/// The entry points of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A position.
    Geolocate,
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
            Self::Geolocate => ApiKind::Locate,
            Self::Country => ApiKind::Region,
            Self::SubmitV0 | Self::SubmitV1 | Self::SubmitV2 => ApiKind::Submit,
        }
    }

    /// The path as it appears in counters and metrics.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Geolocate => "v1.geolocate",
            Self::Country => "v1.country",
            Self::SubmitV0 => "v1.submit",
            Self::SubmitV1 => "v1.geosubmit",
            Self::SubmitV2 => "v2.geosubmit",
        }
    }

    fn allows(self, key: &ApiKey) -> bool {
        match self.kind() {
            ApiKind::Locate => key.may_locate(),
            ApiKind::Region => key.may_region(),
            ApiKind::Submit => true,
        }
    }

    /// Region queries are neither counted nor limited, as the original has it.
    const fn counts(self) -> bool {
        !matches!(self.kind(), ApiKind::Region)
    }
}

/// Answers one request to the API.
pub async fn answer(web: &Web, endpoint: Endpoint, request: Request) -> Response {
    match result(web, endpoint, request).await {
        Ok(response) => response,
        Err(error) => error.response(),
    }
}

async fn result(web: &Web, endpoint: Endpoint, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let config = &web.ctx.config;
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let client = client_address(
        &parts.headers,
        peer.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
        config.trusted_proxies.as_deref(),
    );

    let text = parts.uri.query().and_then(key_parameter);
    let key = match web.keys.state(&web.ctx, text.as_deref()).await {
        KeyState::Known(key) if !endpoint.allows(&key) => return Err(ApiError::KeyInvalid),
        KeyState::Known(key) => key,
        KeyState::Unchecked => ApiKey::anonymous(),
        KeyState::None | KeyState::Unknown if endpoint.kind() == ApiKind::Submit => {
            ApiKey::anonymous()
        }
        KeyState::None | KeyState::Unknown => return Err(ApiError::KeyInvalid),
    };
    if endpoint.counts() && web.usage.is_over_limit(&key, endpoint, client).await {
        return Err(ApiError::DailyLimitExceeded);
    }

    let text = body::text(&parts.headers, body, config.max_body_bytes).await?;
    let document = match text.as_str() {
        "" => None,
        text => Some(json::parse(text).map_err(ApiError::Undecodable)?),
    };
    let document = document.as_ref();
    match endpoint {
        Endpoint::Geolocate => geolocate(web, &key, client, document).await,
        Endpoint::Country => country(web, client, document).await,
        Endpoint::SubmitV0 => submit::submit(web, &key, Version::V0, document).await,
        Endpoint::SubmitV1 => submit::submit(web, &key, Version::V1, document).await,
        Endpoint::SubmitV2 => submit::submit(web, &key, Version::V2, document).await,
    }
}

async fn geolocate(
    web: &Web,
    key: &ApiKey,
    client: Option<IpAddr>,
    document: Option<&Value<'_>>,
) -> Result<Response, ApiError> {
    let request = locate_request::read(document)?;
    let query = locate::query(&web.ctx, Api::Locate, request, client);
    let result = locate::position(&web.ctx, key, &query).await.ok_or(ApiError::NotFound)?;
    Ok(crate::http::json_answer(format!(
        "{{\"location\": {{\"lat\": {}, \"lng\": {}}}, \"accuracy\": {}{}}}",
        json::float(result.lat),
        json::float(result.lon),
        json::float(result.accuracy_m),
        fallback_member(result.fallback.map(Fallback::name)),
    )))
}

async fn country(
    web: &Web,
    client: Option<IpAddr>,
    document: Option<&Value<'_>>,
) -> Result<Response, ApiError> {
    let request = locate_request::read(document)?;
    let query = locate::query(&web.ctx, Api::Region, request, client);
    let result = locate::region(&web.ctx, &query).await.ok_or(ApiError::NotFound)?;
    let name = web.ctx.regions.name(result.region).unwrap_or_default();
    Ok(crate::http::json_answer(format!(
        "{{\"country_code\": \"{}\", \"country_name\": {}{}}}",
        result.region,
        quoted(name),
        fallback_member(result.fallback.map(Fallback::name)),
    )))
}

fn fallback_member(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(", \"fallback\": \"{name}\""))
}
