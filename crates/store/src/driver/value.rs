//! Values and rows as both drivers understand them.
//!
//! Getters are lenient: a value of a wrong type or out of range reads as missing. A database that
//! others write to may hold odd rows, and one odd field must not fail a whole look-up.

use std::fmt::Write as _;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use ichnaea_domain::cell::KeyBytes;
use ichnaea_domain::station::RegionCode;

const DATE: &str = "%Y-%m-%d";
const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// One value in a row or in a parameter list.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Missing.
    Null,
    /// A whole number.
    Int(i64),
    /// A whole number.
    Uint(u64),
    /// A double.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes; of a row that was read maybe text.
    Bytes(Vec<u8>),
    /// A day.
    Date(NaiveDate),
    /// A time.
    DateTime(NaiveDateTime),
}

impl Value {
    /// Appends the value as a literal that MySQL reads as exactly this value. Text is written as
    /// hex digits, so that no content can end the literal.
    pub(crate) fn write_literal(&self, sql: &mut String) {
        let written = match self {
            Self::Int(value) => write!(sql, "{value}"),
            Self::Uint(value) => write!(sql, "{value}"),
            // The shortest digits that read back as the same double, always with an exponent.
            Self::Real(value) if value.is_finite() => write!(sql, "{value:e}"),
            // MySQL cannot hold NaN or an infinity; elsewhere they are left out too.
            Self::Null | Self::Real(_) => write!(sql, "NULL"),
            Self::Text(value) => {
                sql.push_str("_utf8 X'");
                push_hex(sql, value.as_bytes());
                write!(sql, "'")
            }
            Self::Bytes(value) => {
                sql.push_str("X'");
                push_hex(sql, value);
                write!(sql, "'")
            }
            Self::Date(value) => write!(sql, "'{}'", value.format(DATE)),
            Self::DateTime(value) => write!(sql, "'{}'", date_time_text(*value)),
        };
        debug_assert!(written.is_ok(), "writing into a string cannot fail");
    }
}

/// `2026-01-31 12:00:00`. The general formatter is many times slower, which counts when a million
/// rows are written.
fn date_time_text(value: NaiveDateTime) -> String {
    if !(0..=9999).contains(&value.year()) {
        return value.format(DATE_TIME).to_string();
    }
    let mut text = String::with_capacity(19);
    let mut push = |number: u32, before: &str| {
        text.push_str(before);
        for digit in [number / 10, number % 10] {
            text.push(char::from_digit(digit, 10).unwrap_or('0'));
        }
    };
    let year = value.year().unsigned_abs();
    push(year / 100, "");
    push(year % 100, "");
    push(value.month(), "-");
    push(value.day(), "-");
    push(value.hour(), " ");
    push(value.minute(), ":");
    push(value.second(), ":");
    text
}

