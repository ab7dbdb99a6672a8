//! The table of routes, and the server that answers them.

mod assets;
pub mod body;
mod client;
mod connections;
mod coverage;
mod datamap;
mod description;
mod downloads;
mod failure;
mod files;
mod headers;
mod health;
mod observe;
pub mod outside;
mod query;
mod site;
mod stats;

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use axum::routing::any;
use http::{HeaderValue, Method, StatusCode};
use ichnaea_domain::station::Kind;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::api::{self, Endpoint, Facts};
use crate::breaker::with_patience;
use crate::context::Context;
use crate::locate::Lessons;
use crate::logging::{self, warn_seldom};
use crate::sentry::incident;
use crate::site::{self as pages, Site};
use failure::Panicked;
use observe::Answered;

pub use client::Client;
pub use coverage::Coverage;
pub(crate) use failure::caught;
pub(crate) use headers::html as html_answer;
pub use observe::REQUEST_FIELDS;
pub(crate) use observe::{Noted, is_logged};
pub use query::{key_parameter, url};

/// A JSON answer with status 200.
pub(crate) fn json_answer(body: impl Into<Body>) -> Response {
    headers::json(StatusCode::OK, body)
}

/// Bytes of bodies, as sent and unpacked, that are in memory at the same time.
const MAX_BODIES_BYTES: usize = 256 << 20;

/// What every request gets.
pub struct Web {
    /// Handles to everything outside.
    pub ctx: Arc<Context>,
    /// Room for the bodies of requests.
    pub bodies: body::Room,
    /// Keys that were looked up lately.
    pub keys: api::KeyCache,
    /// Counts of requests on their way to the key-value store.
    pub usage: api::Usage,
    /// Whether more reports may be taken in.
    pub backlog: Arc<api::Backlog>,
    /// Queries to learn from on their way to the queue.
    pub lessons: Lessons,
    /// The unknown stations that clients have asked for.
    pub unknown: api::Unknown,
    /// Who may have coverage read.
    pub coverage: crate::coverage::Turns,
    /// Whose site it is.
    pub site: Site,
}

/// Every route. The match is exact; percent escapes in a path are decoded before.
pub fn router(web: Arc<Web>) -> Router {
    let api = |endpoint: Endpoint| {
        any(move |State(web): State<Arc<Web>>, request: Request| async move {
            api_answer(&web, endpoint, request).await
        })
    };
    let chart = |kind: Kind| any(move |web, request| stats::chart(kind, web, request));
    Router::new()
        // Position and region
        .route("/v1/geolocate", api(Endpoint::Geolocate))
        .route("/geolocation/v1/geolocate", api(Endpoint::Geolocate))
        .route("/v1/geolocate/explain", api(Endpoint::Explain))
        .route("/v1/country", api(Endpoint::Country))
        // Reports
        .route("/v1/submit", api(Endpoint::SubmitV0))
        .route("/v1/geosubmit", api(Endpoint::SubmitV1))
        .route("/v2/geosubmit", api(Endpoint::SubmitV2))
        // Statistics
        .route("/stats_blue.json", chart(Kind::Blue))
        .route("/stats_cell.json", chart(Kind::Cell))
        .route("/stats_wifi.json", chart(Kind::Wifi))
        // Coverage and the description of all this
        .route("/coverage.json", any(coverage::within))
        .route("/openapi.json", any(description::openapi))
        // Public files
        .route("/downloads/{*path}", any(downloads::file))
        // Tiles of the data map
        .route("/static/datamap/{*path}", any(datamap::file))
        // What browsers load
        .route("/static", any(assets::top))
        .route("/static/", any(assets::file))
        .route("/static/{*path}", any(assets::file))
        // Monitoring
        .route("/__heartbeat__", any(health::heartbeat))
        .route("/__lbheartbeat__", any(health::lbheartbeat))
        .route("/__version__", any(health::version))
        .route("/contribute.json", any(health::contribute))
        // Pages, and what goes by the first part of its path
        .route("/map.json", any(site::map))
        .route("/robots.txt", any(site::robots))
        .route("/favicon.ico", any(site::favicon))
        .route("/apple-touch-icon-precomposed.png", any(site::touch_icon))
        .route(pages::LOGO_PATH, any(site::logo))
        .fallback(site::page_or_nothing)
        .with_state(web)
}

/// Which methods run the view of a route.
pub(crate) fn runs_view(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::POST)
}

/// Answers for the methods that do not run the view.
pub(crate) fn without_view(method: &Method) -> Response {
    match *method {
        Method::PUT | Method::PATCH | Method::DELETE | Method::OPTIONS => method_not_allowed(),
        _ => not_found(),
    }
}

async fn api_answer(web: &Arc<Web>, endpoint: Endpoint, request: Request) -> Response {
    if *request.method() == Method::OPTIONS {
        let mut response = Response::new(Body::empty());
        headers::allow_origin(&mut response);
        headers::allow_preflight(&mut response);
        return response;
    }
    if !runs_view(request.method()) {
        return without_view(request.method());
    }
    let bound = web.ctx.config.request_timeout;
    let mut facts = Facts::new(endpoint);
    // In a box: what wraps it would move the whole flow each time.
    let answer = Box::pin(api::answer(web, request, &mut facts));
    let answer = with_patience(web.ctx.config.backend_timeout, caught(answer));
    let mut response = match tokio::time::timeout(bound, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(Panicked)) => {
            web.ctx.metrics.request_failure(endpoint.tag());
            api::ApiError::Unavailable.response()
        }
        Err(_) => {
            warn_seldom!(incident = incident::REQUEST_GIVEN_UP, "a request was given up");
            api::ApiError::Unavailable.response()
        }
    };
    response.extensions_mut().insert(facts);
    headers::allow_origin(&mut response);
    response
}

