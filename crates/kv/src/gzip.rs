//! Gzip of items, which are small and many.
//!
//! Setting a compressor up costs more than compressing a report of a kilobyte, so each thread keeps
//! one of each; and what is whole in memory needs no streams.

use std::cell::RefCell;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use libdeflater::{CompressionLvl, Compressor, Crc, Decompressor};

/// Most bytes an item may have once unpacked: far above any report, far below what hurts.
const MAX_LEN: usize = 64 << 20;

/// What a member begins with.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// How hard bytes are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Only wrapped: a hundredth of the work.
    Loose,
    /// By the fastest level that compresses; a report becomes two fifths of what it was.
    Tight,
}

fn compressor(level: i32) -> RefCell<Compressor> {
    RefCell::new(Compressor::new(CompressionLvl::new(level).unwrap_or_default()))
}

thread_local! {
    static LOOSE: RefCell<Compressor> = compressor(0);
    static TIGHT: RefCell<Compressor> = compressor(1);
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// Packs bytes into one member.
pub(crate) fn pack(bytes: &[u8], packing: Packing) -> Result<Vec<u8>, String> {
    let compressor = match packing {
        Packing::Loose => &LOOSE,
        Packing::Tight => &TIGHT,
    };
    compressor.with_borrow_mut(|compressor| {
        let mut packed = vec![0; compressor.gzip_compress_bound(bytes.len())];
        let len =
            compressor.gzip_compress(bytes, &mut packed).map_err(|error| error.to_string())?;
        packed.truncate(len);
        packed.shrink_to_fit();
        Ok(packed)
    })
}

/// Unpacks all members of what anybody may have packed.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    unpack_one(packed).map_or_else(|| unpack_any(packed), Ok)
}

/// Unpacks the one member of nearly every item; `None` when it is none, or anything is odd.
fn unpack_one(packed: &[u8]) -> Option<Vec<u8>> {
    let (rest, len) = packed.split_last_chunk()?;
    let (_, sum) = rest.split_last_chunk()?;
    let (len, sum) = (u32::from_le_bytes(*len), u32::from_le_bytes(*sum));
    let len = usize::try_from(len).ok()?;
    // Another member may begin there, or it only looks so.
    let has_more = packed.windows(MAGIC.len()).skip(1).any(|bytes| bytes == MAGIC);
    // Deflate makes no more of a byte than this.
    if has_more || len > MAX_LEN.min(packed.len().saturating_mul(1032)) {
        return None;
    }
    let mut bytes = vec![0; len];
    let unpacked =
        DECOMPRESSOR.with_borrow_mut(|unpacker| unpacker.gzip_decompress(packed, &mut bytes));
    // It stops after the member, whose sum it has checked: is that the sum at the end?
    let mut found = Crc::new();
    found.update(&bytes);
    (unpacked == Ok(len) && found.sum() == sum).then_some(bytes)
}

fn unpack_any(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut reader = MultiGzDecoder::new(packed).take(MAX_LEN as u64 + 1);
    reader.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() <= MAX_LEN {
        Ok(bytes)
    } else {
        Err(format!("more than {MAX_LEN} bytes once unpacked"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn member(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn members_that_look_like_the_last_one_are_not_taken_for_it() {
        for (first, second) in [("ab", "cd"), ("", ""), ("ab", ""), ("", "ab"), ("same", "same")] {
            let packed = [member(first.as_bytes()), member(second.as_bytes())].concat();
            let expected = [first, second].concat().into_bytes();
            assert_eq!(unpack(&packed), Ok(expected), "{first:?} {second:?}");
        }
    }

    #[test]
    fn what_is_cut_off_or_changed_is_an_error() {
        let packed = pack(b"a report, a report, a report, a report", Packing::Tight).unwrap();
        assert!(unpack_one(&packed).is_some());
        for len in 0..packed.len() {
            assert!(unpack(&packed[..len]).is_err() || len == 0, "{len}");
        }
        for at in 10..packed.len() {
            let mut changed = packed.clone();
            changed[at] ^= 1;
            assert!(unpack(&changed).is_err(), "{at}");
        }
    }

    #[test]
    fn too_much_is_refused_before_it_is_there() {
        let packed = member(&vec![b' '; MAX_LEN + 1]);
        assert_eq!(unpack(&packed), Err("more than 67108864 bytes once unpacked".into()));
        assert_eq!(unpack(&member(&vec![b' '; MAX_LEN])).map(|bytes| bytes.len()), Ok(MAX_LEN));
    }

    proptest! {
        #[test]
        fn both_ways_agree_with_another_implementation(bytes: Vec<u8>) {
            for packing in [Packing::Loose, Packing::Tight] {
                let packed = pack(&bytes, packing).unwrap();
                prop_assert_eq!(unpack_any(&packed).unwrap(), bytes.clone());
                prop_assert_eq!(unpack(&packed).unwrap(), bytes.clone());
            }
            let packed = pack(&bytes, Packing::Tight).unwrap();
            prop_assert!(unpack_one(&packed).is_none_or(|unpacked| unpacked == bytes));
            prop_assert_eq!(unpack(&member(&bytes)).unwrap(), bytes);
        }
    }
}
