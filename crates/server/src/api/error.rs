//! Every answer of the API that is not a success, in the format clients know.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};

use super::schema::Problem;

/// Seconds after which a client may send its reports again when they were refused for now.
const RETRY_AFTER_SECONDS: &str = "60";

/// Why a request to the API was not answered with a result.
#[derive(Debug)]
pub enum ApiError {
    /// No key, a malformed or unknown one, or one without the permission.
    KeyInvalid,
    /// More requests today than the key allows.
    DailyLimitExceeded,
    /// The networks and the address lead to no result.
    NotFound,
    /// The body cannot be decoded: compression, character set or JSON. The text says why.
    Undecodable(String),
    /// The body is JSON of a wrong shape.
    Invalid(Vec<Problem>),
    /// A submission without a body.
    EmptyBody,
    /// The body is larger than is read, as sent or unpacked.
    TooLarge,
    /// Reports cannot be queued now, or too many wait already.
    Unavailable,
}

impl ApiError {
    /// Status, domain and reason as every such answer has them, and the message.
    const fn parts(&self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::KeyInvalid => (
                StatusCode::BAD_REQUEST,
                "usageLimits",
                "keyInvalid",
                "Missing or invalid API key.",
            ),
            Self::DailyLimitExceeded => (
                StatusCode::FORBIDDEN,
                "usageLimits",
                "dailyLimitExceeded",
                "You have exceeded your daily limit.",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "geolocation", "notFound", "Not found"),
            Self::Undecodable(_) | Self::Invalid(_) | Self::EmptyBody => {
                (StatusCode::BAD_REQUEST, "global", "parseError", "Parse Error")
            }
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "global",
                "parseError",
                "The request body is too large.",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "global",
                "serviceUnavailable",
                "Service Unavailable",
            ),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.parts().0
    }

    /// The body: the error, and what was wrong in detail where there is something to say.
    fn body(&self) -> String {
        let (status, domain, reason, message) = self.parts();
        let code = status.as_u16();
        let mut body = format!(
            "{{\"error\":{{\"errors\":[{{\"domain\":\"{domain}\",\"reason\":\"{reason}\",\
             \"message\":\"{message}\"}}],\"code\":{code},\"message\":\"{message}\"}}"
        );
        match self {
            Self::Undecodable(text) => {
                let _ = write!(body, ",\"details\":{{\"decode\":{}}}", quoted(text));
            }
            Self::Invalid(problems) => {
                let member = |problem: &Problem| {
                    format!("{}:{}", quoted(&problem.path), quoted(&problem.text))
                };
                let members: Vec<_> = problems.iter().take(MAX_PROBLEMS).map(member).collect();
                let _ = write!(body, ",\"details\":{{\"validation\":{{{}}}}}", members.join(","));
            }
            _ => {}
        }
        body.push('}');
        body
    }

    /// The answer, without the headers that every API answer gets.
    #[must_use]
    pub fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        if matches!(self, Self::Unavailable) {
            headers.insert(RETRY_AFTER, http::HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        response
    }
}

/// Problems that one answer lists at most, so that a large bad request has no larger answer.
const MAX_PROBLEMS: usize = 100;

/// Text as a JSON string, everything beyond ASCII escaped as the original does it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            ' '..='~' => json.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_the_bytes_clients_know() {
        assert_eq!(
            ApiError::NotFound.body(),
            r#"{"error":{"errors":[{"domain":"geolocation","reason":"notFound","message":"Not found"}],"code":404,"message":"Not found"}}"#
        );
        assert_eq!(
            ApiError::Invalid(vec![Problem {
                path: "items".to_owned(),
                text: "Required".to_owned()
            }])
            .body(),
            r#"{"error":{"errors":[{"domain":"global","reason":"parseError","message":"Parse Error"}],"code":400,"message":"Parse Error"},"details":{"validation":{"items":"Required"}}}"#
        );
    }

    #[test]
    fn text_is_escaped_to_ascii() {
        assert_eq!(
            quoted("Côte d’I\"\u{1}😀"),
            "\"C\\u00f4te d\\u2019I\\\"\\u0001\\ud83d\\ude00\""
        );
    }
}
