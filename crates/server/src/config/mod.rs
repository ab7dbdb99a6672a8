//! Every setting: its names, its default, its meaning.
//!
//! [`table::ALL`] lists them. [`Settings`] is what was typed, in the environment or as a flag;
//! [`Config`] is what it means: checked, nothing optional that is required. Only `Config` is seen
//! by the rest of the program.

use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

mod base_map;
mod database;
mod map;
mod objects;
mod processors;
mod redis;
pub mod setting;
pub mod show;
mod site;
pub mod table;
mod typed;

pub use base_map::BaseMap;
pub use database::Databases;
pub use processors::processors;
pub use site::SiteSettings;
pub use typed::{Settings, Source};

use crate::objects::ObjectSettings;
use setting::{Setting, yes_or_no};
use table::DEFAULT_SECRET;

/// More requests at the same time than any machine works on.
const MAX_ADMISSION: usize = 1 << 20;
/// The longest time a process that was asked to stop takes to end.
const MAX_GRACE: Duration = Duration::from_secs(25);

/// The Redis of the original's development set-up.
pub const DEVELOPMENT_REDIS: &str = "redis://redis:6379/0";

/// Stands for the address of Redis where it is not asked for anything. Nobody listens there.
const NO_REDIS: &str = "redis://127.0.0.1:9";

/// What the settings mean.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "settings of their own")]
pub struct Config {
    /// The database accounts.
    pub databases: Databases,
    /// The key-value backend.
    pub redis_uri: String,
    /// City database, or where it would be if there were one; `None`: not looked for.
    pub geoip_path: Option<PathBuf>,
    /// Bound on one call to a backend.
    pub backend_timeout: Duration,
    /// Where requests are taken.
    pub listen: Listen,
    /// Salt of the response signatures; for the web role never the default one, unless Redis is
    /// the one of the development set-up.
    pub secret_key: String,
    /// Proxies whose forwarding header is believed; `None`: everybody's first entry.
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// Largest body as sent and unpacked, bytes.
    pub max_body_bytes: usize,
    /// Bound on one request.
    pub request_timeout: Duration,
    /// How long begun work may take to end when the process is asked to stop.
    pub grace: Duration,
    /// Whether starting and stopping is worth a line to the operator (`GUNICORN_LOGLEVEL`).
    pub logs_start_and_stop: bool,
    /// Requests that are worked on at the same time; `None`: no such limit.
    pub max_requests: Option<usize>,
    /// Backlog above which submissions are refused; 0: never.
    pub max_waiting_reports: u64,
    /// Room of the key-value store above which submissions are refused, bytes; 0: never.
    pub max_queue_bytes: u64,
    /// Distinct unknown stations that one address may ask for in an hour; 0: no bound.
    pub max_unknown_by_address: usize,
    /// The same for a key.
    pub max_unknown_by_key: usize,
    /// Are answers of outside providers kept for each station, not for the stations together?
    pub shares_provider_answers: bool,
    /// How long a batch stays with a silent worker.
    pub lease: Duration,
    /// Tasks at the same time in one worker, at least 1.
    pub worker_concurrency: usize,
    /// Address of the bucket or folder of tiles and public files.
    pub asset_bucket: Option<String>,
    /// How buckets are reached.
    pub objects: ObjectSettings,
    /// Public address of that bucket, with a slash at its end.
    pub asset_url: Option<String>,
    /// Folder with the tiles that the web role serves, and where the map is drawn to that goes into
    /// no bucket.
    pub map_dir: PathBuf,
    /// How often workers draw the map; zero: not by themselves; `None`: nothing was said about it.
    pub map_interval: Option<Duration>,
    /// Is `/coverage.json` answered?
    pub offers_coverage: bool,
    /// Token of the map provider.
    pub mapbox_token: Option<String>,
    /// What lies below the data on maps; `None`: our own outlines of countries.
    pub base_map: Option<BaseMap>,
    /// Whose site it is.
    pub site: SiteSettings,
    /// Where metrics are sent.
    pub statsd: Option<Statsd>,
    /// Port on which Prometheus finds the metrics.
    pub metrics_port: Option<u16>,
    /// Address of that port.
    pub metrics_bind: IpAddr,
    /// Where errors are reported.
    pub sentry: Option<Sentry>,
    /// Development: logs for people, metrics in the log.
    pub is_development: bool,
    /// Which API keys stand in the log.
    pub log_api_keys: LogApiKeys,
    /// Automatic tests.
    pub is_testing: bool,
    /// What works, but perhaps not as meant; one line each.
    pub warnings: Vec<String>,
}

/// Where the HTTP server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Port; 0 is any that is free.
    pub port: u16,
    /// Address; `::` is every address of the machine, IPv4 and IPv6.
    pub bind: IpAddr,
}

