//! Ed25519 keys of signed notes, and their text forms.
//!
//! The signing seed is the secret that makes the record believable: whoever holds it can sign a history that never
//! was. It is zeroed on drop, never printed, and leaves only through [`SigningKey::to_secret_text`].

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{NoteError, NoteSignature, format_note};
use crate::tree::Hash;

/// Signature type of plain Ed25519 in key ids and key texts.
const TYPE_ED25519: u8 = 0x01;
const SECRET_PREFIX: &str = "PRIVATE+KEY+";
/// Longest key text that is read.
const MAX_KEY_TEXT_BYTES: usize = 1024;

/// The 32 secret bytes an Ed25519 key is made from.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SigningSeed([u8; 32]);

/// A named key that signs notes.
pub struct SigningKey {
    name: String,
    key_id: [u8; 4],
    seed: SigningSeed,
    pair: Ed25519KeyPair,
}

/// A named key that notes are checked with. Public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key_id: [u8; 4],
    public: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("a key's name cannot be empty or hold spaces, plus signs or control characters")]
    Name,
    #[error("the key text is malformed")]
    Malformed,
    #[error("the key's type is not Ed25519")]
    Type,
    #[error("the key's id does not fit its name and bytes")]
    Id,
    #[error("the signing key was refused by the cryptographic library")]
    Refused,
}

// === impl SigningSeed ===

impl SigningSeed {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret bytes, for sealing them into a key file.
    pub const fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SigningSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSeed(..)")
    }
}

// === impl SigningKey ===

impl SigningKey {
    /// Names a key. The same seed under two names makes two keys with different ids.
    pub fn new(name: &str, seed: SigningSeed) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed.expose_secret()).map_err(|_| KeyError::Refused)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Refused)?;
        Ok(Self { name: name.to_owned(), key_id: key_id(name, &public), seed, pair })
    }

    /// Reads `PRIVATE+KEY+<name>+<id>+<base64>`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let KeyText { name, id, key: seed } =
            split_text(text.strip_prefix(SECRET_PREFIX).ok_or(KeyError::Malformed)?)?;
        let key = Self::new(name, SigningSeed::from_bytes(*seed))?;
        if key.key_id == id { Ok(key) } else { Err(KeyError::Id) }
    }

    /// The key's secret text form, for the key file.
    pub fn to_secret_text(&self) -> Zeroizing<String> {
        let mut blob = Zeroizing::new(vec![TYPE_ED25519]);
        blob.extend_from_slice(self.seed.expose_secret());
        let encoded = Zeroizing::new(STANDARD.encode(&*blob));
        Zeroizing::new(format!("{SECRET_PREFIX}{}+{}+{}", self.name, hex(self.key_id), *encoded))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        let mut public = [0; 32];
        public.copy_from_slice(self.pair.public_key().as_ref());
        VerifyingKey { name: self.name.clone(), key_id: self.key_id, public }
    }

    /// The bare 64-byte signature over a note's text.
    pub fn sign(&self, text: &str) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        signature
    }

    /// The signature line for a signature made earlier by this key.
    pub fn line(&self, signature: [u8; 64]) -> NoteSignature {
        NoteSignature { name: self.name.clone(), key_id: self.key_id, signature: signature.to_vec() }
    }

    /// Signs a text into a whole note.
    ///
    /// # Errors
    /// The text does not end with a newline, or holds control characters.
    pub fn sign_note(&self, text: &str) -> Result<String, NoteError> {
        format_note(text, &[self.line(self.sign(text))])
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

// === impl VerifyingKey ===

impl VerifyingKey {
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        Ok(Self { name: name.to_owned(), key_id: key_id(name, &public), public })
    }

    /// Reads `<name>+<id>+<base64>`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let KeyText { name, id, key: public } = split_text(text)?;
        let key = Self::new(name, *public)?;
        if key.key_id == id { Ok(key) } else { Err(KeyError::Id) }
    }

    /// The key's text form (`vkey`).
    pub fn to_text(&self) -> String {
        let blob = [&[TYPE_ED25519], self.public.as_slice()].concat();
        format!("{}+{}+{}", self.name, hex(self.key_id), STANDARD.encode(blob))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// Whether `signature` is this key's over `text`.
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public).verify(text, signature).is_ok()
    }

    /// The signature line for a bare signature that this key is said to have made.
    pub fn line(&self, signature: [u8; 64]) -> NoteSignature {
        NoteSignature { name: self.name.clone(), key_id: self.key_id, signature: signature.to_vec() }
    }
}

/// Non-empty, without spaces of any kind, plus signs or control characters.
pub(super) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// `SHA-256(name || 0x0A || type || key)`, first four bytes.
fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let hash = Hash::of(&[name.as_bytes(), &[b'\n', TYPE_ED25519], public.as_slice()].concat());
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

/// A key's text form, taken apart.
struct KeyText<'a> {
    name: &'a str,
    id: [u8; 4],
    key: Zeroizing<[u8; 32]>,
}

/// `<name>+<eight hex digits>+<base64 of type and 32 bytes>`.
fn split_text(text: &str) -> Result<KeyText<'_>, KeyError> {
    if text.len() > MAX_KEY_TEXT_BYTES {
        return Err(KeyError::Malformed);
    }
    let (name, rest) = text.split_once('+').ok_or(KeyError::Malformed)?;
    let (id, blob) = rest.split_once('+').ok_or(KeyError::Malformed)?;
    if id.len() != 8 || !id.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()) {
        return Err(KeyError::Malformed);
    }
    let id = u32::from_str_radix(id, 16).map_err(|_| KeyError::Malformed)?.to_be_bytes();
    let blob = Zeroizing::new(STANDARD.decode(blob).map_err(|_| KeyError::Malformed)?);
    let (kind, key) = blob.split_first().ok_or(KeyError::Malformed)?;
    if *kind != TYPE_ED25519 {
        return Err(KeyError::Type);
    }
    let key = Zeroizing::new(key.try_into().map_err(|_| KeyError::Malformed)?);
    Ok(KeyText { name, id, key })
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}
