//! Payloads: what an entry only commits to, encrypted so that it can be erased.
//!
//! Each subject (a task) has its own 256-bit data key, kept wrapped under the vault's master key. A payload is
//! AES-256-GCM over `salt || bytes`; its commitment is `SHA-256(salt || bytes)` and stands in the entry. Because the salt
//! lies inside the ciphertext, nobody who lacks the data key can test a guess against the commitment. Destroying the
//! wrapped key therefore erases the payload, and the log stays verifiable.
//!
//! The nonce is the first 96 bits of the commitment. The salt is fresh for every payload, so the nonce is as good as
//! random; two payloads share it only if they share salt and bytes, and then they are the same payload.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Longest payload in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;
/// Longest name of a subject.
pub const MAX_SUBJECT_BYTES: usize = 64;
/// Bytes of a wrapped key: nonce, key, tag.
pub const WRAPPED_KEY_BYTES: usize = NONCE_LEN + 32 + 16;

const SALT_BYTES: usize = 32;

/// Whose payloads share a key and are erased together: a task's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(String);

/// What an entry says of a payload. Public; binds the bytes and gives nothing away about them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitment([u8; 32]);

/// The key all data keys are wrapped under. Whoever holds it and the store reads every payload that is not erased.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

/// The key of one subject's payloads.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DataKey([u8; 32]);

/// Fresh random bytes for one payload.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Salt([u8; SALT_BYTES]);

/// A data key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey([u8; WRAPPED_KEY_BYTES]);

/// One encrypted payload on its way to the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    subject: SubjectId,
    commitment: Commitment,
    ciphertext: Vec<u8>,
}

/// What the store can say of a payload it knows.
#[derive(PartialEq, Eq)]
pub enum Opened {
    /// The key was destroyed. The commitment in the log is all that is left.
    Erased,
    /// The bytes, checked against the commitment.
    Payload(Zeroizing<Vec<u8>>),
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VaultError {
    #[error("a subject's name has 1 to {MAX_SUBJECT_BYTES} visible ASCII characters")]
    Subject,
    #[error("a commitment is 64 hexadecimal digits in lower case")]
    Commitment,
    #[error("a payload of {0} bytes is longer than {MAX_PAYLOAD_BYTES}")]
    TooLong(usize),
    #[error("the payload's subject was erased; nothing more can be sealed for it")]
    Erased,
    #[error("the key of subject `{0}` cannot be unwrapped: wrong master key, or the store was changed")]
    KeyUnreadable(String),
    #[error("the payload cannot be decrypted: the store was changed")]
    PayloadUnreadable,
    #[error("the payload does not fit its commitment")]
    CommitmentMismatch,
    #[error("the cryptographic library refused to encrypt")]
    Encrypt,
}

// === impl SubjectId ===

impl SubjectId {
    pub fn new(text: &str) -> Result<Self, VaultError> {
        let fits = (1..=MAX_SUBJECT_BYTES).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(VaultError::Subject)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// === impl Commitment ===

impl Commitment {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(salt: &[u8], bytes: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(salt);
        context.update(bytes);
        let mut commitment = [0; 32];
        commitment.copy_from_slice(context.finish().as_ref());
        Self(commitment)
    }

    fn nonce(&self) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        Nonce::assume_unique_for_key(nonce)
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

impl FromStr for Commitment {
    type Err = VaultError;

    fn from_str(text: &str) -> Result<Self, VaultError> {
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(VaultError::Commitment);
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| VaultError::Commitment)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| VaultError::Commitment)?;
        }
        Ok(Self(bytes))
    }
}

// === impl MasterKey ===

impl MasterKey {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Encrypts a subject's data key for the store. `nonce` is 96 random bits, never used twice under one master key.
    pub fn wrap(
        &self,
        subject: &SubjectId,
        key: &DataKey,
        nonce: [u8; NONCE_LEN],
    ) -> Result<WrappedKey, VaultError> {
        let mut sealed = Zeroizing::new(key.0.to_vec());
        let tag = aead(&self.0, VaultError::Encrypt)?
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), key_aad(subject), &mut sealed)
            .map_err(|_| VaultError::Encrypt)?;
        let mut wrapped = [0; WRAPPED_KEY_BYTES];
        let parts = nonce.iter().chain(sealed.iter()).chain(tag.as_ref());
        wrapped.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        Ok(WrappedKey(wrapped))
    }

    /// Decrypts a subject's data key.
    pub fn unwrap(&self, subject: &SubjectId, wrapped: &WrappedKey) -> Result<DataKey, VaultError> {
        let error = || VaultError::KeyUnreadable(subject.0.clone());
        let (nonce, sealed) = wrapped.0.split_first_chunk().ok_or_else(error)?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let opened = aead(&self.0, error())?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), key_aad(subject), &mut buffer)
            .map_err(|_| error())?;
        let mut key = DataKey([0; 32]);
        key.0.iter_mut().zip(opened).for_each(|(to, from)| *to = *from);
        Ok(key)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

