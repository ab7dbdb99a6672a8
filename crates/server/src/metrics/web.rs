//! The metrics of the web role.

use std::time::Duration;

use ichnaea_domain::locate::{AccuracyClass, ResultSource};

use super::definition as all;
use super::{Metrics, Number};
use crate::api::{ApiKind, Bound};

/// How long a tag of a request may be.
const MAX_TAG: usize = 200;

/// What the cached answers of a provider said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheStatus {
    /// The answer.
    Hit,
    /// Nothing.
    Miss,
    /// The query is not of a kind that is cached, or the key does not want it.
    Bypassed,
    /// Things that cannot all be true.
    Inconsistent,
    /// It could not be read.
    Failure,
}

impl CacheStatus {
    /// The value of the tag.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Bypassed => "bypassed",
            Self::Inconsistent => "inconsistent",
            Self::Failure => "failure",
        }
    }
}

/// Why reports are not taken in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many wait already.
    Backlog,
    /// The queue cannot be reached.
    Unavailable,
}

impl Refusal {
    const fn name(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Metrics {
    /// A request was answered.
    pub fn request(&self, path: &str, method: &str, status: u16) {
        if self.is_on() {
            let (path, method) = (path_tag(path), method.to_ascii_lowercase());
            let tags = [Some(path.as_str()), Some(&method), Some(&status.to_string())];
            self.count(&all::REQUEST, 1, &tags);
        }
    }

    /// How long that took.
    pub fn request_timing(&self, path: &str, method: &str, took: Duration) {
        if self.is_on() {
            let (path, method) = (path_tag(path), method.to_ascii_lowercase());
            let ms = u64::try_from((took + Duration::from_micros(500)).as_millis());
            let number = Number::Whole(ms.unwrap_or(u64::MAX));
            self.gauge(&all::REQUEST_TIMING, number, &[Some(path.as_str()), Some(&method)]);
        }
    }

    /// The handler of a request panicked.
    pub fn request_failure(&self, path: &str) {
        if self.is_on() {
            self.count(&all::REQUEST_FAILURE, 1, &[Some(path_tag(path).as_str())]);
        }
    }

    /// A request to the API came in; `path` is the name of its entry point, `key` the key or a word
    /// in its place.
    pub fn api_request(&self, kind: ApiKind, path: &str, key: &str) {
        let definition = match kind {
            ApiKind::Locate => &all::LOCATE_REQUEST,
            ApiKind::Region => &all::REGION_REQUEST,
            ApiKind::Submit => &all::SUBMIT_REQUEST,
        };
        self.count(definition, 1, &[Some(path), Some(key)]);
    }

    /// A query is looked up, with so many beacons, cells and access points.
    pub fn query(&self, kind: ApiKind, key: &str, has_ip: bool, counts: [usize; 3]) {
        let definition = match kind {
            ApiKind::Locate => &all::LOCATE_QUERY,
            ApiKind::Region => &all::REGION_QUERY,
            ApiKind::Submit => return,
        };
        let [blue, cell, wifi] = counts.map(|count| Some(how_many(count)));
        let geoip = (!has_ip).then_some("false");
        self.count(definition, 1, &[Some(key), geoip, blue, cell, wifi]);
    }

    /// A source was asked for a query.
    pub fn source(
        &self,
        kind: ApiKind,
        key: &str,
        source: ResultSource,
        expected: AccuracyClass,
        is_hit: bool,
    ) {
        let definition = match kind {
            ApiKind::Locate => &all::LOCATE_SOURCE,
            ApiKind::Region => &all::REGION_SOURCE,
            ApiKind::Submit => return,
        };
        let tags = [key, source.name(), expected.name(), status(is_hit)].map(Some);
        self.count(definition, 1, &tags);
    }

    /// A query was answered; `hit` is where a good enough answer came from.
    pub fn result(
        &self,
        kind: ApiKind,
        key: &str,
        fallback_allowed: bool,
        expected: AccuracyClass,
        hit: Option<ResultSource>,
    ) {
        let definition = match kind {
            ApiKind::Locate => &all::LOCATE_RESULT,
            ApiKind::Region => &all::REGION_RESULT,
            ApiKind::Submit => return,
        };
        let allowed = if fallback_allowed { "true" } else { "false" };
        let [key, allowed, expected, status] =
            [key, allowed, expected.name(), status(hit.is_some())].map(Some);
        let source = hit.map(ResultSource::name);
        self.count(definition, 1, &[key, allowed, expected, status, source]);
    }

    /// The cached answers of a provider were looked at.
    pub fn fallback_cache(&self, provider: &str, status: CacheStatus) {
        self.count(&all::FALLBACK_CACHE, 1, &[Some(provider), Some(status.name())]);
    }

    /// A provider answered, after so long.
    pub fn fallback_lookup(&self, provider: &str, status: u16, took: Duration) {
        if self.is_on() {
            let tags = [Some(provider), Some(&status.to_string())];
            self.count(&all::FALLBACK_LOOKUP, 1, &tags);
            self.time(&all::FALLBACK_LOOKUP_TIMING, took, &[Some(provider)]);
        }
    }

    /// A submission was accepted.
    pub fn batch_upload(&self, key: Option<&str>) {
        self.count(&all::BATCH_UPLOAD, 1, &[key]);
    }

    /// A submission was refused for now.
    pub fn batch_refuse(&self, reason: Refusal) {
        self.count(&all::BATCH_REFUSE, 1, &[Some(reason.name())]);
    }

    /// A query was refused because of the unknown stations that were asked for before.
    pub fn query_refuse(&self, kind: ApiKind, by: Bound) {
        self.count(&all::QUERY_REFUSE, 1, &[Some(kind.name()), Some(by.name())]);
    }
}

/// The path of a request as the value of a tag.
#[must_use]
pub fn path_tag(path: &str) -> String {
    let path = path.trim_start_matches('/');
    let path = path.trim_start_matches('.');
    if path.is_empty() {
        return ".homepage".to_owned();
    }
    let letters = path.chars().map(|letter| match letter.to_ascii_lowercase() {
        '/' => '.',
        '@' => '-',
        letter @ ('a'..='z' | '0'..='9' | '_' | '-' | '.' | ':') => letter,
        _ => '_',
    });
    let cut = MAX_TAG - "path:".len();
    letters.skip_while(|letter| *letter == '.').take(cut).collect()
}

const fn status(is_hit: bool) -> &'static str {
    if is_hit { "hit" } else { "miss" }
}

const fn how_many(count: usize) -> &'static str {
    match count {
        0 => "none",
        1 => "one",
        _ => "many",
    }
}

