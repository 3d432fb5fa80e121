//! Packet lines: four hexadecimal digits of length, then that many bytes less four (gitprotocol-common).
//!
//! Incremental: bytes come as the wire gives them, and at most one line is kept.

/// Longest line with its digits, as git has it (`LARGE_PACKET_MAX`).
pub const MAX_PKT_BYTES: usize = 65_520;
/// Digits of the length.
const DIGITS: usize = 4;

/// One line, or a mark between lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pkt {
    /// `0000`
    Flush,
    /// `0001`, between the parts of a request of the second version.
    Delimiter,
    /// `0002`, the end of an answer of the second version over HTTP.
    ResponseEnd,
    Data(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PktError {
    #[error("a packet line begins with something else than its length")]
    Length,
    #[error("a packet line is longer than {MAX_PKT_BYTES} bytes")]
    TooLong,
    #[error("the bytes end within a packet line")]
    Torn,
}

/// Cuts bytes into packet lines.
#[derive(Clone, Debug, Default)]
pub struct PktReader {
    /// The line so far, with its digits.
    held: Vec<u8>,
}

// === impl PktReader ===

impl PktReader {
    /// Takes the next line from the front of `bytes`, which then begins behind it. `None` when the line is not whole
    /// yet; all bytes are taken then.
    ///
    /// # Errors
    /// When the length is none, or too large. The reader is of no use afterwards.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Pkt>, PktError> {
        self.fill(bytes, DIGITS);
        let Some(digits) = self.held.first_chunk::<DIGITS>() else { return Ok(None) };
        let length = length(digits)?;
        let pkt = match length {
            0 => Pkt::Flush,
            1 => Pkt::Delimiter,
            2 => Pkt::ResponseEnd,
            3 => return Err(PktError::Length),
            _ if length > MAX_PKT_BYTES => return Err(PktError::TooLong),
            _ => {
                self.fill(bytes, length);
                if self.held.len() < length {
                    return Ok(None);
                }
                Pkt::Data(self.held.get(DIGITS..).unwrap_or_default().to_vec())
            }
        };
        self.held.clear();
        Ok(Some(pkt))
    }

    /// Whether the bytes so far end where a line ends.
    #[must_use]
    pub fn is_between(&self) -> bool {
        self.held.is_empty()
    }

    fn fill(&mut self, bytes: &mut &[u8], upto: usize) {
        let lacking = upto.saturating_sub(self.held.len()).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(lacking).unwrap_or((bytes, &[]));
        self.held.extend_from_slice(taken);
        *bytes = rest;
    }
}

fn length(digits: &[u8; DIGITS]) -> Result<usize, PktError> {
    digits.iter().try_fold(0, |sum, digit| {
        let value = char::from(*digit).to_digit(16).ok_or(PktError::Length)?;
        Ok(sum * 16 + usize::try_from(value).map_err(|_| PktError::Length)?)
    })
}

/// Appends one line; what does not fit into a line is cut off.
pub(super) fn put(into: &mut Vec<u8>, data: &[u8]) {
    let data = data.get(..MAX_PKT_BYTES - DIGITS).unwrap_or(data);
    into.extend_from_slice(format!("{:04x}", data.len() + DIGITS).as_bytes());
    into.extend_from_slice(data);
}

pub(super) fn put_flush(into: &mut Vec<u8>) {
    into.extend_from_slice(b"0000");
}

/// The line as text, without the one line feed that may end it.
pub(super) fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data.strip_suffix(b"\n").unwrap_or(data)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> Result<Vec<Pkt>, PktError> {
        let mut reader = PktReader::default();
        let mut found = Vec::new();
        while let Some(pkt) = reader.next(&mut bytes)? {
            found.push(pkt);
        }
        if reader.is_between() { Ok(found) } else { Err(PktError::Torn) }
    }

    #[test]
    fn lines_and_marks_are_told_apart() {
        let data = |text: &str| Pkt::Data(text.as_bytes().to_vec());
        let longest = [b"fff0".as_slice(), &vec![b'a'; MAX_PKT_BYTES - 4]].concat();
        for (bytes, expected) in [
            (b"".as_slice(), Ok(vec![])),
            (b"0000", Ok(vec![Pkt::Flush])),
            (
                b"0006a\n0001000200040005b",
                Ok(vec![data("a\n"), Pkt::Delimiter, Pkt::ResponseEnd, data(""), data("b")]),
            ),
            (b"000Aabcdef", Ok(vec![data("abcdef")])),
            (&longest, Ok(vec![Pkt::Data(vec![b'a'; MAX_PKT_BYTES - 4])])),
            (b"0003", Err(PktError::Length)),
            (b"+004", Err(PktError::Length)),
            (b"0x04", Err(PktError::Length)),
            (b"fff1", Err(PktError::TooLong)),
            (b"ffff", Err(PktError::TooLong)),
            (b"0006a", Err(PktError::Torn)),
            (b"00", Err(PktError::Torn)),
        ] {
            assert_eq!(
                read(bytes),
                expected,
                "{:?}",
                String::from_utf8_lossy(bytes.get(..20).unwrap_or(bytes))
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_was_put_is_read_however_it_is_cut(
            lines in proptest::collection::vec(proptest::collection::vec(proptest::num::u8::ANY, 0..300), 0..20),
            cut in 1_usize..50,
        ) {
            let mut bytes = Vec::new();
            for line in &lines {
                put(&mut bytes, line);
            }
            let mut reader = PktReader::default();
            let mut found = Vec::new();
            for mut piece in bytes.chunks(cut) {
                while let Some(pkt) = reader.next(&mut piece).unwrap() {
                    found.push(pkt);
                }
                assert!(piece.is_empty());
            }
            assert!(reader.is_between());
            assert_eq!(found, lines.into_iter().map(Pkt::Data).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = read(&bytes);
        }
    }
}
