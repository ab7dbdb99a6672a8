//! A statsd server: a UDP socket that keeps what it gets.

use std::time::Duration;

use tokio::net::UdpSocket;

/// A datagram that does not come in this time does not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server.
pub struct Statsd(UdpSocket);

impl Statsd {
    pub async fn start() -> Self {
        Self(UdpSocket::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn port(&self) -> String {
        self.0.local_addr().unwrap().port().to_string()
    }

    /// The metrics up to the last one of a request, which says how long it took; times as `N`.
    pub async fn request(&self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            let is_last = line.starts_with("location.request.timing:");
            lines.push(timeless(&line));
            if is_last {
                return lines;
            }
        }
    }

    async fn line(&self) -> String {
        let mut buffer = [0; 2000];
        let received = tokio::time::timeout(PATIENCE, self.0.recv(&mut buffer)).await;
        let len = received.expect("a datagram").unwrap();
        let text = std::str::from_utf8(&buffer[..len]).unwrap();
        let line = text.strip_suffix('\n').unwrap_or_else(|| panic!("{text:?} has no end"));
        assert!(!line.contains('\n'), "more than one metric in a datagram: {text:?}");
        line.to_owned()
    }
}

/// The line without how long it took. Whole milliseconds become `N`, others `N.N`.
fn timeless(line: &str) -> String {
    let Some((name, rest)) = line.split_once(':') else { panic!("{line:?}") };
    let (value, rest) = rest.split_once('|').unwrap();
    if !rest.starts_with("ms") {
        return line.to_owned();
    }
    assert!(value.parse::<f64>().is_ok_and(|ms| (0.0..60_000.0).contains(&ms)), "{line}");
    let value = if value.contains('.') { "N.N" } else { "N" };
    format!("{name}:{value}|{rest}")
}