/// Emits every metric of this file with every tag.
#[cfg(test)]
pub fn emit_all(metrics: &Metrics) {
    metrics.request("/v1/geolocate", "POST", 200);
    metrics.request_timing("/v1/geolocate", "POST", Duration::from_millis(1));
    metrics.request_failure("/v1/geolocate");
    for kind in [ApiKind::Locate, ApiKind::Region, ApiKind::Submit] {
        let (expected, source) = (AccuracyClass::High, ResultSource::Internal);
        metrics.api_request(kind, "v1.geolocate", "test");
        metrics.query(kind, "test", false, [0, 1, 2]);
        metrics.source(kind, "test", source, expected, true);
        metrics.result(kind, "test", true, expected, Some(source));
    }
    metrics.fallback_cache("other", CacheStatus::Hit);
    metrics.fallback_lookup("other", 200, Duration::from_millis(1));
    metrics.batch_upload(Some("test"));
    metrics.batch_refuse(Refusal::Backlog);
    metrics.query_refuse(ApiKind::Locate, Bound::Key);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_tags() {
        let long = format!("/{}", "a".repeat(300));
        for (path, tag) in [
            ("/", ".homepage"),
            ("/v1/geolocate", "v1.geolocate"),
            ("/__heartbeat__", "__heartbeat__"),
            ("/contribute.json", "contribute.json"),
            ("/V1/Ab@c", "v1.ab-c"),
            ("/stats/regions/", "stats.regions."),
            ("//..//a", "a"),
            ("/a,b|c#d:e é", "a_b_c_d:e__"),
            (long.as_str(), &"a".repeat(195)),
        ] {
            assert_eq!(path_tag(path), tag, "{path}");
        }
    }

    #[test]
    fn queries_are_counted_by_how_many_networks_they_have() {
        let metrics = Metrics::recording();
        metrics.query(ApiKind::Locate, "test", true, [0, 1, 2]);
        metrics.query(ApiKind::Region, "test", false, [0, 0, 0]);
        assert_eq!(
            metrics.take_recorded(),
            [
                "location.locate.query:1|c|#key:test,blue:none,cell:one,wifi:many",
                "location.region.query:1|c|#key:test,geoip:false,blue:none,cell:none,wifi:none",
            ]
        );
    }

    #[test]
    fn the_source_of_a_result_is_named_with_a_hit_only() {
        let metrics = Metrics::recording();
        let hit = Some(ResultSource::Provider);
        metrics.result(ApiKind::Locate, "test", true, AccuracyClass::Medium, hit);
        metrics.result(ApiKind::Region, "test", false, AccuracyClass::Low, None);
        assert_eq!(
            metrics.take_recorded(),
            [
                "location.locate.result:1|c|#key:test,fallback_allowed:true,accuracy:medium,status:hit,source:fallback",
                "location.region.result:1|c|#key:test,fallback_allowed:false,accuracy:low,status:miss",
            ]
        );
    }

    #[test]
    fn requests_take_whole_milliseconds() {
        let metrics = Metrics::recording();
        metrics.request_timing("/", "GET", Duration::from_micros(86_400));
        assert_eq!(
            metrics.take_recorded(),
            ["location.request.timing:86|ms|#path:.homepage,method:get"]
        );
    }
}
