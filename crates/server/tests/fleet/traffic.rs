//! Reports, and a client that sends them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::PATIENCE;

/// Reports in one request, as a phone that was offline sends them.
pub const IN_REQUEST: u32 = 100;

/// The bodies of requests that together have `count` reports.
///
/// Every station is seen many times within 60 metres, none farther away: a beacon that is seen over
/// more than 100 metres moves, which is decided batch by batch, so its row would depend on which
/// reports met in one.
pub fn submissions(count: u32) -> Vec<String> {
    let reports: Vec<Value> = (0..count).map(report).collect();
    let requests = reports.chunks(IN_REQUEST as usize);
    requests.map(|reports| json!({"items": reports}).to_string()).collect()
}

fn report(index: u32) -> Value {
    // Station 7·k of 300 is seen by every 300th report, each time from another place near it.
    let station = index.wrapping_mul(7) % 300;
    let visit = index / 300;
    let lat = 51.0 + f64::from(station % 20) * 0.05 + f64::from(visit % 11) * 0.000_05;
    let lon = -1.0 + f64::from(station / 20) * 0.05 + f64::from(visit % 7) * 0.000_05;
    let signal = -50 - i64::from(index % 40);
    let mut report = json!({
        "timestamp": 1_700_000_000_000_i64 + i64::from(index),
        "position": {"latitude": lat, "longitude": lon, "accuracy": 10 + index % 50},
        "wifiAccessPoints": [
            {"macAddress": format!("94b4{station:04x}0d01"), "signalStrength": signal},
        ],
    });
    if station.is_multiple_of(3) {
        report["bluetoothBeacons"] = json!([{"macAddress": format!("ff23{station:04x}89ab")}]);
    } else {
        let radio = ["gsm", "wcdma", "lte", "nr"][(station % 4) as usize];
        report["cellTowers"] = json!([{
            "radioType": radio, "mobileCountryCode": 234, "mobileNetworkCode": 30,
            "locationAreaCode": 1 + station / 50, "cellId": 1 + station,
        }]);
    }
    report
}

/// Sends a request and returns the status of its answer.
pub fn post(port: u16, path: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    status.unwrap_or_else(|| panic!("no HTTP answer: {answer:?}"))
}

/// Sends everything, each request to the next of the ports, from as many clients as there are
/// ports. Every request has to succeed.
pub fn submit_all(ports: &[u16], bodies: &[String], pause: Duration) {
    std::thread::scope(|scope| {
        for client in 0..ports.len() {
            scope.spawn(move || {
                for (index, body) in bodies.iter().enumerate().skip(client).step_by(ports.len()) {
                    // Not always the same client to the same process.
                    let port = ports[(index + index / ports.len()) % ports.len()];
                    assert_eq!(post(port, "/v2/geosubmit", body), 200);
                    std::thread::sleep(pause);
                }
            });
        }
    });
}
