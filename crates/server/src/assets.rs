//! The files that browsers load, as they were built into the binary (`build.rs`, `site/`).

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file below `/static/`.
#[derive(Debug)]
pub struct File {
    /// Path below `/static/`, such as `js/bundle-map.js`.
    pub path: &'static str,
    /// The first 16 hexadecimal digits of its SHA-256.
    pub digest: &'static str,
    /// Its bytes.
    pub plain: &'static [u8],
    /// The same for browsers that take Brotli; texts only.
    pub brotli: Option<&'static [u8]>,
    /// The same for browsers that take gzip; texts only.
    pub gzip: Option<&'static [u8]>,
}

/// When the files were built, in seconds since 1970.
#[must_use]
pub const fn built() -> u64 {
    BUILT
}

/// The file with this path below `/static/`.
#[must_use]
pub fn find(path: &str) -> Option<&'static File> {
    // `build.rs` has sorted them.
    FILES.binary_search_by(|file| file.path.cmp(path)).ok().map(|at| &FILES[at])
}

/// Whether there are files below this path, which has no slash at its end.
#[must_use]
pub fn is_folder(path: &str) -> bool {
    let below =
        |file: &File| file.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    FILES.iter().any(below)
}

/// The address of a file for use in a page. It changes with the content, so that browsers may keep
/// what they have; a file that is not there has a plain address, which answers 404.
#[must_use]
pub fn address(path: &str) -> String {
    match find(path) {
        Some(file) => format!("/static/{path}?v={}", file.digest),
        None => format!("/static/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found_by_its_path() {
        for file in FILES {
            assert_eq!(find(file.path).map(|found| found.digest), Some(file.digest));
        }
        assert!(find("js/").is_none() && find("").is_none() && find("js/nothing.js").is_none());
    }

    #[test]
    fn the_names_that_pages_refer_to_are_there() {
        for name in ["base", "map", "stat", "stat-regions", "locate"] {
            assert!(find(&format!("js/bundle-{name}.js")).is_some(), "{name}");
        }
        for name in ["base", "map", "stat-regions", "locate"] {
            assert!(find(&format!("css/bundle-{name}.css")).is_some(), "{name}");
        }
        for name in
            ["favicon.ico", "favicon.png", "apple-touch-icon.png", "tile-image-150.png", "logo.svg"]
        {
            assert!(find(&format!("images/{name}")).is_some(), "{name}");
        }
        assert!(find("licenses.txt").is_some());
    }

    #[test]
    fn an_address_changes_with_the_content() {
        let file = find("js/bundle-map.js").unwrap();
        assert_eq!(
            address("js/bundle-map.js"),
            format!("/static/js/bundle-map.js?v={}", file.digest)
        );
        assert_eq!(address("js/nothing.js"), "/static/js/nothing.js");
    }

    #[test]
    fn nothing_in_the_files_comes_from_elsewhere_or_is_made_of_text() {
        for file in
            FILES.iter().filter(|file| matches!(file.path.rsplit_once('.'), Some((_, "js"))))
        {
            let text = std::str::from_utf8(file.plain).unwrap();
            assert!(!text.contains("new Function("), "{}", file.path);
            assert!(!text.contains("sourceMappingURL"), "{}", file.path);
        }
    }
}