fn push_hex(sql: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        sql.push(char::from(DIGITS[usize::from(byte >> 4)]));
        sql.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One conversion per type that rows are built from.
macro_rules! value_from {
    ($($source:ty => $variant:ident),* $(,)?) => {$(
        impl From<$source> for Value {
            fn from(value: $source) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

value_from! {
    i32 => Int, i64 => Int, bool => Int, u8 => Int, u16 => Int, u32 => Int, u64 => Uint,
    f64 => Real, &str => Text, String => Text, &[u8] => Bytes,
    NaiveDate => Date, NaiveDateTime => DateTime,
}

impl From<KeyBytes> for Value {
    fn from(key: KeyBytes) -> Self {
        Self::Bytes(key.to_vec())
    }
}

impl From<RegionCode> for Value {
    fn from(region: RegionCode) -> Self {
        Self::Text(region.as_str().to_owned())
    }
}

/// One row of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    fn value(&self, column: usize) -> &Value {
        self.0.get(column).unwrap_or(&Value::Null)
    }

    /// Whether there is no value.
    pub(crate) fn is_null(&self, column: usize) -> bool {
        matches!(self.value(column), Value::Null)
    }

    fn parsed<T: FromStr>(bytes: &[u8]) -> Option<T> {
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }

    /// A whole number that fits `T`.
    pub(crate) fn int<T: TryFrom<i64> + TryFrom<u64> + FromStr>(&self, column: usize) -> Option<T> {
        match self.value(column) {
            Value::Int(value) => T::try_from(*value).ok(),
            Value::Uint(value) => T::try_from(*value).ok(),
            Value::Bytes(text) => Self::parsed(text),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A finite number.
    pub(crate) fn real(&self, column: usize) -> Option<f64> {
        let value = match self.value(column) {
            Value::Real(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            Value::Bytes(text) => Self::parsed(text),
            _ => None,
        };
        value.filter(|value| value.is_finite())
    }

    /// A truth value, stored as a number.
    pub(crate) fn flag(&self, column: usize) -> Option<bool> {
        self.int::<i64>(column).map(|value| value != 0)
    }

    /// Text.
    pub(crate) fn text(&self, column: usize) -> Option<String> {
        match self.value(column) {
            Value::Text(text) => Some(text.clone()),
            Value::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        }
    }

    /// Bytes; empty when missing.
    pub(crate) fn bytes(&self, column: usize) -> &[u8] {
        match self.value(column) {
            Value::Bytes(bytes) => bytes,
            Value::Text(text) => text.as_bytes(),
            _ => &[],
        }
    }

    /// A region code.
    pub(crate) fn region(&self, column: usize) -> Option<RegionCode> {
        std::str::from_utf8(self.bytes(column)).ok().and_then(RegionCode::parse)
    }

    /// A day.
    pub(crate) fn date(&self, column: usize) -> Option<NaiveDate> {
        match self.value(column) {
            Value::Date(date) => Some(*date),
            Value::DateTime(time) => Some(time.date()),
            _ => date(self.bytes(column).get(..10)?),
        }
    }

    /// A time, in whole seconds.
    pub(crate) fn date_time(&self, column: usize) -> Option<NaiveDateTime> {
        match self.value(column) {
            Value::DateTime(time) => time.with_nanosecond(0),
            Value::Date(date) => date.and_hms_opt(0, 0, 0),
            _ => date_time(self.bytes(column)),
        }
    }
}

/// The number that these ASCII digits write.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0u32, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// Reads `2026-01-31`.
fn date(text: &[u8]) -> Option<NaiveDate> {
    match text {
        [y @ .., b'-', m1, m2, b'-', d1, d2] if y.len() == 4 => NaiveDate::from_ymd_opt(
            i32::try_from(digits(y)?).ok()?,
            digits(&[*m1, *m2])?,
            digits(&[*d1, *d2])?,
        ),
        _ => None,
    }
}

/// Reads `2026-01-31 12:00:00`, with or without a fraction, which is cut off.
fn date_time(text: &[u8]) -> Option<NaiveDateTime> {
    let day = date(text.get(..10)?)?;
    match text.get(10..)? {
        [] => day.and_hms_opt(0, 0, 0),
        [b' ' | b'T', h1, h2, b':', m1, m2, b':', s1, s2, ..] => {
            day.and_hms_opt(digits(&[*h1, *h2])?, digits(&[*m1, *m2])?, digits(&[*s1, *s2])?)
        }
        _ => None,
    }
}

impl From<Value> for mysql_async::Value {
    fn from(value: Value) -> Self {
        let small = |number: u32| u8::try_from(number).unwrap_or_default();
        match value {
            Value::Null => Self::NULL,
            Value::Int(value) => Self::Int(value),
            Value::Uint(value) => Self::UInt(value),
            Value::Real(value) if !value.is_finite() => Self::NULL,
            Value::Real(value) => Self::Double(value),
            Value::Text(value) => Self::Bytes(value.into_bytes()),
            Value::Bytes(value) => Self::Bytes(value),
            Value::Date(day) => mysql_date(day, [0; 3]),
            Value::DateTime(time) => mysql_date(
                time.date(),
                [small(time.hour()), small(time.minute()), small(time.second())],
            ),
        }
    }
}

fn mysql_date(day: NaiveDate, [hour, minute, second]: [u8; 3]) -> mysql_async::Value {
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(day.year()).unwrap_or_default();
    mysql_async::Value::Date(year, small(day.month()), small(day.day()), hour, minute, second, 0)
}

impl From<mysql_async::Value> for Value {
    fn from(value: mysql_async::Value) -> Self {
        match value {
            mysql_async::Value::NULL | mysql_async::Value::Time(..) => Self::Null,
            mysql_async::Value::Bytes(bytes) => Self::Bytes(bytes),
            mysql_async::Value::Int(value) => Self::Int(value),
            mysql_async::Value::UInt(value) => Self::Uint(value),
            mysql_async::Value::Float(value) => Self::Real(value.into()),
            mysql_async::Value::Double(value) => Self::Real(value),
            // Also where the "zero date" of old servers becomes a missing one.
            mysql_async::Value::Date(year, month, day, hour, minute, second, _) => {
                NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())
                    .and_then(|date| date.and_hms_opt(hour.into(), minute.into(), second.into()))
                    .into()
            }
        }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
        let text = |text: String| ToSqlOutput::Owned(Owned::Text(text));
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Owned::Null),
            Self::Int(value) => ToSqlOutput::Owned(Owned::Integer(*value)),
            Self::Uint(value) => {
                ToSqlOutput::Owned(Owned::Integer(i64::try_from(*value).unwrap_or(i64::MAX)))
            }
            Self::Real(value) if !value.is_finite() => ToSqlOutput::Owned(Owned::Null),
            Self::Real(value) => ToSqlOutput::Owned(Owned::Real(*value)),
            Self::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Self::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Self::Date(value) => text(value.format(DATE).to_string()),
            Self::DateTime(value) => text(date_time_text(*value)),
        })
    }
}

impl From<rusqlite::types::ValueRef<'_>> for Value {
    fn from(value: rusqlite::types::ValueRef<'_>) -> Self {
        use rusqlite::types::ValueRef;
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Int(value),
            ValueRef::Real(value) => Self::Real(value),
            // Text stays bytes until somebody asks for text: most of it is dates.
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Self::Bytes(bytes.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_general_formatter_does() {
        for text in ["2026-01-31T12:00:00", "0999-12-01T23:59:59", "2000-10-09T01:02:03.999"] {
            let time: NaiveDateTime = text.parse().unwrap();
            assert_eq!(date_time_text(time), time.format(DATE_TIME).to_string());
        }
        let far = NaiveDateTime::MAX;
        assert_eq!(date_time_text(far), far.format(DATE_TIME).to_string());
    }

    fn text(value: &str) -> Row {
        Row(vec![Value::Bytes(value.as_bytes().to_vec())])
    }

    #[test]
    fn dates_and_times_read_back_from_text() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        let noon = day.and_hms_opt(12, 0, 1).unwrap();
        for (written, date, time) in [
            ("2026-01-31", Some(day), day.and_hms_opt(0, 0, 0)),
            ("2026-01-31 12:00:01", Some(day), Some(noon)),
            ("2026-01-31T12:00:01.999999", Some(day), Some(noon)),
            ("2026-02-31", None, None),
            ("0000-00-00 00:00:00", None, None),
            ("2026-1-31", None, None),
            ("+026-01-31", None, None),
            ("2026-01-31 25:00:00", Some(day), None),
            ("", None, None),
            ("2026-01-3é", None, None),
        ] {
            assert_eq!(text(written).date(0), date, "{written}");
            assert_eq!(text(written).date_time(0), time, "{written}");
        }
    }

    #[test]
    fn what_does_not_fit_reads_as_missing() {
        let row = Row(vec![
            Value::Int(-1),
            Value::Uint(u64::MAX),
            Value::Real(f64::NAN),
            Value::Bytes(b"4294967295".to_vec()),
            Value::Bytes(b"x".to_vec()),
            Value::Bytes(vec![0xFF, 0xFE]),
        ]);
        assert_eq!(row.int::<u32>(0), None);
        assert_eq!(row.int::<i64>(0), Some(-1));
        assert_eq!(row.int::<u64>(1), Some(u64::MAX));
        assert_eq!(row.int::<i64>(1), None);
        assert_eq!(row.real(2), None);
        assert_eq!(row.int::<u32>(3), Some(u32::MAX));
        assert_eq!(row.int::<u16>(3), None);
        assert_eq!((row.real(4), row.int::<u8>(4), row.date(4)), (None, None, None));
        assert_eq!((row.text(5), row.region(5)), (None, None));
        assert_eq!((row.text(99), row.real(99), row.bytes(99)), (None, None, &[][..]));
    }

    #[test]
    fn no_content_can_leave_its_literal() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        for (value, literal) in [
            (Value::Null, "NULL"),
            (Value::Int(-5), "-5"),
            (Value::Uint(u64::MAX), "18446744073709551615"),
            (Value::Real(51.5), "5.15e1"),
            (Value::Real(-0.1), "-1e-1"),
            (Value::Real(f64::INFINITY), "NULL"),
            (Value::from("a'"), "_utf8 X'6127'"),
            (Value::Bytes(vec![0, 0x27]), "X'0027'"),
            (Value::Date(day), "'2026-01-31'"),
            (Value::from(day.and_hms_opt(1, 2, 3)), "'2026-01-31 01:02:03'"),
        ] {
            let mut sql = String::new();
            value.write_literal(&mut sql);
            assert_eq!(sql, literal);
        }
    }
}
