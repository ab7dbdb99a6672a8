//! A MariaDB and a Redis of a test's own behind proxies, with tables, keys and stations.

use std::path::Path;
use std::time::Duration;

use ichnaea_testkit::geoip;
use ichnaea_testkit::proxy::Proxy;
use ichnaea_testkit::servers::{MariaDbServer, RedisServer};
use tempfile::TempDir;

use crate::rows::{KNOWN_KEYS, NETWORKS, Row};
use crate::service::{self, Service, Setting};

/// What `BACKEND_TIMEOUT` is set to: the longest a request may wait for its backends.
pub const BOUND: Duration = Duration::from_secs(4);
/// What a busy machine may add to that.
pub const SLACK: Duration = Duration::from_secs(3);
/// How long a request may take once it is known that a backend is away: it is not waited for.
pub const AT_ONCE: Duration = Duration::from_millis(800);
/// How long after the end of an outage everything has to be as before.
pub const RECOVERY: Duration = Duration::from_secs(10);

/// The servers, and the proxies that the service is given in their place.
pub struct Scene {
    pub mariadb: MariaDbServer,
    pub redis: RedisServer,
    pub to_database: Proxy,
    pub to_redis: Proxy,
    pub folder: TempDir,
}

impl Scene {
    /// Servers with tables, keys and two stations.
    pub fn new() -> Self {
        let (mariadb, redis) = (MariaDbServer::start(), RedisServer::start());
        let (to_database, to_redis) = (Proxy::before(&mariadb.uri), Proxy::before(&redis.uri));
        let folder = TempDir::with_prefix("ichnaea-degraded-").unwrap();
        geoip::write_city_file(&folder.path().join("city.mmdb")).unwrap();
        let scene = Self { mariadb, redis, to_database, to_redis, folder };
        service::run(&["db", "migrate"], &scene.direct());
        for statement in statements("NOW()", "CURDATE()") {
            scene.mariadb.execute(&statement);
        }
        scene
    }

    /// The settings of a service that goes through the proxies.
    pub fn settings(&self) -> Vec<Setting> {
        vec![
            ("DB_READWRITE_URI", self.to_database.instead_of(&self.mariadb.uri)),
            ("REDIS_URI", self.to_redis.instead_of(&self.redis.uri)),
            ("GEOIP_PATH", city(self.folder.path())),
            ("BACKEND_TIMEOUT", BOUND.as_secs().to_string()),
        ]
    }

    /// The settings of a command that goes past the proxies.
    pub fn direct(&self) -> Vec<Setting> {
        let mut settings = self.settings();
        settings[0].1.clone_from(&self.mariadb.uri);
        settings[1].1.clone_from(&self.redis.uri);
        settings
    }

    /// A web role that has answered each request once while everything works.
    pub fn web(&self) -> Service {
        let (web, _) = Service::start_web(&self.settings());
        warm(&web);
        web
    }
}

/// The city database in a folder.
pub fn city(folder: &Path) -> String {
    folder.join("city.mmdb").display().to_string()
}

/// Sends every request, so that what is looked up once in a while is known; the limited key has
/// used up its limit afterwards.
pub fn warm(web: &Service) {
    for row in Row::ALL.into_iter().chain([Row::LocateLimitedKey]) {
        row.send(web);
    }
}

/// Statements that make the keys and stations; `now` and `today` as the database says them.
pub fn statements(now: &str, today: &str) -> Vec<String> {
    let key = |name: &str, maxreq: u32, sample_submit: u32| {
        format!(
            "INSERT INTO api_key (valid_key, maxreq, allow_fallback, allow_locate, allow_region, \
             store_sample_locate, store_sample_submit, allow_explain) \
             VALUES ('{name}', {maxreq}, 0, 1, 1, 100, {sample_submit}, 1)"
        )
    };
    let mut statements = vec![key("test", 0, 100), key("limited", 1, 100), key("dropped", 0, 0)];
    statements.extend((0..KNOWN_KEYS).map(|number| key(&format!("known-{number}"), 0, 100)));
    statements.extend(NETWORKS.map(|mac| {
        let shard = &mac[4..5];
        format!(
            "INSERT INTO wifi_shard_{shard} (mac, lat, lon, max_lat, min_lat, max_lon, min_lon, \
             radius, region, samples, source, weight, created, modified, last_seen) \
             VALUES (X'{mac}', 51.75, -1.25, 51.7501, 51.7499, -1.2499, -1.2501, 30, 'GB', \
             20, 3, 20, {now}, {now}, {today})"
        )
    }));
    statements
}
