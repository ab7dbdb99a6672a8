//! Every setting: its names, its default, its meaning.
//!
//! [`Settings`] is what was typed, in the environment or as a flag; [`Config`] is what it means:
//! typed, checked, nothing optional that is required. Only `Config` is seen below this file.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Where `serve` keeps its files when nothing is configured.
const DATA_DIR: &str = "data";

/// Characters of a user name or password that need no escape in an address.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What was typed. Every flag can be given as an environment variable.
#[derive(Args, Clone, Debug, Default)]
pub struct Settings {
    /// Database of the web role and other readers: `mysql://USER:PASSWORD@HOST:PORT/NAME` or
    /// `sqlite:PATH` [default: the read-write database]
    #[arg(long, env = "DB_READONLY_URI", value_name = "URI", global = true, help_heading = STORES, hide_env_values = true)]
    pub db_readonly_uri: Option<String>,
    /// Database of the worker and the administrative commands
    #[arg(long, env = "DB_READWRITE_URI", value_name = "URI", global = true, help_heading = STORES, hide_env_values = true)]
    pub db_readwrite_uri: Option<String>,
    /// Database with the rights to change the schema [default: the read-write database]
    #[arg(long, env = "SQLALCHEMY_URL", value_name = "URI", global = true, help_heading = STORES, hide_env_values = true)]
    pub sqlalchemy_url: Option<String>,
    /// Queues, counters and caches: `redis://HOST:PORT/DB` or `sqlite:PATH` (a file of its own)
    #[arg(long, env = "REDIS_URI", value_name = "URI", global = true, help_heading = STORES, hide_env_values = true)]
    pub redis_uri: Option<String>,
    /// Older spelling of `DB_READONLY_URI`
    #[arg(long, env = "DB_RO_URI", hide = true, global = true, hide_env_values = true)]
    pub db_ro_uri: Option<String>,
    /// Older spelling of `DB_READWRITE_URI`
    #[arg(long, env = "DB_RW_URI", hide = true, global = true, hide_env_values = true)]
    pub db_rw_uri: Option<String>,
    /// Older spelling of `SQLALCHEMY_URL`
    #[arg(long, env = "DB_DDL_URI", hide = true, global = true, hide_env_values = true)]
    pub db_ddl_uri: Option<String>,
    /// Database host, where no address is given as a whole
    #[arg(long, env = "DB_HOST", value_name = "HOST", global = true, help_heading = STORES)]
    pub db_host: Option<String>,
    /// Database port
    #[arg(long, env = "DB_PORT", value_name = "PORT", global = true, help_heading = STORES)]
    pub db_port: Option<u16>,
    /// Database user
    #[arg(long, env = "DB_USER", value_name = "USER", global = true, help_heading = STORES)]
    pub db_user: Option<String>,
    /// Database password
    #[arg(long, env = "DB_PASSWORD", value_name = "PASSWORD", global = true, help_heading = STORES, hide_env_values = true)]
    pub db_password: Option<String>,
    /// Database name
    #[arg(long, env = "DB_NAME", value_name = "NAME", global = true, help_heading = STORES)]
    pub db_name: Option<String>,
    /// Redis host, where `REDIS_URI` is not given
    #[arg(long, env = "REDIS_HOST", value_name = "HOST", global = true, help_heading = STORES)]
    pub redis_host: Option<String>,
    /// Redis port
    #[arg(long, env = "REDIS_PORT", value_name = "PORT", global = true, help_heading = STORES)]
    pub redis_port: Option<u16>,
    /// Folder for the files of the embedded backends
    #[arg(long, env = "DATA_DIR", value_name = "DIR", global = true, help_heading = STORES)]
    pub data_dir: Option<PathBuf>,
    /// City database in MaxMind's format; a folder may hold one file for IPv4 and one for IPv6
    /// [default: the folder `geoip` in the data folder]
    #[arg(long, env = "GEOIP_PATH", value_name = "PATH", global = true, help_heading = STORES)]
    pub geoip_path: Option<PathBuf>,

