//! Whatever JSON the service finds in Redis under its own names (messages of tasks, dead letters, resting
//! export targets, signs of life, copies for pages) is read or left alone, and what was read and written
//! again is the same.
#![no_main]

use std::fmt::Debug;

use ichnaea_domain::downloads::Downloads;
use ichnaea_domain::stats::page::RegionLine;
use ichnaea_domain::transition::Counts;
use ichnaea_server::seen::Sign;
use ichnaea_server::stats::{Point, Totals};
use ichnaea_server::tasks::export::Rest;
use ichnaea_server::tasks::letter::Letter;
use ichnaea_server::tasks::message::Message;
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(item: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(item) else { return };
    let written = serde_json::to_vec(&read).expect("it can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written is read");
    assert_eq!(again, read);
}

fuzz_target!(|item: &[u8]| {
    if let Some(message) = Message::decode(item) {
        assert_eq!(Message::decode(&message.encode()), Some(message.clone()));
        assert!(!message.has_expired(message.expires_ms));
    }
    if let Some(letter) = Letter::decode(item) {
        assert_eq!(Letter::decode(&letter.encode()), Some(letter.clone()));
        assert!(letter.item().is_none_or(|bytes| bytes.len() <= item.len()));
        let _ = letter.batch();
    }
    read::<Rest>(item);
    read::<Sign>(item);
    read::<Totals>(item);
    read::<Vec<Vec<Point>>>(item);
    read::<Vec<RegionLine>>(item);
    read::<Downloads>(item);
    read::<Counts>(item);
});
