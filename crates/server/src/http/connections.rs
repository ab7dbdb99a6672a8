//! Connections of clients: how many, how long, and what each of them may hold.
//!
//! A connection speaks HTTP/1.1, or HTTP/2 when the client begins with that (`h2c`, as proxies do;
//! certificates end at a proxy). One that is not used is closed, one that takes nothing of what it is
//! sent too, and one that has its full share waits its turn.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::header::HOST;
use http::{HeaderValue, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutWriter;

use crate::logging::warn_seldom;

/// How long a client may take to send its request line and headers, and how long a connection stays
/// open without a request.
const UNUSED: Duration = Duration::from_secs(30);
/// How long a client may take nothing of what it is sent.
const STALLED: Duration = Duration::from_secs(30);
/// How long a connection lives on that is to end: the longest download.
const LONGEST_END: Duration = Duration::from_hours(6);
/// Connections that are open at the same time; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 10_000;
/// Files that are left for everything else: connections to backends, files that are sent, logs.
const OTHER_FILES: usize = 1_000;
/// Bytes of request line and headers, the largest a client may send over HTTP/1.1.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// The same over HTTP/2, unpacked. It may have a hundred of them at a time.
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;
/// Requests of one connection at the same time, over HTTP/2.
const MAX_STREAMS: u32 = 100;
/// Bytes of one body that a client may send before they are read, over HTTP/2.
const STREAM_WINDOW: u32 = 64 * 1024;
/// The same of all bodies of a connection.
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// Bytes of an answer that wait for a client that does not take them, over HTTP/2.
const MAX_SEND_BYTES: usize = 64 * 1024;

/// What a test has smaller.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at the same time, if the system allows as many.
    connections: usize,
    /// See [`UNUSED`].
    unused: Duration,
    /// See [`STALLED`].
    stalled: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: MAX_CONNECTIONS, unused: UNUSED, stalled: STALLED }
    }
}

/// Accepts connections until `shutdown` is ready, then lets open requests end for as long as `grace`.
/// Every request goes to `answer`.
pub async fn accept<A, F>(
    listener: TcpListener,
    bounds: Bounds,
    answer: A,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) where
    A: Fn(Request<hyper::body::Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let server = Arc::new(server(bounds));
    let max = most_connections(bounds.connections);
    let places = Arc::new(Semaphore::new(max));
    let (stop, stopped) = watch::channel(false);
    let mut shutdown = pin!(shutdown);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = &mut shutdown => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: wait for connections to end.
                warn_seldom!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (server, answer, stopped) = (Arc::clone(&server), answer.clone(), stopped.clone());
        tokio::spawn(async move {
            let answer = move |request| answer(request, peer);
            talk(&server, bounds, stream, answer, stopped).await;
            drop(place);
        });
    }
    drop(listener);
    let _ = stop.send(true);
    let all = u32::try_from(max).unwrap_or(u32::MAX);
    if tokio::time::timeout(grace, places.acquire_many(all)).await.is_err() {
        tracing::warn!("requests still open after the grace time were cut off");
    }
}

/// What both protocols allow.
fn server(bounds: Bounds) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.unused)
        .max_buf_size(MAX_HEADER_BYTES)
        .half_close(true);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(MAX_SEND_BYTES)
        .keep_alive_interval(bounds.unused)
        .keep_alive_timeout(bounds.stalled);
    server
}

/// How a connection is used.
#[derive(Default)]
struct Use {
    /// Requests that are being answered.
    open: AtomicUsize,
    /// Requests since it was opened.
    all: AtomicU64,
}

impl Use {
    /// Ends once there was no request for some time.
    async fn ends(&self, unused: Duration) {
        loop {
            let before = self.all.load(Ordering::Relaxed);
            tokio::time::sleep(unused).await;
            if self.open.load(Ordering::Relaxed) == 0 && self.all.load(Ordering::Relaxed) == before
            {
                return;
            }
        }
    }
}