    /// Networks of proxies whose `X-Forwarded-For` is believed, comma separated; unset: the first
    /// entry of the header counts, whoever sent it
    #[arg(long, env = "TRUSTED_PROXIES", value_name = "NETWORKS", global = true, help_heading = LIMITS)]
    pub trusted_proxies: Option<String>,
    /// Largest request body in bytes, as sent and unpacked
    #[arg(long, env = "MAX_BODY_BYTES", value_name = "BYTES", global = true, help_heading = LIMITS, default_value_t = 10 << 20)]
    pub max_body_bytes: usize,
    /// Seconds after which a request is given up
    #[arg(long, env = "GUNICORN_TIMEOUT", value_name = "SECONDS", global = true, help_heading = LIMITS, default_value_t = 60)]
    pub request_timeout: u64,
    /// Submissions are answered 503 while more reports than this wait to be worked on; 0: no limit
    #[arg(long, env = "MAX_WAITING_REPORTS", value_name = "COUNT", global = true, help_heading = LIMITS, default_value_t = 5_000_000)]
    pub max_waiting_reports: u64,
    /// Seconds a call to the database or to Redis may take
    #[arg(long, env = "BACKEND_TIMEOUT", value_name = "SECONDS", global = true, help_heading = LIMITS, default_value_t = 10)]
    pub backend_timeout: u64,
    /// Seconds after which the batch of a worker that has died is taken up by another
    #[arg(long, env = "LEASE_SECONDS", value_name = "SECONDS", global = true, help_heading = LIMITS, default_value_t = 60)]
    pub lease_seconds: u64,
    /// Tasks a worker runs at the same time [default: the processors it may use]
    #[arg(long, env = "CELERY_WORKER_CONCURRENCY", value_name = "COUNT", global = true, help_heading = LIMITS)]
    pub worker_concurrency: Option<usize>,

    /// Least severe level that is logged: CRITICAL, ERROR, WARNING, INFO or DEBUG
    #[arg(long, env = "LOGGING_LEVEL", value_name = "LEVEL", global = true, default_value = "INFO", ignore_case = true, value_parser = ["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"])]
    pub logging_level: String,
    /// Host of a statsd server that understands tags; unset: no metrics are sent
    #[arg(long, env = "STATSD_HOST", value_name = "HOST", global = true, help_heading = OBSERVE)]
    pub statsd_host: Option<String>,
    /// Port of the statsd server [default: 8125]
    #[arg(long, env = "STATSD_PORT", value_name = "PORT", global = true, help_heading = OBSERVE)]
    pub statsd_port: Option<u16>,
    /// Port on which `/metrics` is served for Prometheus; unset: nowhere
    #[arg(long, env = "METRICS_PORT", value_name = "PORT", global = true, help_heading = OBSERVE)]
    pub metrics_port: Option<u16>,
    /// Address for that port [default: every one]
    #[arg(long, env = "METRICS_BIND", value_name = "ADDRESS", global = true, help_heading = OBSERVE)]
    pub metrics_bind: Option<IpAddr>,
    /// Development mode: readable logs, metrics in the log
    #[arg(long, env = "LOCAL_DEV_ENV", global = true, help_heading = OBSERVE, default_value_t = false, action = clap::ArgAction::Set, value_parser = clap::builder::BoolishValueParser::new())]
    pub local_dev_env: bool,
}

const OBSERVE: &str = "Metrics and logs";
const STORES: &str = "Where data is kept";
const LIMITS: &str = "Limits";

