//! How loosely typed request members become values.
//!
//! The rules are those of the original, which clients know: numbers may come as text, empty
//! values count as absent, a value of a wrong type is a problem. What a problem means is decided
//! by the reader of the request: a list element with a problem is skipped as long as another one
//! is left, so that one bad element never fails a request.

use std::fmt;

use crate::json::Value;

/// Something in a request that has the wrong type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Names and list indexes joined by dots; empty for the document itself.
    pub path: String,
    /// What is wrong.
    pub text: String,
}

/// Where in the request a value stands; only spelled out when there is a problem.
#[derive(Clone, Copy)]
pub enum Path<'p> {
    /// The document itself.
    Root,
    /// A member of an object.
    Member(&'p Path<'p>, &'static str),
    /// An element of a list.
    Element(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parent, step) = match self {
            Self::Root => return Ok(()),
            Self::Member(parent, name) => (parent, (*name).to_owned()),
            Self::Element(parent, index) => (parent, index.to_string()),
        };
        match parent {
            Path::Root => f.write_str(&step),
            _ => write!(f, "{parent}.{step}"),
        }
    }
}

/// The elements of a list that could be read, and what was wrong with the others.
pub struct Elements<T> {
    /// Elements without a problem.
    pub good: Vec<T>,
    /// Problems of all the others.
    pub bad: Vec<Problem>,
}

/// An object that is being read member by member.
pub struct Fields<'v, 'p> {
    object: &'v Value<'v>,
    path: &'p Path<'p>,
    /// What was wrong so far.
    pub problems: Vec<Problem>,
}

impl<'v, 'p> Fields<'v, 'p> {
    /// Starts to read a value that must be an object.
    pub fn open(object: &'v Value<'v>, path: &'p Path<'p>) -> Result<Self, Problem> {
        match object {
            Value::Object(_) => Ok(Self { object, path, problems: Vec::new() }),
            other => Err(Problem {
                path: path.to_string(),
                text: format!(
                    "\"{other}\" is not a mapping type: Does not implement dict-like functionality."
                ),
            }),
        }
    }

    /// A member, whatever it is. Every look at a request goes through here.
    fn member(&self, name: &str) -> Option<&'v Value<'v>> {
        #[cfg(test)]
        note_member(self.path, name);
        self.object.get(name)
    }

    /// Is there a member with this name, whatever its value?
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// A whole number; fractions are cut off, what does not fit is the nearest that does.
    pub fn integer(&mut self, name: &'static str) -> Option<i64> {
        let value = self.member(name)?;
        match integer(value) {
            Ok(number) => number,
            Err(()) => self.problem(name, format!("\"{value}\" is not a number")),
        }
    }

    /// A finite number; NaN and the infinities count as absent.
    pub fn number(&mut self, name: &'static str) -> Option<f64> {
        let value = self.member(name)?;
        match number(value) {
            Ok(number) => number.filter(|number| number.is_finite()),
            Err(()) => self.problem(name, format!("\"{value}\" is not a number")),
        }
    }

