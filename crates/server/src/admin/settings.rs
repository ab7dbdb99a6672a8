//! `ichnaea settings`: what an operator sets while the service runs, in the key-value store.
//!
//! The names are those of the original, so `redis-cli SET` does the same; but here a value is
//! checked before it is written.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use ichnaea_domain::rate_control::{Parameter, STATE};
use ichnaea_kv::{KeyValue, Op};
use serde_json::{Value, json};

use super::{print, print_json, table, warn};

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

/// A setting: a parameter of the rate controller, or what the controller keeps for itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key under which it is kept.
    pub name: &'static str,
    /// `None`: not for operators.
    parameter: Option<Parameter>,
    /// What counts when it is not set.
    default: &'static str,
    summary: &'static str,
}

const TARGET: &str = Parameter::Target.name();
const ENABLED: &str = Parameter::Enabled.name();
const TRX_MIN: &str = Parameter::TrxMin.name();
const TRX_MAX: &str = Parameter::TrxMax.name();

/// Every setting, in the order in which they are listed.
const SETTINGS: [Setting; 10] = [
    of_operators(Parameter::SampleRate),
    of_operators(Parameter::Enabled),
    of_operators(Parameter::Target),
    of_operators(Parameter::Kp),
    of_operators(Parameter::Ki),
    of_operators(Parameter::Kd),
    of_operators(Parameter::TrxMax),
    of_operators(Parameter::TrxMin),
    Setting { parameter: None, ..of_operators(Parameter::TrxPurging) },
    Setting {
        name: STATE,
        parameter: None,
        default: "{}",
        summary: "what the controller remembers between two steps",
    },
];

const fn of_operators(parameter: Parameter) -> Setting {
    Setting {
        name: parameter.name(),
        parameter: Some(parameter),
        default: parameter.default_text(),
        summary: parameter.meaning(),
    }
}

impl Setting {
    /// Checks a value alone.
    fn check(&self, value: &str) -> Result<(), String> {
        let Some(parameter) = self.parameter else {
            return Err(format!("{} is not set by hand", self.name));
        };
        let number = parameter.range().read(value);
        let (is_allowed, allowed) = match parameter {
            // More than all is what the original takes, and nobody means.
            Parameter::SampleRate => (
                number.is_some_and(|number| (0.0..=100.0).contains(&number.real())),
                "a number from 0 to 100",
            ),
            _ => (number.is_some(), parameter.range().text()),
        };
        if is_allowed {
            return Ok(());
        }
        Err(format!("{}: {value:?} was given, {allowed} is needed", self.name))
    }

    fn value<'a>(&self, values: &'a Values) -> Option<&'a str> {
        values.get(self.name).map(String::as_str)
    }

    /// The value in force.
    fn effective<'a>(&self, values: &'a Values) -> &'a str {
        self.value(values).unwrap_or(self.default)
    }
}

/// What is set, by name.
type Values = BTreeMap<&'static str, String>;

/// Checks what only shows when all values are seen together.
fn check_together(values: &Values) -> Result<(), String> {
    let of = |name: &str| {
        SETTINGS.iter().find(|setting| setting.name == name).map(|it| it.effective(values))
    };
    let count = |name: &str| of(name).and_then(|text| text.parse::<i64>().ok());
    if let (Some(min), Some(max)) = (count(TRX_MIN), count(TRX_MAX))
        && min >= max
    {
        return Err(format!("{TRX_MAX} ({max}) has to be above {TRX_MIN} ({min})"));
    }
    if of(ENABLED) == Some("1") && count(TARGET).is_none_or(|target| target <= 0) {
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
            for line in listing(&values) {
                print(line.trim_end());
            }
            Ok(())
        }
        Command::Get { name, json: true } => print_json(&to_json(name, &values)),
        Command::Get { name, json: false } => {
            print(name.effective(&values));
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
    if setting.parameter == Some(Parameter::SampleRate)
        && values.get(ENABLED).is_some_and(|enabled| enabled == "1")
    {
        warn("the rate controller is enabled and will overwrite this within a minute");
    }
    let op = Op::Set { key: setting.name.into(), value: value.into(), ttl: None };
    kv.apply(vec![op]).await?;
    Ok(())
}

async fn unset(kv: &dyn KeyValue, mut values: Values, setting: &Setting) -> anyhow::Result<()> {
    if setting.parameter.is_none() {
        bail!("{} is not set by hand", setting.name);
    }
    values.remove(setting.name);
    check_together(&values).map_err(|problem| anyhow!(problem))?;
    kv.apply(vec![Op::Delete { key: setting.name.into() }]).await?;
    print(format!("{}: {} (default)", setting.name, setting.default));
    Ok(())
}

async fn read(kv: &dyn KeyValue) -> anyhow::Result<Values> {
    let names: Vec<Vec<u8>> = SETTINGS.iter().map(|setting| setting.name.into()).collect();
    let found = SETTINGS.iter().zip(kv.get(&names).await?);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(found.filter_map(|(setting, value)| Some((setting.name, text(value?)))).collect())
}

/// What operators have set, by name; not what the controller keeps for itself.
pub(crate) async fn of_operators_set(kv: &dyn KeyValue) -> anyhow::Result<Vec<(String, String)>> {
    let values = read(kv).await?;
    let set = SETTINGS
        .iter()
        .filter(|setting| setting.parameter.is_some())
        .filter_map(|setting| Some((setting.name.to_owned(), setting.value(&values)?.to_owned())));
    Ok(set.collect())
}

/// Makes these the settings; all others go back to their defaults. Names that there are not, and
/// values that may not be, are left out and told.
pub(crate) async fn replace(
    kv: &dyn KeyValue,
    given: &[(String, String)],
) -> anyhow::Result<Vec<String>> {
    let mut refused = Vec::new();
    let mut ops: Vec<Op> = SETTINGS.iter().map(|it| Op::Delete { key: it.name.into() }).collect();
    for (name, value) in given {
        match SETTINGS.iter().find(|setting| setting.name == name) {
            None => refused.push(format!("{name} is no setting of this release")),
            Some(setting) => match setting.check(value) {
                Err(problem) => refused.push(problem),
                Ok(()) => ops.push(Op::Set {
                    key: setting.name.into(),
                    value: value.as_str().into(),
                    ttl: None,
                }),
            },
        }
    }
    kv.apply(ops).await?;
    Ok(refused)
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
        let default = setting.default;
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
            ("rate_controller_target", &["0", "1", "1000000"], &["-1", "1.5", "true"]),
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
        for setting in SETTINGS.iter().filter(|setting| setting.parameter.is_some()) {
            assert_eq!(setting.check(setting.default), Ok(()), "{}", setting.name);
        }
        for parameter in Parameter::ALL {
            assert!(named(parameter.name()).is_ok(), "{parameter:?}");
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
