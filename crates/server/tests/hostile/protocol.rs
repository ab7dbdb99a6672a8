//! The two versions of HTTP that are spoken.

use std::process::Command;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use ichnaea_testkit::Backend;
use tokio::net::TcpStream;

use crate::property::NO_PROVIDER;
use crate::support::app::App;

/// Where the address of the client in these tests is.
const PLACE: &str = "\"location\": {\"lat\": 51.5142, \"lng\": -0.0931}";
const CLIENT: &str = "81.2.69.192";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_client_is_answered_in_the_version_it_begins_with() {
    let app = App::start(Backend::Embedded, NO_PROVIDER).await;
    let url = format!("http://{}/v1/geolocate?key=test", app.address);
    for (arguments, version) in [
        ("--http2-prior-knowledge", "2 200"),
        ("--http1.1", "1.1 200"),
        // An offer to change over is not taken up.
        ("--http2", "1.1 200"),
    ] {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--write-out", "%{http_version} %{http_code}"])
            .args([arguments, "--header", &format!("X-Forwarded-For: {CLIENT}")])
            .args(["--data", "{}", &url])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(PLACE) && said.ends_with(version), "{said}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_share_one_connection() {
    let app = App::start(Backend::Embedded, NO_PROVIDER).await;
    let stream = TcpStream::connect(app.address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    // Three times as many as may be open at a time, every tenth of them with more than the window.
    let asked = (0..300).map(|number| {
        let body = " ".repeat(if number % 10 == 0 { 500_000 } else { 0 }) + "{}";
        let request = Request::post(format!("http://{}/v1/geolocate?key=test", app.address))
            .header("X-Forwarded-For", CLIENT)
            .body(Body::from(body))
            .unwrap();
        let mut sender = sender.clone();
        async move {
            sender.ready().await.unwrap();
            let answer = sender.send_request(request).await.unwrap();
            let status = answer.status();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8_lossy(&body).into_owned())
        }
    });
    for (status, body) in futures_util::future::join_all(asked).await {
        assert!(status == 200 && body.contains(PLACE), "{status} {body}");
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    app.stop().await;
}
