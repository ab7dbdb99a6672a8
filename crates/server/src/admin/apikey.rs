//! `ichnaea apikey`: who may use the service, and how much.

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use ichnaea_domain::api_key::{ApiKey, is_well_formed};
use ichnaea_domain::locate::{Api, Client, Query};
use ichnaea_store::Store;
use serde_json::{Value, json};

use crate::api::locate_request;
use crate::locate::fallback;

use super::assignment::{Assignment, at_most, flag, whole};
use super::{details, print, print_json, refuse, table, warn, word};

/// Wire formats of a fallback provider.
const SCHEMAS: [&str; 4] = ["ichnaea/v1", "combain/v1", "googlemaps/v1", "unwiredlabs/v1"];

/// Keys that every reader of the original's documentation knows.
const PUBLICLY_KNOWN: [&str; 2] = ["test", "geoclue"];

/// Two access points that nobody has: their addresses are locally administered.
const SAMPLE_QUERY: &str = r#"{"wifiAccessPoints":[{"macAddress":"02:1c:ac:00:00:01"},{"macAddress":"02:1c:ac:00:00:02"}]}"#;

/// What to do with API keys.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Creates a key, with a random name unless one is given
    #[command(after_help = "Examples:\n  \
        ichnaea apikey create\n  \
        ichnaea apikey create our-app --maxreq 10000\n  \
        ichnaea apikey create partner --maxreq 0 --store-sample-locate 0\n  \
        ichnaea apikey create --if-missing\n\n\
        Ends with status 1 when the key exists, with --if-missing with status 0.")]
    Create {
        /// 4 to 40 letters, digits and hyphens
        key: Option<String>,
        /// Leave everything as it is when the key exists, or, without KEY, when there is any key:
        /// for set-ups that may run again
        #[arg(long)]
        if_missing: bool,
        /// Its settings
        #[command(flatten)]
        values: Values,
        /// Print the key as JSON
        #[arg(long)]
        json: bool,
    },
    /// Lists all keys
    #[command(after_help = "Examples:\n  \
        ichnaea apikey list\n  \
        ichnaea apikey list --json | jq -r '.[].valid_key'")]
    List {
        /// Print the keys as JSON, with all their settings
        #[arg(long)]
        json: bool,
    },
    /// Shows one key with all its settings
    #[command(after_help = "Ends with status 1 when there is no such key.")]
    Show {
        /// The key; upper and lower case are the same
        key: String,
        /// Print the key as JSON
        #[arg(long)]
        json: bool,
    },
    /// Changes the settings that are given and leaves the others alone
    #[command(after_help = "Fields: maxreq, allow_fallback, allow_locate, allow_region, \
        fallback_name, fallback_schema, fallback_url, fallback_ratelimit, \
        fallback_ratelimit_interval, fallback_cache_expire, store_sample_submit, \
        store_sample_locate, allow_explain; `ichnaea apikey create --help` says what they mean. Nothing after \
        the equals sign sets a field to NULL.\n\n\
        Examples:\n  \
        ichnaea apikey set our-app maxreq=0\n  \
        ichnaea apikey set our-app allow_locate=false store_sample_submit=50\n  \
        ichnaea apikey set our-app fallback_url=\n\n\
        The web role remembers keys for up to 5 minutes.")]
    Set {
        /// The key
        key: String,
        /// What to change
        #[arg(required = true, value_name = "FIELD=VALUE")]
        changes: Vec<Assignment>,
        /// Print the key as JSON
        #[arg(long)]
        json: bool,
    },
    /// Takes all permissions from a key and keeps the row
    #[command(after_help = "The same as `ichnaea apikey set KEY allow_locate=false \
        allow_region=false allow_fallback=false allow_explain=false`. Reports need no key and are still taken in. \
        The web role remembers keys for up to 5 minutes.")]
    Disable {
        /// The key
        key: String,
        /// Print the key as JSON
        #[arg(long)]
        json: bool,
    },
    /// Asks the fallback provider of a key once and shows what comes of it
    #[command(
        after_help = "Past the cache, the rate limit and `allow_fallback`. Sends the query as a \
        device would to /v1/geolocate; without --query two invented access points, to which a provider that \
        can be reached answers that it knows no position.\n\n\
        Examples:\n  \
        ichnaea apikey test-fallback our-app\n  \
        ichnaea apikey test-fallback our-app --query '{\"cellTowers\":[{\"radioType\":\"lte\",\
        \"mobileCountryCode\":262,\"mobileNetworkCode\":1,\"locationAreaCode\":5126,\"cellId\":21532831}]}'\n\n\
        Ends with status 1 when the provider gives no answer that can be used."
    )]
    TestFallback {
        /// The key
        key: String,
        /// The query, as JSON
        #[arg(long, value_name = "JSON", default_value = SAMPLE_QUERY)]
        query: String,
    },
    /// Deletes a key
    #[command(after_help = "The web role remembers keys for up to 5 minutes. Reports that came \
        in with the key stay.")]
    Delete {
        /// The key
        key: String,
    },
}

/// The settings of a new key; a text that is empty stays NULL.
#[derive(Args, Clone, Debug, Default)]
pub struct Values {
    /// Requests per UTC day and API path; 0: no limit [default for a new key: 100]
    #[arg(long, value_name = "N", value_parser = whole::<0, { i32::MAX }>)]
    pub maxreq: Option<i32>,
    /// May the key ask for positions? [default for a new key: true]
    #[arg(long, value_name = "BOOL", value_parser = flag)]
    pub allow_locate: Option<bool>,
    /// May the key ask for regions? [default for a new key: true]
    #[arg(long, value_name = "BOOL", value_parser = flag)]
    pub allow_region: Option<bool>,
    /// May position queries be passed on to the fallback provider? [default for a new key: false]
    #[arg(long, value_name = "BOOL", value_parser = flag)]
    pub allow_fallback: Option<bool>,
    /// May the key be told which stations of a query are known? Whoever may can look up stations by
    /// their addresses, in pairs, as often as the daily limit allows [default for a new key: false]
    #[arg(long, value_name = "BOOL", value_parser = flag)]
    pub allow_explain: Option<bool>,
    /// Percentage of position queries to learn from [default for a new key: 100]
    #[arg(long, value_name = "PERCENT", value_parser = whole::<0, 100>)]
    pub store_sample_locate: Option<i32>,
    /// Percentage of submissions to keep [default for a new key: 100]
    #[arg(long, value_name = "PERCENT", value_parser = whole::<0, 100>)]
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
    #[arg(long, value_name = "N", value_parser = whole::<0, { i32::MAX }>)]
    pub fallback_ratelimit: Option<i32>,
    /// Length of that interval in seconds
    #[arg(long, value_name = "SECONDS", value_parser = whole::<1, { i32::MAX }>)]
    pub fallback_ratelimit_interval: Option<i32>,
    /// Seconds for which an answer of the provider may be cached
    #[arg(long, value_name = "SECONDS", value_parser = whole::<0, { i32::MAX }>)]
    pub fallback_cache_expire: Option<i32>,
}

/// Runs one of the commands; false when it was refused.
pub async fn run(store: &Store, command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Create { key, if_missing, values, json } => {
            if if_missing && let Some(present) = present(store, key.as_deref()).await? {
                if json {
                    print_json(&to_json(&present))?;
                } else {
                    print(format!("API key '{}' exists", present.valid_key));
                }
                return Ok(true);
            }
            let key = new_key(key, &values)?;
            if !store.create_api_key(&key).await? {
                return Ok(refuse(json, format!("API key '{}' exists", key.valid_key)));
            }
            if is_publicly_known(&key.valid_key) {
                warn(format!(
                    "everybody knows the key '{}'; give it a daily limit, or use a random key",
                    key.valid_key
                ));
            }
            if json {
                print_json(&to_json(&key))?;
            } else {
                print(format!("Created API key: '{}'", key.valid_key));
            }
        }
        Command::List { json } => {
            let keys = store.api_keys().await?;
            if json {
                print_json(&keys.iter().map(to_json).collect::<Vec<_>>())?;
                return Ok(true);
            }
            print(format!("{} api keys.", keys.len()));
            if !keys.is_empty() {
                listing(&keys).iter().for_each(print);
            }
        }
        Command::Show { key, json } => match store.api_key(&key).await? {
            Some(key) => show(&key, json)?,
            None => return Ok(unknown(json, &key)),
        },
        Command::Set { key, changes, json } => return set(store, &key, &changes, json).await,
        Command::Disable { key, json } => {
            let off = ["allow_locate", "allow_region", "allow_fallback", "allow_explain"];
            let off = off.map(|field| Assignment { field: field.into(), value: Some("0".into()) });
            return set(store, &key, &off, json).await;
        }
        Command::TestFallback { key, query } => return test_fallback(store, &key, &query).await,
        Command::Delete { key } => {
            if !store.delete_api_key(&key).await? {
                return Ok(unknown(false, &key));
            }
            print(format!("Deleted API key: '{key}'"));
        }
    }
    Ok(true)
}

/// Creates a key; a random one unless a name is given.
pub async fn create(
    store: &Store,
    name: Option<String>,
    values: &Values,
) -> anyhow::Result<ApiKey> {
    let key = new_key(name, values)?;
    anyhow::ensure!(store.create_api_key(&key).await?, "API key '{}' exists", key.valid_key);
    Ok(key)
}

/// The key of this name, or any key when none is named.
async fn present(store: &Store, name: Option<&str>) -> anyhow::Result<Option<ApiKey>> {
    Ok(match name {
        Some(name) => store.api_key(name).await?,
        None => store.api_keys().await?.into_iter().next(),
    })
}

fn new_key(name: Option<String>, values: &Values) -> anyhow::Result<ApiKey> {
    let name = name.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    if !is_well_formed(&name) {
        bail!("'{name}' is no API key: 4 to 40 letters, digits and hyphens are needed");
    }
    let mut key = ApiKey { valid_key: name, maxreq: Some(100), ..ApiKey::anonymous() };
    values.apply(&mut key);
    Ok(key)
}

/// Whether strangers can be expected to try this key.
#[must_use]
pub fn is_publicly_known(key: &str) -> bool {
    PUBLICLY_KNOWN.iter().any(|known| key.eq_ignore_ascii_case(known))
}

async fn set(
    store: &Store,
    name: &str,
    changes: &[Assignment],
    json: bool,
) -> anyhow::Result<bool> {
    let Some(mut key) = store.api_key(name).await? else { return Ok(unknown(json, name)) };
    for change in changes {
        assign(&mut key, change).map_err(|problem| anyhow!(problem))?;
    }
    store.update_api_key(&key).await?;
    show(&key, json)?;
    Ok(true)
}

/// Asks a provider, for an operator who wonders why it never does.
async fn test_fallback(store: &Store, name: &str, query: &str) -> anyhow::Result<bool> {
    let Some(key) = store.api_key(name).await? else { return Ok(unknown(false, name)) };
    let document = crate::json::parse(query).map_err(|problem| anyhow!("--query: {problem}"))?;
    let request = locate_request::read(Some(&document))
        .map_err(|_| anyhow!("--query is not understood by /v1/geolocate"))?;
    let query = Query::new(Api::Locate, request, Client { has_ip: false, geoip: None });
    let may_ask = fallback::may_ask(&key, &query);
    let answer = fallback::probe(&fallback::http_client()?, &key, &query).await;
    let is_usable = answer.is_ok();
    print(answer.unwrap_or_else(|why| format!("No answer that can be used: {why}")));
    if !may_ask {
        warn(
            "requests do not get there: allow_fallback, fallback_name, fallback_url, fallback_ratelimit \
              and fallback_ratelimit_interval have to be set, and the query needs a station",
        );
    }
    Ok(is_usable)
}

fn unknown(json: bool, key: &str) -> bool {
    refuse(json, format!("API key '{key}' does not exist"))
}

fn show(key: &ApiKey, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(&to_json(key));
    }
    details(&columns(key)).iter().for_each(print);
    Ok(())
}

/// Changes one column.
fn assign(key: &mut ApiKey, change: &Assignment) -> Result<(), String> {
    match change.field.as_str() {
        "maxreq" => key.maxreq = change.read(whole::<0, { i32::MAX }>)?,
        "allow_fallback" => key.allow_fallback = change.read(flag)?,
        "allow_locate" => key.allow_locate = change.read(flag)?,
        "allow_region" => key.allow_region = change.read(flag)?,
        "fallback_name" => key.fallback_name = change.read(at_most::<40>)?,
        "fallback_schema" => key.fallback_schema = change.read(schema)?,
        "fallback_url" => key.fallback_url = change.read(at_most::<256>)?,
        "fallback_ratelimit" => key.fallback_ratelimit = change.read(whole::<0, { i32::MAX }>)?,
        "fallback_ratelimit_interval" => {
            key.fallback_ratelimit_interval = change.read(whole::<1, { i32::MAX }>)?;
        }
        "fallback_cache_expire" => {
            key.fallback_cache_expire = change.read(whole::<0, { i32::MAX }>)?;
        }
        "store_sample_submit" => key.store_sample_submit = change.read(whole::<0, 100>)?,
        "store_sample_locate" => key.store_sample_locate = change.read(whole::<0, 100>)?,
        "allow_explain" => key.allow_explain = change.read(flag)?,
        "valid_key" => return Err("the key itself cannot be changed; create another one".into()),
        other => {
            let fields = columns(key).map(|(name, _)| name);
            return Err(format!("no field '{other}'; the fields are {}", fields[1..].join(", ")));
        }
    }
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
        set(&mut key.allow_explain, self.allow_explain.as_ref());
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

fn schema(text: &str) -> Result<String, String> {
    if text.is_empty() || SCHEMAS.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("{text} is not one of {}", SCHEMAS.join(", ")))
}

/// All columns by name, in the order in which they are shown.
fn columns(key: &ApiKey) -> [(&'static str, Value); 14] {
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
        ("allow_explain", json!(key.allow_explain)),
    ]
}

fn to_json(key: &ApiKey) -> Value {
    columns(key).into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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
        let details = details(&columns(&key));
        assert_eq!(details.len(), 14);
        assert_eq!(details[0], "valid_key                   : test ");
        assert_eq!(details[5], "fallback_name               : None ");
        assert_eq!(details[12], "store_sample_locate         : 100  ");
        assert_eq!(details[13], "allow_explain               : None ");
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
    fn every_field_but_the_key_can_be_changed_and_cleared() {
        let mut key = ApiKey { valid_key: "test".into(), ..ApiKey::anonymous() };
        for (change, expected) in [
            ("maxreq=5", json!(5)),
            ("allow_fallback=true", json!(true)),
            ("allow_locate=0", json!(false)),
            ("allow_region=no", json!(false)),
            ("fallback_name=partner", json!("partner")),
            ("fallback_schema=combain/v1", json!("combain/v1")),
            (
                "fallback_url=http://partner.example/?key=a=b",
                json!("http://partner.example/?key=a=b"),
            ),
            ("fallback_ratelimit=10", json!(10)),
            ("fallback_ratelimit_interval=60", json!(60)),
            ("fallback_cache_expire=0", json!(0)),
            ("store_sample_submit=100", json!(100)),
            ("store_sample_locate=50", json!(50)),
            ("allow_explain=yes", json!(true)),
        ] {
            let change: Assignment = change.parse().unwrap();
            assign(&mut key, &change).unwrap();
            assert_eq!(to_json(&key)[&change.field], expected, "{change:?}");
            assign(&mut key, &Assignment { value: None, ..change.clone() }).unwrap();
            assert_eq!(to_json(&key)[&change.field], Value::Null, "{change:?}");
        }
    }

    #[test]
    fn a_change_that_cannot_be_stored_is_refused() {
        let mut key = ApiKey { valid_key: "test".into(), ..ApiKey::anonymous() };
        let before = key.clone();
        let too_long = format!("fallback_name={}", "a".repeat(41));
        for change in [
            "maxreq=-1",
            "maxreq=many",
            "store_sample_submit=101",
            "fallback_schema=combain/v2",
            "fallback_ratelimit_interval=0",
            "allow_locate=maybe",
            "valid_key=other",
            "nonsense=1",
            &too_long,
        ] {
            assert!(assign(&mut key, &change.parse().unwrap()).is_err(), "{change}");
        }
        assert_eq!(key, before);
    }

    #[test]
    fn publicly_known_keys_are_recognised() {
        assert!(is_publicly_known("Test") && is_publicly_known("geoclue"));
        assert!(!is_publicly_known("tester"));
    }
}
