//! The metrics of tasks, of the worker, and of what is looked at now and then.

use std::time::Duration;

use ichnaea_domain::station::Kind;

use super::definition as all;
use super::{Metrics, Number};
use crate::api::ApiKind;
use crate::tasks::batch::Reason;

/// Over how long distinct users are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Today.
    Day,
    /// The last seven days.
    Week,
}

/// What waits in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueType {
    /// Messages for workers.
    Task,
    /// Data.
    Data,
}

/// How an upload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadStatus {
    /// The status an HTTP target answered.
    Http(u16),
    /// Stored.
    Success,
    /// Not stored.
    Failure,
}

/// What the rate controller works with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateControl {
    /// The backlog of observations it aims at.
    pub target: f64,
    /// Proportional gain.
    pub kp: f64,
    /// Integral gain.
    pub ki: f64,
    /// Derivative gain.
    pub kd: f64,
    /// Proportional part of its output.
    pub pterm: f64,
    /// Integral part.
    pub iterm: f64,
    /// Derivative part.
    pub dterm: f64,
}

impl Metrics {
    /// Requests of a key today, on one path of the API.
    pub fn api_limit(&self, key: &str, path: &str, count: u64) {
        self.gauge(&all::API_LIMIT, Number::Whole(count), &[Some(key), Some(path)]);
    }

    /// Distinct users of a key. Those of region queries are not counted.
    pub fn users(&self, kind: ApiKind, key: &str, interval: Interval, count: u64) {
        let definition = match kind {
            ApiKind::Locate => &all::LOCATE_USER,
            ApiKind::Submit => &all::SUBMIT_USER,
            ApiKind::Region => return,
        };
        let interval = match interval {
            Interval::Day => "1d",
            Interval::Week => "7d",
        };
        self.gauge(definition, Number::Whole(count), &[Some(key), Some(interval)]);
    }

    /// Items that wait in a queue; `data_type` says of what kind data are.
    pub fn queue(&self, queue: &str, queue_type: QueueType, data_type: Option<&str>, len: u64) {
        let queue_type = match queue_type {
            QueueType::Task => "task",
            QueueType::Data => "data",
        };
        let tags = [Some(queue), Some(queue_type), data_type];
        self.gauge(&all::QUEUE, Number::Whole(len), &tags);
    }

    /// Items of a queue in batches that workers hold.
    pub fn queue_in_flight(&self, queue: &str, items: u64) {
        self.gauge(&all::QUEUE_IN_FLIGHT, Number::Whole(items), &[Some(queue)]);
    }

    /// Dead letters of a queue.
    pub fn queue_dead_letters(&self, queue: &str, letters: u64) {
        self.gauge(&all::QUEUE_DEAD_LETTERS, Number::Whole(letters), &[Some(queue)]);
    }

    /// Percentage of position queries that are sampled.
    pub fn rate_control_locate(&self, percent: f64) {
        self.gauge(&all::RATE_CONTROL_LOCATE, Number::Fraction(percent), &[]);
    }

    /// What the rate controller worked with.
    pub fn rate_control(&self, control: &RateControl) {
        for (definition, number) in [
            (&all::RATE_CONTROL_TARGET, control.target),
            (&all::RATE_CONTROL_KP, control.kp),
            (&all::RATE_CONTROL_KI, control.ki),
            (&all::RATE_CONTROL_KD, control.kd),
            (&all::RATE_CONTROL_PTERM, control.pterm),
            (&all::RATE_CONTROL_ITERM, control.iterm),
            (&all::RATE_CONTROL_DTERM, control.dterm),
        ] {
            self.gauge(definition, Number::Fraction(number), &[]);
        }
    }

    /// Length of the database's transaction history.
    pub fn trx_history_length(&self, length: u64) {
        self.gauge(&all::TRX_HISTORY_LENGTH, Number::Whole(length), &[]);
    }

    /// Between which lengths of the history the rate controller works, and whether it waits for the
    /// history to shrink.
    pub fn trx_history_control(&self, min: u64, max: u64, is_purging: bool) {
        self.gauge(&all::TRX_HISTORY_MIN, Number::Whole(min), &[]);
        self.gauge(&all::TRX_HISTORY_MAX, Number::Whole(max), &[]);
        self.gauge(&all::TRX_HISTORY_PURGING, Number::Whole(u64::from(is_purging)), &[]);
    }

    /// A task took so long and ended well.
    pub fn task(&self, task: &str, took: Duration) {
        self.time(&all::TASK, took, &[Some(task)]);
    }

    /// A task failed.
    pub fn task_failure(&self, task: &str) {
        self.count(&all::TASK_FAILURE, 1, &[Some(task)]);
    }

    /// Items of a queue were given up.
    pub fn dead_letter(&self, queue: &str, reason: Reason, count: u64) {
        self.count(&all::DEAD_LETTER, count, &[Some(queue), Some(reason.name())]);
    }

    /// A batch reached an export target.
    pub fn export_batch(&self, target: &str) {
        self.count(&all::EXPORT_BATCH, 1, &[Some(target)]);
    }

    /// One try to send a batch to an export target ended so.
    pub fn export_upload(&self, target: &str, status: UploadStatus) {
        let code;
        let status = match status {
            UploadStatus::Success => "success",
            UploadStatus::Failure => "failure",
            UploadStatus::Http(number) => {
                code = number.to_string();
                &code
            }
        };
        self.count(&all::EXPORT_UPLOAD, 1, &[Some(target), Some(status)]);
    }

