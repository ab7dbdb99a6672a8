//! Where in a bucket or folder a batch goes: the address of a target with its placeholders.

use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate};

/// The schemes of buckets, each with whether a name follows. A folder's path follows at once.
const SCHEMES: [(&str, bool); 4] =
    [("s3://", true), ("gs://", true), ("az://", true), ("file:///", false)];

/// The parts of a path that are filled in for every object.
const PLACEHOLDERS: [&str; 5] = ["source", "api_key", "year", "month", "day"];

/// The widest number that can be asked for.
const MAX_WIDTH: usize = 20;

/// A bucket or folder, and the form of the keys of its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address without what depends on the batch: `s3://BUCKET`, or the folder before the first
    /// placeholder.
    pub root: String,
    template: Vec<Piece>,
}

/// What a key depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed<'a> {
    /// The class of source.
    pub source: &'a str,
    /// The API key, `no_key` without one.
    pub api_key: &'a str,
    /// The UTC day.
    pub day: NaiveDate,
    /// Name of the object, unique among all.
    pub id: &'a str,
}

/// A piece of the form.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Source,
    ApiKey,
    Number { part: DayPart, width: usize, is_padded_with_zeros: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayPart {
    Year,
    Month,
    Day,
}

impl Place {
    /// Reads the address of a target; the error says what is allowed.
    pub fn parse(url: &str) -> Result<Self, String> {
        let needed = "s3 needs one such as s3://BUCKET/backup/{source}/{api_key}/{year}; gs://…, \
            az://… and file:///FOLDER/… are possible too";
        let scheme = SCHEMES.into_iter().find(|(scheme, _)| url.starts_with(scheme));
        let Some((scheme, has_bucket)) = scheme else { return Err(needed.into()) };
        let rest = &url[scheme.len()..];
        if !has_bucket {
            // Everything before the part with the first placeholder is there whatever the batch.
            let fixed = rest.find('{').unwrap_or(rest.len());
            let split = if fixed < rest.len() {
                rest[..fixed].rfind('/').map_or(0, |slash| slash + 1)
            } else {
                rest.len()
            };
            let root = format!("{scheme}{}", &rest[..split]);
            return Ok(Self { root, template: pieces(&rest[split..])? });
        }
        let (bucket, template) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(needed.into());
        }
        if bucket.contains(['{', '}']) || bucket.contains(char::is_whitespace) {
            return Err(format!("'{bucket}' is no name of a bucket"));
        }
        Ok(Self { root: format!("{scheme}{bucket}"), template: pieces(template)? })
    }

    /// The key of the object of a batch below [`root`](Self::root).
    #[must_use]
    pub fn key(&self, keyed: &Keyed<'_>) -> String {
        let mut path = String::new();
        for piece in &self.template {
            match piece {
                Piece::Text(text) => path.push_str(text),
                Piece::Source => path.push_str(&as_name(keyed.source)),
                Piece::ApiKey => path.push_str(&as_name(keyed.api_key)),
                Piece::Number { part, width, is_padded_with_zeros } => {
                    let number = part.of(keyed.day);
                    // Writing to a text cannot fail.
                    let _ = if *is_padded_with_zeros {
                        write!(path, "{number:0width$}")
                    } else {
                        write!(path, "{number:width$}")
                    };
                }
            }
        }
        // No part may be empty: a folder knows none, and the libraries of buckets neither. Dots that
        // a name without a letter leaves alone must not lead to another folder.
        let parts = path.split('/').filter(|part| !part.is_empty());
        let named = |part: &str| match part {
            "." | ".." => part.replace('.', "%2E"),
            _ => part.to_owned(),
        };
        let mut key = parts.map(named).collect::<Vec<_>>().join("/");
        if !key.is_empty() {
            key.push('/');
        }
        key + keyed.id + ".json.gz"
    }
}

impl DayPart {
    fn of(self, day: NaiveDate) -> i64 {
        match self {
            Self::Year => i64::from(day.year()),
            Self::Month => i64::from(day.month()),
            Self::Day => i64::from(day.day()),
        }
    }
}

fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find(['{', '}']) {
        let inner = rest[start..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let Some((inner, after)) = inner else {
            return Err("a brace without its counterpart".into());
        };
        if start > 0 {
            pieces.push(Piece::Text(rest[..start].to_owned()));
        }
        pieces.push(placeholder(inner)?);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    let is_relative = |part: &str| part == "." || part == "..";
    if template.split('/').any(is_relative) || template.contains(|c: char| c.is_control()) {
        return Err("a path cannot have the parts '.' and '..', or control characters".into());
    }
    Ok(pieces)
}

fn placeholder(inner: &str) -> Result<Piece, String> {
    let (name, form) = inner.split_once(':').unwrap_or((inner, ""));
    let part = match name {
        "source" | "api_key" if !form.is_empty() => {
            return Err(format!("{{{inner}}}: only numbers can have a width"));
        }
        "source" => return Ok(Piece::Source),
        "api_key" => return Ok(Piece::ApiKey),
        "year" => DayPart::Year,
        "month" => DayPart::Month,
        "day" => DayPart::Day,
        _ => {
            let known = PLACEHOLDERS.map(|name| format!("{{{name}}}")).join(", ");
            return Err(format!("{{{name}}} is not one of {known}"));
        }
    };
    let digits = form.strip_suffix('d').unwrap_or(form);
    let width = if digits.is_empty() { Some(0) } else { digits.parse().ok() };
    match width.filter(|width| *width <= MAX_WIDTH && !digits.starts_with('+')) {
        Some(width) => {
            Ok(Piece::Number { part, width, is_padded_with_zeros: digits.starts_with('0') })
        }
        None => Err(format!("{{{inner}}}: a width is written as in {{month:02}}")),
    }
}

/// A word as one part of a path, whatever is in it: sources and keys come from queues.
fn as_name(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let mut name = String::with_capacity(word.len());
    for byte in word.bytes() {
        if is_plain(byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str, source: &str, api_key: &str) -> (String, String) {
        let place = Place::parse(url).unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 3, 7).unwrap();
        let key = place.key(&Keyed { source, api_key, day, id: "0af" });
        (place.root, key)
    }

    #[test]
    fn a_key_is_the_path_with_its_placeholders_filled_in() {
        let whole = "s3://bucket/backups/{source}/{api_key}/{year}/{month}/{day}";
        for (url, root, expected) in [
            (whole, "s3://bucket", "backups/gnss/no_key/2026/3/7/0af.json.gz"),
            ("s3://bucket/a/{month:02}/{day:02d}/", "s3://bucket", "a/03/07/0af.json.gz"),
            ("s3://bucket/{year:6}-{day:3}", "s3://bucket", "  2026-  7/0af.json.gz"),
            ("s3://bucket", "s3://bucket", "0af.json.gz"),
            ("s3://bucket/", "s3://bucket", "0af.json.gz"),
            ("gs://bucket//a//b", "gs://bucket", "a/b/0af.json.gz"),
            ("az://box/a", "az://box", "a/0af.json.gz"),
            ("file:///srv/b/x-{year}/{day}", "file:///srv/b/", "x-2026/7/0af.json.gz"),
            ("file:///srv/b", "file:///srv/b", "0af.json.gz"),
            ("file:///{source}", "file:///", "gnss/0af.json.gz"),
        ] {
            let expected = (root.to_owned(), expected.to_owned());
            assert_eq!(key(url, "gnss", "no_key"), expected, "{url}");
        }
    }

    #[test]
    fn what_comes_from_a_queue_stays_one_part_of_the_path() {
        for (word, name) in
            [("a-b_c1", "a-b_c1"), ("..", "%2E%2E"), ("a/b", "a%2Fb"), ("é#", "%C3%A9%23")]
        {
            let (_, found) = key("s3://bucket/{api_key}", "gnss", word);
            assert_eq!(found, format!("{name}/0af.json.gz"));
        }
    }

    #[test]
    fn names_that_are_empty_leave_no_part_that_leads_elsewhere() {
        for (path, expected) in [
            ("a{source}/{api_key}../b", "a/%2E%2E/b/0af.json.gz"),
            ("{api_key}.{source}./{api_key}", "%2E%2E/0af.json.gz"),
            (".{source}/b", "%2E/b/0af.json.gz"),
            ("{api_key}...", ".../0af.json.gz"),
            ("{api_key}/b", "b/0af.json.gz"),
        ] {
            let (_, found) = key(&format!("file:///srv/{path}"), "", "");
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused() {
        for url in [
            "https://bucket/a",
            "s3:///a",
            "s3://{year}/a",
            "s3://bucket/{hour}",
            "s3://bucket/{}",
            "s3://bucket/{year",
            "s3://bucket/year}",
            "s3://bucket/{{year}}",
            "s3://bucket/{month:x}",
            "s3://bucket/{month:+2}",
            "s3://bucket/{month:99}",
            "s3://bucket/{source:10}",
            "s3://bucket/../a",
            "file://host/a",
        ] {
            assert!(Place::parse(url).is_err(), "{url}");
        }
    }
}
