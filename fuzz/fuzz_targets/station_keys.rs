//! Addresses and keys: what can be read is written as the same bytes.
#![no_main]

use ichnaea_domain::cell::{AreaKey, CellKey};
use ichnaea_domain::datamap::Grid;
use ichnaea_domain::mac::Mac;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(cell) = CellKey::decode(bytes) {
        assert_eq!(&*cell.encode(), bytes);
        assert!(bytes.starts_with(&cell.area.encode()));
    }
    if let Some(area) = AreaKey::decode(bytes) {
        assert_eq!(&*area.encode(), bytes);
    }
    if let Some(grid) = Grid::decode(bytes) {
        assert_eq!(grid.encode(), bytes);
    }
    if let Some(mac) = std::str::from_utf8(bytes).ok().and_then(Mac::parse) {
        let text = mac.to_string();
        assert_eq!(text.len(), 12);
        assert_eq!(Mac::parse(&text), Some(mac));
    }
});
