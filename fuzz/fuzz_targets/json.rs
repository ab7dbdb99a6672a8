//! Any text is read as JSON or refused with a reason; what serde_json reads is read the same way.
#![no_main]

use ichnaea_server::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let read = json::parse(text);
    if let Err(reason) = &read {
        assert!(!reason.is_empty());
        assert!(
            serde_json::from_str::<json::Value<'_>>(text).is_err(),
            "valid JSON was refused: {reason}"
        );
    }
    if let Ok(value) = &read {
        // What error messages would show of it.
        let shown = value.to_string();
        assert!(shown.len() < 10_000, "a message of {} bytes", shown.len());
    }
});