    /// Text that is not empty.
    pub fn text(&mut self, name: &'static str) -> Option<&'v str> {
        match self.member(name)? {
            Value::Text(text) if !text.is_empty() => Some(text),
            value if value.is_falsy() => None,
            value => self.problem(name, format!("{value} is not a string: {{'{name}': ''}}")),
        }
    }

    /// Text as it was sent, empty or not; any other type is `None` and no problem.
    #[must_use]
    pub fn raw_text(&self, name: &str) -> Option<&'v str> {
        match self.member(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A yes or no, read the way the original does: almost everything means yes.
    #[must_use]
    pub fn boolean(&self, name: &str) -> Option<bool> {
        self.member(name).map(|value| match value {
            Value::Bool(flag) => *flag,
            Value::Int(number) => *number != 0,
            Value::Text(text) => !(text == "0" || text.eq_ignore_ascii_case("false")),
            _ => true,
        })
    }

    /// A word out of a vocabulary.
    pub fn word<T>(
        &mut self,
        name: &'static str,
        known: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.member(name).filter(|value| !value.is_falsy())?;
        let word = match value {
            Value::Text(text) => read(text),
            _ => None,
        };
        if word.is_none() {
            self.problem(name, format!("\"{value}\" is not one of {known}"))
        } else {
            word
        }
    }

    /// An object; absent is fine, anything else is a problem.
    pub fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Fields<'v, '_>) -> T,
    ) -> Option<T> {
        let value = self.member(name)?;
        let path = Path::Member(self.path, name);
        match Fields::open(value, &path) {
            Ok(mut fields) => {
                let result = read(&mut fields);
                self.problems.append(&mut fields.problems);
                Some(result)
            }
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// A list of objects; absent means empty, anything else is a problem.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&mut Fields<'v, '_>) -> T,
    ) -> Elements<T> {
        let mut elements = Elements { good: Vec::new(), bad: Vec::new() };
        let path = Path::Member(self.path, name);
        match self.member(name) {
            None => {}
            Some(Value::List(items)) => {
                elements.good.reserve(items.len());
                for (index, item) in items.iter().enumerate() {
                    let path = Path::Element(&path, index);
                    match Fields::open(item, &path) {
                        Ok(mut fields) => {
                            let element = read(&mut fields);
                            if fields.problems.is_empty() {
                                elements.good.push(element);
                            } else {
                                elements.bad.append(&mut fields.problems);
                            }
                        }
                        Err(problem) => elements.bad.push(problem),
                    }
                }
            }
            Some(other) => {
                let text = format!("\"{other}\" is not iterable");
                self.problems.push(Problem { path: path.to_string(), text });
            }
        }
        elements
    }

    /// Notes a problem with a member; gives `None` for the value.
    pub fn problem<T>(&mut self, name: &'static str, text: String) -> Option<T> {
        let path = Path::Member(self.path, name).to_string();
        self.problems.push(Problem { path, text });
        None
    }
}

#[cfg(test)]
thread_local! {
    static READ: std::cell::RefCell<std::collections::BTreeSet<String>> = std::cell::RefCell::default();
}

/// The members that a reader looks at, as `a.*.b`, for tests of what is documented.
#[cfg(test)]
pub fn read_members<T>(read: impl FnOnce() -> T) -> std::collections::BTreeSet<String> {
    READ.take();
    read();
    READ.take()
}

#[cfg(test)]
fn note_member(path: &Path<'_>, name: &str) {
    let path = path.to_string();
    let steps = path.split('.').filter(|step| !step.is_empty()).chain([name]);
    let is_index = |step: &str| step.bytes().all(|byte| byte.is_ascii_digit());
    let steps: Vec<_> = steps.map(|step| if is_index(step) { "*" } else { step }).collect();
    READ.with_borrow_mut(|read| read.insert(steps.join(".")));
}

/// `Ok(None)`: counts as absent. `Err`: no number.
fn integer(value: &Value<'_>) -> Result<Option<i64>, ()> {
    match value {
        Value::Int(number) => Ok(Some(*number)),
        Value::Bool(flag) => Ok(Some(i64::from(*flag))),
        Value::Float(number) if number.is_finite() => Ok(Some(cut(*number))),
        Value::Text(text) if !text.is_empty() => integer_from_text(text).map(Some).ok_or(()),
        value if value.is_falsy() => Ok(None),
        _ => Err(()),
    }
}

/// `Ok(None)`: counts as absent. `Err`: no number.
pub fn number(value: &Value<'_>) -> Result<Option<f64>, ()> {
    match value {
        Value::Int(number) => Ok(Some(*number as f64)),
        Value::Bool(flag) => Ok(Some(f64::from(u8::from(*flag)))),
        Value::Float(number) => Ok(Some(*number)),
        Value::Text(text) if !text.is_empty() => {
            let text = ascii_digits(text.trim()).ok_or(())?;
            text.parse().map(Some).map_err(|_| ())
        }
        value if value.is_falsy() => Ok(None),
        _ => Err(()),
    }
}

/// Cuts toward zero; out of range becomes the nearest number in range.
#[expect(clippy::cast_possible_truncation, reason = "saturating is what is wanted")]
fn cut(number: f64) -> i64 {
    number as i64
}

/// An integer literal: blanks around, a sign, single underscores between digits. What does not
/// fit is the nearest number that does.
fn integer_from_text(text: &str) -> Option<i64> {
    let text = ascii_digits(text.trim())?;
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let limit = if is_negative { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(limit))
}

/// First digits of scripts whose digits clients have been seen to send: Arabic-Indic, Persian,
/// Devanagari, Bengali, Thai and full width (Unicode, general category Nd).
const DIGIT_ZEROS: [u32; 6] = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50, 0xff10];

