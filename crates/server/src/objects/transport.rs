//! The HTTP client of buckets, and what it heard.
//!
//! The library tells failures apart by fewer kinds than an operator can act on, so what a server
//! answered is noted on the way: its status, and the code in the XML that all of these services
//! send with a refusal.

use std::cell::RefCell;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};

/// The largest refusal that is read, bytes.
const MAX_REFUSAL: usize = 64 << 10;
/// The longest code of a refusal that is shown.
const MAX_CODE: usize = 64;

/// What was heard last while a call was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Heard {
    /// No answer, or a success.
    #[default]
    Nothing,
    /// A server refused.
    Answer {
        /// HTTP status.
        status: u16,
        /// The code in its answer.
        code: Option<String>,
    },
    /// Where this machine would get an account from there is nobody.
    NoAccount,
}

tokio::task_local! {
    static HEARD: RefCell<Heard>;
}

/// Waits for a call and returns what was heard last in it.
pub(super) async fn listening<T>(call: impl Future<Output = T>) -> (T, Heard) {
    let call = async {
        let value = call.await;
        (value, HEARD.with(RefCell::take))
    };
    HEARD.scope(RefCell::default(), call).await
}

fn note(heard: Heard) {
    // Outside of a call there is nobody to tell.
    let _ = HEARD.try_with(|place| place.replace(heard));
}

/// Makes the clients of the library from ours.
#[derive(Debug)]
pub(super) struct Transport(pub(super) reqwest::Client);

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Listening(self.0.clone())))
    }
}

#[derive(Debug)]
struct Listening(reqwest::Client);

#[async_trait]
impl HttpService for Listening {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_of_machine = request.uri().host().is_some_and(is_of_machine);
        let answer = match self.0.call(request).await {
            Ok(answer) => answer,
            Err(failure) => {
                note(if is_of_machine { Heard::NoAccount } else { Heard::Nothing });
                return Err(failure);
            }
        };
        let status = answer.status();
        if status.is_success() {
            note(Heard::Nothing);
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, MAX_REFUSAL).collect().await;
        let body = body.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
        let code = code(&body);
        note(Heard::Answer { status: status.as_u16(), code });
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

/// Whether this is where machines of a service ask for their account: addresses that exist on
/// each machine, and nowhere else.
fn is_of_machine(host: &str) -> bool {
    host.starts_with("169.254.") || host == "metadata.google.internal"
}

/// The code in a refusal.
fn code(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_plain = code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain && (1..=MAX_CODE).contains(&code.len())).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_refusal_is_found() {
        let body = b"<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message/></Error>";
        assert_eq!(code(body).as_deref(), Some("NoSuchBucket"));
        for body in [&b""[..], b"<Code>", b"<Code></Code>", b"<Code>a b</Code>", b"\xff<Code>x"] {
            assert_eq!(code(body), None, "{body:?}");
        }
    }

    #[tokio::test]
    async fn what_was_heard_belongs_to_its_call() {
        let refused = Heard::Answer { status: 403, code: None };
        let call = async {
            note(refused.clone());
            1
        };
        assert_eq!(listening(call).await, (1, refused));
        assert_eq!(listening(async { 2 }).await, (2, Heard::Nothing));
        note(Heard::NoAccount);
    }
}
