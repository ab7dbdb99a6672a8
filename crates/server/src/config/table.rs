//! The list of all settings. Flags, checks, `ichnaea config` and `docs/configuration.md` follow
//! from it.

use super::setting::Group::{Buckets, Content, Database, Mode, Observe, Site, Stores, Web};
use super::setting::{Group, Kind, Setting, User};

/// The word for each level of [`LOGGING_LEVEL`].
const LEVELS: &[&str] = &["CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"];

/// The value [`SECRET_KEY`] has in the original when nobody sets it.
pub const DEFAULT_SECRET: &str = "default for development, change in production";

const EVERYBODY: &[User] = &[User::Web, User::Worker, User::Scheduler, User::Map, User::Admin];
const BACKENDS: &[User] = &[User::Web, User::Worker, User::Scheduler, User::Admin];
const READERS: &[User] = &[User::Web, User::Map, User::Admin];
const WRITERS: &[User] = &[User::Worker, User::Scheduler, User::Admin];
const ROLES: &[User] = &[User::Web, User::Worker, User::Scheduler];
const OBJECTS: &[User] = &[User::Web, User::Worker, User::Map, User::Admin];
const WEB: &[User] = &[User::Web];
const WORKER: &[User] = &[User::Worker];
const ADMIN: &[User] = &[User::Admin];

const fn text(group: Group, used_by: &'static [User], meaning: &'static str) -> Setting {
    Setting::new(group, used_by, Kind::Text, meaning)
}

const fn secret(group: Group, used_by: &'static [User], meaning: &'static str) -> Setting {
    Setting::new(group, used_by, Kind::Secret, meaning)
}

const fn address(group: Group, used_by: &'static [User], meaning: &'static str) -> Setting {
    Setting::new(group, used_by, Kind::Address, meaning)
}

const fn path(group: Group, used_by: &'static [User], meaning: &'static str) -> Setting {
    Setting::new(group, used_by, Kind::Path, meaning)
}

const fn count(group: Group, used_by: &'static [User], meaning: &'static str) -> Setting {
    Setting::new(group, used_by, Kind::COUNT, meaning)
}

macro_rules! settings {
    ($($name:ident = $setting:expr;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub const $name: Setting = $setting.named(stringify!($name));
        )*

        /// Every setting, in the order of the documentation.
        pub const ALL: &[Setting] = &[$($name),*];
    };
}

