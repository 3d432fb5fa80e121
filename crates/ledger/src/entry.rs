//! Leaves of the log: bounded bytes, and the entry bundle in which they are stored and served.
//!
//! A bundle is the C2SP tlog-tiles form: for each entry its length as a big-endian `u16`, then its bytes. The bytes of
//! an entry are canonical JSON (RFC 8785) made by the caller; this module does not look inside.

use std::fmt;

use thiserror::Error;

use crate::tree::Hash;

/// The longest entry a bundle can hold.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// One leaf: its bytes and its RFC 6962 leaf hash, computed once, where the entry is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    bytes: Vec<u8>,
    leaf: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    #[error("an entry cannot be empty")]
    Empty,
    #[error("an entry of {0} bytes is longer than {MAX_ENTRY_BYTES}; put large content into a payload")]
    TooLong(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BundleError {
    #[error("the entry bundle ends inside an entry, at byte {at}")]
    Truncated { at: usize },
}

/// Walks the entries of a bundle without copying.
#[derive(Clone, Debug)]
pub struct BundleEntries<'a> {
    rest: &'a [u8],
    at: usize,
}

// === impl Entry ===

impl Entry {
    /// Takes the bytes of one leaf and hashes them.
    ///
    /// # Errors
    /// Empty or longer than [`MAX_ENTRY_BYTES`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, EntryError> {
        if bytes.is_empty() {
            return Err(EntryError::Empty);
        }
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLong(bytes.len()));
        }
        let leaf = Hash::leaf(&bytes);
        Ok(Self { bytes, leaf })
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The RFC 6962 leaf hash.
    pub const fn leaf_hash(&self) -> Hash {
        self.leaf
    }

    /// Adds this entry to a bundle.
    pub fn push_to(&self, bundle: &mut Vec<u8>) {
        // The constructor bounds the length, so the conversion cannot lose bits.
        let length = u16::try_from(self.bytes.len()).unwrap_or(u16::MAX);
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(&self.bytes);
    }

    /// Bytes this entry takes in a bundle.
    pub const fn bundled_len(&self) -> usize {
        self.bytes.len() + 2
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("bytes", &self.bytes.len()).field("leaf", &self.leaf).finish()
    }
}

// === impl BundleEntries ===

impl<'a> BundleEntries<'a> {
    /// Starts at the front of `bundle`, whose bytes are untrusted.
    pub const fn new(bundle: &'a [u8]) -> Self {
        Self { rest: bundle, at: 0 }
    }
}

impl<'a> Iterator for BundleEntries<'a> {
    type Item = Result<&'a [u8], BundleError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.rest.split_first_chunk::<2>().and_then(|(length, rest)| {
            let length = usize::from(u16::from_be_bytes(*length));
            rest.split_at_checked(length)
        });
        let Some((entry, rest)) = entry else {
            self.rest = &[];
            return Some(Err(BundleError::Truncated { at: self.at }));
        };
        self.at += entry.len() + 2;
        self.rest = rest;
        Some(Ok(entry))
    }
}

#[cfg(test)]
mod tests;
