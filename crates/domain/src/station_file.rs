//! The dump of the stations of one kind, as the original's tool writes it.

use crate::cell::Radio;
use crate::cell_file::field;
use crate::geo::{BoundingBox, Position, bounding_box};
use crate::station::{Kind, Source, Station, StationKey};

/// The columns that follow the key.
const COLUMNS: &str = "lat,lon,max_lat,min_lat,max_lon,min_lon,radius,region,samples,source,\
                       weight,created,modified,last_seen,block_first,block_last,block_count\n";

/// The first line of a file.
#[must_use]
pub fn header(kind: Kind) -> String {
    match kind {
        Kind::Blue | Kind::Wifi => format!("mac,{COLUMNS}"),
        Kind::Cell => format!("radio,mcc,mnc,lac,cid,psc,{COLUMNS}"),
    }
}

/// Appends the line of a station.
pub fn write_row(out: &mut Vec<u8>, key: StationKey, station: &Station) {
    write_key(out, key, station);
    let positions = [station.lat, station.lon];
    let edges = [station.max_lat, station.min_lat, station.max_lon, station.min_lon];
    for degrees in positions.into_iter().chain(edges) {
        optional(out, degrees, field::coordinate);
    }
    out.push(b',');
    field::number(out, station.radius_m.unwrap_or(0));
    optional(out, station.region, |out, region| {
        out.extend_from_slice(region.as_str().as_bytes());
    });
    out.push(b',');
    field::number(out, station.samples.unwrap_or(0));
    optional(out, station.source.map(Source::code), field::number);
    out.push(b',');
    field::double(out, station.weight.unwrap_or(0.0));
    for time in [station.created, station.modified] {
        optional(out, time, field::time);
    }
    for day in [station.last_seen, station.block_first, station.block_last] {
        optional(out, day, field::day);
    }
    out.push(b',');
    field::number(out, station.block_count.unwrap_or(0));
    out.push(b'\n');
}

/// The next field, which is empty when there is no value.
fn optional<T>(out: &mut Vec<u8>, value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(b',');
    if let Some(value) = value {
        write(out, value);
    }
}

fn write_key(out: &mut Vec<u8>, key: StationKey, station: &Station) {
    let cell = match key {
        StationKey::Blue(mac) | StationKey::Wifi(mac) => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            for byte in mac.bytes() {
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
            return;
        }
        StationKey::Cell(cell) => cell,
    };
    out.extend_from_slice(match cell.area.radio {
        Radio::Gsm => b"GSM",
        Radio::Wcdma => b"WCDMA",
        Radio::Lte => b"LTE",
        Radio::Nr => b"NR",
    });
    for number in [cell.area.mcc.into(), cell.area.mnc.into(), cell.area.lac.into(), cell.cid] {
        out.push(b',');
        field::number(out, number);
    }
    out.push(b',');
    if let Some(psc) = station.psc {
        field::number(out, psc);
    }
}

/// The box that so many metres around a position span, its edges rounded to five decimals.
#[must_use]
pub fn box_around(center: Position, radius_m: f64) -> Option<BoundingBox> {
    let rounded = |degrees: f64| format!("{degrees:.5}").parse().unwrap_or(degrees);
    let exact = bounding_box(center, radius_m)?;
    Some(BoundingBox {
        max_lat: rounded(exact.max_lat),
        min_lat: rounded(exact.min_lat),
        max_lon: rounded(exact.max_lon),
        min_lon: rounded(exact.min_lon),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{AreaKey, CellKey};
    use crate::mac::Mac;

    #[test]
    fn a_box_has_its_recorded_edges() {
        let edges = box_around((51.5, -0.1), 1000.0).unwrap();
        assert_eq!((edges.min_lat, edges.max_lat), (51.49101, 51.50899));
        assert_eq!((edges.min_lon, edges.max_lon), (-0.1144, -0.0856));
        assert_eq!(box_around((f64::NAN, 0.0), 1.0), None);
    }

    #[test]
    fn missing_values_are_empty_or_nothing() {
        let area = AreaKey { radio: Radio::Nr, mcc: 262, mnc: 2, lac: 0xAB_CDEF };
        for (key, line) in [
            (
                StationKey::Wifi(Mac::from_bytes([0x5e, 0, 0xff, 1, 2, 3])),
                "5e00ff010203,,,,,,,0,,0,,0,,,,,,0\n",
            ),
            (
                StationKey::Cell(CellKey { area, cid: 1 << 35 }),
                "NR,262,2,11259375,34359738368,,,,,,,,0,,0,,0,,,,,,0\n",
            ),
        ] {
            let mut out = Vec::new();
            write_row(&mut out, key, &Station::default());
            assert_eq!(String::from_utf8(out).unwrap(), line);
            let columns = |text: &str| text.matches(',').count();
            assert_eq!(columns(&header(key.kind())), columns(line));
        }
    }
}
