//! What is counted and measured: one method per metric, and where the numbers go.
//!
//! The list of all metrics is in `definition.rs`; `web.rs` and `tasks.rs` have the methods that emit
//! them. Numbers go to statsd, to the Prometheus endpoint and, in development, to the log; with none
//! of them a call does nothing.

mod definition;
pub mod document;
pub mod endpoint;
mod log;
pub mod process;
mod prometheus;
mod record;
mod statsd;
mod tasks;
mod web;

use std::sync::Mutex;
use std::time::Duration;

pub use definition::{Definition, Kind, METRICS, Tag};
pub use record::{Number, Record};
pub use tasks::{Interval, QueueType, RateControl, UploadStatus};
pub use web::{CacheStatus, Refusal, path_tag};

use crate::config::Config;
use log::Log;
use prometheus::Prometheus;
use statsd::Statsd;

/// Where all numbers go.
#[derive(Default)]
pub struct Metrics {
    statsd: Option<Statsd>,
    prometheus: Option<Prometheus>,
    log: Option<Log>,
    recorded: Option<Mutex<Vec<String>>>,
}

impl Metrics {
    /// The sinks that the settings ask for. Nothing is looked up or connected here.
    #[must_use]
    pub fn open(config: &Config) -> Self {
        Self {
            statsd: config.statsd.as_ref().map(Statsd::open),
            prometheus: config.metrics_port.map(|_| Prometheus::new()),
            log: config.is_development.then(Log::default),
            recorded: None,
        }
    }

    /// Keeps what is emitted, for tests.
    #[must_use]
    pub fn recording() -> Self {
        Self { recorded: Some(Mutex::default()), ..Self::default() }
    }

    /// What was emitted since the last call, as lines of the statsd protocol; nothing unless made
    /// by [`Metrics::recording`].
    #[must_use]
    pub fn take_recorded(&self) -> Vec<String> {
        let take = |lines: &Mutex<Vec<String>>| {
            std::mem::take(&mut *lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
        };
        self.recorded.as_ref().map(take).unwrap_or_default()
    }

    /// Does anybody listen?
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.statsd.is_some()
            || self.prometheus.is_some()
            || self.log.is_some()
            || self.recorded.is_some()
    }

    /// Everything since the start, for the Prometheus endpoint; empty without one.
    #[must_use]
    pub fn render(&self) -> String {
        self.prometheus.as_ref().map(Prometheus::render).unwrap_or_default()
    }

    /// Sums up what was measured for the Prometheus endpoint.
    pub fn sum_up(&self) {
        if let Some(prometheus) = &self.prometheus {
            prometheus.sum_up();
        }
    }

    /// Waits a moment until what was emitted is sent, before the process ends.
    pub async fn flush(&self) {
        if let Some(statsd) = &self.statsd {
            statsd.flush().await;
        }
    }

    fn count(&self, definition: &Definition, by: u64, tags: &[Option<&str>]) {
        if by > 0 && self.is_on() {
            self.emit(&Record { definition, number: Number::Whole(by), tags });
        }
    }

    fn gauge(&self, definition: &Definition, number: Number, tags: &[Option<&str>]) {
        if self.is_on() {
            self.emit(&Record { definition, number, tags });
        }
    }

    /// A timer with a fraction of a millisecond.
    fn time(&self, definition: &Definition, took: Duration, tags: &[Option<&str>]) {
        if self.is_on() {
            let number = Number::Fraction(took.as_secs_f64() * 1000.0);
            self.emit(&Record { definition, number, tags });
        }
    }

    fn emit(&self, record: &Record<'_>) {
        if let Some(statsd) = &self.statsd {
            statsd.send(record);
        }
        if let Some(prometheus) = &self.prometheus {
            prometheus.note(record);
        }
        if let Some(log) = &self.log {
            log.write(record);
        }
        if let Some(recorded) = &self.recorded {
            let mut lines = recorded.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            lines.push(record.line());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_metric_has_a_method_that_emits_it_with_all_its_tags() {
        let metrics = Metrics::recording();
        web::emit_all(&metrics);
        tasks::emit_all(&metrics);
        let lines = metrics.take_recorded();
        let emitted: BTreeSet<_> = lines
            .iter()
            .map(|line| {
                let (name, rest) = line.split_once(':').unwrap();
                let mut parts = rest.split('|').skip(1);
                let kind = parts.next().unwrap();
                let tags = parts.next().unwrap_or("#").trim_start_matches('#');
                let tags = tags.split(',').filter(|tag| !tag.is_empty());
                let tags: Vec<_> = tags.map(|tag| tag.split_once(':').unwrap().0).collect();
                format!("{name} {kind} {}", tags.join(" "))
            })
            .collect();
        let defined: BTreeSet<_> = METRICS
            .iter()
            .map(|metric| {
                let tags: Vec<_> = metric.tags.iter().map(|tag| tag.name).collect();
                format!("location.{} {} {}", metric.name, metric.kind.statsd(), tags.join(" "))
            })
            .collect();
        assert_eq!(emitted, defined);
    }

    #[test]
    fn a_count_of_zero_is_not_sent() {
        let metrics = Metrics::recording();
        metrics.station_new(ichnaea_domain::station::Kind::Wifi, 0);
        assert_eq!(metrics.take_recorded(), Vec::<String>::new());
    }

    #[test]
    fn without_a_sink_nothing_is_kept() {
        let metrics = Metrics::default();
        metrics.request("/", "get", 200);
        assert!(!metrics.is_on() && metrics.take_recorded().is_empty());
    }
}
