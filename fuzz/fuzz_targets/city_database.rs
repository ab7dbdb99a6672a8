//! Any file is a city database or is refused, and whatever is in it an address gives a place on the globe
//! with a radius and a score in their ranges, or none.
#![no_main]

use std::fs;
use std::net::IpAddr;
use std::sync::LazyLock;

use ichnaea_domain::region::Regions;
use ichnaea_server::geoip::{GeoIpFile, inspect};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

const ADDRESSES: [&str; 8] = [
    "0.0.0.0",
    "81.2.69.192",
    "255.255.255.255",
    "::",
    "2001:218::1",
    "::ffff:81.2.69.192",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "8000::",
];

fuzz_target!(|bytes: &[u8]| {
    let path = FOLDER.path().join("city.mmdb");
    fs::write(&path, bytes).expect("room for a file");
    let is_usable = inspect(&path).is_ok();
    let file = GeoIpFile::open(Some(path));
    assert!(!is_usable || file.built().is_some());
    if file.maker().is_none() {
        assert_eq!(file.built(), None);
    }
    for address in ADDRESSES {
        let address: IpAddr = address.parse().expect("an address");
        let Some(found) = file.lookup(address) else { continue };
        assert!(found.lat.abs() <= 90.0 && found.lon.abs() <= 180.0, "{found:?}");
        assert!(found.radius_m.is_finite() && found.radius_m > 0.0, "{found:?}");
        assert!(found.radius_m <= found.region_radius_m, "{found:?}");
        assert!((0.3..=0.9).contains(&found.score), "{found:?}");
        assert!(Regions::shared().name(found.region).is_some(), "{found:?}");
    }
});
