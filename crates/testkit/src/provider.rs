//! A double of the outside location provider: a real HTTP server that answers what it is told and
//! keeps what it received.

use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::cases::ProviderAnswer;
use crate::compare::Received;

/// The double.
pub struct Provider(MockServer);

impl Provider {
    /// Starts it on a free port of the loopback address.
    pub async fn start() -> Self {
        Self(MockServer::start().await)
    }

    /// Its address, without a slash at the end.
    #[must_use]
    pub fn uri(&self) -> String {
        self.0.uri()
    }

    /// Answers everything with this from now on, and forgets what it received.
    pub async fn answer(&self, answer: &ProviderAnswer) {
        let template = ResponseTemplate::new(answer.status);
        let template = match (&answer.body, &answer.body_text) {
            (Some(json), _) => template.set_body_json(json),
            (None, Some(text)) => template.set_body_string(text.as_str()),
            (None, None) => template,
        };
        self.0.reset().await;
        Mock::given(any()).respond_with(template).mount(&self.0).await;
    }

    /// What it received since it was last told what to answer, in order.
    ///
    /// # Panics
    ///
    /// Never: the server keeps its requests.
    #[expect(clippy::expect_used, reason = "recording is on unless switched off at the start")]
    pub async fn received(&self) -> Vec<Received> {
        let requests = self.0.received_requests().await.expect("recording is on");
        requests.iter().map(received).collect()
    }
}

fn received(request: &wiremock::Request) -> Received {
    let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let headers = request.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Received {
        path: format!("{}{query}", request.url.path()),
        headers: headers.collect(),
        body: serde_json::from_slice(&request.body).unwrap_or(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn send(uri: &str, path: &str) -> String {
        let address = uri.strip_prefix("http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: Me\r\n\
             Content-Length: 7\r\n\r\n{{\"a\":1}}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn it_answers_what_it_is_told_and_keeps_what_it_received() {
        let provider = Provider::start().await;
        let mut answer = ProviderAnswer { status: 404, body: Some(json!({})), body_text: None };
        provider.answer(&answer).await;
        assert!(send(&provider.uri(), "/two?key=abc").await.starts_with("HTTP/1.1 404"));
        let received = provider.received().await;
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].path, "/two?key=abc");
        assert_eq!(received[0].body, json!({"a": 1}));
        assert!(received[0].headers.contains(&("user-agent".to_owned(), "Me".to_owned())));

        answer = ProviderAnswer { status: 500, body: None, body_text: Some("oops".to_owned()) };
        provider.answer(&answer).await;
        assert_eq!(provider.received().await.len(), 0);
        assert!(send(&provider.uri(), "/one").await.ends_with("oops"));
    }
}
