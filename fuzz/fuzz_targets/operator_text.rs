//! Whatever an operator puts in the place of our texts is shown or refused: HTML as it is, Markdown as a
//! page of a bounded size, and only under the names that there are.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use ichnaea_server::config::SiteSettings;
use ichnaea_server::site::Site;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

/// A byte becomes an entity of six, and a line of them a paragraph. A link that is defined once may be
/// used often, which the library bounds by a multiple of the text, or 100 kB.
const MAX_GROWTH: usize = 64;
const FREE: usize = 200_000;

fn open(pages: PathBuf) -> anyhow::Result<Site> {
    Site::open(&SiteSettings {
        name: "Ichnaea".to_owned(),
        organisation: None,
        contact: None,
        source_url: "https://example.org/source".to_owned(),
        logo: None,
        pages: Some(pages),
    })
}

fuzz_target!(|bytes: &[u8]| {
    let folder = FOLDER.path();
    std::fs::write(folder.join("terms.html"), bytes).expect("room for a file");
    std::fs::write(folder.join("privacy.md"), bytes).expect("room for a file");
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert!(open(folder.to_owned()).is_err(), "what is no text was taken");
        return;
    };
    let site = open(folder.to_owned()).expect("any text is one");
    assert_eq!(site.text("terms"), Some(text));
    let page = site.text("privacy").expect("Markdown is a text too");
    assert!(page.len() <= text.len() * MAX_GROWTH + FREE, "{} of {}", page.len(), text.len());
    assert_eq!((site.text("contact"), site.text("../terms")), (None, None));
});
