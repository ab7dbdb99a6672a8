//! What one setting is: its names, what it may be, who reads it.

use std::borrow::Cow;
use std::net::IpAddr;

/// One setting. The list of all of them is [`super::table::ALL`].
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The variable, and the name it has in messages and documents.
    pub name: &'static str,
    /// Older variables that mean the same; the first that is not empty counts.
    pub aliases: &'static [&'static str],
    /// The flag, where it is not the name of the variable in lower case.
    pub own_flag: Option<&'static str>,
    /// What the value may be.
    pub kind: Kind,
    /// The value when nothing is given.
    pub default: Option<&'static str>,
    /// What takes the place of a default, in words.
    pub otherwise: Option<&'static str>,
    /// The part of the documentation it belongs to.
    pub group: Group,
    /// Who reads it.
    pub used_by: &'static [User],
    /// What it does, in one line.
    pub meaning: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Any text that nobody may see.
    Secret,
    /// An address that may contain a password.
    Address,
    /// A whole number within bounds.
    Whole {
        /// The smallest value.
        least: u64,
        /// The largest value.
        most: u64,
    },
    /// Yes or no.
    YesNo,
    /// One of some words, in upper or lower case.
    OneOf(&'static [&'static str]),
    /// A file or folder.
    Path,
    /// An IP address of this machine.
    Ip,
    /// Networks, separated by commas.
    Networks,
}

/// Sections of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Databases and their accounts.
    Database,
    /// Redis and files.
    Stores,
    /// The web server.
    Web,
    /// Background work.
    Worker,
    /// Map, tiles and public files.
    Content,
    /// The pages people see.
    Site,
    /// Accounts for buckets, and what else leaves.
    Buckets,
    /// Logs, metrics, errors.
    Observe,
    /// Everything else.
    Mode,
}

/// Who reads a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// The role `web`, and `serve`.
    Web,
    /// The role `worker`, and `serve`.
    Worker,
    /// The role `scheduler`, and `serve`.
    Scheduler,
    /// The role `map`.
    Map,
    /// The administrative commands.
    Admin,
}

impl Setting {
    /// A setting without a name, which the table gives it.
    pub(super) const fn new(
        group: Group,
        used_by: &'static [User],
        kind: Kind,
        meaning: &'static str,
    ) -> Self {
        Self {
            name: "",
            aliases: &[],
            own_flag: None,
            kind,
            default: None,
            otherwise: None,
            group,
            used_by,
            meaning,
        }
    }

    pub(super) const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    pub(super) const fn or(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    pub(super) const fn flag_is(self, flag: &'static str) -> Self {
        Self { own_flag: Some(flag), ..self }
    }

    pub(super) const fn default(self, text: &'static str) -> Self {
        Self { default: Some(text), ..self }
    }

    pub(super) const fn otherwise(self, words: &'static str) -> Self {
        Self { otherwise: Some(words), ..self }
    }

    /// The variables, the one that counts most first.
    pub fn variables(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// The flag without its dashes.
    #[must_use]
    pub fn flag(&self) -> Cow<'static, str> {
        self.own_flag.map_or_else(|| flag_of(self.name).into(), Cow::Borrowed)
    }

    /// Whether the value may be shown.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Address)
    }
}

/// A variable in the spelling of flags.
pub(super) fn flag_of(variable: &str) -> String {
    variable.to_ascii_lowercase().replace('_', "-")
}

impl Kind {
    /// A whole number above zero.
    pub(super) const COUNT: Self = Self::Whole { least: 1, most: i64::MAX as u64 };
    /// A port of another machine.
    pub(super) const PORT: Self = Self::Whole { least: 1, most: u16::MAX as u64 };
    /// A port to listen on; 0 is any that is free.
    pub(super) const OWN_PORT: Self = Self::Whole { least: 0, most: u16::MAX as u64 };

    /// What is allowed, as the end of the sentence "allowed is …".
    #[must_use]
    pub fn allowed(&self) -> String {
        match self {
            Self::Text | Self::Secret => "any text".to_owned(),
            Self::Address => "an address".to_owned(),
            Self::Whole { least, most } if *most == i64::MAX as u64 => {
                format!("a whole number, {least} or more")
            }
            Self::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Self::YesNo => format!("one of {} or {}", YES.join(", "), NO.join(", ")),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::Path => "a path".to_owned(),
            Self::Ip => "an IP address such as 127.0.0.1 or ::".to_owned(),
            Self::Networks => "networks such as 10.0.0.0/8,fd00::/8".to_owned(),
        }
    }

    /// The word that stands for the value in a help text.
    pub(super) const fn placeholder(&self) -> &'static str {
        match self {
            Self::Text | Self::Secret => "TEXT",
            Self::Address => "URI",
            Self::Whole { .. } => "NUMBER",
            Self::YesNo => "YES/NO",
            Self::OneOf(_) => "WORD",
            Self::Path => "PATH",
            Self::Ip => "ADDRESS",
            Self::Networks => "NETWORKS",
        }
    }

    /// Whether a text is a value of this kind.
    #[must_use]
    pub fn admits(&self, text: &str) -> bool {
        match self {
            Self::Text | Self::Secret | Self::Address | Self::Path => true,
            Self::Whole { least, most } => {
                text.parse::<u64>().is_ok_and(|number| (*least..=*most).contains(&number))
            }
            Self::YesNo => yes_or_no(text).is_some(),
            Self::OneOf(words) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
            Self::Ip => text.parse::<IpAddr>().is_ok(),
            Self::Networks => super::networks(text).is_some(),
        }
    }
}

/// The spellings of the original.
const YES: &[&str] = &["t", "true", "yes", "y", "1", "on"];
const NO: &[&str] = &["f", "false", "no", "n", "0", "off"];

/// Reads yes or no, in upper or lower case.
#[must_use]
pub fn yes_or_no(text: &str) -> Option<bool> {
    let is_in = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_in(YES) {
        Some(true)
    } else if is_in(NO) {
        Some(false)
    } else {
        None
    }
}

impl Group {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Database,
        Self::Stores,
        Self::Web,
        Self::Worker,
        Self::Content,
        Self::Site,
        Self::Buckets,
        Self::Observe,
        Self::Mode,
    ];

    /// The heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Database => "Database",
            Self::Stores => "Redis and files",
            Self::Web => "Web server",
            Self::Worker => "Background work",
            Self::Content => "Map and public files",
            Self::Site => "Site",
            Self::Buckets => "Buckets and export targets",
            Self::Observe => "Logs, metrics, errors",
            Self::Mode => "Mode",
        }
    }
}

impl User {
    /// The word in documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
            Self::Map => "map",
            Self::Admin => "admin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_have_the_spellings_of_the_original() {
        for text in ["t", "True", "YES", "y", "1", "on"] {
            assert_eq!(yes_or_no(text), Some(true), "{text}");
        }
        for text in ["F", "false", "no", "N", "0", "Off"] {
            assert_eq!(yes_or_no(text), Some(false), "{text}");
        }
        for text in ["", "2", "maybe", "tru"] {
            assert_eq!(yes_or_no(text), None, "{text}");
        }
    }
}
