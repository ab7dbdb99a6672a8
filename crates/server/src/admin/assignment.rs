//! `field=value` on a command line: how rows are changed.

use std::str::FromStr;

/// One change as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The column.
    pub field: String,
    /// The new value; `None` for NULL, typed as nothing or as `None`.
    pub value: Option<String>,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, value) = text
            .split_once('=')
            .ok_or_else(|| format!("{text:?} is not of the form FIELD=VALUE"))?;
        let value = Some(value).filter(|value| !value.is_empty() && *value != "None");
        Ok(Self { field: field.replace('-', "_"), value: value.map(str::to_owned) })
    }
}

impl Assignment {
    /// Reads the value with `parse`; what is wrong with it names the field.
    pub fn read<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let value = self.value.as_deref().map(parse).transpose();
        value.map_err(|problem| format!("{}: {problem}", self.field))
    }
}

/// Reads a truth value in the spellings that settings have.
pub fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "yes" | "y" | "1" | "on" => Ok(true),
        "f" | "false" | "no" | "n" | "0" | "off" => Ok(false),
        _ => Err(format!("{text} is neither true nor false")),
    }
}

/// Reads a whole number from `MIN` to `MAX`.
pub fn whole<const MIN: i32, const MAX: i32>(text: &str) -> Result<i32, String> {
    let number: i64 = text.parse().map_err(|_| format!("{text} is not a valid integer"))?;
    match i32::try_from(number) {
        Ok(number) if (MIN..=MAX).contains(&number) => Ok(number),
        _ if MAX == i32::MAX => Err(format!("{text} is not from {MIN} up")),
        _ => Err(format!("{text} is not from {MIN} to {MAX}")),
    }
}

/// Reads a text of at most `MAX` characters.
pub fn at_most<const MAX: usize>(text: &str) -> Result<String, String> {
    match text.chars().count() {
        len if len > MAX => Err(format!("{len} characters, at most {MAX} fit")),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_field_and_a_value_or_null() {
        let assignment = |field: &str, value: Option<&str>| Assignment {
            field: field.into(),
            value: value.map(Into::into),
        };
        for (text, expected) in [
            ("maxreq=5", assignment("maxreq", Some("5"))),
            ("allow-locate=true", assignment("allow_locate", Some("true"))),
            (
                "fallback_url=https://a.example/?key=b",
                assignment("fallback_url", Some("https://a.example/?key=b")),
            ),
            ("fallback_name=", assignment("fallback_name", None)),
            ("fallback_name=None", assignment("fallback_name", None)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert!("maxreq".parse::<Assignment>().is_err());
    }

    #[test]
    fn what_is_wrong_names_the_field() {
        let assignment: Assignment = "maxreq=many".parse().unwrap();
        let problem = assignment.read(whole::<0, { i32::MAX }>).unwrap_err();
        assert_eq!(problem, "maxreq: many is not a valid integer");
        assert_eq!("maxreq=".parse::<Assignment>().unwrap().read(flag), Ok(None));
    }

    #[test]
    fn values_are_bounded() {
        assert_eq!(whole::<0, 100>("100"), Ok(100));
        assert_eq!(whole::<0, 100>("101").unwrap_err(), "101 is not from 0 to 100");
        assert_eq!(whole::<1, { i32::MAX }>("0").unwrap_err(), "0 is not from 1 up");
        assert!(whole::<0, { i32::MAX }>("99999999999").is_err());
        assert_eq!((flag("Yes"), flag("off")), (Ok(true), Ok(false)));
        assert!(flag("maybe").is_err());
        assert!(at_most::<40>(&"a".repeat(40)).is_ok());
        assert!(at_most::<40>(&"a".repeat(41)).is_err());
    }
}
