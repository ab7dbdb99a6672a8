//! The pages people see: the table of all of them, and which one a path means.

mod answer;
mod compress;
mod frame;
mod operator;
mod pages;
pub mod policy;

pub use answer::{not_found, page as answer};
pub use frame::Frame;
pub use operator::{LOGO_PATH, Logo, Site};

use crate::config::Config;

/// One page.
#[derive(Debug)]
pub struct Page {
    /// Where it is.
    pub path: &'static str,
    /// Its heading, and the second half of its title.
    pub title: &'static str,
    /// What the navigation calls it; `None`: it is not there.
    pub label: Option<&'static str>,
    /// One sentence for search engines.
    pub summary: &'static str,
    /// Bundles beside the base ones.
    pub extras: Extras,
    /// Which paths lead to it.
    pub reach: Reach,
    /// Its template and what that needs.
    pub view: View,
}

/// Names of bundles below `/static/`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras {
    /// Style sheets.
    pub styles: &'static [&'static str],
    /// Scripts.
    pub scripts: &'static [&'static str],
}

/// Which paths lead to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Its own alone.
    Exact,
    /// Also with anything behind another slash, as in the original.
    Below,
}

/// The template of a page, and what it needs beside settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Nothing; shows totals when they are at hand.
    Home,
    /// Nothing.
    Api,
    /// Nothing.
    Reference,
    /// Nothing; the operator may replace it.
    Contact,
    /// The list of public files, empty at worst.
    Downloads,
    /// Nothing.
    Map,
    /// Nothing.
    Locate,
    /// Nothing; the operator may replace it.
    Optout,
    /// Nothing; the operator may replace it.
    Privacy,
    /// Nothing; the operator may replace it.
    Terms,
    /// The database, or copies of what it said.
    Stats,
    /// The same.
    Regions,
    /// Nothing.
    NotFound,
    /// Nothing.
    Unavailable,
}

const NONE: Extras = Extras { styles: &[], scripts: &[] };

/// Every page, in the order of the navigation. All are kept by browsers for an hour.
pub const PAGES: &[Page] = &[
    Page {
        path: "/",
        title: "Overview",
        label: Some("Home"),
        summary: "Positions from the Wi-Fi access points, Bluetooth beacons and cells around a \
                  device.",
        extras: NONE,
        reach: Reach::Exact,
        view: View::Home,
    },
    Page {
        path: "/api",
        title: "API",
        label: Some("API"),
        summary: "How to ask for a position and how to report what a device sees, with examples.",
        extras: NONE,
        reach: Reach::Below,
        view: View::Api,
    },
    Page {
        path: "/api/reference",
        title: "API Reference",
        label: None,
        summary: "Every path, field, answer and error of the interface.",
        extras: NONE,
        reach: Reach::Exact,
        view: View::Reference,
    },
    Page {
        path: "/downloads",
        title: "Downloads",
        label: Some("Downloads"),
        summary: "The positions of cells as public files.",
        extras: NONE,
        reach: Reach::Below,
        view: View::Downloads,
    },
    Page {
        path: "/map",
        title: "Map",
        label: Some("Map"),
        summary: "Where contributors have measured.",
        extras: Extras { styles: &["css/bundle-map.css"], scripts: &["js/bundle-map.js"] },
        reach: Reach::Below,
        view: View::Map,
    },
    Page {
        path: "/locate",
        title: "Locate Me",
        label: Some("Locate me"),
        summary: "Try a position query and see its answer on a map.",
        extras: Extras { styles: &["css/bundle-locate.css"], scripts: &["js/bundle-locate.js"] },
        reach: Reach::Exact,
        view: View::Locate,
    },
    Page {
        path: "/stats/regions",
        title: "Regions",
        label: Some("Regions"),
        summary: "How many stations are known in each region.",
        extras: Extras {
            styles: &["css/bundle-stat-regions.css"],
            scripts: &["js/bundle-stat-regions.js"],
        },
        reach: Reach::Exact,
        view: View::Regions,
    },
    Page {
        path: "/stats",
        title: "Statistics",
        label: Some("Statistics"),
        summary: "How much has been learned, and how that grew over the last year.",
        extras: Extras { styles: &[], scripts: &["js/bundle-stat.js"] },
        reach: Reach::Exact,
        view: View::Stats,
    },
    Page {
        path: "/contact",
        title: "Contact Us",
        label: None,
        summary: "Where questions, corrections and requests go.",
        extras: NONE,
        reach: Reach::Below,
        view: View::Contact,
    },
    Page {
        path: "/optout",
        title: "Opt-Out",
        label: None,
        summary: "How the owner of an access point keeps it out of this service.",
        extras: NONE,
        reach: Reach::Below,
        view: View::Optout,
    },
    Page {
        path: "/privacy",
        title: "Privacy Notice",
        label: None,
        summary: "What is received, what is kept, what is published.",
        extras: NONE,
        reach: Reach::Below,
        view: View::Privacy,
    },
    Page {
        path: "/terms",
        title: "Developer Terms of Service",
        label: None,
        summary: "The conditions for using the interface.",
        extras: NONE,
        reach: Reach::Below,
        view: View::Terms,
    },
];

