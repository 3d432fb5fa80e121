//! Randomness from the operating system.

use writ_gateway::port::Random;

/// The generator of the cryptography library, seeded by the operating system.
pub(crate) struct SystemRandom;

// === impl SystemRandom ===

impl Random for SystemRandom {
    /// Where the system gives no randomness, nothing that this program promises can be kept, so it ends.
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}
