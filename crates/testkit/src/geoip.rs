//! City databases for tests, written from a list of networks and what is known about them.
//!
//! The list is the content of MaxMind's public test file as facts, so the files written here
//! answer like that one.

mod writer;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use serde::Deserialize;

pub use writer::{Database, IpVersion, Prefix, RecordSize, Value};

/// When the original of the nested file was made: 2023-06-29 00:46:50 UTC.
pub const BUILD_EPOCH: u64 = 1_687_999_610;

/// What is known about one network.
#[derive(Clone, Debug, Deserialize)]
pub struct Network {
    /// The network, IPv4 ones in dotted form or inside `::/96`.
    pub network: String,
    /// Two letters of the country.
    pub country_iso_code: Option<String>,
    /// Two letters of the country the network is registered in.
    pub registered_country_iso_code: Option<String>,
    /// Number of the city.
    pub city_geoname_id: Option<u32>,
    /// Name of the city.
    pub city: Option<String>,
    /// Codes of its subdivisions, largest first.
    #[serde(default)]
    pub subdivisions: Vec<String>,
    /// Where it is.
    pub location: Option<Location>,
}

/// Where a network is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct Location {
    /// Degrees.
    pub latitude: f64,
    /// Degrees.
    pub longitude: f64,
    /// Kilometres.
    pub accuracy_radius: u16,
}

impl Network {
    /// The bits of the network in a tree of IPv6 addresses.
    ///
    /// # Panics
    ///
    /// When the text is no network.
    #[must_use]
    pub fn prefix(&self) -> Prefix {
        let (address, len) = self.address_and_len();
        Prefix::v6(address, len)
    }

    #[expect(clippy::expect_used, reason = "broken test data fails the test")]
    fn address_and_len(&self) -> (Ipv6Addr, u8) {
        let (address, len) = self.network.split_once('/').expect("a prefix length");
        let len: u8 = len.parse().expect("a prefix length");
        address.parse::<Ipv4Addr>().map_or_else(
            |_| (address.parse().expect("an address"), len),
            |v4| (Ipv6Addr::from_bits(v4.to_bits().into()), len + 96),
        )
    }

    /// The record as the nested schema of MaxMind and DB-IP has it.
    fn nested(&self) -> Value {
        let iso_code = |code: &String| Value::map([("iso_code", Value::text(code))]);
        let mut members = Vec::new();
        let mut put = |name: &str, value| members.push((name.to_owned(), value));
        if let Some(name) = &self.city {
            let names = Value::map([("en", Value::text(name))]);
            let id = Value::U32(self.city_geoname_id.unwrap_or_default());
            put("city", Value::map([("geoname_id", id), ("names", names)]));
        }
        if let Some(code) = &self.country_iso_code {
            put("country", iso_code(code));
        }
        if let Some(place) = self.location {
            let members = [
                ("accuracy_radius", Value::U16(place.accuracy_radius)),
                ("latitude", Value::Double(place.latitude)),
                ("longitude", Value::Double(place.longitude)),
            ];
            put("location", Value::map(members));
        }
        if let Some(code) = &self.registered_country_iso_code {
            put("registered_country", iso_code(code));
        }
        if !self.subdivisions.is_empty() {
            put("subdivisions", Value::Array(self.subdivisions.iter().map(iso_code).collect()));
        }
        Value::Map(members)
    }

    /// The record as the free city packages have it: one level, empty texts for what is not
    /// known, coordinates of single precision, no radius.
    #[expect(clippy::cast_possible_truncation, reason = "the schema has single precision")]
    fn flat(&self) -> Value {
        let text = |text: Option<&String>| Value::text(text.map_or("", String::as_str));
        let place =
            self.location.unwrap_or(Location { latitude: 0.0, longitude: 0.0, accuracy_radius: 0 });
        Value::map([
            ("city", text(self.city.as_ref())),
            ("country_code", text(self.country_iso_code.as_ref())),
            ("latitude", Value::Float(place.latitude as f32)),
            ("longitude", Value::Float(place.longitude as f32)),
            ("postcode", Value::text("")),
            ("state1", text(self.subdivisions.first())),
            ("state2", text(self.subdivisions.get(1))),
            ("timezone", Value::text("")),
        ])
    }
}

/// All networks of the list.
///
/// # Panics
///
/// When the list is not there or broken.
#[must_use]
pub fn networks() -> Vec<Network> {
    crate::cases::read_json("geoip.json")
}

