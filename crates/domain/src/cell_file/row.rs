//! One line of a public file.

use super::{PublicCell, field};
use crate::cell::Radio;

/// The first line. Lines end as RFC 4180 has it.
pub const HEADER: &[u8] =
    b"radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\r\n";

/// Appends the line of a cell. Every position may change, and a mean of signals was never kept.
pub fn write_row(out: &mut Vec<u8>, cell: &PublicCell) {
    let area = &cell.key.area;
    out.extend_from_slice(name(area.radio).as_bytes());
    for number in [area.mcc.into(), area.mnc.into(), area.lac.into(), cell.key.cid] {
        out.push(b',');
        field::number(out, number);
    }
    out.push(b',');
    if let Some(psc) = cell.psc {
        field::number(out, psc);
    }
    for degrees in [cell.lon, cell.lat] {
        out.push(b',');
        field::coordinate(out, degrees);
    }
    for number in [cell.radius_m, cell.samples] {
        out.push(b',');
        field::number(out, number);
    }
    out.extend_from_slice(b",1");
    for time in [cell.created, cell.modified] {
        out.push(b',');
        if let Some(time) = time {
            field::time(out, time);
        }
    }
    out.extend_from_slice(b",\r\n");
}

const fn name(radio: Radio) -> &'static str {
    match radio {
        Radio::Gsm => "GSM",
        Radio::Wcdma => "UMTS",
        Radio::Lte => "LTE",
        Radio::Nr => "NR",
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDateTime};

    use super::*;
    use crate::cell::{AreaKey, CellKey};

    fn at(seconds: i64) -> Option<NaiveDateTime> {
        DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc())
    }

    #[test]
    fn lines_are_the_recorded_bytes() {
        let cell = PublicCell {
            key: CellKey { area: AreaKey { radio: Radio::Gsm, mcc: 234, mnc: 30, lac: 1 }, cid: 7 },
            lat: 51.123_456_78,
            lon: -0.000_000_049,
            psc: Some(0),
            radius_m: 0,
            samples: 0,
            created: None,
            modified: at(1_795_357_800),
        };
        let other =
            |radio, lac, cid| CellKey { area: AreaKey { radio, lac, ..cell.key.area }, cid };
        let full = PublicCell {
            lat: 51.5,
            lon: -0.1,
            psc: None,
            radius_m: 1234,
            samples: u32::MAX,
            created: at(1_704_067_200),
            ..cell
        };
        for (cell, line) in [
            (cell, "GSM,234,30,1,7,0,0.0000000,51.1234568,0,0,1,,1795357800,\r\n"),
            (
                PublicCell { key: other(Radio::Gsm, 2, 5), ..full },
                "GSM,234,30,2,5,,-0.1000000,51.5000000,1234,4294967295,1,1704067200,1795357800,\r\n",
            ),
            (
                PublicCell { key: other(Radio::Wcdma, 1, 268_435_455), psc: Some(511), ..full },
                "UMTS,234,30,1,268435455,511,-0.1000000,51.5000000,1234,4294967295,1,1704067200,\
                 1795357800,\r\n",
            ),
            (
                PublicCell { key: other(Radio::Lte, 65_533, 1), modified: None, ..full },
                "LTE,234,30,65533,1,,-0.1000000,51.5000000,1234,4294967295,1,1704067200,,\r\n",
            ),
            (
                PublicCell { key: other(Radio::Nr, 0xFF_FFFD, (1 << 36) - 1), ..full },
                "NR,234,30,16777213,68719476735,,-0.1000000,51.5000000,1234,4294967295,1,\
                 1704067200,1795357800,\r\n",
            ),
        ] {
            let mut out = Vec::new();
            write_row(&mut out, &cell);
            assert_eq!(String::from_utf8(out).unwrap(), line);
        }
        assert_eq!(HEADER.split(|byte| *byte == b',').count(), 14);
    }
}
