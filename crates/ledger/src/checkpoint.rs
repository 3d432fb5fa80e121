//! C2SP checkpoints: the statement "this log has this size and this root", signed as a note.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::note::{Note, NoteError, VerifyingKey};
use crate::tree::Hash;

/// The size and root of one stream at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    #[error("the checkpoint's origin line is empty or holds control characters")]
    Origin,
    #[error("the checkpoint's size is not a plain decimal number")]
    Size,
    #[error("the checkpoint's root is not 32 bytes in base64, or not the empty root at size 0")]
    Root,
    #[error("the checkpoint ends before its third line, or a line is empty")]
    Lines,
    #[error("the checkpoint is of `{got}`, not of `{wanted}`")]
    OtherLog { wanted: String, got: String },
    #[error("the checkpoint's note is not acceptable")]
    Note(#[from] NoteError),
}

// === impl Checkpoint ===

impl Checkpoint {
    /// # Errors
    /// The origin is empty or holds control characters, or a size of 0 comes with another root than the empty one.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(CheckpointError::Origin);
        }
        if size == 0 && root != Hash::EMPTY {
            return Err(CheckpointError::Root);
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The text to sign: three lines, no extensions.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    /// Reads a checkpoint's text; extension lines are allowed and ignored. Says nothing about signatures.
    pub fn parse_text(text: &str) -> Result<Self, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Lines);
        }
        let canonical = size == "0" || (!size.starts_with('0') && size.bytes().all(|b| b.is_ascii_digit()));
        let size = size.parse().ok().filter(|_| canonical).ok_or(CheckpointError::Size)?;
        let root = STANDARD.decode(root).ok().and_then(|bytes| Hash::from_slice(&bytes));
        Self::new(origin, size, root.ok_or(CheckpointError::Root)?)
    }

    /// Reads a signed checkpoint from untrusted bytes and checks it: it must be of `origin` and signed by `key`.
    pub fn verify(note: &[u8], origin: &str, key: &VerifyingKey) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let (text, _) = note.verify(std::slice::from_ref(key))?;
        let checkpoint = Self::parse_text(text)?;
        if checkpoint.origin == origin {
            Ok(checkpoint)
        } else {
            Err(CheckpointError::OtherLog { wanted: origin.to_owned(), got: checkpoint.origin })
        }
    }
}

#[cfg(test)]
mod tests;