/// What people see where nothing is.
pub const NOT_FOUND: &Page = &Page {
    path: "",
    title: "Not Found",
    label: None,
    summary: "There is no such page.",
    extras: NONE,
    reach: Reach::Exact,
    view: View::NotFound,
};

/// What people see while a page cannot be made.
pub const UNAVAILABLE: &Page = &Page {
    path: "",
    title: "Not Available",
    label: None,
    summary: "This page cannot be shown at the moment.",
    extras: NONE,
    reach: Reach::Exact,
    view: View::Unavailable,
};

/// The page a path without a route of its own leads to. Empty segments count for nothing, so that
/// `//` is the first page.
#[must_use]
pub fn find(path: &str) -> Option<&'static Page> {
    if let Some(page) = PAGES.iter().find(|page| page.path == path) {
        return Some(page);
    }
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let Some(first) = segments.next() else { return PAGES.first() };
    PAGES.iter().find(|page| page.reach == Reach::Below && page.path.get(1..) == Some(first))
}

/// The address that the tiles of the data map are below; it ends in a slash.
#[must_use]
pub fn tiles_address(config: &Config) -> String {
    let base = config.asset_url.as_deref().unwrap_or("/static/datamap/");
    format!("{base}tiles/")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn path_of(path: &str) -> Option<&'static str> {
        find(path).map(|page| page.path)
    }

    #[test]
    fn what_follows_a_page_after_a_slash_does_not_matter_except_where_it_does() {
        for (path, expected) in [
            ("/", Some("/")),
            ("//", Some("/")),
            ("///", Some("/")),
            ("/api", Some("/api")),
            ("/api/", Some("/api")),
            ("//api", Some("/api")),
            ("/api/foo/bar", Some("/api")),
            ("/api/reference", Some("/api/reference")),
            ("/api/reference/", Some("/api")),
            ("/downloads/", Some("/downloads")),
            ("/map/x", Some("/map")),
            ("/stats", Some("/stats")),
            ("/stats/regions", Some("/stats/regions")),
            ("/stats/", None),
            ("/stats/regions/", None),
            ("/stats/nothing", None),
            ("/locate/", None),
            ("/apis", None),
            ("/API", None),
            ("/nonsense", None),
            ("/nonsense/api", None),
            ("/v1/nothing", None),
            ("", Some("/")),
            ("/%", None),
        ] {
            assert_eq!(path_of(path), expected, "{path}");
        }
    }

    #[test]
    fn the_navigation_is_that_of_the_original_and_one_more() {
        let shown: Vec<_> = PAGES.iter().filter_map(|page| page.label).collect();
        assert_eq!(
            shown,
            ["Home", "API", "Downloads", "Map", "Locate me", "Regions", "Statistics"]
        );
    }

    #[test]
    fn paths_and_titles_are_each_page_s_own() {
        let paths: BTreeSet<_> = PAGES.iter().map(|page| page.path).collect();
        let titles: BTreeSet<_> = PAGES.iter().map(|page| page.title).collect();
        assert_eq!((paths.len(), titles.len()), (PAGES.len(), PAGES.len()));
    }
}
