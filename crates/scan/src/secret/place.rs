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
        self.at += bytes.len() as u64;
        for byte in bytes {
            if *byte & 0xC0 != 0x80 {
                self.chars += 1;
                self.column += 1;
            }
            if *byte == b'\n' {
                self.line += 1;
                self.column = 0;
            }
        }
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
