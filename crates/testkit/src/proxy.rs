//! A proxy in front of a server that stalls, slows down, cuts or refuses connections when told to.
//!
//! It runs on a thread of its own, so a test may block while processes talk through it.

#![expect(
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test without its proxy must say so and stop"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// What a proxy does with its connections, those that are open and those to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on.
    Pass,
    /// Accepts connections and passes nothing on; what comes is delivered when this ends.
    Stall,
    /// Passes on what clients send, and holds what the server answers until this ends.
    StallAnswers,
    /// Passes everything on until a client sends something with this text in it: that still
    /// arrives, and from then on this connection is held as in [`StallAnswers`](Self::StallAnswers).
    StallAnswersTo(&'static str),
    /// Passes everything on, each piece this much later.
    Slow(Duration),
    /// Closes what is open, and whatever is accepted.
    Cut,
    /// Closes what is open, and does not listen.
    Refuse,
}

impl Mode {
    fn holds(self, direction: Direction, has_said_it: &AtomicBool) -> bool {
        match self {
            Self::Stall => true,
            Self::StallAnswers => matches!(direction, Direction::ToClient),
            Self::StallAnswersTo(_) => {
                matches!(direction, Direction::ToClient) && has_said_it.load(Ordering::SeqCst)
            }
            _ => false,
        }
    }

    fn is_waited_for(self, piece: &[u8]) -> bool {
        let Self::StallAnswersTo(text) = self else { return false };
        piece.windows(text.len()).any(|part| part == text.as_bytes())
    }

    const fn closes(self) -> bool {
        matches!(self, Self::Cut | Self::Refuse)
    }
}

#[derive(Clone, Copy)]
enum Direction {
    ToServer,
    ToClient,
}

/// A mode to change to, and where to say that it was.
type Change = (Mode, std::sync::mpsc::Sender<()>);

/// A running proxy; it ends when this is dropped.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    changes: mpsc::UnboundedSender<Change>,
}

impl Proxy {
    /// Starts a proxy in front of the server that an address such as
    /// `redis://user@127.0.0.1:6379/0` names. It passes everything on.
    #[must_use]
    pub fn before(uri: &str) -> Self {
        let server = server_of(uri);
        let (changes, changed) = mpsc::unbounded_channel();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
            runtime.block_on(async move {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await;
                let listener = listener.unwrap_or_else(|error| panic!("no port: {error}"));
                let address = listener.local_addr().ok();
                if tell.send(address).is_ok() {
                    run(listener, server, changed).await;
                }
            });
        });
        let address = told.recv().ok().flatten().unwrap_or_else(|| panic!("no proxy"));
        Self { address, changes }
    }

    /// The address of the server, with the proxy in place of the server.
    #[must_use]
    pub fn instead_of(&self, uri: &str) -> String {
        uri.replacen(&server_of(uri), &self.address.to_string(), 1)
    }

    /// Changes what it does; when this returns, it does.
    pub fn set(&self, mode: Mode) {
        let (tell, told) = std::sync::mpsc::channel();
        let changed = self.changes.send((mode, tell)).is_ok() && told.recv().is_ok();
        assert!(changed, "the proxy has ended");
    }
}

/// `HOST:PORT` of an address.
fn server_of(uri: &str) -> String {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let place = rest.split(['/', '?']).next().unwrap_or_default();
    place.rsplit_once('@').map_or(place, |(_, host)| host).to_owned()
}

async fn run(listener: TcpListener, server: String, mut changes: mpsc::UnboundedReceiver<Change>) {
    let address = listener.local_addr().unwrap_or_else(|error| panic!("no address: {error}"));
    let mut listener = Some(listener);
    let (mode, current) = watch::channel(Mode::Pass);
    loop {
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            change = changes.recv() => {
                let Some((next, tell)) = change else { return };
                if next == Mode::Refuse {
                    listener = None;
                } else if listener.is_none() {
                    let bound = TcpListener::bind(address).await;
                    listener = Some(bound.unwrap_or_else(|error| panic!("{address}: {error}")));
                }
                mode.send_replace(next);
                // A test that has ended does not wait.
                let _ = tell.send(());
            }
            accepted = accepted => {
                if let Ok((client, _)) = accepted {
                    tokio::spawn(connect(client, server.clone(), current.clone()));
                }
            }
        }
    }
}

