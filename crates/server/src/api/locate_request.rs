//! The request of `/v1/geolocate` and `/v1/country`.

use ichnaea_domain::cell::Radio;
use ichnaea_domain::locate::{BlueReading, CellReading, Request, WifiReading};
use ichnaea_domain::report::is_opted_out;

use super::error::ApiError;
use super::schema::{Fields, Path, Problem};
use crate::json::Value;

/// What a cell says about its radio type.
#[derive(Clone, Copy)]
enum RadioWord {
    /// A type that stations exist for.
    Known(Radio),
    /// CDMA: a valid word, of which no station is known.
    Cdma,
}

const RADIO_WORDS: &str = "gsm, cdma, wcdma, lte, nr";

/// The radio words of this API. `umts` is what older clients call WCDMA.
fn radio_word(word: &str) -> Option<RadioWord> {
    match word {
        "cdma" => Some(RadioWord::Cdma),
        "umts" => Some(RadioWord::Known(Radio::Wcdma)),
        word => Radio::from_name(word).map(RadioWord::Known),
    }
}

/// Reads the request. An empty body asks for the client's address alone.
pub fn read(document: Option<&Value<'_>>) -> Result<Request, ApiError> {
    let Some(document) = document else {
        return Ok(Request { lacf: true, ipf: true, ..Request::default() });
    };
    let mut fields =
        Fields::open(document, &Path::Root).map_err(|problem| ApiError::Invalid(vec![problem]))?;

    fields.text("carrier");
    fields.integer("homeMobileCountryCode");
    fields.integer("homeMobileNetworkCode");
    let radio = fields.word("radioType", RADIO_WORDS, radio_word);
    let blue = fields.list("bluetoothBeacons", blue);
    let cell = fields.list("cellTowers", |fields| cell(fields, radio));
    let wifi = fields.list("wifiAccessPoints", wifi);
    // `considerIp` counts only for clients that know nothing of `fallbacks`.
    let consider_ip = fields.boolean("considerIp").unwrap_or(true);
    let fallbacks = fields.object("fallbacks", |fields| {
        let flag = |name| fields.boolean(name).unwrap_or(true);
        (flag("lacf"), flag("ipf"))
    });
    let (lacf, ipf) = fallbacks.unwrap_or((true, consider_ip));

    let nothing_left = blue.good.is_empty() && cell.good.is_empty() && wifi.good.is_empty();
    let bad: Vec<Problem> = [blue.bad, cell.bad, wifi.bad].concat();
    if !fields.problems.is_empty() || (nothing_left && !bad.is_empty()) {
        let mut problems = fields.problems;
        problems.extend(bad);
        return Err(ApiError::Invalid(problems));
    }
    Ok(Request { blue: blue.good, cell: cell.good, wifi: wifi.good, lacf, ipf })
}

fn blue(fields: &mut Fields<'_, '_>) -> BlueReading {
    BlueReading {
        mac: fields.text("macAddress").unwrap_or_default().to_owned(),
        age: fields.integer("age"),
        signal: fields.integer("signalStrength"),
        name: fields.text("name").map(str::to_owned),
    }
}

fn cell(fields: &mut Fields<'_, '_>, default: Option<RadioWord>) -> CellReading {
    // Type-checked although never used: the original overwrites it by the long name.
    fields.integer("psc");
    let radio = fields.word("radioType", RADIO_WORDS, radio_word).or(default);
    let radio = match radio {
        Some(RadioWord::Known(radio)) => Some(radio),
        Some(RadioWord::Cdma) | None => None,
    };
    let lac = fields.integer("locationAreaCode");
    let cid = fields.integer("cellId");
    let (lac, cid) = if radio == Some(Radio::Nr) {
        (
            lac.or_else(|| fields.integer("trackingAreaCode")),
            cid.or_else(|| fields.integer("newRadioCellId")),
        )
    } else {
        (lac, cid)
    };
    CellReading {
        radio,
        mcc: fields.integer("mobileCountryCode"),
        mnc: fields.integer("mobileNetworkCode"),
        lac,
        cid,
        psc: fields.integer("primaryScramblingCode"),
        age: fields.integer("age"),
        signal: fields.integer("signalStrength"),
        ta: fields.integer("timingAdvance"),
    }
}

fn wifi(fields: &mut Fields<'_, '_>) -> WifiReading {
    // The network's name is looked at once and goes no further.
    fields.text("ssid");
    WifiReading {
        mac: fields.text("macAddress").unwrap_or_default().to_owned(),
        age: fields.integer("age"),
        channel: fields.integer("channel"),
        frequency: fields.integer("frequency"),
        signal: fields.integer("signalStrength"),
        snr: fields.integer("signalToNoiseRatio"),
        is_opted_out: fields.raw_text("ssid").is_some_and(is_opted_out),
    }
}
