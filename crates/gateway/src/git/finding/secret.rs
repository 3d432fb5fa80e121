//! Credentials in new objects, looked for while they stream past.

use writ_policy::holds_token;

/// How much of what was looked at is looked at again with what follows, so that nothing hides on the seam.
const OVERLAP_BYTES: usize = 4 << 10;

/// Looks at one object after another.
#[derive(Debug, Default)]
pub(in super::super) struct SecretScan {
    at: Option<usize>,
    /// The end of what was looked at, with what comes next behind it.
    window: Vec<u8>,
    found: bool,
}

// === impl SecretScan ===

impl SecretScan {
    /// Looks at the next bytes of the object with this number. `true` once per object, when it holds a credential.
    pub(in super::super) fn take(&mut self, at: usize, bytes: &[u8]) -> bool {
        if self.at != Some(at) {
            self.at = Some(at);
            self.window.clear();
            self.found = false;
        }
        if self.found {
            return false;
        }
        self.window.extend_from_slice(bytes);
        self.found = holds_token(&String::from_utf8_lossy(&self.window));
        let seen = self.window.len().saturating_sub(OVERLAP_BYTES);
        self.window.drain(..seen);
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_found_wherever_the_pieces_part() {
        let token = format!("ghp_{}", "q7Rk2ZpL9wXc4VbN8mTd5YfH3gJsEaU6q7Rk");
        for before in [0, 100, OVERLAP_BYTES, 70_000] {
            let text = format!("{} token = {token}\n", "x ".repeat(before / 2)).into_bytes();
            for size in [37, 1_000, 65_536] {
                let mut scan = SecretScan::default();
                let found = text.chunks(size).filter(|piece| scan.take(0, piece)).count();
                assert_eq!(found, 1, "{before} {size}");
                assert!(!scan.take(1, b"nothing"));
            }
        }
        // Half of it in one object and half in the next is none.
        let mut scan = SecretScan::default();
        let (one, two) = token.split_at(12);
        assert!(!scan.take(0, one.as_bytes()));
        assert!(!scan.take(1, two.as_bytes()));
    }
}