/// Answers the requests of one connection until it ends.
async fn talk<A, F>(
    server: &auto::Builder<TokioExecutor>,
    bounds: Bounds,
    stream: TcpStream,
    answer: A,
    mut stopped: watch::Receiver<bool>,
) where
    A: Fn(Request<hyper::body::Incoming>) -> F,
    F: Future<Output = Response> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(bounds.stalled));
    let usage = Arc::new(Use::default());
    let service = hyper::service::service_fn(|mut request: Request<hyper::body::Incoming>| {
        usage.all.fetch_add(1, Ordering::Relaxed);
        let open = Open::of(&usage);
        name_host(&mut request);
        let answer = answer(request);
        async move {
            let answer = answer.await;
            drop(open);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(server.serve_connection(TokioIo::new(Box::pin(stream)), service));
    tokio::select! {
        // A broken connection is the client's affair.
        _ = connection.as_mut() => return,
        () = usage.ends(bounds.unused) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(LONGEST_END, connection).await;
}

/// A request that is being answered, or was given up.
struct Open(Arc<Use>);

impl Open {
    fn of(usage: &Arc<Use>) -> Self {
        usage.open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(usage))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// HTTP/2 names the host in the address; what reads requests finds it in the header of HTTP/1.1.
fn name_host(request: &mut Request<hyper::body::Incoming>) {
    if request.version() == Version::HTTP_2
        && !request.headers().contains_key(HOST)
        && let Some(host) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(host.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
}

/// How many connections there may be: as many as are meant, unless the system allows fewer files.
fn most_connections(meant: usize) -> usize {
    let wanted = meant + OTHER_FILES;
    let allowed = usize::try_from(allow_files(wanted as u64)).unwrap_or(wanted);
    // Of very few files half are for connections.
    let max = allowed.saturating_sub(OTHER_FILES).max(allowed / 2).clamp(1, meant);
    if max < meant {
        tracing::warn!(max, "fewer connections at a time than usual: see the limit on open files");
    }
    max
}

/// Raises the limit on open files as far as it is needed and allowed; how many of them there may be.
fn allow_files(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(now) = current.filter(|&now| now < wanted) else { return wanted };
    let more = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(more), maximum }) {
        Ok(()) => more,
        Err(error) => {
            tracing::warn!(%error, "the limit on open files stays as it is");
            now
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    use super::*;

    /// Long enough for a busy machine to send a request, short enough to be waited for.
    const SHORT: Duration = Duration::from_millis(500);

    /// A server whose answers have so many bytes.
    struct Started {
        address: SocketAddr,
        /// Tells of each request that has come.
        begun: Arc<Semaphore>,
        /// Lets as many requests be answered.
        answers: Arc<Semaphore>,
        stop: oneshot::Sender<()>,
        server: tokio::task::JoinHandle<()>,
    }

    async fn start(bounds: Bounds, len: usize, answers: usize) -> Started {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (begun, answers) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(answers)));
        let (tell, may) = (Arc::clone(&begun), Arc::clone(&answers));
        let answer = move |_: Request<hyper::body::Incoming>, _: SocketAddr| {
            let (tell, may) = (Arc::clone(&tell), Arc::clone(&may));
            async move {
                tell.add_permits(1);
                may.acquire().await.unwrap().forget();
                Response::new(Body::from(vec![b'x'; len]))
            }
        };
        let shutdown = async { drop(stopped.await) };
        let server =
            tokio::spawn(accept(listener, bounds, answer, shutdown, Duration::from_mins(1)));
        Started { address, begun, answers, stop, server }
    }

    async fn connect(address: SocketAddr, send: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(send).await.unwrap();
        stream
    }

    async fn all_of(mut stream: TcpStream) -> String {
        let mut bytes = Vec::new();
        // A connection that is reset has ended as well.
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    #[tokio::test]
    async fn a_connection_without_a_request_is_closed() {
        // A client of HTTP/2 is told, and has as long to take that as anything else.
        let bounds = Bounds { unused: SHORT, stalled: SHORT, ..Bounds::default() };
        let started = start(bounds, 2, 1).await;
        let ways = [
            (&b""[..], None),
            (b"P", None),
            (&PREFACE[..10], None),
            (b"GET / HTTP/1.1\r\nHost", None),
            (REQUEST, Some("HTTP/1.1 200 OK")),
            (PREFACE, None),
        ];
        let all = ways.map(|(sent, status)| async move {
            let got = all_of(connect(started.address, sent).await).await;
            assert_eq!(got.lines().next().filter(|line| line.ends_with("OK")), status, "{got}");
        });
        futures_util::future::join_all(all).await;
    }

    #[tokio::test]
    async fn a_request_that_takes_longer_is_answered() {
        let bounds = Bounds { unused: SHORT, ..Bounds::default() };
        let started = start(bounds, 2, 0).await;
        let open = connect(started.address, REQUEST).await;
        started.begun.acquire().await.unwrap().forget();
        tokio::time::sleep(3 * SHORT).await;
        started.answers.add_permits(1);
        let got = all_of(open).await;
        assert!(got.starts_with("HTTP/1.1 200 OK") && got.ends_with("xx"), "{got}");
    }

    #[tokio::test]
    async fn one_that_takes_nothing_gives_way_to_the_next() {
        let bounds = Bounds { connections: 1, unused: SHORT, stalled: 2 * SHORT };
        // More than the buffers of the system hold.
        let started = start(bounds, 64 << 20, 2).await;
        let stalled = connect(started.address, REQUEST).await;
        let got = all_of(connect(started.address, REQUEST).await).await;
        assert!(got.len() > 64 << 20, "{} bytes", got.len());
        drop(stalled);
    }

    #[tokio::test]
    async fn at_the_end_open_requests_are_answered_and_no_more() {
        let Started { address, begun, answers, stop, server } =
            start(Bounds::default(), 2, 0).await;
        let idle = connect(address, b"").await;
        let mut open = connect(address, REQUEST).await;
        open.write_all(REQUEST).await.unwrap();
        begun.acquire().await.unwrap().forget();
        stop.send(()).unwrap();
        // Closed once the end is known to all, and before anything is answered.
        assert_eq!(all_of(idle).await, "");
        answers.add_permits(2);
        server.await.unwrap();
        let got = all_of(open).await;
        assert_eq!(got.matches("HTTP/1.1 200 OK").count(), 1, "{got}");
    }
}
