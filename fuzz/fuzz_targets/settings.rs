//! Whatever is set, the settings are used or every problem names a variable that was meant; what is used
//! is within its bounds. No password is in a problem, a warning, or what an operator is shown.
#![no_main]

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use ichnaea_server::config::setting::Kind;
use ichnaea_server::config::{Config, Embedded, Invalid, Settings, show, table};
use libfuzzer_sys::fuzz_target;

/// What stands where passwords do.
const PASSWORD: &str = "hunter2";

/// Whether this is the password of an address and nothing else: everything else may be shown.
fn is_password(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Secret => text.contains(PASSWORD),
        Kind::Address => {
            let Some((scheme, rest)) = text.split_once("://") else { return false };
            let Some((account, _)) = rest.split_once(&format!(":{PASSWORD}@")) else {
                return false;
            };
            let is_account = !account.contains(['/', '?', '#', '@', ':']);
            let is_server =
                ["mysql", "mysql+pymysql", "mariadb", "redis", "rediss"].contains(&scheme);
            is_account && is_server && text.matches(PASSWORD).count() == 1
        }
        _ => false,
    }
}

fn check(config: &Config) {
    assert!(config.grace <= Duration::from_secs(25) && config.grace <= config.request_timeout);
    assert!(config.worker_concurrency >= 1 && config.max_body_bytes >= 1);
    assert!(!config.lease.is_zero() && !config.backend_timeout.is_zero());
    assert!(config.max_requests.is_none_or(|max| (1..=1 << 20).contains(&max)));
    assert!(config.asset_url.as_ref().is_none_or(|url| url.ends_with('/')));
    let least = Duration::from_secs(60);
    assert!(config.map_interval.is_none_or(|interval| interval.is_zero() || interval >= least));
    let uris = [&config.databases.read_only, &config.databases.read_write, &config.databases.ddl];
    for uri in uris.into_iter().filter(|uri| is_password(Kind::Address, uri)) {
        assert!(!ichnaea_store::without_password(uri).contains(PASSWORD), "{uri}");
    }
}

fuzz_target!(|text: &str| {
    // Certificates are read from the files that an address names, and such files never end.
    if text.contains("/dev") || text.contains("/proc") || text.contains('%') && text.contains("ssl")
    {
        return;
    }
    let given: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let settings = Settings::read(|_| None, |name| given.get(name).map(OsString::from));
    let is_known = |problem: &Invalid| {
        table::ALL.iter().any(|setting| setting.variables().any(|name| name == problem.name))
    };
    let found: Vec<_> = table::ALL
        .iter()
        .filter_map(|setting| Some((setting.kind, settings.text(setting)?)))
        .filter(|(_, text)| text.contains(PASSWORD))
        .collect();
    let is_hidden = !found.is_empty() && found.iter().all(|(kind, text)| is_password(*kind, text));
    let mut said = format!("{settings:?}");
    let embedded = Embedded::IfPresent;
    let mut config = None;
    for resolved in
        [settings.resolve(embedded), settings.resolve_web(embedded), settings.resolve_map(embedded)]
    {
        match resolved {
            Ok(resolved) => {
                check(&resolved);
                said.push_str(&resolved.warnings.join("\n"));
                config = Some(resolved);
            }
            Err(problems) => {
                assert!(!problems.is_empty() && problems.iter().all(is_known), "{problems:?}");
                said.extend(problems.iter().map(ToString::to_string));
            }
        }
    }
    assert!(settings.threads() >= 1);
    let shown = show::all(&settings, config.as_ref());
    assert_eq!(shown.len(), table::ALL.len());
    said.push_str(&show::lines(&shown).join("\n"));
    assert!(!is_hidden || !said.contains(PASSWORD), "{said}");
});