/// A city database of the nested schema that answers like the original test file.
#[must_use]
pub fn city_database() -> Database {
    Database {
        database_type: "GeoIP2-City".to_owned(),
        description: Some("City test database of invented networks".to_owned()),
        build_epoch: BUILD_EPOCH,
        ip_version: IpVersion::V6,
        record_size: RecordSize::Bits28,
        networks: networks().iter().map(|known| (known.prefix(), known.nested())).collect(),
        ipv4_aliases: vec![
            Prefix::v6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
            Prefix::v6(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32),
            Prefix::v6(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
        ],
    }
}

/// A city database of the flat schema, of the IPv4 or the IPv6 networks of the list.
///
/// Networks without a country are left out, as in those packages.
#[must_use]
pub fn flat_city_database(ip_version: IpVersion) -> Database {
    let networks = networks();
    let placed = networks.iter().filter(|known| known.country_iso_code.is_some());
    let networks = placed.filter_map(|known| {
        let prefix = known.prefix();
        let prefix = match ip_version {
            IpVersion::V4 => prefix.as_v4(),
            IpVersion::V6 => prefix.as_v4().is_none().then_some(prefix),
        };
        Some((prefix?, known.flat()))
    });
    let name = match ip_version {
        IpVersion::V4 => "city ipv4",
        IpVersion::V6 => "city ipv6",
    };
    Database {
        database_type: name.to_owned(),
        description: None,
        build_epoch: BUILD_EPOCH,
        ip_version,
        record_size: RecordSize::Bits28,
        networks: networks.collect(),
        ipv4_aliases: Vec::new(),
    }
}

/// Writes [`city_database`] to a file.
pub fn write_city_file(path: &Path) -> std::io::Result<()> {
    std::fs::write(path, city_database().to_bytes())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use maxminddb::{Reader, WithinOptions};
    use serde_json::json;

    use super::*;

    fn look_up(reader: &Reader<Vec<u8>>, address: &str) -> Option<serde_json::Value> {
        reader.lookup(address.parse().unwrap()).unwrap().decode().unwrap()
    }

    #[test]
    fn every_network_is_read_back_as_listed() {
        for record_size in [RecordSize::Bits28, RecordSize::Bits32] {
            let database = Database { record_size, ..city_database() };
            let reader = Reader::from_source(database.to_bytes()).unwrap();
            reader.verify().unwrap();
            let networks = networks();
            assert_eq!(networks.len(), 247);
            for known in &networks {
                let (address, len) = known.address_and_len();
                let found = reader.lookup(IpAddr::V6(address)).unwrap();
                assert_eq!(found.network().unwrap().prefix(), len, "{}", known.network);
                let city: maxminddb::geoip2::City = found.decode().unwrap().unwrap();
                assert_eq!(city.country.iso_code, known.country_iso_code.as_deref());
                assert_eq!(
                    city.registered_country.iso_code,
                    known.registered_country_iso_code.as_deref()
                );
                assert_eq!(city.city.geoname_id, known.city_geoname_id);
                assert_eq!(city.city.names.english, known.city.as_deref());
                let codes: Vec<_> =
                    city.subdivisions.iter().filter_map(|part| part.iso_code).collect();
                assert_eq!(codes, known.subdivisions);
                let location = city.location.latitude.map(|latitude| Location {
                    latitude,
                    longitude: city.location.longitude.unwrap(),
                    accuracy_radius: city.location.accuracy_radius.unwrap(),
                });
                assert_eq!(location, known.location, "{}", known.network);
            }
            let counted = reader.networks(WithinOptions::default()).unwrap().count();
            assert_eq!(counted, 247, "no network beside those of the list");
        }
    }

    #[test]
    fn ipv4_addresses_are_found_in_all_their_forms() {
        let reader = Reader::from_source(city_database().to_bytes()).unwrap();
        let mapped = ["::81.2.69.192", "::ffff:81.2.69.192"];
        let tunnelled = ["2001:0:5102:45c0::", "2002:5102:45c0::"];
        for address in mapped.into_iter().chain(tunnelled).chain(["81.2.69.192"]) {
            let found = look_up(&reader, address).unwrap();
            assert_eq!(found["location"]["latitude"], 51.5142, "{address}");
        }
        assert_eq!(look_up(&reader, "127.0.0.1"), None);
        assert_eq!(reader.metadata().database_type, "GeoIP2-City");
        assert_eq!(reader.metadata().build_epoch, BUILD_EPOCH);
    }

    #[test]
    fn flat_files_have_one_level_and_one_address_family() {
        let reader = Reader::from_source(flat_city_database(IpVersion::V4).to_bytes()).unwrap();
        let expected = json!({
            "city": "London", "country_code": "GB", "latitude": f64::from(51.5142_f32),
            "longitude": f64::from(-0.0931_f32), "postcode": "", "state1": "ENG", "state2": "",
            "timezone": "",
        });
        assert_eq!(look_up(&reader, "81.2.69.192"), Some(expected));
        assert_eq!(reader.metadata().database_type, "city ipv4");
        assert!(reader.lookup("2001:218::".parse().unwrap()).is_err());

        let reader = Reader::from_source(flat_city_database(IpVersion::V6).to_bytes()).unwrap();
        assert_eq!(look_up(&reader, "2001:218::").unwrap()["country_code"], "JP");
        assert_eq!(look_up(&reader, "81.2.69.192"), None);
    }
}