    /// How long a successful try to send a batch took.
    pub fn export_upload_timing(&self, target: &str, took: Duration) {
        self.time(&all::EXPORT_UPLOAD_TIMING, took, &[Some(target)]);
    }

    /// How long a target outside has taken nothing, seconds.
    pub fn export_away(&self, target: &str, seconds: u64) {
        self.gauge(&all::EXPORT_AWAY, Number::Whole(seconds), &[Some(target)]);
    }

    /// Reports of a known key, or of no known key, that were read for learning.
    pub fn report_upload(&self, key: Option<&str>, count: u64) {
        self.count(&all::REPORT_UPLOAD, count, &[key]);
    }

    /// Those of them that nothing could be learned from.
    pub fn report_drop(&self, key: Option<&str>, count: u64) {
        self.count(&all::REPORT_DROP, count, &[key]);
    }

    /// Observations that came out of reports.
    pub fn observation_upload(&self, kind: Kind, key: Option<&str>, count: u64) {
        self.count(&all::OBSERVATION_UPLOAD, count, &[Some(kind.name()), key]);
    }

    /// Readings in reports that were not usable.
    pub fn observation_drop(&self, kind: Kind, key: Option<&str>, count: u64) {
        self.count(&all::OBSERVATION_DROP, count, &[Some(kind.name()), key]);
    }

    /// Observations that were learned from.
    pub fn observation_insert(&self, kind: Kind, count: u64) {
        self.count(&all::OBSERVATION_INSERT, count, &[Some(kind.name())]);
    }

    /// Stations seen for the first time.
    pub fn station_new(&self, kind: Kind, count: u64) {
        self.count(&all::STATION_NEW, count, &[Some(kind.name())]);
    }

    /// Stations seen where they were known to be.
    pub fn station_confirmed(&self, kind: Kind, count: u64) {
        self.count(&all::STATION_CONFIRM, count, &[Some(kind.name())]);
    }

    /// Stations blocked since they move.
    pub fn station_blocked(&self, kind: Kind, count: u64) {
        self.count(&all::STATION_BLOCKLIST, count, &[Some(kind.name())]);
    }

    /// The database asked, with this error, to repeat a transaction on stations.
    pub fn station_dberror(&self, errno: u16, kind: Kind) {
        self.count(&all::STATION_DBERROR, 1, &[Some(&errno.to_string()), Some(kind.name())]);
    }

    /// The same for cell areas.
    pub fn area_dberror(&self, errno: u16) {
        self.count(&all::STATION_DBERROR, 1, &[Some(&errno.to_string()), Some("cellarea")]);
    }

    /// The same for the coverage map.
    pub fn datamap_dberror(&self, errno: u16) {
        self.count(&all::DATAMAPS_DBERROR, 1, &[Some(&errno.to_string())]);
    }
}

/// Emits every metric of this file with every tag.
#[cfg(test)]
pub fn emit_all(metrics: &Metrics) {
    let took = Duration::from_millis(1);
    metrics.api_limit("test", "v1.geolocate", 1);
    for kind in [ApiKind::Locate, ApiKind::Region, ApiKind::Submit] {
        metrics.users(kind, "test", Interval::Day, 1);
        metrics.users(kind, "test", Interval::Week, 2);
    }
    metrics.queue("update_wifi_f", QueueType::Data, Some("wifi"), 0);
    metrics.queue_in_flight("update_wifi_f", 1);
    metrics.queue_dead_letters("update_wifi_f", 1);
    metrics.rate_control_locate(100.0);
    metrics.rate_control(&RateControl::default());
    metrics.trx_history_length(1);
    metrics.trx_history_control(1, 2, true);
    metrics.task("update_wifi", took);
    metrics.task_failure("update_wifi");
    metrics.dead_letter("update_wifi_f", Reason::Undecodable, 1);
    metrics.export_batch("backup");
    metrics.export_upload("backup", UploadStatus::Success);
    metrics.export_upload_timing("backup", took);
    metrics.export_away("backup", 1);
    metrics.report_upload(Some("test"), 1);
    metrics.report_drop(Some("test"), 1);
    metrics.observation_upload(Kind::Wifi, Some("test"), 1);
    metrics.observation_drop(Kind::Wifi, Some("test"), 1);
    metrics.observation_insert(Kind::Wifi, 1);
    metrics.station_new(Kind::Wifi, 1);
    metrics.station_confirmed(Kind::Wifi, 1);
    metrics.station_blocked(Kind::Wifi, 1);
    metrics.station_dberror(1213, Kind::Wifi);
    metrics.area_dberror(1205);
    metrics.datamap_dberror(1213);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_are_not_known_are_left_out() {
        let metrics = Metrics::recording();
        metrics.observation_upload(Kind::Cell, None, 3);
        metrics.report_upload(None, 2);
        metrics.queue("celery_blue", QueueType::Task, None, 5);
        assert_eq!(
            metrics.take_recorded(),
            [
                "location.data.observation.upload:3|c|#type:cell",
                "location.data.report.upload:2|c",
                "location.queue:5|g|#queue:celery_blue,queue_type:task",
            ]
        );
    }

    #[test]
    fn uploads_have_a_status_of_their_kind() {
        let metrics = Metrics::recording();
        metrics.export_upload("a", UploadStatus::Http(503));
        metrics.export_upload("a", UploadStatus::Failure);
        assert_eq!(
            metrics.take_recorded(),
            [
                "location.data.export.upload:1|c|#key:a,status:503",
                "location.data.export.upload:1|c|#key:a,status:failure",
            ]
        );
    }
}
