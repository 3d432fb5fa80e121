//! Names of objects: the digest of what they hold, in one of two hash functions.

use std::fmt;

/// Which hash function a repository names its objects by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectFormat {
    Sha1,
    Sha256,
}

/// The name of one object, whole. All zeros stand for none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid {
    format: ObjectFormat,
    /// The first bytes count, as many as the format has.
    bytes: [u8; 32],
}

// === impl ObjectFormat ===

impl ObjectFormat {
    /// As the capability `object-format` has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256].into_iter().find(|format| format.name() == name)
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The name that stands for no object.
    #[must_use]
    pub const fn none(self) -> Oid {
        Oid { format: self, bytes: [0; 32] }
    }
}

// === impl Oid ===

impl Oid {
    /// Reads 40 or 64 hexadecimal digits, in lower case as git writes them.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let format =
            [ObjectFormat::Sha1, ObjectFormat::Sha256].into_iter().find(|f| f.bytes() * 2 == text.len())?;
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            for digit in digits {
                let value = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return None,
                };
                *byte = (*byte << 4) | value;
            }
        }
        Some(Self { format, bytes })
    }

    #[must_use]
    pub const fn format(self) -> ObjectFormat {
        self.format
    }

    #[must_use]
    pub fn is_none(self) -> bool {
        self.bytes == [0; 32]
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.iter().take(self.format.bytes()).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_in_lower_case_are_read() {
        for text in ["16c7e42f292c6912e7710c838347ae178b4a0000", &"0a".repeat(32)] {
            let oid = Oid::parse(text.as_bytes()).unwrap();
            assert_eq!(oid.to_string(), text);
            assert!(!oid.is_none());
        }
        assert!(Oid::parse(&[b'0'; 40]).unwrap().is_none());
        assert_eq!(ObjectFormat::Sha256.none().to_string(), "0".repeat(64));
        for text in
            ["", "16c7e42", "16C7e42f292c6912e7710c838347ae178b4a0000", &"0".repeat(41), &"g".repeat(40)]
        {
            assert_eq!(Oid::parse(text.as_bytes()), None, "{text}");
        }
    }
}
