//! Failures that the service lives with and that are reported all the same.
//!
//! A warning in the log is reported when it has the field `incident` with one of these names:
//! `tracing::warn!(incident = incident::KEY_NOT_CHECKED, …)`. Errors are always reported. Not reported
//! is what clients do wrong, and what an operator asked for.

/// The database did not tell whether a key is known: the request went on without checks.
pub const KEY_NOT_CHECKED: &str = "key_not_checked";
/// Redis did not count a request: its daily limit was not checked, or it is missing in the counts.
pub const NOT_COUNTED: &str = "not_counted";
/// Stations could not be looked up: the answer was made from the address alone.
pub const STATIONS_NOT_FOUND: &str = "stations_not_looked_up";
/// A position query could not be queued to learn from it.
pub const NOT_LEARNED: &str = "query_not_learned_from";
/// Reports could not be queued, and were refused with 503.
pub const REPORTS_REFUSED: &str = "reports_refused";
/// A request was given up after `GUNICORN_TIMEOUT`, with 503.
pub const REQUEST_GIVEN_UP: &str = "request_given_up";
/// The cache or the rate limit of an outside provider could not be used.
pub const PROVIDER_CACHE: &str = "provider_cache";
/// An outside provider gave no usable answer.
pub const PROVIDER: &str = "provider";
/// The city database is missing or cannot be read.
pub const GEOIP: &str = "geoip";
/// A worker or scheduler waits for the database or Redis.
pub const BACKEND_AWAY: &str = "backend_away";
/// Statistics could not be read, or their copies not be used.
pub const STATISTICS: &str = "statistics";
/// Public files could not be listed: the page of downloads is empty.
pub const DOWNLOADS: &str = "downloads";
/// Coverage could not be read, or its copies not be used.
pub const COVERAGE: &str = "coverage";

/// All of them.
pub const ALL: [&str; 13] = [
    KEY_NOT_CHECKED,
    NOT_COUNTED,
    STATIONS_NOT_FOUND,
    NOT_LEARNED,
    REPORTS_REFUSED,
    REQUEST_GIVEN_UP,
    PROVIDER_CACHE,
    PROVIDER,
    GEOIP,
    BACKEND_AWAY,
    STATISTICS,
    DOWNLOADS,
    COVERAGE,
];
