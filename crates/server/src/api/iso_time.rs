//! The time of a report in the oldest submit version: ISO 8601, often incomplete.

use chrono::{NaiveDate, NaiveDateTime};

/// Milliseconds since 1970 of a time in UTC.
///
/// Fractions of a second are cut off. An offset is read and then left aside: stored data has
/// always taken the digits as UTC, and clients cannot see the difference.
#[must_use]
pub fn milliseconds(text: &str) -> Option<i64> {
    let (date, time) = match text.find(['T', ' ']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)),
        None => (text, None),
    };
    let date = parse_date(date)?;
    let time = match time {
        Some(time) => parse_time(time)?,
        None => (0, 0, 0),
    };
    let moment: NaiveDateTime = date.and_hms_opt(time.0, time.1, time.2)?;
    Some(moment.and_utc().timestamp() * 1000)
}

/// `YYYY`, `YYYY-M`, `YYYY-M-D` or `YYYYMMDD`, one or two digits a month and a day.
fn parse_date(text: &str) -> Option<NaiveDate> {
    if text.len() == 8 && !text.contains('-') {
        return date(text.get(..4)?, text.get(4..6)?, text.get(6..)?);
    }
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let month = parts.next().unwrap_or("1");
    let day = parts.next().unwrap_or("1");
    if parts.next().is_some() || month.len() > 2 || day.len() > 2 {
        return None;
    }
    date(year, month, day)
}

fn date(year: &str, month: &str, day: &str) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(digits(year)?).ok()?, digits(month)?, digits(day)?)
}

/// `hh`, `hh:mm`, `hh:mm:ss.fff`, with or without colons, and a zone.
fn parse_time(text: &str) -> Option<(u32, u32, u32)> {
    let zone = text.find(['Z', '+', '-']).unwrap_or(text.len());
    if !is_zone(text.get(zone..)?) {
        return None;
    }
    let clock = text.get(..zone)?;
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(a, b)| (a, Some(b)));
    if fraction.is_some_and(|fraction| digits(fraction.get(..1).unwrap_or("")).is_none()) {
        return None;
    }
    let hour = clock.get(..2)?;
    let rest = clock.get(2..)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let (minute, rest) = if rest.is_empty() { ("0", "") } else { rest.split_at_checked(2)? };
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let second = if rest.is_empty() { "0" } else { rest };
    if second.len() > 2 || (fraction.is_some() && rest.is_empty()) {
        return None;
    }
    Some((digits(hour)?, digits(minute)?, digits(second)?))
}

/// Nothing, `Z`, or a sign and `hh`, `hhmm` or `hh:mm`.
fn is_zone(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else { return matches!(text, "" | "Z") };
    let plain = offset.replacen(':', "", 1);
    matches!(plain.len(), 2 | 4) && digits(&plain).is_some()
}

fn digits(text: &str) -> Option<u32> {
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complete_and_partial_times_are_read() {
        for (text, expected) in [
            ("2016-04-07T03:33:20", Some(1_460_000_000_000)),
            ("2016-04-07T03:33:20Z", Some(1_460_000_000_000)),
            ("20160407T033320Z", Some(1_460_000_000_000)),
            ("2016-04-07T03:33:20+02:00", Some(1_460_000_000_000)),
            ("2016-04-07T03:33:20.987654", Some(1_460_000_000_000)),
            ("2016-04-07 03:33", Some(1_459_999_980_000)),
            ("2016-4-7", Some(1_459_987_200_000)),
            ("2016-04-07", Some(1_459_987_200_000)),
            ("20160407", Some(1_459_987_200_000)),
            ("2016-04", Some(1_459_468_800_000)),
            ("2016", Some(1_451_606_400_000)),
            ("2001-09-09T01:46:41Z", Some(1_000_000_001_000)),
            ("2014-07", Some(1_404_172_800_000)),
            ("", None),
            ("abc", None),
            ("201604", None),
            (" 2016-04-07", None),
            ("2016-13-01", None),
            ("2016-04-07T25:00", None),
            ("2016-04-07T03:33:60Z", None),
            ("2016-04-07T3:33", None),
            ("1460000000000", None),
            ("2016-04-07T03:33:20+2", None),
            ("é016-04-07", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fall_over(text in "\\PC{0,30}|[0-9TZ:.+ -]{0,30}") {
            let _ = milliseconds(&text);
        }
    }
}