// === impl DataKey ===

impl DataKey {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Encrypts `bytes` and commits to them.
    pub fn seal(&self, subject: &SubjectId, salt: &Salt, bytes: &[u8]) -> Result<Payload, VaultError> {
        if bytes.len() > MAX_PAYLOAD_BYTES {
            return Err(VaultError::TooLong(bytes.len()));
        }
        let commitment = Commitment::of(&salt.0, bytes);
        // Room for the tag from the start: a growing vector would leave plaintext behind in freed memory.
        let mut buffer = Vec::with_capacity(SALT_BYTES + bytes.len() + AES_256_GCM.tag_len());
        buffer.extend_from_slice(&salt.0);
        buffer.extend_from_slice(bytes);
        aead(&self.0, VaultError::Encrypt)?
            .seal_in_place_append_tag(commitment.nonce(), payload_aad(subject, &commitment), &mut buffer)
            .map_err(|_| VaultError::Encrypt)?;
        Ok(Payload { subject: subject.clone(), commitment, ciphertext: buffer })
    }

    /// Decrypts a stored payload and checks it against its commitment.
    pub fn open(
        &self,
        subject: &SubjectId,
        commitment: &Commitment,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let opened = aead(&self.0, VaultError::PayloadUnreadable)?
            .open_in_place(commitment.nonce(), payload_aad(subject, commitment), &mut buffer)
            .map_err(|_| VaultError::PayloadUnreadable)?;
        let (salt, bytes) = opened.split_at_checked(SALT_BYTES).ok_or(VaultError::PayloadUnreadable)?;
        if Commitment::of(salt, bytes) != *commitment {
            return Err(VaultError::CommitmentMismatch);
        }
        Ok(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

// === impl Salt ===

impl Salt {
    /// Thirty-two bytes from the system's generator.
    pub const fn from_random(bytes: [u8; SALT_BYTES]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}

// === impl WrappedKey ===

impl WrappedKey {
    /// `None` unless the length fits and the bytes are not the zeros that mark an erased key.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        let wrapped: [u8; WRAPPED_KEY_BYTES] = bytes.try_into().ok()?;
        wrapped.iter().any(|b| *b != 0).then_some(Self(wrapped))
    }

    pub const fn as_bytes(&self) -> &[u8; WRAPPED_KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedKey(..)")
    }
}

// === impl Payload ===

impl Payload {
    pub const fn subject(&self) -> &SubjectId {
        &self.subject
    }

    pub const fn commitment(&self) -> Commitment {
        self.commitment
    }

    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("subject", &self.subject)
            .field("commitment", &self.commitment)
            .field("bytes", &self.ciphertext.len())
            .finish()
    }
}

// === impl Opened ===

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Erased => f.write_str("Erased"),
            Self::Payload(bytes) => write!(f, "Payload({} bytes)", bytes.len()),
        }
    }
}

fn aead(key: &[u8; 32], error: VaultError) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| error)
}

fn key_aad(subject: &SubjectId) -> Aad<Vec<u8>> {
    Aad::from([b"writ vault v1 key\0", subject.0.as_bytes()].concat())
}

fn payload_aad(subject: &SubjectId, commitment: &Commitment) -> Aad<Vec<u8>> {
    Aad::from([b"writ vault v1 payload\0", commitment.0.as_slice(), subject.0.as_bytes()].concat())
}

#[cfg(test)]
mod tests;
