//! Any line is read as a row of a table of stations or has a reason; what is read is within the limits,
//! and written, read and written again it is the same line.
#![no_main]

use ichnaea_domain::geo::MAX_LAT;
use ichnaea_domain::import::detect;
use ichnaea_domain::import::table_dump::{Reader, kind_of_header};
use ichnaea_domain::region::Regions;
use ichnaea_domain::station::{Kind, StationKey};
use ichnaea_domain::station_file::{header, write_row};
use libfuzzer_sys::fuzz_target;

const NEWEST_S: i64 = 2_000_000_000;

fuzz_target!(|bytes: &[u8]| {
    let regions = Regions::shared();
    for name in ["wifi.csv", "blue.csv", "-"] {
        let _ = detect(bytes, name);
    }
    for kind in Kind::ALL {
        assert!(kind_of_header(header(kind).as_bytes()).is_some());
        let mut reader = Reader::new(kind, NEWEST_S, regions);
        for line in bytes.split(|&byte| byte == b'\n') {
            let Ok((key, station)) = reader.row(line) else { continue };
            let found = match key {
                StationKey::Blue(_) => Kind::Blue,
                StationKey::Cell(_) => Kind::Cell,
                StationKey::Wifi(_) => Kind::Wifi,
            };
            assert_eq!(found, kind);
            assert_eq!(station.lat.is_some(), station.lon.is_some(), "{station:?}");
            let lats = [station.lat, station.max_lat, station.min_lat];
            let lons = [station.lon, station.max_lon, station.min_lon];
            assert!(lats.into_iter().flatten().all(|lat| lat.abs() <= MAX_LAT), "{station:?}");
            assert!(lons.into_iter().flatten().all(|lon| lon.abs() <= 180.0), "{station:?}");
            let newest = station.modified.map(|time| time.and_utc().timestamp());
            assert!(newest.is_none_or(|newest| newest <= NEWEST_S), "{station:?}");
            assert!(station.weight.is_none_or(|weight| weight.is_finite() && weight > 0.0));

            let mut written = Vec::new();
            write_row(&mut written, key, &station);
            let (key_again, again) = reader
                .row(written.trim_ascii_end())
                .unwrap_or_else(|reason| panic!("{reason:?}: {}", written.escape_ascii()));
            assert_eq!(key_again, key);
            let mut rewritten = Vec::new();
            write_row(&mut rewritten, key, &again);
            assert_eq!(rewritten.escape_ascii().to_string(), written.escape_ascii().to_string());
        }
    }
});
