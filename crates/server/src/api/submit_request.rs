//! The requests of the three submit versions, all read into the newest form.

use ichnaea_domain::report::{
    Position, Report, ReportedBlue, ReportedCell, ReportedWifi, is_opted_out,
};
use ichnaea_domain::station::Source;

use super::error::ApiError;
use super::iso_time;
use super::schema::{Fields, Path, Problem};
use crate::json::Value;

/// Time stamps outside of these bounds, milliseconds since 1970, count as not given.
const TIMESTAMP_BOUNDS: std::ops::RangeInclusive<i64> = 1_000_000_000_001..=9_999_999_999_999;

/// The member names in which the versions differ.
struct Names {
    timestamp: &'static str,
    radio: &'static str,
    lat: &'static str,
    lon: &'static str,
    altitude_accuracy: &'static str,
    blue: &'static str,
    cell: &'static str,
    wifi: &'static str,
    mac: &'static str,
    signal: &'static str,
    mcc: &'static str,
    mnc: &'static str,
    lac: &'static str,
    cid: &'static str,
    psc: &'static str,
    ta: &'static str,
}

/// A version of the submit API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `/v1/submit`: short names, time as text.
    V0,
    /// `/v1/geosubmit`: position fields in the report.
    V1,
    /// `/v2/geosubmit`: position as an object.
    V2,
}

const LONG: Names = Names {
    timestamp: "timestamp",
    radio: "radioType",
    lat: "latitude",
    lon: "longitude",
    altitude_accuracy: "altitudeAccuracy",
    blue: "bluetoothBeacons",
    cell: "cellTowers",
    wifi: "wifiAccessPoints",
    mac: "macAddress",
    signal: "signalStrength",
    mcc: "mobileCountryCode",
    mnc: "mobileNetworkCode",
    lac: "locationAreaCode",
    cid: "cellId",
    psc: "primaryScramblingCode",
    ta: "timingAdvance",
};

const V0: Names = Names {
    timestamp: "time",
    radio: "radio",
    lat: "lat",
    lon: "lon",
    altitude_accuracy: "altitude_accuracy",
    blue: "blue",
    cell: "cell",
    wifi: "wifi",
    mac: "key",
    signal: "signal",
    mcc: "mcc",
    mnc: "mnc",
    lac: "lac",
    cid: "cid",
    psc: "psc",
    ta: "ta",
};

const V1: Names = Names { psc: "psc", ..LONG };

impl Version {
    const fn names(self) -> &'static Names {
        match self {
            Self::V0 => &V0,
            Self::V1 => &V1,
            Self::V2 => &LONG,
        }
    }
}

/// Reads all reports that have something to tell; `now_ms` is the time for those without one.
pub fn read(
    document: Option<&Value<'_>>,
    version: Version,
    now_ms: i64,
) -> Result<Vec<Report>, ApiError> {
    let document = document.ok_or(ApiError::EmptyBody)?;
    let mut fields =
        Fields::open(document, &Path::Root).map_err(|problem| ApiError::Invalid(vec![problem]))?;
    if !fields.has("items") {
        let required = Problem { path: "items".to_owned(), text: "Required".to_owned() };
        return Err(ApiError::Invalid(vec![required]));
    }
    let reports = fields.list("items", |fields| report(fields, version, now_ms));
    let mut problems = fields.problems;
    // One bad report never costs the others.
    if reports.good.is_empty() {
        problems.extend(reports.bad);
    }
    if problems.is_empty() {
        Ok(reports.good.into_iter().filter(has_networks).collect())
    } else {
        Err(ApiError::Invalid(problems))
    }
}

/// Reads one report out of a file, in the form of whichever version it has; `now_ms` is the time of
/// one without a time. Networks that ask to be left out are gone, and perhaps all were.
pub fn read_report(item: &Value<'_>, now_ms: i64) -> Result<Report, Vec<Problem>> {
    let mut fields = Fields::open(item, &Path::Root).map_err(|problem| vec![problem])?;
    let has_any = |names: &[&str]| names.iter().any(|name| fields.has(name));
    let version = if has_any(&["position"]) {
        Version::V2
    } else if has_any(&[V0.lat, V0.lon, V0.timestamp, V0.blue, V0.cell, V0.wifi]) {
        Version::V0
    } else {
        Version::V1
    };
    let report = report(&mut fields, version, now_ms);
    if fields.problems.is_empty() { Ok(report) } else { Err(fields.problems) }
}

fn has_networks(report: &Report) -> bool {
    !(report.blue.is_empty() && report.cell.is_empty() && report.wifi.is_empty())
}

