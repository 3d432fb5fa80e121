//! C2SP signed notes: a text, an empty line, and signature lines.
//!
//! A note comes from anywhere and is bounded before it is read. Signatures by unknown keys are ignored; one bad
//! signature by a known key refuses the whole note.

pub mod key;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

pub use key::{KeyError, SigningKey, SigningSeed, VerifyingKey};

/// Longest note that is read, signatures included.
pub const MAX_NOTE_BYTES: usize = 1_000_000;
/// Most signature lines that are read; the format asks for at least 16.
pub const MAX_SIGNATURES: usize = 100;

const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// A note that is well-formed, with nothing said about its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    pub name: String,
    pub key_id: [u8; 4],
    pub signature: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    #[error("the note is longer than {MAX_NOTE_BYTES} bytes")]
    TooLong,
    #[error("the note is not UTF-8, or holds a control character other than newline")]
    Characters,
    #[error("the note's text does not end with a newline")]
    TextUnended,
    #[error("the note has no empty line between text and signatures")]
    NoSignatureBlock,
    #[error("signature line {0} of the note is malformed")]
    SignatureLine(usize),
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    #[error("the signature of the known key `{name}` does not fit the note's text")]
    BadSignature { name: String },
    #[error("no known key signed the note")]
    Unsigned,
}

// === impl Note ===

impl Note {
    /// Reads a note from untrusted bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        if !is_note_text(whole) {
            return Err(NoteError::Characters);
        }
        let split = whole.rfind("\n\n").ok_or(NoteError::NoSignatureBlock)?;
        let (text, block) = whole.split_at(split + 1);
        let block = block.strip_prefix('\n').unwrap_or_default();
        let lines = block.strip_suffix('\n').ok_or(NoteError::NoSignatureBlock)?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = lines
            .split('\n')
            .zip(1..)
            .map(|(line, number)| NoteSignature::parse(line).ok_or(NoteError::SignatureLine(number)))
            .collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The signed text, newline at its end included. Not to be trusted before [`Self::verify`].
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Checks the note against the keys one knows and returns its text and the names of those that signed.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] if any known key's signature fails, [`NoteError::Unsigned`] if none is there.
    pub fn verify(&self, known: &[VerifyingKey]) -> Result<(&str, Vec<String>), NoteError> {
        let mut signers: Vec<&VerifyingKey> = Vec::new();
        for line in &self.signatures {
            let Some(key) = known.iter().find(|k| k.name() == line.name && k.key_id() == line.key_id) else {
                continue;
            };
            if !key.verifies(self.text.as_bytes(), &line.signature) {
                return Err(NoteError::BadSignature { name: line.name.clone() });
            }
            if !signers.iter().any(|s| s.name() == key.name() && s.key_id() == key.key_id()) {
                signers.push(key);
            }
        }
        if signers.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok((&self.text, signers.iter().map(|k| k.name().to_owned()).collect()))
    }
}

// === impl NoteSignature ===

impl NoteSignature {
    fn parse(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        if !key::is_key_name(name) {
            return None;
        }
        let blob = STANDARD.decode(blob).ok()?;
        let (key_id, signature) = blob.split_first_chunk::<4>()?;
        if signature.is_empty() {
            return None;
        }
        Some(Self { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
    }

    /// The line as it stands in a note, newline included.
    pub fn to_line(&self) -> String {
        let blob = [self.key_id.as_slice(), &self.signature].concat();
        format!("{SIGNATURE_PREFIX}{} {}\n", self.name, STANDARD.encode(blob))
    }
}

/// Joins a text and its signatures into a note.
///
/// # Errors
/// The text does not end with a newline or holds control characters; there are no signatures or too many.
pub fn format_note(text: &str, signatures: &[NoteSignature]) -> Result<String, NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::TextUnended);
    }
    if !is_note_text(text) {
        return Err(NoteError::Characters);
    }
    if signatures.is_empty() {
        return Err(NoteError::Unsigned);
    }
    if signatures.len() > MAX_SIGNATURES {
        return Err(NoteError::TooManySignatures);
    }
    let lines: String = signatures.iter().map(NoteSignature::to_line).collect();
    Ok(format!("{text}\n{lines}"))
}

/// No control characters but newline. ASCII ones and the C1 block alike.
fn is_note_text(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !c.is_control())
}

#[cfg(test)]
mod tests;
