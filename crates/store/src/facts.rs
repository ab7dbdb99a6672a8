//! What an operator should know of a database and of the account that is used.

use std::path::PathBuf;

use chrono::NaiveDateTime;

use crate::Store;
use crate::driver::{Driver, Row, Statement};
use crate::error::Result;

/// The state of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Name and version.
    pub server: String,
    /// Its clock, UTC, whole seconds; `None` for a file.
    pub clock: Option<NaiveDateTime>,
    /// What the account may do; `None` for a file.
    pub rights: Option<Rights>,
    /// Whether the server refuses changes from everybody.
    pub is_read_only: bool,
    /// The file.
    pub file: Option<PathBuf>,
}

/// What an account may do with the tables of its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a right of its own")]
pub struct Rights {
    /// Read rows.
    pub select: bool,
    /// Add rows.
    pub insert: bool,
    /// Change rows.
    pub update: bool,
    /// Remove rows.
    pub delete: bool,
    /// Change tables.
    pub ddl: bool,
    /// Some come through a role or for single tables only, so that there may be more than these.
    pub is_incomplete: bool,
}

impl Rights {
    /// Add, change and remove rows.
    #[must_use]
    pub const fn can_write(&self) -> bool {
        self.insert && self.update && self.delete
    }

    /// Change anything at all.
    #[must_use]
    pub const fn can_change_something(&self) -> bool {
        self.insert || self.update || self.delete || self.ddl
    }

    /// Reads what `SHOW GRANTS` says about a database.
    fn of<'a>(grants: impl IntoIterator<Item = &'a str>, database: &str) -> Self {
        let mut rights = Self::default();
        for grant in grants {
            let Some((privileges, place)) = grant
                .strip_prefix("GRANT ")
                .and_then(|rest| rest.split_once(" TO ").map(|(what, _)| what))
                .and_then(|what| what.split_once(" ON "))
            else {
                // The grant of a role names no place.
                rights.is_incomplete = true;
                continue;
            };
            let place = place.trim_start_matches("TABLE ");
            let (schema, table) = place.rsplit_once('.').unwrap_or((place, ""));
            if !is_like(schema.trim_matches('`'), database) {
                continue;
            }
            if table == "*" {
                rights.add(privileges);
            } else {
                rights.is_incomplete = true;
            }
        }
        rights
    }

    fn add(&mut self, privileges: &str) {
        for privilege in privileges.split(',').map(str::trim) {
            match privilege {
                "ALL" | "ALL PRIVILEGES" => {
                    (self.select, self.insert, self.update) = (true, true, true);
                    (self.delete, self.ddl) = (true, true);
                }
                "SELECT" => self.select = true,
                "INSERT" => self.insert = true,
                "UPDATE" => self.update = true,
                "DELETE" => self.delete = true,
                "CREATE" | "ALTER" | "DROP" => self.ddl = true,
                _ => {}
            }
        }
    }
}

/// Does a pattern of a grant mean this database? `%` and `_` stand for others, unless escaped.
fn is_like(pattern: &str, name: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let mut rest = pattern.chars();
    match rest.next() {
        None => name.is_empty(),
        Some('%') => {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| is_like(rest.as_str(), &name[at..]))
        }
        Some(first) => {
            let (literal, is_any) = match first {
                '\\' => (rest.next().unwrap_or('\\'), false),
                other => (other, other == '_'),
            };
            let mut name = name.chars();
            name.next().is_some_and(|found| is_any || found == literal)
                && is_like(rest.as_str(), name.as_str())
        }
    }
}

