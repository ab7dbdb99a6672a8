//! `ichnaea settings`: what an operator sets while the service runs, in the key-value store.
//!
//! The names are those of the original, so `redis-cli SET` does the same; but here a value is
//! checked before it is written.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use ichnaea_kv::{KeyValue, Op};
use serde_json::{Value, json};

use super::{print, print_json, table, warn};
use crate::keys;

/// What to do with settings.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Lists all settings with their values and what they do
    List {
        /// Print the settings as JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints the value of one setting, the default when it is not set
    #[command(after_help = "Examples:\n  \
        ichnaea settings get global_locate_sample_rate")]
    Get {
        /// Name of the setting
        #[arg(value_parser = named)]
        name: &'static Setting,
        /// Print the setting as JSON
        #[arg(long)]
        json: bool,
    },
    /// Sets a value; it takes effect within a minute
    #[command(after_help = "Examples:\n  \
        ichnaea settings set global_locate_sample_rate 20\n  \
        ichnaea settings set rate_controller_target 1000000\n  \
        ichnaea settings set rate_controller_enabled 1")]
    Set {
        /// Name of the setting
        #[arg(value_parser = named)]
        name: &'static Setting,
        /// Its new value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Goes back to the default
    Unset {
        /// Name of the setting
        #[arg(value_parser = named)]
        name: &'static Setting,
    },
}

/// A setting: its name, what it may be, and what it does.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key under which it is kept.
    pub name: &'static str,
    allowed: Allowed,
    /// What counts when it is not set; `None`: nothing does, it has to be set to be of use.
    default: Option<&'static str>,
    summary: &'static str,
}

/// Which values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    /// A number from 0 to 100.
    Percent,
    /// 0 or 1.
    Switch,
    /// A whole number above 0.
    Count,
    /// A number from 0 up.
    Gain,
    /// Written by the service alone.
    Nothing,
}

const TARGET: &str = "rate_controller_target";
const ENABLED: &str = "rate_controller_enabled";
const TRX_MIN: &str = "rate_controller_trx_min";
const TRX_MAX: &str = "rate_controller_trx_max";

/// Every setting, in the order in which they are listed.
const SETTINGS: [Setting; 10] = [
    setting(
        keys::GLOBAL_LOCATE_SAMPLE_RATE,
        Allowed::Percent,
        Some("100"),
        "percentage of position queries to learn from, multiplied with that of the key",
    ),
    setting(
        ENABLED,
        Allowed::Switch,
        Some("0"),
        "1: the percentage above follows the backlog of observations",
    ),
    setting(TARGET, Allowed::Count, None, "backlog of observations to aim at; needed when enabled"),
    setting("rate_controller_kp", Allowed::Gain, Some("8"), "proportional gain"),
    setting("rate_controller_ki", Allowed::Gain, Some("0"), "integral gain"),
    setting("rate_controller_kd", Allowed::Gain, Some("0"), "derivative gain"),
    setting(
        TRX_MAX,
        Allowed::Count,
        Some("1000000"),
        "length of the database's undo history at which learning from queries pauses",
    ),
    setting(TRX_MIN, Allowed::Count, Some("1000"), "length at which it goes on"),
    setting(
        "rate_controller_trx_purging",
        Allowed::Nothing,
        Some("0"),
        "1 while it pauses; written by the controller",
    ),
    setting(
        "rate_controller_state",
        Allowed::Nothing,
        Some("{}"),
        "what the controller remembers between two steps",
    ),
];

const fn setting(
    name: &'static str,
    allowed: Allowed,
    default: Option<&'static str>,
    summary: &'static str,
) -> Setting {
    Setting { name, allowed, default, summary }
}

impl Setting {
    /// Checks a value alone.
    fn check(&self, value: &str) -> Result<(), String> {
        let number: Option<f64> = value.parse().ok().filter(|number: &f64| number.is_finite());
        let is_allowed = match self.allowed {
            Allowed::Percent => number.is_some_and(|number| (0.0..=100.0).contains(&number)),
            Allowed::Switch => matches!(value, "0" | "1"),
            Allowed::Count => value.parse::<i64>().is_ok_and(|count| count > 0),
            Allowed::Gain => number.is_some_and(|number| number >= 0.0),
            Allowed::Nothing => false,
        };
        if is_allowed {
            return Ok(());
        }
        let allowed = match self.allowed {
            Allowed::Percent => "a number from 0 to 100",
            Allowed::Switch => "0 or 1",
            Allowed::Count => "a whole number above 0",
            Allowed::Gain => "a number from 0 up",
            Allowed::Nothing => return Err(format!("{} is not set by hand", self.name)),
        };
        Err(format!("{}: {value:?} was given, {allowed} is needed", self.name))
    }

    fn value<'a>(&self, values: &'a Values) -> Option<&'a str> {
        values.get(self.name).map(String::as_str)
    }

    /// The value in force.
    fn effective<'a>(&self, values: &'a Values) -> Option<&'a str> {
        self.value(values).or(self.default)
    }
}

/// What is set, by name.
type Values = BTreeMap<&'static str, String>;

/// Checks what only shows when all values are seen together.
fn check_together(values: &Values) -> Result<(), String> {
    let of = |name: &str| {
        SETTINGS.iter().find(|setting| setting.name == name).and_then(|it| it.effective(values))
    };
    let count = |name: &str| of(name).and_then(|text| text.parse::<i64>().ok());
    if let (Some(min), Some(max)) = (count(TRX_MIN), count(TRX_MAX))
        && min >= max
    {
        return Err(format!("{TRX_MAX} ({max}) has to be above {TRX_MIN} ({min})"));
    }
    if of(ENABLED) == Some("1") && !count(TARGET).is_some_and(|target| target > 0) {
        return Err(format!("set {TARGET} before {ENABLED}"));
    }
    Ok(())
}