/// The answer for a path that does not exist.
pub(crate) fn not_found() -> Response {
    headers::html(StatusCode::NOT_FOUND, "<h1>404 Not Found</h1>")
}

fn method_not_allowed() -> Response {
    headers::html(StatusCode::METHOD_NOT_ALLOWED, "<h1>405 Method Not Allowed</h1>")
}

/// Serves until `shutdown` is ready, then lets open requests end.
pub async fn serve(
    ctx: Arc<Context>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let grace = ctx.config.grace;
    let site = Site::open(&ctx.config.site)?;
    let policy = pages::policy::policy(&ctx.config);
    let admission = ctx.config.max_requests.map(|max| Arc::new(Semaphore::new(max)));
    logging::gather();
    ctx.breakers.look();
    let usage = api::Usage::start(Arc::clone(&ctx));
    let backlog = Arc::new(api::Backlog::start(Arc::clone(&ctx)));
    let lessons = Lessons::start(Arc::clone(&ctx), Arc::clone(&backlog));
    let geoip_watch = tokio::spawn(crate::geoip::watch(Arc::clone(&ctx)));
    let (keys, coverage) = (api::KeyCache::default(), crate::coverage::Turns::default());
    let unknown = api::Unknown::new(
        ctx.clock.clone(),
        ctx.config.max_unknown_by_address,
        ctx.config.max_unknown_by_key,
    );
    let max_body = ctx.config.max_body_bytes;
    let bodies = body::Room::new(MAX_BODIES_BYTES.max(2 * max_body), max_body);
    let web = Web { ctx, bodies, keys, usage, backlog, lessons, unknown, coverage, site };
    let web = Arc::new(web);
    let app = router(Arc::clone(&web));
    let ctx = Arc::clone(&web.ctx);
    let answer = move |request: Request<hyper::body::Incoming>, peer| {
        let (app, ctx, admission) = (app.clone(), Arc::clone(&ctx), admission.clone());
        let policy = policy.clone();
        async move {
            let _admitted = match admission {
                Some(admission) => admission.acquire_owned().await.ok(),
                None => None,
            };
            one_request(&ctx, &policy, app, request.map(Body::new), peer).await
        }
    };
    connections::accept(listener, connections::Bounds::default(), answer, shutdown, grace).await;
    geoip_watch.abort();
    web.usage.flush().await;
    web.lessons.flush().await;
    Ok(())
}

/// Decodes the path, runs the route, adds what every answer has, and notes what happened.
async fn one_request(
    ctx: &Context,
    policy: &HeaderValue,
    app: Router,
    mut request: Request,
    peer: std::net::SocketAddr,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    if query::decode_path(&mut request).is_err() {
        let mut response = headers::html(StatusCode::BAD_REQUEST, "<h1>400 Bad Request</h1>");
        headers::secure(&mut response, policy);
        return response;
    }
    request.extensions_mut().insert(ConnectInfo(peer));
    let path = request.uri().path().to_owned();
    let mut response = match caught(app.oneshot(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(infallible)) => match infallible {},
        Err(Panicked) => {
            ctx.metrics.request_failure(&path);
            headers::html(StatusCode::SERVICE_UNAVAILABLE, "<h1>503 Service Unavailable</h1>")
        }
    };
    headers::secure(&mut response, policy);
    headers::expire(&mut response, ctx.clock.now());
    let facts = response.extensions_mut().remove::<Facts>();
    let noted = response.extensions_mut().remove::<Noted>();
    observe::note(
        ctx,
        &Answered {
            method: method.as_str(),
            path: noted.map_or(&path, |noted| noted.0),
            status: response.status().as_u16(),
            took: started.elapsed(),
            facts: facts.as_ref(),
        },
    );
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::metrics::Metrics;

    async fn context(folder: &std::path::Path) -> Context {
        Context { metrics: Metrics::recording(), ..Context::in_folder(folder).await }
    }

    #[tokio::test]
    async fn a_handler_that_panics_answers_503_and_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let ctx = context(folder.path()).await;
        let app = Router::new().route(
            "/page",
            any(|| async {
                panic!("on purpose");
                #[expect(unreachable_code, reason = "says what a handler gives")]
                not_found()
            }),
        );
        let request = Request::get("/page").body(Body::empty()).unwrap();
        let peer = ([127, 0, 0, 1], 1).into();
        let response = one_request(&ctx, &HeaderValue::from_static(""), app, request, peer).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key("x-content-type-options"));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!body.windows(7).any(|part| part == b"purpose"));
        let lines = ctx.metrics.take_recorded();
        assert_eq!(
            lines[..2],
            [
                "location.request.failure:1|c|#path:page",
                "location.request:1|c|#path:page,method:get,status:503",
            ]
        );
    }
}
