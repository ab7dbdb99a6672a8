//! The least a service of this kind can do: reads a JSON body and answers with fixed JSON.
//!
//! The load measurements in `bench/` run it beside the real service, with the same framework,
//! runtime and allocator, so that figures from different machines can be compared as ratios.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ANSWER: &str = r#"{"location": {"lat": 51.5142, "lng": -0.0931}, "accuracy": 10000.0}"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port = std::env::args().nth(1).context("usage: bare PORT")?.parse::<u16>()?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let app = Router::new().fallback(post(answer));
    axum::serve(listener, app).await?;
    Ok(())
}

async fn answer(body: Bytes) -> impl IntoResponse {
    let status = match serde_json::from_slice::<serde_json::Value>(&body) {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    };
    (status, [(CONTENT_TYPE, "application/json")], ANSWER)
}
