//! Requests nobody should send, some of them close to good ones.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::BoxedStrategy;

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub struct HostileRequest {
    pub method: &'static str,
    pub query: Vec<u8>,
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub body: Vec<u8>,
}

const METHODS: &[&str] =
    &["POST", "POST", "POST", "POST", "GET", "HEAD", "OPTIONS", "PUT", "TRACE", "NONSENSE"];

/// JSON as it may stand anywhere, good, bad and mean.
const VALUES: &str = r#"
    null true false 0 -0 1 -1 0.0 -0.0 0.1 1e-400 1e400 -1e400 NaN Infinity -Infinity 65535
    65536 2147483648 9007199254740993 18446744073709551616 123456789012345678901234567890 ""
    "+5" "1_000" "1.5" "0x10" "nan" "٣" "\ud800" "\u0000" "12:34:56:78:9a:bc"
    "12-34-56-78-9a-bd" "1234567890be" "ffffffffffff" "zz:zz:zz:zz:zz:zz" "gsm" "LTE" "nr"
    "umts" "x_nomap" 51.5 -0.1 90 -90 180 -180.0000001 262 1600000000000 99999999999999
    -99999999999999 "2016-04-07T03:33:20Z" "9999-99-99" [] {} [null] [[[[[[[[]]]]]]]]
"#;

