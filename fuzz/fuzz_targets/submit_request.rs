//! Any body of a submission, read as each version, becomes reports or an error of the client; what
//! is queued is read back as it was, and the observations in it change stations without a panic.
#![no_main]

use std::collections::HashMap;

use chrono::DateTime;
use ichnaea_domain::region::Regions;
use ichnaea_domain::report::QueuedReport;
use ichnaea_domain::transition::decide_all;
use ichnaea_kv::queue::{Codec, DataQueue};
use ichnaea_server::api::submit_request::{self, Version};
use ichnaea_server::json;
use libfuzzer_sys::fuzz_target;

const NOW_MS: i64 = 1_767_225_600_000; // 2026-01-01

fuzz_target!(|text: &str| {
    let Ok(document) = json::parse(text) else { return };
    let queue = DataQueue { name: "fuzz".to_owned(), codec: Codec::Json, batch: 1 };
    let now = DateTime::from_timestamp_millis(NOW_MS).expect("a date").naive_utc();
    for version in [Version::V0, Version::V1, Version::V2] {
        let reports = match submit_request::read(Some(&document), version, NOW_MS) {
            Ok(reports) => reports,
            Err(error) => {
                assert!(error.status().is_client_error());
                drop(error.response());
                continue;
            }
        };
        let mut stations = HashMap::new();
        for report in reports {
            let queued = QueuedReport { api_key: None, report, source: None };
            let items = queue.encode(std::slice::from_ref(&queued)).expect("reports can be queued");
            let read: QueuedReport = queue.decode(&items[0]).expect("what is queued can be read");
            assert_eq!(read, queued);
            let seen = read.report.observations(Regions::shared()).observations;
            let decided = decide_all(&stations, &seen, Regions::shared(), now);
            stations.extend(decided.insert.into_iter().chain(decided.update));
        }
        for station in stations.values() {
            let placed = [station.lat, station.lon, station.weight];
            assert!(placed.into_iter().flatten().all(f64::is_finite), "{station:?}");
        }
    }
});
