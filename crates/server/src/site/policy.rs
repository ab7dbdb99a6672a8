//! The Content-Security-Policy of every page: what a page may load and from where.
//!
//! Everything comes from the site itself, apart from the hosts that the operator names in settings. No
//! script and no style stands in a page, so that nothing needs to be allowed for those.

use http::HeaderValue;

use crate::config::Config;

/// The policy for these settings.
#[must_use]
pub fn policy(config: &Config) -> HeaderValue {
    let mut hosts = Vec::new();
    hosts.extend(config.asset_url.as_deref().and_then(origin));
    // Also that of the map provider whose token was given.
    hosts.extend(config.base_map.as_ref().and_then(|base| origin(&base.address)));
    hosts.dedup();
    // No host has a letter that a header could not.
    HeaderValue::from_str(&directives(&hosts)).unwrap_or(HeaderValue::from_static(CLOSED))
}

/// Nothing at all: what is better than no policy.
const CLOSED: &str = "default-src 'none';";

fn directives(hosts: &[String]) -> String {
    let others = [&[String::new()][..], hosts].concat().join(" ");
    format!(
        "default-src 'self'; connect-src 'self'{others}; font-src 'self'; \
         img-src 'self'{others} data: blob:; script-src 'self'; style-src 'self'; \
         child-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none';"
    )
}

/// Scheme and host of an address, in the words of a policy; `None` for one on this site. A part of a host
/// that stands for several (`{s}.tiles.example`) becomes `*`.
fn origin(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.split_once('.') {
        Some((first, others)) if first.contains('{') => format!("*.{others}"),
        _ => host.to_owned(),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]*".contains(&byte);
    let is_web = matches!(scheme, "http" | "https");
    (is_web && !host.is_empty() && host.bytes().all(is_plain)).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_loaded_from_elsewhere_unless_it_is_named() {
        let policy = directives(&[]);
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert!(policy.ends_with(';') && !policy.contains("  "), "{policy}");
        for directive in [
            "default-src",
            "connect-src",
            "font-src",
            "img-src",
            "script-src",
            "style-src",
            "child-src",
            "worker-src",
        ] {
            assert!(policy.contains(&format!("{directive} ")), "{directive}");
        }
        assert!(!policy.contains("-src 'self' blob:"), "{policy}");
        let policy = directives(&["https://tiles.example".to_owned()]);
        assert!(policy.contains("img-src 'self' https://tiles.example data: blob:;"), "{policy}");
        assert!(policy.contains("connect-src 'self' https://tiles.example;"), "{policy}");
        assert!(policy.contains("script-src 'self';"), "{policy}");
    }

    #[test]
    fn hosts_come_from_the_settings() {
        for (variables, hosts) in [
            (&[][..], vec![]),
            (&[("ASSET_URL", "https://cdn.example/a/")], vec!["https://cdn.example"]),
            (&[("ASSET_URL", "/assets")], vec![]),
            (&[("MAPBOX_TOKEN", "pk.x")], vec!["https://api.mapbox.com"]),
            (
                &[("MAP_STYLE_URL", "https://maps.example/{z}/{x}/{y}.png"), ("MAP_TOKEN", "x")],
                vec!["https://maps.example"],
            ),
            (
                &[("MAP_STYLE_URL", "https://one.example/a"), ("ASSET_URL", "https://one.example")],
                vec!["https://one.example"],
            ),
        ] {
            let given = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, text)| std::ffi::OsString::from(text))
            };
            let settings = crate::config::Settings::read(|_| None, given);
            let config = settings.resolve(crate::config::Embedded::Create).ok().unwrap();
            let policy = policy(&config);
            let words = policy.to_str().unwrap().split([' ', ';']);
            let mut found: Vec<_> = words.filter(|word| word.contains("://")).collect();
            found.dedup();
            found.sort_unstable();
            found.dedup();
            assert_eq!(found, hosts, "{variables:?}");
        }
    }

    #[test]
    fn of_an_address_scheme_and_host_count() {
        for (address, expected) in [
            ("https://cdn.example/tiles/", Some("https://cdn.example")),
            ("http://127.0.0.1:9000/bucket", Some("http://127.0.0.1:9000")),
            ("https://user:secret@cdn.example?a=b", Some("https://cdn.example")),
            ("https://{s}.tiles.example/{z}/{x}/{y}.png", Some("https://*.tiles.example")),
            ("https://tile-{a-c}.example.org/{z}", Some("https://*.example.org")),
            ("http://[::1]:8000/", Some("http://[::1]:8000")),
            ("/static/tiles/", None),
            ("cdn.example/", None),
            ("https://", None),
            ("javascript://x/%0aalert(1)", None),
            ("https://a;script-src *", None),
            ("https://a b/", None),
            ("https://cdn.example\r\nX: y", None),
        ] {
            assert_eq!(origin(address).as_deref(), expected, "{address}");
        }
    }
}
