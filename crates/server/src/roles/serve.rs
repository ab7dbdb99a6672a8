//! `ichnaea serve`: everything in one process, from nothing.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ichnaea_domain::export::ExportConfig;
use ichnaea_store::Store;
use tokio::net::TcpListener;

use super::Role;
use super::signals::Signals;
use crate::admin::apikey::{self, Values};
use crate::admin::print;
use crate::config::Config;
use crate::context::Context;
use crate::demo::{self, Demo};
use crate::tasks::message::{Message, send};
use crate::tasks::{EXPORT_EXPIRES, Task};

/// How often the map is drawn when nobody has said anything about it.
const MAP_INTERVAL: Duration = Duration::from_hours(1);

/// Migrates, makes a key when there is none, says how to try the service, and runs all roles.
pub async fn run(
    config: Config,
    with_demo: bool,
    mut signals: Signals,
) -> anyhow::Result<ExitCode> {
    let config = with_map(config);
    let start = start(config, with_demo);
    let (context, listener) = tokio::select! {
        started = start => started?,
        _ = signals.stop() => return Ok(ExitCode::SUCCESS),
    };
    super::run(context, &[Role::Web, Role::Worker, Role::Scheduler], Some(listener), signals).await
}

/// Where everything is a file, nobody has set up anything: the map is drawn every hour.
fn with_map(config: Config) -> Config {
    let is_file = config.databases.read_write.starts_with("sqlite:");
    let map_interval = config.map_interval.or_else(|| is_file.then_some(MAP_INTERVAL));
    Config { map_interval, ..config }
}

/// Lets a worker draw the map once, where no interval makes the scheduler do it.
async fn draw_map(context: &Context) -> anyhow::Result<()> {
    let now_ms = context.clock.now_ms();
    let message = Message::new(Task::RenderMap, None, now_ms, EXPORT_EXPIRES);
    context.kv.apply(vec![send(&[message])]).await?;
    Ok(())
}

/// Everything up to the first request.
async fn start(config: Config, with_demo: bool) -> anyhow::Result<(Arc<Context>, TcpListener)> {
    crate::cli::make_folders(&config)?;
    let config = super::secret::settle(config)?;
    migrate(&config).await?;
    let context = Arc::new(Context::open(config).await?);
    let mut demo = None;
    if with_demo {
        demo = demo::load(&context).await.context("cannot load the demonstration data")?;
        if context.config.map_interval.is_none() {
            draw_map(&context).await?;
        }
    }
    let key = first_key(&context.writer, with_demo).await?;
    if matches!(key, Key::Made(_)) && context.config.databases.read_write.starts_with("sqlite:") {
        learn_at_once(&context.writer).await?;
    }
    let listener = super::bind(context.config.listen).await?;
    greet(listener.local_addr()?, &key, demo.as_ref());
    Ok((context, listener))
}

async fn migrate(config: &Config) -> anyhow::Result<()> {
    let options = ichnaea_store::Options {
        wait: config.backend_timeout,
        ..ichnaea_store::Options::default()
    };
    let applied = Store::open(&config.databases.ddl, &options)?
        .migrate()
        .await
        .context("cannot bring the tables up to date")?;
    for name in applied {
        tracing::info!(name, "migration applied");
    }
    Ok(())
}

/// The key to show.
enum Key {
    /// Made just now.
    Made(String),
    /// Made before.
    Known(String),
}

/// Makes a key that may do everything but ask the fallback provider, when there is none at all. Which
/// stations are known it may be told where they are invented.
async fn first_key(store: &Store, with_demo: bool) -> anyhow::Result<Key> {
    let keys = store.api_keys().await.context("cannot read the API keys")?;
    if let Some(key) = keys.into_iter().next() {
        return Ok(Key::Known(key.valid_key));
    }
    let allow_explain = with_demo.then_some(true);
    let values = Values { maxreq: Some(0), allow_explain, ..Values::default() };
    Ok(Key::Made(apikey::create(store, None, &values).await?.valid_key))
}

/// Where few report, nobody wants to wait for a batch of a hundred: on a small installation every
/// report is learned as soon as the next round of tasks comes by, about a minute later.
async fn learn_at_once(store: &Store) -> anyhow::Result<()> {
    if let Some(config) = store.export_config("internal").await? {
        store.put_export_config(&ExportConfig { batch: Some(1), ..config }).await?;
    }
    Ok(())
}

fn greet(address: SocketAddr, key: &Key, demo: Option<&Demo>) {
    let host = match address.ip().to_canonical() {
        ip if ip.is_unspecified() => "localhost".to_owned(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        std::net::IpAddr::V4(ip) => ip.to_string(),
    };
    let base = format!("http://{host}:{}", address.port());
    print(format!("\nIchnaea answers at {base}"));
    match (key, demo) {
        // A key that guards nothing but invented stations may be shown again.
        (Key::Made(key), _) | (Key::Known(key), Some(_)) => {
            print(format!("API key: {key}\n\nTry:"));
            for line in examples(&base, key, demo) {
                print(format!("  {line}"));
            }
            print("");
        }
        (Key::Known(key), None) => {
            let start: String = key.chars().take(4).collect();
            print(format!("API key: {start}… (`ichnaea apikey list` shows all keys)\n"));
        }
    }
}

/// Requests that work at once; without demonstration data the second works when the report of the
/// first has been learned.
fn examples(base: &str, key: &str, demo: Option<&Demo>) -> [String; 3] {
    let curl = |path: &str, body: &str| format!("curl -d '{body}' '{base}{path}?key={key}'");
    let seen = r#"[{"macAddress":"02:1c:ac:00:00:01"},{"macAddress":"02:1c:ac:00:00:02"}]"#;
    let report = format!(
        r#"{{"items":[{{"position":{{"latitude":51.0,"longitude":10.0}},"wifiAccessPoints":{seen}}}]}}"#
    );
    let submit = curl("/v2/geosubmit", &report);
    if let Some(Demo { wifi_query, cell_query }) = demo {
        return [curl("/v1/geolocate", wifi_query), curl("/v1/geolocate", cell_query), submit];
    }
    let query = format!(r#"{{"wifiAccessPoints":{seen}}}"#);
    let wait = "   # two minutes later, or after `ichnaea pipeline drain`";
    [submit, curl("/v1/geolocate", &query) + wait, curl("/v1/country", &query) + wait]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_complete_requests() {
        for line in examples("http://localhost:8000", "test", None) {
            let body = line.split('\'').nth(1).unwrap();
            serde_json::from_str::<serde_json::Value>(body).unwrap();
            assert!(line.contains("?key=test'"), "{line}");
        }
    }
}