impl Store {
    /// Asks the database about itself and about the account.
    pub async fn facts(&self) -> Result<Facts> {
        match &self.driver {
            Driver::Sqlite(_) => {
                let text = "SELECT sqlite_version(), file FROM pragma_database_list \
                            WHERE name = 'main'";
                let rows = self.driver.query(Statement::plain(text)).await?;
                let of = |column| rows.first().and_then(|row| row.text(column)).unwrap_or_default();
                Ok(Facts {
                    server: format!("SQLite {}", of(0)),
                    clock: None,
                    rights: None,
                    is_read_only: false,
                    file: Some(of(1)).filter(|file| !file.is_empty()).map(Into::into),
                })
            }
            Driver::MySql(_) => {
                let text = "SELECT VERSION(), UTC_TIMESTAMP(), @@global.read_only, DATABASE()";
                let rows = self.driver.query(Statement::plain(text)).await?;
                let grants = self.driver.query(Statement::plain("SHOW GRANTS")).await?;
                let of = |column| rows.first().and_then(|row| row.text(column)).unwrap_or_default();
                let grants: Vec<String> = grants.iter().filter_map(|row| row.text(0)).collect();
                let rights = Rights::of(grants.iter().map(String::as_str), &of(3));
                Ok(Facts {
                    server: server(&of(0)),
                    clock: rows.first().and_then(|row| row.date_time(1)),
                    rights: Some(rights),
                    is_read_only: rows.first().and_then(read_only).unwrap_or(false),
                    file: None,
                })
            }
        }
    }
}

/// A number on some servers, a word on others.
fn read_only(row: &Row) -> Option<bool> {
    row.flag(2).or_else(|| row.text(2).map(|word| word.eq_ignore_ascii_case("on")))
}

/// MariaDB says so in its version; what does not is MySQL or something that passes for it.
fn server(version: &str) -> String {
    match version.split_once("-MariaDB") {
        Some((number, _)) => format!("MariaDB {number}"),
        None => format!("MySQL {version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rights_on_the_database_are_found() {
        let none = Rights::default();
        let read = Rights { select: true, ..none };
        let write = Rights { insert: true, update: true, delete: true, ..read };
        for (grants, expected) in [
            (&["GRANT USAGE ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*X'"][..], none),
            (&["GRANT USAGE ON *.* TO `r`@`%`", "GRANT SELECT ON `location`.* TO `r`@`%`"], read),
            (&["GRANT SELECT, INSERT, UPDATE, DELETE ON `location`.* TO 'w'@'%'"], write),
            (&["GRANT DELETE, INSERT, SELECT, UPDATE ON *.* TO 'w'@'%'"], write),
            (
                &["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"],
                Rights { ddl: true, ..write },
            ),
            (&["GRANT SELECT, ALTER ON `loc%`.* TO `a`@`%`"], Rights { ddl: true, ..read }),
            (&["GRANT SELECT ON `other`.* TO `r`@`%`"], none),
            (
                &["GRANT SELECT ON `location`.`api_key` TO `r`@`%`"],
                Rights { is_incomplete: true, ..none },
            ),
            (
                &["GRANT `reader`@`%` TO `r`@`%`", "GRANT SELECT ON `location`.* TO `r`@`%`"],
                Rights { is_incomplete: true, ..read },
            ),
        ] {
            assert_eq!(Rights::of(grants.iter().copied(), "location"), expected, "{grants:?}");
        }
    }

    #[test]
    fn patterns_of_grants_are_understood() {
        for (pattern, name, is_meant) in [
            ("*", "location", true),
            ("location", "location", true),
            ("test\\_location", "test_location", true),
            ("test\\_location", "testXlocation", false),
            ("test_location", "testXlocation", true),
            ("%location", "test_location", true),
            ("%", "", true),
            ("loc%n%", "location", true),
            ("location", "locations", false),
        ] {
            assert_eq!(is_like(pattern, name), is_meant, "{pattern} {name}");
        }
    }

    #[test]
    fn servers_are_told_apart() {
        assert_eq!(server("10.11.6-MariaDB-0+deb12u1"), "MariaDB 10.11.6");
        assert_eq!(server("8.0.36"), "MySQL 8.0.36");
    }
}
