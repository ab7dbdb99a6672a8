//! The handles that every request and every task gets.

use std::sync::Arc;
use std::time::Duration;

use ichnaea_domain::region::Regions;
use ichnaea_kv::KeyValue;
use ichnaea_store::Store;
use reqwest::redirect::Policy;

use crate::breaker::Breakers;
use crate::clock::{Chance, Clock};
use crate::config::Config;
use crate::geoip::GeoIpFile;
use crate::http::outside;
use crate::metrics::Metrics;

/// How long a connection to an export target may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Handles to everything outside, opened once at the start.
///
/// Opening never fails because a server is down: roles start while their backends are away and
/// go on when these come back.
pub struct Context {
    /// The settings.
    pub config: Config,
    /// The database as the web role sees it: SELECT is enough.
    pub reader: Store,
    /// The database as workers and administration see it.
    pub writer: Store,
    /// Queues, counters, caches.
    pub kv: Arc<dyn KeyValue>,
    /// The city database, reloaded when its file changes.
    pub geoip: GeoIpFile,
    /// What requests ask the two backends through.
    pub breakers: Breakers,
    /// Client for outside services.
    pub http: reqwest::Client,
    /// Client for export targets: follows no redirect.
    pub delivery: reqwest::Client,
    /// Region shapes and names.
    pub regions: &'static Regions,
    /// What is counted and measured.
    pub metrics: Metrics,
    /// Time.
    pub clock: Clock,
    /// Draws of sampling.
    pub chance: Chance,
}

impl Context {
    /// Opens all handles.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        let options = |read_only| ichnaea_store::Options {
            wait: config.backend_timeout,
            read_only,
            ..ichnaea_store::Options::default()
        };
        let reader = Store::open(&config.databases.read_only, &options(true))?;
        let writer = Store::open(&config.databases.read_write, &options(false))?;
        let kv_options = ichnaea_kv::Options {
            response_timeout: config.backend_timeout,
            ..ichnaea_kv::Options::default()
        };
        let kv = ichnaea_kv::open(&config.redis_uri, &kv_options).await?;
        let geoip = GeoIpFile::open(config.geoip_path.clone());
        Ok(Self {
            http: crate::locate::fallback::http_client()?,
            delivery: delivery_client(config.objects.timeout)?,
            regions: Regions::shared(),
            metrics: Metrics::open(&config),
            breakers: Breakers::new(&reader, &kv),
            clock: Clock::default(),
            chance: Chance::default(),
            reader,
            writer,
            kv,
            geoip,
            config,
        })
    }
}

#[cfg(test)]
impl Context {
    /// A service on files in this folder, as it is without any setting.
    pub(crate) async fn in_folder(folder: &std::path::Path) -> Self {
        use crate::config::{Embedded, Settings};
        let data = folder.as_os_str().to_owned();
        let settings = Settings::read(|_| None, |name| (name == "DATA_DIR").then(|| data.clone()));
        let config = settings.resolve(Embedded::Create).ok().unwrap();
        Self::open(config).await.unwrap()
    }
}

/// The client for export targets. A redirect is an answer: where reports go is the operator's
/// decision, not that of whoever answers.
fn delivery_client(timeout: Duration) -> anyhow::Result<reqwest::Client> {
    let client = outside::client_builder()?.connect_timeout(CONNECT_TIMEOUT.min(timeout));
    Ok(client.timeout(timeout).redirect(Policy::none()).build()?)
}
