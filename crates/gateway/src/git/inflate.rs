//! Bodies that a client compressed: git does so with long requests for objects.

use std::io::Write as _;

use flate2::write::GzDecoder;

/// Most bytes that one body may become.
pub const MAX_INFLATED_BYTES: u64 = 64 << 20;
/// How much is taken at a time: it becomes at most some thousand times as much.
const PIECE_BYTES: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    #[error("the body is not compressed as it says")]
    Broken,
    #[error("the body becomes more than {MAX_INFLATED_BYTES} bytes")]
    TooMuch,
    #[error("the compressed body ends too early")]
    End,
}

/// Takes `Content-Encoding: gzip` off a body (RFC 1952), one member only.
#[derive(Debug)]
pub struct Inflater {
    inner: GzDecoder<Vec<u8>>,
    total: u64,
}

// === impl Inflater ===

impl Default for Inflater {
    fn default() -> Self {
        Self { inner: GzDecoder::new(Vec::new()), total: 0 }
    }
}

impl Inflater {
    /// Takes from the front of `bytes` and puts what they become into `piece`, less than 1 MiB, in place of what was
    /// there. Says whether to come again: when not, all bytes were taken.
    ///
    /// # Errors
    /// When the body is broken, becomes too large, or goes on behind its end.
    pub fn next(&mut self, bytes: &mut &[u8], piece: &mut Vec<u8>) -> Result<bool, InflateError> {
        piece.clear();
        let part = bytes.get(..PIECE_BYTES).unwrap_or(bytes);
        if part.is_empty() {
            return Ok(false);
        }
        let taken = self.inner.write(part).map_err(|_| InflateError::Broken)?;
        if taken == 0 {
            return Err(InflateError::Broken);
        }
        self.inner.flush().map_err(|_| InflateError::Broken)?;
        *bytes = bytes.get(taken..).unwrap_or_default();
        std::mem::swap(piece, self.inner.get_mut());
        self.total = self.total.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if self.total > MAX_INFLATED_BYTES { Err(InflateError::TooMuch) } else { Ok(true) }
    }

    /// # Errors
    /// When the end is missing, or its checksum is wrong.
    pub fn finish(&mut self) -> Result<(), InflateError> {
        self.inner.try_finish().map_err(|_| InflateError::End)?;
        if self.inner.get_ref().is_empty() { Ok(()) } else { Err(InflateError::Broken) }
    }
}
