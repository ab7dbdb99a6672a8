//! The Prometheus endpoint: a listener of its own, so that the public one never shows it.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::process;
use crate::context::Context;

/// Where the numbers are.
const PATH: &str = "/metrics";
/// The text format, as every scraper reads it.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long a scraper may take to send its request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Scrapers that are connected at the same time.
const MAX_CONNECTIONS: usize = 64;
/// How often what was measured is summed up, so that nothing piles up where nobody scrapes.
const SUM_UP_EVERY: Duration = Duration::from_secs(10);

/// Answers scrapes until `shutdown` is ready.
pub async fn serve(
    context: Arc<Context>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) {
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut sum_up = tokio::time::interval(SUM_UP_EVERY);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = sum_up.tick() => {
                context.metrics.sum_up();
                continue;
            }
            () = &mut shutdown => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // One too many is closed at once.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let context = Arc::clone(&context);
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let answer = answer(&context, request.method(), request.uri().path());
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = server.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A broken connection is the scraper's affair.
            let _ = connection.await;
            drop(place);
        });
    }
}

fn answer(context: &Context, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let (status, body) = match (method, path) {
        (&Method::GET | &Method::HEAD, PATH) => {
            (StatusCode::OK, context.metrics.render() + &process::facts())
        }
        (_, PATH) => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
        _ => (StatusCode::NOT_FOUND, format!("The metrics are at {PATH}.\n")),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}
