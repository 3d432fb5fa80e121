//! What passes between a client and its model: what the model is told it is, which tools it has, which of them run at the
//! vendor, and what it asks for.
//!
//! A vendor's own tools search, run code and call connectors without any call of the client's, so they are known by the
//! request alone. What the model asks the client to do is known by the answer, and can be compared with what the client's
//! hooks then tell. No I/O here: bytes come in, facts go out.
//!
//! ```text
//! let asked = read_request(wire, body)?;        // asked.operations() are judged like any call
//! let mut answer = AnswerReader::new(wire, Form::Events);
//! for part in parts { for call in answer.push(part) { … } }
//! let facts = answer.finish();
//! ```

mod answer;
mod events;
mod hosted;
mod path;
mod request;
mod results;

#[cfg(test)]
mod tests;

pub use answer::{AnswerFacts, AnswerReader, AskedTool, Form, Tokens};
pub use hosted::Hosted;
pub use path::Way;
pub use request::{RequestFacts, read_request};
pub use results::ToolResult;

use writ_model::Digest;

/// Longest request that is read, in bytes: vendors take no more than about this much.
pub const MAX_REQUEST_BYTES: usize = 64 << 20;

/// A wire format of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wire {
    AnthropicMessages,
    Gemini,
    OpenaiChat,
    OpenaiResponses,
}

/// A request that could not be read. It does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficError {
    #[error("the request to the model is longer than {MAX_REQUEST_BYTES} bytes")]
    TooLong,
    #[error("the request to the model is not one JSON object with each name once")]
    NotRead,
    #[error("the request names no model")]
    NoModel,
    #[error("`{0}` has another form than this wire format gives it")]
    Field(&'static str),
}

/// SHA-256 over parts, each with its length before it.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 32];
    for (slot, byte) in bytes.iter_mut().zip(hash.finish().as_ref()) {
        *slot = *byte;
    }
    Digest::new(bytes)
}
