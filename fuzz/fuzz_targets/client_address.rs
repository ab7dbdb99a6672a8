//! Whatever a client claims in `X-Forwarded-For`, its address is one or none.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderValue};
use ichnaea_server::http::Client;
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fuzz_target!(|lines: Vec<&[u8]>| {
    let mut headers = HeaderMap::new();
    for line in lines.iter().take(100) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append("x-forwarded-for", value);
        }
    }
    let _ = Client::of(&headers, PEER, None);
    let nobody: [IpNet; 0] = [];
    assert_eq!(Client::of(&headers, PEER, Some(&nobody)).address, Some(PEER));
    let trusted =
        ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"].map(|net| net.parse().expect("a network"));
    let _ = Client::of(&headers, PEER, Some(&trusted));
});
