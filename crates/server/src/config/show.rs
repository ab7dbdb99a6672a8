//! The settings as an operator sees them: `ichnaea config` and `docs/configuration.md`.

use std::fmt::Write as _;

use serde::Serialize;

use super::setting::{Group, Kind, Setting};
use super::table::{self, ALL};
use super::{Config, Settings, Source, processors};

/// What stands in the place of what nobody may see.
const HIDDEN: &str = "***";

/// One setting with its value.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// The variable.
    pub name: &'static str,
    /// The value in use, without secrets; `None`: it is off, or taken from other settings.
    pub value: Option<String>,
    /// Where the value comes from: `flag --…`, a variable, `default`, `derived` or `not set`.
    pub source: String,
    /// The flag.
    pub flag: String,
    /// Variables that mean the same.
    pub aliases: &'static [&'static str],
    /// What the value may be.
    pub allowed: String,
    /// The default, or what takes its place.
    pub default: Option<&'static str>,
    /// Who reads it.
    pub used_by: Vec<&'static str>,
    /// What it does.
    pub meaning: &'static str,
    #[serde(skip)]
    group: Group,
}

/// All settings with their values; `config` is what they come to, if they can be used.
#[must_use]
pub fn all(settings: &Settings, config: Option<&Config>) -> Vec<Shown> {
    let shown = |setting: &'static Setting| {
        let (value, source) = value(setting, settings, config);
        Shown {
            name: setting.name,
            value,
            source,
            flag: format!("--{}", setting.flag()),
            aliases: setting.aliases,
            allowed: setting.kind.allowed(),
            default: setting.default.or(setting.otherwise),
            used_by: setting.used_by.iter().map(|user| user.name()).collect(),
            meaning: setting.meaning,
            group: setting.group,
        }
    };
    ALL.iter().map(shown).collect()
}

fn value(
    setting: &'static Setting,
    settings: &Settings,
    config: Option<&Config>,
) -> (Option<String>, String) {
    if let (Some(text), Some(source)) = (settings.text(setting), settings.source(setting)) {
        let source = match source {
            Source::Flag => format!("flag --{}", setting.flag()),
            Source::Variable(name) => name.to_owned(),
        };
        return (Some(without_secrets(setting.kind, text)), source);
    }
    if let Some(derived) = config.and_then(|config| derived(setting, config)) {
        return (Some(without_secrets(setting.kind, &derived)), "derived".to_owned());
    }
    match setting.default {
        Some(text) => (Some(text.to_owned()), "default".to_owned()),
        None => (None, "not set".to_owned()),
    }
}

/// What a setting that was not given comes to by others, or by the machine.
fn derived(setting: &Setting, config: &Config) -> Option<String> {
    Some(match setting.name {
        name if name == table::DB_READONLY_URI.name => config.databases.read_only.clone(),
        name if name == table::DB_READWRITE_URI.name => config.databases.read_write.clone(),
        name if name == table::SQLALCHEMY_URL.name => config.databases.ddl.clone(),
        name if name == table::REDIS_URI.name => config.redis_uri.clone(),
        name if name == table::GEOIP_PATH.name => config.geoip_path.as_ref()?.display().to_string(),
        name if name == table::SECRET_KEY.name => {
            config.kept_secret()?;
            HIDDEN.to_owned()
        }
        name if name == table::GUNICORN_WORKERS.name => processors().to_string(),
        name if name == table::CELERY_WORKER_CONCURRENCY.name => {
            config.worker_concurrency.to_string()
        }
        _ => return None,
    })
}

/// A value in which nobody finds a secret.
fn without_secrets(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Secret => HIDDEN.to_owned(),
        Kind::Address => address_without_secrets(text),
        _ => text.to_owned(),
    }
}

/// An address without its password. A password may contain any character: everything up to the
/// last `@` is the account.
fn address_without_secrets(uri: &str) -> String {
    if uri.starts_with("sqlite:") {
        return uri.to_owned();
    }
    let Some((scheme, rest)) = uri.split_once("://") else { return HIDDEN.to_owned() };
    let (account, place) = match rest.rsplit_once('@') {
        Some((account, place)) => (Some(account), place),
        None => (None, rest),
    };
    let account = match account.map(|account| account.split_once(':').unwrap_or((account, ""))) {
        Some((user, "")) => format!("{user}@"),
        Some((user, _)) => format!("{user}:{HIDDEN}@"),
        None => String::new(),
    };
    let (place, query) = place.split_once('?').unwrap_or((place, ""));
    let parameters = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = name.to_ascii_lowercase();
        let is_secret = ["pass", "pwd", "secret", "token"].iter().any(|word| name.contains(word));
        if is_secret && !value.is_empty() { format!("{name}={HIDDEN}") } else { pair.to_owned() }
    });
    let parameters = parameters.collect::<Vec<_>>().join("&");
    let mark = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{account}{place}{mark}{parameters}")
}

