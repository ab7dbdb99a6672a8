//! Names of counters, counters on their way to the tables and what a server says of itself: what is read
//! of a text is in it, and a name that was read is written as the same bytes.
#![no_main]

use ichnaea_kv::Facts;
use ichnaea_server::keys;
use ichnaea_server::tasks::update_statcounter;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some((key, path, day)) = keys::parse_api_limit(text) {
        assert_eq!(keys::api_limit(key, path, day), text);
    }
    if let Some((kind, key, day)) = keys::parse_api_user(text) {
        assert_eq!(keys::api_user(kind.name(), key, day), text);
    }
    if let Some((key, day)) = keys::parse_stat_counter(text) {
        assert_eq!(keys::stat_counter(key, day), text);
    }
    if let Ok(((key, day), amount)) = update_statcounter::parse(text.as_bytes()) {
        let written = format!("{} {amount}", keys::stat_counter(key, day));
        assert_eq!(update_statcounter::parse(written.as_bytes()), Ok(((key, day), amount)));
    }
    let facts = Facts::of_redis(text, 0);
    assert!(text.contains(&facts.version));
    assert!(facts.eviction.is_none_or(|eviction| text.contains(&eviction)));
    assert_ne!(facts.max_bytes, Some(0));
});
