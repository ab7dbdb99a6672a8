//! A row as a line of JSON and back.

use std::fmt::{self, Write as _};

use chrono::{NaiveDate, NaiveDateTime};
use ichnaea_store::{Column, Kind, Value};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

const DATE: &str = "%Y-%m-%d";
const TIME: &str = "%Y-%m-%d %H:%M:%S";

/// Appends the line of a row, without its end. The same values make the same bytes everywhere.
pub fn encode(values: &[Value], line: &mut Vec<u8>) {
    let mut text = Text(line);
    text.push("[");
    for (number, value) in values.iter().enumerate() {
        if number > 0 {
            text.push(",");
        }
        text.value(value);
    }
    text.push("]");
}

struct Text<'a>(&'a mut Vec<u8>);

impl Text<'_> {
    fn push(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn value(&mut self, value: &Value) {
        // Writing into memory does not fail.
        let _ = match value {
            Value::Int(number) => write!(self, "{number}"),
            Value::Uint(number) => write!(self, "{number}"),
            // The shortest digits that read back as the same double, with a dot or an exponent.
            Value::Real(number) if number.is_finite() => write!(self, "{number:?}"),
            Value::Null | Value::Real(_) => write!(self, "null"),
            Value::Text(text) => {
                let _ = serde_json::to_writer(&mut *self.0, text);
                Ok(())
            }
            Value::Bytes(bytes) => {
                self.push("\"");
                for byte in bytes {
                    self.hex(*byte);
                }
                write!(self, "\"")
            }
            Value::Date(day) => write!(self, "\"{}\"", day.format(DATE)),
            Value::DateTime(time) => write!(self, "\"{}\"", time.format(TIME)),
        };
    }

    fn hex(&mut self, byte: u8) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.0.push(DIGITS[usize::from(byte >> 4)]);
        self.0.push(DIGITS[usize::from(byte & 15)]);
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

/// Reads the line of a row with these columns; why it cannot be.
pub(super) fn decode(line: &[u8], columns: &[Column]) -> Result<Vec<Value>, String> {
    let cells: Cells = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if cells.0.len() != columns.len() {
        return Err(format!("{} values for {} columns", cells.0.len(), columns.len()));
    }
    let value = |(cell, column): (Cell, &Column)| {
        cell.value(column.kind)
            .ok_or_else(|| format!("the value of {} is no {}", column.name, column.kind.name()))
    };
    cells.0.into_iter().zip(columns).map(value).collect()
}

/// The most values a row may have; tables here have two dozen.
const MAX_CELLS: usize = 1024;

struct Cells(Vec<Cell>);

/// A value as JSON has it.
enum Cell {
    Null,
    Int(i64),
    Uint(u64),
    Real(f64),
    Text(String),
}

impl Cell {
    fn value(self, kind: Kind) -> Option<Value> {
        Some(match (kind, self) {
            (_, Self::Null) => Value::Null,
            (Kind::Integer, Self::Int(number)) => Value::Int(number),
            (Kind::Integer, Self::Uint(number)) => Value::Uint(number),
            (Kind::Real, Self::Real(number)) => Value::Real(number + 0.0),
            (Kind::Real, Self::Int(number)) => Value::Real(number as f64),
            (Kind::Real, Self::Uint(number)) => Value::Real(number as f64),
            (Kind::Text, Self::Text(text)) => Value::Text(text),
            (Kind::Bytes, Self::Text(text)) => Value::Bytes(bytes(&text)?),
            (Kind::Date, Self::Text(text)) => Value::Date(date(&text)?),
            (Kind::Time, Self::Text(text)) => Value::DateTime(time(&text)?),
            _ => return None,
        })
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn date(text: &str) -> Option<NaiveDate> {
    let (year, month, day) = (text.get(..4)?, text.get(5..7)?, text.get(8..)?);
    let is_formed = text.len() == 10 && text.get(4..5)? == "-" && text.get(7..8)? == "-";
    let year = i32::try_from(number(year)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(month)?, number(day)?).filter(|_| is_formed)
}

fn time(text: &str) -> Option<NaiveDateTime> {
    let day = date(text.get(..10)?)?;
    let (hour, minute, second) = (text.get(11..13)?, text.get(14..16)?, text.get(17..)?);
    let between = [text.get(10..11)?, text.get(13..14)?, text.get(16..17)?];
    let is_formed = text.len() == 19 && between == [" ", ":", ":"];
    day.and_hms_opt(number(hour)?, number(minute)?, number(second)?).filter(|_| is_formed)
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Cells;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cells, A::Error> {
                use serde::de::Error as _;
                let mut cells = Vec::with_capacity(24);
                while let Some(cell) = list.next_element()? {
                    if cells.len() == MAX_CELLS {
                        return Err(A::Error::custom("too many values"));
                    }
                    cells.push(cell);
                }
                Ok(Cells(cells))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl Visitor<'_> for One {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a text or null")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell::Null)
            }

            fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
                Ok(Cell::Int(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
                Ok(i64::try_from(number).map_or(Cell::Uint(number), Cell::Int))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
                Ok(Cell::Real(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Cell, E> {
                Ok(Cell::Text(text))
            }
        }
        deserializer.deserialize_any(One)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(kinds: &[Kind]) -> Vec<Column> {
        kinds.iter().map(|kind| Column { name: kind.name().to_owned(), kind: *kind }).collect()
    }

    fn line(values: &[Value]) -> String {
        let mut line = Vec::new();
        encode(values, &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_row_is_a_list_that_people_can_read() {
        let day = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        let values = [
            Value::Bytes(vec![0x94, 0xB4, 0x0F]),
            Value::Int(-5),
            Value::Uint(u64::MAX),
            Value::Real(51.5),
            Value::Real(1e300),
            Value::Real(0.1 + 0.2),
            Value::Real(4.0),
            Value::Null,
            Value::Text("a\"b\n é".to_owned()),
            Value::Date(day),
            Value::DateTime(day.and_hms_opt(1, 2, 3).unwrap()),
        ];
        let written = line(&values);
        assert_eq!(
            written,
            r#"["94b40f",-5,18446744073709551615,51.5,1e300,0.30000000000000004,4.0,null,"a\"b\n é","2026-01-31","2026-01-31 01:02:03"]"#
        );
        let kinds = [
            Kind::Bytes,
            Kind::Integer,
            Kind::Integer,
            Kind::Real,
            Kind::Real,
            Kind::Real,
            Kind::Real,
            Kind::Real,
            Kind::Text,
            Kind::Date,
            Kind::Time,
        ];
        assert_eq!(decode(written.as_bytes(), &columns(&kinds)).unwrap(), values);
    }

    #[test]
    fn what_is_not_of_its_kind_is_refused() {
        for (kind, text) in [
            (Kind::Integer, "1.5"),
            (Kind::Integer, "\"1\""),
            (Kind::Integer, "true"),
            (Kind::Real, "\"x\""),
            (Kind::Real, "1e999"),
            (Kind::Text, "1"),
            (Kind::Text, "[]"),
            (Kind::Bytes, "\"abc\""),
            (Kind::Bytes, "\"zz\""),
            (Kind::Date, "\"2026-02-31\""),
            (Kind::Date, "\"2026-1-31\""),
            (Kind::Date, "\"+026-01-31\""),
            (Kind::Date, "\"2026é01-31\""),
            (Kind::Time, "\"2026-01-31\""),
            (Kind::Time, "\"2026-01-31 25:00:00\""),
            (Kind::Time, "\"2026-01-31T01:00:00\""),
            (Kind::Time, "\"2026-01-31 01:00:00.5\""),
        ] {
            let text = format!("[{text}]");
            assert!(decode(text.as_bytes(), &columns(&[kind])).is_err(), "{text}");
        }
        for text in ["", "[", "[]", "[1,2]", "{}", "null", "[1]x"] {
            assert!(decode(text.as_bytes(), &columns(&[Kind::Integer])).is_err(), "{text}");
        }
    }

    fn value() -> impl Strategy<Value = (Kind, Value)> {
        prop_oneof![
            any::<i64>().prop_map(|number| (Kind::Integer, Value::Int(number))),
            (i64::MAX as u64 + 1..).prop_map(|number| (Kind::Integer, Value::Uint(number))),
            any::<f64>()
                .prop_filter("finite", |number| number.is_finite())
                .prop_map(|number| (Kind::Real, Value::Real(number + 0.0))),
            ".*".prop_map(|text| (Kind::Text, Value::Text(text))),
            any::<Vec<u8>>().prop_map(|bytes| (Kind::Bytes, Value::Bytes(bytes))),
            Just((Kind::Date, Value::Null)),
            (0i64..253_402_300_800).prop_map(|second| {
                let time = chrono::DateTime::from_timestamp(second, 0).unwrap().naive_utc();
                (Kind::Time, Value::DateTime(time))
            }),
        ]
    }

    proptest! {
        #[test]
        fn every_row_comes_back_as_it_was(row in proptest::collection::vec(value(), 0..9)) {
            let (kinds, values): (Vec<Kind>, Vec<Value>) = row.into_iter().unzip();
            let written = line(&values);
            prop_assert!(!written.contains('\n'));
            prop_assert_eq!(decode(written.as_bytes(), &columns(&kinds)), Ok(values));
        }

        #[test]
        fn no_line_makes_it_panic(line in any::<Vec<u8>>(), text in r#"\[("[0-9a-zé -]*"|[-0-9.e]*|null|,)*\]"#) {
            for kind in Kind::ALL {
                let _ = decode(&line, &columns(&[kind]));
                let _ = decode(text.as_bytes(), &columns(&[kind, kind]));
            }
        }
    }
}