/// Which API keys stand in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogApiKeys {
    /// None: known keys are called `known`.
    None,
    /// Those in the table, by their name.
    Known,
    /// Also what was sent and is no known key.
    All,
}

/// A statsd server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statsd {
    /// Name or address.
    pub host: String,
    /// UDP port.
    pub port: u16,
}

/// An error tracker.
#[derive(Clone, PartialEq, Eq)]
pub struct Sentry {
    /// Address with the key of the project.
    pub dsn: String,
    /// Environment named in events.
    pub environment: Option<String>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct Invalid {
    /// The variable.
    pub name: &'static str,
    /// What was given and what is allowed.
    pub problem: String,
    /// Whether it was given as a flag.
    pub is_flag: bool,
}

impl Invalid {
    /// A setting that is needed and was not given.
    fn missing(setting: &Setting, problem: String) -> Self {
        Self { name: setting.name, problem, is_flag: false }
    }
}

/// Whether the embedded files may be made when nothing is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// Yes: `serve` starts from nothing.
    Create,
    /// Only when they are there: a role that was left without its address must say so.
    IfPresent,
}

impl Config {
    /// Where the secret is kept that stands in for `SECRET_KEY`: beside the embedded queue, when
    /// there is one and no key was given.
    #[must_use]
    pub fn kept_secret(&self) -> Option<PathBuf> {
        let file = self.redis_uri.strip_prefix("sqlite:").map(Path::new)?;
        (self.secret_key == DEFAULT_SECRET).then(|| file.with_file_name("secret_key"))
    }
}

/// What a part of the program cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Database,
    Redis,
    RedisAndSecret,
}

impl Settings {
    /// Checks and completes the settings; all problems at once.
    pub fn resolve(&self, embedded: Embedded) -> Result<Config, Vec<Invalid>> {
        self.resolve_with(embedded, Needs::Redis)
    }

    /// The same for a role that answers requests, which needs a secret.
    pub fn resolve_web(&self, embedded: Embedded) -> Result<Config, Vec<Invalid>> {
        self.resolve_with(embedded, Needs::RedisAndSecret)
    }

    /// The same for the commands that draw the map, which never ask Redis.
    pub fn resolve_map(&self, embedded: Embedded) -> Result<Config, Vec<Invalid>> {
        self.resolve_with(embedded, Needs::Database)
    }

    fn resolve_with(&self, embedded: Embedded, needs: Needs) -> Result<Config, Vec<Invalid>> {
        let mut problems = self.problems();
        let mut warnings = Vec::new();
        let data = PathBuf::from(self.text_or_default(&table::DATA_DIR));
        let databases = Databases::read(self, &data, embedded);
        let redis_uri = match &databases {
            _ if needs == Needs::Database => Ok(Some(NO_REDIS.to_owned())),
            Ok(databases) => redis::address(self, &databases.read_write, &data).map(Some),
            Err(_) => Ok(None),
        };
        let databases = databases.map_err(|problem| problems.push(problem)).ok();
        let redis_uri = redis_uri.map_err(|problem| problems.push(problem)).ok().flatten();
        self.check_addresses(databases.as_ref(), &mut problems, &mut warnings);
        problems.extend(self.map_problem());
        problems.extend(self.base_map_problem());
        warnings.extend(self.map_warning());
        if needs == Needs::RedisAndSecret {
            problems.extend(redis_uri.as_deref().and_then(|uri| self.secret_problem(uri)));
        }
        let (Some(databases), Some(redis_uri), true) = (databases, redis_uri, problems.is_empty())
        else {
            let place = |problem: &Invalid| {
                let is_meant = |setting: &Setting| setting.variables().any(|v| v == problem.name);
                table::ALL.iter().position(is_meant)
            };
            problems.sort_by_key(place);
            return Err(problems);
        };
        let request_timeout = self.seconds(&table::GUNICORN_TIMEOUT);
        let threads = self.threads();
        let owned = |setting| self.text(setting).map(str::to_owned);
        Ok(Config {
            databases,
            redis_uri,
            geoip_path: Some(
                owned(&table::GEOIP_PATH).map_or_else(|| data.join("geoip"), PathBuf::from),
            ),
            backend_timeout: self.seconds(&table::BACKEND_TIMEOUT),
            listen: self.listen(),
            secret_key: self.text_or_default(&table::SECRET_KEY).to_owned(),
            trusted_proxies: self.text(&table::TRUSTED_PROXIES).and_then(networks),
            max_body_bytes: self.count(&table::MAX_BODY_BYTES).unwrap_or_default(),
            request_timeout,
            grace: request_timeout.min(MAX_GRACE),
            logs_start_and_stop: matches!(
                self.text_or_default(&table::GUNICORN_LOGLEVEL).to_ascii_lowercase().as_str(),
                "debug" | "info"
            ),
            max_requests: self
                .count(&table::GUNICORN_WORKER_CONNECTIONS)
                .map(|each| each.saturating_mul(threads).min(MAX_ADMISSION)),
            max_waiting_reports: self.number(&table::MAX_WAITING_REPORTS).unwrap_or_default(),
            max_queue_bytes: self.number(&table::MAX_QUEUE_BYTES).unwrap_or_default(),
            max_unknown_by_address: self.count(&table::MAX_UNKNOWN_BY_ADDRESS).unwrap_or_default(),
            max_unknown_by_key: self.count(&table::MAX_UNKNOWN_BY_KEY).unwrap_or_default(),
            shares_provider_answers: self.is_on(&table::FALLBACK_CACHE_SHARED),
            lease: self.seconds(&table::LEASE_SECONDS),
            worker_concurrency: self
                .count(&table::CELERY_WORKER_CONCURRENCY)
                .unwrap_or_else(processors),
            asset_bucket: self.asset_bucket().and_then(Result::ok),
            objects: self.object_settings(),
            asset_url: owned(&table::ASSET_URL)
                .map(|url| url.trim_end_matches('/').to_owned() + "/"),
            map_dir: self.map_dir(&data),
            map_interval: self.map_interval(),
            offers_coverage: self.is_on(&table::COVERAGE),
            mapbox_token: owned(&table::MAPBOX_TOKEN),
            base_map: self.base_map(),
            site: self.site_settings(),
            statsd: owned(&table::STATSD_HOST)
                .map(|host| Statsd { host, port: self.port(&table::STATSD_PORT).unwrap_or(0) }),
            metrics_port: self.port(&table::METRICS_PORT),
            metrics_bind: self.ip(&table::METRICS_BIND),
            sentry: owned(&table::SENTRY_DSN)
                .map(|dsn| Sentry { dsn, environment: owned(&table::SENTRY_ENVIRONMENT) }),
            is_development: self.is_on(&table::LOCAL_DEV_ENV),
            log_api_keys: match self
                .text_or_default(&table::LOG_API_KEYS)
                .to_ascii_lowercase()
                .as_str()
            {
                "none" => LogApiKeys::None,
                "all" => LogApiKeys::All,
                _ => LogApiKeys::Known,
            },
            is_testing: self.is_on(&table::TESTING),
            warnings,
        })
    }

