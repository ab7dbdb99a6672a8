//! Metrics as records of the logger `markus`, for development.

use crate::clock::Clock;
use crate::metrics::{Kind, Record};

/// Writes every number into the log.
#[derive(Default)]
pub struct Log {
    clock: Clock,
}

impl Log {
    /// Writes one number.
    pub fn write(&self, record: &Record<'_>) {
        tracing::info!(target: "markus", "{}", self.text(record));
    }

    fn text(&self, record: &Record<'_>) -> String {
        let time = self.clock.now().format("%Y-%m-%d %H:%M:%S");
        let kind = match record.definition.kind {
            Kind::Counter => "incr",
            Kind::Gauge => "gauge",
            Kind::Timer => "timing",
        };
        let tags = record.tag_text();
        let mark = if tags.is_empty() { "" } else { "#" };
        let (name, number) = (record.definition.name, record.number.text());
        format!("METRICS|{time}|{kind}|{name}|{number}|{mark}{tags}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::Number;
    use crate::metrics::definition::{REQUEST, TRX_HISTORY_LENGTH};

    #[test]
    fn a_record_names_time_kind_name_value_and_tags() {
        let log = Log { clock: Clock::Fixed(Arc::new(1_488_799_800_000.into())) };
        let tags = [Some("v1.geolocate"), Some("post"), Some("200")];
        let request = Record { definition: &REQUEST, number: Number::Whole(1), tags: &tags };
        assert_eq!(
            log.text(&request),
            "METRICS|2017-03-06 11:30:00|incr|request|1|#path:v1.geolocate,method:post,status:200"
        );
        let gauge = Record { definition: &TRX_HISTORY_LENGTH, number: Number::Whole(5), tags: &[] };
        assert_eq!(log.text(&gauge), "METRICS|2017-03-06 11:30:00|gauge|trx_history.length|5|");
    }
}