/// The text with digits of other scripts and underscores between digits made plain; `None` when
/// an underscore stands elsewhere.
fn ascii_digits(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut after_underscore = false;
    for letter in text.chars() {
        let digit = letter.to_digit(10).or_else(|| {
            let value = |zero| u32::from(letter).checked_sub(zero).filter(|digit| *digit < 10);
            DIGIT_ZEROS.into_iter().find_map(value)
        });
        match (digit, letter) {
            (Some(digit), _) => {
                plain.push(char::from_digit(digit, 10)?);
                after_underscore = false;
            }
            (None, '_') => {
                if after_underscore || !plain.ends_with(|last: char| last.is_ascii_digit()) {
                    return None;
                }
                after_underscore = true;
            }
            (None, other) => {
                if after_underscore {
                    return None;
                }
                plain.push(other);
            }
        }
    }
    (!after_underscore).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn integers_are_read_as_the_original_reads_them() {
        for (text, expected) in [
            ("null", Ok(None)),
            ("\"\"", Ok(None)),
            ("[]", Ok(None)),
            ("{}", Ok(None)),
            ("false", Ok(Some(0))),
            ("true", Ok(Some(1))),
            ("0", Ok(Some(0))),
            ("0.0", Ok(Some(0))),
            ("-50.9", Ok(Some(-50))),
            ("1e99", Ok(Some(i64::MAX))),
            ("-123456789012345678901234567890", Ok(Some(i64::MIN))),
            ("NaN", Err(())),
            ("Infinity", Err(())),
            ("\" 12 \"", Ok(Some(12))),
            ("\"+5\"", Ok(Some(5))),
            ("\"1_000\"", Ok(Some(1000))),
            ("\"_1\"", Err(())),
            ("\"1__0\"", Err(())),
            ("\"٣\"", Ok(Some(3))),
            ("\"99999999999999999999\"", Ok(Some(i64::MAX))),
            ("\"1.5\"", Err(())),
            ("\"1e3\"", Err(())),
            ("\"0x10\"", Err(())),
            ("\"-\"", Err(())),
            ("\" \"", Err(())),
            ("[1]", Err(())),
            ("{\"a\": 1}", Err(())),
        ] {
            assert_eq!(integer(&json::parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_as_the_original_reads_them() {
        for (text, expected) in [
            ("null", Ok(None)),
            ("false", Ok(Some(0.0))),
            ("1.5", Ok(Some(1.5))),
            ("\"1.5\"", Ok(Some(1.5))),
            ("\"1e2\"", Ok(Some(100.0))),
            ("\" 2 \"", Ok(Some(2.0))),
            ("1e400", Ok(Some(f64::INFINITY))),
            ("\"x\"", Err(())),
            ("[1]", Err(())),
        ] {
            assert_eq!(number(&json::parse(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn booleans_are_read_as_the_original_reads_them() {
        for (text, expected) in [
            ("null", true),
            ("\"\"", true),
            ("[]", true),
            ("false", false),
            ("0", false),
            ("0.0", true),
            ("\"false\"", false),
            ("\"FALSE\"", false),
            ("\"0\"", false),
            ("\"no\"", true),
            ("\"0.0\"", true),
        ] {
            let document = format!("{{\"flag\": {text}}}");
            let value = json::parse(&document).unwrap();
            let fields = Fields::open(&value, &Path::Root).ok().unwrap();
            assert_eq!(fields.boolean("flag"), Some(expected), "{text}");
            assert_eq!(fields.boolean("other"), None);
        }
    }

    #[test]
    fn problems_name_their_place() {
        let value = json::parse(r#"{"a": [{"b": 1}, 5, {"b": "x"}], "c": 7}"#).unwrap();
        let mut fields = Fields::open(&value, &Path::Root).ok().unwrap();
        let elements = fields.list("a", |element| element.integer("b"));
        assert_eq!(elements.good, [Some(1)]);
        let paths: Vec<_> = elements.bad.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["a.1", "a.2.b"]);
        assert_eq!(elements.bad[1].text, "\"x\" is not a number");
        fields.list("c", |_| ());
        assert_eq!(fields.problems[0].text, "\"7\" is not iterable");
    }
}
