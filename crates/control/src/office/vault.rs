//! Texts beside the log: sealed under their subject, found again by their commitment.

use writ_ledger::vault::{Opened, Payload, Salt};
use writ_ledger::{Commitment, SubjectId};
use writ_model::Digest;
use zeroize::Zeroizing;

use super::{Office, OfficeError};

// === impl Office ===

impl Office {
    /// Seals a text of the office's own under a fresh salt.
    pub(crate) fn seal(
        &self,
        subject: &impl std::fmt::Display,
        text: &str,
    ) -> Result<(Digest, Payload), OfficeError> {
        let mut salt = Zeroizing::new([0; 32]);
        self.random.fill(&mut *salt)?;
        let payload = self.seal_with(subject, *salt, text.as_bytes())?;
        Ok((Digest::new(*payload.commitment().as_bytes()), payload))
    }

    pub(crate) fn seal_with(
        &self,
        subject: &impl std::fmt::Display,
        salt: [u8; 32],
        bytes: &[u8],
    ) -> Result<Payload, OfficeError> {
        let subject = subject_of(subject)?;
        Ok(self.ledger.seal(&subject, &Salt::from_random(salt), bytes)?)
    }

    /// The text under a commitment; nothing when it was erased, was never kept, or cannot be read.
    pub(crate) fn text(&self, commitment: Digest) -> Option<String> {
        match self.ledger.payload(&Commitment::from_bytes(*commitment.as_bytes())) {
            Ok(Some(Opened::Payload(bytes))) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Ok(Some(Opened::Erased) | None) => None,
            Err(error) => {
                tracing::warn!(%commitment, %error, "a text beside the log cannot be read");
                None
            }
        }
    }
}

/// Whose texts are erased together.
pub(crate) fn subject_of(subject: &impl std::fmt::Display) -> Result<SubjectId, OfficeError> {
    Ok(SubjectId::new(&subject.to_string()).map_err(writ_ledger::storage::PayloadError::Vault)?)
}
