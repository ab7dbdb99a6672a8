//! The public cell file, as the original exports it and `OpenCelliD` hands it out.

use super::Reason;
use super::number::{Fields, Splitter, decimal, whole};
use crate::cell::{AreaKey, CellKey, Radio};
use crate::geo;
use crate::reading;
use crate::region::Regions;
use crate::station::Kind;

/// The heading of the original's files.
pub const HEADER: &str = "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,\
                          updated,averageSignal";

/// Times before this are none: 2000-01-01, when the oldest of the networks that are left began to
/// be measured at all. Unix seconds.
const OLDEST_S: i64 = 946_684_800;

/// A column that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Radio,
    Mcc,
    Net,
    Area,
    Cell,
    Unit,
    Lon,
    Lat,
    Range,
    Samples,
    Created,
    Updated,
}

/// Every column that is read, with the names it goes by and whether a row is useless without it.
const COLUMNS: [(Column, &[&str], bool); 12] = [
    (Column::Radio, &["radio"], true),
    (Column::Mcc, &["mcc"], true),
    (Column::Net, &["net", "mnc"], true),
    (Column::Area, &["area", "lac", "tac"], true),
    (Column::Cell, &["cell", "cid", "cellid"], true),
    (Column::Unit, &["unit", "psc", "pci"], false),
    (Column::Lon, &["lon", "long", "longitude"], true),
    (Column::Lat, &["lat", "latitude"], true),
    (Column::Range, &["range", "radius"], false),
    (Column::Samples, &["samples"], false),
    (Column::Created, &["created"], false),
    (Column::Updated, &["updated", "modified"], true),
];

/// Where the columns of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    places: [Option<usize>; COLUMNS.len()],
    fields: usize,
}

impl Layout {
    /// The order of [`HEADER`].
    fn usual() -> Self {
        Self { places: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12].map(Some), fields: 14 }
    }

    /// The order that a heading says; `None` when a column is missing that has to be there.
    fn of_header(fields: &Fields<'_>) -> Option<Self> {
        let place = |names: &[&str]| {
            fields.iter().position(|field| {
                names.iter().any(|name| field.eq_ignore_ascii_case(name.as_bytes()))
            })
        };
        let places = COLUMNS.map(|(_, names, _)| place(names));
        let has_all = places
            .iter()
            .zip(COLUMNS)
            .all(|(place, (_, _, is_needed))| place.is_some() || !is_needed);
        has_all.then_some(Self { places, fields: fields.len() })
    }

    fn get<'a>(&self, fields: &Fields<'a>, column: Column) -> &'a [u8] {
        self.places[column as usize].map_or(b"", |place| fields.get(place))
    }

    /// How many fields a row has at least: up to the last one that it needs.
    fn least(&self) -> usize {
        let needed = self.places.iter().zip(COLUMNS).filter(|(_, (_, _, is_needed))| *is_needed);
        needed.filter_map(|(place, _)| *place).max().map_or(0, |place| place + 1)
    }
}

/// Is this line the heading of a file of cells?
#[must_use]
pub fn is_header(line: &[u8]) -> bool {
    Splitter::default().split(line).is_ok_and(|fields| Layout::of_header(&fields).is_some())
}

/// Does this line look like a row of such a file without a heading? Whether it can be used is
/// another question.
#[must_use]
pub fn looks_like_row(line: &[u8]) -> bool {
    let mut splitter = Splitter::default();
    let Ok(fields) = splitter.split(line) else { return false };
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b' ');
    let is_number = |place| fields.get(place).iter().all(u8::is_ascii_digit);
    // The radio type may be empty, but then there are numbers behind it.
    (13..=15).contains(&fields.len())
        && fields.get(0).iter().all(is_word)
        && (1..=4).filter(|&place| !fields.get(place).is_empty() && is_number(place)).count() >= 3
}

/// How rows are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The newest time a row may have, Unix seconds.
    pub newest_s: i64,
    /// An empty unit is 0 instead of unknown, as in the original's import. It makes 0 of every unknown
    /// unit that was exported.
    pub empty_unit_is_zero: bool,
}

/// What a row says about a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellRow {
    /// Which cell.
    pub key: CellKey,
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Range in metres, at most the largest of a cell.
    pub radius_m: Option<u32>,
    /// Number of observations.
    pub samples: Option<u32>,
    /// Scrambling code or physical cell id.
    pub psc: Option<u16>,
    /// When it was first seen, Unix seconds.
    pub created_s: Option<i64>,
    /// When it changed last, Unix seconds.
    pub modified_s: i64,
}

/// Reads the lines of one file.
pub struct Reader {
    layout: Layout,
    rules: Rules,
    regions: &'static Regions,
    splitter: Splitter,
}

impl Reader {
    /// A reader of a file without a heading.
    #[must_use]
    pub fn new(rules: Rules, regions: &'static Regions) -> Self {
        Self { layout: Layout::usual(), rules, regions, splitter: Splitter::default() }
    }

    /// Takes the first line; false when it is no heading but a row.
    pub fn header(&mut self, line: &[u8]) -> bool {
        let Ok(fields) = self.splitter.split(line) else { return false };
        let layout = Layout::of_header(&fields);
        self.layout = layout.unwrap_or(self.layout);
        layout.is_some()
    }

