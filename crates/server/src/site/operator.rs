//! What the operator put in the place of ours: name, contact, logo, texts. Read once, at the start.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::assets::address;
use crate::config::SiteSettings;

/// The largest logo and the largest text, bytes. A page stays below 100 kB with a text of a fifth of that;
/// the rest is for those who know what they do.
const MAX_BYTES: u64 = 256 * 1024;

/// Where the operator's logo is served.
pub const LOGO_PATH: &str = "/site-logo";

/// Texts an operator may replace: the names of their files.
const TEXTS: [&str; 4] = ["privacy", "terms", "contact", "optout"];

/// Kinds of pictures a logo may be, by the end of the file's name.
const PICTURES: [(&str, &str); 6] = [
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
];

/// Whose site it is, with what was read from files.
#[derive(Debug)]
pub struct Site {
    /// What the service is called.
    pub name: String,
    /// Who runs it; the name of the service where nobody is named.
    pub organisation: String,
    /// Where questions go, as something to link to.
    pub contact: Option<Contact>,
    /// Where the source code is.
    pub source_url: String,
    /// The operator's logo.
    pub logo: Option<Logo>,
    /// HTML of the operator's texts, in the order of [`TEXTS`].
    texts: [Option<String>; TEXTS.len()],
}

/// Where questions go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// What is shown.
    pub text: String,
    /// What is linked to.
    pub link: String,
}

/// A picture.
#[derive(Debug)]
pub struct Logo {
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
    /// A few letters that change with it.
    pub digest: String,
}

impl Site {
    /// Reads what the settings name. What was named and cannot be used is an error: nobody wants to find out
    /// later that visitors read other terms than theirs.
    pub fn open(settings: &SiteSettings) -> anyhow::Result<Self> {
        let logo = settings.logo.as_deref().map(|file| logo(file).context("SITE_LOGO"));
        let texts = match &settings.pages {
            Some(folder) => texts(folder).context("SITE_PAGES")?,
            None => <[Option<String>; TEXTS.len()]>::default(),
        };
        Ok(Self {
            name: settings.name.clone(),
            organisation: settings.organisation.clone().unwrap_or_else(|| settings.name.clone()),
            contact: settings.contact.as_deref().map(Contact::of),
            source_url: settings.source_url.clone(),
            logo: logo.transpose()?,
            texts,
        })
    }

    /// The operator's text for `privacy`, `terms`, `contact` or `optout`, as HTML.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let index = TEXTS.iter().position(|known| *known == name)?;
        self.texts[index].as_deref()
    }

    /// The address of the logo.
    #[must_use]
    pub fn logo_address(&self) -> String {
        match &self.logo {
            Some(logo) => format!("{LOGO_PATH}?v={}", logo.digest),
            None => address("images/logo.svg"),
        }
    }
}

impl Contact {
    fn of(text: &str) -> Self {
        let is_address = text.starts_with("https://") || text.starts_with("http://");
        let link = if is_address { text.to_owned() } else { format!("mailto:{text}") };
        Self { text: text.to_owned(), link }
    }
}

fn logo(file: &Path) -> anyhow::Result<Logo> {
    let end = file.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    let Some((_, media_type)) = PICTURES.iter().find(|(known, _)| *known == end) else {
        bail!("{}: allowed are files that end in .svg, .png, .webp, .jpg or .gif", file.display());
    };
    let bytes = read(file)?;
    let digest = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..6]);
    Ok(Logo { media_type, bytes: bytes.into(), digest })
}

/// The texts of a folder. Other files in it are left alone, with a word in the log: one of them may have been
/// meant.
fn texts(folder: &Path) -> anyhow::Result<[Option<String>; TEXTS.len()]> {
    let mut texts = <[Option<String>; TEXTS.len()]>::default();
    let entries = folder.read_dir().with_context(|| folder.display().to_string())?;
    for entry in entries {
        let file = entry.with_context(|| folder.display().to_string())?.path();
        let end = file.extension().and_then(OsStr::to_str);
        let stem = file.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let place = TEXTS.iter().position(|known| *known == stem);
        let (Some(place), Some(end @ ("html" | "md"))) = (place, end) else {
            if !file.file_name().unwrap_or_default().to_string_lossy().starts_with('.') {
                tracing::warn!(file = %file.display(), "not a text of the site: expected are \
                    privacy, terms, contact and optout with .html or .md");
            }
            continue;
        };
        let Ok(text) = String::from_utf8(read(&file)?) else {
            bail!("{}: it is not UTF-8", file.display());
        };
        if texts[place].is_some() {
            bail!("{}: both {stem}.html and {stem}.md are there", folder.display());
        }
        texts[place] = Some(if end == "md" { html_of_markdown(&text) } else { text });
    }
    Ok(texts)
}

