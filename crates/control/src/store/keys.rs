//! The keys a ledger is opened with, and what is made of them.

use writ_ledger::note::{KeyError, SigningKey, SigningSeed, VerifyingKey};
use writ_ledger::vault::MasterKey;
use writ_ledger::{Checkpoint, Hash, Head, Origin, Stream};

/// What the office hands over when it opens a ledger.
#[derive(Clone, Debug)]
pub struct LedgerKeys {
    /// The ledger's base name; each stream's origin is below it.
    pub origin: Origin,
    /// Signs checkpoints and snapshots, and nothing else.
    pub signer: SigningSeed,
    /// Wraps the data keys of payloads.
    pub vault_master: MasterKey,
}

/// One value for each stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PerStream<T> {
    pub activity: T,
    pub control: T,
}

/// The signing keys of one ledger: the same seed under the name of each stream, and of the ledger itself.
#[derive(Debug)]
pub(super) struct Signers {
    pub origin: Origin,
    pub ledger: SigningKey,
    streams: PerStream<SigningKey>,
}

// === impl LedgerKeys ===

impl LedgerKeys {
    /// The public key that a stream's checkpoints are verified with. Needs no ledger to be open.
    ///
    /// # Errors
    /// The cryptographic library refuses the seed.
    pub fn verifying_key(&self, stream: Stream) -> Result<VerifyingKey, KeyError> {
        Ok(SigningKey::new(&self.origin.of(stream), self.signer.clone())?.verifying_key())
    }
}

// === impl PerStream ===

impl<T> PerStream<T> {
    pub const fn get(&self, stream: Stream) -> &T {
        match stream {
            Stream::Activity => &self.activity,
            Stream::Control => &self.control,
        }
    }

    pub const fn get_mut(&mut self, stream: Stream) -> &mut T {
        match stream {
            Stream::Activity => &mut self.activity,
            Stream::Control => &mut self.control,
        }
    }
}

// === impl Signers ===

impl Signers {
    pub fn new(keys: &LedgerKeys) -> Result<Self, KeyError> {
        let named = |name: &str| SigningKey::new(name, keys.signer.clone());
        Ok(Self {
            origin: keys.origin.clone(),
            ledger: named(keys.origin.as_str())?,
            streams: PerStream {
                activity: named(&keys.origin.of(Stream::Activity))?,
                control: named(&keys.origin.of(Stream::Control))?,
            },
        })
    }

    pub const fn of(&self, stream: Stream) -> &SigningKey {
        self.streams.get(stream)
    }

    /// Signs a stream's state; returns the bare signature for the row and the head with the whole note.
    pub fn sign(&self, stream: Stream, size: u64, root: Hash) -> Option<([u8; 64], Head)> {
        let key = self.of(stream);
        let text = Checkpoint::new(key.name(), size, root).ok()?.to_text();
        let signature = key.sign(&text);
        let checkpoint = writ_ledger::note::format_note(&text, &[key.line(signature)]).ok()?;
        Some((signature, Head { size, root, checkpoint }))
    }
}