    /// What is wrong with the secret: where Redis is a server other than the one of the
    /// development set-up, it has to be set to something of one's own.
    fn secret_problem(&self, redis_uri: &str) -> Option<Invalid> {
        let is_server = !redis_uri.starts_with("sqlite:");
        let given = self.text(&table::SECRET_KEY);
        if redis_uri == DEVELOPMENT_REDIS
            || !is_server
            || given.is_some_and(|secret| secret != DEFAULT_SECRET)
        {
            return None;
        }
        let fault = match given {
            Some(_) => format!("secret_key has the default value '{DEFAULT_SECRET}'"),
            None => "secret_key is not set".to_owned(),
        };
        let problem = format!(
            "Redis has a value that is not for development, but {fault}; give a long random text"
        );
        Some(self.invalid(&table::SECRET_KEY, problem))
    }

    /// Settings that were given and have no effect.
    #[must_use]
    pub fn without_effect(&self) -> Vec<&'static str> {
        let is_idle = |setting: &&Setting| {
            setting.meaning.contains("no effect") && self.text(setting).is_some()
        };
        table::ALL.iter().filter(is_idle).map(|setting| setting.name).collect()
    }

    /// Threads that answer requests and run tasks.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.count(&table::GUNICORN_WORKERS).filter(|count| *count > 0).unwrap_or_else(processors)
    }

    /// The database accounts alone, for commands that need nothing else.
    pub fn databases(&self, embedded: Embedded) -> Result<Databases, Vec<Invalid>> {
        let mut problems = self.problems();
        let data = PathBuf::from(self.text_or_default(&table::DATA_DIR));
        let databases = Databases::read(self, &data, embedded);
        let databases = databases.map_err(|problem| problems.push(problem)).ok();
        self.check_addresses(databases.as_ref(), &mut problems, &mut Vec::new());
        databases.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// Whether any address of a database was given.
    #[must_use]
    pub fn names_database(&self) -> bool {
        Databases::read(self, Path::new(""), Embedded::IfPresent).is_ok()
    }

    /// Bound on one call to a backend.
    #[must_use]
    pub fn backend_timeout(&self) -> Duration {
        self.seconds(&table::BACKEND_TIMEOUT)
    }

    /// Least severe level that is logged, in upper case.
    #[must_use]
    pub fn logging_level(&self) -> String {
        self.text_or_default(&table::LOGGING_LEVEL).to_ascii_uppercase()
    }

    /// Whether `LOCAL_DEV_ENV` is on.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.is_on(&table::LOCAL_DEV_ENV)
    }

    /// Where the HTTP server listens, whatever else is wrong.
    #[must_use]
    pub fn listen(&self) -> Listen {
        Listen {
            port: self.port(&table::GUNICORN_PORT).unwrap_or_default(),
            bind: self.ip(&table::BIND),
        }
    }

    /// Every value that was given and is not of its kind.
    fn problems(&self) -> Vec<Invalid> {
        let problem = |setting: &Setting| {
            let text = self.text(setting)?;
            // The mark of what was no valid text.
            let is_text = !text.contains(char::REPLACEMENT_CHARACTER);
            if is_text && setting.kind.admits(text) {
                return None;
            }
            let allowed = if is_text { setting.kind.allowed() } else { "UTF-8".to_owned() };
            let given = if setting.is_secret() {
                "what was given cannot be used".to_owned()
            } else {
                format!("{text:?} was given")
            };
            Some(self.invalid(setting, format!("{given}; allowed is {allowed}")))
        };
        table::ALL.iter().filter_map(problem).collect()
    }

    /// A problem of what was given.
    fn invalid(&self, setting: &Setting, problem: String) -> Invalid {
        let (name, is_flag) = match self.source(setting) {
            Some(Source::Variable(name)) => (name, false),
            source => (setting.name, source.is_some()),
        };
        Invalid { name, problem, is_flag }
    }

    /// Adds what is wrong with the addresses that were given as a whole.
    fn check_addresses(
        &self,
        databases: Option<&Databases>,
        problems: &mut Vec<Invalid>,
        warnings: &mut Vec<String>,
    ) {
        for (setting, uri) in databases.iter().flat_map(|databases| databases.each()) {
            // One that stands in for another was checked under its own name.
            if self.text(setting) != Some(uri) {
                continue;
            }
            let checked = ichnaea_store::check_address(uri).map_err(|error| error.to_string());
            self.take_check(setting, checked, problems, warnings);
        }
        if let Some(dsn) = self.text(&table::SENTRY_DSN)
            && let Err(problem) = crate::sentry::check_dsn(dsn)
        {
            problems.push(self.invalid(&table::SENTRY_DSN, problem));
        }
        problems.extend(self.object_problems());
        problems.extend(self.site_problems());
        if let Some(uri) = self.text(&table::REDIS_URI) {
            let checked = ichnaea_kv::check_address(uri).map_err(|error| error.to_string());
            self.take_check(&table::REDIS_URI, checked, problems, warnings);
        }
    }

    /// Takes what the check of an address came to: parameters without a meaning, or a problem.
    fn take_check(
        &self,
        setting: &Setting,
        checked: Result<Vec<String>, String>,
        problems: &mut Vec<Invalid>,
        warnings: &mut Vec<String>,
    ) {
        match checked {
            Ok(ignored) if ignored.is_empty() => {}
            Ok(ignored) => warnings.push(format!(
                "{}: these parameters mean nothing here: {}",
                setting.name,
                ignored.join(", ")
            )),
            Err(problem) => problems.push(self.invalid(setting, problem)),
        }
    }

    fn text_or_default(&self, setting: &Setting) -> &str {
        self.text(setting).or(setting.default).unwrap_or_default()
    }

    /// A whole number, or its default; a wrong one was reported by `problems`.
    fn number(&self, setting: &Setting) -> Option<u64> {
        self.text_or_default(setting).parse().ok()
    }

    fn count(&self, setting: &Setting) -> Option<usize> {
        self.number(setting).and_then(|number| usize::try_from(number).ok())
    }

    fn port(&self, setting: &Setting) -> Option<u16> {
        self.number(setting).and_then(|number| u16::try_from(number).ok())
    }

    fn seconds(&self, setting: &Setting) -> Duration {
        Duration::from_secs(self.number(setting).unwrap_or_default())
    }

    fn is_on(&self, setting: &Setting) -> bool {
        yes_or_no(self.text_or_default(setting)).unwrap_or_default()
    }

    fn ip(&self, setting: &Setting) -> IpAddr {
        self.text_or_default(setting).parse().unwrap_or(Ipv6Addr::UNSPECIFIED.into())
    }
}

/// A host in the form that addresses need.
fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// Reads networks, or single addresses, separated by commas.
fn networks(list: &str) -> Option<Vec<IpNet>> {
    let parse = |entry: &str| {
        let entry = entry.trim();
        entry.parse().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from))
    };
    list.split(',').map(parse).collect()
}

#[cfg(test)]
fn settings_of(variables: &[(&str, &str)]) -> Settings {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| std::ffi::OsString::from(text))
    };
    Settings::read(|_| None, variable)
}

#[cfg(test)]
mod tests;
