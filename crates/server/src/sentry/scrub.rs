//! Removes from a text whatever could tell about a person or open a door.
//!
//! Texts of errors come from servers and libraries, which like to quote: an account, a row, an
//! address with its parameters. So this errs on the side of removing: what stands in quotes, addresses
//! of the web beyond their host, and every word that looks like a number with a fraction, an address, a
//! MAC or a key.

/// What stands in the place of what was removed.
const GAP: &str = "[…]";
/// The longest text that is kept, characters.
const MAX: usize = 2000;
/// Hexadecimal digits from which on a word is taken for an id or a key.
const HEX: usize = 8;

/// The text without what may not leave.
pub(super) fn scrub(text: &str) -> String {
    let text: String = text.chars().take(MAX).collect();
    let text = without_quotes(&text);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let mut end = rest.find(is_separator).unwrap_or(rest.len());
        if rest[..end].contains("://") {
            // The parameters of an address belong to it.
            end = rest.find(|c: char| c.is_whitespace() || ")>".contains(c)).unwrap_or(rest.len());
        }
        let (word, after) = rest.split_at(end);
        clean.push_str(&scrub_word(word));
        let gap = after.find(|c| !is_separator(c)).unwrap_or(after.len());
        clean.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    clean
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || "()<>{},;=|".contains(c)
}

/// Replaces what stands in quotes; a quote without its counterpart takes the rest along. An
/// apostrophe between letters is none.
fn without_quotes(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut quote = None;
    let mut before = ' ';
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '`') || (c == '\'' && !before.is_alphanumeric()) => {
                quote = Some(c);
                clean.push_str(GAP);
            }
            None => clean.push(c),
        }
        before = c;
    }
    clean
}

fn scrub_word(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://") {
        // The account, the path and the parameters go; the host says which service it was.
        let place = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let host = place.rsplit('@').next().unwrap_or(place);
        let host = if host.starts_with('[') || looks_private(host) { GAP } else { host };
        return format!("{scheme}://{host}");
    }
    let core = word.trim_matches(|c: char| !c.is_alphanumeric() && c != ':' && c != '-');
    let core = core.trim_end_matches(':');
    if core.is_empty() || !looks_private(core) {
        return word.to_owned();
    }
    word.replace(core, GAP)
}

/// Does a word look like a position, an address, a MAC, an id or a key?
fn looks_private(word: &str) -> bool {
    if word.contains('@') {
        return true;
    }
    let host = word.rsplit_once(':').map_or(word, |(host, _)| host);
    if word.parse::<std::net::IpAddr>().is_ok() || host.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    if word.contains('.') && word.parse::<f64>().is_ok() {
        return true;
    }
    let hex = word.bytes().filter(u8::is_ascii_hexdigit).count();
    let others = word.bytes().filter(|byte| !byte.is_ascii_hexdigit());
    let only_hex = others.clone().all(|byte| b":-._".contains(&byte) || byte == b'x');
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    // Times and dates have digits and separators too; they are shorter between two colons.
    let is_time =
        word.ends_with('Z') || (word.len() <= 10 && word.matches([':', '-']).count() == 2);
    (only_hex && hex >= HEX && has_digit && !is_time) || is_mac(word)
}

/// Six pairs of hexadecimal digits with a separator between.
fn is_mac(word: &str) -> bool {
    let pairs: Vec<&str> = word.split([':', '-', '.']).collect();
    pairs.len() == 6
        && pairs
            .iter()
            .all(|pair| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_explains_stays() {
        for text in [
            "API key not checked: database unavailable: no answer in time",
            "task failed: database broken: ERROR 1146 (42S02): Table […] doesn't exist",
            "key-value store unavailable: Connection refused (os error 111)",
            "Testing Sentry configuration via cli (2026-01-31T12:00:00Z)",
            "panicked at crates/server/src/tasks/run.rs:12:5",
            "the database lacks the migrations V2__additions",
            "unknown revision, run it at 00:17 on 2026-01-31",
        ] {
            assert_eq!(scrub(text), text);
        }
    }

    #[test]
    fn what_could_be_private_goes() {
        for (text, scrubbed) in [
            ("Access denied for user 'ro'@'10.0.0.1'", "Access denied for user […]@[…]"),
            ("Duplicate entry '\\x02\\x1C' for key 'PRIMARY'", "Duplicate entry […] for key […]"),
            ("no column `secret", "no column […]"),
            (
                "error sending request for url (https://user:pw@provider.example/v1?key=abcd)",
                "error sending request for url (https://provider.example)",
            ),
            ("mysql://location:s3cret@db:3306/location failed", "mysql://db:3306 failed"),
            ("http://192.0.2.7:80/x", "http://[…]"),
            ("at 51.5142, -0.0931", "at […], […]"),
            ("client 81.2.69.192: gone", "client […]: gone"),
            ("client 81.2.69.192:4711", "client […]"),
            ("client [2001:db8::1]", "client [[…]]"),
            ("station 02:1c:ac:00:00:01 is odd", "station […] is odd"),
            ("station 02-1c-ac-00-00-01.", "station […]."),
            ("station 021cac000001", "station […]"),
            ("key=0f8fad5b-d9cb-469f-a165-70867728950e", "key=[…]"),
            ("mail to someone@example.org", "mail to […]"),
        ] {
            assert_eq!(scrub(text), scrubbed, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_position_mac_address_or_password_comes_through(
            lat in -90.0_f64..90.0,
            mac in any::<[u8; 6]>(),
            address in any::<std::net::Ipv4Addr>(),
            password in "[a-zA-Z0-9]{12}",
            before in "[a-z ]{0,9}",
        ) {
            let mac = mac.map(|byte| format!("{byte:02x}")).join(":");
            let lat = format!("{lat:.7}");
            let text = format!("{before} {lat} {mac} {address} mysql://u:{password}@h/n");
            let clean = scrub(&text);
            for secret in [&lat, &mac, &address.to_string(), &password] {
                prop_assert!(!clean.contains(secret.as_str()), "{clean}");
            }
        }

        #[test]
        fn any_text_can_be_scrubbed(text in any::<String>()) {
            prop_assert!(scrub(&text).chars().count() <= text.chars().count() * 3);
        }
    }
}
