//! Rows of the formats that say where stations are: read, packed for sorting, and unpacked as
//! stations.

use ichnaea_domain::cell::{AreaKey, CellKey, Radio};
use ichnaea_domain::import::cell_csv::{self, CellRow};
use ichnaea_domain::import::merge::{self, Overwrites};
use ichnaea_domain::import::{Format, Reason, table_dump};
use ichnaea_domain::region::Regions;
use ichnaea_domain::station::{Kind, Shard, Station, StationKey};

/// Reads the lines of one file.
pub(super) enum Reader {
    /// A public file of cells.
    Cells(cell_csv::Reader),
    /// A table with all columns.
    Dump(table_dump::Reader),
}

/// A row that can be used, ready to be sorted.
pub(super) struct Packed {
    pub(super) key: u128,
    pub(super) modified: i64,
    pub(super) payload: Vec<u8>,
}

/// Which rows are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Cell(Radio),
    Blue,
    Wifi,
}

impl Group {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cell(radio) => radio.name(),
            Self::Blue => "blue",
            Self::Wifi => "wifi",
        }
    }

    pub(super) const fn of(shard: Shard) -> Self {
        match shard {
            Shard::Blue(_) => Self::Blue,
            Shard::Cell(radio) => Self::Cell(radio),
            Shard::Wifi(_) => Self::Wifi,
        }
    }
}

impl Reader {
    /// A reader of a format of this class; `None` for one whose rows are observations.
    pub(super) fn new(
        format: Format,
        rules: cell_csv::Rules,
        regions: &'static Regions,
    ) -> Option<Self> {
        let dump = |kind| Self::Dump(table_dump::Reader::new(kind, rules.newest_s, regions));
        Some(match format {
            Format::Cells => Self::Cells(cell_csv::Reader::new(rules, regions)),
            Format::CellDump => dump(Kind::Cell),
            Format::WifiDump => dump(Kind::Wifi),
            Format::BlueDump => dump(Kind::Blue),
            _ => return None,
        })
    }

    /// How much of a known station these rows overwrite.
    pub(super) const fn overwrites(&self) -> Overwrites {
        match self {
            Self::Cells(_) => Overwrites::Position,
            Self::Dump(_) => Overwrites::Everything,
        }
    }

    /// Takes the first line; false when it is no heading but a row.
    pub(super) fn header(&mut self, line: &[u8]) -> bool {
        match self {
            Self::Cells(reader) => reader.header(line),
            Self::Dump(_) => table_dump::kind_of_header(line).is_some(),
        }
    }

    /// Reads a row.
    pub(super) fn row(&mut self, line: &[u8]) -> Result<Packed, Reason> {
        match self {
            Self::Cells(reader) => {
                let row = reader.row(line)?;
                Ok(Packed {
                    key: cell_order(&row.key),
                    modified: row.modified_s,
                    payload: pack(&row),
                })
            }
            Self::Dump(reader) => {
                let (key, station) = reader.row(line)?;
                let modified = station.modified.map_or(i64::MIN, |time| time.and_utc().timestamp());
                Ok(Packed { key: order(&key), modified, payload: line.to_vec() })
            }
        }
    }

    /// The station that a packed row is.
    pub(super) fn station(
        &mut self,
        row: &super::sort::Sorted,
        regions: &Regions,
    ) -> Option<(StationKey, Station)> {
        match self {
            Self::Cells(_) => {
                Some(merge::station(&unpack(row.key, row.modified, &row.payload)?, regions))
            }
            Self::Dump(reader) => reader.row(&row.payload).ok(),
        }
    }
}

/// Whose rows a key belongs to.
pub(super) fn group(key: u128) -> Option<Group> {
    match key.to_be_bytes() {
        [BLUE, ..] => Some(Group::Blue),
        [WIFI, ..] => Some(Group::Wifi),
        [_, _, radio, ..] => Radio::from_code(radio).map(Group::Cell),
    }
}

/// First byte of the keys of addresses; cells have 0.
const BLUE: u8 = 1;
const WIFI: u8 = 2;

/// A number that sorts stations as their tables do.
fn order(key: &StationKey) -> u128 {
    let mac = |first: u8, mac: &ichnaea_domain::mac::Mac| {
        let number = mac.bytes().iter().fold(0, |sum, &byte| sum << 8 | u128::from(byte));
        let shard = mac.shard().name().to_digit(16).unwrap_or(0);
        u128::from(first) << 120 | u128::from(shard) << 48 | number
    };
    match key {
        StationKey::Blue(address) => mac(BLUE, address),
        StationKey::Wifi(address) => mac(WIFI, address),
        StationKey::Cell(cell) => cell_order(cell),
    }
}

