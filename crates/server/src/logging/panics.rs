//! A panic is an error somebody must look at: one record with where it happened and how it came there.

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;

use super::throttle::Throttle;

/// Reports panics in the log instead of in the middle of it.
pub fn log_panics() {
    std::panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    // Whoever finds a way to cause one may do so often; a backtrace is expensive.
    static SELDOM: Throttle = Throttle::new();
    let Some(suppressed) = SELDOM.pass() else { return };
    let error = info.payload_as_str().unwrap_or("a panic without a text");
    let place = info.location().map(ToString::to_string);
    let traceback = Backtrace::force_capture().to_string();
    tracing::error!(place, error, traceback, suppressed, "panic");
}
