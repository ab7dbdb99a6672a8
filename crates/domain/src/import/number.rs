//! Fields of a row, and the numbers in them.

use super::Reason;

/// How many fields a row may have; more are no row of a format known here.
pub(super) const MOST_FIELDS: usize = 64;

/// Splits lines into fields.
///
/// A line is a row: no format here has line breaks within fields, and so a quotation mark without
/// its partner costs one row and not the rest of the file.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    text: Vec<u8>,
}

impl Splitter {
    /// The fields of a line; quoted ones without their marks.
    pub(super) fn split<'a>(&'a mut self, line: &'a [u8]) -> Result<Fields<'a>, Reason> {
        if line.contains(&0) || std::str::from_utf8(line).is_err() {
            return Err(Reason::Encoding);
        }
        let mut fields = Fields { fields: [b""; MOST_FIELDS], count: 0 };
        if line.contains(&b'"') {
            let ends = self.unquote(line)?;
            let mut start = 0;
            for end in ends {
                fields.push(self.text.get(start..end).unwrap_or_default())?;
                start = end;
            }
        } else {
            line.split(|&byte| byte == b',').try_for_each(|field| fields.push(field))?;
        }
        Ok(fields)
    }

    /// Copies the contents of the fields and says where each ends.
    fn unquote(&mut self, line: &[u8]) -> Result<Vec<usize>, Reason> {
        self.text.clear();
        let mut ends = Vec::new();
        let mut rest = line.iter().copied().peekable();
        let mut is_quoted = false;
        let mut is_start = true;
        while let Some(byte) = rest.next() {
            match byte {
                b'"' if is_quoted && rest.peek() == Some(&b'"') => {
                    rest.next();
                    self.text.push(b'"');
                }
                b'"' if is_quoted => is_quoted = false,
                b'"' if is_start => is_quoted = true,
                b',' if !is_quoted => {
                    ends.push(self.text.len());
                    is_start = true;
                    continue;
                }
                other => self.text.push(other),
            }
            is_start = false;
        }
        ends.push(self.text.len());
        if is_quoted { Err(Reason::Quoting) } else { Ok(ends) }
    }
}

/// The fields of one row.
pub(super) struct Fields<'a> {
    fields: [&'a [u8]; MOST_FIELDS],
    count: usize,
}

impl<'a> Fields<'a> {
    fn push(&mut self, field: &'a [u8]) -> Result<(), Reason> {
        *self.fields.get_mut(self.count).ok_or(Reason::LongRow)? = field.trim_ascii();
        self.count += 1;
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// A field by its place; empty when the row is shorter.
    pub(super) fn get(&self, place: usize) -> &'a [u8] {
        self.fields.get(place).copied().unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        self.fields.into_iter().take(self.count)
    }
}

/// Beyond it, neighbouring whole numbers are one double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number, also one that is written as `7.0` or `1e3`; `None` for an empty field.
pub(super) fn whole(field: &[u8]) -> Result<Option<i64>, Reason> {
    let (sign, digits) = match field {
        [] => return Ok(None),
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let is_short = (1..=18).contains(&digits.len());
    if is_short && digits.iter().all(u8::is_ascii_digit) {
        let value = digits.iter().fold(0, |sum: i64, digit| sum * 10 + i64::from(digit - b'0'));
        return Ok(Some(sign * value));
    }
    match decimal(field)? {
        Some(value) if value.fract() == 0.0 && value.abs() < EXACT =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
            Ok(Some(value as i64))
        }
        _ => Err(Reason::BadNumber),
    }
}

/// A number; `None` for an empty field.
pub(super) fn decimal(field: &[u8]) -> Result<Option<f64>, Reason> {
    if field.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(field).map_err(|_| Reason::BadNumber)?;
    let value: f64 = text.parse().map_err(|_| Reason::BadNumber)?;
    if value.is_finite() { Ok(Some(value)) } else { Err(Reason::BadNumber) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &[u8]) -> Result<Vec<String>, Reason> {
        let mut splitter = Splitter::default();
        let fields = splitter.split(line)?;
        Ok(fields.iter().map(|field| String::from_utf8(field.to_vec()).unwrap()).collect())
    }

    #[test]
    fn lines_are_split_at_commas_outside_of_quotes() {
        for (line, expected) in [
            ("a,b,,c", &["a", "b", "", "c"][..]),
            (" a , b\t", &["a", "b"]),
            ("\"a\",\"b,c\",\"d\"\"e\",", &["a", "b,c", "d\"e", ""]),
            ("a\"b,c", &["a\"b", "c"]),
            ("", &[""]),
        ] {
            assert_eq!(split(line.as_bytes()).unwrap(), expected, "{line}");
        }
        assert_eq!(split(b"\"a,b"), Err(Reason::Quoting));
        assert_eq!(split(b"a,\xff"), Err(Reason::Encoding));
        assert_eq!(split(b"a,\0"), Err(Reason::Encoding));
        assert_eq!(split(&[b','; MOST_FIELDS]), Err(Reason::LongRow));
        assert_eq!(split(&[b','; MOST_FIELDS - 1]).unwrap().len(), MOST_FIELDS);
    }

    #[test]
    fn numbers_are_read_or_refused() {
        for (field, expected) in [
            ("", Ok(None)),
            ("0", Ok(Some(0))),
            ("-7", Ok(Some(-7))),
            ("+7", Ok(Some(7))),
            ("7.0", Ok(Some(7))),
            ("1e3", Ok(Some(1000))),
            ("68719476735", Ok(Some(68_719_476_735))),
            ("999999999999999999", Ok(Some(999_999_999_999_999_999))),
            ("9999999999999999999", Err(Reason::BadNumber)),
            ("7.5", Err(Reason::BadNumber)),
            ("-", Err(Reason::BadNumber)),
            ("x", Err(Reason::BadNumber)),
            ("0x10", Err(Reason::BadNumber)),
            ("nan", Err(Reason::BadNumber)),
            ("inf", Err(Reason::BadNumber)),
        ] {
            assert_eq!(whole(field.as_bytes()), expected, "{field}");
        }
        assert_eq!(decimal(b"-1.25"), Ok(Some(-1.25)));
        assert_eq!(decimal(b""), Ok(None));
        for field in ["nan", "1e999", "1,5", "N51.5"] {
            assert_eq!(decimal(field.as_bytes()), Err(Reason::BadNumber), "{field}");
        }
    }
}