/// Runs one of the commands.
pub async fn run(kv: &dyn KeyValue, command: Command) -> anyhow::Result<()> {
    let values = read(kv).await?;
    match command {
        Command::List { json: true } => {
            print_json(&SETTINGS.iter().map(|it| to_json(it, &values)).collect::<Vec<_>>())
        }
        Command::List { json: false } => {
            listing(&values).iter().for_each(|line| print(line.trim_end()));
            Ok(())
        }
        Command::Get { name, json: true } => print_json(&to_json(name, &values)),
        Command::Get { name, json: false } => {
            print(name.effective(&values).unwrap_or("None"));
            Ok(())
        }
        Command::Set { name, value } => {
            set(kv, values, name, value.trim()).await?;
            print(format!("{}: {}", name.name, value.trim()));
            Ok(())
        }
        Command::Unset { name } => unset(kv, values, name).await,
    }
}

async fn set(
    kv: &dyn KeyValue,
    mut values: Values,
    setting: &Setting,
    value: &str,
) -> anyhow::Result<()> {
    setting.check(value).map_err(|problem| anyhow!(problem))?;
    values.insert(setting.name, value.to_owned());
    check_together(&values).map_err(|problem| anyhow!(problem))?;
    if setting.name == keys::GLOBAL_LOCATE_SAMPLE_RATE
        && values.get(ENABLED).is_some_and(|enabled| enabled == "1")
    {
        warn("the rate controller is enabled and will overwrite this within a minute");
    }
    let op = Op::Set { key: setting.name.into(), value: value.into(), ttl: None };
    kv.apply(vec![op]).await?;
    Ok(())
}

async fn unset(kv: &dyn KeyValue, mut values: Values, setting: &Setting) -> anyhow::Result<()> {
    if setting.allowed == Allowed::Nothing {
        bail!("{} is not set by hand", setting.name);
    }
    values.remove(setting.name);
    check_together(&values).map_err(|problem| anyhow!(problem))?;
    kv.apply(vec![Op::Delete { key: setting.name.into() }]).await?;
    print(format!("{}: {} (default)", setting.name, setting.default.unwrap_or("None")));
    Ok(())
}

async fn read(kv: &dyn KeyValue) -> anyhow::Result<Values> {
    let names: Vec<Vec<u8>> = SETTINGS.iter().map(|setting| setting.name.into()).collect();
    let found = SETTINGS.iter().zip(kv.get(&names).await?);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(found.filter_map(|(setting, value)| Some((setting.name, text(value?)))).collect())
}

fn to_json(setting: &Setting, values: &Values) -> Value {
    json!({
        "name": setting.name,
        "value": setting.effective(values),
        "default": setting.default,
        "is_set": setting.value(values).is_some(),
        "summary": setting.summary,
    })
}

fn listing(values: &Values) -> Vec<String> {
    let head = ["name", "value", "default", "what it does"].map(str::to_owned).to_vec();
    let row = |setting: &Setting| {
        let value = setting.value(values).unwrap_or("not set");
        let default = setting.default.unwrap_or("None");
        [setting.name, value, default, setting.summary].map(str::to_owned).to_vec()
    };
    let rows: Vec<_> = std::iter::once(head).chain(SETTINGS.iter().map(row)).collect();
    table(&rows, "  ")
}

fn named(name: &str) -> Result<&'static Setting, String> {
    static ALL: [Setting; 10] = SETTINGS;
    ALL.iter().find(|setting| setting.name == name).ok_or_else(|| {
        let names = SETTINGS.map(|setting| setting.name).join(", ");
        format!("the settings are {names}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_range() {
        for (name, good, bad) in [
            (
                "global_locate_sample_rate",
                &["0", "100", "33.3"][..],
                &["-1", "100.1", "", "NaN"][..],
            ),
            ("rate_controller_enabled", &["0", "1"], &["2", "true", "1.0"]),
            ("rate_controller_target", &["1", "1000000"], &["0", "-1", "1.5", "true"]),
            ("rate_controller_kp", &["0", "8", "0.25"], &["-0.1", "inf", "x"]),
            ("rate_controller_kd", &["0.5"], &["-1"]),
            ("rate_controller_trx_max", &["2"], &["0", "1e6"]),
            ("rate_controller_state", &[], &["{}", "0"]),
        ] {
            let setting = named(name).unwrap();
            for value in good {
                assert_eq!(setting.check(value), Ok(()), "{name} {value}");
            }
            for value in bad {
                assert!(setting.check(value).unwrap_err().contains(name), "{name} {value}");
            }
        }
        assert!(named("rate_controller-kd").is_err());
    }

    #[test]
    fn defaults_are_values_themselves() {
        for setting in SETTINGS.iter().filter(|setting| setting.allowed != Allowed::Nothing) {
            if let Some(default) = setting.default {
                assert_eq!(setting.check(default), Ok(()), "{}", setting.name);
            }
        }
        assert_eq!(check_together(&Values::new()), Ok(()));
    }

    #[test]
    fn values_have_to_fit_together() {
        let values = |pairs: &[(&'static str, &str)]| -> Values {
            pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
        };
        assert!(check_together(&values(&[(ENABLED, "1")])).is_err());
        assert!(check_together(&values(&[(ENABLED, "1"), (TARGET, "0")])).is_err());
        assert!(check_together(&values(&[(ENABLED, "1"), (TARGET, "5")])).is_ok());
        assert!(check_together(&values(&[(TRX_MAX, "1000")])).is_err());
        assert!(check_together(&values(&[(TRX_MAX, "1000"), (TRX_MIN, "999")])).is_ok());
    }
}
