//! `ichnaea apikey`: who may use the service, and how much.

use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use ichnaea_domain::api_key::{ApiKey, is_well_formed};
use ichnaea_store::Store;
use serde_json::{Value, json};

use super::{print, print_json, table};

/// Wire formats of a fallback provider.
const SCHEMAS: [&str; 4] = ["ichnaea/v1", "combain/v1", "googlemaps/v1", "unwiredlabs/v1"];

/// What to do with API keys.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Creates a key, with a random name unless one is given
    #[command(after_help = "Examples:\n  \
        ichnaea apikey create\n  \
        ichnaea apikey create our-app --maxreq 10000\n  \
        ichnaea apikey create partner --maxreq 0 --store-sample-locate 0")]
    Create {
        /// 4 to 40 letters, digits and hyphens
        key: Option<String>,
        /// Its settings
        #[command(flatten)]
        values: Values,
        /// Print the key as JSON
        #[arg(long)]
        json: bool,
    },
    /// Lists all keys
    List {
        /// Print the keys as JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows one key with all its settings
    Show {
        /// The key; upper and lower case are the same
        key: String,
        /// Print the key as JSON
        #[arg(long)]
        json: bool,
    },
    /// Changes the settings that are given and leaves the others alone
    #[command(after_help = "Examples:\n  \
        ichnaea apikey update our-app --maxreq 0\n  \
        ichnaea apikey update our-app --allow-locate false\n\n\
        The web role remembers keys for up to 5 minutes.")]
    Update {
        /// The key
        key: String,
        /// Its settings
        #[command(flatten)]
        values: Values,
        /// Print the key as JSON
        #[arg(long)]
        json: bool,
    },
    /// Deletes a key
    Delete {
        /// The key
        key: String,
    },
}

/// The settings of a key; an empty text sets the column to NULL.
#[derive(Args, Clone, Debug, Default)]
pub struct Values {
    /// Requests per UTC day and API path; 0: no limit [default for a new key: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub maxreq: Option<i32>,
    /// May the key ask for positions? [default for a new key: true]
    #[arg(long, value_name = "BOOL")]
    pub allow_locate: Option<bool>,
    /// May the key ask for regions? [default for a new key: true]
    #[arg(long, value_name = "BOOL")]
    pub allow_region: Option<bool>,
    /// May position queries be passed on to the fallback provider? [default for a new key: false]
    #[arg(long, value_name = "BOOL")]
    pub allow_fallback: Option<bool>,
    /// Percentage of position queries to learn from [default for a new key: 100]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(i32).range(0..=100))]
    pub store_sample_locate: Option<i32>,
    /// Percentage of submissions to keep [default for a new key: 100]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(i32).range(0..=100))]
    pub store_sample_submit: Option<i32>,
    /// Name of the fallback provider in metrics and rate limits
    #[arg(long, value_name = "NAME", value_parser = at_most::<40>)]
    pub fallback_name: Option<String>,
    /// Wire format of the fallback provider: ichnaea/v1, combain/v1, googlemaps/v1 or
    /// unwiredlabs/v1
    #[arg(long, value_name = "SCHEMA", value_parser = schema)]
    pub fallback_schema: Option<String>,
    /// Address of the fallback provider
    #[arg(long, value_name = "URL", value_parser = at_most::<256>)]
    pub fallback_url: Option<String>,
    /// Calls to the provider per interval; 0: no limit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub fallback_ratelimit: Option<i32>,
    /// Length of that interval in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i32).range(1..))]
    pub fallback_ratelimit_interval: Option<i32>,
    /// Seconds for which an answer of the provider may be cached
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i32).range(0..))]
    pub fallback_cache_expire: Option<i32>,
}

/// Runs one of the commands.
pub async fn run(store: &Store, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { key, values, json } => {
            let key = create(store, key, &values).await?;
            if json {
                return print_json(&to_json(&key));
            }
            print(format!("Created API key: '{}'", key.valid_key));
        }
        Command::List { json } => {
            let keys = store.api_keys().await?;
            if json {
                return print_json(&keys.iter().map(to_json).collect::<Vec<_>>());
            }
            print(format!("{} api keys.", keys.len()));
            if !keys.is_empty() {
                listing(&keys).iter().for_each(print);
            }
        }
        Command::Show { key, json } => show(&find(store, &key).await?, json)?,
        Command::Update { key, values, json } => {
            let mut key = find(store, &key).await?;
            values.apply(&mut key);
            store.update_api_key(&key).await?;
            show(&key, json)?;
        }
        Command::Delete { key } => {
            ensure!(store.delete_api_key(&key).await?, "API key '{key}' does not exist");
            print(format!("Deleted API key: '{key}'"));
        }
    }
    Ok(())
}

/// Creates a key; a random one unless a name is given.
pub async fn create(
    store: &Store,
    name: Option<String>,
    values: &Values,
) -> anyhow::Result<ApiKey> {
    let name = name.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    if !is_well_formed(&name) {
        bail!("'{name}' is no API key: 4 to 40 letters, digits and hyphens are needed");
    }
    let mut key = ApiKey { valid_key: name, maxreq: Some(100), ..ApiKey::anonymous() };
    values.apply(&mut key);
    ensure!(store.create_api_key(&key).await?, "API key '{}' exists", key.valid_key);
    Ok(key)
}

