//! Tables of stations with all columns, one kind a file, as the original's dump writes them.

use chrono::NaiveDate;

use super::Reason;
use super::cell_csv::position;
use super::merge::time;
use super::number::{Fields, Splitter, decimal, whole};
use crate::cell::{AreaKey, CellKey, Radio};
use crate::mac::Mac;
use crate::reading;
use crate::region::Regions;
use crate::station::{Kind, RegionCode, Source, Station, StationKey};

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Cells, by radio type and numbers.
    Cell,
    /// Access points or beacons, by address.
    Mac,
}

/// The heading of a table of addresses; that of cells has [`CELL_KEYS`] in place of `mac`.
pub const MAC_HEADER: &str = "mac,lat,lon,max_lat,min_lat,max_lon,min_lon,radius,region,samples,\
                              source,weight,created,modified,last_seen,block_first,block_last,\
                              block_count";

/// The columns that say which cell a row is about.
pub const CELL_KEYS: &str = "radio,mcc,mnc,lac,cid,psc";

/// How many columns there are behind the keys.
const VALUES: usize = 17;

/// What the heading of such a table is about; `None` for any other line.
#[must_use]
pub fn kind_of_header(line: &[u8]) -> Option<Columns> {
    let text = std::str::from_utf8(line.trim_ascii()).ok()?;
    let values = |rest: &str| {
        // A heading that was cut off at the end of what was looked at counts too.
        let expected = &MAC_HEADER["mac".len()..];
        rest.len() > 40 && expected.starts_with(rest)
    };
    if text.strip_prefix(CELL_KEYS).is_some_and(values) {
        return Some(Columns::Cell);
    }
    text.strip_prefix("mac").is_some_and(values).then_some(Columns::Mac)
}

/// Reads the rows of one table.
pub struct Reader {
    kind: Kind,
    newest_s: i64,
    regions: &'static Regions,
    splitter: Splitter,
}

impl Reader {
    /// A reader of a table of this kind of stations; no row may have changed after `newest_s`, Unix
    /// seconds.
    #[must_use]
    pub fn new(kind: Kind, newest_s: i64, regions: &'static Regions) -> Self {
        Self { kind, newest_s, regions, splitter: Splitter::default() }
    }

    /// Reads a row.
    pub fn row(&mut self, line: &[u8]) -> Result<(StationKey, Station), Reason> {
        if kind_of_header(line).is_some() {
            return Err(Reason::RepeatedHeader);
        }
        let Self { kind, newest_s, regions, splitter } = self;
        let fields = splitter.split(line)?;
        let keys = match kind {
            Kind::Cell => CELL_KEYS.split(',').count(),
            Kind::Blue | Kind::Wifi => 1,
        };
        match fields.len() {
            count if count < keys + VALUES => return Err(Reason::ShortRow),
            count if count > keys + VALUES => return Err(Reason::LongRow),
            _ => {}
        }
        let key = match kind {
            Kind::Blue => StationKey::Blue(mac(fields.get(0))?),
            Kind::Wifi => StationKey::Wifi(mac(fields.get(0))?),
            Kind::Cell => StationKey::Cell(cell(&fields, regions)?),
        };
        let psc = match key {
            StationKey::Cell(key) => {
                whole(fields.get(5))?.and_then(|psc| reading::psc(key.area.radio, psc))
            }
            StationKey::Blue(_) | StationKey::Wifi(_) => None,
        };
        Ok((key, Station { psc, ..station(&Values { fields: &fields, keys }, *newest_s)? }))
    }
}

fn mac(field: &[u8]) -> Result<Mac, Reason> {
    let text = std::str::from_utf8(field).map_err(|_| Reason::BadMac)?;
    Mac::parse(text).ok_or(Reason::BadMac)
}

fn cell(fields: &Fields<'_>, regions: &Regions) -> Result<CellKey, Reason> {
    let radio = std::str::from_utf8(fields.get(0)).unwrap_or_default().to_ascii_lowercase();
    let radio = match radio.as_str() {
        "" => return Err(Reason::RadioMissing),
        name => Radio::from_name(name).ok_or(Reason::RadioUnknown)?,
    };
    let needed = |place| whole(fields.get(place))?.ok_or(Reason::MissingValue);
    let mcc = u16::try_from(needed(1)?).ok().filter(|&mcc| regions.is_mcc(mcc));
    let area = AreaKey {
        radio,
        mcc: mcc.ok_or(Reason::UnknownMcc)?,
        mnc: reading::mnc(needed(2)?).ok_or(Reason::BadMnc)?,
        lac: reading::lac(radio, needed(3)?).ok_or(Reason::BadArea)?,
    };
    Ok(CellKey { area, cid: reading::cid(radio, needed(4)?).ok_or(Reason::BadCell)? })
}

/// The fields behind the keys.
struct Values<'a> {
    fields: &'a Fields<'a>,
    keys: usize,
}

impl Values<'_> {
    fn field(&self, place: usize) -> &[u8] {
        self.fields.get(self.keys + place)
    }

    fn whole(&self, place: usize) -> Result<Option<i64>, Reason> {
        whole(self.field(place))
    }

    fn decimal(&self, place: usize) -> Result<Option<f64>, Reason> {
        decimal(self.field(place))
    }

    fn count(&self, place: usize, reason: Reason) -> Result<Option<u32>, Reason> {
        self.whole(place)?.map(|count| u32::try_from(count).map_err(|_| reason)).transpose()
    }

    fn day(&self, place: usize) -> Result<Option<NaiveDate>, Reason> {
        let day = |seconds| time(seconds).ok_or(Reason::BadTime);
        Ok(self.whole(place)?.map(day).transpose()?.map(|time| time.date()))
    }
}

