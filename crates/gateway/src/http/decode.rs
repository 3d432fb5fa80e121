//! Content codings, undone piece by piece and within bounds, so that what is inside can be looked at.

use std::io::Write as _;

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use hyper::body::Bytes;
use hyper::header::{CONTENT_ENCODING, HeaderMap};

use super::body::BodyError;

/// What is fed at once: bounds what one piece can become.
pub(super) const MAX_PIECE_BYTES: usize = 4 << 10;
/// What one piece may become. Larger is no text that was made smaller, but a trap.
const MAX_GROWN_BYTES: usize = 1 << 20;

/// How a body is coded (RFC 9110, section 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Deflate,
    /// One that is not undone here, or several.
    Other,
}

pub(super) enum Decoder {
    /// Which of the two forms it has shows at its first byte.
    Deflate,
    Gzip(MultiGzDecoder<Vec<u8>>),
    Raw(DeflateDecoder<Vec<u8>>),
    Zlib(ZlibDecoder<Vec<u8>>),
}

// === impl Coding ===

impl Coding {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut all = headers.get_all(CONTENT_ENCODING).iter();
        match (all.next().map(|value| value.as_bytes().to_ascii_lowercase()), all.next()) {
            (None, _) => Self::Plain,
            (Some(one), None) => match one.trim_ascii() {
                b"" | b"identity" => Self::Plain,
                b"gzip" | b"x-gzip" => Self::Gzip,
                b"deflate" => Self::Deflate,
                _ => Self::Other,
            },
            (Some(_), Some(_)) => Self::Other,
        }
    }

    pub(super) fn decoder(self) -> Option<Decoder> {
        match self {
            Self::Plain | Self::Other => None,
            Self::Gzip => Some(Decoder::Gzip(MultiGzDecoder::new(Vec::new()))),
            Self::Deflate => Some(Decoder::Deflate),
        }
    }
}

// === impl Decoder ===

impl Decoder {
    /// Decodes at most [`MAX_PIECE_BYTES`].
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Bytes, BodyError> {
        let unreadable = |_| BodyError::Unreadable;
        if let Self::Deflate = self {
            let Some(first) = piece.first() else { return Ok(Bytes::new()) };
            // The zlib form says 8 in its lower half (RFC 1950, section 2.2); servers send either (RFC 9110, 8.4.1.2).
            *self = if first & 0x0f == 8 {
                Self::Zlib(ZlibDecoder::new(Vec::new()))
            } else {
                Self::Raw(DeflateDecoder::new(Vec::new()))
            };
        }
        let mut rest = piece;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_checked(256).unwrap_or((rest, &[]));
            rest = later;
            let grown = match self {
                Self::Deflate => return Err(BodyError::Unreadable),
                Self::Gzip(decoder) => decoder.write_all(now).map(|()| decoder.get_ref().len()),
                Self::Raw(decoder) => decoder.write_all(now).map(|()| decoder.get_ref().len()),
                Self::Zlib(decoder) => decoder.write_all(now).map(|()| decoder.get_ref().len()),
            };
            if grown.map_err(unreadable)? > MAX_GROWN_BYTES {
                return Err(BodyError::Unreadable);
            }
        }
        let flushed = match self {
            Self::Deflate => return Err(BodyError::Unreadable),
            Self::Gzip(decoder) => decoder.flush().map(|()| std::mem::take(decoder.get_mut())),
            Self::Raw(decoder) => decoder.flush().map(|()| std::mem::take(decoder.get_mut())),
            Self::Zlib(decoder) => decoder.flush().map(|()| std::mem::take(decoder.get_mut())),
        };
        flushed.map(Bytes::from).map_err(unreadable)
    }

    /// What is left at the end. A body that breaks off is not readable.
    pub(super) fn finish(self) -> Result<Bytes, BodyError> {
        let left = match self {
            Self::Deflate => Ok(Vec::new()),
            Self::Gzip(decoder) => decoder.finish(),
            Self::Raw(decoder) => decoder.finish(),
            Self::Zlib(decoder) => decoder.finish(),
        };
        left.map(Bytes::from).map_err(|_| BodyError::Unreadable)
    }
}
