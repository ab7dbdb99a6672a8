//! The description of the API: `OpenAPI` 3.1, made from the types that are read and answered.
//!
//! `operations` lists what can be asked; `requests` and `reports` describe what may be said,
//! `answers` what comes back. Errors come from [`crate::api::ApiError`] itself. `/openapi.json`,
//! `ichnaea openapi` and the page `/api/reference` all show this one document.

#[expect(dead_code, reason = "described, never built")]
mod answers;
mod operations;
mod parts;
pub mod reference;
#[expect(dead_code, reason = "described, never built")]
mod reports;
#[expect(dead_code, reason = "described, never built")]
mod requests;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use utoipa::OpenApi;
use utoipa::openapi::{Components, Info, License, OpenApiBuilder, PathsBuilder, Server, Tag};

/// What requests and answers are made of; what they contain comes with them.
#[derive(OpenApi)]
#[openapi(components(schemas(
    requests::LocateRequest,
    reports::SubmitV2,
    reports::SubmitV1,
    reports::SubmitV0,
    answers::Position,
    answers::Region,
    answers::Nothing,
    answers::Refused,
    answers::Charts,
    answers::Map,
    answers::Alive,
    answers::Release,
    answers::Health,
    answers::Downloads,
    crate::api::explain::Explained,
    crate::http::Coverage,
)))]
struct Schemas;

const DESCRIPTION: &str = "\
Positions and regions from the Wi-Fi access points, Bluetooth beacons and cells around a device, and \
reports from which they are learned. Clients of Mozilla's location service and of Google's geolocation \
API need another address only.

Bodies are JSON, in UTF-8 unless `Content-Type` names another character set, and may be compressed with \
gzip. Readers are lenient: numbers may come as text, unknown members are ignored, and one bad element of \
a list is skipped as long as another is left.";

/// The groups of operations, in order.
const TAGS: [(&str, &str); 4] = [
    ("Positions", "Where a device is. A key is needed."),
    ("Reports", "What a device saw where. A key is not needed."),
    ("Data", "What is known, for everybody. No key is needed."),
    ("Monitoring", "Is everything there?"),
];

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    // It consists of texts and numbers: nothing in it cannot be written.
    document().to_pretty_json().unwrap_or_default()
});

/// The document as JSON.
#[must_use]
pub fn json() -> &'static str {
    &DOCUMENT
}

fn document() -> utoipa::openapi::OpenApi {
    let mut info = Info::new("Ichnaea", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    let mut licence = License::new("Apache-2.0");
    licence.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(licence);
    let mut paths = PathsBuilder::new();
    for operation in operations::all() {
        paths = paths.path(operation.path, operation.item());
    }
    let tags = TAGS.map(|(name, description)| {
        let mut tag = Tag::new(name);
        tag.description = Some(description.to_owned());
        tag
    });
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .tags(Some(tags))
        .paths(paths.build())
        .components(Some(components()))
        .build()
}

fn components() -> Components {
    Schemas::openapi().components.unwrap_or_default()
}
