//! Credentials by their own form, found in what leaves: a tripwire, not a promise.

use writ_model::Label;
use writ_policy::holds_token;

use super::port::Tripwire;

/// How much of what was looked at is looked at again with what follows, so that nothing hides on the seam. No token of the
/// known forms is longer, and of a private key its beginning is enough.
const OVERLAP_BYTES: usize = 4 << 10;

/// Finds tokens that their issuers made recognisable, and private keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokens;

// === impl Tokens ===

impl Tripwire for Tokens {
    fn overlap(&self) -> usize {
        OVERLAP_BYTES
    }

    fn find(&self, window: &[u8]) -> Option<Label> {
        holds_token(&String::from_utf8_lossy(window)).then(|| Label::lossy("a credential by its form"))
    }
}
