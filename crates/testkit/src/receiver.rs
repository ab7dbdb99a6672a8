//! A double of another instance of the service, to which reports are passed on.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The double. It counts what it is told to take, and says what it is told to say.
pub struct Receiver {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

/// One delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The id of its batch.
    pub batch: String,
    /// The timestamps of its reports, in order.
    pub timestamps: Vec<i64>,
    /// The status it was answered with.
    pub status: u16,
}

/// The last delivery as it was sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    /// Path and query.
    pub target: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, unpacked.
    pub body: Value,
}

/// What is answered to the reports of a batch; the number is how many deliveries came before.
type Answer = Box<dyn FnMut(usize, &[i64]) -> Reply + Send>;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    delay: Option<Duration>,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Reply {
    /// An answer with this status and nothing else.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self { status, delay: None, headers: Vec::new(), body: None }
    }

    /// The same, later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn json(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    fn template(&self) -> ResponseTemplate {
        let mut template = ResponseTemplate::new(self.status);
        for (name, value) in &self.headers {
            template = template.insert_header(*name, value.as_str());
        }
        if let Some(body) = &self.body {
            template = template.set_body_json(body);
        }
        match self.delay {
            Some(delay) => template.set_delay(delay),
            None => template,
        }
    }
}

struct State {
    answer: Answer,
    deliveries: Vec<Delivery>,
    last: Sent,
}

impl Receiver {
    /// Starts it on a free port of the loopback address; it takes everything.
    pub async fn start() -> Self {
        let answer: Answer = Box::new(|_, _| Reply::status(200));
        let state = State { answer, deliveries: Vec::new(), last: Sent::default() };
        let state = Arc::new(Mutex::new(state));
        // What it keeps is enough; the bodies would be a lot.
        let server = MockServer::builder().disable_request_recording().start().await;
        Mock::given(any()).respond_with(Responder(Arc::clone(&state))).mount(&server).await;
        Self { server, state }
    }

    /// Where reports go, with a query of its own.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/v2/geosubmit?key=partner-key", self.server.uri())
    }

    /// Answers so from now on.
    pub fn answer(&self, answer: impl FnMut(usize, &[i64]) -> Reply + Send + 'static) {
        self.state().answer = Box::new(answer);
    }

    /// Answers everything with this status from now on.
    pub fn answer_status(&self, status: u16) {
        self.answer(move |_, _| Reply::status(status));
    }

    /// All deliveries, in order. One whose answer was held back until the sender gave up has the
    /// status it would have had.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state().deliveries.clone()
    }

    /// The last delivery as it was sent.
    #[must_use]
    pub fn last(&self) -> Sent {
        self.state().last.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Responder(Arc<Mutex<State>>);

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut json = String::new();
        let mut body = flate2::read::GzDecoder::new(&request.body[..]);
        let body: Value = match body.read_to_string(&mut json) {
            Ok(_) => serde_json::from_str(&json).unwrap_or_default(),
            Err(_) => Value::Null,
        };
        let items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let timestamps: Vec<i64> =
            items.iter().filter_map(|item| item["timestamp"].as_i64()).collect();
        let headers: BTreeMap<String, String> = request
            .headers
            .iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let batch = headers.get("x-ichnaea-batch").cloned().unwrap_or_default();
        let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.deliveries.len();
        let reply = (state.answer)(before, &timestamps);
        state.deliveries.push(Delivery { batch, timestamps, status: reply.status });
        state.last = Sent { target: format!("{}{query}", request.url.path()), headers, body };
        reply.template()
    }
}
