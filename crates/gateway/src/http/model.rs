//! What requests to a model need beyond other requests: read whole before they go on, listened to as they are answered, and
//! refused in a form that the vendor's own clients show.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::body::{BodyError, Flow, Stage};
use super::decode::{Coding, Decoder, MAX_PIECE_BYTES};
use super::exchange::drain;
use super::refuse::REASON_HEADER;
use crate::aside;
use crate::model_traffic::Wire;

/// Longest request to a model that is passed on, in bytes as they come.
pub(crate) const MAX_MODEL_REQUEST_BYTES: usize = 32 << 20;
/// Longest such request unpacked.
const MAX_UNPACKED_BYTES: usize = 64 << 20;
/// Room for all requests to the model that are read at once, in KiB; enough for two of the longest.
const ROOM_KIB: usize = 64 << 10;
/// How long such a request may take to come, and to find room.
const HOLD: Duration = Duration::from_secs(60);

/// Room for requests that are read whole.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Semaphore>);

/// Why a request to a model cannot be read. It does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    #[error("too many requests to the model are read at once; try again")]
    Full,
    #[error("the request to the model did not come whole, or not in time")]
    Broken,
    #[error("the request to the model is longer than {MAX_MODEL_REQUEST_BYTES} bytes")]
    TooLong,
    #[error(
        "the request to the model is packed in a way that is not read here; send it as it is, or with gzip or deflate"
    )]
    Coding,
}

/// Hears what a model answers. Dropped when the answer is over, whatever ended it.
pub(crate) trait Ear: Send {
    fn hear(&mut self, bytes: &[u8]);
}

/// Hands what passes to an ear, unpacked, and changes nothing of it.
struct Listening {
    decoder: Option<Decoder>,
    ear: Option<Box<dyn Ear>>,
}

// === impl Room ===

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_KIB)))
    }
}

impl Room {
    /// All of a body, unpacked. It still passes on as it came.
    pub(crate) async fn read(&self, headers: &HeaderMap, body: &mut Flow) -> Result<Bytes, Unread> {
        let coding = Coding::of(headers);
        if coding == Coding::Other {
            return Err(Unread::Coding);
        }
        // Where no length is told, the longest is reckoned with.
        let told = headers.get(hyper::header::CONTENT_LENGTH);
        let told = told.and_then(|told| told.to_str().ok()?.parse::<usize>().ok());
        let most = told.unwrap_or(MAX_MODEL_REQUEST_BYTES);
        if most > MAX_MODEL_REQUEST_BYTES {
            return Err(Unread::TooLong);
        }
        let kib = u32::try_from(most.div_ceil(1024).max(1)).unwrap_or(u32::MAX);
        let room = timeout(HOLD, Arc::clone(&self.0).acquire_many_owned(kib)).await;
        let room = room.map_err(|_| Unread::Full)?.map_err(|_| Unread::Full)?;
        let held = timeout(HOLD, body.hold(MAX_MODEL_REQUEST_BYTES, true, room)).await;
        let (bytes, is_all) = held.map_err(|_| Unread::Broken)?.map_err(|_| Unread::Broken)?;
        if !is_all {
            return Err(Unread::TooLong);
        }
        let most = if coding == Coding::Plain { bytes.len() } else { MAX_UNPACKED_BYTES };
        aside::MODEL.look(most, || unpacked(coding, bytes)).await
    }
}

fn unpacked(coding: Coding, bytes: Bytes) -> Result<Bytes, Unread> {
    let Some(mut decoder) = coding.decoder() else { return Ok(bytes) };
    let mut whole = Vec::new();
    for piece in bytes.chunks(MAX_PIECE_BYTES) {
        let piece = decoder.push(piece).map_err(|_| Unread::Coding)?;
        if whole.len().saturating_add(piece.len()) > MAX_UNPACKED_BYTES {
            return Err(Unread::TooLong);
        }
        whole.extend_from_slice(&piece);
    }
    whole.extend_from_slice(&decoder.finish().map_err(|_| Unread::Coding)?);
    Ok(whole.into())
}

// === impl Unread ===

impl Unread {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Coding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

// === impl Listening ===

impl Stage for Listening {
    fn push(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        if let Some(ear) = &mut self.ear {
            match &mut self.decoder {
                None => ear.hear(&piece),
                Some(decoder) => match decoder.push(&piece) {
                    Ok(plain) => ear.hear(&plain),
                    // What cannot be heard still comes through: it is the answer that was asked for.
                    Err(_) => self.ear = None,
                },
            }
        }
        Ok(piece)
    }

    fn finish(&mut self) -> Result<Bytes, BodyError> {
        self.ear = None;
        Ok(Bytes::new())
    }

    fn keeps_length(&self) -> bool {
        true
    }
}

/// The answer with an ear on it. In a coding that is not undone here nothing is heard.
pub(crate) fn overheard(response: Response<Flow>, ear: Box<dyn Ear>) -> Response<Flow> {
    let (head, body) = response.into_parts();
    let coding = Coding::of(&head.headers);
    if body.is_over() || coding == Coding::Other {
        return Response::from_parts(head, body);
    }
    let listening = Listening { decoder: coding.decoder(), ear: Some(ear) };
    let body = Flow::whole(body.boxed_unsync()).staged(Some(Box::new(listening)));
    Response::from_parts(head, body)
}

/// An answer of ours in the vendor's form of an error, so that its clients show the words.
pub(crate) fn refused(wire: Wire, status: StatusCode, code: &'static str, text: &str) -> Response<Flow> {
    let error = match wire {
        Wire::AnthropicMessages => serde_json::json!({
            "type": "error",
            "error": { "type": "permission_error", "message": text },
        }),
        Wire::OpenaiChat | Wire::OpenaiResponses => serde_json::json!({
            "error": { "message": text, "type": "invalid_request_error", "param": null, "code": code },
        }),
        Wire::Gemini => serde_json::json!({
            "error": { "code": status.as_u16(), "message": text, "status": "PERMISSION_DENIED" },
        }),
    };
    let body = Full::new(Bytes::from(error.to_string())).map_err(|never: Infallible| match never {});
    let mut response = Response::new(Flow::whole(body.boxed_unsync()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(REASON_HEADER, HeaderValue::from_static(code));
    response
}

/// Reads on what is left of a refused request, so that its sender hears why.
pub(crate) fn forget(body: Flow) {
    if !body.is_over() {
        tokio::spawn(drain(body));
    }
}
