//! The wire formats of outside location providers.

use ichnaea_domain::cell::Radio;
use ichnaea_domain::locate::{Blue, Cell, Query, Wifi};
use serde_json::{Map, Value, json};

use crate::api::loose_number;
use crate::json;

/// The formats a key can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Another installation of this service.
    Ichnaea,
    /// Combain.
    Combain,
    /// Google.
    GoogleMaps,
    /// Unwired Labs and its sisters.
    UnwiredLabs,
}

/// What a provider said.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It knows no position.
    NotFound,
    /// It knows one.
    Found(Position),
}

/// A position of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Accuracy, metres.
    pub accuracy_m: f64,
    /// The provider fell back to a cell area.
    pub is_lacf: bool,
}

impl Schema {
    /// The format with this name; none given means our own. A name nobody knows means that the
    /// provider cannot be asked.
    #[must_use]
    pub fn parse(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("ichnaea/v1") => Some(Self::Ichnaea),
            Some("combain/v1") => Some(Self::Combain),
            Some("googlemaps/v1") => Some(Self::GoogleMaps),
            Some("unwiredlabs/v1") => Some(Self::UnwiredLabs),
            Some(_) => None,
        }
    }

    /// The name in the keys of cached answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ichnaea => "ichnaea",
            Self::Combain => "combain",
            Self::GoogleMaps => "googlemaps",
            Self::UnwiredLabs => "unwiredlabs",
        }
    }

    /// Address and body of a call. The address of Unwired Labs carries the token behind a `#`;
    /// one that does not cannot be asked.
    #[must_use]
    pub fn call(self, url: &str, query: &Query) -> Option<(String, Value)> {
        let fallbacks = json!({"lacf": query.lacf, "ipf": false});
        let mut body = Map::new();
        match self {
            Self::Ichnaea | Self::Combain => {
                body.insert("fallbacks".to_owned(), fallbacks);
                put(&mut body, "bluetoothBeacons", blue(query));
                put(&mut body, "cellTowers", cells(query, true));
                put(&mut body, "wifiAccessPoints", wifi(query));
                Some((url.to_owned(), Value::Object(body)))
            }
            Self::GoogleMaps => {
                body.insert("considerIp".to_owned(), Value::Bool(false));
                put(&mut body, "cellTowers", cells(query, false));
                put(&mut body, "wifiAccessPoints", wifi(query));
                Some((url.to_owned(), Value::Object(body)))
            }
            Self::UnwiredLabs => {
                let (url, token) = url.split_once('#').filter(|(_, token)| !token.contains('#'))?;
                body.insert("token".to_owned(), token.into());
                body.insert("fallbacks".to_owned(), fallbacks);
                put(&mut body, "cells", unwired_cells(query));
                put(&mut body, "wifi", unwired_wifi(query));
                Some((url.to_owned(), Value::Object(body)))
            }
        }
    }

    /// Reads an answer with a status of success. `None`: not of this format.
    #[must_use]
    pub fn answer(self, text: &str) -> Option<Answer> {
        let document = json::parse(text).ok()?;
        let json::Value::Object(_) = &document else { return None };
        let lon_name = match self {
            Self::UnwiredLabs => {
                match (text_member(&document, "status")?, document.get("message")) {
                    ("ok", _) => {}
                    (_, Some(json::Value::Text(message))) if message == "No matches found" => {
                        return Some(Answer::NotFound);
                    }
                    _ => return None,
                }
                "lon"
            }
            _ => "lng",
        };
        let location = match self {
            Self::UnwiredLabs => &document,
            _ => document.get("location")?,
        };
        let is_lacf = match document.get("fallback") {
            Some(json::Value::Text(word)) => word == "lacf",
            Some(other) if !other.is_falsy() => return None,
            _ => false,
        };
        Some(Answer::Found(Position {
            lat: number(location.get("lat")?)?,
            lon: number(location.get(lon_name)?)?,
            accuracy_m: number(document.get("accuracy")?)?,
            is_lacf,
        }))
    }
}

