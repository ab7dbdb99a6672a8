//! The rules: what the gathered values mean, and what to do about it. Values in, findings out.

mod database;
mod keyvalue;
mod machine;
mod map;
mod pipeline;

pub(super) use database::{Account, account, exports, keys, schema};
pub(super) use keyvalue::{engine, memory, persistence};
pub(super) use machine::{Clocks, Space, Whereabouts, clocks, disk, geoip, host, proxies, secret};
pub(super) use map::{Map, map};
pub(super) use pipeline::{Waiting, queues, resting, seen};

use super::Finding;

/// What could not be looked at is not judged: why is told once, where it belongs.
pub(super) fn unless_away<T>(
    check: &'static str,
    gathered: Result<T, String>,
    judge: impl FnOnce(T) -> Vec<Finding>,
) -> Vec<Finding> {
    match gathered {
        Ok(values) => judge(values),
        Err(why) => vec![Finding::skipped(check, format!("could not be looked at: {why}"))],
    }
}

/// A size that people can read.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut value = bytes as f64;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A length of time that people can read.
fn time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_readable() {
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1_500_000), "1.5 MB");
        assert_eq!(size(u64::MAX), "18446744.1 TB");
        assert_eq!(
            [time(5), time(150), time(7200), time(259_200)],
            ["5 s", "2 minutes", "2 hours", "3 days"]
        );
    }

    #[test]
    fn what_cannot_be_looked_at_is_skipped() {
        let findings = unless_away("keys", Err("gone".to_owned()), |(): ()| Vec::new());
        assert_eq!(findings, [Finding::skipped("keys", "could not be looked at: gone")]);
    }
}
