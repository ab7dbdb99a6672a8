//! The page for developers.

use askama::Template;
use http::HeaderMap;
use http::header::HOST;

use super::{Away, Visit, filled};
use crate::site::Frame;

/// The longest name of a host.
const MAX_HOST: usize = 255;

#[derive(Template)]
#[template(path = "api.html")]
struct Api<'a> {
    frame: &'a Frame<'a>,
    base: String,
}

pub fn html(visit: &Visit<'_>) -> Result<String, Away> {
    filled(&Api { frame: visit.frame, base: base(visit.headers) })
}

/// The address under which this site was reached, for examples that people copy into a shell: nothing but
/// the letters of host names and ports. Certificates end at a proxy, which says so.
pub(super) fn base(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let is_host = |host: &&str| (1..=MAX_HOST).contains(&host.len()) && host.bytes().all(is_plain);
    let host = text(HOST.as_str()).filter(is_host).unwrap_or("localhost:8000");
    let is_secure = text("x-forwarded-proto").is_some_and(|proto| proto.trim() == "https");
    format!("{}://{host}", if is_secure { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn examples_have_the_address_of_the_site_and_nothing_of_a_stranger() {
        for (host, proto, expected) in [
            ("localhost:8000", None, "http://localhost:8000"),
            ("[::1]:8000", None, "http://[::1]:8000"),
            ("geo.example.org", Some("https"), "https://geo.example.org"),
            ("geo.example.org", Some("javascript"), "http://geo.example.org"),
            ("a';rm -rf .;'", None, "http://localhost:8000"),
            ("\"><script>", None, "http://localhost:8000"),
            ("", None, "http://localhost:8000"),
        ] {
            let proto = proto.map(|proto| (HeaderName::from_static("x-forwarded-proto"), proto));
            let all = [(HOST, host)].into_iter().chain(proto);
            let headers = all.map(|(name, value)| (name, value.parse().unwrap())).collect();
            assert_eq!(base(&headers), expected);
        }
        assert_eq!(base(&HeaderMap::new()), "http://localhost:8000");
    }
}