/// Lines for a terminal.
#[must_use]
pub fn lines(shown: &[Shown]) -> Vec<String> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(group.title().to_owned());
        for shown in shown.iter().filter(|shown| shown.group == group) {
            lines.push(match &shown.value {
                Some(value) => format!("  {} = {value}  [{}]", shown.name, shown.source),
                None => match shown.default {
                    Some(otherwise) => format!("  {}  [not set: {otherwise}]", shown.name),
                    None => format!("  {}  [not set]", shown.name),
                },
            });
            lines.push(format!("      {}", shown.meaning));
        }
    }
    lines
}

/// A list of what one part of the service reads, for its help text.
#[must_use]
pub fn help(users: &[super::setting::User]) -> String {
    let mut text = "Settings (variables; each is also a flag):".to_owned();
    let is_used = |setting: &&Setting| setting.used_by.iter().any(|user| users.contains(user));
    for group in Group::ALL {
        let names: Vec<_> = ALL
            .iter()
            .filter(|setting| setting.group == group)
            .filter(is_used)
            .map(|setting| setting.name)
            .collect();
        if !names.is_empty() {
            let _ = write!(text, "\n  {}: {}", group.title(), names.join(", "));
        }
    }
    text.push_str("\n`ichnaea config` shows their values and what they do.");
    text
}

/// The documentation.
#[must_use]
pub fn markdown() -> String {
    let mut text = include_str!("configuration.md").to_owned();
    for group in Group::ALL {
        let _ = write!(
            text,
            "\n## {}\n\n| Variable | Default | Allowed | Read by | Meaning |\n\
             | --- | --- | --- | --- | --- |\n",
            group.title()
        );
        for setting in ALL.iter().filter(|setting| setting.group == group) {
            text.push_str(&row(setting));
        }
    }
    text
}

fn row(setting: &Setting) -> String {
    let names: Vec<_> = setting.variables().map(|name| format!("`{name}`")).collect();
    let default = match (setting.default, setting.otherwise) {
        (Some(text), _) => format!("`{text}`"),
        (None, Some(words)) => words.to_owned(),
        (None, None) => String::new(),
    };
    let users: Vec<_> = setting.used_by.iter().map(|user| user.name()).collect();
    let cells = [
        names.join(", "),
        default,
        setting.kind.allowed(),
        if users.len() == 5 { "all".to_owned() } else { users.join(", ") },
        setting.meaning.to_owned(),
    ];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

#[cfg(test)]
mod tests {
    use super::super::{Embedded, settings_of};
    use super::*;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        for (uri, shown) in [
            ("mysql://u:s3cret@h:1/x", "mysql://u:***@h:1/x"),
            (
                "mysql+pymysql://u:s3c@r/e?t@h/x?charset=utf8",
                "mysql+pymysql://u:***@h/x?charset=utf8",
            ),
            ("mysql://u@h/x?passwd=s3cret&ssl=1", "mysql://u@h/x?passwd=***&ssl=1"),
            ("rediss://:s3cret@[::1]:6379/0", "rediss://:***@[::1]:6379/0"),
            ("https://public:s3cret@sentry.example/1", "https://public:***@sentry.example/1"),
            ("https://public@sentry.example/1", "https://public@sentry.example/1"),
            ("sqlite:data/x", "sqlite:data/x"),
            ("s3cret", "***"),
        ] {
            assert_eq!(without_secrets(Kind::Address, uri), shown);
        }
        assert_eq!(without_secrets(Kind::Secret, "s3cret"), "***");
    }

    #[test]
    fn values_come_with_where_they_come_from() {
        let settings = settings_of(&[
            ("DB_HOST", "db"),
            ("DB_PWD", "hidden"),
            ("REDIS_HOST", "cache"),
            ("PORT", "8080"),
        ])
        .with(&table::BIND, "127.0.0.1");
        let config = settings.resolve(Embedded::IfPresent).ok().unwrap();
        let all = all(&settings, Some(&config));
        let shown = |name: &str| {
            let shown = all.iter().find(|shown| shown.name == name).unwrap();
            (shown.value.clone().unwrap_or_default(), shown.source.as_str())
        };
        assert_eq!(shown("DB_HOST"), ("db".into(), "DB_HOST"));
        assert_eq!(shown("DB_PASSWORD"), ("***".into(), "DB_PWD"));
        assert_eq!(shown("DB_USER"), ("location".into(), "default"));
        assert_eq!(
            shown("DB_READONLY_URI"),
            ("mysql://location:***@db:3306/location".into(), "derived")
        );
        assert_eq!(shown("REDIS_URI"), ("redis://cache:6379/0".into(), "derived"));
        assert_eq!(shown("GUNICORN_PORT"), ("8080".into(), "PORT"));
        assert_eq!(shown("BIND"), ("127.0.0.1".into(), "flag --bind"));
        assert_eq!(shown("STATSD_HOST"), (String::new(), "not set"));
        assert!(lines(&all).iter().all(|line| !line.contains("hidden")));
    }

    #[test]
    fn the_documentation_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == markdown(),
            "docs/configuration.md is stale; \
             write it with `cargo run -p ichnaea-server -- config --markdown > docs/configuration.md`"
        );
    }
}
