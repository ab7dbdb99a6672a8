//! Any item of the queue of reports is unpacked or refused. However it was packed, in one member or
//! several, it is unpacked to what it was; with one bit turned or the end missing it is that or an error.
#![no_main]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use ichnaea_kv::queue::Packing;
use ichnaea_server::keys;
use libfuzzer_sys::fuzz_target;

fn member(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::new(level));
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

fuzz_target!(|input: (u16, u16, u8, &str, &[u8])| {
    let (split, place, bit, text, bytes) = input;
    let queue = keys::incoming();
    let read = |item: &[u8]| queue.decode::<String>(item);
    if let Err(why) = queue.decode::<serde_json::Value>(bytes) {
        assert!(!why.is_empty());
    }

    let items = [text.to_owned()];
    for packing in [Packing::Loose, Packing::Tight] {
        let packed = queue.encode_packed(&items, packing).expect("text can be queued");
        assert_eq!(read(&packed[0]).as_deref(), Ok(text));
    }
    let json = serde_json::to_vec(text).expect("text is JSON");
    let (first, second) = json.split_at(usize::from(split) % (json.len() + 1));
    let level = u32::from(bit) % 10;
    let mut packed = [member(first, level), member(second, 9 - level)].concat();
    assert_eq!(read(&packed).as_deref(), Ok(text));
    let place = usize::from(place) % packed.len();
    // Where the second member is empty nothing is missing at the end of the first.
    let cut = read(&packed[..place]);
    assert!(cut.is_err() || cut.as_deref() == Ok(text), "cut off at {place}: {cut:?}");
    packed[place] ^= 1 << (bit % 8);
    let changed = read(&packed);
    assert!(changed.is_err() || changed.as_deref() == Ok(text), "byte {place}: {changed:?}");
});
