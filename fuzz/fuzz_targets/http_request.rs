//! Any bytes that arrive on a connection are answered by whole HTTP answers, or the connection ends: never
//! by an error of the server, never with a file from outside the public folders or a link to another host.
//! Answers have the headers that all have, as many bytes as they say, parts of files are the parts they say
//! they are, and JSON is JSON; over HTTP/2 it is whole frames that come.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use ichnaea_kv::Op;
use ichnaea_server::clock::{Chance, Clock};
use ichnaea_server::config::{Embedded, Settings};
use ichnaea_server::context::Context;
use ichnaea_server::http::serve;
use ichnaea_server::keys;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;

/// What is in files that nobody may have.
const SECRET: &[u8] = b"nobody-may-read-this";
/// What the public files hold: as many bytes as places, so that a part tells where it was cut.
const LEN: usize = 251;
const NOW_MS: i64 = 1_767_225_600_000; // 2026-01-01
/// A machine that has other things to do, too; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Reports and queries that wait are thrown away now and then: nobody works on them here.
const SWEEP: u32 = 500;
/// A city database in which every address is in London: one node, its record, and what the file says of
/// itself.
const CITY: &[u8] = b"\0\0\x11\0\0\x11\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \xe4Gcountry\xe1Hiso_codeBGBDcity\xe1Jgeoname_id\xc4\0(W\x1fLsubdivisions\x01\x04\xe0\
    Hlocation\xe3Hlatitudeh@I\xc0\0\0\0\0\0Ilongitudeh\xbf\xb9\x99\x99\x99\x99\x99\x9a\
    Oaccuracy_radius\xc4\0\0\0\x0a\
    \xab\xcd\xefMaxMind.com\xe9Jnode_count\xc4\0\0\0\x01Krecord_size\xa2\0\x18Jip_version\xa2\0\x06\
    Ilanguages\0\x04Mdatabase_typeMGeoLite2-CityKdescription\xe0\
    [binary_format_major_version\xa2\0\x02[binary_format_minor_version\xa2\0\0\
    Kbuild_epoch\x08\x02\0\0\0\0iU\xb9\0";
/// How a connection begins that speaks HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The longest frame, as nobody can ask for longer ones here.
const MAX_FRAME: usize = 16_384;
/// The frame that would bring answers nobody asked for.
const PUSH: u8 = 5;
/// Statuses that the server of the library gives by itself, without our headers.
const BY_LIBRARY: [u16; 3] = [400, 414, 431];

static SERVICE: LazyLock<Service> = LazyLock::new(Service::start);

struct Service {
    runtime: Runtime,
    context: Arc<Context>,
    address: SocketAddr,
    count: AtomicU32,
    _folder: TempDir,
}

/// What every public file holds.
fn content() -> Vec<u8> {
    (0..LEN).map(|place| u8::try_from(place).expect("a byte")).collect()
}

impl Service {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let public = folder.path().join("public");
        for (place, bytes) in [
            ("export/MLS-full-cell-export-2026-01-01T000000.csv.gz", content()),
            ("export/index.json", b"{}".to_vec()),
            ("tiles/0/0/0.png", content()),
            ("tiles/data.json", b"{}".to_vec()),
            ("export/.hidden", SECRET.to_vec()),
            ("private/file.png", SECRET.to_vec()),
            ("../outside.png", SECRET.to_vec()),
            ("../data/secret_key", SECRET.to_vec()),
            ("../data/geoip/city.mmdb", CITY.to_vec()),
        ] {
            let file = public.join(place);
            std::fs::create_dir_all(&public).expect("a folder");
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(file, bytes).expect("room for a file");
        }
        let variable = |name: &str| match name {
            "DATA_DIR" => Some(data.clone().into_os_string()),
            "ASSET_BUCKET" => Some(format!("file://{}", public.display()).into()),
            "COVERAGE" => Some("yes".into()),
            "BACKEND_TIMEOUT" | "GUNICORN_TIMEOUT" => Some("60".into()),
            "MAX_WAITING_REPORTS" | "MAX_UNKNOWN_BY_ADDRESS" | "MAX_UNKNOWN_BY_KEY" => {
                Some("0".into())
            }
            _ => None,
        };
        let settings = Settings::read(|_| None, variable);
        let config = settings.resolve(Embedded::Create).expect("settings that can be used");
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (context, address) = runtime.block_on(async {
            let mut context = Context::open(config).await.expect("all handles");
            context.clock = Clock::Fixed(Arc::new(AtomicI64::new(NOW_MS)));
            context.chance = Chance::Fixed(0.5);
            context.writer.migrate().await.expect("tables");
            let london = context.geoip.lookup(Ipv4Addr::LOCALHOST.into());
            assert!(london.is_some(), "the city database is no use");
            let context = Arc::new(context);
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
            let address = listener.local_addr().expect("a port");
            tokio::spawn(serve(Arc::clone(&context), listener, std::future::pending()));
            (context, address)
        });
        Self { runtime, context, address, count: AtomicU32::new(1), _folder: folder }
    }

    /// Everything that comes back.
    fn answers(&self, request: &[u8]) -> Vec<u8> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        self.runtime.block_on(async {
            if count.is_multiple_of(SWEEP) {
                let key = keys::UPDATE_INCOMING.into();
                self.context.kv.apply(vec![Op::Delete { key }]).await.expect("a queue is emptied");
            }
            let exchange = async {
                let socket = TcpSocket::new_v4().expect("a socket");
                // An address for every few connections: one alone runs out of ports, which
                // rest for a minute after use.
                let [_, a, b, _] = count.to_be_bytes();
                let from = Ipv4Addr::new(127, a, b, 1 + (count % 250) as u8);
                socket.bind((from, 0).into()).expect("an address of this machine");
                let mut stream = socket.connect(self.address).await.expect("the server listens");
                let mut answers = Vec::new();
                // The server may have seen enough before everything was sent.
                if stream.write_all(request).await.is_ok() {
                    let _ = stream.shutdown().await;
                }
                let _ = stream.read_to_end(&mut answers).await;
                answers
            };
            tokio::time::timeout(PATIENCE, exchange).await.expect("the server hangs")
        })
    }
}