fn report(fields: &mut Fields<'_, '_>, version: Version, now_ms: i64) -> Report {
    let names = version.names();
    let timestamp = if version == Version::V0 {
        fields.text(names.timestamp).and_then(iso_time::milliseconds)
    } else {
        fields.integer(names.timestamp)
    };
    let (carrier, home_mcc, home_mnc) = if version == Version::V0 {
        (None, None, None)
    } else {
        (
            fields.text("carrier").map(str::to_owned),
            fields.integer("homeMobileCountryCode"),
            fields.integer("homeMobileNetworkCode"),
        )
    };
    let default_radio = radio(fields, names.radio);
    let position = if version == Version::V2 && fields.has("position") {
        fields.object("position", |fields| position(fields, names))
    } else {
        // In the newest version this is the shape of the one before, which one client sends.
        Some(position(fields, names)).filter(|position| *position != Position::default())
    };
    let blue = fields.list(names.blue, |fields| blue(fields, names));
    let cell = fields.list(names.cell, |fields| cell(fields, names, default_radio.as_deref()));
    let wifi = fields.list(names.wifi, |fields| wifi(fields, names));

    let nothing_good = blue.good.is_empty() && cell.good.is_empty() && wifi.good.is_empty();
    if nothing_good || !fields.problems.is_empty() {
        fields.problems.extend(blue.bad);
        fields.problems.extend(cell.bad);
        fields.problems.extend(wifi.bad);
    }
    Report {
        carrier,
        home_mcc,
        home_mnc,
        timestamp: timestamp.filter(|time| TIMESTAMP_BOUNDS.contains(time)).or(Some(now_ms)),
        blue: blue.good.into_iter().filter(|reading| reading.mac.is_some()).collect(),
        wifi: wifi.good.into_iter().flatten().filter(|reading| reading.mac.is_some()).collect(),
        cell: cell.good,
        fallbacks: None,
        position,
    }
}

fn position(fields: &mut Fields<'_, '_>, names: &Names) -> Position {
    Position {
        lat: fields.number(names.lat),
        lon: fields.number(names.lon),
        accuracy: fields.number("accuracy"),
        age: fields.integer("age"),
        altitude: fields.number("altitude"),
        altitude_accuracy: fields.number(names.altitude_accuracy),
        heading: fields.number("heading"),
        pressure: fields.number("pressure"),
        speed: fields.number("speed"),
        source: fields
            .text("source")
            .and_then(|word| Source::from_name(&word.to_ascii_lowercase())),
    }
}

/// The radio word in lower case; an unknown word is dropped.
fn radio(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    let word = fields.text(name)?.to_ascii_lowercase();
    matches!(word.as_str(), "gsm" | "cdma" | "umts" | "wcdma" | "lte" | "nr").then_some(word)
}

fn blue(fields: &mut Fields<'_, '_>, names: &Names) -> ReportedBlue {
    ReportedBlue {
        mac: fields.text(names.mac).map(str::to_owned),
        age: fields.integer("age"),
        name: fields.text("name").map(str::to_owned),
        signal: fields.integer(names.signal),
    }
}

fn cell(fields: &mut Fields<'_, '_>, names: &Names, default_radio: Option<&str>) -> ReportedCell {
    let radio = radio(fields, names.radio).or_else(|| default_radio.map(str::to_owned));
    let is_nr = radio.as_deref() == Some("nr");
    let radio = radio.map(|radio| if radio == "umts" { "wcdma".to_owned() } else { radio });
    let mut lac = fields.integer(names.lac);
    let mut cid = fields.integer(names.cid);
    if is_nr {
        lac = lac.or_else(|| fields.integer("trackingAreaCode"));
        cid = cid.or_else(|| fields.integer("newRadioCellId"));
    }
    ReportedCell {
        radio,
        mcc: fields.integer(names.mcc),
        mnc: fields.integer(names.mnc),
        lac,
        cid,
        age: fields.integer("age"),
        asu: fields.integer("asu"),
        psc: fields.integer(names.psc),
        serving: fields.integer("serving"),
        signal: fields.integer(names.signal),
        ta: fields.integer(names.ta),
    }
}

/// `None` when the owner asks to be left out.
fn wifi(fields: &mut Fields<'_, '_>, names: &Names) -> Option<ReportedWifi> {
    // The network's name is looked at once and goes no further.
    fields.text("ssid");
    let reading = ReportedWifi {
        mac: fields.text(names.mac).map(str::to_owned),
        age: fields.integer("age"),
        channel: fields.integer("channel"),
        frequency: fields.integer("frequency"),
        radio: fields.text(names.radio).map(str::to_owned),
        signal: fields.integer(names.signal),
        snr: fields.integer("signalToNoiseRatio"),
    };
    (!fields.raw_text("ssid").is_some_and(is_opted_out)).then_some(reading)
}
