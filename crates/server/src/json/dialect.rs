//! The JSON dialect of the original's reader, and its error texts.
//!
//! Beyond the standard it takes `NaN`, `Infinity`, `-Infinity`, numbers that overflow to
//! infinity, and lone surrogate escapes. It runs only on what the standard reader refused, so it
//! is written for exactness, not speed.

use super::{MAX_DEPTH, Value};

/// Digits of the longest integer that is read.
const MAX_DIGITS: usize = 4300;

/// Reads one document; the error reads like `JSONDecodeError('Extra data: line 1 column 4 (char 3)')`.
pub fn parse(text: &str) -> Result<Value<'static>, String> {
    let mut reader = Reader { text, at: 0 };
    let result = reader.document();
    result.map_err(|problem| reader.describe(&problem))
}

/// What is wrong and at which byte.
struct Problem {
    message: &'static str,
    at: usize,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

type Read<T> = Result<T, Problem>;

fn problem<T>(message: &'static str, at: usize) -> Read<T> {
    Err(Problem { message, at })
}

impl Reader<'_> {
    fn document(&mut self) -> Read<Value<'static>> {
        if self.text.starts_with('\u{feff}') {
            return problem("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0);
        }
        self.blanks();
        let value = self.value(0)?;
        self.blanks();
        if self.at < self.text.len() { problem("Extra data", self.at) } else { Ok(value) }
    }

