//! Credentials in new objects, looked for while they stream past.
//!
//! A person is asked about what is found, so more counts here than where a stream is stopped: what stands where a password or a
//! key does and looks like one, and whatever has a published format, be its checksum right or wrong.

use writ_scan::secret::{Confidence, Detector, Finding, Scanner};

use super::super::room::{ObjectKind, Piece};

/// An object that holds a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Holder {
    /// Which of those that were looked at.
    pub(in super::super) at: usize,
    pub(in super::super) kind: ObjectKind,
    /// The stable name of the rule by which it does.
    pub(in super::super) rule: &'static str,
}

/// Looks at one object after another.
#[derive(Debug)]
pub(in super::super) struct SecretScan {
    current: Option<(usize, ObjectKind)>,
    bytes: Scanner,
    /// The same without the zeros, from where something looks like UTF-16: there a zero stands beside each letter.
    letters: Option<Scanner>,
    /// The current object is one of the holders.
    is_told: bool,
    holders: Vec<Holder>,
}

/// The rule by which a short text holds a credential.
pub(in super::super) fn rule_of(text: &str) -> Option<&'static str> {
    first(&Detector::shipped().find(text.as_bytes()))
}

fn first(found: &[Finding]) -> Option<&'static str> {
    found.iter().find(|finding| counts(finding)).map(|finding| finding.rule)
}

/// Whether a person is asked about it.
pub(in super::super) fn counts(finding: &Finding) -> bool {
    finding.confidence >= Confidence::Medium || finding.has_format()
}

// === impl SecretScan ===

impl SecretScan {
    pub(in super::super) fn new() -> Self {
        let bytes = Scanner::new(Detector::shipped());
        Self { current: None, bytes, letters: None, is_told: false, holders: Vec::new() }
    }

    /// Looks at the next bytes of an object. Those of one object come one after another.
    pub(in super::super) fn take(&mut self, piece: &Piece<'_>) {
        if self.current != Some((piece.at, piece.kind)) {
            self.close();
            self.current = Some((piece.at, piece.kind));
        }
        if self.is_told {
            return;
        }
        let found = self.bytes.push(piece.bytes);
        self.tell(first(&found));
        let zeros = piece.bytes.iter().filter(|byte| **byte == 0).count();
        // Text has a zero for each letter; what has fewer is of another kind.
        if self.letters.is_none() && zeros > 0 && zeros * 4 >= piece.bytes.len() {
            self.letters = Some(Scanner::new(Detector::shipped()));
        }
        if let Some(letters) = &mut self.letters {
            let kept: Vec<u8> = piece.bytes.iter().copied().filter(|byte| *byte != 0).collect();
            let found = letters.push(&kept);
            self.tell(first(&found));
        }
    }

    /// Ends the last object and gives all that hold a credential, each once.
    pub(in super::super) fn finish(mut self) -> Vec<Holder> {
        self.close();
        self.holders
    }

    /// Ends the current object, whose end may hold something.
    fn close(&mut self) {
        if !self.is_told {
            let found = self.bytes.finish();
            self.tell(first(&found));
            let found = self.letters.as_mut().map(Scanner::finish).unwrap_or_default();
            self.tell(first(&found));
        }
        self.bytes.restart();
        self.letters = None;
        self.is_told = false;
        self.current = None;
    }

    fn tell(&mut self, rule: Option<&'static str>) {
        if let (false, Some(rule), Some((at, kind))) = (self.is_told, rule, self.current) {
            self.is_told = true;
            self.holders.push(Holder { at, kind, rule });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> String {
        format!("ghp_{}", "q7Rk2ZpL9wXc4VbN8mTd5YfH3gJsEaU6q7Rk")
    }

    /// The numbers of the objects that hold something.
    fn holders(objects: &[&[u8]], size: usize) -> Vec<usize> {
        let mut scan = SecretScan::new();
        for (at, object) in objects.iter().enumerate() {
            for (number, bytes) in object.chunks(size).enumerate() {
                let from = (number * size) as u64;
                scan.take(&Piece { at, kind: ObjectKind::Blob, from, bytes });
            }
        }
        scan.finish().iter().map(|holder| holder.at).collect()
    }

    #[test]
    fn attack_a_credential_is_found_wherever_the_pieces_part() {
        for before in [0, 100, 4_096, 70_000, 300_000] {
            let text = format!("{} token = {}\n", "x ".repeat(before / 2), token()).into_bytes();
            let wide: Vec<u8> = text.iter().flat_map(|byte| [*byte, 0]).collect();
            for size in [37, 1_000, 65_536] {
                assert_eq!(holders(&[&text, b"nothing", &wide, b"nothing"], size), [0, 2], "{before} {size}");
            }
        }
    }

    #[test]
    fn attack_what_a_stream_is_not_stopped_for_is_found_too() {
        let drawn = "q7Rk2ZpL9wXc4VbN8mTd";
        for text in [
            format!("password: \"{drawn}\"\n"),
            format!("url = postgres://app:{drawn}@db.internal.corp:5432/orders\n"),
            format!("export PAYMENT_TOKEN={drawn}\n"),
            // Its checksum is wrong.
            format!("ghp_{}\n", "A1b2C3d4E5".repeat(4).get(..36).unwrap_or_default()),
        ] {
            assert_eq!(holders(&[text.as_bytes()], 65_536), [0], "{text}");
            assert!(rule_of(&text).is_some());
        }
    }

    #[test]
    fn half_of_one_in_each_of_two_objects_is_none() {
        let token = token();
        let (one, two) = token.split_at(12);
        for size in [5, 65_536] {
            assert_eq!(holders(&[one.as_bytes(), two.as_bytes()], size), [0_usize; 0]);
        }
        assert_eq!(rule_of("docs/token-of-thanks.md"), None);
    }
}
