//! The key in any query string is found or not; it is never longer than what was sent.
#![no_main]

use ichnaea_domain::api_key::is_well_formed;
use ichnaea_server::http::key_parameter;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    if let Some(key) = key_parameter(query) {
        assert!(!key.is_empty() && key.len() <= query.len());
        if is_well_formed(&key) {
            assert!(key.is_ascii() && key.len() <= 40, "{key:?}");
        }
    }
});
