//! Values in files of stations, as the database server of the original prints them.

use std::io::Write as _;

use chrono::{NaiveDate, NaiveDateTime};

/// Digits after the point of a coordinate.
const DECIMALS: i64 = 10_000_000;

/// Doubles from here on are written with an exponent.
const LARGE: f64 = 1e15;

/// A coordinate with seven decimals. The server multiplies, rounds half to even and divides; what
/// rounds to nothing has no sign.
#[expect(
    clippy::cast_possible_truncation,
    reason = "degrees are small; whatever else a row holds ends at the limits of the integer"
)]
pub(crate) fn coordinate(out: &mut Vec<u8>, degrees: f64) {
    let scaled = (degrees * DECIMALS as f64).round_ties_even() as i64;
    let sign = if scaled < 0 { "-" } else { "" };
    let (whole, part) = (scaled.unsigned_abs() / 10_000_000, scaled.unsigned_abs() % 10_000_000);
    // Writing into memory cannot fail.
    let _ = write!(out, "{sign}{whole}.{part:07}");
}

/// A double with as few digits as say which one it is.
pub(crate) fn double(out: &mut Vec<u8>, value: f64) {
    let _ = if value.abs() < LARGE { write!(out, "{value}") } else { write!(out, "{value:e}") };
}

/// A number.
pub(crate) fn number(out: &mut Vec<u8>, value: impl Into<u64>) {
    let _ = write!(out, "{}", value.into());
}

/// A time in UTC as seconds since 1970.
pub(crate) fn time(out: &mut Vec<u8>, time: NaiveDateTime) {
    let _ = write!(out, "{}", time.and_utc().timestamp());
}

/// The beginning of a day in UTC as seconds since 1970.
pub(crate) fn day(out: &mut Vec<u8>, day: NaiveDate) {
    time(out, day.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn coordinates_have_seven_decimals_as_mariadb_prints_them() {
        // Each was printed by MariaDB 10.11 with CAST(ROUND(x, 7) AS DECIMAL(10,7)).
        for (degrees, text) in [
            (0.0, "0.0000000"),
            (-0.0, "0.0000000"),
            (-4.9e-8, "0.0000000"),
            (5e-8, "0.0000000"),
            (1.5e-7, "0.0000002"),
            (-1.257_700_1, "-1.2577001"),
            (-0.5, "-0.5000000"),
            (51.875_456_789_1, "51.8754568"),
            (179.999_999_95, "180.0000000"),
            (-179.999_999_9, "-179.9999999"),
            (85.051, "85.0510000"),
        ] {
            assert_eq!(written(|out| coordinate(out, degrees)), text, "{degrees}");
        }
        // Not what anybody stores, but whatever is there must not stop an export.
        for odd in [f64::NAN, f64::INFINITY, -1e300] {
            assert!(
                written(|out| coordinate(out, odd)).ends_with(|last: char| last.is_ascii_digit())
            );
        }
    }

    #[test]
    fn doubles_are_as_short_as_mariadb_prints_them() {
        for (value, text) in [
            (0.0, "0"),
            (4.0, "4"),
            (1.0 / 3.0, "0.3333333333333333"),
            (2.833_333_333_333_333_5, "2.8333333333333335"),
            (4_294_967_295.0, "4294967295"),
            (0.000_015, "0.000015"),
            (1e14, "100000000000000"),
            (1e15, "1e15"),
            (123_456_789_012_345_678.0, "1.2345678901234568e17"),
        ] {
            assert_eq!(written(|out| double(out, value)), text);
        }
    }

    #[test]
    fn days_and_times_are_seconds() {
        let noon = NaiveDate::from_ymd_opt(2024, 3, 1).unwrap().and_hms_opt(10, 20, 30).unwrap();
        assert_eq!(written(|out| time(out, noon)), "1709288430");
        assert_eq!(written(|out| day(out, noon.date())), "1709251200");
    }
}
