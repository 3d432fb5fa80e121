//! Files in UTF-16, which PowerShell and some editors of Windows write: a byte for each unit, so that rules see text.

use super::{Detector, Finding, Scanner};

/// Looks through the units of a file whose first two bytes say that it is UTF-16 (RFC 2781, section 3.2). They say so in files
/// that are no such text too, so this is a second look, and not the only one.
#[derive(Debug)]
pub(super) struct Wide {
    scanner: Scanner,
    order: Order,
    /// The first byte of a unit that the last piece cut in two.
    half: Option<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    LowFirst,
    HighFirst,
}

impl Wide {
    /// A look at the file that begins with this piece, if it is one.
    pub(super) fn of(detector: &'static Detector, first: &[u8]) -> Option<Self> {
        let order = match first {
            [0xFF, 0xFE, ..] => Order::LowFirst,
            [0xFE, 0xFF, ..] => Order::HighFirst,
            _ => return None,
        };
        Some(Self { scanner: Scanner::new(detector), order, half: None })
    }

    /// Takes the next piece, whose bytes are lost, and gives what is certain by its place in the file.
    pub(super) fn push(&mut self, piece: &mut [u8]) -> impl Iterator<Item = Finding> + use<> {
        let units = self.units(piece);
        self.scanner.push(units).into_iter().map(placed)
    }

    pub(super) fn finish(&mut self) -> impl Iterator<Item = Finding> + use<> {
        self.scanner.finish().into_iter().map(placed)
    }

    /// One byte for each unit, in the same memory. One that is no ASCII becomes a byte that no rule has. The mark in front
    /// counts as a unit of its own.
    fn units<'a>(&mut self, piece: &'a mut [u8]) -> &'a [u8] {
        let mut written = 0;
        for at in 0..piece.len() {
            let Some(byte) = piece.get(at).copied() else { break };
            let Some(first) = self.half.take() else {
                self.half = Some(byte);
                continue;
            };
            let (low, high) = match self.order {
                Order::LowFirst => (first, byte),
                Order::HighFirst => (byte, first),
            };
            // Never ahead of what was read: a unit takes two bytes.
            if let Some(place) = piece.get_mut(written) {
                *place = if high == 0 && low < 0x80 { low } else { 0xFF };
            }
            written += 1;
        }
        piece.get(..written).unwrap_or_default()
    }
}

/// A finding among the units, by its place among the bytes.
fn placed(finding: Finding) -> Finding {
    Finding { start: finding.start * 2, end: finding.end * 2, ..finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_bytes_however_they_come() {
        let low: Vec<u8> = "\u{feff}tok\u{e4}n=1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let high: Vec<u8> = "\u{feff}tok\u{e4}n=1".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [low, high] {
            for cut in 2..bytes.len() {
                let (mut first, mut second) = (bytes[..cut].to_vec(), bytes[cut..].to_vec());
                let mut wide = Wide::of(Detector::shipped(), &first).unwrap();
                let mut all = wide.units(&mut first).to_vec();
                all.extend_from_slice(wide.units(&mut second));
                assert_eq!(all, b"\xFFtok\xFFn=1", "{cut}");
            }
        }
        assert!(Wide::of(Detector::shipped(), b"token=1").is_none());
    }
}
