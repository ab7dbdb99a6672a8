//! The addresses of the three database accounts.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::setting::Setting;
use super::table::{
    DB_DDL_PASSWORD, DB_DDL_USER, DB_HOST, DB_NAME, DB_PASSWORD, DB_PORT, DB_READONLY_URI,
    DB_READWRITE_URI, DB_RO_HOST, DB_RO_PASSWORD, DB_RO_USER, DB_RW_HOST, DB_RW_PASSWORD,
    DB_RW_USER, DB_USER, SQLALCHEMY_URL,
};
use super::{Embedded, Invalid, Settings, bracketed};

/// Characters of a user name or password that need no escape in an address.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The addresses of the three database accounts.
#[derive(Clone, PartialEq, Eq)]
pub struct Databases {
    /// For the web role: SELECT is enough.
    pub read_only: String,
    /// For workers and administration.
    pub read_write: String,
    /// For migrations.
    pub ddl: String,
}

/// How one account is given: as a whole, or in parts of which the first given one counts.
struct Account {
    whole: &'static Setting,
    hosts: &'static [&'static Setting],
    users: [&'static Setting; 2],
    passwords: [&'static Setting; 2],
}

const READ_ONLY: Account = Account {
    whole: &DB_READONLY_URI,
    hosts: &[&DB_RO_HOST, &DB_HOST],
    users: [&DB_RO_USER, &DB_USER],
    passwords: [&DB_RO_PASSWORD, &DB_PASSWORD],
};

const READ_WRITE: Account = Account {
    whole: &DB_READWRITE_URI,
    hosts: &[&DB_RW_HOST, &DB_HOST],
    users: [&DB_RW_USER, &DB_USER],
    passwords: [&DB_RW_PASSWORD, &DB_PASSWORD],
};

/// Tables are changed where they are written.
const DDL: Account = Account {
    whole: &SQLALCHEMY_URL,
    hosts: &[&DB_RW_HOST, &DB_HOST],
    users: [&DB_DDL_USER, &DB_USER],
    passwords: [&DB_DDL_PASSWORD, &DB_PASSWORD],
};

impl Account {
    fn whole(&self, settings: &Settings) -> Option<String> {
        settings.text(self.whole).map(str::to_owned)
    }

    fn parts(&self, settings: &Settings) -> Option<String> {
        let first = |list: &[&Setting]| list.iter().find_map(|setting| settings.text(setting));
        let escaped = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let part = |list: &[&'static Setting]| {
            let default = || list.iter().find_map(|setting| setting.default);
            escaped(first(list).or_else(default).unwrap_or_default())
        };
        let host = bracketed(first(self.hosts)?);
        Some(format!(
            "mysql://{}:{}@{host}:{}/{}",
            part(&self.users),
            part(&self.passwords),
            settings.number(&DB_PORT).unwrap_or_default(),
            part(&[&DB_NAME]),
        ))
    }

    fn given(&self, settings: &Settings) -> Option<String> {
        self.whole(settings).or_else(|| self.parts(settings))
    }
}

impl Databases {
    /// Reads all three; `data` is the folder of the embedded files.
    pub(super) fn read(
        settings: &Settings,
        data: &Path,
        embedded: Embedded,
    ) -> Result<Self, Invalid> {
        let read_only = READ_ONLY.given(settings);
        let ddl = DDL.given(settings);
        let read_write = READ_WRITE
            .given(settings)
            .or_else(|| READ_ONLY.whole(settings))
            .or_else(|| DDL.whole(settings));
        let file = data.join("ichnaea.sqlite");
        let read_write = match read_write {
            Some(uri) => uri,
            None if embedded == Embedded::Create || file.exists() => {
                format!("sqlite:{}", file.display())
            }
            None => {
                let problem = format!(
                    "not set, and there is no {} from an earlier `ichnaea serve`; give \
                     mysql://USER:PASSWORD@HOST:PORT/NAME or sqlite:PATH, or DB_HOST, DB_USER and \
                     DB_PASSWORD",
                    file.display()
                );
                return Err(Invalid::missing(&DB_READWRITE_URI, problem));
            }
        };
        Ok(Self {
            read_only: read_only.unwrap_or_else(|| read_write.clone()),
            ddl: ddl.unwrap_or_else(|| read_write.clone()),
            read_write,
        })
    }

    /// Each address with the setting it is named after.
    pub(crate) fn each(&self) -> [(&'static Setting, &str); 3] {
        [
            (&DB_READONLY_URI, &self.read_only),
            (&DB_READWRITE_URI, &self.read_write),
            (&SQLALCHEMY_URL, &self.ddl),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Databases {
        let settings = settings_of(variables);
        match Databases::read(&settings, Path::new("/nonexistent"), Embedded::IfPresent) {
            Ok(databases) => databases,
            Err(problem) => panic!("{problem}"),
        }
    }

    #[test]
    fn one_account_in_parts_is_all_three() {
        let all = read(&[("DB_HOST", "db"), ("DB_USER", "me"), ("DB_PASSWORD", "p@ss/word")]);
        let expected = "mysql://me:p%40ss%2Fword@db:3306/location";
        for (_, uri) in all.each() {
            assert_eq!(uri, expected);
        }
        let expected = "mysql://location:location@[::1]:3307/other";
        let all = read(&[("DB_HOST", "::1"), ("DB_PORT", "3307"), ("DB_NAME", "other")]);
        assert_eq!(all.ddl, expected);
        assert_eq!(
            read(&[("DB_HOST", "h"), ("DB_PWD", "old")]).ddl,
            "mysql://location:old@h:3306/location"
        );
        let both = read(&[("DB_HOST", "h"), ("DB_PASSWORD", "new"), ("DB_PWD", "old")]);
        assert_eq!(both.ddl, "mysql://location:new@h:3306/location");
    }

    #[test]
    fn three_accounts_in_parts_are_told_apart() {
        let common = [("DB_HOST", "h"), ("DB_USER", "u"), ("DB_PASSWORD", "p")];
        for [ro, rw, ddl] in [
            ["DB_RO_PWD", "DB_RW_PWD", "DB_DDL_PWD"],
            ["DB_RO_PASSWORD", "DB_RW_PASSWORD", "DB_DDL_PASSWORD"],
        ] {
            let own = [
                ("DB_RO_HOST", "r"),
                ("DB_RW_HOST", "w"),
                ("DB_RO_USER", "ro"),
                ("DB_RW_USER", "rw"),
                ("DB_DDL_USER", "ddl"),
                (ro, "1"),
                (rw, "2"),
                (ddl, "3"),
            ];
            let all = read(&[&common[..], &own[..]].concat());
            assert_eq!(all.read_only, "mysql://ro:1@r:3306/location");
            assert_eq!(all.read_write, "mysql://rw:2@w:3306/location");
            assert_eq!(all.ddl, "mysql://ddl:3@w:3306/location");
        }
    }

    #[test]
    fn an_address_as_a_whole_wins_over_its_parts_and_the_newer_name_over_the_older() {
        let parts = ("DB_HOST", "h");
        for (newer, older, pick) in [
            ("DB_READONLY_URI", "DB_RO_URI", 0),
            ("DB_READWRITE_URI", "DB_RW_URI", 1),
            ("SQLALCHEMY_URL", "DB_DDL_URI", 2),
        ] {
            let from_parts = "mysql://location:location@h:3306/location";
            for (given, expected) in [
                (&[(newer, "mysql://a/x"), (older, "mysql://b/x"), parts][..], "mysql://a/x"),
                (&[(newer, ""), (older, "mysql://b/x"), parts], "mysql://b/x"),
                (&[(newer, ""), (older, ""), parts], from_parts),
            ] {
                let all = read(given);
                let uris = all.each().map(|(_, uri)| uri.to_owned());
                for (index, uri) in uris.iter().enumerate() {
                    let expected = if index == pick { expected } else { from_parts };
                    assert_eq!(uri, expected, "{newer}");
                }
            }
        }
    }

    #[test]
    fn without_an_address_of_their_own_readers_use_the_read_write_database() {
        for given in [
            &[("DB_RW_HOST", "w")][..],
            &[("DB_READWRITE_URI", "mysql://location:location@w:3306/location")],
        ] {
            let all = read(given);
            assert_eq!(all.read_only, "mysql://location:location@w:3306/location");
            assert_eq!(all.ddl, all.read_write);
        }
    }
}
