//! Values that must not be shown: no `Display`, a redacted `Debug`, zeroed when dropped.

use std::fmt;

use zeroize::Zeroizing;

/// A secret text. The one way out is [`Secret::expose`]; each call says why it is safe.
pub struct Secret(Zeroizing<String>);

// === impl Secret ===

impl Secret {
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself. Safe only where it goes to the one party it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "Secret(…)");
    }
}
