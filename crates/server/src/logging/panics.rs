//! A panic is an error somebody must look at: one record with where it happened and how it came there.

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;

use super::throttle::{Passed, Throttle};

/// Reports panics in the log instead of in the middle of it.
pub fn log_panics() {
    std::panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    // Whoever finds a way to cause one may do so often; a backtrace is expensive.
    static SELDOM: Throttle = Throttle::new();
    let Some(Passed { suppressed }) = SELDOM.pass() else { return };
    let error = info.payload_as_str().unwrap_or("a panic without a text");
    let place = info.location().map(ToString::to_string);
    let traceback = Backtrace::force_capture().to_string();
    tracing::error!(place, error, traceback, suppressed, "panic");
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::logging::mozlog::MozLog;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_one_record_with_its_place_and_its_backtrace() {
        let written = Buffer::default();
        let writer = written.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).event_format(MozLog::new());
        let before = std::panic::take_hook();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            log_panics();
            assert!(std::panic::catch_unwind(|| panic!("on\npurpose")).is_err());
        });
        std::panic::set_hook(before);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1, "{text}");
        let record: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
        assert_eq!(
            (&record["Severity"], &record["Type"]),
            (&3.into(), &"ichnaea.logging.panics".into())
        );
        let fields = &record["Fields"];
        assert_eq!((&fields["msg"], &fields["error"]), (&"panic".into(), &"on\npurpose".into()));
        assert!(fields["place"].as_str().unwrap().contains("panics.rs:"), "{fields}");
        assert!(fields["traceback"].as_str().unwrap().contains("panics::tests::"), "{fields}");
    }
}