    /// Reads a row.
    pub fn row(&mut self, line: &[u8]) -> Result<CellRow, Reason> {
        let Self { layout, rules, regions, splitter } = self;
        let fields = splitter.split(line)?;
        if fields.len() < layout.least() {
            return Err(Reason::ShortRow);
        }
        if (layout.fields..fields.len()).any(|place| !fields.get(place).is_empty()) {
            return Err(Reason::LongRow);
        }
        let get = |column| layout.get(&fields, column);
        let needed = |column| whole(get(column))?.ok_or(Reason::MissingValue);
        let radio = radio(get(Column::Radio)).map_err(|reason| match reason {
            Reason::RadioUnknown if is_header(line) => Reason::RepeatedHeader,
            reason => reason,
        })?;
        let (mcc, mnc) = (needed(Column::Mcc)?, needed(Column::Net)?);
        let (lac, cid) = (needed(Column::Area)?, needed(Column::Cell)?);
        let (lat, lon) = (decimal(get(Column::Lat))?, decimal(get(Column::Lon))?);
        let unit = whole(get(Column::Unit))?;
        let (range, samples) = (whole(get(Column::Range))?, whole(get(Column::Samples))?);
        let (created, updated) = (whole(get(Column::Created))?, whole(get(Column::Updated))?);

        let radio = reading::radio_of(radio, Some(cid));
        let mcc = u16::try_from(mcc).ok().filter(|&mcc| regions.is_mcc(mcc));
        let area = AreaKey {
            radio,
            mcc: mcc.ok_or(Reason::UnknownMcc)?,
            mnc: reading::mnc(mnc).ok_or(Reason::BadMnc)?,
            lac: reading::lac(radio, lac).ok_or(Reason::BadArea)?,
        };
        let key = CellKey { area, cid: reading::cid(radio, cid).ok_or(Reason::BadCell)? };
        let (lat, lon) = position(lat, lon)?;
        let empty_unit = rules.empty_unit_is_zero.then_some(0);
        Ok(CellRow {
            key,
            lat,
            lon,
            radius_m: range.map(radius_m).transpose()?,
            samples: samples.map(count).transpose()?,
            psc: unit.or(empty_unit).and_then(|unit| reading::psc(radio, unit)),
            // Nobody needs to know when a cell was first seen: it is left out when it cannot be true.
            created_s: created.filter(|&time| (OLDEST_S..=rules.newest_s).contains(&time)),
            modified_s: modified_s(updated, rules.newest_s)?,
        })
    }
}

/// The radio type of a word, in any case and with the usual separators.
fn radio(field: &[u8]) -> Result<Radio, Reason> {
    /// Longer than any of the words.
    const LONGEST: usize = 16;
    let mut word = [0; LONGEST];
    let letters = field.iter().filter(|byte| !matches!(byte, b'-' | b'_' | b' '));
    let mut len = 0;
    for letter in letters {
        *word.get_mut(len).ok_or(Reason::RadioUnknown)? = letter.to_ascii_lowercase();
        len += 1;
    }
    match &word[..len] {
        b"gsm" => Ok(Radio::Gsm),
        b"umts" | b"wcdma" => Ok(Radio::Wcdma),
        b"lte" => Ok(Radio::Lte),
        b"nr" | b"5g" | b"5gnr" | b"nr5g" => Ok(Radio::Nr),
        b"cdma" | b"cdma2000" | b"evdo" | b"nbiot" | b"tdscdma" => Err(Reason::RadioUnsupported),
        b"" => Err(Reason::RadioMissing),
        _ => Err(Reason::RadioUnknown),
    }
}

pub(super) fn position(lat: Option<f64>, lon: Option<f64>) -> Result<(f64, f64), Reason> {
    let (Some(lat), Some(lon)) = (lat, lon) else { return Err(Reason::MissingValue) };
    if lat.abs() > geo::MAX_LAT || lon.abs() > geo::MAX_LON {
        return Err(Reason::BadPosition);
    }
    if lat == 0.0 && lon == 0.0 {
        return Err(Reason::NoPosition);
    }
    Ok((lat, lon))
}

/// At most the largest range of a cell.
fn radius_m(range: i64) -> Result<u32, Reason> {
    #[expect(clippy::cast_possible_truncation, reason = "a constant far below the limit")]
    const MOST: i64 = Kind::Cell.max_distance_m() as i64;
    u32::try_from(range.min(MOST)).map_err(|_| Reason::BadRange)
}

fn count(samples: i64) -> Result<u32, Reason> {
    u32::try_from(samples.min(i64::from(u32::MAX))).map_err(|_| Reason::BadSamples)
}

fn modified_s(updated: Option<i64>, newest_s: i64) -> Result<i64, Reason> {
    match updated {
        Some(time) if time > newest_s => Err(Reason::FutureTime),
        Some(time) if time >= OLDEST_S => Ok(time),
        _ => Err(Reason::BadTime),
    }
}

#[cfg(test)]
mod tests;
