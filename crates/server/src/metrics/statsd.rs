//! Sending to a statsd server: from a thread of its own, one number per datagram.
//!
//! The host may be unknown or away, and may move. It is looked up in the sending thread, when
//! something is to be sent, again now and then, and again after a failure; nobody waits for that.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cadence::{MetricSink, QueuingMetricSink, UdpMetricSink};

use super::Record;
use crate::config;
use crate::logging::warn_seldom;

/// Lines that may wait for the sending thread; what is beyond is lost and counted.
const QUEUE: usize = 32 * 1024;
/// How long an address that works is taken for right.
const LOOK_UP_EVERY: Duration = Duration::from_mins(1);
/// How long after a failed look-up lines are dropped before the next one.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long the end of the process may wait for lines to be sent.
const FLUSH_WITHIN: Duration = Duration::from_millis(500);

/// The way to a statsd server.
pub struct Statsd {
    queue: QueuingMetricSink,
    queued: AtomicU64,
    handled: Arc<AtomicU64>,
}

impl Statsd {
    /// Starts the sending thread.
    pub fn open(to: &config::Statsd) -> Self {
        let handled = Arc::new(AtomicU64::new(0));
        let sink = LateSink {
            to: to.clone(),
            state: Mutex::new(State::Unknown { until: None }),
            handled: Arc::clone(&handled),
        };
        let queue = QueuingMetricSink::builder().with_capacity(QUEUE).build(sink);
        Self { queue, queued: AtomicU64::new(0), handled }
    }

    /// Hands a line over to the sending thread; drops it when too many wait.
    pub fn send(&self, record: &Record<'_>) {
        let mut line = record.line();
        line.push('\n');
        if self.queue.emit(&line).is_ok() {
            self.queued.fetch_add(1, Ordering::Relaxed);
        } else {
            warn_seldom!("metrics come faster than they can be sent; some are lost");
        }
    }

    /// Waits until what is queued was handled, but not for long.
    pub async fn flush(&self) {
        let until = Instant::now() + FLUSH_WITHIN;
        let queued = self.queued.load(Ordering::Relaxed);
        while self.handled.load(Ordering::Relaxed) < queued && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// A UDP sink that finds its address when there is something to send.
struct LateSink {
    to: config::Statsd,
    state: Mutex<State>,
    handled: Arc<AtomicU64>,
}

enum State {
    /// No address yet, or none that works; `until`: not looked up again before.
    Unknown { until: Option<Instant> },
    /// An address, and until when it is taken for right.
    Found { sink: UdpMetricSink, address: SocketAddr, until: Instant },
}

impl MetricSink for LateSink {
    fn emit(&self, line: &str) -> io::Result<usize> {
        let sent = self.send(line);
        self.handled.fetch_add(1, Ordering::Relaxed);
        sent
    }
}

impl LateSink {
    fn send(&self, line: &str) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let known = match &mut *state {
            State::Unknown { until: Some(until) } if *until > now => return Ok(0),
            State::Unknown { .. } => None,
            State::Found { sink, until, .. } if *until > now => {
                let sent = sink.emit(line);
                if sent.is_err() {
                    *state = State::Unknown { until: Some(now + RETRY_AFTER) };
                }
                return sent;
            }
            State::Found { address, .. } => Some(*address),
        };
        match self.connect() {
            Ok((sink, address)) => {
                if known != Some(address) {
                    tracing::info!(%address, "metrics go to statsd");
                }
                let sent = sink.emit(line);
                *state = State::Found { sink, address, until: now + LOOK_UP_EVERY };
                sent
            }
            Err(error) => {
                if known.is_some() || matches!(*state, State::Unknown { until: None }) {
                    let (host, port) = (&self.to.host, self.to.port);
                    tracing::warn!(host, port, %error, "statsd not found, metrics are not sent");
                }
                *state = State::Unknown { until: Some(Instant::now() + RETRY_AFTER) };
                Err(error)
            }
        }
    }

    fn connect(&self) -> io::Result<(UdpMetricSink, SocketAddr)> {
        let mut addresses = (self.to.host.as_str(), self.to.port).to_socket_addrs()?;
        let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let address = addresses.next().ok_or_else(none)?;
        let local: SocketAddr = if address.is_ipv4() {
            (std::net::Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let sink = UdpMetricSink::from(address, UdpSocket::bind(local)?)
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok((sink, address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::definition::TASK;
    use crate::metrics::{Definition, Number};

    const DEFINITION: &Definition = &TASK;

    fn record() -> Record<'static> {
        Record { definition: DEFINITION, number: Number::Whole(1), tags: &[Some("a")] }
    }

    #[tokio::test]
    async fn each_line_is_a_datagram_with_its_end() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let port = server.local_addr().unwrap().port();
        let statsd = Statsd::open(&config::Statsd { host: "localhost".into(), port });
        statsd.send(&record());
        statsd.send(&record());
        statsd.flush().await;
        let mut buffer = [0; 1000];
        for _ in 0..2 {
            let len = server.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..len], b"location.task:1|ms|#task:a\n");
        }
    }

    #[tokio::test]
    async fn a_host_without_an_address_costs_nothing_but_the_lines() {
        let to = config::Statsd { host: "statsd.invalid".into(), port: 8125 };
        let sink = LateSink {
            to,
            state: Mutex::new(State::Unknown { until: None }),
            handled: Arc::default(),
        };
        assert!(sink.emit("a\n").is_err());
        // Not looked up again at once.
        assert_eq!(sink.emit("a\n").unwrap(), 0);
        assert_eq!(sink.handled.load(Ordering::Relaxed), 2);
    }
}
