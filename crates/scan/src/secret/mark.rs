//! What may be said of a secret: a keyed mark, equal for equal values, and a text in which it is covered.

use aws_lc_rs::hmac;
use rustix::rand::{GetRandomFlags, getrandom};

use super::Finding;

/// Bytes of a mark: enough that no two of a report are equal by chance.
const MARK_BYTES: usize = 8;

/// Makes marks: HMAC-SHA-256 (RFC 2104) under a key, cut short. Who has no key cannot try values against a mark; who has
/// it sees that two places hold the same secret.
pub struct Marker(hmac::Key);

// === impl Marker ===

impl Marker {
    /// Marks that can be compared with others under the same key.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Marks that can be compared with those of the same run only. `None` when the system gives no randomness.
    pub fn of_this_run() -> Option<Self> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        // Straight from the kernel, which gives so few bytes at once: a generator seeded for one key takes longer than a small tree.
        let given = getrandom(&mut key[..], GetRandomFlags::empty()).ok()?;
        (given == key.len()).then(|| Self::new(&key[..]))
    }

    /// The mark of a value: 16 hexadecimal digits.
    pub fn mark(&self, value: &[u8]) -> String {
        let tag = hmac::sign(&self.0, value);
        tag.as_ref().iter().take(MARK_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Marker(…)")
    }
}

/// The bytes with each finding covered by `[secret: RULE]`, for logs. Findings are those of these bytes, in order.
pub fn redact(bytes: &[u8], findings: &[Finding]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for finding in findings {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let (start, end) = (place(finding.start), place(finding.end));
        if start < at {
            continue;
        }
        out.extend_from_slice(bytes.get(at..start).unwrap_or_default());
        out.extend_from_slice(format!("[secret: {}]", finding.rule).as_bytes());
        at = end.max(start);
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
    out
}