/// Where the HTTP server listens.
#[derive(Args, Clone, Debug)]
pub struct Listen {
    /// Port to listen on [env: `GUNICORN_PORT`, `PORT`] [default: 8000]
    #[arg(long, env = "GUNICORN_PORT", hide_env = true)]
    pub port: Option<u16>,
    /// Address to listen on; `::` is every address of the machine, IPv4 and IPv6
    #[arg(long, env = "BIND", default_value = "::")]
    pub bind: IpAddr,
    #[arg(long = "port-from-env", env = "PORT", hide = true)]
    fallback_port: Option<u16>,
}

impl Listen {
    /// The port: flag or `GUNICORN_PORT`, then `PORT`, then 8000.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.or(self.fallback_port).unwrap_or(8000)
    }
}

/// The addresses of the three database accounts.
#[derive(Clone, PartialEq, Eq)]
pub struct Databases {
    /// For the web role: SELECT is enough.
    pub read_only: String,
    /// For workers and administration.
    pub read_write: String,
    /// For migrations.
    pub ddl: String,
}

/// A statsd server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statsd {
    /// Name or address.
    pub host: String,
    /// UDP port.
    pub port: u16,
}

/// What the settings mean.
#[derive(Clone)]
pub struct Config {
    /// The database accounts.
    pub databases: Databases,
    /// The key-value backend.
    pub redis_uri: String,
    /// City database, or where it would be if there were one; `None`: not looked for.
    pub geoip_path: Option<PathBuf>,
    /// Proxies whose forwarding header is believed; `None`: everybody's first entry.
    pub trusted_proxies: Option<Vec<IpNet>>,
    /// Largest body as sent and unpacked, bytes.
    pub max_body_bytes: usize,
    /// Bound on one request.
    pub request_timeout: Duration,
    /// Backlog above which submissions are refused; 0: never.
    pub max_waiting_reports: u64,
    /// Bound on one call to a backend.
    pub backend_timeout: Duration,
    /// How long a batch stays with a silent worker.
    pub lease: Duration,
    /// Tasks at the same time in one worker, at least 1.
    pub worker_concurrency: usize,
    /// Where metrics are sent, if anywhere.
    pub statsd: Option<Statsd>,
    /// Port of the Prometheus endpoint, if there is one.
    pub metrics_port: Option<u16>,
    /// Address of the Prometheus endpoint.
    pub metrics_bind: IpAddr,
    /// Readable logs, metrics in the log.
    pub is_development: bool,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct Invalid {
    /// The variable.
    pub name: &'static str,
    /// What was given and what is allowed.
    pub problem: String,
}

/// Whether the embedded files may be made when nothing is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Embedded {
    /// Yes: `serve` starts from nothing.
    Create,
    /// Only when they are there: a role that was left without its address must say so.
    IfPresent,
}

