//! The city database: opened, looked up, and replaced when its file changes.
//!
//! The file is read into memory as a whole. Mapping it would save that memory, but a file that is
//! overwritten in place would then kill the process (see `docs/adr/`).

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use chrono::{DateTime, NaiveDateTime};
use ichnaea_domain::geoip::{GeoIp, GeoIpRecord};
use ichnaea_domain::region::Regions;
use maxminddb::Reader;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use crate::context::Context;
use crate::sentry::incident;

/// How often the file is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(10);

/// The database in use, if any.
pub struct GeoIpFile {
    path: Option<PathBuf>,
    current: ArcSwap<Loaded>,
}

/// What was loaded from which state of which files.
#[derive(Default)]
struct Loaded {
    readers: Vec<Reader<Vec<u8>>>,
    state: Vec<FileState>,
}

/// Enough of a file's state to see that it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileState {
    path: PathBuf,
    modified: Option<SystemTime>,
    len: u64,
}

impl GeoIpFile {
    /// Opens the database. A missing, unreadable or unsuitable file is not fatal: the service
    /// runs without and takes the file when it appears.
    #[must_use]
    pub fn open(path: Option<PathBuf>) -> Self {
        let file = Self { path, current: ArcSwap::default() };
        if let Some(path) = &file.path
            && !file.reload()
        {
            tracing::warn!(incident = incident::GEOIP, path = %path.display(), "no GeoIP database: addresses give no answer");
        }
        file
    }

    /// The record of an address in the form the rules use.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> Option<GeoIp> {
        let address = address.to_canonical();
        let loaded = self.current.load();
        let record = loaded.readers.iter().find_map(|reader| record(reader, address))?;
        GeoIp::from_record(&record, Regions::shared())
    }

    /// When the database in use was built, UTC.
    #[must_use]
    pub fn built(&self) -> Option<NaiveDateTime> {
        built(&self.current.load())
    }

    /// Who made the database in use; `None` without one.
    #[must_use]
    pub fn maker(&self) -> Option<Maker> {
        let loaded = self.current.load();
        let (reader, file) = loaded.readers.iter().zip(&loaded.state).next()?;
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        Some(Maker::of(&reader.metadata().database_type, &name))
    }

    /// Loads the file again when it changed; a file that cannot be used leaves the old one in use.
    /// True when another database is in use now.
    pub fn reload(&self) -> bool {
        let Some(path) = &self.path else { return false };
        let state = files(path);
        if state.is_empty() || state == self.current.load().state {
            return false;
        }
        match load(&state) {
            Ok(readers) => {
                self.current.store(Arc::new(Loaded { readers, state }));
                tracing::info!(path = %path.display(), "GeoIP configured");
                true
            }
            Err(problem) => {
                let has_old = !self.current.load().readers.is_empty();
                tracing::warn!(incident = incident::GEOIP, path = %path.display(), has_old, problem, "GeoIP file not usable");
                false
            }
        }
    }
}

/// Who made a database, as far as a licence asks for a word about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// DB-IP, whose free edition is under CC BY 4.0.
    DbIp,
    /// `MaxMind`, whose free edition has this name.
    GeoLite,
    /// Anybody else, or an edition that was paid for.
    Other,
}

impl Maker {
    /// From what a file says it is, and what it is called: packages of the free edition of DB-IP say nothing.
    fn of(database_type: &str, file_name: &str) -> Self {
        let both = format!("{database_type} {file_name}").to_ascii_lowercase();
        if both.contains("dbip") || both.contains("db-ip") {
            Self::DbIp
        } else if database_type.to_ascii_lowercase().starts_with("geolite") {
            Self::GeoLite
        } else {
            Self::Other
        }
    }
}

/// When the database at a path was built, UTC, or why it cannot be used.
pub fn inspect(path: &Path) -> Result<NaiveDateTime, String> {
    let state = files(path);
    if state.is_empty() {
        return Err(format!("there is no city database at {}", path.display()));
    }
    let loaded = Loaded { readers: load(&state)?, state };
    built(&loaded).ok_or_else(|| "it does not say when it was built".to_owned())
}

/// When the oldest file was built.
fn built(loaded: &Loaded) -> Option<NaiveDateTime> {
    let epoch = loaded.readers.iter().map(|reader| reader.metadata().build_epoch).min()?;
    DateTime::from_timestamp(i64::try_from(epoch).ok()?, 0).map(|time| time.naive_utc())
}

/// Looks at the file now and then, for as long as the process lives.
pub async fn watch(ctx: Arc<Context>) {
    loop {
        tokio::time::sleep(CHECK_EVERY).await;
        let ctx = Arc::clone(&ctx);
        // Reading a large file must not hold up requests.
        let _ = tokio::task::spawn_blocking(move || ctx.geoip.reload()).await;
    }
}

/// The database files at a path: the file itself, or all `.mmdb` files of a folder.
fn files(path: &Path) -> Vec<FileState> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        paths = entries.map(|entry| entry.path()).filter(|path| is_database(path)).collect();
        paths.sort();
    }
    let state = |path: PathBuf| {
        let metadata = path.metadata().ok()?;
        Some(FileState { modified: metadata.modified().ok(), len: metadata.len(), path })
    };
    paths.into_iter().filter_map(state).collect()
}

fn is_database(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "mmdb")
}

fn load(state: &[FileState]) -> Result<Vec<Reader<Vec<u8>>>, String> {
    state
        .iter()
        .map(|file| {
            // The metadata stands at the end: a file that is still being written has none.
            let reader = Reader::open_readfile(&file.path).map_err(|error| error.to_string())?;
            let kind = reader.metadata().database_type.clone();
            if !kind.to_ascii_lowercase().contains("city") {
                return Err(format!("{kind:?} is no city database"));
            }
            Ok(reader)
        })
        .collect()
}

