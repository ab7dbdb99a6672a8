//! What is answered, as it is documented. Answers that are written by hand elsewhere are compared with
//! these descriptions by the tests that send every example.

use std::collections::BTreeMap;

use utoipa::ToSchema;

use crate::api::explain::Location;

/// A position.
#[derive(ToSchema)]
pub struct Position {
    /// Where the device is.
    pub location: Location,
    /// Radius of the circle around it in which the device is, metres.
    pub accuracy: f64,
    /// Left out unless something had to do in place of the stations.
    #[schema(nullable = false)]
    pub fallback: Option<Instead>,
}

/// What had to do in place of the stations.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Instead {
    /// The address of the client.
    Ipf,
    /// The area of a cell.
    Lacf,
}

/// A region.
#[derive(ToSchema)]
pub struct Region {
    /// Two letters, ISO 3166 or GENC.
    #[schema(example = "GB")]
    pub country_code: String,
    /// Its short name in English.
    #[schema(example = "United Kingdom")]
    pub country_name: String,
    /// Left out unless something had to do in place of the stations.
    #[schema(nullable = false)]
    pub fallback: Option<Instead>,
}

/// Nothing more to say.
#[derive(ToSchema)]
pub struct Nothing {}

/// Why there is no answer. Clients of the Google API know the form.
#[derive(ToSchema)]
pub struct Refused {
    /// The error.
    pub error: RefusedError,
    /// What exactly was wrong with the request; left out when there is nothing to add.
    #[schema(nullable = false)]
    pub details: Option<Details>,
}

/// An error.
#[derive(ToSchema)]
pub struct RefusedError {
    /// One element.
    pub errors: Vec<Cause>,
    /// The HTTP status.
    pub code: u16,
    /// For people.
    pub message: String,
}

/// What an error is about.
#[derive(ToSchema)]
pub struct Cause {
    /// Kind of problem.
    pub domain: String,
    /// For programs.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// What exactly was wrong with a request.
#[derive(ToSchema)]
pub struct Details {
    /// The body could not be unpacked, decoded or read as JSON.
    #[schema(nullable = false)]
    pub decode: Option<String>,
    /// Members or parameters of a wrong type, by their place; at most 100.
    #[schema(nullable = false)]
    pub validation: Option<BTreeMap<String, String>>,
}

/// The data map.
#[derive(ToSchema)]
pub struct Map {
    /// The address of its tiles; it ends in a slash, and has no host where they are on this one.
    #[schema(example = "/static/datamap/tiles/")]
    pub tiles_url: String,
}

/// A chart.
#[derive(ToSchema)]
pub struct Charts {
    /// One line of it; none while it cannot be made.
    pub series: Vec<Line>,
}

/// A line of a chart.
#[derive(ToSchema)]
pub struct Line {
    /// What it shows.
    pub title: String,
    /// Months: milliseconds since 1970 of their first day, and the largest total in them.
    pub data: Vec<Vec<i64>>,
}

/// A sign of life.
#[derive(ToSchema)]
pub struct Alive {
    /// `OK`
    pub status: String,
}

/// Which release answers.
#[derive(ToSchema)]
pub struct Release {
    /// Where its source is.
    pub source: String,
    /// Its number.
    pub version: String,
    /// The commit it was built from.
    pub commit: String,
    /// Where it was built.
    pub build: String,
}

/// The state of what the service stands on.
#[derive(ToSchema)]
pub struct Health {
    /// The database.
    pub database: DatabaseHealth,
    /// The city database.
    pub geoip: GeoIpHealth,
    /// The key-value store.
    pub redis: ServiceHealth,
}

/// The state of the database.
#[derive(ToSchema)]
pub struct DatabaseHealth {
    /// Does it answer? Null: it does, and lacks its tables.
    pub up: Option<bool>,
    /// How long that took, milliseconds.
    pub time: i64,
    /// Revision of its tables.
    #[schema(nullable = false)]
    pub alembic_version: Option<String>,
}

/// The state of the city database.
#[derive(ToSchema)]
pub struct GeoIpHealth {
    /// Is there one?
    pub up: bool,
    /// How long a look-up took, milliseconds.
    pub time: i64,
    /// How old it is, days; -1 without one.
    pub age_in_days: i64,
    /// When it was made.
    pub version: String,
}

/// The state of a service.
#[derive(ToSchema)]
pub struct ServiceHealth {
    /// Does it answer?
    pub up: bool,
    /// How long that took, milliseconds.
    pub time: i64,
}

/// The list of public files of cells.
#[derive(ToSchema)]
pub struct Downloads {
    /// Version of this list's form.
    pub format: u32,
    /// Licence of the files, SPDX.
    pub licence: String,
    /// Where the cells come from.
    pub sources: String,
    /// Full files, then hourly ones, each the newest first.
    pub files: Vec<Download>,
}

/// A public file of cells.
#[derive(ToSchema)]
pub struct Download {
    /// Its name, in the place where the list is.
    pub name: String,
    /// What is in it: `full` or `diff`.
    pub kind: String,
    /// Radio types in it.
    pub radios: Vec<String>,
    /// Its time, RFC 3339 in UTC.
    pub time: String,
    /// How many cells are in it.
    pub rows: Option<u64>,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: Option<String>,
}
