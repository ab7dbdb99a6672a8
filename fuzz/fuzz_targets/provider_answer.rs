//! Whatever an outside provider answers, a position in it is finite in every format; what is kept of it
//! is read back as the same answer. Whatever stands in the cache is finite too, or unreadable, and what
//! does not agree is no hit.
#![no_main]

use std::time::Duration;

use ichnaea_kv::Op;
use ichnaea_server::locate::provider::{Answer, Position, Schema};
use ichnaea_server::locate::provider_cache::{Cached, read, write};
use libfuzzer_sys::fuzz_target;

const SCHEMAS: [Schema; 4] =
    [Schema::Ichnaea, Schema::Combain, Schema::GoogleMaps, Schema::UnwiredLabs];
const TTL: Duration = Duration::from_secs(60);
/// The cache keeps whole millimetres.
const PRECISION_M: f64 = 0.001;
/// Metres that no accuracy has: half the way around the globe are twenty thousand kilometres.
const HUGE_M: f64 = 1e9;

/// Whether it is on the globe. What providers say off it is handed on, but need not be remembered.
fn is_on_globe(position: &Position) -> bool {
    let Position { lat, lon, accuracy_m, .. } = position;
    lat.abs() <= 90.0 && lon.abs() <= 180.0 && (0.0..=HUGE_M).contains(accuracy_m)
}

fn check(position: &Position) {
    let Position { lat, lon, accuracy_m, .. } = position;
    let is_finite = lat.is_finite() && lon.is_finite() && accuracy_m.is_finite();
    assert!(is_finite, "{position:?}");
}

fn kept(answer: &Answer) -> Vec<u8> {
    let mut ops = write(vec![b"key".to_vec()], answer, TTL);
    assert_eq!(ops.len(), 1);
    match ops.remove(0) {
        Op::Set { value, ttl: Some(TTL), .. } => value,
        other => panic!("{other:?}"),
    }
}

fuzz_target!(|text: &str| {
    for answer in SCHEMAS.into_iter().filter_map(|schema| schema.answer(text)) {
        let value = kept(&answer);
        let twice = [Some(value.clone()), None, Some(value)];
        let Some(read) = read(&twice) else {
            let Answer::Found(position) = &answer else { panic!("{answer:?} is not read") };
            check(position);
            assert!(!is_on_globe(position), "{position:?} is not read");
            continue;
        };
        let (Answer::Found(position), Cached::Hit(Answer::Found(again))) = (&answer, &read) else {
            assert_eq!(read, Cached::Hit(answer));
            continue;
        };
        check(position);
        check(again);
        assert_eq!(again.is_lacf, position.is_lacf);
        if is_on_globe(position) {
            assert_eq!((again.lat, again.lon), (position.lat, position.lon));
            let error_m = (again.accuracy_m - position.accuracy_m).abs();
            assert!(
                error_m <= PRECISION_M.max(position.accuracy_m * 1e-15),
                "{position:?} {again:?}"
            );
        }
    }
    let values: Vec<_> = text.split('\n').map(|value| Some(value.as_bytes().to_vec())).collect();
    let all = read(&values);
    if let Some(Cached::Hit(Answer::Found(position))) = &all {
        check(position);
        for value in &values {
            let one = read(std::slice::from_ref(value));
            let Some(Cached::Hit(Answer::Found(one))) = one else { panic!("{one:?} agrees?") };
            assert_eq!(one.is_lacf, position.is_lacf);
        }
    }
});