/// The same, with blanks inside.
const SPACED: [&str; 2] = [r#"" 12 ""#, r#"{"a": 1, "a": 2}"#];

/// What is no JSON and spoils the whole body.
const BROKEN: &[&str] = &["01", "1.", ".5", "'a'", "", "[1,]", "\"\u{0}\"", "+1", "undefined"];

const LISTS: &str = "wifiAccessPoints cellTowers bluetoothBeacons wifi cell blue";

const MEMBERS: &str = "\
    macAddress key signalStrength signal age channel frequency signalToNoiseRatio ssid name \
    radioType radio mobileCountryCode mcc mobileNetworkCode mnc locationAreaCode lac cellId cid \
    newRadioCellId trackingAreaCode timingAdvance ta asu psc primaryScramblingCode serving";

const SCALARS: &str = "\
    considerIp fallbacks position timestamp time lat lon latitude longitude accuracy altitude \
    speed heading pressure source radioType radio carrier homeMobileCountryCode key items";

const CONTENT_TYPES: &[&str] = &[
    "application/json",
    "application/json; charset=utf-16",
    "text/plain; charset=\"latin-1\"",
    "text/plain; charset=foo",
    "application/json; charset=",
    "a/b; charset=utf-7; charset=x",
    ";;;",
    "multipart/form-data; boundary=x",
    "application/json; charset=rot13",
];

const ADDRESSES: &[&str] = &[
    "81.2.69.192",
    "81.2.69.192, 10.0.0.1",
    "",
    ",",
    "::",
    "::1%eth0",
    "999.1.1.1",
    "081.002.1.1",
    "[::1]",
    "::ffff:81.2.69.192",
    "1.2.3.4:80",
    "fe80::%",
    "unknown",
    "2001:218::",
];

fn words(text: &'static str) -> Vec<&'static str> {
    text.split_whitespace().collect()
}

/// Any request with a body close to what the locate interfaces take.
pub fn locate_request() -> impl Strategy<Value = HostileRequest> {
    request(prop_oneof![8 => query_object().boxed(), 1 => json(), 1 => noise()].boxed())
}

/// Any request with a body close to what the submit interfaces take.
pub fn submit_request() -> impl Strategy<Value = HostileRequest> {
    let items = vec(prop_oneof![8 => query_object().boxed(), 1 => json()], 0..4);
    let reports = items.prop_map(|items| {
        let items: Vec<_> = items.iter().map(|item| String::from_utf8_lossy(item)).collect();
        format!("{{\"items\": [{}]}}", items.join(", ")).into_bytes()
    });
    request(prop_oneof![8 => reports.boxed(), 1 => json(), 1 => noise()].boxed())
}

fn request(body: BoxedStrategy<Vec<u8>>) -> impl Strategy<Value = HostileRequest> {
    let body = (body, vec((any::<Index>(), any::<u8>()), 0..3), 0..4_u8);
    let parts = (select(METHODS), query(), vec(header(), 0..4), body);
    parts.prop_map(|(method, query, mut headers, (mut body, edits, form))| {
        // Most bodies stay whole: a broken one is refused before anything reads it.
        if form == 0 {
            for (at, byte) in &edits {
                if !body.is_empty() {
                    let at = at.index(body.len());
                    body[at] = *byte;
                }
            }
        }
        if form == 1 {
            body = gzip(&body);
            headers.push(("Content-Encoding", b"gzip".to_vec()));
            if let Some((at, _)) = edits.first() {
                body.truncate(at.index(body.len()));
            }
        }
        HostileRequest { method, query, headers, body }
    })
}

/// An object with lists of stations and a few other members.
fn query_object() -> impl Strategy<Value = Vec<u8>> {
    let station =
        btree_map(select(words(MEMBERS)), value(), 0..8).prop_map(|members| object(&members));
    let list = vec(prop_oneof![19 => station.boxed(), 1 => value()], 0..5)
        .prop_map(|stations| format!("[{}]", stations.join(",")));
    let lists =
        btree_map(select(words(LISTS)), prop_oneof![19 => list.boxed(), 1 => value()], 0..4);
    let inner =
        btree_map(select(words(SCALARS)), value(), 0..6).prop_map(|members| object(&members));
    let others =
        btree_map(select(words(SCALARS)), prop_oneof![2 => value(), 1 => inner.boxed()], 0..3);
    (lists, others).prop_map(|(mut lists, others)| {
        lists.extend(others);
        object(&lists).into_bytes()
    })
}

fn object(members: &std::collections::BTreeMap<&str, String>) -> String {
    let members = members.iter().map(|(name, value)| format!("\"{name}\": {value}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

fn value() -> BoxedStrategy<String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        (-200.0..200.0).prop_map(|number: f64| number.to_string()),
        (-200..70_000_i64).prop_map(|number| number.to_string()),
    ];
    let mac = any::<u32>()
        .prop_map(|number| format!("\"12:34:{:02x}:00:00:0{:x}\"", number >> 24, number % 16));
    let text = any::<String>().prop_map(|text| serde_json::Value::String(text).to_string());
    prop_oneof![
        40 => select([words(VALUES).as_slice(), &SPACED].concat()).prop_map(str::to_owned),
        40 => number,
        40 => mac,
        10 => text,
        1 => select(BROKEN).prop_map(str::to_owned),
    ]
    .boxed()
}

/// Any JSON, up to some depth.
fn json() -> BoxedStrategy<Vec<u8>> {
    let nested = value().prop_recursive(6, 64, 6, |inner| {
        let names =
            prop_oneof![select(words(LISTS)), select(words(MEMBERS)), select(words(SCALARS))];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(|list| format!("[{}]", list.join(","))),
            btree_map(names, inner, 0..6).prop_map(|members| object(&members)),
        ]
    });
    nested.prop_map(String::into_bytes).boxed()
}

fn noise() -> BoxedStrategy<Vec<u8>> {
    vec(any::<u8>(), 0..200).boxed()
}

/// Query strings, most of them with a key that exists.
fn query() -> impl Strategy<Value = Vec<u8>> {
    let visible = vec(0x21..0x7f_u8, 0..60).prop_map(|bytes| {
        // A fragment is no part of a request target.
        bytes.into_iter().map(|byte| if byte == b'#' { b'+' } else { byte }).collect()
    });
    let known = select(&["key=test", "key=test;key=TEST", "key=%74est&a", "key=limit-zero"][..]);
    let odd = select(
        &["", "key", "key=", "key=%", "key=%ff", "a=%FF&key=test", "key=te%00st", "&&;;=&="][..],
    );
    prop_oneof![
        6 => known.prop_map(|query| query.as_bytes().to_vec()),
        2 => odd.prop_map(|query| query.as_bytes().to_vec()),
        1 => visible,
    ]
}

fn header() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let names = &[
        "Content-Type",
        "Content-Encoding",
        "X-Forwarded-For",
        "Accept",
        "Origin",
        "Cookie",
        "Expect",
    ];
    let any_value = vec(0x20..=0xff_u8, 0..40)
        .prop_map(|bytes| bytes.into_iter().filter(|byte| *byte != 0x7f).collect::<Vec<u8>>());
    prop_oneof![
        3 => select(CONTENT_TYPES).prop_map(|value| ("Content-Type", value.as_bytes().to_vec())),
        3 => select(ADDRESSES).prop_map(|value| ("X-Forwarded-For", value.as_bytes().to_vec())),
        1 => (select(&["gzip", "GZIP", "deflate", "br", ""][..]))
            .prop_map(|value| ("Content-Encoding", value.as_bytes().to_vec())),
        2 => (select(&names[..]), any_value),
    ]
}

/// One gzip member.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}