/// One answer without its body.
struct Head<'a> {
    status: u16,
    headers: Vec<(String, &'a str)>,
}

impl<'a> Head<'a> {
    fn read(text: &'a str) -> Self {
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let rest = first.strip_prefix("HTTP/1.1 ").or_else(|| first.strip_prefix("HTTP/1.0 "));
        let status = rest.and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no HTTP answer: {first}"));
        let header = |line: &'a str| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("header {line:?}"));
            (name.to_ascii_lowercase(), value)
        };
        Self { status, headers: lines.map(header).collect() }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| *value)
    }

    fn check(&self) {
        let Self { status, headers } = self;
        assert!(*status < 500, "{status} {headers:?}");
        let is_ours = self.get("x-content-type-options") == Some("nosniff");
        let is_empty = self.get("content-length").is_none_or(|len| len == "0");
        assert!(is_ours || BY_LIBRARY.contains(status) && is_empty, "{status} {headers:?}");
        if self.get("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
            assert!(self.get("content-security-policy").is_some(), "{headers:?}");
        }
        if let Some(location) = self.get("location") {
            let is_local = location.starts_with('/') && !location.starts_with("//");
            assert!(is_local, "{location}");
        }
    }

    fn check_body(&self, body: &[u8]) {
        let kind = self.get("content-type").unwrap_or_default();
        if kind.ends_with("json") && self.get("content-encoding").is_none() && self.status != 206 {
            let json = serde_json::from_slice::<serde::de::IgnoredAny>(body);
            assert!(json.is_ok() || body.is_empty(), "{}", body.escape_ascii());
        }
        let Some(range) = self.get("content-range").filter(|_| self.status == 206) else { return };
        let numbers: Vec<usize> = range
            .trim_start_matches("bytes ")
            .split(['-', '/'])
            .map(|number| number.parse().expect("a number"))
            .collect();
        let [first, last, len] = numbers[..] else { panic!("{range}") };
        assert!(first <= last && last < len && body.len() == last - first + 1, "{range}");
        // Of the files above, whose content tells the place.
        if len == LEN {
            assert_eq!(body, &content()[first..=last], "{range}");
        }
    }
}

/// What a client gets that speaks HTTP/2: frames, the last one whole.
fn check_frames(mut rest: &[u8]) {
    while !rest.is_empty() {
        let &[a, b, c, kind, _, _, _, _, _, ..] = rest else {
            panic!("cut off: {}", rest.escape_ascii());
        };
        let len = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        assert!(len <= MAX_FRAME && rest.len() >= 9 + len, "{len} of {}", rest.len());
        assert_ne!(kind, PUSH);
        rest = &rest[9 + len..];
    }
}

fuzz_target!(|request: &[u8]| {
    let holds = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|part| part == SECRET);
    if holds(request) {
        return;
    }
    let answers = SERVICE.answers(request);
    assert!(!holds(&answers), "{}", answers.escape_ascii());
    if request.starts_with(PREFACE) {
        return check_frames(&answers);
    }
    let mut rest = &answers[..];
    let mut is_first = true;
    while !rest.is_empty() {
        let end = rest.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("cut off: {}", rest.escape_ascii()));
        let head = std::str::from_utf8(&rest[..end]).expect("headers are text");
        let head = Head::read(head);
        rest = &rest[end + 4..];
        if head.status == 100 {
            continue;
        }
        head.check();
        // Only of the first it is known what was asked.
        if !std::mem::replace(&mut is_first, false) {
            return;
        }
        let begin = request.trim_ascii_start();
        if begin.starts_with(b"HEAD ") || matches!(head.status, 204 | 304) {
            continue;
        }
        let len = head.get("content-length").and_then(|len| len.parse().ok());
        // What is streamed in pieces ends with an empty one.
        let Some(len): Option<usize> = len else {
            assert_eq!(head.get("transfer-encoding"), Some("chunked"), "{:?}", head.headers);
            assert!(rest.windows(5).any(|bytes| bytes == b"0\r\n\r\n"));
            return;
        };
        assert!(rest.len() >= len, "{} of {len} bytes", rest.len());
        head.check_body(&rest[..len]);
        rest = &rest[len..];
    }
});