/// The members in use, of MaxMind's nested layout and of the flat one of the free packages.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    country: Option<Country<'a>>,
    #[serde(borrow, default)]
    city: Option<City<'a>>,
    #[serde(default)]
    subdivisions: Option<Vec<serde::de::IgnoredAny>>,
    #[serde(default)]
    location: Option<Location>,
    #[serde(borrow, default)]
    country_code: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    state1: Option<Cow<'a, str>>,
    #[serde(default)]
    latitude: Option<Number>,
    #[serde(default)]
    longitude: Option<Number>,
}

#[derive(Deserialize)]
struct Country<'a> {
    #[serde(borrow, default)]
    iso_code: Option<Cow<'a, str>>,
}

/// An object with an id in the one layout, plain text in the other.
#[derive(Deserialize)]
#[serde(untagged)]
enum City<'a> {
    Nested {
        #[serde(default)]
        geoname_id: Option<Number>,
    },
    Flat(#[serde(borrow)] Cow<'a, str>),
}

#[derive(Deserialize)]
struct Location {
    #[serde(default)]
    latitude: Option<Number>,
    #[serde(default)]
    longitude: Option<Number>,
    #[serde(default)]
    accuracy_radius: Option<Number>,
}

/// A number of whatever type the writer of the file chose.
struct Number(f64);

impl Number {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
    fn whole(self) -> Option<u32> {
        (0.0..=f64::from(u32::MAX)).contains(&self.0).then_some(self.0 as u32)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// The id that stands for "some city" where the layout has names only.
const UNNUMBERED_CITY: u32 = 0;

fn record(reader: &Reader<Vec<u8>>, address: IpAddr) -> Option<GeoIpRecord> {
    if address.is_ipv6() && reader.metadata().ip_version == 4 {
        return None;
    }
    let members: Members<'_> = reader.lookup(address).ok()?.decode().ok()??;
    let location = members.location.unwrap_or(Location {
        latitude: members.latitude,
        longitude: members.longitude,
        accuracy_radius: None,
    });
    let has_state = members.state1.is_some_and(|state| !state.is_empty());
    Some(GeoIpRecord {
        country: members
            .country
            .and_then(|country| country.iso_code)
            .or(members.country_code)?
            .into_owned(),
        city_geoname_id: match members.city {
            Some(City::Nested { geoname_id }) => geoname_id.and_then(Number::whole),
            Some(City::Flat(name)) => (!name.is_empty()).then_some(UNNUMBERED_CITY),
            None => None,
        },
        has_subdivision: has_state || members.subdivisions.is_some_and(|list| !list.is_empty()),
        lat: location.latitude?.0,
        lon: location.longitude?.0,
        accuracy_radius_km: location.accuracy_radius.and_then(Number::whole),
    })
}

#[cfg(test)]
mod tests {
    use ichnaea_testkit::geoip::{IpVersion, city_database, flat_city_database};

    use super::*;

    const LONDON: &str = "81.2.69.192";

    fn place(file: &GeoIpFile, address: &str) -> Option<(f64, f64, f64)> {
        let found = file.lookup(address.parse().unwrap())?;
        Some((found.lat, found.lon, found.radius_m))
    }

    fn write(path: &Path, bytes: &[u8], age_s: u64) {
        std::fs::write(path, bytes).unwrap();
        // Two writes within one tick of the clock would look like one.
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - age_s)).unwrap();
    }

    #[test]
    fn both_layouts_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let nested = folder.path().join("nested.mmdb");
        write(&nested, &city_database().to_bytes(), 0);
        let file = GeoIpFile::open(Some(nested));
        assert_eq!(place(&file, LONDON), Some((51.5142, -0.0931, 40_000.0)));
        assert_eq!(place(&file, "::ffff:81.2.69.192"), place(&file, LONDON));
        assert_eq!(place(&file, "10.0.0.1"), None);

        let flat = folder.path().join("flat.mmdb");
        write(&flat, &flat_city_database(IpVersion::V4).to_bytes(), 0);
        let file = GeoIpFile::open(Some(flat));
        let (lat, lon, radius_m) = place(&file, LONDON).unwrap();
        assert!((lat - 51.5142).abs() < 1e-4 && (lon + 0.0931).abs() < 1e-4, "{lat} {lon}");
        assert!((radius_m - 25_000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_folder_is_read_as_one_database() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a.mmdb"), &city_database().to_bytes(), 0);
        write(&folder.path().join("notes.txt"), b"no database", 0);
        let file = GeoIpFile::open(Some(folder.path().to_owned()));
        assert!(place(&file, LONDON).is_some());
    }

    #[test]
    fn a_changed_file_is_taken_up_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("city.mmdb");
        let file = GeoIpFile::open(Some(path.clone()));
        assert_eq!(file.built(), None);
        assert!(!file.reload());

        let database = city_database().to_bytes();
        write(&path, &database, 3);
        assert!(file.reload(), "a file that appears is taken up");
        assert!(!file.reload(), "an unchanged file is not read again");
        let known = place(&file, LONDON);
        assert!(known.is_some());

        let half = &database[..database.len() / 2];
        for (age_s, broken) in [(2, half), (1, b"nonsense".as_slice())] {
            write(&path, broken, age_s);
            assert!(!file.reload());
            assert_eq!(place(&file, LONDON), known);
        }
        write(&path, &flat_city_database(IpVersion::V4).to_bytes(), 0);
        assert!(file.reload());
        assert_ne!(place(&file, LONDON), known);

        std::fs::remove_file(&path).unwrap();
        assert!(!file.reload());
        assert!(place(&file, LONDON).is_some(), "a file that is gone leaves the old one in use");
    }
}