fn station(values: &Values<'_>, newest_s: i64) -> Result<Station, Reason> {
    let (lat, lon) = (values.decimal(0)?, values.decimal(1)?);
    if lat.is_some() || lon.is_some() {
        position(lat, lon)?;
    }
    let is_positioned = lat.is_some();
    let edge = |place, most: f64| match values.decimal(place)? {
        Some(edge) if edge.abs() > most => Err(Reason::BadPosition),
        edge => Ok(edge),
    };
    let (max_lat, max_lon) = (crate::geo::MAX_LAT, crate::geo::MAX_LON);
    let modified = values.whole(12)?;
    if modified.is_some_and(|modified| modified > newest_s) {
        return Err(Reason::FutureTime);
    }
    let region = std::str::from_utf8(values.field(7)).unwrap_or_default();
    let at = |seconds: Option<i64>| seconds.map(|at| time(at).ok_or(Reason::BadTime)).transpose();
    // The dump writes 0 where the table has nothing.
    let blocks = values.count(16, Reason::BadSamples)?.filter(|&count| count > 0);
    Ok(Station {
        lat,
        lon,
        max_lat: edge(2, max_lat)?,
        min_lat: edge(3, max_lat)?,
        max_lon: edge(4, max_lon)?,
        min_lon: edge(5, max_lon)?,
        radius_m: values.count(6, Reason::BadRange)?.filter(|_| is_positioned),
        region: RegionCode::parse(region),
        samples: values.count(8, Reason::BadSamples)?.filter(|_| is_positioned),
        source: values.whole(9)?.and_then(Source::from_code),
        weight: values.decimal(10)?.filter(|&weight| weight > 0.0),
        created: at(values.whole(11)?)?,
        modified: at(modified)?,
        last_seen: values.day(13)?,
        block_first: values.day(14)?,
        block_last: values.day(15)?,
        block_count: blocks,
        psc: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, line: &str) -> Result<(StationKey, Station), Reason> {
        Reader::new(kind, 2_000_000_000, Regions::shared()).row(line.as_bytes())
    }

    #[test]
    fn headings_say_what_the_rows_are_about() {
        let cells = MAC_HEADER.replace("mac,", &format!("{CELL_KEYS},"));
        assert_eq!(kind_of_header(MAC_HEADER.as_bytes()), Some(Columns::Mac));
        assert_eq!(kind_of_header(cells.as_bytes()), Some(Columns::Cell));
        assert_eq!(kind_of_header(b"mac,lat,lon"), None);
        assert_eq!(kind_of_header(b"radio,mcc,net,area,cell,unit,lon,lat"), None);
    }

    #[test]
    fn a_row_of_the_dump_is_the_row_of_the_table() {
        let line = "94b40f010d01,51.5000000,-0.1000000,51.5010000,51.4990000,-0.0990000,-0.1010000,\
                    38,GB,12,3,4.5,1700000000,1700000001,1700006400,,,0";
        let (key, station) = read(Kind::Wifi, line).unwrap();
        assert_eq!(key, StationKey::Wifi(Mac::parse("94b40f010d01").unwrap()));
        let expected = Station {
            lat: Some(51.5),
            lon: Some(-0.1),
            max_lat: Some(51.501),
            min_lat: Some(51.499),
            max_lon: Some(-0.099),
            min_lon: Some(-0.101),
            radius_m: Some(38),
            region: RegionCode::parse("GB"),
            samples: Some(12),
            source: Some(Source::Gnss),
            weight: Some(4.5),
            created: time(1_700_000_000),
            modified: time(1_700_000_001),
            last_seen: time(1_700_006_400).map(|time| time.date()),
            ..Station::default()
        };
        assert_eq!(station, expected);
    }

    #[test]
    fn a_station_without_a_position_keeps_its_blocks() {
        let line = "GSM,234,30,5,7,,,,,,,,0,GB,0,,0,1700000000,1700000001,,1700006400,1700006400,2";
        let (_, station) = read(Kind::Cell, line).unwrap();
        assert_eq!((station.lat, station.radius_m, station.samples), (None, None, None));
        assert_eq!((station.weight, station.block_count), (None, Some(2)));
    }

    #[test]
    fn rows_that_cannot_be_used_have_a_reason() {
        let good = "94b40f010d01,51.5,-0.1,,,,,38,GB,12,3,4.5,1700000000,1700000001,,,,0";
        assert!(read(Kind::Blue, good).is_ok());
        for (from, to, reason) in [
            ("94b40f010d01", "94b40f010d0", Reason::BadMac),
            ("94b40f010d01", "000000000000", Reason::BadMac),
            ("51.5", "91.5", Reason::BadPosition),
            ("51.5", "", Reason::MissingValue),
            ("38,", "-38,", Reason::BadRange),
            ("38,", "38,,", Reason::LongRow),
            (",0", "", Reason::ShortRow),
            ("1700000001", "2700000001", Reason::FutureTime),
            ("1700000001", "x", Reason::BadNumber),
        ] {
            let line = good.replacen(from, to, 1);
            assert_eq!(read(Kind::Blue, &line).err(), Some(reason), "{line}");
        }
        assert_eq!(read(Kind::Wifi, MAC_HEADER).err(), Some(Reason::RepeatedHeader));
    }
}
