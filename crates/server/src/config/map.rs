//! Settings of the data map.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Invalid, Settings, table};
use crate::objects::Place;

/// Where the original's image keeps the tiles that its web role serves.
const FOLDER_OF_ORIGINAL: &str = "/app/ichnaea/content/static/datamap";
/// More often than this a map is not drawn, seconds.
const LEAST_INTERVAL_S: u64 = 60;

impl Settings {
    /// The folder with the tiles that the web role serves. Where the bucket is a folder of this
    /// machine that is the one, so that its tiles are found whatever the rest of the settings is.
    pub(super) fn map_dir(&self, data: &Path) -> PathBuf {
        if let Some(folder) = self.asset_folder() {
            return folder;
        }
        match self.text(&table::MAP_DIR) {
            Some(folder) => PathBuf::from(folder),
            None if Path::new(FOLDER_OF_ORIGINAL).is_dir() => PathBuf::from(FOLDER_OF_ORIGINAL),
            None => data.join("datamap"),
        }
    }

    /// The folder of the role `local_map`, whatever else is wrong.
    #[must_use]
    pub fn map_folder(&self) -> PathBuf {
        self.map_dir(Path::new(self.text_or_default(&table::DATA_DIR)))
    }

    /// How often the map is drawn; zero: not by itself; `None`: nothing was said about it.
    pub(super) fn map_interval(&self) -> Option<Duration> {
        self.number(&table::MAP_INTERVAL).map(Duration::from_secs)
    }

    /// What is wrong with the interval.
    pub(super) fn map_problem(&self) -> Option<Invalid> {
        let interval_s = self.number(&table::MAP_INTERVAL)?;
        (1..LEAST_INTERVAL_S).contains(&interval_s).then(|| {
            let problem =
                format!("{interval_s} was given; allowed is 0, or {LEAST_INTERVAL_S} or more");
            self.invalid(&table::MAP_INTERVAL, problem)
        })
    }

    /// What works, but not as meant.
    pub(super) fn map_warning(&self) -> Option<String> {
        let (given, folder) = (self.text(&table::MAP_DIR)?, self.asset_folder()?);
        (Path::new(given) != folder).then(|| {
            format!("MAP_DIR has no effect: tiles are in {}, the ASSET_BUCKET", folder.display())
        })
    }

    fn asset_folder(&self) -> Option<PathBuf> {
        match Place::parse(&self.asset_bucket()?.ok()?) {
            Ok(Place::Folder(folder)) => Some(folder),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;
    use super::*;

    #[test]
    fn tiles_are_served_from_where_they_are_put() {
        for (variables, folder) in [
            (&[][..], "data/datamap"),
            (&[("MAP_DIR", "/srv/map")], "/srv/map"),
            (&[("ASSET_BUCKET", "tiles")], "data/datamap"),
            (&[("ASSET_BUCKET", "tiles"), ("MAP_DIR", "/srv/map")], "/srv/map"),
            (&[("ASSET_BUCKET", "file:///srv/public")], "/srv/public"),
            (&[("ASSET_BUCKET", "file:///srv/public"), ("MAP_DIR", "/srv/map")], "/srv/public"),
        ] {
            let settings = settings_of(variables);
            assert_eq!(settings.map_dir(Path::new("data")), Path::new(folder), "{variables:?}");
            assert_eq!(
                settings.map_warning().is_some(),
                variables.len() == 2 && folder == "/srv/public"
            );
        }
    }

    #[test]
    fn a_map_is_not_drawn_every_second() {
        let of = |text| settings_of(&[("MAP_INTERVAL", text)]);
        for (text, interval_s) in [("0", 0), ("60", 60), ("3600", 3600)] {
            assert!(of(text).map_problem().is_none(), "{text}");
            assert_eq!(of(text).map_interval(), Some(Duration::from_secs(interval_s)));
        }
        assert_eq!(settings_of(&[]).map_interval(), None);
        for text in ["1", "59"] {
            let problem = of(text).map_problem().unwrap().to_string();
            assert!(problem.starts_with("MAP_INTERVAL: ") && problem.contains("60"), "{problem}");
        }
    }
}
