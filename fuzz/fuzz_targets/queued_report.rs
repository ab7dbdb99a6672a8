//! Whatever waits in the queue of reports is read or refused, and what was read and written again
//! means the same.
#![no_main]

use ichnaea_domain::region::Regions;
use ichnaea_domain::report::{ExportedReport, QueuedReport};
use ichnaea_kv::queue::{Codec, DataQueue};
use ichnaea_server::keys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|item: &[u8]| {
    let _ = keys::incoming().decode::<QueuedReport>(item);
    // Without the compression, which a fuzzer hardly ever gets right.
    let queue = DataQueue { codec: Codec::Json, ..keys::incoming() };
    let _ = queue.decode::<ExportedReport>(item);
    let Ok(queued) = queue.decode::<QueuedReport>(item) else { return };
    let again = queue.encode(std::slice::from_ref(&queued)).expect("a report can be queued");
    let again: QueuedReport = queue.decode(&again[0]).expect("what is queued can be read");
    assert_eq!(again.report, queued.report);
    for seen in queued.report.observations(Regions::shared()).observations {
        assert!(seen.weight().is_finite() && seen.weight() >= 0.0, "{seen:?}");
    }
});