fn cell_order(CellKey { area: AreaKey { radio, mcc, mnc, lac }, cid }: &CellKey) -> u128 {
    u128::from(radio.code()) << 104
        | u128::from(*mcc) << 88
        | u128::from(*mnc) << 72
        | u128::from(*lac) << 40
        | u128::from(*cid)
}

fn cell_of(order: u128) -> Option<CellKey> {
    let part = |shift: u32, bits: u32| (order >> shift) & ((1 << bits) - 1);
    let radio = Radio::from_code(u8::try_from(part(104, 8)).ok()?)?;
    let (mcc, mnc) = (u16::try_from(part(88, 16)).ok()?, u16::try_from(part(72, 16)).ok()?);
    let (lac, cid) = (u32::try_from(part(40, 32)).ok()?, u64::try_from(part(0, 40)).ok()?);
    Some(CellKey { area: AreaKey { radio, mcc, mnc, lac }, cid })
}

/// Everything but key and time of change; what is missing is not there.
fn pack(row: &CellRow) -> Vec<u8> {
    let mut packed = Vec::with_capacity(40);
    packed.push(
        u8::from(row.radius_m.is_some())
            | u8::from(row.samples.is_some()) << 1
            | u8::from(row.psc.is_some()) << 2
            | u8::from(row.created_s.is_some()) << 3,
    );
    packed.extend_from_slice(&row.lat.to_le_bytes());
    packed.extend_from_slice(&row.lon.to_le_bytes());
    packed.extend(row.radius_m.into_iter().flat_map(u32::to_le_bytes));
    packed.extend(row.samples.into_iter().flat_map(u32::to_le_bytes));
    packed.extend(row.psc.into_iter().flat_map(u16::to_le_bytes));
    packed.extend(row.created_s.into_iter().flat_map(i64::to_le_bytes));
    packed
}

fn unpack(key: u128, modified_s: i64, packed: &[u8]) -> Option<CellRow> {
    fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
        let (taken, left) = rest.split_first_chunk::<N>()?;
        *rest = left;
        Some(*taken)
    }
    let rest = &mut &*packed;
    let [flags] = take::<1>(rest)?;
    let has = |bit: u8| flags >> bit & 1 == 1;
    let lat = f64::from_le_bytes(take(rest)?);
    let lon = f64::from_le_bytes(take(rest)?);
    let radius_m = if has(0) { Some(u32::from_le_bytes(take(rest)?)) } else { None };
    let samples = if has(1) { Some(u32::from_le_bytes(take(rest)?)) } else { None };
    let psc = if has(2) { Some(u16::from_le_bytes(take(rest)?)) } else { None };
    let created_s = if has(3) { Some(i64::from_le_bytes(take(rest)?)) } else { None };
    Some(CellRow { key: cell_of(key)?, lat, lon, radius_m, samples, psc, created_s, modified_s })
}

#[cfg(test)]
mod tests {
    use ichnaea_domain::mac::Mac;

    use super::*;

    fn row(radio: Radio, lac: u32, cid: u64, optional: bool) -> CellRow {
        CellRow {
            key: CellKey { area: AreaKey { radio, mcc: 262, mnc: 999, lac }, cid },
            lat: 51.123_456_7,
            lon: -0.1,
            radius_m: optional.then_some(100_000),
            samples: optional.then_some(u32::MAX),
            psc: optional.then_some(511),
            created_s: optional.then_some(1_500_000_000),
            modified_s: 1_600_000_000,
        }
    }

    #[test]
    fn a_packed_row_comes_back_as_it_was() {
        for optional in [true, false] {
            for row in [
                row(Radio::Gsm, 1, 1, optional),
                row(Radio::Lte, 65_533, (1 << 28) - 1, optional),
                row(Radio::Nr, 16_777_213, (1 << 36) - 1, optional),
            ] {
                let key = cell_order(&row.key);
                assert_eq!(unpack(key, row.modified_s, &pack(&row)), Some(row));
                assert_eq!(group(key), Some(Group::Cell(row.key.area.radio)));
            }
        }
    }

    #[test]
    fn rows_sort_as_their_tables_do() {
        let cells = [
            row(Radio::Gsm, 1, 5, true),
            row(Radio::Gsm, 2, 1, true),
            row(Radio::Wcdma, 1, 1, true),
            row(Radio::Lte, 1, 1, true),
            row(Radio::Nr, 1, 1, true),
        ];
        let keys: Vec<u128> = cells.iter().map(|row| cell_order(&row.key)).collect();
        assert!(keys.is_sorted());
        let wifi = |text: &str| order(&StationKey::Wifi(Mac::parse(text).unwrap()));
        assert!(wifi("ffffff0000ff") > wifi("0000100000aa"));
        assert!(wifi("ffff00000001") < wifi("000010000001"), "the table comes first");
        assert_eq!(group(wifi("ffff00000001")), Some(Group::Wifi));
    }
}
