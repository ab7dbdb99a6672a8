//! Any list of public files is read back as it was written; a name that is one of ours is written as the
//! same text, and of the files that are there the newest full one is never given up.
#![no_main]

use std::collections::BTreeSet;

use chrono::NaiveDateTime;
use ichnaea_domain::cell_file::index::{FORMAT, Index, expired};
use ichnaea_domain::cell_file::{Edition, FileName};
use ichnaea_domain::downloads::Downloads;
use libfuzzer_sys::fuzz_target;

const NOW: &str = "2026-08-01T00:00:00";

fuzz_target!(|bytes: &[u8]| {
    let now: NaiveDateTime = NOW.parse().expect("a time");
    let index = Index::parse(bytes);
    if let Some(index) = &index {
        assert_eq!(index.format, FORMAT);
        let written = serde_json::to_vec(index).expect("a list can be written");
        assert_eq!(Index::parse(&written).as_ref(), Some(index));
    }
    let text = String::from_utf8_lossy(bytes);
    let listed = index.iter().flat_map(|index| &index.files).map(|entry| entry.name.as_str());
    let names: BTreeSet<&str> = text.lines().chain(listed).collect();
    let files: Vec<FileName> = names.iter().filter_map(|name| FileName::parse(name)).collect();
    for file in &files {
        assert!(names.contains(file.to_string().as_str()), "{file}");
        let (from, before) = file.edition.window(file.time);
        assert!(before.is_none_or(|before| from <= before), "{file}");
    }

    let there = names.iter().map(|name| (*name, name.len() as u64));
    let made = Index::of(there.clone(), &[], index.as_ref());
    assert_eq!(made.files.len(), files.len());
    assert_eq!(Index::of(there.clone(), &[], Some(&made)), made, "nothing has changed");
    for edition in Edition::ALL {
        if let Some(newest) = made.newest(edition) {
            assert!(files.iter().any(|file| file.edition == edition && file.time == newest));
        }
    }
    let gone = expired(names.iter().copied(), now, 30);
    assert!(gone.iter().all(|file| files.contains(file) && file.time < now));
    let full = |files: &[FileName]| {
        files.iter().filter(|file| file.edition == Edition::Full).map(|file| file.time).max()
    };
    let kept: Vec<_> = files.iter().copied().filter(|file| !gone.contains(file)).collect();
    assert_eq!(full(&kept), full(&files), "the newest full file stays");

    let shown = Downloads::of(there, "/downloads/");
    let halves = (shown.diff1.len(), shown.diff2.len());
    assert!(halves.0 == halves.1 || halves.0 == halves.1 + 1, "{halves:?}");
    assert!(shown.full.len() + halves.0 + halves.1 + shown.nr.len() <= names.len());
});
