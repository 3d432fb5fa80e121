//! Bounded texts that may stand in a leaf of the ledger: labels of our own making, never free prose.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A short name: 1 to 128 characters out of `A–Z a–z 0–9 . _ - : @ / + #`.
///
/// It has no room for spaces, control or bidirectional characters, so it can be shown to an approver as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Box<str>);

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// The text cannot be used as a label or a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    #[error("`{0}` is no label; use 1 to 128 of letters, digits and . _ - : @ / + #")]
    Label(String),
    #[error("`{0}` is no SHA-256 digest; one has 64 lower-case hexadecimal digits")]
    Digest(String),
}

// === impl Label ===

impl Label {
    const MAX: usize = 128;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A label from any text: what does not fit becomes `_`, what is too long is cut, nothing becomes `_`.
    ///
    /// For names that a client chose. Two texts can give one label, so no decision rests on it.
    pub fn lossy(text: &str) -> Self {
        let fitted: String =
            text.chars().take(Self::MAX).map(|c| if Self::fits(c) { c } else { '_' }).collect();
        Self(if fitted.is_empty() { "_".into() } else { fitted.into() })
    }

    fn fits(c: char) -> bool {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '@' | '/' | '+' | '#')
    }
}

impl FromStr for Label {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        if text.is_empty() || text.len() > Self::MAX || !text.chars().all(Self::fits) {
            return Err(InvalidText::Label(text.chars().take(80).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

// === impl Digest ===

impl Digest {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let invalid = || InvalidText::Digest(text.chars().take(80).collect());
        let nibble = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        if text.len() != 64 {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (slot, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let [high, low] = pair else { return Err(invalid()) };
            *slot = nibble(*high).zip(nibble(*low)).map(|(high, low)| high << 4 | low).ok_or_else(invalid)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_no_room_for_prose_or_tricks() {
        for text in ["claude-code", "uid:1000", "mcp__git__push", "a/b@c.d+e#f"] {
            assert_eq!(text.parse::<Label>().unwrap().as_str(), text);
        }
        for text in ["", "two words", "line\nbreak", "right\u{202e}left", "é", &"x".repeat(129)] {
            assert!(text.parse::<Label>().is_err(), "{text:?}");
            assert!(Label::lossy(text).as_str().parse::<Label>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_digest_survives_its_text() {
        let digest = Digest::new(std::array::from_fn(|i| i as u8 * 7));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for text in ["", "00", &digest.to_string().to_uppercase(), &digest.to_string()[1..]] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
