//! What was typed: flags and the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::setting::{Setting, flag_of};
use super::table::ALL;

/// What was typed for each setting. A flag counts more than a variable; blank is the same as
/// not given.
#[derive(Clone, Default)]
pub struct Settings(BTreeMap<&'static str, Typed>);

/// What was typed for one setting.
#[derive(Clone)]
struct Typed {
    text: String,
    source: Source,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Flag,
    /// This variable.
    Variable(&'static str),
}

impl Settings {
    /// Reads from flags and from variables.
    pub fn read(
        flag: impl Fn(&Setting) -> Option<String>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        let typed = |setting: &Setting| {
            let flag = flag(setting).map(|text| Typed { text, source: Source::Flag });
            // What is not valid text is refused later, since it is no valid value.
            let variables = setting.variables().filter_map(|name| {
                let text = variable(name)?.to_string_lossy().into_owned();
                Some(Typed { text, source: Source::Variable(name) })
            });
            let mut candidates = flag.into_iter().chain(variables);
            candidates.find_map(|typed| typed.unless_blank(setting)).map(|t| (setting.name, t))
        };
        Self(ALL.iter().filter_map(typed).collect())
    }

    /// The same with one more value.
    #[must_use]
    pub fn with(mut self, setting: &Setting, text: impl Into<String>) -> Self {
        self.0.insert(setting.name, Typed { text: text.into(), source: Source::Flag });
        self
    }

    /// What was typed.
    #[must_use]
    pub fn text(&self, setting: &Setting) -> Option<&str> {
        self.0.get(setting.name).map(|typed| typed.text.as_str())
    }

    /// Where it was typed.
    #[must_use]
    pub fn source(&self, setting: &Setting) -> Option<Source> {
        self.0.get(setting.name).map(|typed| typed.source)
    }
}

impl Typed {
    fn unless_blank(self, setting: &Setting) -> Option<Self> {
        // Blanks around a password may belong to it.
        if setting.is_secret() {
            return (!self.text.is_empty()).then_some(self);
        }
        let text = self.text.trim().to_owned();
        (!text.is_empty()).then_some(Self { text, ..self })
    }
}

/// Shows which settings were given, not their values.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, typed)| (name, typed.source))).finish()
    }
}

impl Args for Settings {
    fn augment_args(command: Command) -> Command {
        command.args(ALL.iter().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Settings {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flag = |setting: &Setting| matches.get_one::<String>(setting.name).cloned();
        Ok(Self::read(flag, |name| std::env::var_os(name)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flag of a setting. Help texts name settings by their variables, in a list of their own.
fn flag(setting: &Setting) -> Arg {
    let flag = setting.flag();
    let others = setting.variables().map(flag_of).filter(|other| *other != flag);
    Arg::new(setting.name)
        .aliases(others.collect::<Vec<_>>())
        .long(flag.into_owned())
        .value_name(setting.kind.placeholder())
        .global(true)
        .hide(true)
        .help(setting.meaning)
}

#[cfg(test)]
mod tests {
    use super::super::table::{DB_PASSWORD, DB_READONLY_URI, GUNICORN_PORT};
    use super::*;

    fn settings(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Settings {
        let of = |list: &[(&str, &str)], name: &str| {
            list.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        Settings::read(
            |setting| of(flags, setting.name),
            |name| of(variables, name).map(OsString::from),
        )
    }

    #[test]
    fn a_flag_counts_more_than_a_variable_and_the_newer_variable_more_than_the_older() {
        let all = [("GUNICORN_PORT", "2"), ("PORT", "3")];
        let given = settings(&[("GUNICORN_PORT", "1")], &all);
        assert_eq!(given.text(&GUNICORN_PORT), Some("1"));
        assert_eq!(given.source(&GUNICORN_PORT), Some(Source::Flag));
        assert_eq!(settings(&[], &all).text(&GUNICORN_PORT), Some("2"));
        let older = settings(&[], &all[1..]);
        assert_eq!(older.text(&GUNICORN_PORT), Some("3"));
        assert_eq!(older.source(&GUNICORN_PORT), Some(Source::Variable("PORT")));
    }

    #[test]
    fn blank_is_not_given() {
        let given = settings(
            &[("GUNICORN_PORT", "")],
            &[("GUNICORN_PORT", " "), ("PORT", " 3 "), ("DB_READONLY_URI", ""), ("DB_RO_URI", "x")],
        );
        assert_eq!(given.text(&GUNICORN_PORT), Some("3"));
        assert_eq!(given.text(&DB_READONLY_URI), Some("x"));
    }

    #[test]
    fn blanks_of_a_password_belong_to_it() {
        let given = settings(&[], &[("DB_PASSWORD", ""), ("DB_PWD", " p ")]);
        assert_eq!(given.text(&DB_PASSWORD), Some(" p "));
    }

    #[test]
    fn values_are_not_in_debug_output() {
        let given = settings(&[], &[("DB_PASSWORD", "hidden")]);
        assert_eq!(format!("{given:?}"), r#"{("DB_PASSWORD", Variable("DB_PASSWORD"))}"#);
    }
}
