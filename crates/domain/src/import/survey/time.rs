//! Moments as survey apps write them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

/// Milliseconds since 1970 of a moment: `YYYY-MM-DD hh:mm:ss` with a blank or a `T` between, a
/// fraction, and `Z` or an offset; or a number of 13 digits (milliseconds) or 10 (seconds).
/// Without an offset it is UTC.
#[must_use]
pub fn milliseconds(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        return match text.len() {
            13 => Some(number),
            10 => Some(number * 1000),
            _ => None,
        };
    }
    let date = date(text.get(..10)?)?;
    let rest = text.get(10..)?.strip_prefix([' ', 'T'])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let (fraction_ms, zone) = fraction(rest)?;
    let moment = NaiveDateTime::new(date, time(clock)?).and_utc().timestamp_millis();
    Some(moment + fraction_ms - offset_ms(zone.trim())?)
}

fn date(text: &str) -> Option<NaiveDate> {
    let (year, month, day) = (text.get(..4)?, text.get(4..7)?, text.get(7..)?);
    let month = number(month.strip_prefix('-')?)?;
    NaiveDate::from_ymd_opt(
        i32::try_from(number(year)?).ok()?,
        month,
        number(day.strip_prefix('-')?)?,
    )
}

fn time(text: &str) -> Option<NaiveTime> {
    let (hour, minute, second) = (text.get(..2)?, text.get(2..5)?, text.get(5..)?);
    let minute = number(minute.strip_prefix(':')?)?;
    NaiveTime::from_hms_opt(number(hour)?, minute, number(second.strip_prefix(':')?)?)
}

/// Milliseconds of a fraction of a second, and what follows it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(digits) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at_checked(end)?;
    let padded = format!("{digits:0<3}");
    Some((i64::from(number(padded.get(..3)?)?), rest))
}

/// Milliseconds by which a zone is ahead of UTC.
fn offset_ms(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z" | "UTC") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let plain = zone.strip_prefix(['+', '-'])?.replacen(':', "", 1);
    let (hours, minutes) = match plain.len() {
        2 => (number(&plain)?, 0),
        4 => (number(plain.get(..2)?)?, number(plain.get(2..)?)?),
        _ => return None,
    };
    Some(sign * (i64::from(hours) * 60 + i64::from(minutes)) * 60_000)
}

fn number(text: &str) -> Option<u32> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_spelling() {
        for (text, expected) in [
            ("2018-08-01 13:08:27", Some(1_533_128_907_000)),
            ("2018-08-01T13:08:27.123Z", Some(1_533_128_907_123)),
            ("2018-08-01 13:08:27.5", Some(1_533_128_907_500)),
            ("2018-08-01T15:08:27+02:00", Some(1_533_128_907_000)),
            ("2018-08-01T10:38:27-0230", Some(1_533_128_907_000)),
            ("1533128907000", Some(1_533_128_907_000)),
            ("1533128907", Some(1_533_128_907_000)),
            ("1970-01-01 00:00:00", Some(0)),
            ("2018-08-01", None),
            ("2018-13-01 13:08:27", None),
            ("2018-08-01 13:08:60", None),
            ("2018-8-1-13-8-27", None),
            ("2018-08-01 13:08:27 CEST", None),
            ("153312890", None),
            ("", None),
            ("é018-08-01 13:08:27", None),
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
