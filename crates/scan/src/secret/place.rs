//! Places as people count them: lines, columns, characters.

/// Turns offsets in bytes into lines, columns and characters, in one pass over text that comes in pieces. Offsets are
/// asked for in rising order.
#[derive(Debug)]
pub struct Lines {
    /// Bytes that came.
    at: u64,
    line: u64,
    /// Characters since the beginning of the line.
    column: u64,
    chars: u64,
}

/// A place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From one.
    pub line: u64,
    /// From one, in characters.
    pub column: u64,
    /// Characters from the beginning of the text.
    pub chars: u64,
}

// === impl Lines ===

impl Default for Lines {
    fn default() -> Self {
        Self { at: 0, line: 1, column: 0, chars: 0 }
    }
}

impl Lines {
    /// Takes the next bytes of the text. A byte that begins no character counts for none, so invalid text has places too.
    pub fn pass(&mut self, bytes: &[u8]) {
        let begins = |byte: u8| byte & 0xC0 != 0x80;
        self.at += bytes.len() as u64;
        self.chars += count(bytes, begins);
        let last_line =
            bytes.iter().rposition(|byte| *byte == b'\n').map(|at| bytes.get(at + 1..).unwrap_or_default());
        if last_line.is_some() {
            self.line += count(bytes, |byte| byte == b'\n');
            self.column = 0;
        }
        self.column += count(last_line.unwrap_or(bytes), begins);
    }

    /// Takes as many zeros, which is what a hole of a file reads as.
    pub(super) fn pass_hole(&mut self, length: u64) {
        self.at += length;
        self.chars += length;
        self.column += length;
    }

    /// How many bytes came.
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// The place of the next byte.
    pub fn here(&self) -> Place {
        Place { line: self.line, column: self.column + 1, chars: self.chars }
    }
}

/// How many bytes a question is answered yes for. So few at a time that one byte counts them: then many are asked at once.
fn count(bytes: &[u8], is: impl Fn(u8) -> bool) -> u64 {
    let few = |few: &[u8]| few.iter().fold(0_u8, |all, byte| all.wrapping_add(u8::from(is(*byte))));
    bytes.chunks(usize::from(u8::MAX)).map(|part| u64::from(few(part))).sum()
}
