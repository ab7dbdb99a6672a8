//! Settings of the site: whose it is.

use std::path::PathBuf;

use super::setting::Setting;
use super::{Invalid, Settings, table};

/// The longest name that is shown, in characters.
const MAX_NAME: usize = 100;

/// Whose site it is, as the operator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteSettings {
    /// What the service is called.
    pub name: String,
    /// Who runs it.
    pub organisation: Option<String>,
    /// Where questions go: a mail address, or an address that begins with `http`.
    pub contact: Option<String>,
    /// Where the source code is.
    pub source_url: String,
    /// A picture in the place of ours.
    pub logo: Option<PathBuf>,
    /// A folder with texts in the place of ours.
    pub pages: Option<PathBuf>,
}

impl Settings {
    pub(super) fn site_settings(&self) -> SiteSettings {
        let text = |setting: &Setting| self.text(setting).map(str::to_owned);
        SiteSettings {
            name: self.text_or_default(&table::SITE_NAME).to_owned(),
            organisation: text(&table::SITE_ORGANISATION),
            contact: text(&table::SITE_CONTACT)
                .map(|contact| contact.trim_start_matches("mailto:").to_owned()),
            source_url: self.text_or_default(&table::SITE_SOURCE_URL).to_owned(),
            logo: text(&table::SITE_LOGO).map(PathBuf::from),
            pages: text(&table::SITE_PAGES).map(PathBuf::from),
        }
    }

    /// What cannot be shown, or would be a link that leads nowhere.
    pub(super) fn site_problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        for setting in [&table::SITE_NAME, &table::SITE_ORGANISATION] {
            let is_long = |text: &str| text.chars().count() > MAX_NAME;
            if self.text(setting).is_some_and(is_long) {
                let problem = format!("allowed are {MAX_NAME} characters");
                problems.push(self.invalid(setting, problem));
            }
        }
        if self.text(&table::SITE_CONTACT).is_some_and(|text| !is_link(text) && !is_mail(text)) {
            let problem = "allowed is a mail address, or an address that begins with https://";
            problems.push(self.invalid(&table::SITE_CONTACT, problem.to_owned()));
        }
        if self.text(&table::SITE_SOURCE_URL).is_some_and(|text| !is_link(text)) {
            let problem = "allowed is an address that begins with https:// or http://";
            problems.push(self.invalid(&table::SITE_SOURCE_URL, problem.to_owned()));
        }
        problems
    }
}

/// Something a page may link to: no script, no file.
fn is_link(text: &str) -> bool {
    let below = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    below.is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
    })
}

fn is_mail(text: &str) -> bool {
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let is_plain = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
        !part.is_empty() && part.bytes().all(allowed)
    };
    text.split_once('@').is_some_and(|(name, host)| is_plain(name) && is_plain(host))
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;

    #[test]
    fn without_settings_the_site_has_a_neutral_name_and_nobody_to_ask() {
        let site = settings_of(&[]).site_settings();
        assert_eq!(site.name, "Ichnaea");
        assert_eq!(
            (site.organisation, site.contact, site.logo, site.pages),
            (None, None, None, None)
        );
        assert!(site.source_url.starts_with("https://"));
    }

    #[test]
    fn contacts_are_mail_addresses_or_pages() {
        for (text, contact) in [
            ("geo@example.org", "geo@example.org"),
            ("mailto:geo+site@example.org", "geo+site@example.org"),
            ("https://example.org/forum?a=b&c=d", "https://example.org/forum?a=b&c=d"),
        ] {
            let settings = settings_of(&[("SITE_CONTACT", text)]);
            assert!(settings.site_problems().is_empty(), "{text}");
            assert_eq!(settings.site_settings().contact.as_deref(), Some(contact));
        }
    }

    #[test]
    fn what_would_be_no_link_is_said_at_the_start() {
        let long = "x".repeat(101);
        for (name, text) in [
            ("SITE_NAME", long.as_str()),
            ("SITE_ORGANISATION", &long),
            ("SITE_CONTACT", "somebody"),
            ("SITE_CONTACT", "javascript:alert(1)"),
            ("SITE_CONTACT", "a@b?subject=x"),
            ("SITE_CONTACT", "https://"),
            ("SITE_SOURCE_URL", "github.com/ichnaea"),
            ("SITE_SOURCE_URL", "data:text/html,x"),
            ("SITE_SOURCE_URL", "https://a b"),
        ] {
            let problems = settings_of(&[(name, text)]).site_problems();
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert_eq!(problems.len(), 1, "{name} {text}");
            assert!(problems[0].starts_with(&format!("{name}: ")), "{problems:?}");
        }
    }
}
