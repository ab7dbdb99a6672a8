//! Any six bytes are a point that is written as the same bytes; any position is on the map or is none.
//! Whatever lies where tiles belong, the plan names every tile once and deletes nothing that is one, or
//! that is no picture.
#![no_main]

use std::collections::BTreeSet;

use ichnaea_tiles::Key;
use ichnaea_tiles::sync::{Comparison, Step};
use libfuzzer_sys::fuzz_target;

/// The last bits of a key that mean nothing.
const UNUSED: u8 = 0x3f;

fn point(mut bytes: [u8; 6]) {
    let key = Key::from_bytes(bytes);
    bytes[5] &= !UNUSED;
    assert_eq!(key.to_bytes(), bytes);
    assert_eq!(Key::from_bytes(bytes), key);
    assert_eq!((key.x() & 0x7ff, key.y() & 0x7ff), (0, 0));
}

fuzz_target!(|input: ([u8; 6], f64, f64, Vec<(&str, u8)>, Vec<(&str, u8, Option<[u8; 16]>)>)| {
    let (bytes, lat, lon, drawn, there) = input;
    point(bytes);
    match Key::at(lat, lon) {
        Some(key) => {
            assert!(lat.abs() <= 85.0511 && lon.abs() < 180.0);
            point(key.to_bytes());
        }
        None => assert!(!(lat.abs() <= 85.0511 && lon.abs() < 180.0), "{lat} {lon}"),
    }

    let tiles: BTreeSet<&str> = drawn.iter().map(|(name, _)| *name).collect();
    let sizes = drawn.iter().map(|(name, size)| ((*name).into(), u64::from(*size)));
    let mut comparison = Comparison::new(sizes.collect());
    for (name, size, digest) in &there {
        comparison.found(name, u64::from(*size), *digest);
    }
    let numbers: Vec<usize> = comparison.questions().map(|question| question.number).collect();
    for number in numbers {
        comparison.answer(number, number % 2 == 0);
    }
    let plan = comparison.plan();
    let named = (plan.new.len() + plan.changed.len()) as u64 + plan.unchanged;
    assert_eq!(named, tiles.len() as u64, "{plan:?}");
    let mut deletes = false;
    let mut seen = BTreeSet::new();
    for step in plan.into_steps() {
        let names = match step {
            Step::Add(name) | Step::Replace(name) => {
                assert!(!deletes, "nothing is put after the first was deleted");
                assert!(tiles.contains(&*name));
                vec![name]
            }
            Step::Delete(names) => {
                deletes = true;
                assert!((1..=100).contains(&names.len()));
                assert!(
                    names.iter().all(|name| name.ends_with(".png") && !tiles.contains(&**name))
                );
                assert!(names.iter().all(|name| there.iter().any(|(found, ..)| *found == &**name)));
                names
            }
        };
        for name in names {
            assert!(seen.insert(name.clone()), "{name} twice");
        }
    }
});
