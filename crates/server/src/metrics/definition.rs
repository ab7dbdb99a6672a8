//! The closed list of all metrics.
//!
//! Names, kinds and tags are an interface: dashboards of operators read them. Those of the original
//! come first and stay as they are; ours follow.

/// What the number of a metric says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How often something happened since the last time; zero is not sent.
    Counter,
    /// How much there is of something now.
    Gauge,
    /// How long something took.
    Timer,
}

impl Kind {
    /// The word in documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Timer => "timer",
        }
    }

    /// The letters of the statsd protocol.
    #[must_use]
    pub const fn statsd(self) -> &'static str {
        match self {
            Self::Counter => "c",
            Self::Gauge => "g",
            Self::Timer => "ms",
        }
    }
}

/// One tag of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its name.
    pub name: &'static str,
    /// Is it left out at times?
    pub is_optional: bool,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The name, without the prefix that all have.
    pub name: &'static str,
    /// What its number says.
    pub kind: Kind,
    /// Its tags, in the order in which they are sent.
    pub tags: &'static [Tag],
    /// When it is emitted, in words.
    pub when: &'static str,
}

impl Definition {
    /// The name at the Prometheus endpoint.
    #[must_use]
    pub fn prometheus_name(&self) -> String {
        let name = self.name.replace('.', "_");
        match self.kind {
            Kind::Counter => format!("location_{name}_total"),
            Kind::Gauge => format!("location_{name}"),
            Kind::Timer => {
                let name = name.strip_suffix("_timing").unwrap_or(&name);
                format!("location_{name}_duration_seconds")
            }
        }
    }
}

const fn tag(name: &'static str) -> Tag {
    Tag { name, is_optional: false }
}

const fn maybe(name: &'static str) -> Tag {
    Tag { name, is_optional: true }
}

/// Makes a constant of every metric and the list of all of them, so that neither can lack one.
macro_rules! definitions {
    ($($constant:ident: $kind:ident $name:literal [$($tag:expr),*] $when:literal;)*) => {
        $(
            pub(super) const $constant: Definition = Definition {
                name: $name,
                kind: Kind::$kind,
                tags: &[$($tag),*],
                when: $when,
            };
        )*

        /// Every metric.
        pub const METRICS: &[Definition] = &[$($constant),*];
    };
}