async fn find(store: &Store, name: &str) -> anyhow::Result<ApiKey> {
    match store.api_key(name).await? {
        Some(key) => Ok(key),
        None => bail!("API key '{name}' does not exist"),
    }
}

fn show(key: &ApiKey, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(&to_json(key));
    }
    details(key).iter().for_each(print);
    Ok(())
}

impl Values {
    fn apply(&self, key: &mut ApiKey) {
        fn set<T: Clone>(column: &mut Option<T>, value: Option<&T>) {
            if let Some(value) = value {
                *column = Some(value.clone());
            }
        }
        fn set_text(column: &mut Option<String>, value: Option<&String>) {
            if let Some(value) = value {
                *column = Some(value.clone()).filter(|text| !text.is_empty());
            }
        }
        set(&mut key.maxreq, self.maxreq.as_ref());
        set(&mut key.allow_locate, self.allow_locate.as_ref());
        set(&mut key.allow_region, self.allow_region.as_ref());
        set(&mut key.allow_fallback, self.allow_fallback.as_ref());
        set(&mut key.store_sample_locate, self.store_sample_locate.as_ref());
        set(&mut key.store_sample_submit, self.store_sample_submit.as_ref());
        set_text(&mut key.fallback_name, self.fallback_name.as_ref());
        set_text(&mut key.fallback_schema, self.fallback_schema.as_ref());
        set_text(&mut key.fallback_url, self.fallback_url.as_ref());
        set(&mut key.fallback_ratelimit, self.fallback_ratelimit.as_ref());
        set(&mut key.fallback_ratelimit_interval, self.fallback_ratelimit_interval.as_ref());
        set(&mut key.fallback_cache_expire, self.fallback_cache_expire.as_ref());
    }
}

fn at_most<const MAX: usize>(text: &str) -> Result<String, String> {
    match text.chars().count() {
        len if len > MAX => Err(format!("{len} characters, at most {MAX} fit")),
        _ => Ok(text.to_owned()),
    }
}

fn schema(text: &str) -> Result<String, String> {
    if text.is_empty() || SCHEMAS.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("not one of {}", SCHEMAS.join(", ")))
}

/// All columns by name, in the order in which they are shown.
fn columns(key: &ApiKey) -> [(&'static str, Value); 13] {
    [
        ("valid_key", json!(key.valid_key)),
        ("maxreq", json!(key.maxreq)),
        ("allow_fallback", json!(key.allow_fallback)),
        ("allow_locate", json!(key.allow_locate)),
        ("allow_region", json!(key.allow_region)),
        ("fallback_name", json!(key.fallback_name)),
        ("fallback_schema", json!(key.fallback_schema)),
        ("fallback_url", json!(key.fallback_url)),
        ("fallback_ratelimit", json!(key.fallback_ratelimit)),
        ("fallback_ratelimit_interval", json!(key.fallback_ratelimit_interval)),
        ("fallback_cache_expire", json!(key.fallback_cache_expire)),
        ("store_sample_submit", json!(key.store_sample_submit)),
        ("store_sample_locate", json!(key.store_sample_locate)),
    ]
}

fn to_json(key: &ApiKey) -> Value {
    columns(key).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A value as the original shows it.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn listing(keys: &[ApiKey]) -> Vec<String> {
    let shown = ["valid_key", "allow_fallback", "allow_locate", "allow_region"];
    let row = |key: &ApiKey| {
        let columns = columns(key);
        let shown = columns.iter().filter(|(name, _)| shown.contains(name));
        shown.map(|(_, value)| word(value)).collect()
    };
    let head = shown.map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(keys.iter().map(row)).collect();
    table(&rows, " | ")
}

fn details(key: &ApiKey) -> Vec<String> {
    let row = |(name, value): (&str, Value)| vec![name.to_owned(), word(&value)];
    table(&columns(key).into_iter().map(row).collect::<Vec<_>>(), " : ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_as_the_original_shows_them() {
        let key = ApiKey { valid_key: "test".into(), maxreq: Some(100), ..ApiKey::anonymous() };
        assert_eq!(
            listing(std::slice::from_ref(&key)),
            [
                "valid_key | allow_fallback | allow_locate | allow_region",
                "test      | False          | True         | True        ",
            ]
        );
        let details = details(&key);
        assert_eq!(details.len(), 13);
        assert_eq!(details[0], "valid_key                   : test ");
        assert_eq!(details[5], "fallback_name               : None ");
        assert_eq!(details[12], "store_sample_locate         : 100  ");
    }

    #[test]
    fn an_empty_text_clears_a_column() {
        let mut key = ApiKey { fallback_name: Some("partner".into()), ..ApiKey::anonymous() };
        Values::default().apply(&mut key);
        assert_eq!(key.fallback_name.as_deref(), Some("partner"));
        let values = Values { fallback_name: Some(String::new()), ..Values::default() };
        values.apply(&mut key);
        assert_eq!(key.fallback_name, None);
    }

    #[test]
    fn values_too_long_for_their_column_are_refused() {
        assert!(at_most::<40>(&"a".repeat(40)).is_ok());
        assert!(at_most::<40>(&"a".repeat(41)).is_err());
        assert!(schema("combain/v1").is_ok());
        assert!(schema("combain/v2").is_err());
    }
}
