//! Evidence for one entry that a stranger can check offline: a C2SP tlog-proof.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use writ_ledger::storage;

use crate::api::message::{AuditProof, AuditProve};
use crate::office::{Office, OfficeError};

use super::AuditError;
use super::entry::EntryRef;

// === impl Office ===

impl Office {
    /// `audit.prove`
    pub fn audit_prove(&self, ask: &AuditProve) -> Result<AuditProof, OfficeError> {
        let at: EntryRef = ask.entry.parse()?;
        let ledger = self.ledger();
        if at.index >= ledger.tip(at.log) {
            return Err(AuditError::NoEntry(at.to_string()).into());
        }
        let head = ledger.head(at.log);
        if at.index >= head.size {
            return Err(AuditError::NotSynced.into());
        }
        let none = || AuditError::NoEntry(at.to_string());
        let (_, bytes) = ledger.read(at.log, at.index, 1)?.pop().ok_or_else(none)?;
        let path = storage::inclusion(ledger, at.log, at.index, head.size)?;
        let mut proof = format!("c2sp.org/tlog-proof@v1\nindex {}\n", at.index);
        for hash in path {
            // Writing into a string does not fail.
            let _ = writeln!(proof, "{}", STANDARD.encode(hash.as_bytes()));
        }
        proof.push('\n');
        proof.push_str(&head.checkpoint);
        let entry = String::from_utf8_lossy(&bytes).into_owned();
        Ok(AuditProof { proof, entry, vkey: self.verifying_key(at.log).to_text() })
    }
}
