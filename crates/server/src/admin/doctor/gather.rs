//! Gathers the values of every check, all at the same time, each with a bound.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ichnaea_kv::KeyValue;
use ichnaea_store::Store;

use super::Finding;
use super::judge::{self, Account, Clocks, Map, Space, Waiting, Whereabouts, unless_away};
use crate::admin::pipeline::Status;
use crate::clock::Clock;
use crate::config::table::DEFAULT_SECRET;
use crate::config::{Config, DEVELOPMENT_REDIS};
use crate::datamap::date;
use crate::seen::Kind;
use crate::tasks::update_incoming::is_exported;
use crate::{geoip, keys};

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is looked at.
struct Installation<'a> {
    config: &'a Config,
    reader: Opened<Store>,
    writer: Opened<Store>,
    ddl: Opened<Store>,
    kv: Opened<Arc<dyn KeyValue>>,
    clock: Clock,
}

/// A handle, or why there is none.
type Opened<T> = Result<T, String>;

/// All findings, in the order in which things depend on each other.
pub(super) async fn everything(config: &Config) -> Vec<Finding> {
    let databases = &config.databases;
    let installation = Installation {
        config,
        reader: store(&databases.read_only, true),
        writer: store(&databases.read_write, false),
        ddl: store(&databases.ddl, false),
        kv: key_value(&config.redis_uri).await,
        clock: Clock::default(),
    };
    let it = &installation;
    let (accounts, schema, api_keys, exports, engine, pipeline, clocks, hosts, files, map) = tokio::join!(
        it.accounts(),
        it.schema(),
        it.keys(),
        it.exports(),
        it.engine(),
        it.pipeline(),
        it.clocks(),
        it.hosts(),
        it.files(),
        Box::pin(it.map()),
    );
    let all = [accounts, schema, api_keys, exports, engine, pipeline, map, clocks, files, hosts];
    let mut findings: Vec<Finding> = all.into_iter().flatten().collect();
    findings.extend(it.settings());
    findings
}

fn store(uri: &str, read_only: bool) -> Opened<Store> {
    exists(uri)?;
    let options = ichnaea_store::Options { max_connections: 4, wait: PATIENCE, read_only };
    Store::open(uri, &options).map_err(|error| error.to_string())
}

async fn key_value(uri: &str) -> Opened<Arc<dyn KeyValue>> {
    exists(uri)?;
    let options = ichnaea_kv::Options { connect_timeout: PATIENCE, response_timeout: PATIENCE };
    bounded(ichnaea_kv::open(uri, &options)).await
}

/// Looking at a file must not make it.
fn exists(uri: &str) -> Result<(), String> {
    match file(uri) {
        Some(file) if !file.exists() => Err(format!("there is no file {}", file.display())),
        _ => Ok(()),
    }
}

/// The file that an address names.
fn file(uri: &str) -> Option<&Path> {
    let path = uri.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    (path != ":memory:").then(|| Path::new(path))
}

/// The answer, or why there is none in time.
async fn bounded<T, E: std::fmt::Display>(
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    }
}

/// Asks an opened handle; what could not be opened is not asked.
async fn ask<'a, H, T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    handle: &'a Opened<H>,
    call: impl FnOnce(&'a H) -> F,
) -> Result<T, String> {
    match handle {
        Ok(handle) => bounded(call(handle)).await,
        Err(why) => Err(why.clone()),
    }
}

