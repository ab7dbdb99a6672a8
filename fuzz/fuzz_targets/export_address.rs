//! Any address of an export target or bucket is a place or says what is allowed; no object of a batch
//! gets a key that leads out of its place, whatever its API key is called.
#![no_main]

use chrono::NaiveDate;
use ichnaea_domain::export::{Keyed, Place};
use ichnaea_server::objects;
use libfuzzer_sys::fuzz_target;

const ID: &str = "0190a0b0-0000-7000-8000-000000000000";
/// Five numbers of twenty digits and two names fit into what is left beside the text.
const MAX_GROWTH: usize = 20;

fn is_within(key: &str) -> bool {
    key.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

fuzz_target!(|input: (&str, &str, i32, &str)| {
    let (source, api_key, day, url) = input;
    let day = NaiveDate::from_num_days_from_ce_opt(day.rem_euclid(3_650_000)).expect("a day");
    match Place::parse(url) {
        Err(allowed) => assert!(!allowed.is_empty()),
        Ok(place) => {
            assert!(url.starts_with(&place.root), "{place:?}");
            let key = place.key(&Keyed { source, api_key, day, id: ID });
            assert!(is_within(&key), "{key}");
            assert!(key.ends_with(&format!("{ID}.json.gz")), "{key}");
            let named = source.len().max(api_key.len()).max(1);
            let bound = url.len() * (named * 3).max(MAX_GROWTH) + ID.len() + 16;
            assert!(key.len() <= bound, "{} bytes", key.len());
        }
    }
    for address in [Some(url.to_owned()), objects::without_scheme(url).ok()].into_iter().flatten() {
        match objects::Place::parse(&address) {
            Err(allowed) => assert!(!allowed.is_empty()),
            Ok(objects::Place::Folder(folder)) => {
                assert!(folder.is_absolute() || address.starts_with("file:///"), "{folder:?}");
            }
            Ok(objects::Place::Bucket { service, bucket, prefix }) => {
                assert!(!bucket.is_empty() && !bucket.contains('/'), "{bucket}");
                assert!(!prefix.starts_with('/') && !prefix.ends_with('/'), "{prefix}");
                // Spelt from its parts it is the same place.
                let spelt = format!("{}://{bucket}/{prefix}", service.scheme());
                let again = objects::Place::parse(&spelt);
                assert_eq!(again, Ok(objects::Place::Bucket { service, bucket, prefix }));
            }
        }
    }
});
