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
        let begins = |byte: &&u8| **byte & 0xC0 != 0x80;
        self.at += bytes.len() as u64;
        self.chars += bytes.iter().filter(begins).count() as u64;
        let last_line = bytes.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        if last_line.len() < bytes.len() {
            self.line += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.column = 0;
        }
        self.column += last_line.iter().filter(begins).count() as u64;
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