impl Settings {
    /// Checks and completes the settings; all problems at once.
    pub fn resolve(&self, embedded: Embedded) -> Result<Config, Vec<Invalid>> {
        let mut problems = Vec::new();
        let data = self.data_dir.clone().unwrap_or_else(|| PathBuf::from(DATA_DIR));
        let databases = self.databases(&data, embedded).map_err(|error| problems.push(error));
        let redis = match &databases {
            Ok(databases) => self.redis(databases, &data).map_err(|error| problems.push(error)),
            Err(()) => Err(()),
        };
        let proxies = self.proxies().map_err(|error| problems.push(error));
        for (name, value) in [
            ("MAX_BODY_BYTES", self.max_body_bytes as u64),
            ("GUNICORN_TIMEOUT", self.request_timeout),
            ("BACKEND_TIMEOUT", self.backend_timeout),
            ("LEASE_SECONDS", self.lease_seconds),
            ("CELERY_WORKER_CONCURRENCY", self.worker_concurrency.unwrap_or(1) as u64),
        ] {
            if value == 0 {
                let problem = "0 was given, a number above 0 is needed".to_owned();
                problems.push(Invalid { name, problem });
            }
        }
        let (Ok(databases), Ok(redis_uri), Ok(trusted_proxies), true) =
            (databases, redis, proxies, problems.is_empty())
        else {
            return Err(problems);
        };
        Ok(Config {
            databases,
            redis_uri,
            geoip_path: Some(self.geoip_path.clone().unwrap_or_else(|| data.join("geoip"))),
            trusted_proxies,
            max_body_bytes: self.max_body_bytes,
            request_timeout: Duration::from_secs(self.request_timeout),
            max_waiting_reports: self.max_waiting_reports,
            backend_timeout: Duration::from_secs(self.backend_timeout),
            lease: Duration::from_secs(self.lease_seconds),
            worker_concurrency: self.worker_concurrency.unwrap_or_else(processors),
            statsd: given(self.statsd_host.as_ref())
                .map(|host| Statsd { host, port: self.statsd_port.unwrap_or(8125) }),
            metrics_port: self.metrics_port,
            metrics_bind: self.metrics_bind.unwrap_or(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)),
            is_development: self.local_dev_env,
        })
    }

    fn databases(&self, data: &Path, embedded: Embedded) -> Result<Databases, Invalid> {
        let file = data.join("ichnaea.sqlite");
        let parts = self.database_from_parts();
        let read_write =
            given(self.db_readwrite_uri.as_ref()).or_else(|| given(self.db_rw_uri.as_ref()));
        let read_only =
            given(self.db_readonly_uri.as_ref()).or_else(|| given(self.db_ro_uri.as_ref()));
        let ddl = given(self.sqlalchemy_url.as_ref()).or_else(|| given(self.db_ddl_uri.as_ref()));
        let read_write = read_write.or_else(|| parts.clone());
        let read_write = match read_write.or_else(|| read_only.clone()).or_else(|| ddl.clone()) {
            Some(uri) => uri,
            None if embedded == Embedded::Create || file.exists() => {
                format!("sqlite:{}", file.display())
            }
            None => {
                return Err(Invalid {
                    name: "DB_READWRITE_URI",
                    problem: format!(
                        "not set, and there is no {} from an earlier `ichnaea serve`; give \
                         mysql://USER:PASSWORD@HOST:PORT/NAME or sqlite:PATH",
                        file.display()
                    ),
                });
            }
        };
        Ok(Databases {
            read_only: read_only.or_else(|| parts.clone()).unwrap_or_else(|| read_write.clone()),
            ddl: ddl.or(parts).unwrap_or_else(|| read_write.clone()),
            read_write,
        })
    }

    fn database_from_parts(&self) -> Option<String> {
        let host = given(self.db_host.as_ref())?;
        let part = |value: &Option<String>, default: &str| {
            let text = given(value.as_ref()).unwrap_or_else(|| default.to_owned());
            utf8_percent_encode(&text, UNRESERVED).to_string()
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        Some(format!(
            "mysql://{}:{}@{host}:{}/{}",
            part(&self.db_user, "location"),
            part(&self.db_password, "location"),
            self.db_port.unwrap_or(3306),
            part(&self.db_name, "location"),
        ))
    }

    fn redis(&self, databases: &Databases, data: &Path) -> Result<String, Invalid> {
        let name = "REDIS_URI";
        if let Some(uri) = given(self.redis_uri.as_ref()) {
            return if uri == databases.read_write {
                let problem = "names the same file as the database; it needs a file of its own";
                Err(Invalid { name, problem: problem.to_owned() })
            } else {
                Ok(uri)
            };
        }
        if let Some(host) = given(self.redis_host.as_ref()) {
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            return Ok(format!("redis://{host}:{}/0", self.redis_port.unwrap_or(6379)));
        }
        match databases.read_write.strip_prefix("sqlite:") {
            Some(file) if Path::new(file) == data.join("ichnaea.sqlite") => {
                Ok(format!("sqlite:{}", data.join("queue.sqlite").display()))
            }
            Some(file) => Ok(format!("sqlite:{file}.queue")),
            None => Err(Invalid {
                name,
                problem: "not set; give redis://HOST:PORT/DB or sqlite:PATH".to_owned(),
            }),
        }
    }

    fn proxies(&self) -> Result<Option<Vec<IpNet>>, Invalid> {
        let Some(list) = given(self.trusted_proxies.as_ref()) else { return Ok(None) };
        let parse = |entry: &str| {
            let entry = entry.trim();
            entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                Invalid {
                    name: "TRUSTED_PROXIES",
                    problem: format!("{entry:?} is no network such as 10.0.0.0/8 or fd00::/8"),
                }
            })
        };
        list.split(',').map(parse).collect::<Result<_, _>>().map(Some)
    }
}

