//! The frame between the thin hook process and the door: one JSON line each way, bounded.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use writ_model::Client;

/// Largest input of a client that is carried.
pub const MAX_PAYLOAD_BYTES: usize = 8 << 20;
/// Largest line: an input with every byte escaped as `\u00XX`, and a little around it.
pub const MAX_FRAME_BYTES: usize = 6 * MAX_PAYLOAD_BYTES + 4096;
/// The version that this code speaks.
const VERSION: u32 = 1;

/// One request of a hook process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub client: Client,
    /// The event by the hook's command line.
    pub event: Option<Cow<'a, str>>,
    /// The client's message, as it came on standard input.
    pub payload: Cow<'a, str>,
}

/// What the client is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookReply {
    /// 0, or 2 to block.
    pub exit: u8,
    pub stdout: String,
    pub stderr: String,
}

/// The bytes are no frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the frame holds more than {MAX_PAYLOAD_BYTES} bytes of input")]
    TooLarge,
    #[error("the frame is not one that Writ sends")]
    Malformed(#[source] serde_json::Error),
    #[error("the frame has version {0}, this program speaks {VERSION}; use one version of `writ` throughout")]
    Version(u32),
    #[error("the frame names a client without an adapter")]
    Client(#[source] writ_model::UnknownClient),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    v: u32,
    #[serde(borrow)]
    client: Cow<'a, str>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

// === impl Frame ===

impl<'a> Frame<'a> {
    /// The line to send, with its line feed.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`].
    pub fn to_line(&self) -> Result<Vec<u8>, FrameError> {
        if self.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLarge);
        }
        let wire = Wire {
            v: VERSION,
            client: self.client.name().into(),
            event: self.event.as_deref().map(Cow::Borrowed),
            payload: Cow::Borrowed(&self.payload),
        };
        let mut line = serde_json::to_vec(&wire).map_err(FrameError::Malformed)?;
        line.push(b'\n');
        Ok(line)
    }

    /// Reads a line, with or without its line feed.
    ///
    /// # Errors
    /// All of [`FrameError`].
    pub fn from_line(line: &'a [u8]) -> Result<Self, FrameError> {
        if line.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge);
        }
        let Wire { v, client, event, payload } =
            serde_json::from_slice(line).map_err(FrameError::Malformed)?;
        if v != VERSION {
            return Err(FrameError::Version(v));
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(FrameError::TooLarge);
        }
        Ok(Self { client: client.parse().map_err(FrameError::Client)?, event, payload })
    }
}

// === impl HookReply ===

impl HookReply {
    /// The line to send, with its line feed.
    pub fn to_line(&self) -> Vec<u8> {
        // Two strings and a number cannot fail to be written; were it so, an empty line is no answer and blocks.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}
