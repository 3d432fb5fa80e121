//! Saying no, in words that an agent can use.

use std::convert::Infallible;

use http_body_util::{BodyExt as _, Full};
use hyper::ext::ReasonPhrase;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};

use super::body::Flow;
use super::port::Refusal;

/// The header that carries the reason code.
pub const REASON_HEADER: &str = "writ-reason";

/// Longest part of a reason beside the status.
const MAX_PHRASE_CHARS: usize = 300;

/// Why the way out itself stops a request, before or after it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stop {
    /// A name leads to an address that the task does not name.
    AddressForbidden,
    /// A placeholder stands where what it is for is not.
    CredentialElsewhere,
    /// The credential cannot be put on.
    CredentialUnavailable,
    /// Target, server name and host differ.
    HostMismatch,
    /// A request that two readers could read differently, or of a kind that is not passed on.
    RequestMalformed,
    /// A secret stands in what leaves.
    SecretLeaving,
    /// More at once than one task needs.
    TooMuch,
    /// The other side cannot be reached, or does not prove who it is.
    UpstreamFailed,
    /// The answer cannot be looked through for what must not come back.
    AnswerUnreadable,
}

/// An answer of ours in place of the other side's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct No {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) text: String,
}

// === impl Stop ===

impl Stop {
    /// Stable; stands in the header beside the reason codes of decisions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddressForbidden => "address-forbidden",
            Self::CredentialElsewhere => "credential-elsewhere",
            Self::CredentialUnavailable => "credential-unavailable",
            Self::HostMismatch => "host-mismatch",
            Self::RequestMalformed => "request-malformed",
            Self::SecretLeaving => "secret-leaving",
            Self::TooMuch => "too-much",
            Self::UpstreamFailed => "upstream-failed",
            Self::AnswerUnreadable => "answer-unreadable",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::AddressForbidden
            | Self::CredentialElsewhere
            | Self::CredentialUnavailable
            | Self::SecretLeaving => StatusCode::FORBIDDEN,
            Self::HostMismatch => StatusCode::MISDIRECTED_REQUEST,
            Self::RequestMalformed => StatusCode::BAD_REQUEST,
            Self::TooMuch => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamFailed | Self::AnswerUnreadable => StatusCode::BAD_GATEWAY,
        }
    }

    pub(super) fn say(self, text: impl Into<String>) -> No {
        No { status: self.status(), code: self.name(), text: text.into() }
    }
}

// === impl No ===

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        let Refusal { reason, text } = refusal;
        Self { status: StatusCode::FORBIDDEN, code: reason.name(), text }
    }
}

impl No {
    /// What stands beside the status (RFC 9112, section 4): the beginning of the reason, in plain letters.
    fn phrase(&self) -> String {
        let usual = self.status.canonical_reason().unwrap_or("Refused");
        let text = self.text.chars().map(|c| if c.is_ascii_graphic() { c } else { ' ' });
        let text: String = text.take(MAX_PHRASE_CHARS).collect();
        format!("{usual} [writ {}] {}", self.code, text.trim())
    }

    /// In the form that the client asks for.
    pub(super) fn respond(&self, asked: &HeaderMap) -> Response<Flow> {
        let as_json = asked
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.contains("application/json") || value.contains("+json"));
        let (kind, text) = if as_json {
            let error = serde_json::json!({
                "error": { "type": "writ_refusal", "code": self.code, "message": self.text },
                // As registries of crates say it, and others after them.
                "errors": [{ "detail": self.text }],
                "message": self.text,
            });
            ("application/json", format!("{error}\n"))
        } else {
            ("text/plain; charset=utf-8", format!("Writ: {}\n", self.text))
        };
        let body = Full::new(text.into()).map_err(|never: Infallible| match never {});
        let mut response = Response::new(Flow::whole(body.boxed_unsync()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response.headers_mut().insert(REASON_HEADER, HeaderValue::from_static(self.code));
        // Many tools show nothing of an answer's body, but this.
        if let Ok(phrase) = ReasonPhrase::try_from(self.phrase()) {
            response.extensions_mut().insert(phrase);
        }
        response
    }
}