/// A setting that was given and is not blank.
fn given(value: Option<&String>) -> Option<String> {
    value.map(String::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The processors this process may use.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            max_body_bytes: 1,
            request_timeout: 1,
            backend_timeout: 1,
            lease_seconds: 1,
            ..Settings::default()
        }
    }

    #[test]
    fn serve_needs_nothing() {
        let config = settings().resolve(Embedded::Create).unwrap();
        assert_eq!(config.databases.read_write, "sqlite:data/ichnaea.sqlite");
        assert_eq!(config.databases.read_only, config.databases.read_write);
        assert_eq!(config.redis_uri, "sqlite:data/queue.sqlite");
    }

    #[test]
    fn a_role_without_an_address_says_which_variable_is_missing() {
        let settings = Settings { data_dir: Some("/nonexistent".into()), ..settings() };
        let problems = settings.resolve(Embedded::IfPresent).err().unwrap();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().starts_with("DB_READWRITE_URI: not set"));
    }

    #[test]
    fn both_families_of_variables_resolve() {
        let parts = Settings {
            db_host: Some("db.example".into()),
            db_password: Some("p@ss/word".into()),
            redis_host: Some("cache".into()),
            ..settings()
        };
        let config = parts.resolve(Embedded::IfPresent).unwrap();
        assert_eq!(config.databases.ddl, "mysql://location:p%40ss%2Fword@db.example:3306/location");
        assert_eq!(config.redis_uri, "redis://cache:6379/0");

        let whole = Settings {
            db_readonly_uri: Some("mysql://r@h/location".into()),
            db_readwrite_uri: Some("mysql://w@h/location".into()),
            sqlalchemy_url: Some("mysql://a@h/location".into()),
            redis_uri: Some("redis://h:1/2".into()),
            ..parts
        };
        let config = whole.resolve(Embedded::IfPresent).unwrap();
        assert_eq!(config.databases.read_only, "mysql://r@h/location");
        assert_eq!(config.databases.read_write, "mysql://w@h/location");
        assert_eq!(config.databases.ddl, "mysql://a@h/location");
        assert_eq!(config.redis_uri, "redis://h:1/2");
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let settings = Settings {
            db_readwrite_uri: Some("mysql://w@h/location".into()),
            trusted_proxies: Some("10.0.0.0/8, nonsense".into()),
            request_timeout: 0,
            ..settings()
        };
        let problems = settings.resolve(Embedded::IfPresent).err().unwrap();
        let names: Vec<_> = problems.iter().map(|problem| problem.name).collect();
        assert_eq!(names, ["REDIS_URI", "TRUSTED_PROXIES", "GUNICORN_TIMEOUT"]);
    }

    #[test]
    fn database_and_queue_need_files_of_their_own() {
        let settings = Settings {
            db_readwrite_uri: Some("sqlite:one.sqlite".into()),
            redis_uri: Some("sqlite:one.sqlite".into()),
            ..settings()
        };
        assert!(settings.resolve(Embedded::IfPresent).is_err());
        let settings = Settings { redis_uri: None, ..settings };
        let config = settings.resolve(Embedded::IfPresent).unwrap();
        assert_eq!(config.redis_uri, "sqlite:one.sqlite.queue");
    }
}
