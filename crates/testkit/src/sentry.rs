//! A double of Sentry: a real HTTP server that takes envelopes and hands out the events in them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that gets no event, or something else, must say so and stop"
)]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// An event that takes longer than this to come does not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The double.
pub struct Sink {
    server: MockServer,
    events: Receiver<Reported>,
    _runtime: tokio::runtime::Runtime,
}

/// An event as it arrived.
#[derive(Clone, Debug)]
pub struct Reported {
    /// Path of the request.
    pub path: String,
    /// The header that says who reports.
    pub auth: String,
    /// Everything that was sent, headers and body.
    pub raw: String,
    /// The event.
    pub event: Value,
}

impl Sink {
    /// Starts it on a free port of the loopback address. Every request is answered with `status`.
    #[must_use]
    pub fn start(status: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (sender, events) = channel();
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(Keep { sender, status }).mount(&server).await;
            server
        });
        Self { server, events, _runtime: runtime }
    }

    /// The setting that makes a process report here; `account` is a key, or a key and a secret with
    /// a colon between.
    #[must_use]
    pub fn dsn(&self, account: &str) -> String {
        format!("http://{account}@{}/42", self.server.address())
    }

    /// The next event; waits for it.
    #[must_use]
    pub fn next(&self) -> Reported {
        self.events.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no event was reported"))
    }

    /// The events that have come and were not asked for.
    #[must_use]
    pub fn others(&self) -> Vec<Reported> {
        self.events.try_iter().collect()
    }
}

/// Answers, and passes on what it got.
struct Keep {
    sender: Sender<Reported>,
    status: u16,
}

impl Respond for Keep {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let header = |name: &str| {
            let value = request.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let body = String::from_utf8(request.body.clone()).expect("an envelope is text");
        let raw = format!("{:?}\n{body}", request.headers);
        for event in events(&body) {
            // Nobody listens any more at the end of a test.
            let _ = self.sender.send(Reported {
                path: request.url.path().to_owned(),
                auth: header("x-sentry-auth"),
                raw: raw.clone(),
                event,
            });
        }
        ResponseTemplate::new(self.status).set_body_string("{}")
    }
}

/// The events of an envelope: a line of headers, then for each item a line of headers and a payload
/// of the length that these name, or of one line.
fn events(envelope: &str) -> Vec<Value> {
    let parse = |text: &str| -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let (headers, mut rest) = envelope.split_once('\n').expect("headers of the envelope");
    assert!(parse(headers).is_object(), "{headers}");
    let mut events = Vec::new();
    while !rest.is_empty() {
        let (headers, payload) = rest.split_once('\n').expect("headers of an item");
        let headers = parse(headers);
        let length = headers["length"].as_u64().and_then(|length| usize::try_from(length).ok());
        let length = length.or_else(|| payload.find('\n')).unwrap_or(payload.len());
        let (payload, after) = payload.split_at(length);
        if headers["type"] == "event" {
            let mut event = parse(payload);
            // An event that does not say how bad it is is an error.
            if event["level"].is_null() {
                event["level"] = "error".into();
            }
            events.push(event);
        }
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    events
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_events_of_an_envelope_are_found() {
        let envelope = "{\"event_id\":\"0\"}\n{\"type\":\"session\"}\n{}\n\
                        {\"type\":\"event\",\"length\":13}\n{\"message\":1}\n\
                        {\"type\":\"event\"}\n{\"message\":2}";
        let error = |message: u8| json!({"message": message, "level": "error"});
        assert_eq!(events(envelope), [error(1), error(2)]);
    }
}