/// Markdown as HTML, with what is HTML already as it is: the operator is trusted, and scripts are kept from
/// running by the policy of the site.
fn html_of_markdown(text: &str) -> String {
    use pulldown_cmark::{Options, Parser, html};
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut page = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut page, Parser::new_ext(text, options));
    page
}

/// All bytes of a file that is not too large.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let named = || file.display().to_string();
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .with_context(named)?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("{}: larger than {MAX_BYTES} bytes", file.display());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn settings(folder: &TempDir) -> SiteSettings {
        SiteSettings {
            name: "Example Locations".to_owned(),
            organisation: None,
            contact: None,
            source_url: "https://example.org/source".to_owned(),
            logo: None,
            pages: Some(folder.path().to_owned()),
        }
    }

    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    fn refused(settings: &SiteSettings) -> String {
        format!("{:#}", Site::open(settings).err().unwrap())
    }

    #[test]
    fn texts_are_html_or_markdown_and_all_others_stay_ours() {
        let folder = folder(&[
            ("privacy.html", b"<p>Ours <b>alone</b>.</p>"),
            ("terms.md", "## Größe\n\n| a | b |\n| - | - |\n| 1 | <i>2</i> |\n".as_bytes()),
            ("privcy.md", b"a slip"),
            (".terms.md.swp", b"of an editor"),
        ]);
        let site = Site::open(&settings(&folder)).unwrap();
        assert_eq!(site.text("privacy"), Some("<p>Ours <b>alone</b>.</p>"));
        let terms = site.text("terms").unwrap();
        assert!(terms.starts_with("<h2>Größe</h2>"), "{terms}");
        assert!(terms.contains("<td><i>2</i></td>"), "{terms}");
        assert_eq!((site.text("contact"), site.text("optout")), (None, None));
    }

    #[test]
    fn what_was_named_and_cannot_be_used_is_an_error_that_names_it() {
        let both = folder(&[("terms.md", b"a"), ("terms.html", b"a")]);
        assert!(refused(&settings(&both)).contains("both terms.html and terms.md"));
        let large = folder(&[("terms.md", &vec![b'a'; 256 * 1024 + 1])]);
        let problem = refused(&settings(&large));
        assert!(problem.starts_with("SITE_PAGES: ") && problem.contains("larger"), "{problem}");
        let foreign = folder(&[("terms.md", b"\xff")]);
        assert!(refused(&settings(&foreign)).contains("UTF-8"));
        let missing =
            SiteSettings { pages: Some(foreign.path().join("nowhere")), ..settings(&foreign) };
        assert!(refused(&missing).contains("nowhere"));
        let a_folder = folder(&[]);
        std::fs::create_dir(a_folder.path().join("terms.md")).unwrap();
        assert!(refused(&settings(&a_folder)).contains("terms.md"));
        for logo in ["logo.bmp", "logo", "missing.svg"] {
            let settings = SiteSettings {
                pages: None,
                logo: Some(a_folder.path().join(logo)),
                ..settings(&a_folder)
            };
            assert!(refused(&settings).starts_with("SITE_LOGO: "), "{logo}");
        }
    }

    #[test]
    fn a_logo_has_an_address_that_changes_with_it() {
        let folder = folder(&[("a.SVG", b"<svg/>"), ("b.png", b"png")]);
        let address = |name: &str| {
            let logo = Some(folder.path().join(name));
            Site::open(&SiteSettings { logo, pages: None, ..settings(&folder) }).unwrap()
        };
        let (svg, png) = (address("a.SVG"), address("b.png"));
        assert_eq!(svg.logo.as_ref().unwrap().media_type, "image/svg+xml");
        assert!(svg.logo_address().starts_with("/site-logo?v="));
        assert_ne!(svg.logo_address(), png.logo_address());
    }

    #[test]
    fn contacts_are_linked_as_what_they_are() {
        assert_eq!(Contact::of("a@example.org").link, "mailto:a@example.org");
        assert_eq!(Contact::of("https://example.org/").link, "https://example.org/");
    }
}