fn text_member<'v>(document: &'v json::Value<'_>, name: &str) -> Option<&'v str> {
    match document.get(name) {
        Some(json::Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// A finite number, read as loosely as those of our own clients.
fn number(value: &json::Value<'_>) -> Option<f64> {
    loose_number(value).ok()?.filter(|number| number.is_finite())
}

/// Adds a list that is not empty.
fn put(body: &mut Map<String, Value>, name: &str, items: Vec<Value>) {
    if !items.is_empty() {
        body.insert(name.to_owned(), Value::Array(items));
    }
}

/// An object of the members that are known.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let known = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(known.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn blue(query: &Query) -> Vec<Value> {
    let one = |network: &Blue| {
        object([
            ("macAddress", network.mac.to_string().into()),
            ("age", network.age.into()),
            ("name", network.name.as_deref().into()),
            ("signalStrength", network.signal.into()),
        ])
    };
    query.blue.iter().map(one).collect()
}

fn wifi(query: &Query) -> Vec<Value> {
    let one = |network: &Wifi| {
        object([
            ("macAddress", network.mac.to_string().into()),
            ("age", network.age.into()),
            ("channel", network.channel.into()),
            ("signalStrength", network.signal.into()),
            ("signalToNoiseRatio", network.snr.into()),
        ])
    };
    query.wifi.iter().map(one).collect()
}

fn cells(query: &Query, has_psc: bool) -> Vec<Value> {
    let one = |network: &Cell| {
        let (area, cid) = (network.key.area, network.key.cid);
        object([
            ("radioType", area.radio.name().into()),
            ("mobileCountryCode", area.mcc.into()),
            ("mobileNetworkCode", area.mnc.into()),
            ("locationAreaCode", area.lac.into()),
            (if area.radio == Radio::Nr { "newRadioCellId" } else { "cellId" }, cid.into()),
            ("primaryScramblingCode", if has_psc { network.psc.into() } else { Value::Null }),
            ("age", network.age.into()),
            ("signalStrength", network.signal.into()),
            ("timingAdvance", network.ta.into()),
        ])
    };
    query.cells.iter().map(one).collect()
}

fn unwired_cells(query: &Query) -> Vec<Value> {
    let one = |network: &Cell| {
        let (area, cid) = (network.key.area, network.key.cid);
        object([
            ("radio", area.radio.name().into()),
            ("lac", area.lac.into()),
            ("cid", cid.into()),
            ("mcc", area.mcc.into()),
            ("mnc", area.mnc.into()),
            ("signal", network.signal.into()),
            ("tA", network.ta.into()),
            ("psc", network.psc.into()),
        ])
    };
    query.cells.iter().map(one).collect()
}

fn unwired_wifi(query: &Query) -> Vec<Value> {
    let one = |network: &Wifi| {
        object([
            ("bssid", network.mac.to_string().into()),
            ("channel", network.channel.into()),
            ("frequency", network.frequency.into()),
            ("signal", network.signal.into()),
            ("signalToNoiseRatio", network.snr.into()),
        ])
    };
    query.wifi.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_leniently_but_not_blindly() {
        let found = |lat, lon, accuracy_m, is_lacf| {
            Some(Answer::Found(Position { lat, lon, accuracy_m, is_lacf }))
        };
        for (schema, text, expected) in [
            (
                Schema::Ichnaea,
                r#"{"location": {"lat": "51.5", "lng": -1}, "accuracy": "20"}"#,
                found(51.5, -1.0, 20.0, false),
            ),
            (
                Schema::GoogleMaps,
                r#"{"location": {"lat": 1.5, "lng": 2.5}, "accuracy": 3.0, "fallback": "lacf"}"#,
                found(1.5, 2.5, 3.0, true),
            ),
            (
                Schema::Combain,
                r#"{"location": {"lat": 1.5, "lng": 2.5}, "accuracy": 3.0, "fallback": "ipf"}"#,
                found(1.5, 2.5, 3.0, false),
            ),
            (
                Schema::UnwiredLabs,
                r#"{"status": "ok", "lat": 1.5, "lon": 2.5, "accuracy": 3}"#,
                found(1.5, 2.5, 3.0, false),
            ),
            (
                Schema::UnwiredLabs,
                r#"{"status": "error", "message": "No matches found"}"#,
                Some(Answer::NotFound),
            ),
            (Schema::UnwiredLabs, r#"{"status": "error", "message": "Invalid token"}"#, None),
            (Schema::Ichnaea, r#"{"location": {"lat": 1.5, "lng": 2.5}}"#, None),
            (Schema::Ichnaea, r#"{"location": {"lat": NaN, "lng": 2.5}, "accuracy": 1}"#, None),
            (Schema::Ichnaea, r#"{"location": {"lat": 1, "lng": 2}, "accuracy": NaN}"#, None),
            (
                Schema::Ichnaea,
                r#"{"location": {"lat": 1, "lng": 2}, "accuracy": 1, "fallback": 5}"#,
                None,
            ),
            (Schema::Ichnaea, "[1]", None),
            (Schema::Ichnaea, "no", None),
        ] {
            assert_eq!(schema.answer(text), expected, "{text}");
        }
    }

    #[test]
    fn only_known_formats_are_asked() {
        assert_eq!(Schema::parse(None), Some(Schema::Ichnaea));
        assert_eq!(Schema::parse(Some("unwiredlabs/v1")), Some(Schema::UnwiredLabs));
        assert_eq!(Schema::parse(Some("")), None);
        assert_eq!(Schema::parse(Some("other/v2")), None);
    }
}
