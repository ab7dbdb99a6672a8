use std::collections::BTreeSet;

use super::*;

fn resolved(variables: &[(&str, &str)]) -> Config {
    let backends = [("DB_HOST", "db"), ("REDIS_HOST", "cache")];
    let settings = settings_of(&[&backends[..], variables].concat());
    settings.resolve(Embedded::IfPresent).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn refused(variables: &[(&str, &str)]) -> Vec<String> {
    let problems = settings_of(variables).resolve(Embedded::IfPresent).err().unwrap();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn serve_needs_nothing() {
    let config = settings_of(&[]).resolve(Embedded::Create).ok().unwrap();
    assert_eq!(config.databases.read_write, "sqlite:data/ichnaea.sqlite");
    assert_eq!(config.databases.read_only, config.databases.read_write);
    assert_eq!(config.redis_uri, "sqlite:data/queue.sqlite");
    assert_eq!(config.listen, Listen { port: 8000, bind: "::".parse().unwrap() });
    assert_eq!((settings_of(&[]).threads(), config.max_requests), (processors(), None));
}

#[test]
fn a_role_without_an_address_says_which_variable_is_missing() {
    let problems = refused(&[("DATA_DIR", "/nonexistent")]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("DB_READWRITE_URI: not set"));
}

#[test]
fn the_six_keys_of_the_guide_are_enough() {
    let config = resolved(&[
        ("DB_HOST", "domain.name.for.mysql"),
        ("DB_USER", "location"),
        ("DB_PASSWORD", "secret"),
        ("GEOIP_PATH", "/app/geoip/GeoLite2-City.mmdb"),
        ("SECRET_KEY", "change this value to something secret"),
    ]);
    assert_eq!(config.redis_uri, "redis://cache:6379/0");
    assert_eq!(config.geoip_path, Some("/app/geoip/GeoLite2-City.mmdb".into()));
    assert_eq!(config.secret_key, "change this value to something secret");
}

#[test]
fn all_problems_are_reported_at_once_in_the_order_of_the_documentation() {
    let problems = refused(&[
        ("DB_READWRITE_URI", "mysql://w:hidden@h/location?ssl_mode=never"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, nonsense"),
        ("GUNICORN_TIMEOUT", "0"),
        ("PORT", "65536"),
        ("STATSD_PORT", "statsd"),
        ("LOCAL_DEV_ENV", "maybe"),
        ("LOGGING_LEVEL", "LOUD"),
    ]);
    let names: Vec<&str> = problems.iter().filter_map(|p| p.split(": ").next()).collect();
    assert_eq!(
        names,
        [
            "DB_READWRITE_URI",
            "REDIS_URI",
            "PORT",
            "TRUSTED_PROXIES",
            "GUNICORN_TIMEOUT",
            "LOGGING_LEVEL",
            "STATSD_PORT",
            "LOCAL_DEV_ENV"
        ]
    );
    assert_eq!(
        problems[4],
        r#"GUNICORN_TIMEOUT: "0" was given; allowed is a whole number, 1 or more"#
    );
    assert_eq!(
        problems[5],
        r#"LOGGING_LEVEL: "LOUD" was given; allowed is one of CRITICAL, ERROR, WARNING, INFO, DEBUG"#
    );
    assert!(problems.iter().all(|problem| !problem.contains("hidden")), "{problems:?}");
}

#[test]
fn a_limit_on_requests_exists_only_when_it_was_given() {
    assert_eq!(settings_of(&[("GUNICORN_WORKERS", "3")]).threads(), 3);
    assert_eq!(resolved(&[("GUNICORN_WORKERS", "3")]).max_requests, None);
    let config = resolved(&[("GUNICORN_WORKERS", "3"), ("GUNICORN_WORKER_CONNECTIONS", "4")]);
    assert_eq!(config.max_requests, Some(12));
}

#[test]
fn only_the_web_role_needs_a_secret_and_only_with_a_server() {
    let refused = |variables: &[(&str, &str)]| {
        let settings = settings_of(&[&[("DB_HOST", "db")], variables].concat());
        assert!(settings.resolve(Embedded::IfPresent).is_ok());
        let problems = settings.resolve_web(Embedded::IfPresent).err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let server = ("REDIS_URI", "redis://cache:6379/0");
    let secret = ("SECRET_KEY", "something of my own");
    assert!(refused(&[server]).contains("secret_key is not set"));
    assert!(refused(&[server, ("SECRET_KEY", "")]).contains("secret_key is not set"));
    let default = refused(&[server, ("SECRET_KEY", DEFAULT_SECRET)]);
    assert!(default.contains("secret_key has the default value 'default for"), "{default}");
    assert_eq!(refused(&[server, secret]), "");
    assert_eq!(refused(&[("REDIS_URI", "redis://redis:6379/0")]), "");
    assert_eq!(refused(&[("REDIS_HOST", "redis")]), "");
    assert_ne!(refused(&[("REDIS_URI", "redis://redis/0")]), "", "only that very text");
    assert_eq!(refused(&[("REDIS_URI", "sqlite:x/queue")]), "");
}

#[test]
fn a_secret_is_kept_beside_the_embedded_queue_unless_one_was_given() {
    let kept = |variables: &[(&str, &str)]| {
        let config = settings_of(variables).resolve_web(Embedded::Create).ok().unwrap();
        config.kept_secret()
    };
    assert_eq!(kept(&[]), Some("data/secret_key".into()));
    assert_eq!(kept(&[("REDIS_URI", "sqlite:/x/q")]), Some("/x/secret_key".into()));
    assert_eq!(kept(&[("SECRET_KEY", "mine")]), None);
    assert_eq!(kept(&[("REDIS_URI", "redis://redis:6379/0")]), None);
}

#[test]
fn open_work_has_at_most_25_seconds_to_end() {
    assert_eq!(resolved(&[]).grace, Duration::from_secs(25));
    assert_eq!(resolved(&[("GUNICORN_TIMEOUT", "7")]).grace, Duration::from_secs(7));
}

#[test]
fn what_is_optional_is_off_unless_given() {
    let config = resolved(&[("STATSD_HOST", ""), ("SENTRY_ENVIRONMENT", "prod")]);
    assert!(config.statsd.is_none() && config.sentry.is_none() && config.metrics_port.is_none());
    assert!(config.asset_bucket.is_none() && config.asset_url.is_none());
    let config = resolved(&[
        ("STATSD_HOST", "stats"),
        ("SENTRY_DSN", "https://key@sentry.example/1"),
        ("SENTRY_ENVIRONMENT", "prod"),
        ("METRICS_PORT", "9100"),
        ("ASSET_BUCKET", "/tiles/"),
        ("ASSET_URL", "https://cdn.example"),
        ("MAP_TOKEN", "pk.1"),
        ("LOCAL_DEV_ENV", "True"),
        ("TESTING", "1"),
    ]);
    assert_eq!(config.statsd, Some(Statsd { host: "stats".into(), port: 8125 }));
    assert_eq!(config.sentry.unwrap().environment.as_deref(), Some("prod"));
    assert_eq!(config.metrics_port, Some(9100));
    assert_eq!(config.asset_bucket.as_deref(), Some("s3://tiles"));
    assert_eq!(config.asset_url.as_deref(), Some("https://cdn.example/"));
    assert_eq!(config.mapbox_token.as_deref(), Some("pk.1"));
    assert!(config.is_development && config.is_testing);
}

#[test]
fn parameters_that_mean_nothing_are_named_once() {
    let config = resolved(&[(
        "DB_READONLY_URI",
        "mysql+pymysql://u@h/x?charset=utf8&ssl_mode=DISABLED&connect_timeout=hidden",
    )]);
    assert_eq!(
        config.warnings,
        ["DB_READONLY_URI: these parameters mean nothing here: connect_timeout"]
    );
}

#[test]
fn every_default_is_allowed_and_every_name_unique() {
    let mut names = BTreeSet::new();
    let mut flags = BTreeSet::new();
    for setting in table::ALL {
        assert!(setting.default.is_none_or(|text| setting.kind.admits(text)), "{setting:?}");
        assert!(setting.variables().all(|name| names.insert(name)), "{setting:?}");
        assert!(flags.insert(setting.flag()), "{setting:?}");
        assert!(!setting.meaning.contains('\n') && !setting.meaning.contains("  "));
    }
}