settings! {
    DB_READONLY_URI = address(Database, READERS, "database of the web role and other readers; \
        SELECT is enough: mysql://USER:PASSWORD@HOST:PORT/NAME or sqlite:PATH")
        .or(&["DB_RO_URI"])
        .otherwise("from its parts, else the read-write database");
    DB_READWRITE_URI = address(Database, WRITERS, "database of workers and administration")
        .or(&["DB_RW_URI"])
        .otherwise("from its parts");
    SQLALCHEMY_URL = address(Database, ADMIN, "database account that may change tables")
        .or(&["DB_DDL_URI"])
        .otherwise("from its parts, else the read-write database");
    DB_HOST = text(Database, EVERYBODY, "host, where an address is not given as a whole");
    DB_RO_HOST = text(Database, READERS, "host of the read-only database").otherwise("DB_HOST");
    DB_RW_HOST = text(Database, WRITERS, "host of the read-write database, also for changes of \
        tables")
        .otherwise("DB_HOST");
    DB_PORT = Setting::new(Database, EVERYBODY, Kind::PORT, "port of the database")
        .default("3306");
    DB_NAME = text(Database, EVERYBODY, "name of the database").default("location");
    DB_USER = text(Database, EVERYBODY, "user").default("location");
    DB_RO_USER = text(Database, READERS, "user of the read-only database").otherwise("DB_USER");
    DB_RW_USER = text(Database, WRITERS, "user of the read-write database").otherwise("DB_USER");
    DB_DDL_USER = text(Database, ADMIN, "user who may change tables").otherwise("DB_USER");
    DB_PASSWORD = secret(Database, EVERYBODY, "password").or(&["DB_PWD"]).default("location");
    DB_RO_PASSWORD = secret(Database, READERS, "password of the read-only database")
        .or(&["DB_RO_PWD"])
        .otherwise("DB_PASSWORD");
    DB_RW_PASSWORD = secret(Database, WRITERS, "password of the read-write database")
        .or(&["DB_RW_PWD"])
        .otherwise("DB_PASSWORD");
    DB_DDL_PASSWORD = secret(Database, ADMIN, "password of the user who may change tables")
        .or(&["DB_DDL_PWD"])
        .otherwise("DB_PASSWORD");
    DB_LIBRARY = text(Database, &[], "driver of the original; has no effect");

    REDIS_URI = address(Stores, BACKENDS, "queues, counters and caches: \
        redis://[USER:PASSWORD@]HOST:PORT/DB, rediss://… with TLS, or sqlite:PATH, a file of its \
        own")
        .otherwise("from its parts, else a file beside a SQLite database");
    REDIS_HOST = text(Stores, BACKENDS, "host of Redis, where REDIS_URI is not given");
    REDIS_PORT = Setting::new(Stores, BACKENDS, Kind::PORT, "port of Redis").default("6379");
    DATA_DIR = path(Stores, EVERYBODY, "folder for the files of `serve` when nothing else is \
        configured")
        .default("data");
    GEOIP_PATH = path(Stores, &[User::Web, User::Worker], "city database in MaxMind's format, or \
        a folder with one for IPv4 and one for IPv6")
        .otherwise("the folder geoip in the data folder");
    BACKEND_TIMEOUT = count(Stores, EVERYBODY, "seconds one request may wait \
        for the database and Redis in all, and a task for one answer")
        .default("10");

    GUNICORN_PORT = Setting::new(Web, WEB, Kind::OWN_PORT, "port to listen on")
        .or(&["PORT"])
        .flag_is("port")
        .default("8000");
    BIND = Setting::new(Web, WEB, Kind::Ip, "address to listen on; :: is every address of the \
        machine, IPv4 and IPv6")
        .default("::");
    SECRET_KEY = secret(Web, WEB, "salt of the response signatures in the log; has to be set when \
        Redis is a server")
        .default(DEFAULT_SECRET);
    TRUSTED_PROXIES = Setting::new(Web, WEB, Kind::Networks, "networks of your own proxies, whose \
        X-Forwarded-For is believed; unset: the first entry counts, whoever sent it");
    GUNICORN_TIMEOUT = count(Web, WEB, "seconds after which a request is given up with 503; also \
        how long open requests may take when the process is asked to stop, at most 25")
        .flag_is("request-timeout")
        .default("60");
    GUNICORN_WORKERS = Setting::new(
        Web,
        WEB,
        Kind::Whole { least: 1, most: 1024 },
        "threads that answer requests",
    )
    .otherwise("the processors it may use");
    GUNICORN_WORKER_CONNECTIONS = count(Web, WEB, "requests that are worked on at the same time, \
        for each of GUNICORN_WORKERS; further ones wait")
        .otherwise("no such limit");
    GUNICORN_LOGLEVEL = Setting::new(
        Web,
        WEB,
        Kind::OneOf(&["debug", "info", "warning", "error", "critical"]),
        "least severe level of the lines about starting and stopping",
    )
    .default("info");
    GUNICORN_WORKER_CLASS = text(Web, WEB, "has no effect: there is one way to run");
    GUNICORN_MAX_REQUESTS = text(Web, WEB, "has no effect: processes need no renewal");
    GUNICORN_MAX_REQUESTS_JITTER = text(Web, WEB, "has no effect, the same");
    MAX_BODY_BYTES = count(Web, WEB, "largest body of a request, as sent and unpacked")
        .default("10485760");
    MAX_WAITING_REPORTS = Setting::new(
        Web,
        WEB,
        Kind::Whole { least: 0, most: i64::MAX as u64 },
        "reports are answered 503 while more than this wait in all queues, observations and \
            areas included; 0: no limit",
    )
    .default("5000000");
    MAX_QUEUE_BYTES = Setting::new(
        Web,
        WEB,
        Kind::Whole { least: 0, most: i64::MAX as u64 },
        "the same while Redis uses more memory, or the embedded file more room, than this; 0: no limit",
    )
    .default("8589934592");
    MAX_UNKNOWN_BY_ADDRESS = Setting::new(
        Web,
        WEB,
        Kind::Whole { least: 0, most: 1_000_000 },
        "different unknown stations that one address (IPv6: a /64) may ask a web process for in an \
            hour; beyond, positions and regions are answered 429; 0: no limit",
    )
    .default("0");
    MAX_UNKNOWN_BY_KEY = Setting::new(
        Web,
        WEB,
        Kind::Whole { least: 0, most: 1_000_000_000 },
        "the same for one API key",
    )
    .default("0");
    FALLBACK_CACHE_SHARED = Setting::new(Web, WEB, Kind::YesNo, "keep the answers of outside providers \
        for each station of a query, as the original did; no: for exactly these stations together, so \
        that nobody can put a wrong position beside stations of others").default("true");

    CELERY_WORKER_CONCURRENCY = Setting::new(
        Group::Worker,
        WORKER,
        Kind::Whole { least: 1, most: 1024 },
        "tasks a worker runs at the same time",
    )
    .flag_is("worker-concurrency")
    .otherwise("the processors it may use");
    LEASE_SECONDS = count(Group::Worker, WORKER, "seconds after which another worker takes over \
        the batch of one that died")
        .default("60");

    ASSET_BUCKET = text(Content, &[User::Web, User::Worker, User::Scheduler, User::Map], "place \
        of tiles and public cell files: the name of a bucket, s3://BUCKET, gs://BUCKET, \
        az://CONTAINER, each with /PREFIX or without, or file:///FOLDER; unset: there are none");
    ASSET_URL = text(Content, WEB, "public address of that bucket")
        .otherwise("tiles are served by the web role");
    MAP_DIR = path(Content, &[User::Web, User::Worker, User::Map], "folder whose tiles/ the web \
        role serves under /static/datamap/, and where the map is drawn to that goes into no \
        bucket; where ASSET_BUCKET is a folder, that one takes its place")
        .otherwise("the folder of the original's image when it is there, else datamap in the data \
            folder");
    MAP_INTERVAL = Setting::new(
        Content,
        &[User::Worker, User::Scheduler, User::Admin],
        Kind::Whole { least: 0, most: 31_536_000 },
        "seconds between two drawings of the map by a worker, 60 at least; 0: never by itself",
    )
    .otherwise("3600 for `serve` on SQLite, else 0");
    MAP_STYLE_URL = address(Content, WEB, "base map of the site: a style of MapLibre, or pictures \
        with {z}, {x} and {y} in their address; everything a style refers to has to be on its host")
        .otherwise("outlines of countries that are in the program");
    MAP_ATTRIBUTION = text(Content, WEB, "what the maker of that base map wants to be said, as HTML");
    MAPBOX_TOKEN = secret(Content, WEB, "token of Mapbox, whose dark style is the base map then, \
        unless MAP_STYLE_URL names another").or(&["MAP_TOKEN"]);
    COVERAGE = Setting::new(Content, WEB, Kind::YesNo, "answer /coverage.json: where something was \
        reported within a year, as hexagons; the map shows the same")
        .default("true");

    SITE_NAME = text(Site, WEB, "name of the service on its pages").default("Ichnaea");
    SITE_ORGANISATION = text(Site, WEB, "who runs it, at the foot of every page");
    SITE_CONTACT = text(Site, WEB, "where questions go: a mail address or the address of a page; \
        unset: the pages say that nobody is named yet");
    SITE_SOURCE_URL = text(Site, WEB, "where the source code is")
        .default("https://github.com/ichnaea/ichnaea");
    SITE_LOGO = path(Site, WEB, "picture in the place of the logo: svg, png, webp, jpg or gif, at \
        most 256 KiB");
    SITE_PAGES = path(Site, WEB, "folder with texts in the place of ours: privacy, terms, contact \
        and optout, each as .html or .md");

    AWS_ACCESS_KEY_ID = text(Buckets, OBJECTS, "account for buckets of S3 and servers like it; \
        unset: the one that the machine or the container has");
    AWS_SECRET_ACCESS_KEY = secret(Buckets, OBJECTS, "the secret of that account");
    AWS_SESSION_TOKEN = secret(Buckets, OBJECTS, "what a temporary account has besides");
    AWS_REGION = text(Buckets, OBJECTS, "region of the buckets")
        .or(&["AWS_DEFAULT_REGION"])
        .default("us-east-1");
    AWS_ENDPOINT_URL_S3 = address(Buckets, OBJECTS, "address of a server that speaks the protocol \
        of S3, such as http://HOST:9000; the bucket is a part of the path there; unset: Amazon")
        .or(&["AWS_ENDPOINT_URL"]);
    AWS_ROLE_ARN = text(Buckets, OBJECTS, "role for the token in AWS_WEB_IDENTITY_TOKEN_FILE");
    AWS_WEB_IDENTITY_TOKEN_FILE = path(Buckets, OBJECTS, "token that Kubernetes gives a container");
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = text(Buckets, OBJECTS, "where a container of ECS asks \
        for its account");
    AWS_CONTAINER_CREDENTIALS_FULL_URI = address(Buckets, OBJECTS, "the same as a whole address");
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = path(Buckets, OBJECTS, "what is shown at that \
        address");
    GOOGLE_APPLICATION_CREDENTIALS = path(Buckets, OBJECTS, "file with an account of Google Cloud; \
        unset: the one that the machine has")
        .or(&["GOOGLE_SERVICE_ACCOUNT"]);
    GOOGLE_SERVICE_ACCOUNT_KEY = secret(Buckets, OBJECTS, "the content of such a file");
    AZURE_STORAGE_ACCOUNT_NAME = text(Buckets, OBJECTS, "storage account of Azure")
        .or(&["AZURE_STORAGE_ACCOUNT"]);
    AZURE_STORAGE_ACCOUNT_KEY = secret(Buckets, OBJECTS, "its key; unset: the identity of the \
        machine")
        .or(&["AZURE_STORAGE_KEY"]);
    AZURE_STORAGE_ENDPOINT = address(Buckets, OBJECTS, "address of a server that speaks Azure's \
        protocol; unset: Microsoft");
    TRANSFER_TIMEOUT = Setting::new(
        Buckets,
        OBJECTS,
        Kind::Whole { least: 1, most: 600 },
        "seconds one request to a bucket or to an export target may take",
    )
    .default("60");

    LOGGING_LEVEL = Setting::new(
        Observe,
        EVERYBODY,
        Kind::OneOf(LEVELS),
        "least severe level that is logged",
    )
    .default("INFO");
    LOG_API_KEYS = Setting::new(
        Observe,
        WEB,
        Kind::OneOf(&["none", "known", "all"]),
        "which API keys stand in the log: none, known ones, or all that was sent as a key",
    )
    .default("known");
    SENTRY_DSN = address(Observe, EVERYBODY, "where errors are reported; unset: nowhere");
    SENTRY_ENVIRONMENT = text(Observe, EVERYBODY, "environment named in reports of errors");
    STATSD_HOST = text(Observe, BACKENDS, "host of the statsd server; unset: none");
    STATSD_PORT = Setting::new(Observe, BACKENDS, Kind::PORT, "port of the statsd server")
        .default("8125");
    METRICS_PORT = Setting::new(Observe, ROLES, Kind::OWN_PORT, "port on which Prometheus finds \
        the metrics; unset: none");
    METRICS_BIND = Setting::new(Observe, ROLES, Kind::Ip, "address of that port").default("::");

    LOCAL_DEV_ENV = Setting::new(Mode, EVERYBODY, Kind::YesNo, "development: logs for people, \
        metrics in the log")
        .default("false");
    TESTING = Setting::new(Mode, BACKENDS, Kind::YesNo, "tests: the Redis of REDIS_HOST is used \
        with database number 1")
        .default("false");
}
