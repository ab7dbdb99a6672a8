//! Whatever waits in a queue of observations is read or refused, and what was read and written
//! again is the same.
#![no_main]

use ichnaea_domain::observation::QueuedObservation;
use ichnaea_domain::station::Kind;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|item: &[u8]| {
    let Ok(queued) = serde_json::from_slice::<QueuedObservation>(item) else { return };
    for kind in Kind::ALL {
        let Some(seen) = queued.checked(kind) else { continue };
        assert!(seen.weight().is_finite() && seen.weight() >= 0.0, "{seen:?}");
        let again = serde_json::to_vec(&seen).expect("an observation can be queued");
        let again: QueuedObservation = serde_json::from_slice(&again).expect("and read");
        assert_eq!(again.checked(kind), Some(seen));
    }
});