    fn value(&mut self, depth: usize) -> Read<Value<'static>> {
        let start = self.at;
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Value::Text(self.string()?.into())),
            Some(b'-' | b'0'..=b'9') if !self.rest().starts_with("-Infinity") => self.number(),
            _ => {
                for (word, value) in [
                    ("null", Value::Null),
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("NaN", Value::Float(f64::NAN)),
                    ("Infinity", Value::Float(f64::INFINITY)),
                    ("-Infinity", Value::Float(f64::NEG_INFINITY)),
                ] {
                    if self.rest().starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                problem("Expecting value", start)
            }
        }
    }

    fn object(&mut self, depth: usize) -> Read<Value<'static>> {
        let name_expected = "Expecting property name enclosed in double quotes";
        self.deeper(depth)?;
        self.at += 1;
        let mut members = Vec::new();
        self.blanks();
        if self.skip(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return problem(name_expected, self.at);
            }
            let name = self.string()?;
            self.blanks();
            if !self.skip(b':') {
                return problem("Expecting ':' delimiter", self.at);
            }
            self.blanks();
            members.push((name.into(), self.value(depth + 1)?));
            self.blanks();
            if self.skip(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.skip(b',') {
                return problem("Expecting ',' delimiter", self.at);
            }
            self.blanks();
        }
    }

    fn list(&mut self, depth: usize) -> Read<Value<'static>> {
        self.deeper(depth)?;
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.skip(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.skip(b']') {
                return Ok(Value::List(items));
            }
            if !self.skip(b',') {
                return problem("Expecting ',' delimiter", self.at);
            }
            self.blanks();
        }
    }

    fn deeper(&self, depth: usize) -> Read<()> {
        if depth >= MAX_DEPTH { problem("Nested too deeply", self.at) } else { Ok(()) }
    }

    fn string(&mut self) -> Read<String> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(next) = self.rest().chars().next() else {
                return problem("Unterminated string starting at", start);
            };
            let at = self.at;
            self.at += next.len_utf8();
            match next {
                '"' => return Ok(text),
                '\\' => text.push(self.escape(start)?),
                '\0'..='\u{1f}' => return problem("Invalid control character at", at),
                other => text.push(other),
            }
        }
    }

    fn escape(&mut self, string_start: usize) -> Read<char> {
        let at = self.at;
        let Some(letter) = self.peek() else {
            return problem("Unterminated string starting at", string_start);
        };
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => {
                self.at = at;
                return problem("Invalid \\escape", at - 1);
            }
        })
    }

    /// The four digits after `\u`, with the second half of a surrogate pair where there is one.
    fn unicode(&mut self) -> Read<char> {
        let high = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let after_high = self.at;
        if self.rest().starts_with("\\u") {
            self.at += 2;
            if let Ok(low @ 0xdc00..0xe000) = self.four_digits() {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = after_high;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Read<u32> {
        let digits =
            self.rest().get(..4).filter(|four| four.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|four| u32::from_str_radix(four, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => problem("Invalid \\uXXXX escape", self.at),
        }
    }

    fn number(&mut self) -> Read<Value<'static>> {
        let start = self.at;
        let mut end = start;
        let bytes = self.text.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            at
        };
        if bytes.get(end) == Some(&b'-') {
            end += 1;
        }
        end = match bytes.get(end) {
            Some(b'0') => end + 1,
            Some(b'1'..=b'9') => digits(end),
            _ => return problem("Expecting value", start),
        };
        let integer_end = end;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = end + 1 + sign;
            if digits(exponent) > exponent {
                end = digits(exponent);
            }
        }
        let literal = self.text.get(start..end).unwrap_or_default();
        if end == integer_end && literal.len() > MAX_DIGITS {
            return problem("Exceeds the limit for integer digits", start);
        }
        self.at = end;
        if end == integer_end
            && let Ok(number) = literal.parse()
        {
            return Ok(Value::Int(number));
        }
        Ok(Value::Float(literal.parse().unwrap_or(f64::NAN)))
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The error text with the place counted in characters, as a quoted literal.
    fn describe(&self, problem: &Problem) -> String {
        let before = self.text.get(..problem.at).unwrap_or(self.text);
        let char = before.chars().count();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let text = format!("{}: line {line} column {column} (char {char})", problem.message);
        let text = text.replace('\\', "\\\\");
        let quote = if text.contains('\'') { '"' } else { '\'' };
        format!("JSONDecodeError({quote}{text}{quote})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn the_dialect_goes_beyond_the_standard() {
        let Ok(Value::List(items)) = json::parse("[NaN, -Infinity, 1e999, 12, 1e2, \"\\ud800x\"]")
        else {
            panic!("not read");
        };
        assert!(matches!(items[0], Value::Float(number) if number.is_nan()));
        assert_eq!(items[1], Value::Float(f64::NEG_INFINITY));
        assert_eq!(items[2], Value::Float(f64::INFINITY));
        assert_eq!(items[3], Value::Int(12));
        assert_eq!(items[4], Value::Float(100.0));
        assert_eq!(items[5], Value::Text("\u{fffd}x".into()));
    }

    #[test]
    fn of_equal_names_the_last_counts() {
        for text in ["{\"a\": 1, \"a\": 2}", "{\"a\": NaN, \"a\": 2}"] {
            assert_eq!(json::parse(text).unwrap().get("a"), Some(&Value::Int(2)), "{text}");
        }
    }

    #[test]
    fn errors_read_as_clients_know_them() {
        for (text, error) in [
            ("", "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"),
            ("®", "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')"),
            ("{} x", "JSONDecodeError('Extra data: line 1 column 4 (char 3)')"),
            ("[1, 2 3]", "JSONDecodeError(\"Expecting ',' delimiter: line 1 column 7 (char 6)\")"),
            (
                "{'a': 1}",
                "JSONDecodeError('Expecting property name enclosed in double quotes: line 1 \
                 column 2 (char 1)')",
            ),
            ("{\"é\n", "JSONDecodeError('Invalid control character at: line 1 column 4 (char 3)')"),
            (
                "{\"a",
                "JSONDecodeError('Unterminated string starting at: line 1 column 2 (char 1)')",
            ),
            ("\n [\"\\x\"]", "JSONDecodeError('Invalid \\\\\\\\escape: line 2 column 4 (char 4)')"),
            (
                "\u{feff}{}",
                "JSONDecodeError('Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 \
                 (char 0)')",
            ),
            ("[01]", "JSONDecodeError(\"Expecting ',' delimiter: line 1 column 3 (char 2)\")"),
            ("[1,]", "JSONDecodeError('Expecting value: line 1 column 4 (char 3)')"),
        ] {
            let error = error.replace("\\\\\\\\", "\\\\");
            assert_eq!(json::parse(text).unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let deep = "[".repeat(100_000);
        assert!(json::parse(&deep).unwrap_err().contains("Nested too deeply"));
        let fine = format!("{}{}", "[".repeat(150), "]".repeat(150));
        assert!(json::parse(&fine).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn both_readers_agree_on_standard_json(text in "[\\[\\]{}:,\"a0-9.eE \\\\-]{0,40}") {
            if let Ok(standard) = serde_json::from_str::<Value<'_>>(&text) {
                proptest::prop_assert_eq!(parse(&text), Ok(standard));
            }
        }
    }
}
