//! Settings of what lies below the data on the maps of the site.

use super::{Invalid, Settings, table};

/// A base map from elsewhere, in place of our own outlines of countries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseMap {
    /// Address of a style, or of pictures with `{z}`, `{x}` and `{y}` in it; on another host, or
    /// from the root of this one. Browsers see it, with the token that may be in it.
    pub address: String,
    /// What the maker wants to be said, as HTML.
    pub attribution: String,
    /// Whether it is a dark one, so that light colours are seen on it.
    pub is_dark: bool,
}

/// The style of the original.
const MAPBOX_DARK: &str =
    "https://api.mapbox.com/styles/v1/mapbox/dark-v10/tiles/256/{z}/{x}/{y}@2x?access_token=";
const MAPBOX_ATTRIBUTION: &str = "© <a href=\"https://www.mapbox.com/about/maps/\">Mapbox</a> \
    © <a href=\"https://www.openstreetmap.org/copyright\">OpenStreetMap</a>";

impl Settings {
    pub(super) fn base_map(&self) -> Option<BaseMap> {
        let attribution = self.text(&table::MAP_ATTRIBUTION).map(str::to_owned);
        if let Some(address) = self.text(&table::MAP_STYLE_URL) {
            let is_dark = address.to_ascii_lowercase().contains("dark");
            let attribution = attribution.unwrap_or_default();
            return Some(BaseMap { address: address.to_owned(), attribution, is_dark });
        }
        self.text(&table::MAPBOX_TOKEN).map(|token| BaseMap {
            address: format!("{MAPBOX_DARK}{token}"),
            attribution: attribution.unwrap_or_else(|| MAPBOX_ATTRIBUTION.to_owned()),
            is_dark: true,
        })
    }

    /// What is wrong with the address.
    pub(super) fn base_map_problem(&self) -> Option<Invalid> {
        let address = self.text(&table::MAP_STYLE_URL)?;
        let is_address = ["https://", "http://"].iter().any(|scheme| address.starts_with(scheme))
            || (address.starts_with('/') && !address.starts_with("//"));
        let parts = ["{z}", "{x}", "{y}"].iter().filter(|part| address.contains(**part)).count();
        let problem = if !is_address {
            "an address that begins with https://, http:// or / is needed"
        } else if matches!(parts, 1 | 2) {
            "of {z}, {x} and {y} all are needed, or none"
        } else {
            return None;
        };
        Some(self.invalid(&table::MAP_STYLE_URL, problem.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;
    use super::*;

    #[test]
    fn without_settings_the_base_is_our_own() {
        assert_eq!(settings_of(&[]).base_map(), None);
        assert_eq!(settings_of(&[("MAP_ATTRIBUTION", "us")]).base_map(), None);
    }

    #[test]
    fn a_token_means_the_dark_style_of_the_original() {
        let map = settings_of(&[("MAPBOX_TOKEN", "pk.1")]).base_map().unwrap();
        assert!(map.address.ends_with("dark-v10/tiles/256/{z}/{x}/{y}@2x?access_token=pk.1"));
        assert!(map.is_dark && map.attribution.contains("Mapbox"));
    }

    #[test]
    fn a_style_of_the_operator_s_comes_first() {
        let map = settings_of(&[
            ("MAP_STYLE_URL", "https://maps.example/style.json"),
            ("MAP_ATTRIBUTION", "© Example"),
            ("MAPBOX_TOKEN", "pk.1"),
        ])
        .base_map();
        let expected = BaseMap {
            address: "https://maps.example/style.json".to_owned(),
            attribution: "© Example".to_owned(),
            is_dark: false,
        };
        assert_eq!(map, Some(expected));
    }

    #[test]
    fn what_is_no_address_of_a_map_is_refused() {
        let of = |address| settings_of(&[("MAP_STYLE_URL", address)]).base_map_problem();
        for address in [
            "https://maps.example/style.json",
            "http://127.0.0.1:8080/{z}/{x}/{y}.png",
            "/maps/style.json",
        ] {
            assert!(of(address).is_none(), "{address}");
        }
        for address in [
            "maps.example",
            "//maps.example/style.json",
            "javascript:1",
            "https://m.example/{z}/{x}.png",
        ] {
            let problem = of(address).unwrap().to_string();
            assert!(problem.starts_with("MAP_STYLE_URL: "), "{problem}");
        }
    }
}