async fn connect(client: TcpStream, server: String, mode: watch::Receiver<Mode>) {
    if mode.borrow().closes() {
        return;
    }
    // A server that is away closes the connection of the client, as its own port would.
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let has_said_it = Arc::new(AtomicBool::new(false));
    let to_server = pass_on(
        from_client,
        to_server,
        Direction::ToServer,
        mode.clone(),
        Arc::clone(&has_said_it),
    );
    tokio::spawn(to_server);
    pass_on(from_server, to_client, Direction::ToClient, mode, has_said_it).await;
}

async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    mut mode: watch::Receiver<Mode>,
    has_said_it: Arc<AtomicBool>,
) {
    let mut piece = vec![0; 64 * 1024];
    let mut mode_of_close = mode.clone();
    loop {
        let len = tokio::select! {
            read = from.read(&mut piece) => match read {
                Ok(len @ 1..) => len,
                _ => return,
            },
            _ = mode_of_close.wait_for(|mode| mode.closes()) => return,
        };
        if matches!(direction, Direction::ToServer) && mode.borrow().is_waited_for(&piece[..len]) {
            has_said_it.store(true, Ordering::SeqCst);
        }
        let may_go =
            mode.wait_for(|mode| mode.closes() || !mode.holds(direction, &has_said_it)).await;
        let now = may_go.map_or(Mode::Cut, |mode| *mode);
        if let Mode::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        if now.closes() || to.write_all(&piece[..len]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// Answers each byte with the next one.
    fn server() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    let mut byte = [0];
                    while let Ok(1) = stream.read(&mut byte) {
                        if stream.write_all(&[byte[0] + 1]).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    fn client(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        stream
    }

    fn exchange(stream: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
        let mut answer = [0];
        stream.write_all(&[byte])?;
        stream.read_exact(&mut answer)?;
        Ok(answer[0])
    }

    #[test]
    fn every_mode_can_be_entered_and_left() {
        let proxy = Proxy::before(&format!("test://a:b@{}/0", server()));
        let mut first = client(&proxy);
        assert_eq!(exchange(&mut first, 1).unwrap(), 2);
        for stall in [Mode::Stall, Mode::StallAnswers] {
            proxy.set(stall);
            assert!(exchange(&mut first, 5).is_err());
            assert!(exchange(&mut client(&proxy), 5).is_err());
            proxy.set(Mode::Pass);
            let mut held = [0];
            first.read_exact(&mut held).unwrap();
            assert_eq!(held, [6], "what was held arrives");
        }
        proxy.set(Mode::StallAnswersTo("!"));
        assert_eq!(exchange(&mut first, 1).unwrap(), 2);
        assert!(exchange(&mut first, b'!').is_err());
        assert_eq!(exchange(&mut client(&proxy), 1).unwrap(), 2, "another connection goes on");
        proxy.set(Mode::Pass);
        let mut held = [0];
        first.read_exact(&mut held).unwrap();
        assert_eq!(held, [b'!' + 1]);
        proxy.set(Mode::Slow(Duration::from_millis(20)));
        let started = std::time::Instant::now();
        assert_eq!(exchange(&mut first, 1).unwrap(), 2);
        assert!(started.elapsed() >= Duration::from_millis(40));
        proxy.set(Mode::Cut);
        assert!(exchange(&mut first, 1).is_err());
        assert!(exchange(&mut client(&proxy), 1).is_err(), "accepted and closed");
        proxy.set(Mode::Refuse);
        assert!(TcpStream::connect(proxy.address).is_err());
        proxy.set(Mode::Pass);
        assert_eq!(exchange(&mut client(&proxy), 1).unwrap(), 2);
    }

    #[test]
    fn the_address_of_the_proxy_replaces_that_of_the_server() {
        let server = server();
        let proxy = Proxy::before(&server.to_string());
        let uri = |place: SocketAddr| format!("mysql://u:p@{place}/db?x=1");
        assert_eq!(proxy.instead_of(&uri(server)), uri(proxy.address));
    }
}
