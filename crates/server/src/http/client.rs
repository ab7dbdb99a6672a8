//! Who is asking: the client's address.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use ipnet::IpNet;

/// Who is asking.
pub struct Client {
    /// The text of the address, whatever it is.
    pub text: String,
    /// The address, when the text is one.
    pub address: Option<IpAddr>,
}

impl Client {
    /// The client of a request.
    #[must_use]
    pub fn of(headers: &HeaderMap, peer: IpAddr, trusted: Option<&[IpNet]>) -> Self {
        let text = client_text(headers, peer, trusted);
        Self { address: valid_address(&text), text }
    }
}

/// The text of the client's address.
///
/// Without a list of trusted proxies it is the first entry of `X-Forwarded-For`, whoever sent
/// it, as the original has it. With a list it is the nearest address on the way that is not one
/// of our own proxies.
fn client_text(headers: &HeaderMap, peer: IpAddr, trusted: Option<&[IpNet]>) -> String {
    let forwarded =
        || headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok());
    let Some(trusted) = trusted else {
        let first = forwarded().next().map(|list| list.split(',').next().unwrap_or_default());
        return first
            .map_or_else(|| peer.to_canonical().to_string(), |text| text.trim().to_owned());
    };
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let entries: Vec<_> = forwarded().flat_map(|list| list.split(',')).collect();
    let mut nearest = peer.to_canonical();
    for entry in entries.iter().rev() {
        if !is_trusted(nearest) {
            break;
        }
        match valid_address(entry.trim()) {
            Some(address) => nearest = address.to_canonical(),
            None => return entry.trim().to_owned(),
        }
    }
    nearest.to_string()
}

/// Dotted IPv4, IPv6 with or without a zone; no port, no brackets.
fn valid_address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    // An address of one link: valid, but known to no database.
    let (address, zone) = text.split_once('%')?;
    let is_local = !zone.is_empty() && !zone.contains('%') && address.parse::<Ipv6Addr>().is_ok();
    is_local.then_some(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_first_entry_counts_by_default() {
        for (lines, text) in [
            (&[][..], "127.0.0.1"),
            (&["81.2.69.192"], "81.2.69.192"),
            (&[" 81.2.69.192 , 10.0.0.1"], "81.2.69.192"),
            (&["81.2.69.192", "10.0.0.1"], "81.2.69.192"),
            (&[""], ""),
        ] {
            assert_eq!(client_text(&headers(lines), PEER, None), text, "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in ["", "1.2.3.4:80", "[::1]", "081.002.069.192", "12345", "host", "::1%", "%eth0"]
        {
            assert_eq!(Client::of(&headers(&[text]), PEER, None).address, None, "{text}");
        }
        for text in ["81.2.69.192", "2A02:D0C0:0:0::1", "::ffff:81.2.69.192", "fe80::1%eth0"] {
            assert!(Client::of(&headers(&[text]), PEER, None).address.is_some(), "{text}");
        }
    }

    #[test]
    fn with_trusted_proxies_the_nearest_untrusted_address_counts() {
        let trusted: Vec<IpNet> =
            vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        for (lines, text) in [
            (&[][..], "127.0.0.1"),
            (&["1.1.1.1, 81.2.69.192, 10.0.0.1"], "81.2.69.192"),
            (&["1.1.1.1", "81.2.69.192"], "81.2.69.192"),
            (&["10.0.0.2, 10.0.0.1"], "10.0.0.2"),
            (&["1.1.1.1, nonsense"], "nonsense"),
        ] {
            assert_eq!(client_text(&headers(lines), PEER, Some(&trusted)), text, "{lines:?}");
        }
        let stranger = "9.9.9.9".parse().unwrap();
        assert_eq!(client_text(&headers(&["1.1.1.1"]), stranger, Some(&trusted)), "9.9.9.9");
    }
}
