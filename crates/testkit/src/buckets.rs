//! A server of the S3 protocol for one test: moto, from the Python package index.
//!
//! `scripts/prepare-tests` installs it into a folder of its own. A test that needs it and does not
//! find it fails and says so.

#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test without its server must say so and stop"
)]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use crate::servers::{Process, folder, free_port};

/// Where `scripts/prepare-tests` puts programs from the Python package index.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-tools/bin");

/// An S3-compatible server whose content is gone when it ends.
pub struct S3Server {
    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub uri: String,
    /// The same without a scheme.
    pub address: SocketAddr,
    pub(crate) process: Process,
}

/// An object as a client fetches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The bytes as they are stored.
    pub body: Vec<u8>,
}

impl S3Server {
    /// Starts a server and waits until it answers. Any account may do everything.
    #[must_use]
    pub fn start() -> Self {
        let program = PathBuf::from(TOOLS).join("moto_server");
        assert!(
            program.exists(),
            "{} is missing: run scripts/prepare-tests, which installs moto from PyPI",
            program.display()
        );
        let port = free_port();
        let arguments = ["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec();
        let is_ready = |stream: &mut TcpStream| {
            stream.write_all(b"GET /moto-api/ HTTP/1.0\r\n\r\n")?;
            let mut answer = [0; 12];
            stream.read_exact(&mut answer)?;
            Ok(answer.ends_with(b" 200"))
        };
        let folder = folder("ichnaea-s3-");
        let process = Process::start(program, arguments, folder, port, is_ready);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self { uri: format!("http://{address}"), address, process }
    }

    /// Makes a bucket.
    pub fn make_bucket(&self, name: &str) {
        self.expect("PUT", &format!("/{name}"), &[], 200);
    }

    /// From now on accounts count, and there is none that is valid; `false`: any may do everything
    /// again.
    pub fn refuse_accounts(&self, refuse: bool) {
        let free = if refuse { "0" } else { "1000000000" };
        self.expect("POST", "/moto-api/reset-auth", free.as_bytes(), 200);
    }

    /// The keys of all objects in a bucket, sorted.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("/{bucket}?list-type=2&start-after={after}");
            let list = self.expect("GET", &path, &[], 200).body;
            let list = String::from_utf8_lossy(&list).into_owned();
            let found = list.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
            let found: Vec<String> = found.map(str::to_owned).collect();
            let Some(last) = found.last() else { break };
            after = last.replace('%', "%25").replace(' ', "%20").replace('/', "%2F");
            keys.extend(found);
        }
        keys.sort();
        keys
    }

    /// An object as it is stored, past the code under test.
    #[must_use]
    pub fn object(&self, bucket: &str, key: &str) -> StoredObject {
        self.expect("GET", &format!("/{bucket}/{key}"), &[], 200)
    }

    /// Puts an object there, past the code under test.
    pub fn put(&self, bucket: &str, key: &str, body: &[u8]) {
        self.expect("PUT", &format!("/{bucket}/{key}"), body, 200);
    }

    fn expect(&self, method: &str, path: &str, body: &[u8], status: u16) -> StoredObject {
        let (found, answer) = self.ask(method, path, body);
        let said = String::from_utf8_lossy(&answer.body);
        assert_eq!(found, status, "{method} {path}: {said}");
        answer
    }

    /// One request of HTTP/1.0, so that the end of the answer is the end of the connection.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, StoredObject) {
        let answer = exchange(self.address, method, path, body);
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let body = answer.get(end + 4..).unwrap_or_default().to_vec();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.filter_map(header).collect();
        (status.unwrap_or(0), StoredObject { headers, body })
    }
}

fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &[u8],
) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let len = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {len}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request\r\n\r\n"
    )?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
