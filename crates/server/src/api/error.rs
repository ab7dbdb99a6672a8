//! Every answer of the API that is not a success, in the format clients know.

use std::fmt::Write as _;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};

use super::schema::Problem;

/// Seconds after which a client may send its reports again when they were refused for now.
const RETRY_AFTER_SECONDS: &str = "60";
/// Seconds after which an hour is over for certain.
const HOUR_SECONDS: &str = "3600";

/// Why a request to the API was not answered with a result.
#[derive(Debug)]
pub enum ApiError {
    /// No key, a malformed or unknown one, or one without the permission.
    KeyInvalid,
    /// A known key that may ask for positions, but not for this.
    NotAllowed,
    /// More requests today than the key allows.
    DailyLimitExceeded,
    /// This client has asked for too many unknown stations in this hour.
    TooManyUnknown,
    /// The networks and the address lead to no result.
    NotFound,
    /// The body cannot be decoded: compression, character set or JSON. The text says why.
    Undecodable(String),
    /// The body is JSON of a wrong shape.
    Invalid(Vec<Problem>),
    /// A parameter of the address is missing or wrong.
    Parameters(Vec<Problem>),
    /// A submission without a body.
    EmptyBody,
    /// The body is larger than is read, as sent or unpacked.
    TooLarge,
    /// Reports cannot be queued now, or too many wait already; or what the answer has to tell cannot
    /// be looked up.
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
            Self::NotAllowed => (
                StatusCode::FORBIDDEN,
                "usageLimits",
                "keyNotAllowed",
                "This API key may not do this.",
            ),
            Self::DailyLimitExceeded => (
                StatusCode::FORBIDDEN,
                "usageLimits",
                "dailyLimitExceeded",
                "You have exceeded your daily limit.",
            ),
            Self::TooManyUnknown => (
                StatusCode::TOO_MANY_REQUESTS,
                "usageLimits",
                "unknownStationsExceeded",
                "You have asked for too many unknown stations.",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "geolocation", "notFound", "Not found"),
            Self::Undecodable(_) | Self::Invalid(_) | Self::EmptyBody => {
                (StatusCode::BAD_REQUEST, "global", "parseError", "Parse Error")
            }
            Self::Parameters(_) => {
                (StatusCode::BAD_REQUEST, "global", "invalidParameter", "Invalid Parameter")
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

    /// The name of the variant, for the description of the API.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::KeyInvalid => "KeyInvalid",
            Self::NotAllowed => "NotAllowed",
            Self::DailyLimitExceeded => "DailyLimitExceeded",
            Self::TooManyUnknown => "TooManyUnknown",
            Self::NotFound => "NotFound",
            Self::Undecodable(_) => "Undecodable",
            Self::Invalid(_) => "Invalid",
            Self::Parameters(_) => "Parameters",
            Self::EmptyBody => "EmptyBody",
            Self::TooLarge => "TooLarge",
            Self::Unavailable => "Unavailable",
        }
    }

    /// One sentence about it, for the same.
    #[must_use]
    pub const fn meaning(&self) -> &'static str {
        match self {
            Self::KeyInvalid => "There is no key, it is unknown, or it may not do this.",
            Self::NotAllowed => "The key may ask for positions, but not for this.",
            Self::DailyLimitExceeded => "The key has used up its requests of this UTC day.",
            Self::TooManyUnknown => {
                "The address or the key has asked for too many unknown stations in this hour."
            }
            Self::NotFound => "The stations and the address lead to no result.",
            Self::Undecodable(_) => "The body cannot be unpacked, decoded or read as JSON.",
            Self::Invalid(_) => "The body is JSON of a wrong shape.",
            Self::Parameters(_) => "A parameter is missing or wrong.",
            Self::EmptyBody => "There is no body.",
            Self::TooLarge => "The body is too large, as sent or unpacked.",
            Self::Unavailable => "It cannot be done now.",
        }
    }

    /// An example of a body that cannot be decoded.
    #[must_use]
    pub fn undecodable() -> Self {
        let text = "JSONDecodeError('Expecting value: line 1 column 1 (char 0)')";
        Self::Undecodable(text.to_owned())
    }

    /// An example of a body of a wrong shape.
    #[must_use]
    pub fn invalid() -> Self {
        let (path, text) = ("wifiAccessPoints", "\"1\" is not iterable");
        Self::Invalid(vec![Problem { path: path.to_owned(), text: text.to_owned() }])
    }

    /// An example of a wrong parameter.
    #[must_use]
    pub fn parameters() -> Self {
        let (path, text) = ("bbox", "south is north of north");
        Self::Parameters(vec![Problem { path: path.to_owned(), text: text.to_owned() }])
    }

    /// Seconds after which it makes sense to ask again, where it does.
    #[must_use]
    pub const fn retry_after(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable => Some(RETRY_AFTER_SECONDS),
            Self::TooManyUnknown => Some(HOUR_SECONDS),
            _ => None,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.parts().0
    }

    /// The body: the error, and what was wrong in detail where there is something to say.
    #[must_use]
    pub fn body(&self) -> String {
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
            Self::Invalid(problems) | Self::Parameters(problems) => {
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
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, http::HeaderValue::from_static(seconds));
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
    quote(&mut json, text);
    json
}

/// Appends text as [`quoted`] gives it.
pub fn quote(json: &mut String, text: &str) {
    json.push('"');
    let is_plain = |byte: &u8| (b' '..=b'~').contains(byte) && !matches!(byte, b'"' | b'\\');
    if text.as_bytes().iter().all(is_plain) {
        json.push_str(text);
    } else {
        text.chars().for_each(|letter| escape(json, letter));
    }
    json.push('"');
}

fn escape(json: &mut String, letter: char) {
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
