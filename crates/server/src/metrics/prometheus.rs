//! The same numbers in the form Prometheus asks for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Key, Label, Level, Metadata, Recorder as _, SharedString};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use metrics_util::MetricKindMask;

use super::{Kind, METRICS, Record};

/// Upper bounds of the classes into which durations are counted, seconds. Requests take
/// milliseconds, tasks up to minutes.
pub const BUCKETS: [f64; 18] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0, 120.0, 300.0,
];
/// An amount that nobody has renewed for this long is no longer shown: it is of another day, or of
/// something that is gone.
const GAUGE_LIFETIME: Duration = Duration::from_mins(30);

const METADATA: Metadata<'static> = Metadata::new("ichnaea", Level::INFO, None);

/// Everything emitted since the start of the process.
pub struct Prometheus {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    names: HashMap<&'static str, SharedString>,
}

impl Prometheus {
    /// Nothing yet.
    pub fn new() -> Self {
        let builder =
            PrometheusBuilder::new().idle_timeout(MetricKindMask::GAUGE, Some(GAUGE_LIFETIME));
        // Fails only for an empty list of buckets.
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .unwrap_or_default();
        let recorder = builder.build_recorder();
        let mut names = HashMap::new();
        for metric in METRICS {
            let name = SharedString::from(Arc::<str>::from(metric.prometheus_name()));
            let describe = match metric.kind {
                Kind::Counter => PrometheusRecorder::describe_counter,
                Kind::Gauge => PrometheusRecorder::describe_gauge,
                Kind::Timer => PrometheusRecorder::describe_histogram,
            };
            describe(&recorder, name.clone().into(), None, metric.when.into());
            names.insert(metric.name, name);
        }
        Self { handle: recorder.handle(), recorder, names }
    }

    /// Adds one number.
    pub fn note(&self, record: &Record<'_>) {
        let Some(name) = self.names.get(record.definition.name) else { return };
        let labels: Vec<_> =
            record.tags().map(|(tag, value)| Label::new(tag, value.to_owned())).collect();
        let key = Key::from_parts(name.clone(), labels);
        let number = record.number;
        match (record.definition.kind, number) {
            (Kind::Counter, super::Number::Whole(by)) => {
                self.recorder.register_counter(&key, &METADATA).increment(by);
            }
            // Counters have whole numbers.
            (Kind::Counter, super::Number::Fraction(_)) => {}
            (Kind::Gauge, _) => self.recorder.register_gauge(&key, &METADATA).set(number.value()),
            (Kind::Timer, _) => {
                let seconds = number.value() / 1000.0;
                self.recorder.register_histogram(&key, &METADATA).record(seconds);
            }
        }
    }

    /// The answer to a scrape.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Sorts what was measured into its classes.
    pub fn sum_up(&self) {
        self.handle.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Number;
    use crate::metrics::definition::{QUEUE, REQUEST, TASK};

    #[test]
    fn the_three_kinds_are_rendered_with_their_help() {
        let prometheus = Prometheus::new();
        let tags = [Some("v1.geolocate"), Some("post"), Some("200")];
        for _ in 0..2 {
            let number = Number::Whole(1);
            prometheus.note(&Record { definition: &REQUEST, number, tags: &tags });
        }
        let tags = [Some("update_incoming"), Some("data"), None];
        prometheus.note(&Record { definition: &QUEUE, number: Number::Whole(7), tags: &tags });
        let (number, tags) = (Number::Fraction(1500.0), [Some("update_wifi")]);
        prometheus.note(&Record { definition: &TASK, number, tags: &tags });

        let text = prometheus.render();
        for line in [
            "# TYPE location_request_total counter",
            r#"location_request_total{path="v1.geolocate",method="post",status="200"} 2"#,
            "# TYPE location_queue gauge",
            r#"location_queue{queue="update_incoming",queue_type="data"} 7"#,
            "# HELP location_task_duration_seconds a task ended well; one run of it works on one batch",
            "# TYPE location_task_duration_seconds histogram",
            r#"location_task_duration_seconds_bucket{task="update_wifi",le="1"} 0"#,
            r#"location_task_duration_seconds_bucket{task="update_wifi",le="2.5"} 1"#,
            r#"location_task_duration_seconds_sum{task="update_wifi"} 1.5"#,
            r#"location_task_duration_seconds_count{task="update_wifi"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