impl Installation<'_> {
    async fn accounts(&self) -> Vec<Finding> {
        let databases = &self.config.databases;
        let (reader, writer, ddl) = tokio::join!(
            ask(&self.reader, Store::facts),
            ask(&self.writer, Store::facts),
            ask(&self.ddl, Store::facts),
        );
        let is_shared = databases.read_only == databases.read_write;
        let mut findings = vec![judge::account(Account::ReadWrite, is_shared, &writer)];
        if !is_shared {
            findings.push(judge::account(Account::ReadOnly, false, &reader));
        }
        if databases.ddl != databases.read_write {
            findings.push(judge::account(Account::Ddl, false, &ddl));
        }
        findings
    }

    async fn schema(&self) -> Vec<Finding> {
        let schema = ask(&self.writer, |store| async {
            let pending = store.pending_migrations().await?;
            // A database without any table has no version.
            let versions = store.schema_versions().await.unwrap_or_default();
            let half_restored = store.restore_mark().await.unwrap_or_default();
            Ok::<_, ichnaea_store::Error>((versions, pending, half_restored))
        });
        unless_away("schema", schema.await, |(versions, pending, half_restored)| {
            judge::schema(&versions, &pending, half_restored.as_deref())
        })
    }

    async fn keys(&self) -> Vec<Finding> {
        unless_away("keys", ask(&self.reader, Store::api_keys).await, |keys| judge::keys(&keys))
    }

    async fn exports(&self) -> Vec<Finding> {
        let targets = ask(&self.writer, Store::export_configs).await;
        unless_away("exports", targets, |targets| judge::exports(&targets))
    }

    async fn engine(&self) -> Vec<Finding> {
        let facts = ask(&self.kv, |kv| kv.facts()).await;
        let mut findings = vec![judge::engine(&facts)];
        if let Ok(facts) = &facts {
            findings.extend(judge::persistence(facts));
            findings.extend(judge::memory(facts));
        }
        findings
    }

    async fn pipeline(&self) -> Vec<Finding> {
        let status = ask(&self.kv, |kv| Status::gather(&**kv));
        // Without the table all targets are taken to be served.
        let targets = ask(&self.writer, Store::export_configs);
        let (status, targets) = tokio::join!(status, targets);
        let targets = targets.unwrap_or_default();
        let is_served = |queue: &str| {
            let is_of = |name: &str| {
                let own = format!("{}{name}", keys::EXPORT_PREFIX);
                queue == own || queue.strip_prefix(&own).is_some_and(|it| it.starts_with(':'))
            };
            targets.iter().filter(|target| is_of(&target.name)).all(is_exported)
        };
        unless_away("queues", status, |status| {
            let dead = |queue: &str| {
                let letters = status.dead_letters.iter().filter(|letters| letters.queue == queue);
                letters.map(|letters| letters.kept).sum()
            };
            let waiting = status.queues.iter().map(|queue| Waiting {
                queue: queue.name.clone(),
                items: queue.waiting,
                in_flight: queue.in_flight,
                age_s: queue.age_s,
                dead: dead(&queue.name),
                is_served: is_served(&queue.name),
            });
            let waiting: Vec<Waiting> = waiting.collect();
            let mut findings = judge::queues(&waiting, self.config.max_waiting_reports);
            findings.extend(judge::resting(&status.resting, self.clock.now_ms()));
            for kind in [Kind::Worker, Kind::Scheduler] {
                findings.extend(judge::seen(kind, &status.seen, env!("CARGO_PKG_VERSION")));
            }
            findings
        })
    }

    async fn clocks(&self) -> Vec<Finding> {
        let (database, redis) =
            tokio::join!(ask(&self.writer, Store::facts), ask(&self.kv, |kv| kv.facts()));
        let database = database.ok().and_then(|facts| facts.clock);
        judge::clocks(Clocks {
            here: self.clock.now_ms(),
            database: database.map(|clock| clock.and_utc().timestamp_millis()),
            redis: redis.ok().and_then(|facts| facts.clock_ms),
        })
    }

    async fn hosts(&self) -> Vec<Finding> {
        let statsd = self.config.statsd.as_ref().map(|statsd| (statsd.host.clone(), statsd.port));
        let sentry = self.config.sentry.as_ref();
        let sentry = sentry.and_then(|sentry| crate::sentry::host(&sentry.dsn));
        let (statsd, sentry) = tokio::join!(found(statsd), found(sentry));
        vec![
            judge::host("statsd", "STATSD_HOST", statsd),
            judge::host("sentry", "SENTRY_DSN", sentry),
        ]
    }

    /// The city database, and the disks that our files are on.
    async fn files(&self) -> Vec<Finding> {
        let geoip = self.config.geoip_path.clone().unwrap_or_default();
        let databases = &self.config.databases;
        let uris = [&databases.read_write, &databases.read_only, &self.config.redis_uri];
        let folders: BTreeSet<PathBuf> =
            uris.into_iter().filter_map(|uri| folder(file(uri)?)).collect();
        let now = self.clock.now();
        // A disk that hangs holds up a thread, not the answer.
        let looked = tokio::task::spawn_blocking(move || {
            let age = geoip::inspect(&geoip).map(|built| (now - built).num_days().max(0));
            let mut findings = vec![judge::geoip(&geoip.display().to_string(), &age)];
            let spaces: Vec<Space> = folders.into_iter().filter_map(space).collect();
            findings.extend(judge::disk(&spaces));
            findings
        });
        unless_away("disk", bounded(looked).await, |findings| findings)
    }

    /// When the map was brought to where its tiles are.
    async fn map(&self) -> Vec<Finding> {
        let date = bounded(date::of(self.config)).await;
        let is_bucket = date::bucket(self.config).is_some();
        unless_away("map", date, |date| {
            judge::map(Map {
                age_s: date.map(|date| (self.clock.now() - date).num_seconds()),
                interval_s: self.config.map_interval.map_or(0, |interval| interval.as_secs()),
                is_hidden: is_bucket && self.config.asset_url.is_none(),
            })
        })
    }

    fn settings(&self) -> Vec<Finding> {
        let config = self.config;
        let whereabouts = if file(&config.redis_uri).is_some() {
            Whereabouts::Files
        } else if config.redis_uri == DEVELOPMENT_REDIS {
            Whereabouts::Development
        } else {
            Whereabouts::Production
        };
        vec![
            judge::secret(config.secret_key == DEFAULT_SECRET, whereabouts),
            judge::proxies(config.trusted_proxies.is_some()),
        ]
    }
}

/// The folder of a file, as an absolute path.
fn folder(file: &Path) -> Option<PathBuf> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()
}

fn space(folder: PathBuf) -> Option<Space> {
    let disk = rustix::fs::statvfs(&folder).ok()?;
    Some(Space { free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize), folder })
}

/// Asks the name service for a host.
async fn found(place: Option<(String, u16)>) -> Option<(String, Result<(), String>)> {
    let (host, port) = place?;
    let answer = bounded(tokio::net::lookup_host((host.as_str(), port))).await;
    Some((host.clone(), answer.map(drop)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_addresses_are_known() {
        assert_eq!(file("sqlite:data/a.sqlite"), Some(Path::new("data/a.sqlite")));
        assert_eq!(file("sqlite:///data/a.sqlite"), Some(Path::new("/data/a.sqlite")));
        assert_eq!(file("sqlite::memory:"), None);
        assert_eq!(file("mysql://a@b/c"), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none.sqlite");
        assert!(store(&format!("sqlite:{}", missing.display()), false).is_err());
        assert!(!missing.exists());
    }

    #[test]
    fn the_space_of_a_folder_is_known() {
        let folder = folder(Path::new("file")).unwrap();
        assert!(space(folder).is_some_and(|space| space.free_bytes > 0));
    }
}