definitions! {
    // Requests
    REQUEST: Counter "request" [tag("path"), tag("method"), tag("status")]
        "a request was answered; not for static files, unknown paths and wrong methods";
    REQUEST_TIMING: Timer "request.timing" [tag("path"), tag("method")]
        "a request was answered: how long that took; whole milliseconds over statsd";
    LOCATE_REQUEST: Counter "locate.request" [tag("path"), tag("key")]
        "a position query came in; `key` is the key, `none` (not sent, malformed) or `invalid` (unknown, not allowed); not when the key could not be checked";
    REGION_REQUEST: Counter "region.request" [tag("path"), tag("key")]
        "like `locate.request`, for region queries";
    SUBMIT_REQUEST: Counter "submit.request" [tag("path"), tag("key")]
        "like `locate.request`, for submissions";
    LOCATE_QUERY: Counter "locate.query"
        [tag("key"), maybe("geoip"), tag("blue"), tag("cell"), tag("wifi")]
        "a position query of a known key that can have a result was looked up; `none`, `one` or `many` entries (Bluetooth and Wi-Fi as sent, valid cells); `geoip:false` when there is no client address";
    REGION_QUERY: Counter "region.query"
        [tag("key"), maybe("geoip"), tag("blue"), tag("cell"), tag("wifi")]
        "like `locate.query`, for region queries";
    LOCATE_SOURCE: Counter "locate.source"
        [tag("key"), tag("source"), tag("accuracy"), tag("status")]
        "a source (`internal`, `geoip`, `fallback`) was asked for a query that `locate.query` counts; `accuracy` is the class that was expected, `status` is `hit` when the source reached it, else `miss`";
    REGION_SOURCE: Counter "region.source"
        [tag("key"), tag("source"), tag("accuracy"), tag("status")]
        "like `locate.source`, for region queries";
    LOCATE_RESULT: Counter "locate.result"
        [tag("key"), tag("fallback_allowed"), tag("accuracy"), tag("status"), maybe("source")]
        "a query that `locate.query` counts was answered; `source` only with a hit";
    REGION_RESULT: Counter "region.result"
        [tag("key"), tag("fallback_allowed"), tag("accuracy"), tag("status"), maybe("source")]
        "like `locate.result`, for region queries";
    FALLBACK_CACHE: Counter "locate.fallback.cache" [tag("fallback_name"), tag("status")]
        "the cached answers of a provider were looked at: `hit`, `miss`, `bypassed`, `inconsistent` or `failure`";
    FALLBACK_LOOKUP: Counter "locate.fallback.lookup" [tag("fallback_name"), tag("status")]
        "a provider answered; its HTTP status";
    FALLBACK_LOOKUP_TIMING: Timer "locate.fallback.lookup.timing" [tag("fallback_name")]
        "a provider answered: how long that took";
    BATCH_UPLOAD: Counter "data.batch.upload" [maybe("key")]
        "a submission was accepted, after sampling";

    // Looked at now and then
    API_LIMIT: Gauge "api.limit" [tag("key"), tag("path")]
        "every ten minutes: requests of today, by key and path";
    LOCATE_USER: Gauge "locate.user" [tag("key"), tag("interval")]
        "every ten minutes: distinct addresses that asked for positions in `1d` and `7d`";
    SUBMIT_USER: Gauge "submit.user" [tag("key"), tag("interval")]
        "like `locate.user`, for submissions";
    QUEUE: Gauge "queue" [tag("queue"), tag("queue_type"), maybe("data_type")]
        "every minute: items that wait, for task queues (`task`) and data queues (`data`), those of export targets included";
    RATE_CONTROL_LOCATE: Gauge "rate_control.locate" []
        "every minute: percentage of position queries that are sampled";
    RATE_CONTROL_TARGET: Gauge "rate_control.locate.target" []
        "every minute while the rate controller is on: backlog of observations it aims at";
    RATE_CONTROL_KP: Gauge "rate_control.locate.kp" []
        "every minute while the rate controller is on: proportional gain";
    RATE_CONTROL_KI: Gauge "rate_control.locate.ki" []
        "every minute while the rate controller is on: integral gain";
    RATE_CONTROL_KD: Gauge "rate_control.locate.kd" []
        "every minute while the rate controller is on: derivative gain";
    RATE_CONTROL_PTERM: Gauge "rate_control.locate.pterm" []
        "every minute while the rate controller is on: proportional part of its output";
    RATE_CONTROL_ITERM: Gauge "rate_control.locate.iterm" []
        "every minute while the rate controller is on: integral part of its output";
    RATE_CONTROL_DTERM: Gauge "rate_control.locate.dterm" []
        "every minute while the rate controller is on: derivative part of its output";
    TRX_HISTORY_LENGTH: Gauge "trx_history.length" []
        "every minute when the database account may see it: length of the transaction history of InnoDB";
    TRX_HISTORY_MIN: Gauge "trx_history.min" []
        "every minute while the rate controller is on and the length of the history is known: length below which sampling goes on after a pause";
    TRX_HISTORY_MAX: Gauge "trx_history.max" []
        "every minute while the rate controller is on and the length of the history is known: length above which it pauses";
    TRX_HISTORY_PURGING: Gauge "trx_history.purging" []
        "every minute while the rate controller is on and the length of the history is known: 1 while it pauses for the database to purge, else 0";

    // Tasks
    TASK: Timer "task" [tag("task")]
        "a task ended well; one run of it works on one batch";
    EXPORT_BATCH: Counter "data.export.batch" [tag("key")]
        "a batch was exported; `key` is the name of the target";
    EXPORT_UPLOAD: Counter "data.export.upload" [tag("key"), tag("status")]
        "an upload was tried; HTTP status, or `success` and `failure` for buckets";
    EXPORT_UPLOAD_TIMING: Timer "data.export.upload.timing" [tag("key")]
        "an upload succeeded: how long that took";
    REPORT_UPLOAD: Counter "data.report.upload" [maybe("key")]
        "reports were read for learning; `key` is the API key, if any";
    REPORT_DROP: Counter "data.report.drop" [maybe("key")]
        "reports were read from which nothing could be learned";
    OBSERVATION_UPLOAD: Counter "data.observation.upload" [tag("type"), maybe("key")]
        "observations of `blue`, `cell` or `wifi` came out of reports";
    OBSERVATION_DROP: Counter "data.observation.drop" [tag("type"), maybe("key")]
        "readings in reports were not usable";
    OBSERVATION_INSERT: Counter "data.observation.insert" [tag("type")]
        "observations were learned from";
    STATION_NEW: Counter "data.station.new" [tag("type")]
        "stations were seen for the first time";
    STATION_CONFIRM: Counter "data.station.confirm" [tag("type")]
        "stations were seen again where they were";
    STATION_BLOCKLIST: Counter "data.station.blocklist" [tag("type")]
        "stations were blocked because they move";
    STATION_DBERROR: Counter "data.station.dberror" [tag("errno"), tag("type")]
        "the database asked to repeat a transaction (errors 1205, 1213); `blue`, `cell`, `wifi` or `cellarea`";
    DATAMAPS_DBERROR: Counter "datamaps.dberror" [tag("errno")]
        "like `data.station.dberror`, for the tables of the coverage map";

    // Ours
    REQUEST_FAILURE: Counter "request.failure" [tag("path")]
        "the handler of a request panicked; it was answered 503";
    BATCH_REFUSE: Counter "data.batch.refuse" [tag("reason")]
        "a submission was answered 503: too many reports wait (`backlog`) or the queue is away (`unavailable`)";
    QUERY_REFUSE: Counter "query.refuse" [tag("type"), tag("by")]
        "a query for a position (`locate`) or region (`region`) was answered 429: its `address` or `key` has asked for too many unknown stations";
    TASK_FAILURE: Counter "task.failure" [tag("task")]
        "a task failed";
    DEAD_LETTER: Counter "data.dead_letter" [tag("queue"), tag("reason")]
        "queued items were given up";
    QUEUE_IN_FLIGHT: Gauge "queue.in_flight" [tag("queue")]
        "every minute: items in batches that workers hold";
    EXPORT_AWAY: Gauge "data.export.away" [tag("key")]
        "every minute, for each target outside: seconds for which it has taken nothing; 0 when all is well";
    QUEUE_DEAD_LETTERS: Gauge "queue.dead_letters" [tag("queue")]
        "every minute: dead letters that are kept for the operator; only queues that have any";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_the_alphabet_of_both_protocols() {
        let mut names: Vec<_> = METRICS.iter().map(Definition::prometheus_name).collect();
        assert!(names.iter().all(|name| {
            name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        }));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
    }

    #[test]
    fn names_at_the_prometheus_endpoint_say_unit_and_kind() {
        assert_eq!(LOCATE_QUERY.prometheus_name(), "location_locate_query_total");
        assert_eq!(REQUEST_TIMING.prometheus_name(), "location_request_duration_seconds");
        assert_eq!(TASK.prometheus_name(), "location_task_duration_seconds");
        assert_eq!(RATE_CONTROL_KP.prometheus_name(), "location_rate_control_locate_kp");
    }
}
