//! JSON as clients of this service send it.
//!
//! Requests are read by `serde_json`. What that refuses is looked at a second time by
//! `dialect.rs`: the original's reader also takes `NaN`, `Infinity`, numbers that overflow and
//! lone surrogates, and clients have come to rely on it.

mod dialect;
mod value;

pub use value::Value;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 500;

/// Reads one JSON document. The error is the text the original shows for it.
pub fn parse(text: &str) -> Result<Value<'_>, String> {
    serde_json::from_str(text).or_else(|_| dialect::parse(text))
}

/// Writes a number as the original does: shortest form, always a float.
#[must_use]
pub fn float(number: f64) -> String {
    format!("{number:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_to_the_last_bit() {
        for number in [31.245_270_191_439_438, 121.481_791_510_020_93, -0.1, 1e-7, 5e-324] {
            let text = float(number);
            assert_eq!(parse(&text), Ok(Value::Float(number)));
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(number in proptest::num::f64::NORMAL) {
            let text = float(number);
            proptest::prop_assert_eq!(parse(&text), Ok(Value::Float(number)));
        }
    }
}
